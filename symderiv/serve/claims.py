"""Every ``=`` that claims something, judged, as the playground shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from symderiv.check.diagnosis import Diagnosis
from symderiv.check.formats import details, headline, printable
from symderiv.check.judge import mistake
from symderiv.check.verdicts import VERDICTS, Judgement
from symderiv.documents.formulas import Formula, formula
from symderiv.documents.verdicts import counterexample_sides, counterexample_spots
from symderiv.expression.nodes import Expression
from symderiv.expression.traverse import has_derivative
from symderiv.notation.errors import NotationError
from symderiv.notation.formulas import Statement
from symderiv.notation.latex import to_latex
from symderiv.notation.latex_names import latex_name
from symderiv.notation.mathml import MathmlError, latex_to_mathml
from symderiv.notation.tex.guesses import LAST_OF_CASES
from symderiv.notation.text import condition_to_text, to_text
from symderiv.notation.typed import read_expression
from symderiv.problem import Problem
from symderiv.proof.judge import Judged, judge, restricted
from symderiv.proof.prove import prove
from symderiv.serve.places import Place, equals_signs, place_at
from symderiv.serve.understood import Formulas

if TYPE_CHECKING:
    from markupsafe import Markup

SIGNS = {"proved": "✓", "refuted": "✗", "conditional": "⚠", "undecided": "?", "unreadable": "¿"}
#: From the worst to the best; what is to be solved, or said beside the claims, is none of these.
KINDS = VERDICTS


@dataclass(frozen=True)
class Row:
    """One ``=`` and what is said of it.

    Attributes
    ----------
    right
        The right side, set.
    text
        The equation in text notation.
    kind
        Its verdict.
    words
        The verdict in a sentence.
    place
        Where the sign stands in what was typed; None where that is not known.
    first
        Whether it is the first that is wrong.
    where, left_value, right_value
        The counterexample: the point, and both sides there.
    condition, condition_text
        The assumption under which it is true, set and in text notation.
    remarks
        What else is to be said, a sentence each.
    because
        What its proof rests on.
    right_form, right_text, right_latex
        A right side that is proved to be right, where one is known.
    """

    right: Formula
    text: str
    kind: str
    words: str
    place: Place | None = None
    first: bool = False
    where: tuple[Markup | str, ...] = ()
    left_value: str = ""
    right_value: str = ""
    condition: Markup | str = ""
    condition_text: str = ""
    remarks: tuple[str, ...] = ()
    because: str = ""
    right_form: Formula | None = None
    right_text: str = ""
    right_latex: str = ""

    @property
    def sign(self) -> str:
        """The verdict as a sign."""
        return SIGNS[self.kind]


@dataclass(frozen=True)
class Chain:
    """``a = b = c``: what it begins with, a row for each ``=``, and where it is claimed."""

    start: Formula
    rows: tuple[Row, ...]
    conditions: tuple[str, ...] = ()


def chains(formulas: Formulas, text: str) -> Iterator[Chain]:
    """The claims of formulas: those of the statements, then the forms that ``expect`` lines state."""
    typed = formulas.typed
    opened = any(guess.message == LAST_OF_CASES for guess in typed.guesses)
    signs = equals_signs(text, typed.statements)
    for statement, places in zip(typed.statements, signs, strict=True):
        if statement.claims():
            away = opened or any(map(has_derivative, statement.sides))
            yield _chain(statement, places, typed.problem, text, away)
    for stated in typed.problem.expectations:
        if stated.form is not None:
            problem = replace(typed.problem, assumptions=stated.assuming)
            yield _chain(Statement((stated.derivative, stated.form), ("", "")), (), problem, text, True)


def _chain(statement: Statement, places: Sequence[int], problem: Problem, text: str, away: bool) -> Chain:
    """A chain, judged sign by sign."""
    rows: list[Row] = []
    start = statement.sides[statement.claims()[0][0]]
    for one, other in statement.claims():
        left, right = statement.sides[one], statement.sides[other]
        judged = judge(left, right, problem, statement.conditions, away=away)
        place = place_at(text, places[other - 1], 1) if len(places) >= other else None
        row = _row(judged, problem, place, away)
        if judged.kind == "refuted":
            ends = restricted(start, right, statement.conditions)
            slip = any(each.kind == "refuted" for each in rows)
            again = slip and prove(*ends, problem, problem.assumptions, away=away).kind == "proved"
            if again:
                told = "the right side is what the chain began with: the mistake is on the left of this sign"
                row = replace(row, remarks=(told,), right_form=None, right_text="", right_latex="")
        rows.append(row)
    return Chain(
        formula(to_latex(start, problem)), tuple(rows), tuple(map(condition_to_text, statement.conditions))
    )


def _row(judged: Judged, problem: Problem, place: Place | None, away: bool) -> Row:
    verdict = judged.under or judged.verdict
    row = Row(
        formula(to_latex(judged.right, problem)),
        f"{to_text(judged.left)} = {to_text(judged.right)}",
        judged.kind,
        _words(judged),
        place,
        because=verdict.because,
    )
    remarks = [each for each in (verdict.caution(),) if each]
    if verdict.kind == "proved" and verdict.domain:
        remarks.append(f"where {' and '.join(verdict.domain)}")
    if verdict.kind == "proved" and verdict.rests_on:
        stated = (f"{to_text(each.left)} == {to_text(each.right)}" for each in verdict.rests_on)
        remarks.append(f"assuming {' and '.join(stated)}")
    if judged.kind == "undecided" and verdict.points:
        remarks.append(
            f"both sides agree at {verdict.points} points to {verdict.digits} digits, which is no proof"
        )
    row = _with_counterexample(row, judged.verdict.counterexample)
    if judged.condition:
        condition = _condition(judged.condition, problem)
        row = replace(row, condition=condition, condition_text=judged.condition)
    if judged.kind == "refuted":
        sides = restricted(judged.left, judged.right, judged.conditions)
        diagnosis, form = mistake(problem, *sides, problem.assumptions, away=away)
        remarks += _diagnosed(diagnosis)
        if form is not None:
            row = _with_form(row, form, problem)
    return replace(row, remarks=tuple(remarks))


def _with_counterexample(row: Row, found: Mapping[str, Any]) -> Row:
    if not found:
        return row
    spots = counterexample_spots({"values": {}, **found})
    left, right = counterexample_sides(found)
    where = tuple(_set(f"{latex_name(name)} = {value}", f"{name} = {value}") for name, value in spots)
    return replace(row, where=where, left_value=left, right_value=right)


def _set(latex: str, text: str) -> Markup | str:
    from markupsafe import Markup

    try:
        return Markup(latex_to_mathml(latex, display=False))
    except MathmlError:
        return text


def _with_form(row: Row, form: Expression, problem: Problem) -> Row:
    latex = to_latex(form, problem)
    return replace(row, right_form=formula(latex), right_text=to_text(form), right_latex=latex)


def _words(judged: Judged) -> str:
    verdict = judged.under or judged.verdict
    match judged.kind:
        case "proved":
            return f"proved for every size, by {verdict.method}"
        case "conditional":
            return "true under an assumption that is not stated"
        case "refuted":
            return "false"
        case _:
            return f"neither proved nor refuted: {verdict.method}"


def _diagnosed(diagnosis: Diagnosis) -> list[str]:
    if diagnosis.word == "unknown":
        return []
    return [f"Diagnosis: {diagnosis.word}" + (f" ({diagnosis.detail})" if diagnosis.detail else "")]


def _condition(text: str, problem: Problem) -> Markup | str:
    """An assumption, set where it can be."""
    left, sign, right = text.partition(" == ")
    if not sign:
        return text
    try:
        sides = [to_latex(read_expression(each, problem, False), problem) for each in (left, right)]
    except NotationError:
        return text
    return _set(" = ".join(sides), text)


def judged_chains(judgements: Sequence[Judgement]) -> Iterator[Chain]:
    """The claims of a document, each a chain of its own."""
    for each in judgements:
        claim = each.claim
        if claim is None or each.verdict not in KINDS:
            continue
        right_form = each.right_form
        told = [line for line in details(each) if not line.startswith(("right: ", "true under: ", "at "))]
        row = Row(
            formula(to_latex(claim.right, claim.problem)),
            headline(each),
            each.verdict,
            {"refuted": "false", "conditional": "true under an assumption that is not stated"}.get(
                each.verdict, printable(each.message)
            ),
            Place(each.place.line, each.place.column, claim.offset, claim.offset + 1),
            condition=_condition(each.condition, claim.problem) if each.condition else "",
            condition_text=each.condition,
            remarks=tuple(_capital(printable(line)) for line in told),
        )
        row = _with_counterexample(row, each.counterexample)
        if right_form is not None and each.verdict == "refuted":
            row = _with_form(row, right_form, claim.problem)
        yield Chain(
            formula(to_latex(claim.left, claim.problem)),
            (row,),
            tuple(map(condition_to_text, claim.conditions)),
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("diagnosis: ") else text


def worst(found: Sequence[Chain]) -> str:
    """The worst verdict of some claims; nothing where nothing is claimed."""
    kinds = {row.kind for chain in found for row in chain.rows}
    return next((kind for kind in KINDS if kind in kinds), "")


def with_first(found: Sequence[Chain]) -> list[Chain]:
    """The same, the first wrong sign marked: that which stands first in the text."""
    wrong = [row for chain in found for row in chain.rows if row.kind == "refuted"]
    if not wrong:
        return list(found)
    first = min(wrong, key=lambda row: row.place.begin if row.place else 1 << 60)
    return [
        replace(chain, rows=tuple(replace(row, first=True) if row is first else row for row in chain.rows))
        for chain in found
    ]
