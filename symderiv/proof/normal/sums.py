"""Sums over an axis: deltas sifted, constants counted, factors pulled out."""

from __future__ import annotations

from fractions import Fraction

from symderiv.expression.construct import add, factors_of, multiply, negate, power
from symderiv.expression.indices import indices_in_term, mentions, rename
from symderiv.expression.matrices import product_with_inverse
from symderiv.expression.nodes import (
    ZERO,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    Number,
    Position,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import solved, within
from symderiv.proof.normal.polynomial import Monomial, Polynomial
from symderiv.proof.normal.ring import Ring
from symderiv.proof.places import bound_of, least_spelling


class Sums(Ring):
    """How sums over an axis become polynomials."""

    def total(self, node: Sum) -> Polynomial:
        """A sum over an axis, term by term: deltas sifted, constants counted, factors pulled out."""
        if node.condition is not None:
            return self._restricted(node, node.condition)
        parts = []
        # A letter of its own, so that nothing inside can clash with it.
        letter = Index(f"{node.index.name}~", node.index.axis)
        body = rename(node.body, {node.index: letter})
        for monomial, coefficient in self.polynomial(body).items():
            parts.append(self._total_of_term(letter, monomial, coefficient))
        return self.sum(parts)

    def _total_of_term(self, letter: Index, monomial: Monomial, coefficient: Fraction) -> Polynomial:
        factors = [power(atom, Number(each)) for atom, each in monomial]
        for place, factor in enumerate(factors):
            if isinstance(factor, Delta) and mentions(factor, letter):
                other = solved(factor.left, factor.right, letter)
                if other is None or isinstance(other, Position):
                    continue  # the axis may be too short to have that place
                rest = multiply(Number(coefficient), *factors[:place], *factors[place + 1 :])
                rest = multiply(bound_of(other, letter.axis), rename(rest, {letter: other}))
                return self.polynomial(rest)
        outside = [factor for factor in factors if not mentions(factor, letter)]
        inside = [factor for factor in factors if mentions(factor, letter)]
        without = _without_inverses(letter, inside)
        if without is not None:
            return self.polynomial(multiply(Number(coefficient), *outside, without))
        total = _nested(letter, inside) if inside else Size(letter.axis)
        result = self.atom(total)
        for factor in outside:
            result = self.product(result, self.polynomial(factor))
        return {key: each * coefficient for key, each in result.items()}

    def _restricted(self, node: Sum, condition: Compare) -> Polynomial:
        """Σ_{k ≠ i} f_k = Σ_k f_k - f_i, Σ_{k = i} f_k = f_i, and Σ_{k < i} f_k = Σ_k [k < i] f_k."""
        sides = (condition.left, condition.right)
        if condition.operator in ("!=", "==") and node.index in sides:
            other = condition.right if condition.left == node.index else condition.left
            if isinstance(other, Index | Shift | Entry) and node.index not in indices_in_term(other):
                picked = rename(node.body, {node.index: other})
                bound = within(other, node.index.axis)
                picked = picked if bound is None else Where(bound, picked, ZERO)
                if condition.operator == "==":
                    return self.polynomial(picked)
                return self.polynomial(add(Sum(node.index, node.body), negate(picked)))
        return self.polynomial(Sum(node.index, Where(condition, node.body, ZERO)))


def _without_inverses(letter: Index, factors: list[Expression]) -> Expression | None:
    """Σ over a letter of factors, with a δ for a matrix next to its inverse; None where none is."""
    letters, core = _flat(letter, factors)
    for each in letters:
        uses = [factor for factor in core if mentions(factor, each)]
        delta = product_with_inverse(uses, each)
        if delta is not None:
            total = multiply(delta, *(factor for factor in core if factor not in uses))
            for other in reversed([other for other in letters if other != each]):
                total = Sum(other, total)
            return total
    return None


def _nested(letter: Index, factors: list[Expression]) -> Expression:
    """Σ over a letter of factors, sums among them moved outwards: Σ_c g_c Σ_k V_kc is Σ_c Σ_k g_c V_kc.

    So a sum over several axes has one spelling, whichever of them was summed first.
    """
    letters, core = _flat(letter, factors)
    return least_spelling(letters, core)


def _flat(letter: Index, factors: list[Expression]) -> tuple[list[Index], list[Expression]]:
    """A letter with those of the sums among the factors, and the factors without these sums."""
    letters: list[Index] = [letter]
    core: list[Expression] = []
    for factor in factors:
        while isinstance(factor, Sum) and factor.condition is None:
            own = Index(f"{factor.index.name}~{len(letters)}", factor.index.axis)
            letters.append(own)
            factor = rename(factor.body, {factor.index: own})
        core.extend(factors_of(factor))
    return letters, core
