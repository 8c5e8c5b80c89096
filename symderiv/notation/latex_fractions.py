"""Where signs and fraction lines go: how a product is split into what stands above and below them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from symderiv.expression.construct import power
from symderiv.expression.nodes import (
    ONE,
    Add,
    Call,
    Derivative,
    Entry,
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


def signed(expression: Expression) -> tuple[bool, Expression]:
    """Whether a term is written with a minus, and the term without it."""
    if isinstance(expression, Number) and expression.value < 0:
        return True, Number(-expression.value)
    if isinstance(expression, Multiply) and expression.factors:
        first = expression.factors[0]
        if isinstance(first, Number) and first.value < 0:
            if first.value != -1:
                return True, Multiply((Number(-first.value), *expression.factors[1:]))
            rest = expression.factors[1:]
            return True, rest[0] if len(rest) == 1 else Multiply(rest) if rest else ONE
    return False, expression


def signed_term(term: Expression) -> tuple[bool, Expression]:
    """The same for a term of a sum, where the sign of a sum sign's body may come out in front."""
    negative, rest = signed(term)
    if isinstance(rest, Sum):
        inside, body = signed_term(rest.body)
        if inside:
            return not negative, Sum(rest.index, body, rest.condition)
    return negative, rest


def grouped(factors: Sequence[Expression]) -> list[Fractions]:
    """The factors in order as fractions: each group is what stands above and below one line.

    A factor after a complete fraction starts a new group. Where what stands below is low, tall
    factors follow the fraction instead of crowding it, ``(1/K) Σ_k x_k``, and low ones that come
    after a lone denominator move above it, ``ε / K``.
    """
    coefficient: Fraction | None = None
    if len(factors) > 1 and isinstance(factors[0], Number):
        coefficient, factors = factors[0].value, factors[1:]
    arranged: list[Fractions] = []
    for above, below in _groups(factors):
        if below and not any(_contains_tall(factor) for factor in below):
            tall = [factor for factor in above if is_tall(factor)]
            arranged.append(([factor for factor in above if not is_tall(factor)], below))
            if tall:
                arranged.append((tall, []))
        else:
            arranged.append((above, below))
    _lift_last(arranged)
    if coefficient is not None:
        _with_coefficient(arranged, coefficient)
    return [group for group in arranged if group[0] or group[1]]


def _lift_last(groups: list[Fractions]) -> None:
    """Single symbols after the last fraction move above its line: x_j x_i / K, not (x_j / K) x_i."""
    if len(groups) < 2 or groups[-1][1] or not groups[-2][1]:
        return
    (above, below), (rest, _) = groups[-2:]
    if any(_contains_tall(factor) for factor in below):
        return
    while rest and not isinstance(rest[0], Add) and not is_tall(rest[0]):
        above.append(rest.pop(0))


def _groups(factors: Sequence[Expression]) -> list[Fractions]:
    groups: list[Fractions] = []
    for factor in _operators_last(factors):
        if isinstance(factor, Power) and isinstance(factor.exponent, Number) and factor.exponent.value < 0:
            if not groups:
                groups.append(([], []))
            groups[-1][1].append(power(factor.base, Number(-factor.exponent.value)))
        elif groups and not groups[-1][0] and not is_tall(factor):
            groups[-1][0].append(factor)
        else:
            if not groups or groups[-1][1]:
                groups.append(([], []))
            groups[-1][0].append(factor)
    return groups


def _operators_last(factors: Sequence[Expression]) -> list[Expression]:
    """Derivatives that are still to be taken stand last, where what they act on is plain to see."""

    def is_open(factor: Expression) -> bool:
        return isinstance(factor, Derivative) and not (isinstance(factor.of, Entry) and not factor.of.indices)

    if len(factors) < 2:
        return list(factors)
    return [factor for factor in factors if not is_open(factor)] + [
        factor for factor in factors if is_open(factor)
    ]


def _with_coefficient(groups: list[Fractions], coefficient: Fraction) -> None:
    """Put the number in front: into the first fraction if there is one, else before everything."""
    above, below = groups[0]
    if below:
        if coefficient.numerator != 1:
            above.insert(0, Number(Fraction(coefficient.numerator)))
        if coefficient.denominator != 1:
            below.insert(0, Number(Fraction(coefficient.denominator)))
    elif coefficient.denominator == 1:
        above.insert(0, Number(coefficient))
    else:
        number = Number(Fraction(coefficient.numerator)), Number(Fraction(coefficient.denominator))
        groups.insert(0, ([number[0]], [number[1]]))


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
