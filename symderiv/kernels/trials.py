"""What emitted functions are tried on: sizes, and classes of input values."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from struct import pack, unpack
from typing import Any

from symderiv.kernels.function_spec import Argument

Place = tuple[int, ...]
Table = dict[Place, float]

#: Classes of values for the arrays whose exponentials are summed.
SOME_INFINITE = "some -inf"
SPECIAL = ("ties", "up to 1e4", "near 1e4")
#: Classes of values for what sigmoids are taken of, where a share or its complement is all but 0.
SATURATED = ("near ±1e2", "near ±1e3")
ORDINARY = "N(0, 3)"
#: How many entries of each result are looked at where an axis is long.
FEW = 3
#: How many places a long axis has, and how many pairs of places, where an array has the axis twice: a
#: derivative is asked for few entries, but may rest on all pairs.
_LONG, _PAIRS = 1000, 10_000
#: So many sizes are different; of very many axes, those of one size have others in the next trial.
_SIZES = (29, 31)


@dataclass(frozen=True)
class Trial:
    """Sizes, a class of input, and how many entries of each result are looked at (0: all)."""

    sizes: Mapping[str, int]
    kind: str
    entries: int = 0


def trials(
    axes: Sequence[str],
    batch: str,
    long_axis: str,
    *,
    large: bool,
    times: int = 1,
    special: bool = False,
    infinite: bool = False,
    saturated: bool = False,
) -> list[Trial]:
    """The trials of one problem: all sizes 1, sizes all different, special values, one long axis.

    An array has the long axis so many `times`.
    """
    others = [axis for axis in axes if axis != batch]
    different = {axis: 3 + number % _SIZES[0] for number, axis in enumerate(others)}
    reverse = {axis: 2 + number % _SIZES[1] for number, axis in enumerate(reversed(others))}
    found = [
        Trial(dict.fromkeys(axes, 1), ORDINARY),
        Trial({batch: 2, **different}, ORDINARY, 40),
        Trial({batch: 1, **reverse}, ORDINARY, 24),
    ]
    if special:
        # Samples enough that a label names a score that is far from the largest.
        found += [Trial({batch: 4, **different}, kind, 24) for kind in SPECIAL]
    if infinite:
        found.append(Trial({batch: 2, **different}, SOME_INFINITE, 24))
    if saturated:
        # Few entries: their references take a thousand digits.
        found += [Trial({batch: 2, **dict.fromkeys(others, 2)}, kind, 4) for kind in SATURATED]
    if large:
        long = _LONG if times == 1 else round(_PAIRS ** (1 / times))
        sizes = {**dict.fromkeys(axes, 2), batch: 1, long_axis: long}
        found.append(Trial(sizes, ORDINARY, FEW))
        if special:
            found.append(Trial(sizes, "up to 1e4", FEW))
    return [
        Trial({a: s for a, s in each.sizes.items() if a in axes}, each.kind, each.entries) for each in found
    ]


def values(
    argument: Argument,
    trial: Trial,
    exponents: Mapping[str, tuple[str, ...]],
    positive: bool,
    seed: str,
    *,
    scores: Collection[str] = (),
    logits: Collection[str] = (),
    weights: Collection[str] = (),
) -> Table:
    """Values for one argument, each a number that float32 holds exactly.

    Beside an exponent of -inf, those called `weights` are 0: 0 · log 0 counts 0.
    """
    source = random.Random(f"{seed} {argument.name} {sorted(trial.sizes.items())} {trial.kind}")
    ranges = [range(trial.sizes[axis]) for axis in argument.axes]
    places = list(product(*ranges))
    if argument.kind == "label":
        size = trial.sizes[argument.label_of]
        # The first place is finite in every class, so labels there are too.
        return {
            place: float(0 if trial.kind == SOME_INFINITE else source.randrange(size)) for place in places
        }
    table = {place: single(_draw(argument, source, positive)) for place in places}
    if trial.kind in SATURATED:
        magnitude = float(trial.kind.removeprefix("near ±"))
        for place in places if argument.name in logits else ():
            table[place] = single(source.choice((-1, 1)) * magnitude + source.gauss(0.0, 3.0))
    elif trial.kind in SPECIAL and argument.name in scores:
        for place in places:
            if trial.kind == "ties":
                table[place] = single(float(source.randrange(3)))
            elif trial.kind == "near 1e4":
                table[place] = single(1e4 + source.gauss(0.0, 3.0))
            else:
                table[place] = single(source.uniform(-1e4, 1e4))
    elif trial.kind == SOME_INFINITE and argument.name in exponents:
        for place in places:
            if _is_masked(argument, place, exponents[argument.name], trial.sizes):
                table[place] = -math.inf
    elif trial.kind == SOME_INFINITE and argument.name in weights:
        for axis_name in {axis for axes in exponents.values() for axis in axes}:
            if axis_name in argument.axes:
                axis = argument.axes.index(axis_name)
                for place in places:
                    if place[axis] == trial.sizes[axis_name] - 1 and place[axis]:
                        table[place] = 0.0
    return table


def meets_infinite(argument: Argument, exponents: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether an argument has entries beside exponents of -inf, and may be a weight there."""
    real = argument.kind != "label" and argument.name not in exponents
    return real and any(axis in argument.axes for axes in exponents.values() for axis in axes)


def _is_masked(argument: Argument, place: Place, axes: Collection[str], sizes: Mapping[str, int]) -> bool:
    """Whether an exponent is -inf: the last along its axis.

    With several axes that are summed, as in Z[M, N] with a softmax of its rows and one of its columns, or
    the same axis twice, as in S[N, N], whichever of them is summed: the last along one with the first of
    all others, so that no row and no column is -inf throughout, and a diagonal is finite.
    """
    spots = [(spot, sizes[name] - 1) for spot, name in zip(place, argument.axes, strict=True) if name in axes]
    lasts = sum(spot == last for spot, last in spots)
    firsts = sum(spot == 0 for spot, _ in spots)
    return all(last > 0 for _, last in spots) and lasts == 1 and firsts == len(spots) - 1


def _draw(argument: Argument, source: random.Random, positive: bool) -> float:
    plain = len(argument.axes) - argument.batched == 0 and argument.role == "input"
    if plain:
        return source.uniform(0.25, 2.0)
    drawn = source.gauss(0.0, 3.0)
    return abs(drawn) + 0.125 if positive else drawn


def single(value: float) -> float:
    """`value` rounded to float32."""
    rounded: float = unpack("f", pack("f", value))[0]
    return rounded


def as_array(table: Table, axes: Sequence[int], dtype: Any) -> Any:
    """The values as a NumPy array."""
    import numpy as np

    array = np.empty(tuple(axes), dtype)
    with np.errstate(over="ignore"):  # what is too large for the dtype is infinite in it
        for place, value in table.items():
            array[place] = value
    return array
