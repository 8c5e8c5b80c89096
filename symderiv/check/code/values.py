"""Generic values at several sizes: what a function is given, and what it ought to return.

The values are dyadic fractions, so that the function gets in double precision exactly the numbers that the
oracle computes with in thirty digits.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from symderiv.check.code.declaration import Declaration, Role
from symderiv.check.code.errors import CodeError
from symderiv.check.code.target import Target
from symderiv.check.limits import OutOfTimeError, time_limit
from symderiv.expression.nodes import Entry, Expression, Index, Number, Sum
from symderiv.expression.oracle import Oracle, OracleError, Scalar, multiprecision
from symderiv.notation.text import to_text
from symderiv.problem import Assumption, Problem

if TYPE_CHECKING:
    import numpy as np

#: Digits of the arithmetic in which the right values are computed.
DIGITS = 30
#: Below this a value is what rounding has left of zero.
NOTHING = 1e-24
#: The relative change of the inputs that shows how the result is conditioned.
NUDGE = Fraction(1, 2**40)
#: Entries of a result that are computed at one point, at most; and seconds for all points.
MOST_ENTRIES = 400
MOST_SECONDS = 12.0
#: Points that are tried at least, where there is time.
FEWEST = 8
#: How far out the values of a point are for which a naive formula overflows.
FAR = 512
_PATTERNS = ((2, 2, 2, 2), (2, 3, 4, 2), (3, 2, 2, 4), (4, 3, 5, 2))
_ARITHMETIC = multiprecision(DIGITS)

Inputs = dict[str, dict[tuple[int, ...], Any]]


@dataclass(frozen=True)
class Trial:
    """One point: what the function is given and what is right there.

    Attributes
    ----------
    sizes
        Of every axis.
    inputs
        The values of the problem's inputs by place, from 0.
    arguments
        The value of each parameter: arrays in double precision, floats, integers.
    expected
        The right values, rounded to doubles, one axis for each letter of the target.
    conditioning
        How much the result moves, absolutely, for a relative change of the inputs by 1.
    oracle
        What computes here, in many digits.
    """

    sizes: Mapping[str, int]
    inputs: Inputs
    arguments: Mapping[str, Any]
    expected: np.ndarray[Any, Any]
    conditioning: float
    oracle: Oracle


def trials(target: Target, declaration: Declaration) -> tuple[list[Trial], tuple[str, ...]]:
    """Points of small sizes, the smallest first, and the assumptions that their values keep.

    Values have both signs, unless something then has no real value: all are positive in that case.
    Points at which the derivative does not exist are left out.
    """
    normalised, kept = _normalised(target)
    best: list[Trial] = []
    for positive in (False, True):
        found, failed = [], 0
        began = time.monotonic()
        for sizes, turn in _turns(target):
            left = MOST_SECONDS - (time.monotonic() - began)
            if left <= 0:
                break
            try:
                with time_limit(left):
                    trial = _trial(target, declaration, sizes, normalised, positive=positive, turn=turn)
            except OutOfTimeError:
                break
            if trial is None:
                failed += 1
            else:
                found.append(trial)
        if len(found) > len(best):
            best = found
        if not failed:
            break
    return best, kept


def far_trial(target: Target, declaration: Declaration) -> Trial | None:
    """A point with large values, where the right result is finite all the same; None if there is none such.

    Intermediates that are handed over lose what they were made from there, so only inputs may be.
    """
    names = {each.name for each in target.problem.inputs}
    if not all(isinstance(role.value, Entry) and role.value.array in names for role in declaration.roles):
        return None
    sizes = {axis: 2 + place % 2 for place, axis in enumerate(target.problem.axes)}
    import numpy as np

    try:
        with time_limit(MOST_SECONDS):
            found = _trial(target, declaration, sizes, _normalised(target)[0], positive=False, scale=FAR)
    except OutOfTimeError:
        return None

    return found if found is not None and bool(np.isfinite(found.expected).all()) else None


def _turns(target: Target) -> Iterator[tuple[Mapping[str, int], int]]:
    """The sizes, each as often as it takes for `FEWEST` points, with other values every time."""
    found = list(sizes_to_try(target))
    for sizes in found:
        for turn in range(-(-FEWEST // len(found))):
            yield sizes, turn


def sizes_to_try(target: Target) -> Iterator[dict[str, int]]:
    """Every size 1; one axis of size 1 at a time; then several sizes, different between axes."""
    axes = target.problem.axes
    found = [dict.fromkeys(axes, 1)]
    for alone in axes if len(axes) > 1 else ():
        found.append({axis: 1 if axis == alone else 2 + place % 2 for place, axis in enumerate(axes)})
    found += [
        {axis: pattern[place % len(pattern)] for place, axis in enumerate(axes)} for pattern in _PATTERNS
    ]
    seen: list[dict[str, int]] = []
    for sizes in found:
        entries = 1
        for letter in target.letters:
            entries *= sizes[letter.axis]
        if sizes not in seen and entries <= MOST_ENTRIES:
            seen.append(sizes)
    yield from sorted(seen, key=lambda sizes: (sum(sizes.values()), tuple(sizes.values())))


def _normalised(target: Target) -> tuple[list[tuple[str, int]], tuple[str, ...]]:
    """The inputs that have to sum to 1 along an axis, and these assumptions in words."""
    found: list[tuple[str, int]] = []
    kept: list[str] = []
    for each in target.assumptions:
        place, told = _sums_to_one(each, target.problem), f"{to_text(each.left)} == {to_text(each.right)}"
        if place is None:
            raise CodeError(f"{target} assumes {told}, which the values that are tried cannot keep")
        found.append(place)
        kept.append(told)
    return found, tuple(kept)


def _sums_to_one(each: Assumption, problem: Problem) -> tuple[str, int] | None:
    match each:
        case Assumption(Sum(index, Entry(name, indices), None), Number(value)):
            if value == 1 and problem.input(name) is not None and indices.count(index) == 1:
                return name, indices.index(index)
    return None


def _trial(
    target: Target,
    declaration: Declaration,
    sizes: Mapping[str, int],
    normalised: Sequence[tuple[str, int]],
    *,
    positive: bool,
    scale: int = 1,
    turn: int = 0,
) -> Trial | None:
    draw = random.Random(f"{target.problem.name} {sorted(sizes.items())} {turn}")
    inputs = _drawn(target.problem, sizes, normalised, draw, positive=positive, scale=scale)
    weights = [Fraction(draw.randint(20, 90), 64) for _ in range(11)]
    nudged = {
        name: {
            place: value * (1 + draw.choice((-1, 1)) * NUDGE) if isinstance(value, Fraction) else value
            for place, value in table.items()
        }
        for name, table in inputs.items()
    }
    try:
        oracle = _oracle(target.problem, sizes, inputs, weights)
        expected = _values(oracle, target.value, target.letters, sizes)
        moved = _values(_oracle(target.problem, sizes, nudged, weights), target.value, target.letters, sizes)
        arguments = {role.parameter: _argument(role, oracle, inputs, sizes) for role in declaration.roles}
    except (OracleError, ArithmeticError, ValueError):
        return None
    change = max((abs(moved[place] - value) for place, value in expected.items()), default=0)
    return Trial(
        sizes,
        inputs,
        arguments,
        _array(expected, target.letters, sizes),
        float(change / float(NUDGE)),
        oracle,
    )


def _drawn(
    problem: Problem,
    sizes: Mapping[str, int],
    normalised: Sequence[tuple[str, int]],
    draw: random.Random,
    *,
    positive: bool,
    scale: int,
) -> Inputs:
    """Different values for all inputs, in eighths as long as these suffice; no value is zero."""
    found: Inputs = {}
    real = [given for given in problem.inputs if given.label_of is None]
    count = sum(len(list(_places(given.axes, sizes))) for given in real)
    steps = 8 if count <= 12 else 64
    pool = [Fraction(number, steps) for number in range(1 - 2 * steps, 2 * steps) if number]
    if positive:
        pool = [value for value in pool if value > 0]
    while len(pool) < count:
        pool += [value + Fraction(1, 128) for value in pool]
    values = iter(draw.sample(pool, count))
    for given in problem.inputs:
        places = _places(given.axes, sizes)
        if given.label_of is not None:
            found[given.name] = {place: draw.randrange(sizes[given.label_of]) for place in places}
        else:
            found[given.name] = {place: scale * next(values) for place in places}
    for name, axis in normalised:
        found[name] = _summing_to_one(found[name], axis)
    return found


def _places(axes: Sequence[str], sizes: Mapping[str, int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(sizes[axis]) for axis in axes))


def _summing_to_one(table: Mapping[tuple[int, ...], Fraction], axis: int) -> dict[tuple[int, ...], Fraction]:
    """Positive values that sum to 1 but for the rounding of each to a double."""
    totals: dict[tuple[int, ...], Fraction] = {}
    for place, value in table.items():
        row = (*place[:axis], *place[axis + 1 :])
        totals[row] = totals.get(row, Fraction(0)) + abs(value)
    return {
        place: Fraction(float(abs(value) / totals[(*place[:axis], *place[axis + 1 :])]))
        for place, value in table.items()
    }


def _oracle(
    problem: Problem, sizes: Mapping[str, int], inputs: Inputs, weights: Sequence[Fraction]
) -> Oracle:
    make = _ARITHMETIC.from_fraction
    arrays = {
        name: {place: make(value) if isinstance(value, Fraction) else value for place, value in table.items()}
        for name, table in inputs.items()
    }
    upstream = {
        each.name: (each.of, _unspecified([make(each) for each in weights])) for each in problem.upstream
    }
    return Oracle(sizes, arrays, problem.definitions, upstream, _ARITHMETIC)


def _unspecified(weights: Sequence[Any]) -> Any:
    """A function of many values without any symmetry: a cubic in each, and a product of all."""

    def function(values: Sequence[Scalar]) -> Scalar:
        one = _ARITHMETIC.from_fraction(Fraction(1))
        total, mixed = Scalar(one * 0), Scalar(one)
        for place, value in enumerate(values):
            weight = Scalar(weights[place % len(weights)])
            total = total + weight * value + weight * value * value * value
            mixed = mixed * (value + Scalar(one * (place + 2) / 3))
        return total + mixed

    return function


def _values(
    oracle: Oracle, value: Expression, letters: Sequence[Index], sizes: Mapping[str, int]
) -> dict[tuple[int, ...], Any]:
    """The value at every place of the letters, in many digits."""
    return {
        place: oracle.evaluate(value, dict(zip(letters, place, strict=True)))
        for place in _places([letter.axis for letter in letters], sizes)
    }


def evaluated(trial: Trial, value: Expression, letters: Sequence[Index]) -> np.ndarray[Any, Any] | None:
    """Another expression at the values of a trial; None where it has no value there."""
    try:
        return _array(_values(trial.oracle, value, letters, trial.sizes), letters, trial.sizes)
    except (OracleError, ArithmeticError, ValueError, KeyError):
        return None


def _array(
    table: Mapping[tuple[int, ...], Any], letters: Sequence[Index], sizes: Mapping[str, int]
) -> np.ndarray[Any, Any]:
    import numpy as np

    shape = [sizes[letter.axis] for letter in letters]
    # What is left of a difference of equal numbers, in so many digits, is zero.
    values = [float(value) if abs(value) > NOTHING else 0.0 for value in table.values()]
    return np.array(values, dtype=np.float64).reshape(shape)


def _argument(role: Role, oracle: Oracle, inputs: Inputs, sizes: Mapping[str, int]) -> Any:
    import numpy as np

    if role.label:
        assert isinstance(role.value, Entry)
        table = inputs[role.value.array]
        shape = [sizes[letter.axis] for letter in role.letters]
        array = np.array([table[place] for place in sorted(table)], dtype=np.int64).reshape(shape)
    else:
        array = _array(_values(oracle, role.value, role.letters, sizes), role.letters, sizes)
    array = np.ascontiguousarray(role.layout.arranged(array, role.letters)).reshape(role.layout.shape(sizes))
    if array.ndim:
        return array
    number = array.item()
    return int(number) if not isinstance(role.value, Entry) and number == int(number) else number
