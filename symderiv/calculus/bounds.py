"""Rules for shifted indices: where an entry may be outside of its array, and what a sum runs over.

An entry outside of its array is 0, so a product with it needs no condition; anything else does.
"""

from __future__ import annotations

from symderiv.calculus.context import Context, rule
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
)
from symderiv.expression.indices import all_letters, indices_in_term, rename
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Number,
    Power,
    Product,
    Shift,
    Sum,
    Where,
)
from symderiv.expression.shifts import conditions_of, is_within, linear, solved, within
from symderiv.expression.traverse import children, walk
from symderiv.problem import Problem

_KNUTH = "Graham, Knuth, Patashnik, Concrete Mathematics, chapter 2"


def is_defined(node: Expression) -> bool:
    """Whether `node` has a value at every place: 0 times a pole is not 0."""
    for _, part in walk(node):
        if isinstance(part, Power) and not (isinstance(part.exponent, Number) and part.exponent.value > 0):
            return False
        if isinstance(part, Call) and part.function in ("log", "sqrt", "tan", "gamma", "digamma", "trigamma"):
            return False
    return True


def vanishes_outside(node: Expression, place: IndexTerm) -> bool:
    """Whether a product is 0 where `place`, an index in it, is outside of its axis.

    It is not said of one with the place inside of a function too: that would read as if it had a value.
    """
    if not is_defined(node) or any(
        isinstance(part, Call) and stands_in(part, place) for _, part in walk(node)
    ):
        return False
    for factor in factors_of(node):
        base, _ = base_and_exponent(factor)
        entries = base.by if isinstance(base, Derivative) else (base,) if isinstance(base, Entry) else ()
        if any(place in entry.indices for entry in entries):
            return True
    return False


def stands_in(node: Expression, place: IndexTerm) -> bool:
    """Whether an entry in `node` has `place` as an index."""
    return any(isinstance(part, Entry) and place in part.indices for _, part in walk(node))


def picked(node: Expression, letter: Index, place: IndexTerm) -> Expression:
    """The term of Σ over `letter` at `place`; 0 where that is no place of the axis."""
    found = rename(node, {letter: place})
    condition = within(place, letter.axis)
    if condition is None or vanishes_outside(node, letter):
        return found
    return Where(condition, found, ZERO)


def within_bounds(node: Expression, indices: tuple[IndexTerm, ...]) -> Expression:
    """`node` where all the places lie on their axes, else 0."""
    for condition in reversed(conditions_of(indices)):
        node = Where(condition, node, ZERO)
    return node


def slope_of_entry(of: Entry, by: Entry) -> Expression:
    """The derivative of one entry of an array by another: deltas, and 0 where both are outside."""
    slope = multiply(*(Delta(left, right) for left, right in zip(of.indices, by.indices, strict=True)))
    both = [
        left
        for left, right in zip(of.indices, by.indices, strict=True)
        if isinstance(left, Shift) and isinstance(right, Shift)
    ]
    return within_bounds(slope, tuple(both))


def _bounded(factor: Expression) -> bool:
    return isinstance(factor, Where) and factor.otherwise == ZERO


def _has_delta_on(node: Expression, letters: tuple[Index, ...]) -> bool:
    if isinstance(node, Delta):
        return any(index in letters for side in (node.left, node.right) for index in indices_in_term(side))
    if isinstance(node, Sum | Product | Extremum):
        return False
    return any(_has_delta_on(child, letters) for child in children(node))


def _chain(node: Expression) -> tuple[tuple[Index, ...], Expression]:
    letters: list[Index] = []
    while isinstance(node, Sum) and node.condition is None:
        letters.append(node.index)
        node = node.body
    return tuple(letters), node


def _over(letters: tuple[Index, ...], body: Expression) -> Expression:
    for letter in reversed(letters):
        body = Sum(letter, body)
    return body


@rule(
    Sum,
    law=r"\sum_k [c_k]\, f_k (\delta_{kj} - g_k)"
    r" = \sum_k [c_k]\, f_k \delta_{kj} - \sum_k [c_k]\, f_k g_k",
    source=_KNUTH,
    example=(
        "sum(k, where(k + 1 in K, t[k] * (delta(k, j) - p[j]), 0))",
        "sum(k, where(k + 1 in K, t[k] * delta(k, j), 0)) + sum(k, where(k + 1 in K, t[k] * (-1 * p[j]), 0))",
    ),
    terminates="fewer deltas inside brackets under a sum",
)
def expand_within_bounds(node: Expression, context: Context) -> Expression | None:
    """Multiply out a bracket with a delta on a summed letter where a condition stands around it."""
    letters, core = _chain(node)
    factors = factors_of(core)
    for place, factor in enumerate(factors):
        if not isinstance(factor, Where) or not _bounded(factor) or not _has_delta_on(factor.then, letters):
            continue
        parts = _split(factor.then, letters)
        if parts is None:
            continue
        return add(
            *(
                _over(
                    letters,
                    multiply(*factors[:place], Where(factor.condition, part, ZERO), *factors[place + 1 :]),
                )
                for part in parts
            )
        )
    return None


def _split(node: Expression, letters: tuple[Index, ...]) -> list[Expression] | None:
    """The terms of a product with a bracket that holds a delta; None without such a bracket."""
    if isinstance(node, Where) and _bounded(node):
        parts = _split(node.then, letters)
        return None if parts is None else [Where(node.condition, part, ZERO) for part in parts]
    factors = factors_of(node)
    for place, factor in enumerate(factors):
        if isinstance(factor, Add) and _has_delta_on(factor, letters):
            return [multiply(*factors[:place], term, *factors[place + 1 :]) for term in factor.terms]
    return None


@rule(
    Where,
    law=r"[s \in K]\, f_s = f_s",
    source="an entry outside of its array is 0",
    example=("where(i + 1 in K, t[i + 1] * p[j], 0)", "t[i + 1] * p[j]"),
    terminates="a condition disappears",
)
def needless_bound(node: Expression, context: Context) -> Expression | None:
    """A condition on a place at which an entry is a factor says nothing new."""
    assert isinstance(node, Where)
    if not is_within(node.condition) or not _bounded(node):
        return None
    place = node.condition.left
    if isinstance(place, Shift) and vanishes_outside(node.then, place):
        return node.then
    return None


@rule(
    Where,
    law=r"[c]\, n f = n\, [c] f",
    source="both sides agree in either case",
    example=("where(i + 1 in K, 2 * (t[i] + b[i]), 0)", "2 * where(i + 1 in K, t[i] + b[i], 0)"),
    terminates="fewer numbers inside of branches",
)
def number_in_front(node: Expression, context: Context) -> Expression | None:
    """A number of a term under a condition stands in front of it."""
    assert isinstance(node, Where)
    if not is_within(node.condition) or not _bounded(node):
        return None
    coefficient, rest = coefficient_and_rest(node.then)
    if coefficient == 1 or rest == ONE:
        return None
    return multiply(Number(coefficient), Where(node.condition, rest, ZERO))


def summed_axes(problem: Problem) -> frozenset[str]:
    """The axes over which a definition of the problem sums."""
    return frozenset(
        part.index.axis
        for each in problem.definitions
        for _, part in walk(each.body)
        if isinstance(part, Sum)
    )


@rule(
    Sum,
    law=r"\sum_i g_i\, w_{j-i} = \sum_k g_{j-k}\, w_k",
    source="k = j - i; where one side leads out of an array, so does the other",
    example=("sum(o, e[o] * t[j - o])", "sum(k, e[j - k] * t[k])"),
    terminates="the sum is then over an axis that the problem's own sums are over",
    level="textbook",
)
def sum_over_the_shift(node: Expression, context: Context) -> Expression | None:
    """Take a sum over the letter that the problem sums over, where an entry stands at its shift."""
    assert isinstance(node, Sum)
    letter = node.index
    if node.condition is not None or not vanishes_outside(node.body, letter):
        return None
    axes = summed_axes(context.problem)
    if letter.axis in axes:
        return None
    for factor in factors_of(node.body):
        base, _ = base_and_exponent(factor)
        for term in base.indices if isinstance(base, Entry) else ():
            if not isinstance(term, Shift) or term.axis not in axes or letter not in linear(term)[0]:
                continue
            new = context.fresh(term.axis, node, letters=all_letters(node))
            place = solved(term, new, letter)
            if place is not None:
                return Sum(new, rename(node.body, {letter: place}))
    return None


#: Those that look at one term, and those that look at a sum.
IN_A_TERM = (needless_bound, number_in_front)
OF_SUMS = (expand_within_bounds, sum_over_the_shift)
