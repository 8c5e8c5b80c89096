"""The zero test of polynomials, in a ring of ``sympy.polys``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from sympy.polys.domains import ZZ
from sympy.polys.rings import ring

#: A polynomial: from the exponents of its terms, by generator, to their coefficients.
Terms = Mapping[tuple[tuple[int, int], ...], Any]


def vanishes(numerator: Terms, relations: Sequence[tuple[int, int, Terms]]) -> bool:
    """Whether a polynomial is zero modulo relations, decided in a ring of ``sympy.polys`` over ℤ.

    Denominators are multiplied out beforehand: whole numbers are many times faster than fractions.

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
    polynomials = ring([f"g{number}" for number in order], ZZ)[0]
    generators = polynomials.gens

    def lift(terms: Terms) -> tuple[Any, Any]:
        """A polynomial above a monomial that are `terms` in one fraction."""
        low = [0] * len(order)
        for monomial in terms:
            for number, exponent in monomial:
                low[spot[number]] = min(low[spot[number]], exponent)
        fractions = {monomial: Fraction(coefficient) for monomial, coefficient in terms.items()}
        whole = lcm(*(each.denominator for each in fractions.values()))
        lifted = {}
        for monomial, coefficient in fractions.items():
            exponents = [-least for least in low]
            for number, exponent in monomial:
                exponents[spot[number]] += exponent
            lifted[tuple(exponents)] = ZZ(coefficient.numerator * (whole // coefficient.denominator))
        below = polynomials.ground_new(ZZ(whole))
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
        # Horner's rule in above / below, multiplied by below to the highest power there is.
        left, outside = polynomials.zero, polynomials.one
        for times in range(max(pieces, default=0), -1, -1):
            left *= above
            if times in pieces:
                left += polynomials.from_dict(pieces[times]) * outside
            outside *= below
    return bool(left == 0)
