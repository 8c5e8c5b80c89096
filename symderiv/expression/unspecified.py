"""Functions of which nothing is known but that they are smooth, and their slopes.

A call names the slope in its function: ``f'`` and ``f''`` of one argument; with several, the digits
after the primes say by which argument each derivative is taken: ``g'1``, ``g'2``, ``g''12``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import factorial, perm
from zlib import crc32

from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, WITHOUT_DERIVATIVE
from symderiv.expression.nodes import Call

#: The most arguments that a function may have: one digit names each.
MAX_ARGUMENTS = 9
#: The degree of the polynomial that stands for a function in trials.
_DEGREE = 6


@dataclass(frozen=True, slots=True)
class Slope:
    """A function and the arguments, counted from 0, by which it is differentiated, in order."""

    function: str
    by: tuple[int, ...] = ()

    def name(self, arity: int) -> str:
        """How a call of the slope is named: ``f''``, or ``g''12`` of several arguments."""
        digits = "".join(str(place + 1) for place in self.by) if arity > 1 else ""
        return self.function + "'" * len(self.by) + digits


def is_unspecified(function: str) -> bool:
    """Whether a call of `function` is one of an unspecified function or of its slope."""
    return not (
        function in FUNCTIONS
        or function in WITHOUT_DERIVATIVE
        or function in OF_TWO_VALUES
        or function == "pi"
    )


def read_slope(function: str) -> Slope | None:
    """What the function of a call names; None where primes and digits do not fit together."""
    name, _, _ = function.partition("'")
    digits = function.removeprefix(name).lstrip("'")
    primes = len(function) - len(name) - len(digits)
    if not digits:
        return Slope(name, (0,) * primes)
    if len(digits) != primes or "0" in digits:
        return None
    return Slope(name, tuple(sorted(int(digit) - 1 for digit in digits)))


def slope_by(call: Call, place: int) -> Call:
    """The derivative of a call of an unspecified function by one argument, counted from 0."""
    read = read_slope(call.function)
    assert read is not None
    by = tuple(sorted((*read.by, place)))
    return Call(Slope(read.function, by).name(len(call.arguments)), call.arguments)


@lru_cache(maxsize=256)
def polynomial(function: str, arity: int) -> tuple[tuple[tuple[int, ...], Fraction], ...]:
    """What stands for a function, or its slope, in trials: powers of the arguments with coefficients.

    The coefficients follow from the name and have no pattern; the slope's are those of the derivative.
    """
    read = read_slope(function)
    assert read is not None
    orders = [read.by.count(place) for place in range(arity)]
    return tuple(_terms(read.function, orders))


def _terms(name: str, orders: list[int]) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    for powers in product(range(_DEGREE + 1), repeat=len(orders)):
        lowered = tuple(power - order for power, order in zip(powers, orders, strict=True))
        if sum(powers) > _DEGREE or min(lowered) < 0:
            continue
        drawn = crc32(f"{name} {powers}".encode())
        size = Fraction(1 + drawn % 1999, 1000)
        for power, order in zip(powers, orders, strict=True):
            size *= Fraction(perm(power, order), factorial(power))
        yield lowered, size if drawn % 3 else -size
