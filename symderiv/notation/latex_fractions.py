"""Where fraction lines go: how a product is split into what stands above and below them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from symderiv.expression.construct import power
from symderiv.expression.nodes import (
    Add,
    Call,
    Derivative,
    Expression,
    Extremum,
    Multiply,
    Number,
    Power,
    Product,
    Sum,
    Where,
)
from symderiv.expression.traverse import walk

#: What stands above and what stands below one fraction line; nothing below means no line.
Fractions: TypeAlias = tuple[list[Expression], list[Expression]]


def grouped(
    factors: Sequence[Expression],
) -> list[Fractions]:
    """The factors in order as fractions: each group is what stands above and below one line.

    A factor after a denominator starts a new group. A tall factor at the end of what stands above
    follows the fraction instead, unless the denominator is tall as well: (1/K) Σ_k x_k.
    """
    coefficient: Fraction | None = None
    if len(factors) > 1 and isinstance(factors[0], Number):
        coefficient, factors = factors[0].value, factors[1:]
    groups: list[Fractions] = []
    for factor in factors:
        if isinstance(factor, Power) and isinstance(factor.exponent, Number) and factor.exponent.value < 0:
            if not groups:
                groups.append(([], []))
            groups[-1][1].append(power(factor.base, Number(-factor.exponent.value)))
            continue
        if not groups or groups[-1][1]:
            groups.append(([], []))
        groups[-1][0].append(factor)
    if coefficient is not None:
        if groups[0][1]:
            if coefficient.numerator != 1:
                groups[0][0].insert(0, Number(Fraction(coefficient.numerator)))
            if coefficient.denominator != 1:
                groups[0][1].insert(0, Number(Fraction(coefficient.denominator)))
        elif coefficient.denominator == 1:
            groups[0][0].insert(0, Number(coefficient))
        else:
            above: list[Expression] = [Number(Fraction(coefficient.numerator))]
            groups.insert(0, (above, [Number(Fraction(coefficient.denominator))]))
    arranged: list[Fractions] = []
    for above, below in groups:
        trailing: list[Expression] = []
        if below and not any(_contains_tall(factor) for factor in below):
            while above and is_tall(above[-1]):
                trailing.insert(0, above.pop())
        arranged.append((above, below))
        if trailing:
            arranged.append((trailing, []))
    return arranged


def is_tall(factor: Expression) -> bool:
    """Whether a factor would look crowded above a fraction line."""
    if isinstance(factor, Add):
        return any(_contains_tall(term) for term in factor.terms)
    return isinstance(factor, Derivative | Extremum) or sets_tall(factor)


def _contains_tall(node: Expression) -> bool:
    return any(sets_tall(part) for _, part in walk(node) if not isinstance(part, Derivative | Call))


def sets_tall(node: Expression) -> bool:
    """Whether a node is a sum sign or a fraction line, which stand badly in an exponent."""
    match node:
        case Sum() | Product() | Extremum() | Where() | Derivative():
            return True
        case Number(value):
            return value.denominator != 1
        case Power(_, Number(value)):
            return value < 0
        case Multiply(factors):
            return any(sets_tall(factor) for factor in factors if isinstance(factor, Power))
        case _:
            return False
