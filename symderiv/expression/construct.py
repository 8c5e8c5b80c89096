"""Small constructors that keep a tree tidy: flat sums and products, numbers folded together.

They never reorder what is left, never expand and never merge like terms: those are steps of a
derivation, and a reader should see them happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Expression,
    Multiply,
    Number,
    Power,
)

_ONE = Fraction(1)


def number(value: int | Fraction) -> Number:
    """An exact number."""
    return Number(Fraction(value))


def add(*terms: Expression) -> Expression:
    """The sum of `terms`, flat, with its numbers folded into one at the end."""
    flat: list[Expression] = []
    constant = Fraction(0)
    for term in _flatten_sum(terms):
        if isinstance(term, Number):
            constant += term.value
        else:
            flat.append(term)
    if constant:
        flat.append(Number(constant))
    if not flat:
        return ZERO
    return flat[0] if len(flat) == 1 else Add(tuple(flat))


def multiply(*factors: Expression) -> Expression:
    """The product of `factors`, flat, with its numbers folded into one at the front."""
    flat: list[Expression] = []
    numbers: list[Number] = []
    for factor in _flatten_product(factors):
        if isinstance(factor, Number):
            numbers.append(factor)
        else:
            flat.append(factor)
    if numbers:
        coefficient = numbers[0].value
        for factor in numbers[1:]:
            coefficient *= factor.value
        if not coefficient:
            return ZERO
        if coefficient != 1:
            flat.insert(0, Number(coefficient))
    if not flat:
        return ONE
    return flat[0] if len(flat) == 1 else Multiply(tuple(flat))


def power(base: Expression, exponent: Expression | int) -> Expression:
    """`base` to the `exponent`; folds numbers, the exponents 0 and 1, and powers of powers."""
    if isinstance(exponent, int):
        exponent = number(exponent)
    if exponent == ZERO or base == ONE:
        return ONE
    if exponent == ONE:
        return base
    if isinstance(exponent, Number) and exponent.value.denominator == 1:
        whole = int(exponent.value)
        if isinstance(base, Number) and (base.value or whole > 0) and abs(whole) <= 64:
            return Number(base.value**whole)
        if isinstance(base, Power):
            return power(base.base, multiply(base.exponent, exponent))
    return Power(base, exponent)


def negate(expression: Expression) -> Expression:
    """Minus `expression`; a sum is negated term by term."""
    if isinstance(expression, Add):
        return add(*(negate(term) for term in expression.terms))
    return multiply(MINUS_ONE, expression)


def subtract(left: Expression, right: Expression) -> Expression:
    """`left` minus `right`."""
    return add(left, negate(right))


def divide(numerator: Expression, denominator: Expression) -> Expression:
    """`numerator` over `denominator`."""
    if isinstance(denominator, Multiply):
        return multiply(numerator, *(power(factor, -1) for factor in denominator.factors))
    return multiply(numerator, power(denominator, -1))


def coefficient_and_rest(expression: Expression) -> tuple[Fraction, Expression]:
    """Split a term into its number and everything else: ``-2 x`` is ``(-2, x)``."""
    if isinstance(expression, Number):
        return expression.value, ONE
    if isinstance(expression, Multiply):
        numbers = [factor.value for factor in expression.factors if isinstance(factor, Number)]
        if not numbers:
            return _ONE, expression
        rest = [factor for factor in expression.factors if not isinstance(factor, Number)]
        coefficient = numbers[0]
        for value in numbers[1:]:
            coefficient *= value
        return coefficient, multiply(*rest)
    return _ONE, expression


def base_and_exponent(expression: Expression) -> tuple[Expression, Expression]:
    """A factor as a power: ``x`` is ``(x, 1)``."""
    if isinstance(expression, Power):
        return expression.base, expression.exponent
    return expression, ONE


def terms_of(expression: Expression) -> tuple[Expression, ...]:
    """The terms of a sum; anything else is one term."""
    return expression.terms if isinstance(expression, Add) else (expression,)


def factors_of(expression: Expression) -> tuple[Expression, ...]:
    """The factors of a product; anything else is one factor."""
    return expression.factors if isinstance(expression, Multiply) else (expression,)


def _flatten_sum(terms: Iterable[Expression]) -> Iterable[Expression]:
    for term in terms:
        if isinstance(term, Add):
            yield from _flatten_sum(term.terms)
        else:
            yield term


def _flatten_product(factors: Iterable[Expression]) -> Iterable[Expression]:
    for factor in factors:
        if isinstance(factor, Multiply):
            yield from _flatten_product(factor.factors)
        else:
            yield factor
