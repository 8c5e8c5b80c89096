"""Small constructors that keep a tree tidy: flat sums and products, numbers folded together.

They never reorder what is left, never expand and never merge like terms: those are steps of a
derivation, and a reader should see them happen. Where a formula is read, nothing that was written may
vanish either: with ``keep`` 0 * x[i + 1], x^0 and 0 / x stay as they are, since the entry's bounds and the
division still count.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Delta,
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


def multiply(*factors: Expression, keep: bool = False) -> Expression:
    """The product of `factors`, flat, with its numbers folded into one at the front.

    A product with 0 is 0, unless what stands beside the 0 is to be kept.
    """
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
        if not coefficient and not keep:
            return ZERO
        if coefficient != 1:
            flat.insert(0, Number(coefficient))
    if not flat:
        return ONE
    return flat[0] if len(flat) == 1 else Multiply(tuple(flat))


def power(base: Expression, exponent: Expression | int, *, keep: bool = False) -> Expression:
    """`base` to the `exponent`; folds numbers, the exponents 0 and 1, and powers of powers.

    With `keep`, a base whose exponent is 0 is kept, and so are the exponent of a base 1 and a
    division that is divided by.
    """
    if isinstance(exponent, int):
        exponent = number(exponent)
    if exponent == ZERO or base == ONE:
        kept = keep and not (isinstance(base, Number) and isinstance(exponent, Number))
        return Power(base, exponent) if kept else ONE
    if exponent == ONE:
        return base
    if isinstance(exponent, Number) and exponent.value.denominator == 1:
        whole = int(exponent.value)
        if isinstance(base, Number) and (base.value or whole > 0) and abs(whole) <= 64:
            return Number(base.value**whole)
        if isinstance(base, Power) and not (keep and _undoes(base.exponent, exponent)):
            return power(base.base, multiply(base.exponent, exponent), keep=keep)
    if base == ZERO and isinstance(exponent, Number) and exponent.value > 0:
        return ZERO
    return Power(base, exponent)


def _undoes(inner: Expression, outer: Number) -> bool:
    """Whether a power of a power is none by a negative number any more, or none at all."""
    return not outer.value or (isinstance(inner, Number) and inner.value < 0 > outer.value)


def negate(expression: Expression) -> Expression:
    """Minus `expression`; a sum is negated term by term."""
    if isinstance(expression, Add):
        return add(*(negate(term) for term in expression.terms))
    return multiply(MINUS_ONE, expression)


def left_out_by(node: Expression) -> Delta | None:
    """The delta of 1 - delta(i, j), a factor that leaves out what it is 1 for; None for any other node."""
    if not isinstance(node, Add) or len(node.terms) != 2 or ONE not in node.terms:
        return None
    others = [negate(term) for term in node.terms if term != ONE]
    return others[0] if len(others) == 1 and isinstance(others[0], Delta) else None


def subtract(left: Expression, right: Expression) -> Expression:
    """`left` minus `right`."""
    return add(left, negate(right))


def divide(numerator: Expression, denominator: Expression, *, keep: bool = False) -> Expression:
    """`numerator` over `denominator`; see :func:`multiply` and :func:`power` for `keep`."""
    factors = denominator.factors if isinstance(denominator, Multiply) else (denominator,)
    if keep and any(isinstance(each, Power) and _undoes(each.exponent, MINUS_ONE) for each in factors):
        return multiply(numerator, Power(denominator, MINUS_ONE), keep=True)
    return multiply(numerator, *(power(factor, -1, keep=keep) for factor in factors), keep=keep)


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
