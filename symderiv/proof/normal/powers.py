"""Powers: of monomials factor by factor, of brackets multiplied out, or the bracket as an atom."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import base_and_exponent, factors_of, power
from symderiv.expression.nodes import ONE, Add, Call, Expression, Number, Power, Size, Where
from symderiv.proof.expand import ProofError
from symderiv.proof.normal.polynomial import Polynomial, content, monomial_key, tree_of
from symderiv.proof.normal.ring import MAX_POWER, Ring
from symderiv.proof.normal.signs import is_not_negative
from symderiv.proof.places import is_bound

#: Values made of more conditions than this are not looked at for being signs.
MOST_CONDITIONS = 4


class Powers(Ring):
    """How powers become polynomials."""

    def power(self, base: Expression, exponent: Fraction) -> Polynomial:
        """A power with a fixed exponent."""
        inner = self.polynomial(base)
        if not inner:
            if exponent > 0:
                return {}
            raise ProofError("a division by zero")
        if exponent == Fraction(1, 2):
            return self.polynomial(Call("sqrt", (base,)))
        if len(inner) == 1:
            ((monomial, coefficient),) = inner.items()
            if exponent.denominator == 1:
                # 1 / x[s] has a value only where s is in bounds: the bound stays above the bar.
                powers = [
                    (atom, Fraction(1) if is_bound(atom) else each * exponent) for atom, each in monomial
                ]
                return self.monomial(powers, coefficient ** int(exponent))
        if exponent.denominator == 1 and 0 < exponent <= MAX_POWER:
            result = inner
            for _ in range(int(exponent) - 1):
                result = self.product(result, inner)
            return result
        return self._power_of_bracket(inner, exponent)

    def varying_power(self, base: Expression, exponent: Polynomial) -> Polynomial:
        """u^{e + n} = u^e u^n for a whole number n; else a power whose exponent varies is an atom."""
        inner = self.polynomial(base)
        if len(inner) == 1 and _is_whole(exponent):
            ((monomial, coefficient),) = inner.items()
            if len(monomial) + (coefficient != 1) > 1:  # (u v)^n = u^n v^n
                result: Polynomial = {(): Fraction(1)}
                for factor in factors_of(tree_of(inner)):
                    result = self.product(result, self.polynomial(power(factor, tree_of(exponent))))
                return result
        whole = floor(exponent.get((), Fraction(0)))
        rest = self.sum([exponent, {(): Fraction(-whole)} if whole else {}])
        result = {(): Fraction(1)}
        if whole:
            result = self.power(base, Fraction(whole))
        return self.product(result, self.atom(Power(self.of(base), tree_of(rest)))) if rest else result

    def _power_of_bracket(self, inner: Polynomial, exponent: Fraction) -> Polynomial:
        """A bracket below the bar: its common factor in front, its first term positive and plain."""
        shared = content(inner)
        if exponent.denominator != 1:
            shared = {atom: each for atom, each in shared.items() if is_not_negative(atom)}
        rest = inner
        if shared:
            inverse = [(atom, -each) for atom, each in shared.items()]
            rest = self.sum([self.monomial([*monomial, *inverse], each) for monomial, each in inner.items()])
        if not rest:
            raise ProofError("a division by zero")
        if exponent < 0 and exponent.denominator == 1 and self._is_a_sign(rest):
            result = self.monomial([(atom, each * exponent) for atom, each in shared.items()], Fraction(1))
            for _ in range(int(-exponent) % 2 or 2):  # 1 / s = s = s^3 for a sign s that is not 0
                result = self.product(result, rest)
            return result
        scale = rest[min(rest, key=monomial_key)] if exponent.denominator == 1 else Fraction(1)
        rest = {monomial: coefficient / scale for monomial, coefficient in rest.items()}
        bracket = canonical(tree_of(rest))
        outside = self.monomial([(atom, each * exponent) for atom, each in shared.items()], Fraction(1))
        number = scale ** int(exponent) if exponent.denominator == 1 else Fraction(1)
        if bracket == ONE:
            return {monomial: each * number for monomial, each in outside.items()}
        if isinstance(bracket, Number) and exponent.denominator == 1:
            # What is in front may leave a number only: 1 - e / (1 + e) is (1 + e)^(-1).
            number *= bracket.value ** int(exponent)
            return {monomial: each * number for monomial, each in outside.items()}
        if not isinstance(bracket, Add):
            base, own = base_and_exponent(bracket)
            if isinstance(own, Number):
                if own.value % 2 == 0 and exponent.denominator != 1 and not is_not_negative(base):
                    base, own = bracket, ONE  # (u^2)^(1/3) is not u^(2/3) where u is negative
                return self.product(outside, self.monomial([(base, own.value * exponent)], number))
            raise ProofError("a power that the normal form does not handle")
        return self.product(outside, {((bracket, exponent),): number})

    def _is_a_sign(self, value: Polynomial) -> bool:
        """Whether a value made of conditions is -1, 0 or 1, whatever holds."""
        atoms = {atom for monomial in value for atom, _ in monomial}
        return (
            len(atoms) <= MOST_CONDITIONS
            and all(isinstance(atom, Where) for atom in atoms)
            and self.product(value, self.product(value, value)) == value
        )


def _is_whole(value: Polynomial) -> bool:
    """Whether a value is a whole number at every size."""
    return all(
        number.denominator == 1 and all(isinstance(atom, Size) and each > 0 for atom, each in monomial)
        for monomial, number in value.items()
    )
