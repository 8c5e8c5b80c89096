"""The largest or smallest value over an axis, and the product of all of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import add, multiply
from symderiv.expression.functions import call
from symderiv.expression.indices import mentions, rename
from symderiv.expression.nodes import (
    Call,
    Delta,
    Expression,
    Extremum,
    Index,
    Number,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import children
from symderiv.proof.normal.polynomial import Monomial, Polynomial, content, tree_of
from symderiv.proof.normal.ring import Ring
from symderiv.proof.normal.signs import is_not_negative

#: Products over up to this many axes are written in the order of the least spelling.
MAX_REORDERED = 3


class Extrema(Ring):
    """How extrema and products over an axis become polynomials."""

    def extremum(self, node: Extremum) -> Polynomial:
        """max_k (c u_k + b) = c max_k u_k + b for c ≥ 0, max_k -u_k = -min_k u_k; no axis is empty.

        And max_k e^u_k = e^(max_k u_k).
        """
        letter, body = _own_letter(node)
        value = self.polynomial(body)
        outside = {each: number for each, number in value.items() if not _mentions(each, letter)}
        inside = {each: number for each, number in value.items() if each not in outside}
        if not inside:
            return outside
        shared = {
            atom: each
            for atom, each in content(inside).items()
            if not mentions(atom, letter)
            and (is_not_negative(atom) or (each.denominator == 1 and each % 2 == 0))
        }
        inverse = self.monomial([(atom, -each) for atom, each in shared.items()], Fraction(1))
        rest = self.product(inside, inverse)
        exponent = _exponent(rest)
        if exponent is not None:  # an exponential grows with its exponent
            ((_, number),) = rest.items()
            grown = self.polynomial(call("exp", Extremum(node.kind, letter, exponent)))
            return self.sum([outside, self.product(self.monomial([*shared.items()], number), grown)])
        scale = max(abs(number) for number in rest.values())
        other = {"max": "min", "min": "max"}[node.kind]
        upright = canonical(Extremum(node.kind, letter, _scaled(rest, 1 / scale)))
        turned = canonical(Extremum(other, letter, _scaled(rest, -1 / scale)))
        if repr(turned) < repr(upright):
            upright, scale = turned, -scale
        outer = self.monomial([*shared.items(), (upright, Fraction(1))], scale)
        return self.sum([outside, outer])

    def product_over(self, node: Product) -> Polynomial:
        """Π_k u_k v_k = Π_k u_k Π_k v_k, Π_k c = c^K, Π_k e^u_k = e^(Σ_k u_k), and whole powers in front."""
        letter, body = _own_letter(node)
        if node.condition is not None:
            return self.atom(Product(node.index, self.of(node.body), node.condition))
        value = self.polynomial(body)
        shared = content(value)
        rest: Polynomial
        factors: list[tuple[Expression, Fraction]] = list(shared.items())
        if len(value) == 1:
            ((only, coefficient),) = value.items()
            factors, rest = list(only), {(): coefficient}
        else:
            inverse = [(atom, -each) for atom, each in shared.items()]
            rest = self.product(value, self.monomial(inverse, Fraction(1)))
        whole = all(each.denominator == 1 and not isinstance(atom, Delta | Where) for atom, each in factors)
        if not whole:
            return self.atom(_least_product([letter], tree_of(value)))
        left = tree_of(rest)
        negative = isinstance(left, Number) and left.value < 0
        if negative:
            left = Number(-left.value)  # type: ignore[union-attr]
        result = self._of_factor(letter, left)
        if negative:
            result = self.product(result, self._of_factor(letter, Number(Fraction(-1))))
        for atom, each in factors:
            ((monomial, number),) = self._of_factor(letter, atom).items()
            powers = [(base, exponent * each) for base, exponent in monomial]
            result = self.product(result, self.monomial(powers, number ** int(each)))
        return result

    def _of_factor(self, letter: Index, factor: Expression) -> Polynomial:
        """Π over a letter of one factor."""
        if factor == Number(Fraction(1)):
            return {(): Fraction(1)}
        if not mentions(factor, letter):
            return self.polynomial(Power(factor, Size(letter.axis)))
        match factor:
            case Call("exp", (argument,)):
                return self.polynomial(call("exp", Sum(letter, argument)))
            case Power(base, Size() as exponent):
                return self.polynomial(Power(tree_of(self._of_factor(letter, base)), exponent))
        letters = [letter]
        while isinstance(factor, Product) and factor.condition is None:
            own = Index(f"{factor.index.name}~{len(letters)}", factor.index.axis)
            letters.append(own)
            factor = rename(factor.body, {factor.index: own})
        return self.atom(_least_product(letters, factor))


def _own_letter(node: Product | Extremum) -> tuple[Index, Expression]:
    """A letter that nothing inside can clash with, and the body with it."""
    letter = Index(f"{node.index.name}~", node.index.axis)
    return letter, rename(node.body, {node.index: letter})


def _mentions(monomial: Monomial, letter: Index) -> bool:
    return any(mentions(atom, letter) for atom, _ in monomial)


def _exponent(value: Polynomial) -> Expression | None:
    """The u of c e^u with a positive number c; None for anything else."""
    if len(value) != 1:
        return None
    ((monomial, number),) = value.items()
    if number < 0 or not all(isinstance(atom, Call) and atom.function == "exp" for atom, _ in monomial):
        return None
    return add(*(multiply(Number(each), *children(atom)) for atom, each in monomial))


def _scaled(value: Polynomial, scale: Fraction) -> Expression:
    return tree_of({monomial: number * scale for monomial, number in value.items()})


def _least_product(letters: list[Index], factor: Expression) -> Expression:
    """Π over several letters, in the order that gives the least spelling."""
    found = []
    for order in permutations(letters) if len(letters) <= MAX_REORDERED else (letters,):
        spelled = factor
        for letter in order:
            spelled = Product(letter, spelled)
        found.append(canonical(spelled))
    return min(found, key=repr)
