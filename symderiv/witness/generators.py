"""What the generators of the field stand for."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symderiv.witness.laurent import Polynomial


@dataclass(frozen=True)
class Generator:
    """What a generator stands for.

    `kind` is ``entry`` (``name`` is the array, ``content`` the place), ``exp``, ``log`` and ``function``
    (``content`` is the argument, a polynomial; ``name`` the function), ``sum`` (``content`` is the
    sum), ``root`` (``content`` is what is under it and ``degree`` says which root), ``prime`` (the
    logarithm of a prime) or ``pi``.
    """

    kind: str
    name: str
    content: Any
    degree: int = 1


def frozen(polynomial: Polynomial) -> Hashable:
    """A polynomial as a key."""
    return frozenset(polynomial.items())


#: cos² = 1 − sin², cosh² = 1 + sinh²: the square of the first by the second.
SQUARES = {"cos": ("sin", -1), "cosh": ("sinh", 1)}


def exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The root of a positive fraction, if it is a fraction."""
    if value <= 0:
        return None
    parts = []
    for whole in (value.numerator, value.denominator):
        near = round(whole ** (1 / degree))
        if near**degree != whole:
            return None
        parts.append(near)
    return Fraction(parts[0], parts[1])
