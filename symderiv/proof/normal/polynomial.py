"""Polynomials in atoms, and the trees that they are read from and written as."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from symderiv.expression.canonical import sort_key
from symderiv.expression.construct import add, multiply, power
from symderiv.expression.nodes import ZERO, Delta, Expression, Number
from symderiv.proof.places import is_bound

#: Numbers are taken apart into primes up to this one.
MAX_PRIME = 1000

#: Canonical atom -> exponent, sorted.
Monomial: TypeAlias = tuple[tuple[Expression, Fraction], ...]
#: Monomial -> coefficient.
Polynomial: TypeAlias = dict[Monomial, Fraction]


def tree_of(polynomial: Polynomial) -> Expression:
    """A polynomial as a tree, its terms in order."""
    terms = [
        multiply(Number(polynomial[monomial]), *(power(atom, Number(each)) for atom, each in monomial))
        for monomial in sorted(polynomial, key=monomial_key)
    ]
    return add(*terms) if terms else ZERO


def monomial_key(monomial: Monomial) -> tuple[object, ...]:
    """What monomials are put in order by."""
    return tuple((sort_key(atom), exponent) for atom, exponent in monomial)


def content(polynomial: Polynomial) -> dict[Expression, Fraction]:
    """The powers of atoms that all terms share (deltas excepted)."""
    monomials = [dict(monomial) for monomial in polynomial]
    shared: dict[Expression, Fraction] = {}
    for atom in dict.fromkeys(atom for monomial in monomials for atom in monomial):
        if isinstance(atom, Delta) or is_bound(atom):
            continue
        exponents = [monomial.get(atom, Fraction(0)) for monomial in monomials]
        least = min(exponents)
        if least:
            shared[atom] = least
    return shared


def primes(number: int) -> Iterator[tuple[int, int]]:
    """The prime factors of a whole number with their powers; what has no small factor stays whole."""
    divisor = 2
    while divisor * divisor <= number and divisor < MAX_PRIME:
        count = 0
        while number % divisor == 0:
            number, count = number // divisor, count + 1
        if count:
            yield divisor, count
        divisor += 1
    if number > 1:
        yield number, 1
