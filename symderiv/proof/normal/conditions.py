"""Conditions: 1 where they hold, else 0, in as few kinds of atoms as can be."""

from __future__ import annotations

from fractions import Fraction

from symderiv.expression.construct import subtract
from symderiv.expression.nodes import ONE, ZERO, Compare, Delta, Entry, Expression, PlaceTerm, Position, Where
from symderiv.expression.shifts import decided, is_within
from symderiv.expression.traverse import compared_values
from symderiv.proof.normal.polynomial import Polynomial, content, monomial_key, tree_of
from symderiv.proof.normal.ring import Ring
from symderiv.proof.normal.signs import is_positive


class Conditions(Ring):
    """How conditions become polynomials."""

    def by_cases(self, condition: Compare, then: Expression, otherwise: Expression) -> Polynomial:
        """where(c, a, b) = b + [c] (a - b)."""
        known = decided(condition) if is_within(condition) else None
        if known is None and condition in self.known:
            known = True
        if known is not None:
            return self.polynomial(then if known else otherwise)
        holds, outside = self._truth(condition), self.polynomial(otherwise)
        before = self.known
        if is_within(condition):
            self.known = before | {condition}
        inside = self.polynomial(then)
        self.known = before
        lost = self.product(holds, outside)
        return self.sum([outside, self.product(holds, inside), {key: -each for key, each in lost.items()}])

    def _truth(self, condition: Compare) -> Polynomial:
        """[c]: 1 where a condition holds, else 0. Equal places are a delta; the rest comes down to one sign.

        a ≤ b is what b < a is not, and a > b is b < a; two values are compared by the sign of their
        difference, which a positive factor does not change.
        """
        if is_within(condition):
            return self.atom(Where(condition, ONE, ZERO))
        operator, left, right = condition.operator, condition.left, condition.right
        if operator in ("!=", "<=", ">="):
            opposite = {"!=": "==", "<=": ">", ">=": "<"}[operator]
            return self.opposite(self._truth(Compare(opposite, left, right)))
        if operator == ">":
            left, right = right, left
        values = compared_values(Compare(operator, left, right))
        if not values and operator == "==":
            assert isinstance(left, PlaceTerm | Entry)
            assert isinstance(right, PlaceTerm | Entry)
            return self.polynomial(Delta(left, right))
        if not values:
            if left == right:
                return {}
            if isinstance(left, Position) and isinstance(right, Position):
                return {(): Fraction(1)} if left.value < right.value else {}
            return self.atom(Where(Compare("<", left, right), ONE, ZERO))
        difference = self.polynomial(subtract(values[1], values[0]))
        if operator == "==":
            return self._is_zero_there(difference)
        return self.is_positive_there(difference)

    def opposite(self, truth: Polynomial) -> Polynomial:
        """1 where a condition does not hold."""
        return self.sum([{(): Fraction(1)}, {monomial: -each for monomial, each in truth.items()}])

    def is_positive_there(self, value: Polynomial) -> Polynomial:
        """[u > 0], with positive common factors of u taken away."""
        if not set(value) - {()}:
            return {(): Fraction(1)} if value.get((), 0) > 0 else {}
        value = self._primitive(value)
        if not set(value) - {()}:
            return {(): Fraction(1)} if value.get((), 0) > 0 else {}
        return self.atom(Where(Compare("<", ZERO, tree_of(value)), ONE, ZERO))

    def _is_zero_there(self, value: Polynomial) -> Polynomial:
        """[u = 0], which is [-u = 0] too."""
        if not set(value) - {()}:
            return {} if value.get((), 0) else {(): Fraction(1)}
        value = self._primitive(value)
        if min(value.items(), key=lambda term: monomial_key(term[0]))[1] < 0:
            value = {monomial: -each for monomial, each in value.items()}
        return self.atom(Where(Compare("==", tree_of(value), ZERO), ONE, ZERO))

    def _primitive(self, value: Polynomial) -> Polynomial:
        """A value divided by its positive common factors, so that its sign is the same."""
        shared = {atom: -each for atom, each in content(value).items() if is_positive(atom)}
        if shared:
            value = self.product(value, self.monomial(list(shared.items()), Fraction(1)))
        scale = next(abs(each) for _, each in sorted(value.items(), key=lambda term: monomial_key(term[0])))
        return {monomial: each / scale for monomial, each in value.items()}
