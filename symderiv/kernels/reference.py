"""References and what is compared with them: places, errors, results of any shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from symderiv.kernels.rewrite_check import fifty_digits

#: Beyond this a reference stands for infinity.
HUGE = 10**50


class ShapeError(ValueError):
    """A result of the wrong shape or dtype."""


def flat(got: Any, count: int) -> list[Any]:
    """The results of a function in one list: a value and a gradient, or a tuple."""
    parts: list[Any] = []

    def collect(each: Any) -> None:
        if isinstance(each, tuple):
            for inner in each:
                collect(inner)
        else:
            parts.append(each)

    collect(got)
    if len(parts) != count:
        raise ShapeError(f"expected {count} results, found {len(parts)}")
    return parts


def chosen(shape: Sequence[int], entries: int) -> list[tuple[int, ...]]:
    """All places of an array, or some that are spread over it, the first and the last among them."""
    count = math.prod(shape)
    if not entries or count <= entries:
        return list(product(*(range(size) for size in shape)))
    numbers = [number * (count - 1) // (entries - 1) for number in range(entries)]
    places = []
    for number in numbers:
        place: list[int] = []
        for size in reversed(shape):
            number, spot = divmod(number, size)
            place.insert(0, spot)
        places.append(tuple(place))
    return places


def is_real(value: Any) -> bool:
    """Whether a value is a finite real number (a logarithm of -1 is not)."""
    return not hasattr(value, "imag") or (value.imag == 0 and value - value == 0)


def error_of(got: float, reference: Any, largest: float) -> tuple[float, float]:
    """The absolute error and the size of the reference, as floats."""
    infinite = abs(reference) > min(largest, HUGE)  # stands for infinity, or is out of the dtype's range
    if infinite and not (math.isfinite(got) and abs(reference) <= largest):
        right = math.isinf(got) and (got > 0) == (reference > 0)
        if right or abs(reference) > largest:
            return (0.0 if right else math.inf), 1.0
    if not math.isfinite(got):
        return math.nan if math.isnan(got) else math.inf, float(abs(reference)) or 1.0
    return float(abs(reference - fifty_digits().from_fraction(Fraction(got)))), float(abs(reference))
