"""Why an equation is false: the mistake, in one of a documented set of words, and the right form."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symderiv.check.points import CLOSE, Point, Sides, Special, Values, close
from symderiv.check.repairs import Repair, missing_factors, repairs, values_at, with_bound
from symderiv.expression.construct import add, multiply, number, power
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Add,
    Call,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Size,
    Sum,
)
from symderiv.expression.traverse import replace_at, walk
from symderiv.problem import Assumption, Problem, names_in

#: Every word that a diagnosis may be.
DIAGNOSES = (
    "sign", "constant factor", "size factor", "diagonal only", "off-diagonal only", "delta dropped",
    "inner sum dropped", "restricted sum", "transposed matrix", "swapped index", "wrong exponent",
    "chain factor lost", "chain factor doubled", "wrong term", "wrong name", "special size",
    "definition", "shapes", "earlier slip", "unknown",
)  # fmt: skip
#: Changed formulas that are looked at, at most.
MOST = 4000
#: How long changed formulas are looked at, in seconds: a verdict must not wait for its explanation.
SECONDS = 2.5
#: Parts of formulas that may have been lost as factors, at most; and the powers of them that are tried.
MOST_PARTS = 12
_POWERS = ((-1, 1), (-2, 1), (-1, 2), (-3, 2))
#: Terms of a right form that are tried one by one, at most.
MOST_TERMS = 40


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong.

    Attributes
    ----------
    word
        One of `DIAGNOSES`.
    detail
        A phrase that says more: the factor, the letters, where the two sides agree.
    right_form
        A right side that makes the equation true (at every point looked at; the caller proves it), the
        one that stays nearest to what was written; None where none was found.
    """

    word: str
    detail: str = ""
    right_form: Expression | None = None


def diagnose(  # noqa: PLR0917 (what is known of the equation)
    problem: Problem,
    left: Expression,
    right: Expression,
    parts: Sequence[Expression] = (),
    form: Expression | None = None,
    assumptions: Sequence[Assumption] = (),
) -> Diagnosis:
    """Find out what is wrong with ``left = right``.

    Parameters
    ----------
    problem
        The names.
    left, right
        The sides of a false equation.
    parts
        Further factors that may have been lost, such as the slopes along the chain.
    form
        A right side that is true, where one is known: terms of it may be missing.
    assumptions
        What the document assumes.
    """
    sides = Sides.of(problem, left, right, Special.of(assumptions))
    found = _found(sides, (*parts, *_parts(problem, left, form)), form or _written_left(left))
    special = _only_where(sides, Special.of(assumptions))
    if not special:
        return found
    if found.word == "unknown":
        return Diagnosis("special size", special)
    detail = f"{found.detail}; {special}" if found.detail else special
    return Diagnosis(found.word, detail, found.right_form)


def _found(sides: Sides, parts: Sequence[Expression], form: Expression | None) -> Diagnosis:
    rights = sides.rights()
    ratio = _ratio(sides, rights)
    if ratio is not None:
        return ratio
    found = _by_repair(sides, parts, form)
    where = _where_equal(sides, rights)
    written_apart = any(isinstance(part, Delta) for _, part in walk(sides.right))
    likelier = found is not None and (written_apart or found.word in ("delta dropped", "swapped index"))
    if found is not None and (where is None or likelier):
        return found
    if where is not None:
        return Diagnosis(where.word, where.detail, found.right_form if found else None)
    return found or Diagnosis("unknown")


def _written_left(left: Expression) -> Expression | None:
    """A left side that is a formula itself: its terms may be missing on the right."""
    return None if isinstance(left, Derivative | Entry) else left


def _parts(problem: Problem, left: Expression, form: Expression | None) -> Iterator[Expression]:
    """Sums, exponentials and brackets of the formulas in play, with the powers that a denominator has."""
    nodes = [left, *([form] if form is not None else []), *(each.body for each in problem.definitions)]
    seen: set[Expression] = set()
    for node in nodes:
        for _, part in walk(node):
            bracket = isinstance(part, Sum | Add | Call) and not isinstance(part, Number)
            if bracket and part not in seen and len(seen) < MOST_PARTS:
                seen.add(part)
                yield from (part, *(power(part, number(Fraction(*each))) for each in _POWERS))


def diagnose_values(sides: Sides, rights: Sequence[Values]) -> Diagnosis | None:
    """What is wrong with values that come without a formula: a ratio, or where alone they are right.

    The right forms of what is returned mean nothing then: there is no formula that they could mend.
    """
    return _ratio(sides, rights) or _where_equal(sides, rights) or _special_size(sides, rights)


def _ratio(sides: Sides, rights: Sequence[Values]) -> Diagnosis | None:
    """A constant between the sides, or one that depends on the sizes alone."""
    by_point: list[float] = []
    for lefts, others in zip(sides.lefts, rights, strict=True):
        ratios = [
            a / b
            for a, b in zip(lefts.values(), others.values(), strict=True)
            if a is not None and b is not None and not (close(a, 0) and close(b, 0)) and b
        ]
        zeros = any(
            a is not None and (b is None or close(a, 0) != close(b, 0))
            for a, b in zip(lefts.values(), others.values(), strict=True)
        )
        if zeros or (ratios and not all(close(ratio, ratios[0]) for ratio in ratios)):
            return None
        by_point.append(ratios[0] if ratios else math.nan)
    known = [
        (point, ratio) for point, ratio in zip(sides.points, by_point, strict=True) if not math.isnan(ratio)
    ]
    if len(known) < 2 or any(close(ratio, 0) for _, ratio in known):
        return None
    if all(close(ratio, known[0][1]) for _, ratio in known):
        factor = Fraction(known[0][1]).limit_denominator(64)
        if not close(float(factor), known[0][1]) or factor == 1:
            return None
        if factor == -1:
            return Diagnosis("sign", "", multiply(number(-1), sides.right))
        return Diagnosis("constant factor", str(1 / factor), multiply(number(factor), sides.right))
    return _size_ratio(sides, known)


def _size_ratio(sides: Sides, known: Sequence[tuple[Point, float]]) -> Diagnosis | None:
    for axis in sides.problem.axes:
        for exponent, shown in ((1, f"1/{axis}"), (-1, axis)):
            scaled = [ratio / point.sizes[axis] ** exponent for point, ratio in known]
            constant = Fraction(scaled[0]).limit_denominator(64)
            if not all(close(each, float(constant)) for each in scaled) or abs(constant) != 1:
                continue
            size = Size(axis)
            fixed = multiply(size, sides.right) if exponent == 1 else multiply(_over(size), sides.right)
            return Diagnosis("size factor", shown, multiply(number(constant), fixed))
    return None


def _over(node: Expression) -> Expression:
    return power(node, -1)


def _where_equal(sides: Sides, rights: Sequence[Values]) -> Diagnosis | None:
    """Whether the equation holds where two letters are the same place, or only where they differ."""
    for place, one in enumerate(sides.letters):
        for other_place, other in enumerate(sides.letters[place + 1 :], place + 1):
            if one.axis != other.axis:
                continue
            same: list[bool] = []
            apart: list[bool] = []
            for lefts, others in zip(sides.lefts, rights, strict=True):
                for spot, a in lefts.items():
                    b = others[spot]
                    good = (a is None and b is None) or (a is not None and b is not None and close(a, b))
                    (same if spot[place] == spot[other_place] else apart).append(good)
            if not (same and apart):
                continue
            if all(same) and not all(apart):
                return Diagnosis("diagonal only", f"right where {one.name} = {other.name}")
            if all(apart) and not all(same):
                return Diagnosis("off-diagonal only", f"right where {one.name} != {other.name}")
    return None


def _by_repair(sides: Sides, parts: Sequence[Expression], form: Expression | None) -> Diagnosis | None:
    """One change of the right side that makes the equation true."""
    screen = _Screen(sides)
    until = time.monotonic() + SECONDS
    for count, repair in enumerate(_candidates(sides, parts, form)):
        if count > MOST or time.monotonic() > until:
            return None
        if screen.passes(repair.formula) and sides.equal(repair.formula):
            return Diagnosis(repair.word, repair.detail, repair.formula)
    return None


def _candidates(sides: Sides, parts: Sequence[Expression], form: Expression | None) -> Iterator[Repair]:
    yield from repairs(sides.right, sides.problem, sides.letters)
    factors = missing_factors(sides.problem, sides.letters, parts)
    for path, node, bound in with_bound(sides.right):
        if isinstance(node, Delta):
            continue
        inner = missing_factors(sides.problem, (*sides.letters, *bound), parts) if bound else factors
        for factor in inner:
            yield Repair("chain factor lost", "", replace_at(sides.right, path, multiply(node, factor)))
    terms = [*_terms(form), *written_out(form)] if form is not None else []
    for term in (*terms, *factors):
        for sign in (1, -1):
            whole = add(sides.right, multiply(number(sign), term))
            yield Repair("wrong term", "a term is missing", whole)
    yield from _inner_terms(sides)


def _terms(node: Expression) -> tuple[Expression, ...]:
    return node.terms if isinstance(node, Add) else (node,)


def _inner_terms(sides: Sides) -> Iterator[Repair]:
    """Brackets that have lost a term: 1, a value of a name, its square, or a term of another bracket."""
    others = [
        term
        for _, node, _ in with_bound(sides.right)
        if isinstance(node, Add)
        for term in node.terms
        if not isinstance(term, Number)
    ]
    for path, node, bound in with_bound(sides.right):
        if not path or isinstance(node, Number | Delta):
            continue
        values = values_at(sides.problem, (*sides.letters, *bound))
        squares = [power(value, 2) for value in values]
        for term in dict.fromkeys((number(1), *values, *squares, *others)):
            for sign in (1, -1):
                whole = replace_at(sides.right, path, add(node, multiply(number(sign), term)))
                yield Repair("wrong term", "a term is missing", whole)


def written_out(node: Expression) -> list[Expression]:
    """The terms of a formula once its brackets are multiplied out, if they are not too many."""
    match node:
        case Add(terms):
            found = [inner for term in terms for inner in written_out(term)]
        case Multiply(factors):
            found = [number(1)]
            for factor in factors:
                found = [multiply(one, other) for one in found for other in written_out(factor)]
                if len(found) > MOST_TERMS:
                    return [node]
        case Sum(index, body, condition):
            found = [Sum(index, term, condition) for term in written_out(body)]
        case _:
            return [node]
    return found if len(found) <= MOST_TERMS else [node]


class _Screen:
    """Looks at one place of one point first: most changed formulas are wrong there already."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        point, lefts = sides.points[0], sides.lefts[0]
        spots = [(spot, value) for spot, value in lefts.items() if value is not None]
        # The last place has letters apart where it can: the first has them all the same.
        self.spots = [spots[0], spots[len(spots) // 2], spots[-1]] if spots else []
        self.point = point

    def passes(self, formula: Expression) -> bool:
        if not self.spots or not set(free_indices(formula)) <= set(self.sides.letters):
            return False
        for spot, value in self.spots:
            places: dict[Index, int] = dict(zip(self.sides.letters, spot, strict=True))
            found = self.point.value(formula, places)
            if found is None or abs(found - value) > CLOSE * (abs(found) + abs(value)) + 1e-12:
                return False
        return True


def _only_where(sides: Sides, special: Special) -> str:
    """Where the equation does hold: for a number that is 1, or an axis of one place; nothing if nowhere."""
    problem = sides.problem
    used = names_in(sides.left) | names_in(sides.right)
    reached = {
        each.name
        for each in problem.inputs
        if any(each.name == name or problem.depends(Entry(name), each.name) for name in used)
    }
    for given in problem.inputs:
        if not given.axes and given.label_of is None and given.name in reached:
            one = special.with_more(Special(among=((given.name, (1.0,)),)))
            if _holds_at(sides, one):
                return f"right only for {given.name} = 1"
    for axis in problem.axes:
        if _holds_at(sides, special.with_more(Special(sizes={axis: 1}))):
            return f"right only for {axis} = 1"
    return ""


def _holds_at(sides: Sides, special: Special) -> bool:
    again = Sides.of(sides.problem, sides.left, sides.right, special)
    nonzero = any(
        value is not None and not close(value, 0) for table in again.lefts for value in table.values()
    )
    return nonzero and again.equal(again.right)


def _special_size(sides: Sides, rights: Sequence[Values]) -> Diagnosis | None:
    """Whether the equation holds where every axis has one place, and nowhere else."""
    good = [
        all(
            a is not None and b is not None and close(a, b)
            for a, b in zip(lefts.values(), others.values(), strict=True)
        )
        for lefts, others in zip(sides.lefts, rights, strict=True)
    ]
    for point, holds in zip(sides.points, good, strict=True):
        if holds and set(point.sizes.values()) == {1} and sum(good) == 1:
            return Diagnosis("special size", "right only where every axis has one place")
    return None
