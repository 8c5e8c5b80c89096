"""Sums, products and powers as the text notation builds them, with bounds on the numbers in them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb
from math import factorial as factorial_of

from symderiv.expression.construct import add, divide, factors_of, multiply, power, terms_of
from symderiv.expression.functions import call
from symderiv.expression.nodes import MINUS_ONE, ONE, ZERO, Add, Expression, Number, Power
from symderiv.notation.expression_parser import MAX_BITS, MAX_EXPONENT


class ArithmeticFault(ValueError):
    """A number that cannot be: too large, or a division by zero. Says so in a sentence."""


def sum_of(terms: Sequence[tuple[bool, Expression]]) -> Expression:
    """The sum of the terms, those with True taken negative; numbers are folded where there are several."""
    flat: list[Expression] = []
    constant = Fraction(0)
    for negative, term in terms:
        signed = multiply(MINUS_ONE, term, keep=True) if negative else term
        for part in terms_of(signed):
            if isinstance(part, Number):
                constant = bounded(constant + part.value)
            flat.append(part)
    if constant and sum(isinstance(term, Number) for term in flat) == 1 and len(flat) > 1:
        return Add(tuple(flat))  # 1 - x stays in its order
    return add(*flat)


def product_of(*factors: Expression) -> Expression:
    """The product of the factors in their order, with the numbers in front."""
    constant = Fraction(1)
    for factor in factors:
        for part in factors_of(factor):
            if isinstance(part, Number):
                constant = bounded(constant * part.value)
    return multiply(*factors, keep=True)


def quotient_of(above: Expression, below: Expression) -> Expression:
    """`above` divided by `below`."""
    if ZERO in factors_of(below):
        raise ArithmeticFault("division by zero")
    return product_of(above, divide(ONE, below, keep=True))


def raised_to(base: Expression, exponent: Expression) -> Expression:
    """`base` to the power of `exponent`."""
    if isinstance(exponent, Number):
        _check_exponent(exponent)
        if ZERO in factors_of(base) and exponent.value < 0:
            raise ArithmeticFault("zero to a negative power is a division by zero")
        if isinstance(base, Number):
            bits = max(base.value.numerator.bit_length(), base.value.denominator.bit_length())
            if bits > 1 and bits * abs(exponent.value) > MAX_BITS:
                raise ArithmeticFault(f"the numbers here grow too large: at most {MAX_BITS} bits are allowed")
    result = power(base, exponent, keep=True)
    if isinstance(result, Power) and isinstance(result.exponent, Number):
        _check_exponent(result.exponent)
    return result


#: Up to this many chosen, a binomial coefficient is written as a product.
MAX_CHOSEN = 8


def binomial(above: Expression, below: Expression) -> Expression:
    """The binomial coefficient: a number for two whole numbers, else by the gamma function."""
    if isinstance(above, Number) and isinstance(below, Number):
        n, k = above.value, below.value
        if n.denominator == k.denominator == 1 and k >= 0 and 0 <= n <= MAX_EXPONENT:
            return Number(Fraction(comb(int(n), int(k))))

    if isinstance(below, Number) and below.value in range(MAX_CHOSEN + 1):
        steps = range(int(below.value))  # n (n - 1) ... (n - k + 1) / k!
        factors = [sum_of(((False, above), (True, Number(Fraction(step))))) for step in steps]
        return product_of(Number(Fraction(1, factorial_of(int(below.value)))), *factors)

    def factorial(*terms: tuple[bool, Expression]) -> Expression:
        return call("gamma", sum_of((*terms, (False, ONE))))

    below_line = product_of(factorial((False, below)), factorial((False, above), (True, below)))
    return quotient_of(factorial((False, above)), below_line)


def bounded(value: Fraction) -> Fraction:
    """`value`, if it is not too large to go on with."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise ArithmeticFault(f"the numbers here grow too large: at most {MAX_BITS} bits are allowed")
    return value


def _check_exponent(exponent: Number) -> None:
    if abs(exponent.value) > MAX_EXPONENT or exponent.value.denominator > MAX_EXPONENT:
        raise ArithmeticFault(f"this exponent is too large: at most {MAX_EXPONENT} is allowed")
