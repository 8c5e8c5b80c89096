"""Generic values of both sides of an equation, at several sizes: what a diagnosis looks at.

Numbers are used here to find out what *may* be meant; what is then said is proved, or said to be undecided.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Delta, Entry, Expression, Index, Multiply, Number, Power, Sum
from symderiv.expression.oracle import Oracle, OracleError, Scalar
from symderiv.problem import Assumption, Problem, given_sizes

#: Relative difference below which two floating-point values are taken for one.
CLOSE = 1e-8
#: The sizes at which equations are looked at; different axes get different ones where they can.
_PATTERNS = ((2, 3, 4, 2), (3, 2, 2, 4), (1, 1, 1, 1))

#: A table of values: one for every place of the letters; None where there is no real value.
Values = dict[tuple[int, ...], float | None]


@dataclass(frozen=True)
class Point:
    """Sizes and generic values of every input."""

    sizes: Mapping[str, int]
    oracle: Oracle

    def values(self, node: Expression, letters: Sequence[Index]) -> Values:
        """The value of `node` at every place of `letters`."""
        found: Values = {}
        for place in product(*(range(self.sizes[letter.axis]) for letter in letters)):
            found[place] = self.value(node, dict(zip(letters, place, strict=True)))
        return found

    def value(self, node: Expression, places: Mapping[Index, int]) -> float | None:
        """The value of `node`, or None where it has none."""
        try:
            value = float(self.oracle.evaluate(node, places))
        except (OracleError, ArithmeticError, ValueError, KeyError):
            return None
        return value if abs(value) < float("inf") else None


@dataclass(frozen=True)
class Special:
    """Inputs that have special values.

    Attributes
    ----------
    normalised
        Arrays whose entries sum to 1 along an axis, and the place of that axis.
    among
        Arrays whose entries are drawn from a few values.
    one_hot
        Arrays with a 1 at one place of their last axis, and 0 elsewhere.
    symmetric
        Matrices that are equal to their transposes.
    sizes
        Axes that have a certain size.
    unit
        Whether all values lie between 0 and 1.
    """

    normalised: Sequence[tuple[str, int]] = ()
    among: Sequence[tuple[str, tuple[float, ...]]] = ()
    one_hot: Sequence[str] = ()
    symmetric: Sequence[str] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    unit: bool = False

    @classmethod
    def of(cls, assumptions: Sequence[Assumption]) -> Special:
        """What assumptions say, as far as it can be told in numbers."""
        normalised, among, one_hot, symmetric = [], [], [], []
        for each in assumptions:
            match each.left, each.right:
                case Sum(index, Entry(array, indices)), Number(value) if value == 1 and index in indices:
                    normalised.append((array, indices.index(index)))
                case Power(Entry(array), Number(value)), Number() if value == 2:
                    among.append((array, (-1.0, 1.0)))
                case Power(Entry(array), Number(value)), Entry() if value == 2:
                    among.append((array, (0.0, 1.0)))
                case Multiply((Entry(array), Entry(other))), Multiply((Entry(), Delta())) if array == other:
                    one_hot.append(array)
                case Entry(array, indices), Entry(other, turned) if (
                    array == other and turned == indices[::-1]
                ):
                    symmetric.append(array)
        return cls(normalised, among, one_hot, symmetric)

    def with_more(self, other: Special) -> Special:
        """Both together."""
        return Special(
            (*self.normalised, *other.normalised), (*self.among, *other.among),
            (*self.one_hot, *other.one_hot), (*self.symmetric, *other.symmetric),
            {**self.sizes, **other.sizes}, self.unit or other.unit,
        )  # fmt: skip


def points_of(
    problem: Problem,
    positive: bool,
    count: int = len(_PATTERNS),
    special: Special | None = None,
) -> list[Point]:
    """Generic points of a problem, the sizes different from each other.

    Parameters
    ----------
    problem
        Whose inputs get values.
    positive
        Whether all values are positive; otherwise signs are mixed.
    count
        How many points.
    special
        What is said of some inputs.
    """
    given = special or Special()
    return [_point(problem, _PATTERNS[number], number, positive, given) for number in range(count)]


def _point(
    problem: Problem,
    pattern: Sequence[int],
    seed: int,
    positive: bool,
    special: Special,
) -> Point:
    draw = random.Random(f"{problem.name} {seed}")
    sizes = {axis: pattern[place % len(pattern)] for place, axis in enumerate(problem.axes)}
    sizes |= given_sizes(problem)
    sizes |= {axis: size for axis, size in special.sizes.items() if axis in sizes}
    low, high = (0.1, 0.9) if special.unit else (0.25, 1.75)
    arrays: dict[str, dict[tuple[int, ...], Any]] = {}
    for given in problem.inputs:
        places = product(*(range(sizes[axis]) for axis in given.axes))
        if given.label_of is not None:
            arrays[given.name] = {place: draw.randrange(sizes[given.label_of]) for place in places}
            continue
        arrays[given.name] = {
            place: draw.uniform(low, high) * (1 if positive else draw.choice((-1, 1))) for place in places
        }
    # What is said of a name that a formula defines cannot be given to it: its values are what they are.
    for name, values in special.among:
        if name in arrays:
            arrays[name] = {place: draw.choice(values) for place in arrays[name]}
    for name in special.symmetric:
        if name in arrays:
            arrays[name] = {
                place: arrays[name][min(place, place[::-1])] + (8 if place == place[::-1] else 0)
                for place in arrays[name]  # with a positive determinant, which may stand in a logarithm
            }
    for name in special.one_hot:
        if name in arrays:
            arrays[name] = _one_hot(arrays[name], draw)
    for name, axis in special.normalised:
        if name in arrays:
            arrays[name] = _summing_to_one(arrays[name], axis)
    weights = [draw.uniform(0.3, 1.3) for _ in range(11)]
    upstream = {each.name: (each.of, _unspecified(weights)) for each in problem.upstream}
    return Point(sizes, Oracle(sizes, arrays, problem.definitions, upstream))


def _one_hot(table: dict[tuple[int, ...], Any], draw: random.Random) -> dict[tuple[int, ...], Any]:
    rows: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for place in table:
        rows.setdefault(place[:-1], []).append(place)
    chosen = {draw.choice(places) for places in rows.values()}
    return {place: 1.0 if place in chosen else 0.0 for place in table}


def _summing_to_one(table: dict[tuple[int, ...], Any], axis: int) -> dict[tuple[int, ...], Any]:
    totals: dict[tuple[int, ...], float] = {}
    for place, value in table.items():
        row = (*place[:axis], *place[axis + 1 :])
        totals[row] = totals.get(row, 0.0) + value
    return {
        place: value / (totals[(*place[:axis], *place[axis + 1 :])] or 1.0) for place, value in table.items()
    }


def _unspecified(weights: Sequence[float]) -> Any:
    """A function of many values without any symmetry: a cubic in each, and a product of all."""

    def function(values: Sequence[Scalar]) -> Scalar:
        total, mixed = Scalar(0.0), Scalar(1.0)
        for place, value in enumerate(values):
            weight = Scalar(weights[place % len(weights)])
            total = total + weight * value + weight * value * value * value
            mixed = mixed * (value + Scalar(0.7 + place))
        return total + mixed

    return function


@dataclass(frozen=True)
class Sides:
    """Both sides of an equation at several points."""

    problem: Problem
    left: Expression
    right: Expression
    letters: tuple[Index, ...]
    points: tuple[Point, ...]
    lefts: tuple[Values, ...]

    @classmethod
    def of(
        cls,
        problem: Problem,
        left: Expression,
        right: Expression,
        special: Special | None = None,
    ) -> Sides:
        """The sides at generic points: positive or small ones if mixed signs leave too little to look at."""
        special = special or Special()
        letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
        for positive, unit in ((False, False), (True, False), (True, True)):
            points = tuple(points_of(problem, positive, special=special.with_more(Special(unit=unit))))
            lefts = tuple(point.values(left, letters) for point in points)
            rights = [point.values(right, letters) for point in points]
            both = [
                a is not None and b is not None
                for table, other in zip(lefts, rights, strict=True)
                for a, b in zip(table.values(), other.values(), strict=True)
            ]
            if all(both):
                break
        return cls(problem, left, right, letters, points, lefts)

    def rights(self, right: Expression | None = None) -> tuple[Values, ...]:
        """The values of the right side, or of another in its place."""
        return tuple(point.values(right or self.right, self.letters) for point in self.points)

    def equal(self, right: Expression) -> bool:
        """Whether the left side equals `right` at every place of every point (and there are some)."""
        if not set(free_indices(right)) <= set(self.letters):
            return False
        seen = False
        for point, table in zip(self.points, self.lefts, strict=True):
            for place, a in table.items():
                b = point.value(right, dict(zip(self.letters, place, strict=True)))
                if a is None:
                    continue
                if b is None or not close(a, b):
                    return False
                seen = True
        return seen


def close(a: float, b: float) -> bool:
    """Whether two values are one, but for rounding."""
    return abs(a - b) <= CLOSE * (abs(a) + abs(b)) + 1e-12
