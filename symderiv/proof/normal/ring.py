"""Sums and products of polynomials, and what becomes of atoms that meet in one term."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from math import floor

from symderiv.expression.canonical import canonical, sort_key
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
    power,
    terms_of,
)
from symderiv.expression.indices import mentions, rename
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Delta,
    Expression,
    Index,
    Number,
    Position,
    Shift,
    Where,
)
from symderiv.expression.traverse import compared_values, walk
from symderiv.proof.deltas import by_preference, classes, written_at
from symderiv.proof.expand import ProofError
from symderiv.proof.normal.polynomial import Polynomial, tree_of
from symderiv.proof.places import implied, is_bound, without_bounds

#: A normal form with more terms than this is given up: no answer rather than a long wait.
MAX_TERMS = 4000
#: After this many products of terms the way to a normal form is given up.
MAX_WORK = 20_000
#: Whole powers of brackets up to this are multiplied out.
MAX_POWER = 8


class Ring(ABC):
    """Arithmetic of polynomials; how a tree becomes one is left to the classes made of this one.

    Parameters
    ----------
    equations
        From a sum in canonical spelling to what it may be replaced by: an assumption Σ_k t_k = 1.
    """

    def __init__(self, equations: Mapping[Expression, Expression] | None = None) -> None:
        self.equations = dict(equations or {})
        self.work = 0
        self.known: frozenset[Compare] = frozenset()  # the bounds that hold where one stands

    @abstractmethod
    def polynomial(self, node: Expression) -> Polynomial:
        """The polynomial of a tree."""

    @abstractmethod
    def power(self, base: Expression, exponent: Fraction) -> Polynomial:
        """A power with a fixed exponent."""

    def of(self, node: Expression) -> Expression:
        """The normal form of `node` as a tree; zero is ``Number(0)``."""
        return tree_of(self.polynomial(node))

    def atom(self, node: Expression) -> Polynomial:
        """A tree that nothing is known of but that it equals itself."""
        key = canonical(node)
        if key in self.equations:
            return self.polynomial(self.equations[key])
        if isinstance(key, Number):
            return {(): key.value} if key.value else {}
        return self.monomial([(key, Fraction(1))], Fraction(1))

    def sum(self, parts: list[Polynomial]) -> Polynomial:
        """The sum of polynomials: equal monomials merged."""
        result: Polynomial = {}
        for part in parts:
            for monomial, coefficient in part.items():
                total = result.get(monomial, Fraction(0)) + coefficient
                if total:
                    result[monomial] = total
                else:
                    result.pop(monomial, None)
        if len(result) > MAX_TERMS:
            raise ProofError(f"the normal form has more than {MAX_TERMS} terms")
        return result

    def product(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """The product of two polynomials, multiplied out."""
        if len(left) * len(right) > MAX_TERMS * 4:
            raise ProofError(f"the normal form has more than {MAX_TERMS} terms")
        return self.sum([self.monomial([*a, *b], x * y) for a, x in left.items() for b, y in right.items()])

    def monomial(self, powers: list[tuple[Expression, Fraction]], coefficient: Fraction) -> Polynomial:
        """One term: equal atoms merged, deltas used up, square roots squared."""
        self.work += 1
        if self.work > MAX_WORK:
            raise ProofError(f"the normal form needs more than {MAX_WORK} products of terms")
        merged: dict[Expression, Fraction] = {}
        for base, exponent in powers:
            merged[base] = merged.get(base, Fraction(0)) + exponent
        merged = {base: exponent for base, exponent in merged.items() if exponent}
        for base, exponent in merged.items():
            if isinstance(base, Delta | Where) and exponent < 0:
                raise ProofError("a division by zero")
            if isinstance(base, Delta | Where):
                merged[base] = Fraction(1)
        again = self._where_zero(merged, coefficient)
        if again is not None:
            return again
        again = self._under_bounds(merged, coefficient)
        if again is not None:
            return again
        for needless in implied(merged):
            del merged[needless]
        deltas = [base for base in merged if isinstance(base, Delta)]
        for delta in deltas:
            again = self._under_shifted_delta(delta, merged, coefficient)
            if again is not None:
                return again
        if deltas:
            again = self._under_deltas(merged, coefficient)
            if again is not None:
                return again
        for base in list(merged):
            if isinstance(base, Call) and base.function == "sqrt" and merged[base].denominator != 1:
                rest = {key: each for key, each in merged.items() if key != base}
                inner = self.power(base.arguments[0], merged[base] / 2)
                return self.product(self.monomial(list(rest.items()), coefficient), inner)
            if isinstance(base, Call) and base.function == "sqrt" and merged[base] not in (0, 1):
                # √u^n is u^⌊n/2⌋ times √u or 1, so that 1/√u and √u/u have one spelling.
                whole = floor(merged[base] / 2)
                rest = {**merged, base: merged[base] - 2 * whole}
                inner = self.power(base.arguments[0], Fraction(whole))
                return self.product(self.monomial(list(rest.items()), coefficient), inner)
            whole = merged[base].denominator == 1
            if isinstance(base, Add) and whole and 0 < merged[base] <= MAX_POWER:
                rest = {key: each for key, each in merged.items() if key != base}
                return self.product(
                    self.monomial(list(rest.items()), coefficient), self.power(base, merged[base])
                )
        return {tuple(sorted(merged.items(), key=lambda item: sort_key(item[0]))): coefficient}

    def _where_zero(self, merged: dict[Expression, Fraction], coefficient: Fraction) -> Polynomial | None:
        """[u = 0] f(x) = [u = 0] f(y) where x = y follows from u = 0, and [u = 0] [u > 0] = 0.

        Written is the last atom of u, where u is linear in it, by those before it: so this comes to an end.
        """
        for truth in merged:
            match truth:
                case Where(Compare("==") as condition) if compared_values(condition):
                    value, _ = compared_values(condition)
                case _:
                    continue
            if Where(Compare("<", ZERO, value), ONE, ZERO) in merged or value in merged:
                return {}
            terms = [coefficient_and_rest(term) for term in terms_of(value)]
            factors = {_base(each) for _, term in terms for each in factors_of(term)}
            last = max(factors, key=sort_key)
            exponent = merged.get(last, Fraction(0))
            alone = [number for number, term in terms if term == last]
            elsewhere = [term for _, term in terms if term != last and last in map(_base, factors_of(term))]
            if len(alone) != 1 or elsewhere or not 0 < exponent <= MAX_POWER or exponent.denominator != 1:
                continue
            others = add(*(multiply(Number(-n / alone[0]), term) for n, term in terms if term != last))
            rest = [(base, each) for base, each in merged.items() if base != last]
            return self.product(
                self.monomial(rest, coefficient), self.polynomial(power(others, Number(exponent)))
            )
        return None

    def _under_bounds(self, merged: dict[Expression, Fraction], coefficient: Fraction) -> Polynomial | None:
        """[s in N] f([s in N] x_s) = [s in N] f(x_s): inside of functions and sums, the bound is 1."""
        bounds = [base for base in merged if is_bound(base)]
        if not bounds:
            return None
        written = {base: without_bounds(base, merged) for base in merged if not is_bound(base)}
        if all(base is other for base, other in written.items()):
            return None
        before = self.known
        # Those that follow from them are known too: they must not be written inside again.
        self.known = before | {
            part.condition
            for base in merged
            for _, part in walk(base)
            if isinstance(part, Where) and is_bound(part) and without_bounds(part, merged) == ONE
        }
        factors = [power(other, Number(merged[base])) for base, other in written.items()]
        inside = self.polynomial(multiply(Number(coefficient), *factors))
        self.known = before
        # The bounds themselves are known inside only: here they stand as factors.
        return self.product({tuple((base, Fraction(1)) for base in bounds): Fraction(1)}, inside)

    def _under_shifted_delta(
        self, delta: Delta, merged: dict[Expression, Fraction], coefficient: Fraction
    ) -> Polynomial | None:
        """δ_{k, j-i} f_k = δ_{k, j-i} f_{j-i}: the letter that a shifted delta is solved for disappears."""
        letter, place = delta.left, delta.right
        if not isinstance(letter, Index) or not isinstance(place, Shift):
            return None
        rest = [power(base, Number(exponent)) for base, exponent in merged.items() if base != delta]
        if not any(mentions(factor, letter) for factor in rest):
            return None
        renamed = rename(multiply(Number(coefficient), *rest), {letter: place})
        return self.product(self.polynomial(renamed), {((delta, Fraction(1)),): Fraction(1)})

    def _under_deltas(self, merged: dict[Expression, Fraction], coefficient: Fraction) -> Polynomial | None:
        """δ_ij f_j = δ_ij f_i: of the places that the deltas make equal, every term is written with one.

        None where it is written so already.
        """
        plain = [base for base in merged if isinstance(base, Delta) and not isinstance(base.right, Shift)]
        for places, deltas in classes(plain):
            if sum(isinstance(place, Position) for place in places) > 1:
                return {}
            kept, *others = by_preference(places)
            spelled = {canonical(Delta(kept, place)) for place in others}
            rest = [power(base, Number(each)) for base, each in merged.items() if base not in deltas]
            moved = [written_at(factor, kept, others) for factor in rest]
            if moved == rest and spelled == set(deltas):
                continue
            monomial = tuple(
                sorted(((delta, Fraction(1)) for delta in spelled), key=lambda each: sort_key(each[0]))
            )
            return self.product(
                self.polynomial(multiply(Number(coefficient), *moved)), {monomial: Fraction(1)}
            )
        return None


def _base(factor: Expression) -> Expression:
    return base_and_exponent(factor)[0]
