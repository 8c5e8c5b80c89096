"""Right documents with one mistake put into one of their formulas, and what checking says of it.

A mistake is made in the formula as it was read; the formula is written as LaTeX again and put into the
document in the place of the right one, so that everything is tried: reading, judging, and the place that is
named. A mutant counts if it is false in every way that a condition could mend: its values differ from the
true ones where everything holds that a verdict may suppose.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from symderiv.check import check_document, read_text
from symderiv.check.content import Claim, Content
from symderiv.check.judge import condition_said, letters_of
from symderiv.check.points import Sides, Special, close
from symderiv.check.reading import read
from symderiv.check.verdicts import Judgement
from symderiv.expression.canonical import same
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Compare, Entry, Expression
from symderiv.notation.errors import NotationError
from symderiv.notation.latex import to_latex
from symderiv.problem import Problem
from symderiv.proof.judge import restricted
from tests.check.mutants import ALSO_RIGHT, mutants
from tests.check.test_examples import EXPECTED, FOLDER


@dataclass(frozen=True)
class Mutant:
    """A document with a mistake: the word for it, and the ``=`` that it makes false."""

    document: str
    word: str
    text: str
    display: int
    equality: int
    formula: str


@dataclass(frozen=True)
class Found:
    """What was said: the verdict at the ``=`` and its word, and the false ``=`` elsewhere."""

    verdict: str
    word: str
    elsewhere: tuple[str, ...]
    said: str


def candidates(names: Sequence[str]) -> Iterator[tuple[Content, Claim, str, Expression]]:
    """Every mistake in every true claim of some of the examples."""
    for name in names:
        expected = EXPECTED[name]
        content = read(read_text((FOLDER / f"{name}.md").read_text("utf-8"), f"{name}.md"))
        for claim in content.claims:
            if expected.get(f"{claim.display}.{claim.equality}") != "proved":
                continue
            letters = tuple(dict.fromkeys((*free_indices(claim.left), *free_indices(claim.right))))
            for word, changed in mutants(claim.right, letters):
                if set(free_indices(changed)) <= set(letters):
                    yield content, claim, word, changed


def chosen(count: int, seed: int, names: Sequence[str] = tuple(EXPECTED)) -> Iterator[Mutant]:
    """`count` mutants of the examples named, as many of each kind of mistake as there are, if that can be."""
    kinds: dict[str, list[tuple[Content, Claim, Expression]]] = {}
    for content, claim, word, changed in candidates(names):
        kinds.setdefault(word, []).append((content, claim, changed))
    rng = random.Random(seed)
    for listed in kinds.values():
        rng.shuffle(listed)
    made = 0
    while made < count and any(kinds.values()):
        for word, listed in kinds.items():
            while listed:
                content, claim, changed = listed.pop()
                mutant = written(content, claim, word, changed)
                if mutant is not None and made < count:
                    made += 1
                    yield mutant
                    break


def written(content: Content, claim: Claim, word: str, changed: Expression) -> Mutant | None:
    """The document with the mistake in it; None where it is true, or is read back as another formula."""
    if not is_false_in_every_way(content, claim, changed):
        return None
    try:
        latex = to_latex(changed, claim.problem)
    except NotationError:
        return None
    text, end = content.document.text, claim.span[1]
    begin = end - len(claim.written[1])
    text = f"{text[:begin]} {latex} {text[end:]}"
    again = read(read_text(text, content.document.path))
    there = [
        each for each in again.claims if (each.display, each.equality) == (claim.display, claim.equality)
    ]
    if len(there) != 1 or again.unreadable:
        return None
    if not (same(there[0].right, changed) and same(there[0].left, claim.left)):
        return None
    return Mutant(content.document.path, word, text, claim.display, claim.equality, latex)


def is_false_in_every_way(content: Content, claim: Claim, changed: Expression) -> bool:
    """Whether a mutant is false, also under the conditions that a verdict may name.

    A formula that lacks a delta may be true where two letters differ or where a letter is a label's
    place, and one with a transposed matrix where square matrices are symmetric.
    """
    left, right = stated(content, claim, changed)
    letters = letters_of(left, right)
    places = [
        Entry(each.name) for each in claim.problem.inputs if each.label_of is not None and not each.axes
    ]
    where = [
        *(Compare("!=", one, other) for one, other in combinations(letters, 2) if one.axis == other.axis),
        *(Compare(sign, letter, place) for letter in letters for place in places for sign in ("==", "!=")
          if claim.problem.input(place.array).label_of == letter.axis),
    ]  # fmt: skip
    square = [each.name for each in claim.problem.inputs if len(each.axes) == 2 and len(set(each.axes)) == 1]
    return all(
        differ(content, claim.problem, *restricted(left, right, each), Special(symmetric=matrices))
        for each in ((), *((one,) for one in where))
        for matrices in ([], *([square] if square else []))
    )


def stated(content: Content, claim: Claim, changed: Expression) -> tuple[Expression, Expression]:
    """Both sides where the document claims that they are equal."""
    sentence = condition_said(claim, claim.left, changed)
    where = (*claim.conditions, *content.where, *([sentence] if sentence is not None else []))
    return restricted(claim.left, changed, where)


def differ(content: Content, problem: Problem, left: Expression, right: Expression, special: Special) -> bool:
    """Whether two sides differ somewhere, where the inputs are as the document and `special` say."""
    sides = Sides.of(problem, left, right, Special.of(content.assumptions).with_more(special))
    return any(
        a is not None and b is not None and not close(a, b)
        for lefts, rights in zip(sides.lefts, sides.rights(), strict=True)
        for a, b in zip(lefts.values(), rights.values(), strict=True)
    )


def found(mutant: Mutant) -> Found:
    """What checking says of a mutant."""
    report = check_document(read_text(mutant.text, mutant.document))
    here: Judgement | None = None
    elsewhere = []
    for each in report.judgements:
        spot = f"{each.display}.{each.equality}"
        if (each.display, each.equality) == (mutant.display, mutant.equality):
            here = each
        elif (each.display, each.equality) == (mutant.display, mutant.equality + 1):
            continue  # the next in the chain, which begins with the mistake
        elif each.verdict not in ("equation", "note", "definition") and each.verdict != EXPECTED[
            mutant.document.removesuffix(".md")
        ].get(spot):
            elsewhere.append(f"{spot} {each.verdict}")
    if here is None:
        return Found("nothing", "", tuple(elsewhere), "")
    word = here.diagnosis.word if here.diagnosis is not None else ""
    detail = here.diagnosis.detail if here.diagnosis is not None else here.condition
    return Found(here.verdict, word, tuple(elsewhere), detail)


def is_right(mutant: Mutant, said: Found) -> bool:
    """Whether the word for the mistake is the right one, or says the same."""
    return said.word in (mutant.word, *ALSO_RIGHT.get(mutant.word, ()))


def table(count: int, seed: int) -> Iterator[tuple[str, Found | None]]:
    """Judge `count` mutants: a line for each that is not well told, then one for each kind of mistake."""
    rows: dict[str, Counter[str]] = {}
    for mutant in chosen(count, seed):
        said = found(mutant)
        right = is_right(mutant, said)
        row = rows.setdefault(mutant.word, Counter())
        row.update(["mutants", said.verdict])
        row.update(["right word"] if right else [])
        row.update(["elsewhere"] if said.elsewhere else [])
        if said.verdict != "refuted" or said.elsewhere or not right:
            others = f"; also {', '.join(said.elsewhere)}" if said.elsewhere else ""
            spot = f"{mutant.document} {mutant.display}.{mutant.equality}"
            told = f"{said.verdict}, {said.word or '-'} ({said.said}){others}"
            yield f"{spot} {mutant.word} -> {told}: {mutant.formula}", said
    heads = ("mutants", "refuted", "conditional", "undecided", "proved", "right word", "elsewhere")
    yield f"{'':20}" + "".join(f"{head:>12}" for head in heads), None
    rows = dict(sorted(rows.items()))
    rows["all"] = sum(rows.values(), Counter())
    for word, row in rows.items():
        yield f"{word:20}" + "".join(f"{row[head]:>12}" for head in heads), None
