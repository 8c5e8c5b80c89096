"""Generic values, and the oracle on them: what every other test judges by."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Call, Entry, Expression, Index, Where
from symderiv.expression.oracle import Oracle, Scalar, multiprecision
from symderiv.expression.traverse import compared_values, walk
from symderiv.problem import Problem

DIGITS = 30
#: Two values that agree to this many digits count as equal; generic values make accidents unlikely.
AGREE = 22
ARITHMETIC = multiprecision(DIGITS)


def unspecified(weights: Sequence[Fraction]) -> Any:
    """A generic scalar function of many values: linear, quadratic and mixed terms."""

    def function(values: Sequence[Scalar]) -> Scalar:
        total = Scalar(ARITHMETIC.from_fraction(Fraction(0)))
        mixed = Scalar(ARITHMETIC.from_fraction(Fraction(1)))
        for place, value in enumerate(values):
            weight = Scalar(ARITHMETIC.from_fraction(weights[place % len(weights)]))
            total = total + weight * value + weight * value * value * value
            mixed = mixed * (value + Scalar(ARITHMETIC.from_fraction(Fraction(place + 2, 3))))
        return total + mixed

    return function


def generic_oracle(
    problem: Problem,
    sizes: Mapping[str, int],
    seed: int = 1,
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
    normalised: Sequence[str] = (),
    *,
    signs: Sequence[int] = (1,),
) -> Oracle:
    """An oracle with values of no special kind, their signs drawn from `signs`.

    The arrays in `normalised` sum to one.
    """
    rng = random.Random(seed)
    arrays: dict[str, dict[tuple[int, ...], Any]] = {}

    def fill(name: str, axes: tuple[str, ...]) -> None:
        places = list(product(*(range(sizes[axis]) for axis in axes)))
        values = [Fraction(rng.randint(20, 1980) * 2 + 1, 997) for _ in places]
        if len(signs) > 1:
            values = [value * rng.choice(signs) for value in values]
        if name in normalised:
            values = [value / sum(values) for value in values]
        arrays[name] = {
            place: ARITHMETIC.from_fraction(value) for place, value in zip(places, values, strict=True)
        }

    for given in problem.inputs:
        if given.label_of is None:
            fill(given.name, given.axes)
        else:
            places = product(*(range(sizes[axis]) for axis in given.axes))
            arrays[given.name] = {place: rng.randrange(sizes[given.label_of]) for place in places}
    for each in problem.assumptions:
        match each.left, each.right:
            case Entry(name, (first, second)), Entry(_, turned) if turned == (second, first):  # symmetric
                arrays[name] = {(i, j): arrays[name][min(i, j), max(i, j)] for i, j in arrays[name]}
    for name, axes in extra:
        fill(name, axes)
    weights = [Fraction(rng.randint(1, 999), 991) for _ in range(7)]
    upstream = {each.name: (each.of, unspecified(weights)) for each in problem.upstream}
    return Oracle(sizes, arrays, problem.definitions, upstream, ARITHMETIC)


def with_kinks(problem: Problem) -> bool:
    """Whether values are compared in the definitions, or a function with a kink is taken."""
    for each in problem.definitions:
        for _, part in walk(each.body):
            if isinstance(part, Call) and part.function in ("relu", "step", "abs", "sign", "max", "min"):
                return True
            if isinstance(part, Where) and compared_values(part.condition):
                return True
    return False


def generic_oracles(problem: Problem, sizes: Mapping[str, int], **options: Any) -> list[Oracle]:
    """An oracle with positive values; where there are kinks, also two with values of both signs."""
    found = [generic_oracle(problem, sizes, **options)]
    if with_kinks(problem):
        seed = options.pop("seed", 1)
        found += [
            generic_oracle(problem, sizes, seed=seed + more, signs=(1, -1), **options) for more in (1, 2)
        ]
    return found


def agree(left: Any, right: Any) -> bool:
    """Whether two values agree to `AGREE` digits."""
    return bool(abs(left - right) * 10**AGREE <= abs(left) + abs(right) + 1)


def differences(
    oracle: Oracle, left: Expression, right: Expression, letters: Sequence[Index] | None = None
) -> list[str]:
    """The places where two expressions differ, in words; empty if they agree everywhere."""
    if letters is None:
        letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    places = list(product(*(range(oracle.size(letter.axis)) for letter in letters)))
    found = []
    for place, a, b in zip(
        places, _values(oracle, left, letters), _values(oracle, right, letters), strict=True
    ):
        if not agree(a, b):
            found.append(f"{dict(zip((each.name for each in letters), place, strict=True))}: {a} != {b}")
    return found


#: Values are kept for as long as their oracle: what one step gives is what the next one starts with.
_KNOWN: WeakKeyDictionary[Oracle, dict[Any, list[Any]]] = WeakKeyDictionary()


def _values(oracle: Oracle, node: Expression, letters: Sequence[Index]) -> list[Any]:
    """The value of an expression at every place."""
    known = _KNOWN.setdefault(oracle, {})
    key = (node, tuple(letters))
    if key not in known:
        ranges = [range(oracle.size(letter.axis)) for letter in letters]
        known[key] = [
            oracle.evaluate(node, dict(zip(letters, place, strict=True))) for place in product(*ranges)
        ]
    return known[key]


def sizes_to_try(problem: Problem) -> list[dict[str, int]]:
    """Small sizes, different between axes, with every size 1 among them."""
    axes = problem.axes
    return [
        dict.fromkeys(axes, 1),
        {axis: 2 + place % 2 for place, axis in enumerate(axes)},
        {axis: 4 - place % 3 for place, axis in enumerate(axes)},
    ]
