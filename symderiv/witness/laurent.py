"""Polynomials in numbered generators, exponents of either sign, coefficients in ℚ.

A polynomial is a plain dictionary from its monomials to its coefficients, and is never changed in
place; a monomial is a tuple of (generator, exponent), sorted by generator. Coefficients are `int`
where they can be, otherwise `Fraction`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeAlias

Coefficient: TypeAlias = int | Fraction
Monomial: TypeAlias = tuple[tuple[int, int], ...]
Polynomial: TypeAlias = dict[Monomial, Coefficient]

ONE: Monomial = ()


class NotSingleError(ValueError):
    """No rewriting: several terms would stand under a negative power, or names do not settle."""


def tidy(value: Coefficient) -> Coefficient:
    """An `int` where the value is whole: its arithmetic is several times faster."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def constant(value: Coefficient) -> Polynomial:
    """A number as a polynomial."""
    return {ONE: tidy(value)} if value else {}


def generator(number: int, exponent: int = 1) -> Polynomial:
    """One generator to a power."""
    return {((number, exponent),): 1} if exponent else {ONE: 1}


def times(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    if not left:
        return right
    if not right:
        return left
    exponents = dict(left)
    for number, exponent in right:
        exponents[number] = exponents.get(number, 0) + exponent
    return tuple(sorted((number, exponent) for number, exponent in exponents.items() if exponent))


def raised(monomial: Monomial, exponent: int) -> Monomial:
    """A monomial to a power."""
    return tuple((number, each * exponent) for number, each in monomial) if exponent else ONE


def add(polynomials: Iterable[Polynomial]) -> Polynomial:
    """The sum."""
    total: Polynomial = {}
    for polynomial in polynomials:
        for monomial, coefficient in polynomial.items():
            value = total.get(monomial, 0) + coefficient
            if value:
                total[monomial] = tidy(value)
            else:
                del total[monomial]
    return total


def scale(polynomial: Polynomial, factor: Coefficient, monomial: Monomial = ONE) -> Polynomial:
    """`polynomial` times a number and a monomial."""
    if not factor:
        return {}
    return {times(each, monomial): tidy(value * factor) for each, value in polynomial.items()}


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product."""
    if len(left) > len(right):
        left, right = right, left
    if len(left) == 1:
        ((monomial, coefficient),) = left.items()
        return scale(right, coefficient, monomial)
    return add(scale(right, coefficient, monomial) for monomial, coefficient in left.items())


def power(polynomial: Polynomial, exponent: int) -> Polynomial:
    """`polynomial` to a whole power; a negative one needs a single term."""
    if len(polynomial) == 1:
        ((monomial, coefficient),) = polynomial.items()
        return {raised(monomial, exponent): tidy(Fraction(coefficient) ** exponent)}
    if exponent < 0:
        raise NotSingleError("expected a single term under a negative power")
    result = constant(1)
    for _ in range(exponent):
        result = multiply(result, polynomial)
    return result


def subtract(left: Polynomial, right: Polynomial) -> Polynomial:
    """The difference."""
    return add((left, scale(right, -1)))


def common_monomial(polynomial: Polynomial) -> Monomial:
    """The largest monomial that divides every term (exponents may be negative)."""
    least: dict[int, int] = {}
    numbers = {number for monomial in polynomial for number, _ in monomial}
    for number in numbers:
        least[number] = min(dict(monomial).get(number, 0) for monomial in polynomial)
    return tuple(sorted((number, exponent) for number, exponent in least.items() if exponent))


def generators_in(polynomial: Polynomial) -> set[int]:
    """The generators that occur."""
    return {number for monomial in polynomial for number, _ in monomial}


def substitute(polynomial: Polynomial, values: Mapping[int, Polynomial]) -> Polynomial:
    """`polynomial` with generators replaced; one that stands below a line needs a single term."""
    if not values or values.keys().isdisjoint(generators_in(polynomial)):
        return polynomial
    parts = []
    for monomial, coefficient in polynomial.items():
        kept = tuple((number, exponent) for number, exponent in monomial if number not in values)
        term: Polynomial = {kept: coefficient}
        for number, exponent in monomial:
            if number in values:
                term = multiply(term, power(values[number], exponent))
        parts.append(term)
    return add(parts)
