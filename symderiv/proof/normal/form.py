"""The normal form of a tree, and whether a tree is zero by it."""

from __future__ import annotations

from fractions import Fraction

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import multiply, power
from symderiv.expression.functions import call
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Delta,
    Entry,
    Expression,
    Extremum,
    Multiply,
    Number,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import conditions_of
from symderiv.expression.traverse import map_children
from symderiv.proof.normal.extrema import Extrema
from symderiv.proof.normal.functions import Functions
from symderiv.proof.normal.polynomial import Polynomial
from symderiv.proof.normal.powers import Powers
from symderiv.proof.normal.signs import is_not_negative
from symderiv.proof.normal.sums import Sums
from symderiv.proof.places import bound_of, solved_delta


class Normal(Powers, Functions, Sums, Extrema):
    """Brings trees to normal form, with equations to use along the way.

    Parameters
    ----------
    equations
        From a sum in canonical spelling to what it may be replaced by: an assumption Σ_k t_k = 1.
    """

    def is_zero(self, node: Expression) -> bool:
        """Whether `node` is zero by its normal form, also after clearing denominators."""
        found = self.polynomial(node)
        if not found:
            return True
        cleared = self._cleared(found)
        return cleared is not None and not cleared

    def _cleared(self, found: Polynomial) -> Polynomial | None:
        """The numerator over the common denominator of the brackets below, or None without any."""
        below: dict[Expression, Fraction] = {}
        for monomial in found:
            for base, exponent in monomial:
                if isinstance(base, Add) and exponent < 0:
                    below[base] = max(below.get(base, Fraction(0)), -exponent)
        if not below or any(each.denominator != 1 for each in below.values()):
            return None
        terms = []
        for monomial, coefficient in found.items():
            powers = dict(below)
            rest: list[Expression] = [Number(coefficient)]
            for base, exponent in monomial:
                if base in below:
                    powers[base] += exponent
                else:
                    rest.append(power(base, Number(exponent)))
            terms.append(multiply(*rest, *(power(base, Number(each)) for base, each in powers.items())))
        return self.sum([self.polynomial(term) for term in terms])

    def polynomial(self, node: Expression) -> Polynomial:
        """The polynomial of a tree, each node by what it is."""
        match node:
            case Number(value):
                return {(): value} if value else {}
            case Add(terms):
                return self.sum([self.polynomial(term) for term in terms])
            case Multiply(factors):
                result: Polynomial = {(): Fraction(1)}
                for factor in factors:
                    result = self.product(result, self.polynomial(factor))
                return result
            case Power(base, Number(exponent)):
                return self.power(base, exponent)
            case Power(base, exponent):
                if is_not_negative(base):
                    return self.polynomial(call("exp", multiply(exponent, call("log", base))))
                return self.varying_power(base, self.polynomial(exponent))
            case Call():
                return self.call(node)
            case Sum():
                return self.total(node)
            case Delta(left, right) if left == right:
                return {(): Fraction(1)}
            case Delta(Position(), Position()):
                return {}
            case Delta():
                solved_for_one = solved_delta(node)
                return self.atom(node) if solved_for_one == node else self.polynomial(solved_for_one)
            case Entry(_, indices) if conditions_of(indices):
                return self.entry(node)
            case Where(condition, then, otherwise):
                return self.by_cases(condition, then, otherwise)
            case Extremum():
                return self.extremum(node)
            case Product():
                return self.product_over(node)
            case _:
                return self.atom(map_children(node, self.of))

    def entry(self, node: Entry) -> Polynomial:
        """An entry at shifted places, with the bounds that it is 0 without."""
        bounds = [
            bound_of(condition.left, condition.right.axis)
            for condition in conditions_of(node.indices)
            if condition not in self.known
            and isinstance(condition.left, Shift)
            and isinstance(condition.right, Size)
        ]
        if ZERO in bounds:
            return {}
        written = [(canonical(bound), Fraction(1)) for bound in bounds if bound != ONE]
        return self.monomial([*written, (canonical(node), Fraction(1))], Fraction(1))
