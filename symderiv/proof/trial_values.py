"""The sizes and values at which an equation is tried, and exact arithmetic for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from math import isqrt
from typing import TypeAlias

from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Call,
    Compare,
    Delta,
    Entry,
    Multiply,
    Number,
    Power,
    Sum,
    Where,
)
from symderiv.expression.oracle import Arithmetic, Oracle, OracleError
from symderiv.problem import Assumption

#: The values of one array by place, from 0.
Table: TypeAlias = dict[tuple[int, ...], Fraction]
#: An array with its axes, and the axis that its places are on if it is a label.
Array: TypeAlias = tuple[str, tuple[str, ...], str | None]

#: Rational values of functions that are not rational otherwise.
_AT_ZERO = {
    "exp": 1, "sin": 0, "cos": 1, "tan": 0, "sinh": 0, "cosh": 1, "tanh": 0, "erf": 0,
}  # fmt: skip
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
NO_VALUE = (OracleError, ZeroDivisionError, ValueError, OverflowError)


def _exact(name: str) -> Callable[[Fraction], Fraction]:
    def apply(value: Fraction) -> Fraction:
        if name == "sqrt" and value >= 0:
            roots = isqrt(value.numerator), isqrt(value.denominator)
            if Fraction(roots[0] ** 2, roots[1] ** 2) == value:
                return Fraction(*roots)
        elif name == "log" and value == 1:
            return Fraction(0)
        elif name in _AT_ZERO and value == 0:
            return Fraction(_AT_ZERO[name])
        raise OracleError(f"{name} has no rational value here")

    return apply


#: Exact fractions; a function has a value only where that is known to be a fraction.
EXACT = Arithmetic(
    "exact", lambda value: value, {name: _exact(name) for name in ("sqrt", "log", *_AT_ZERO)}, None
)


def growing_sizes(axes: Sequence[str], fixed: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Sizes in growing order: for few axes every choice of 1 and 2, then some of 3."""
    if len(axes) <= 3:
        choices = sorted(product((1, 2), repeat=len(axes)), key=lambda sizes: (sum(sizes), sizes[::-1]))
    else:
        choices = [(1,) * len(axes), (2,) * len(axes)]
    choices.append(tuple(3 - place % 2 for place in range(len(axes))))
    seen = dict.fromkeys(
        tuple(fixed.get(axis, size) for axis, size in zip(axes, sizes, strict=True)) for sizes in choices
    )
    for sizes in seen:
        yield dict(zip(axes, sizes, strict=True))


def trials(
    wanted: Sequence[Array],
    sizes: Mapping[str, int],
    zeros: Collection[str],
    kinks: bool,
    assumptions: Sequence[Assumption],
) -> list[dict[str, Table]]:
    """Values to try, the simplest first, all of which meet the assumptions on sums.

    Parameters
    ----------
    wanted
        The arrays, those that matter first.
    sizes
        The size of every axis.
    zeros
        The arrays for which 0 is worth a trial, because functions have rational values there.
    kinks
        Whether small numbers are to be avoided.
    """

    def filled(
        value: Callable[[int], Fraction],
        zero: Sequence[str] = (),
        place_of: Callable[[int], int] = lambda count: count,
    ) -> dict[str, Table] | None:
        values: dict[str, Table] = {}
        count = 0
        for name, axes, label_of in wanted:
            table: Table = {}
            for place in product(*(range(sizes[axis]) for axis in axes)):
                if label_of is not None:
                    table[place] = Fraction(place_of(count) % sizes[label_of])
                else:
                    table[place] = Fraction(0) if name in zero else value(count)
                count += 1
            values[name] = table
        return _scaled(values, assumptions, sizes)

    found: list[dict[str, Table] | None] = []
    if not kinks:
        inside = [name for name, _, label_of in wanted if name in zeros and label_of is None]
        found.append(filled(lambda count: Fraction(count + 1)))
        if inside:
            found += [filled(lambda count: Fraction(count + 1), [name]) for name in inside[:3]]
            found.append(filled(lambda count: Fraction(count + 1), inside))
        found.append(filled(lambda count: Fraction((count + 1) * (-1) ** (count + 1))))
    # Labels that follow each other in order never meet; these meet in one trial or the other.
    found.append(filled(_generic, place_of=lambda count: count**2 + count // 2))
    signed = filled(
        lambda count: _generic(count) * (1 if count % 3 == 1 else -1),
        place_of=lambda count: count**2 + (count + 1) // 2,
    )
    found.append(signed)
    found.append(filled(lambda count: -30 * _generic(count)))  # beyond the numbers that formulas hold
    if kinks:
        # In the order of the primes an array might never cross a threshold that is given by another.
        found += [filled(partial(_scattered, turn)) for turn in (5, 8, 13)]
    return [values for values in found if values is not None]


def _generic(count: int) -> Fraction:
    """Fractions without pattern."""
    return Fraction(_PRIMES[count % len(_PRIMES)] + 89 * (count // len(_PRIMES)), 19)


def _scattered(turn: int, count: int) -> Fraction:
    """The same fractions in another order, and of both signs."""
    number = (turn * (count + 1)) % len(_PRIMES)
    value = Fraction(_PRIMES[number] + 89 * (count // len(_PRIMES)), 19)
    return value if (count + turn) % 3 else -value


def _scaled(
    values: dict[str, Table], assumptions: Sequence[Assumption], sizes: Mapping[str, int]
) -> dict[str, Table] | None:
    """The values with the assumptions met: t scaled to a total, A mirrored; None where that cannot be."""
    for each in assumptions:
        values = _made_to_meet(values, each)
        match each.left:
            case Sum(index, Entry(array, indices), None) if index in indices and array in values:
                spot = indices.index(index)
            case _:
                continue
        totals: dict[tuple[int, ...], Fraction] = {}
        for place, value in values[array].items():
            row = (*place[:spot], *place[spot + 1 :])
            totals[row] = totals.get(row, Fraction(0)) + value
        try:
            goal = Oracle(sizes, values, (), {}, EXACT).evaluate(each.right)
        except NO_VALUE:
            return None
        if not all(totals.values()):
            return None
        values = {
            **values,
            array: {
                place: value * goal / totals[(*place[:spot], *place[spot + 1 :])]
                for place, value in values[array].items()
            },
        }
    return values


def _made_to_meet(values: dict[str, Table], assumption: Assumption) -> dict[str, Table]:
    """The values with a property of one array met: symmetric, one-hot, positive, one of two numbers."""
    match assumption.left, assumption.right:
        case Entry(name, (first, second)), Entry(other, turned) if (name, (second, first)) == (other, turned):
            table = {place: values[name][tuple(sorted(place))] for place in values.get(name, {})}
        case Multiply((Entry(name, _), Entry(other, _))), Multiply((_, Delta())) if name == other:
            table = {place: Fraction(0) for place in values.get(name, {})}
            rows = dict.fromkeys(place[:-1] for place in table)
            size = len(table) // max(len(rows), 1)
            for count, row in enumerate(rows):
                table[*row, (count + 1) % size] = Fraction(1)
        case Power(Entry(name, _), Number(two)), right if two == 2 and name in values:
            low = Fraction(-1 if right == ONE else 0)
            chosen = {place: value.numerator % 2 for place, value in values[name].items()}
            table = {place: Fraction(1) if one else low for place, one in chosen.items()}
        case Where(Compare(">", Entry(name, _), zero), _, _), right if (zero, right) == (ZERO, ONE):
            table = {place: abs(value) for place, value in values.get(name, {}).items()}
        case Call("sin", (Multiply((Call("pi"), Entry(name, _))),)), right if right == ZERO:  # natural
            table = {
                place: Fraction(1 + abs(value.numerator)) for place, value in values.get(name, {}).items()
            }
        case _:
            return values
    return {**values, name: table} if name in values else values


def nested(table: Table, label: bool) -> object:
    """A table as text: one fraction, or nested lists of them in C order."""

    def below(prefix: tuple[int, ...], depth: int) -> object:
        if depth == 0:
            return str(table[prefix] + 1) if label else str(table[prefix])
        firsts = sorted({place[len(prefix)] for place in table if place[: len(prefix)] == prefix})
        return [below((*prefix, first), depth - 1) for first in firsts]

    return below((), len(next(iter(table))) if table else 0)
