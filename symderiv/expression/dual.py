"""Dual numbers a + b ε with ε² = 0, which carry a derivative along, and elimination with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

#: A number of any kind, or a dual number over it.
Value: TypeAlias = Any


@dataclass(slots=True)
class Dual:
    """a + b ε with ε² = 0; `tag` keeps nested derivatives apart (the newest is outermost)."""

    value: Value
    slope: Value
    tag: int


def split(number: Value, tag: int) -> tuple[Value, Value]:
    """The value and the slope of a number with respect to one tag."""
    if isinstance(number, Dual) and number.tag == tag:
        return number.value, number.slope
    return number, 0


def newest_tag(*numbers: Value) -> int:
    """The newest tag of some numbers; 0 where none is dual."""
    return max((number.tag for number in numbers if isinstance(number, Dual)), default=0)


def plus(a: Value, b: Value) -> Value:
    """a + b."""
    if not (isinstance(a, Dual) or isinstance(b, Dual)):
        return a + b
    tag = newest_tag(a, b)
    if not (isinstance(b, Dual) and b.tag == tag):
        return Dual(plus(a.value, b), a.slope, tag)
    if not (isinstance(a, Dual) and a.tag == tag):
        return Dual(plus(a, b.value), b.slope, tag)
    return Dual(plus(a.value, b.value), plus(a.slope, b.slope), tag)


def times(a: Value, b: Value) -> Value:
    """a b."""
    if not (isinstance(a, Dual) or isinstance(b, Dual)):
        return a * b
    tag = newest_tag(a, b)
    if not (isinstance(b, Dual) and b.tag == tag):
        return Dual(times(a.value, b), times(a.slope, b), tag)
    if not (isinstance(a, Dual) and a.tag == tag):
        return Dual(times(a, b.value), times(a, b.slope), tag)
    slope = plus(times(a.value, b.slope), times(a.slope, b.value))
    return Dual(times(a.value, b.value), slope, tag)


def reciprocal(a: Value) -> Value:
    """1 / a."""
    if not isinstance(a, Dual):
        return 1 / a
    inverse = reciprocal(a.value)
    return Dual(inverse, times(-1, times(a.slope, times(inverse, inverse))), a.tag)


def whole_power(a: Value, exponent: int) -> Value:
    """`a` to the power of a whole number."""
    if exponent < 0:
        return reciprocal(whole_power(a, -exponent))
    result: Value = 1
    for _ in range(exponent):
        result = times(result, a)
    return result


def primal(a: Value) -> Value:
    """The value without any slope."""
    while isinstance(a, Dual):
        a = a.value
    return a


#: What rounding may leave of a pivot that is 0, as a part of the largest entry of a small matrix.
ROUNDING = 1e-14


def eliminated(
    rows: Sequence[Sequence[Value]], one: Value, zero: Value
) -> tuple[Value | None, list[list[Value]] | None]:
    """The determinant and the inverse of a matrix by elimination, largest pivot first.

    A singular matrix has no inverse (None); with slopes in it, its determinant is not found so either. In
    floating-point numbers rounding leaves a pivot near 0 where the exact one is 0: it counts as 0.
    """
    size = len(rows)
    work = [[*row, *(one if at == place else zero for at in range(size))] for place, row in enumerate(rows)]
    determinant: Value = one
    entries = [primal(value) for row in rows for value in row]
    negligible = ROUNDING * max(map(abs, entries)) if isinstance(entries[0], float) else 0
    for column in range(size):
        best = max(range(column, size), key=lambda row: abs(primal(work[row][column])))
        if abs(primal(work[best][column])) <= negligible:
            if any(isinstance(value, Dual) for row in rows for value in row):
                return None, None
            return zero, None
        if best != column:
            work[best], work[column] = work[column], work[best]
            determinant = times(-1, determinant)
        pivot = work[column][column]
        determinant = times(determinant, pivot)
        scale = reciprocal(pivot)
        work[column] = [times(value, scale) for value in work[column]]
        for row in range(size):
            factor = work[row][column]
            if row != column:
                work[row] = [
                    plus(value, times(-1, times(factor, other)))
                    for value, other in zip(work[row], work[column], strict=True)
                ]
    return determinant, [row[size:] for row in work]
