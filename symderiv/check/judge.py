"""Judges claims: a proof, an assumption that is missing, or a counterexample with its diagnosis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from symderiv.calculus import derive
from symderiv.calculus.tidy import positive_first
from symderiv.check.content import Claim, Content
from symderiv.check.diagnosis import Diagnosis, diagnose
from symderiv.check.divisions import divided_by
from symderiv.check.document import Document, Place
from symderiv.check.einstein import repeated, summed
from symderiv.check.limits import SECONDS_PER_CLAIM, SECONDS_PER_DOCUMENT, OutOfTimeError, time_limit
from symderiv.check.lost import lost_names
from symderiv.check.reading import read
from symderiv.check.sources import read_file
from symderiv.check.stacked import stacked
from symderiv.check.two_cases import with_other_case
from symderiv.check.verdicts import Judgement, Report
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import ONE, Call, Compare, Derivative, Entry, Expression, Index, Number, Where
from symderiv.expression.traverse import walk
from symderiv.expression.unspecified import is_unspecified, read_slope
from symderiv.notation.dependence import without_dependence
from symderiv.notation.errors import NotationError
from symderiv.notation.tex.guesses import TAKES_ONE
from symderiv.notation.text import condition_to_text, to_text
from symderiv.problem import Assumption, Problem
from symderiv.proof import Verdict, prove
from symderiv.proof.judge import restricted
from symderiv.proof.missing import missing_assumption, without
from symderiv.proof.trial import reachable


def check_file(path: Path, assume: Sequence[str] = ()) -> Report:
    """Read and judge a file; raises :class:`~symderiv.check.document.DocumentError` if it cannot be read."""
    return check_document(read_file(path), assume)


def check_document(
    document: Document, assume: Sequence[str] = (), seconds: float = SECONDS_PER_CLAIM
) -> Report:
    """Judge every claim of a document.

    Parameters
    ----------
    document
        What to judge.
    assume
        Assumptions beside those of the document, in text notation.
    seconds
        How long one claim may take; one that takes longer is undecided.

    Raises
    ------
    NotationError
        If one of `assume` is not understood.
    """
    began = time.perf_counter()
    content = read(document, assume)
    found = []
    for claim in content.claims:
        left = SECONDS_PER_DOCUMENT - (time.perf_counter() - began)
        found.append(
            judged_claim(content, claim, seconds)
            if left > 0
            else _judgement(
                claim,
                "undecided",
                f"not judged: the document took more than {SECONDS_PER_DOCUMENT:g} seconds",
            )
        )
    found = _with_wide_logarithms(found, content, assume, seconds)
    found = with_other_case(found, content.assumptions)
    found += [
        Judgement(_place_of(each.error), "unreadable", each.error.message, display=each.display)
        for each in content.unreadable
    ]
    # Another display may tell other shapes: with one that is not understood, nothing is refuted by them.
    whole = not any(each.display for each in content.unreadable)
    verdict = "refuted" if whole else "unreadable"
    told = f"the shapes do not fit{'' if whole else ', as far as the displays are understood'}"
    found += [
        Judgement(
            _place_of(each.error), verdict, f"{told}: {each.error.message}",
            diagnosis=Diagnosis("shapes"), display=each.display, equality=each.equality,
            right_form=_own_form(content.problem, each.left) if each.left is not None else None,
        )
        for each in content.misshapen
    ]  # fmt: skip
    found += [
        Judgement(
            each.place, "definition", f"{each.name} is defined anew here: from here on it has this meaning",
            display=each.display,
        )
        for each in content.anew
    ]  # fmt: skip
    found += [Judgement(each.place, "note", each.message, display=each.display) for each in content.remarks]
    found.sort(key=lambda each: (each.place.path, each.place.cell, each.place.line, each.place.column))
    return Report(document.path, tuple(found), time.perf_counter() - began, content)


def _with_wide_logarithms(
    found: list[Judgement], content: Content, assume: Sequence[str], seconds: float
) -> list[Judgement]:
    r"""The judgements; those are conditional that are right where ``\log a b`` is the logarithm of a b."""
    notes = [*content.choices, *(note for claim in content.claims for note in claim.notes)]
    narrow = any(note.startswith("log ") and TAKES_ONE in note for note in notes)
    if not narrow or all(each.verdict != "refuted" for each in found):
        return found
    wide = read(content.document, assume, wide=True)
    claims = {claim.offset: claim for claim in wide.claims}
    taken = [*wide.choices, *(note for claim in wide.claims for note in claim.notes)]
    read_so = next((note for note in taken if note.startswith("log takes ")), "")
    changed = []
    for each in found:
        other = claims.get(each.claim.offset) if each.claim is not None else None
        right = other is not None and read_so and each.verdict == "refuted"
        if right and other is not None and judged_claim(wide, other, seconds).verdict == "proved":
            each = replace(
                each, verdict="conditional", condition=read_so, message=f"true where {read_so}",
                diagnosis=None, right_form=None,
            )  # fmt: skip
        changed.append(each)
    return changed


def _place_of(error: NotationError) -> Place:
    path, _, cell = error.path.partition(":cell ")
    return Place(path, int(cell or 0), error.line, error.column, error.source_line)


def judged_claim(content: Content, claim: Claim, seconds: float = SECONDS_PER_CLAIM) -> Judgement:
    """The verdict on one claim, whatever happens on the way to it."""
    try:
        with time_limit(seconds):
            return judge(content, claim)
    except OutOfTimeError:
        return _judgement(claim, "undecided", f"neither proved nor refuted within {seconds:g} seconds")
    except RecursionError:
        return _judgement(claim, "undecided", "not judged: with its definitions it is nested too deeply")
    except Exception as error:  # a fault of ours must not hide the other claims
        told = " ".join(str(error).split()) or type(error).__name__
        return _judgement(claim, "undecided", f"not judged, because of {type(error).__name__}: {told}")


def judge(content: Content, claim: Claim) -> Judgement:
    """The verdict on one claim."""
    problem = claim.problem
    for each in problem.upstream:
        if problem.input(each.of) is None and problem.definition(each.of) is None:
            message = f"{each.name} is a function of {each.of}, which no formula defines"
            return _judgement(claim, "unreadable", message)
    left, right = claim.left, claim.right
    shared = frozenset(free_indices(left)) & frozenset(free_indices(right))
    twice = [*repeated(left, shared), *repeated(right, shared)]
    if twice and content.einstein:
        left, right = summed(left, shared), summed(right, shared)
    elif twice:
        letter = twice[0].name
        told = f"{letter} occurs twice in a term of one side and not on the other: write a sum over {letter}"
        return _judgement(claim, "unreadable", f"{told}, or say 'einstein' in a directive")
    unknown = without_dependence(problem, (left, right), declared=())
    if unknown is not None:
        return _to_be_solved(claim) if _is_to_be_solved(claim) else _not_depending(claim, unknown)
    problem = _with_fixed(content, problem, (left, right))
    letters = set(letters_of(left, right))
    assumed = [each for each in content.where if set(free_indices(Where(each, ONE, ONE))) <= letters]
    left, right = restricted(left, right, (*claim.conditions, *assumed))
    verdict = prove(left, right, problem, content.assumptions, away=claim.away)
    row = content.layouts.get((claim.display, claim.equality))
    if verdict.kind == "proved" and row is not None:
        told = f"true only where {row} stands as a row"
        return _judgement(claim, "conditional", told, method=verdict.method, condition=f"row {row}")
    if verdict.kind == "proved":
        zero = divided_by(problem, left, right)
        if zero:
            told = f"true under {zero}: the right side divides by it, the left side does not"
            return _judgement(claim, "conditional", told, method=verdict.method, condition=zero)
        return _judgement(claim, "proved", f"proved: {verdict.method}", method=verdict.method)
    sentence = condition_said(claim, left, right)
    if sentence is not None:
        left, right = restricted(left, right, (sentence,))
        verdict = prove(left, right, problem, content.assumptions, away=claim.away)
        if verdict.kind == "proved":
            where = condition_to_text(sentence)
            told = f"proved where {where}, as the sentence before it says: {verdict.method}"
            return _judgement(claim, "proved", told, method=verdict.method)
    unknown = without_dependence(problem, (left, right))
    if unknown is not None:
        return _not_depending(claim, unknown)
    if _is_to_be_solved(claim):
        return _to_be_solved(claim)
    found = stacked(content.document, problem, left, right)
    given, first = "", verdict
    if found is not None:
        left, right, given = found.left, found.right, found.condition
        claim = replace(claim, notes=(*claim.notes, f"judged with {given}, as the letters say"))
        verdict = prove(left, right, problem, content.assumptions, away=claim.away)
        if verdict.kind == "proved":
            return _judgement(
                claim, "conditional", f"true under {given}",
                method=verdict.method, condition=given, counterexample=first.counterexample,
            )  # fmt: skip
    condition = missing_assumption(left, right, problem, content.assumptions, away=claim.away)
    if condition is not None:
        text = " and ".join(filter(None, (given, condition.text)))
        return _judgement(
            claim, "conditional", f"true under {text}",
            method=condition.verdict.method, condition=text, counterexample=first.counterexample,
        )  # fmt: skip
    if verdict.kind == "undecided":
        return _judgement(claim, "undecided", f"neither proved nor refuted: {verdict.method}")
    lost = sorted(lost_names(content) & _undefined(problem, (left, right)))
    if lost:
        told = (
            f"{lost[0]} would be defined by a display that is not understood: without it this is not judged"
        )
        return _judgement(claim, "unreadable", told)
    try:
        return _refuted(content, replace(claim, problem=problem), left, right, verdict)
    except OutOfTimeError:  # what is wrong is known, though not why
        message = f"{to_text(claim.left)} = {to_text(claim.right)} is false{verdict.where()}"
        return _judgement(
            claim, "refuted", message, counterexample=verdict.counterexample, diagnosis=Diagnosis("unknown"),
        )  # fmt: skip


def _undefined(problem: Problem, sides: tuple[Expression, ...]) -> set[str]:
    """The inputs and the unspecified functions that an equation depends on."""
    names = reachable(sides, problem)
    bodies = [definition.body for name in names if (definition := problem.definition(name)) is not None]
    called = (part.function for tree in (*sides, *bodies) for _, part in walk(tree) if isinstance(part, Call))
    slopes = [read_slope(function) for function in called if is_unspecified(function)]
    functions = {slope.function for slope in slopes if slope is not None}
    upstream = {each.name for each in problem.upstream}
    return {name for name in names if name in upstream or problem.input(name) is not None} | functions


def _with_fixed(content: Content, problem: Problem, sides: tuple[Expression, ...]) -> Problem:
    """The problem in which names that a directive holds fixed are constants, where a derivative is taken."""
    derivatives = any(isinstance(part, Derivative) for side in sides for _, part in walk(side))
    group = [each for each in problem.definitions if each.name in content.fixed]
    return without(problem, group) if derivatives and group else problem


def _judgement(claim: Claim, verdict: str, message: str, **more: Any) -> Judgement:
    return Judgement(
        claim.place, verdict, message, claim, display=claim.display, equality=claim.equality, **more
    )


def _end_is_right(content: Content, claim: Claim) -> bool | None:
    """Whether the ends of a chain are equal although this sign in it is wrong; None for a chain of two."""
    if claim.first is None or claim.last is None or (claim.first, claim.last) == (claim.left, claim.right):
        return None
    ends = restricted(claim.first, claim.last, claim.conditions)
    return prove(*ends, claim.problem, content.assumptions, away=claim.away).kind == "proved"


def _refuted(
    content: Content, claim: Claim, left: Expression, right: Expression, verdict: Verdict
) -> Judgement:
    problem = claim.problem
    message = f"{to_text(claim.left)} = {to_text(claim.right)} is false{verdict.where()}"
    if claim.first is not None and claim.first != claim.left:
        (start, _), assumed = restricted(claim.first, right, claim.conditions), content.assumptions
        if prove(start, right, problem, assumed, away=claim.away).kind == "proved":
            told = "the right side is what the chain began with: the mistake is on the left of this sign"
            return _judgement(
                claim, "refuted", message,
                counterexample=verdict.counterexample, diagnosis=Diagnosis("earlier slip", told),
                end_is_right=_end_is_right(content, claim),
            )  # fmt: skip
    diagnosis, right_form = mistake(problem, left, right, content.assumptions, away=claim.away)
    return _judgement(
        claim, "refuted", message,
        counterexample=verdict.counterexample, diagnosis=diagnosis, right_form=right_form,
        end_is_right=_end_is_right(content, claim),
    )  # fmt: skip


def mistake(
    problem: Problem,
    left: Expression,
    right: Expression,
    assumptions: Sequence[Assumption] = (),
    *,
    away: bool = False,
) -> tuple[Diagnosis, Expression | None]:
    """What is wrong with ``left = right``, which is false; and a right side that is proved to be right.

    That right side is None where none was found.
    """
    form = _own_form(problem, left)
    diagnosis = diagnose(problem, left, right, form=form, assumptions=assumptions)
    right_form = form
    if (
        diagnosis.right_form is not None
        and prove(left, diagnosis.right_form, problem, assumptions, away=away).kind == "proved"
    ):
        right_form = diagnosis.right_form  # it stays nearest to what was written
    return diagnosis, positive_first(right_form) if right_form is not None else None


def condition_said(claim: Claim, left: Expression, right: Expression) -> Compare | None:
    """The condition that the sentence before a claim says, where it is one on letters of these sides."""
    if claim.sentence is None:
        return None
    labels = tuple(Entry(each.name) for each in claim.problem.inputs if each.label_of and not each.axes)
    return claim.sentence.among(letters_of(left, right), labels)


def letters_of(left: Expression, right: Expression) -> tuple[Index, ...]:
    """The free letters of an equation."""
    return tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))


def _not_depending(claim: Claim, found: tuple[str, str]) -> Judgement:
    of, by = found
    told = f"nothing that is written makes {of} depend on {by}: define {of}"
    return _judgement(claim, "unreadable", f"{told}, by a formula or with 'let' in a directive")


def _own_form(problem: Problem, left: Expression) -> Expression | None:
    """The form that the calculus gives a left side, if it is a derivative and the form is proved."""
    if isinstance(left, Derivative) and isinstance(left.of, Entry):
        try:
            form = derive(problem, left.of, left.by).result
        except Exception:  # the diagnosis is the better for a form, but does without one
            return None
        if prove(left, form, problem).kind == "proved":
            return form
    return None


def _to_be_solved(claim: Claim) -> Judgement:
    return _judgement(claim, "equation", "a derivative set to zero: an equation to be solved, not judged")


def _is_to_be_solved(claim: Claim) -> bool:
    """``dL/dw = 0``: nobody claims that this is so everywhere."""
    if not (isinstance(claim.right, Number) and claim.right.value == 0 and "0" in claim.written[1]):
        return False  # a right side such as x (1 - 1) is a mistake, and no equation
    continued = claim.first is not None and claim.first is not claim.left
    return any(isinstance(part, Derivative) for _, part in walk(claim.left)) or continued
