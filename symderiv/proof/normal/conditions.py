"""Conditions: 1 where they hold, else 0, in as few kinds of atoms as can be."""

from __future__ import annotations

from fractions import Fraction

from symderiv.expression.construct import subtract
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    PlaceTerm,
    Position,
    Where,
)
from symderiv.expression.shifts import decided, is_within
from symderiv.expression.traverse import compared_values
from symderiv.proof.normal.polynomial import Polynomial, content, monomial_key, tree_of
from symderiv.proof.normal.ring import Ring
from symderiv.proof.normal.signs import is_not_negative, is_positive


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
        return self.sum([{(): Fraction(1)}, _negated(truth)])

    def is_positive_there(self, value: Polynomial) -> Polynomial:
        """[u > 0], with positive common factors of u taken away; of u and -u, one is asked about.

        [-u > 0] is 1 - [u > 0] - [u = 0].
        """
        known = self._known_sign(value)
        if known is not None:
            return {(): Fraction(1)} if known > 0 else {}
        value = self._primitive(value)
        tree = tree_of(value)
        if is_positive(tree):
            return {(): Fraction(1)}
        if is_not_negative(tree):
            return self.opposite(self._is_zero_there(value))
        turned = _negated(value)
        if is_not_negative(tree_of(turned)):
            return {}
        if len(value) == 1:
            return self._product_is_positive(value)
        if _first(value) > 0:
            return self.atom(Where(Compare("<", ZERO, tree), ONE, ZERO))
        above = self.atom(Where(Compare("<", ZERO, tree_of(turned)), ONE, ZERO))
        return self.opposite(self.sum([above, self._is_zero_there(value)]))

    def sign(self, value: Polynomial) -> Polynomial:
        """1 for a value above zero, -1 below and 0 at zero: [u > 0] - [-u > 0]."""
        below = self.is_positive_there(_negated(value))
        return self.sum([self.is_positive_there(value), _negated(below)])

    def _known_sign(self, value: Polynomial) -> int | None:
        """The sign of a number; None for anything else."""
        if set(value) - {()}:
            return None
        number = value.get((), Fraction(0))
        return (number > 0) - (number < 0)

    def _product_is_positive(self, value: Polynomial) -> Polynomial:
        """[u > 0] for one term, (s² + s) / 2 of its sign s: that is the product of those of its atoms."""
        ((monomial, coefficient),) = value.items()
        (first, exponent), *others = monomial
        if not others and exponent.denominator == 1 and exponent % 2 and not _is_truth(first):
            above = self.atom(Where(Compare("<", ZERO, first), ONE, ZERO))
            if coefficient > 0:
                return above
            return self.opposite(self.sum([above, self._is_zero_there(value)]))
        sign: Polynomial = {(): Fraction(1 if coefficient > 0 else -1)}
        for atom, each in monomial:
            odd = each.denominator == 1 and each % 2 == 1
            one: Polynomial = {((atom, Fraction(1)),): Fraction(1)}
            its = one if _is_truth(atom) else self.sign(one)
            sign = self.product(sign, its if odd else self.product(its, its))
        both = self.sum([sign, self.product(sign, sign)])
        return {each: number / 2 for each, number in both.items()}

    def _is_zero_there(self, value: Polynomial) -> Polynomial:
        """[u = 0], which is [-u = 0] too; a product is zero where one of its factors is."""
        known = self._known_sign(value)
        if known is not None:
            return {} if known else {(): Fraction(1)}
        value = self._primitive(value)
        if is_positive(tree_of(value)):
            return {}
        if len(value) == 1:
            ((monomial, _),) = value.items()
            nowhere: Polynomial = {(): Fraction(1)}
            for atom, exponent in monomial:
                if exponent > 0:
                    nowhere = self.product(nowhere, self.opposite(self._atom_is_zero(atom)))
            return self.opposite(nowhere)
        value = value if _first(value) > 0 else _negated(value)
        return self.atom(Where(Compare("==", tree_of(value), ZERO), ONE, ZERO))

    def _atom_is_zero(self, atom: Expression) -> Polynomial:
        if _is_truth(atom):
            return self.opposite({((atom, Fraction(1)),): Fraction(1)})
        if is_positive(atom):
            return {}
        if isinstance(atom, Call) and atom.function == "sqrt":
            return self._is_zero_there(self.polynomial(atom.arguments[0]))
        return self.atom(Where(Compare("==", atom, ZERO), ONE, ZERO))

    def _primitive(self, value: Polynomial) -> Polynomial:
        """A value divided by its positive common factors, so that its sign is the same."""
        shared = {atom: -each for atom, each in content(value).items() if is_positive(atom)}
        if shared:
            value = self.product(value, self.monomial(list(shared.items()), Fraction(1)))
        scale = next(abs(each) for _, each in sorted(value.items(), key=lambda term: monomial_key(term[0])))
        return {monomial: each / scale for monomial, each in value.items()}


def _is_truth(atom: Expression) -> bool:
    """Whether an atom is 0 or 1."""
    return isinstance(atom, Delta | Where)


def _negated(value: Polynomial) -> Polynomial:
    return {monomial: -coefficient for monomial, coefficient in value.items()}


def _first(value: Polynomial) -> Fraction:
    """The coefficient of the first term."""
    return value[min(value, key=monomial_key)]
