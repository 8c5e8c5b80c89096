"""The zero test of polynomials, in a ring of ``sympy.polys``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sympy.polys.domains import QQ
from sympy.polys.rings import ring

#: A polynomial: from the exponents of its terms, by generator, to their coefficients.
Terms = Mapping[tuple[tuple[int, int], ...], Any]


def vanishes(numerator: Terms, relations: Sequence[tuple[int, int, Terms]]) -> bool:
    """Whether a polynomial is zero modulo relations, decided in a ring of ``sympy.polys`` over ℚ.

    Parameters
    ----------
    numerator
        Its terms; exponents may be negative (a monomial is multiplied in, which changes nothing).
    relations
        ``(g, n, value)``: the generator g to the power n is `value`, a polynomial in generators with
        smaller numbers. They are used from the largest generator down.
    """
    used = {
        number for terms in (numerator, *(each[2] for each in relations)) for m in terms for number, _ in m
    }
    order = sorted(used | {generator for generator, _, _ in relations})
    if not order:
        return not numerator
    spot = {number: column for column, number in enumerate(order)}
    polynomials = ring([f"g{number}" for number in order], QQ)[0]
    generators = polynomials.gens

    def lift(terms: Terms) -> tuple[Any, Any]:
        low = [0] * len(order)
        for monomial in terms:
            for number, exponent in monomial:
                low[spot[number]] = min(low[spot[number]], exponent)
        lifted = {}
        for monomial, coefficient in terms.items():
            exponents = [-least for least in low]
            for number, exponent in monomial:
                exponents[spot[number]] += exponent
            value = Fraction(coefficient)
            lifted[tuple(exponents)] = QQ(value.numerator, value.denominator)
        below = polynomials.one
        for generator, least in zip(generators, low, strict=True):
            below *= generator**-least
        return polynomials.from_dict(lifted), below

    left, _ = lift(numerator)
    for number, degree, value in sorted(relations, key=lambda each: -each[0]):
        column = spot[number]
        above, below = lift(value)
        pieces: dict[int, dict[tuple[int, ...], Any]] = {}
        for exponents, coefficient in left.terms():
            rest = list(exponents)
            times, rest[column] = divmod(exponents[column], degree)
            pieces.setdefault(times, {})[tuple(rest)] = coefficient
        most = max(pieces, default=0)
        left = sum(
            (polynomials.from_dict(piece) * above**times * below ** (most - times)
             for times, piece in pieces.items()),
            polynomials.zero,
        )  # fmt: skip
    return bool(left == 0)
