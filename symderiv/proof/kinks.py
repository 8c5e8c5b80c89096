"""Where the values that a formula compares meet: its kinks and steps, and the points on them.

A claim about a derivative is made away from them, so a point on one refutes nothing; any other claim is
made there too, and may well fail at no other point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product
from typing import Any

from symderiv.expression.construct import subtract
from symderiv.expression.indices import all_letters, free_indices, fresh_index, rename
from symderiv.expression.nodes import Call, Expression, Extremum, Index, Number, Power, Product, Sum, Where
from symderiv.expression.oracle import Oracle
from symderiv.expression.traverse import children, compared_values, walk
from symderiv.proof.trial_values import NO_VALUE, Table

#: Functions of one value that have a kink or a step where it is 0.
_AT_ZERO = frozenset({"relu", "abs", "step", "sign"})
#: Functions that have a value for some numbers only.
_PARTIAL = frozenset({"log", "sqrt", "gamma", "digamma", "trigamma"})
#: How many points on kinks are made from one set of values, and from one pair of compared values.
_MOST, _MOST_OF_ONE = 12, 3
#: How many entries are tried for one pair of compared values.
_MOST_TRIES = 30
#: How far beside a kink is looked, too: the values of a formula there may be found nowhere else.
_BESIDE = Fraction(1, 7)


@dataclass(frozen=True)
class Gap:
    """The difference of two compared values; 0 on the kink.

    `apart` are two letters that stand for different places: those of two entries of which the larger
    one is taken.
    """

    difference: Expression
    apart: tuple[Index, Index] | None = None

    def places(self, sizes: Mapping[str, int]) -> Iterator[dict[Index, int]]:
        """Every choice of places for the letters of the difference."""
        letters = tuple(dict.fromkeys((*free_indices(self.difference), *(self.apart or ()))))
        for spots in product(*(range(sizes[letter.axis]) for letter in letters)):
            env = dict(zip(letters, spots, strict=True))
            if self.apart is None or env[self.apart[0]] != env[self.apart[1]]:
                yield env


def gaps_of(trees: Sequence[Expression]) -> tuple[Gap, ...]:
    """The differences of all values that are compared in some trees."""
    found: dict[Gap, None] = {}
    for tree in trees:
        for _, part in walk(tree):
            found.update(dict.fromkeys(_gaps(part)))
    return tuple(found)


def edges_of(trees: Sequence[Expression]) -> tuple[Gap, ...]:
    """What functions are taken of that have a value for some numbers only: an end of these is mostly 0."""
    found: dict[Gap, None] = {}
    for tree in trees:
        for _, part in walk(tree):
            if is_partial(part):
                found.update((Gap(child), None) for child in children(part)[:1])
    return tuple(found)


def is_partial(node: Expression) -> bool:
    """Whether a function or a power has a value for some numbers only."""
    match node:
        case Call(function, _):
            return function in _PARTIAL
        case Power(_, Number(exponent)):
            return exponent.denominator != 1
        case _:
            return isinstance(node, Power)


def _gaps(node: Expression) -> Iterator[Gap]:
    match node:
        case Call(function, (argument,)) if function in _AT_ZERO:
            yield Gap(argument)
        case Call("max" | "min", (left, right)):
            yield Gap(subtract(left, right))
        case Extremum(_, index, body) if index in free_indices(body):
            other = fresh_index(index.axis, all_letters(body) | {index.name})
            yield Gap(subtract(body, rename(body, {index: other})), (index, other))
        case Where() | Sum() | Product():
            values = compared_values(node.condition)
            if values:
                yield Gap(subtract(*values))
        case _:
            pass


def on_a_kink(
    gaps: Sequence[Gap], oracle: Oracle, beside: Callable[[], Oracle], apart: Callable[[Any, Any], bool]
) -> bool:
    """Whether compared values meet at a point and no longer do at one beside it.

    The largest of all values is equal to one of them everywhere: that is no kink. `beside` makes the oracle
    of the other point, and `apart` tells two numbers apart.
    """
    other: Oracle | None = None
    for gap in gaps:
        for env in gap.places(oracle.sizes):
            try:
                value = oracle.evaluate(gap.difference, env)
                if apart(value, 0 * value):
                    continue
                other = other or beside()
                value = other.evaluate(gap.difference, env)
            except NO_VALUE:
                continue
            if apart(value, 0 * value):
                return True
    return False


def meeting(
    gaps: Sequence[Gap],
    values: Mapping[str, Table],
    reals: Sequence[str],
    oracle_of: Callable[[Mapping[str, Table]], Oracle],
    *,
    on: bool,
) -> Iterator[dict[str, Table]]:
    """Values that differ from given ones in one entry, by which two compared values meet, or nearly so.

    Parameters
    ----------
    reals
        The arrays whose entries may be changed.
    oracle_of
        Makes an exact oracle from values.
    on
        Whether points on the kink are wanted, besides those on both sides of it.
    """
    made: Iterator[dict[str, Table]] = (
        changed
        for gap in gaps
        for changed in islice(_meeting_at(gap, values, reals, oracle_of, on), 3 * _MOST_OF_ONE)
    )
    yield from islice(made, 3 * _MOST)


def _meeting_at(
    gap: Gap,
    values: Mapping[str, Table],
    reals: Sequence[str],
    oracle_of: Callable[[Mapping[str, Table]], Oracle],
    on: bool,
) -> Iterator[dict[str, Table]]:
    def value(env: Mapping[Index, int], name: str, place: tuple[int, ...], entry: Fraction) -> Fraction:
        changed = {**values, name: {**values[name], place: entry}}
        return Fraction(oracle_of(changed).evaluate(gap.difference, env))

    tries = (
        (env, name, place)
        for env in gap.places(oracle_of(values).sizes)
        for name in reals
        for place in values[name]
    )
    for env, name, place in islice(tries, _MOST_TRIES):
        try:
            first, second, third = (value(env, name, place, Fraction(at)) for at in range(3))
        except NO_VALUE:
            continue
        slope = second - first
        if not slope or third - second != slope:
            continue
        root = -first / slope
        for entry in (root, root + _BESIDE, root - _BESIDE)[0 if on else 1 :]:
            yield {**values, name: {**values[name], place: entry}}


__all__ = ["Gap", "edges_of", "gaps_of", "is_partial", "meeting", "on_a_kink"]
