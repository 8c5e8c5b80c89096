"""Products with exponentials in them, taken apart: e^u times other factors, sums of exponentials too.

A :class:`Monomial` is exp(exponent) · Π base^power. What is the same for all places of a sum of
exponentials stands before that sum, in it no more:

    Σ_k exp(z_k - c) / T     is   exp(-c) · T^(-1) · Σ_k exp(z_k)

so that the same sum is found again however it was spelled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
    power,
    terms_of,
)
from symderiv.expression.functions import call
from symderiv.expression.indices import mentions
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Size,
    Sum,
    Where,
)

#: What an entry stands for, where that is to be looked into; None where it is not.
Opener = Callable[[Entry], Expression | None]


@dataclass
class Monomial:
    """exp(Σ of `exponent`) · Π of `factors`; terms and bases are found by their canonical form."""

    exponent: dict[Expression, tuple[Fraction, Expression]] = field(default_factory=dict)
    factors: dict[Expression, tuple[int, Expression]] = field(default_factory=dict)

    def add_exponent(self, u: Expression, times: Fraction) -> None:
        """Multiply by exp(times · u)."""
        for term in terms_of(u):
            coefficient, rest = coefficient_and_rest(spread(term))
            if isinstance(rest, Add):
                for each in rest.terms:
                    self.add_exponent(each, coefficient * times)
                continue
            key = canonical(rest)
            total = self.exponent.get(key, (Fraction(0), rest))[0] + coefficient * times
            if total:
                self.exponent[key] = (total, rest)
            else:
                self.exponent.pop(key, None)

    def add_factor(self, base: Expression, times: int) -> None:
        """Multiply by base^times."""
        key = canonical(base)
        total = self.factors.get(key, (0, base))[0] + times
        if total:
            self.factors[key] = (total, base)
        else:
            self.factors.pop(key, None)

    def multiplied(self, other: Monomial, times: int) -> None:
        """Multiply by another monomial to a whole power."""
        for coefficient, rest in other.exponent.values():
            self.add_exponent(rest, coefficient * times)
        for count, base in other.factors.values():
            self.add_factor(base, count * times)

    def holds(self, other: Monomial) -> bool:
        """Whether `other` is a part of this product that can be taken out of it."""
        return all(
            key in self.exponent and self.exponent[key][0] == coefficient
            for key, (coefficient, _) in other.exponent.items()
        ) and all(
            isinstance(base, Number) or (key in self.factors and self.factors[key][0] >= count > 0)
            for key, (count, base) in other.factors.items()
        )

    def shift(self) -> Expression:
        """The exponent."""
        return add(*(multiply(Number(count), rest) for count, rest in self.exponent.values()))

    def rest(self) -> Expression:
        """Everything but the exponential."""
        return multiply(*(power(base, count) for count, base in self.factors.values()))

    def whole(self) -> Expression:
        """The product as a tree."""
        exponent = self.shift()
        return multiply(self.rest(), ONE if exponent == ZERO else call("exp", exponent))


def spread(term: Expression) -> Expression:
    """A term c · (a + b) / d as a sum, so that what is the same in two exponents cancels."""
    factors = factors_of(term)
    for place, factor in enumerate(factors):
        if isinstance(factor, Add):
            others = (*factors[:place], *factors[place + 1 :])
            return add(*(spread(multiply(each, *others)) for each in factor.terms)) if others else factor
    return term


def monomial(node: Expression, opened: Opener, within: Opener | None = None) -> Monomial:
    """A product taken apart.

    Parameters
    ----------
    opened
        What entries stand for.
    within
        The same in sums of exponentials; as `opened` if left out.
    """
    found = Monomial()
    for factor in factors_of(node):
        base, exponent = base_and_exponent(factor)
        whole = exponent.value if isinstance(exponent, Number) else None
        if whole is None or whole.denominator != 1:
            found.add_factor(factor, 1)
            continue
        times = int(whole)
        inside = opened(base) if isinstance(base, Entry) else None
        if inside is not None or isinstance(base, Multiply):
            found.multiplied(monomial(base if inside is None else inside, opened, within), times)
        elif isinstance(base, Call) and base.function == "exp":
            found.add_exponent(base.arguments[0], Fraction(times))
        elif isinstance(base, Sum):
            found.multiplied(_sum(base, opened, within or opened), times)
        elif isinstance(base, Number) and base.value and base != ONE:
            found.add_factor(power(base, times), 1)
        elif base != ONE:
            found.add_factor(base, times)
    return found


def _sum(node: Sum, opened: Opener, within: Opener) -> Monomial:
    """A sum, with what is the same at all its places before it, where it is one of exponentials."""
    found = Monomial()
    body = monomial(node.body, opened, within)
    if node.condition is None and _varies(body, node.index):
        body = monomial(node.body, within)
    if node.condition is not None or not _varies(body, node.index):
        found.add_factor(node, 1)
        return found
    inner = Monomial()
    for coefficient, rest in body.exponent.values():
        (inner if mentions(rest, node.index) else found).add_exponent(rest, coefficient)
    for count, base in body.factors.values():
        (inner if mentions(base, node.index) else found).add_factor(base, count)
    whole = inner.whole()
    if not found.exponent and not found.factors and _same(monomial(node.body, lambda _: None).whole(), whole):
        found.add_factor(node, 1)  # as it is spelled
    else:
        found.add_factor(Sum(node.index, whole), 1)
    return found


def _same(left: Expression, right: Expression) -> bool:
    return canonical(left) == canonical(right)


def _varies(body: Monomial, index: Index) -> bool:
    return any(mentions(rest, index) for _, rest in body.exponent.values())


def exponents_of(node: Expression) -> Expression | None:
    """The u of Σ_k exp(u_k), without weights; None for all else."""
    if isinstance(node, Sum) and node.condition is None:
        body = node.body
        if isinstance(body, Call) and body.function == "exp" and mentions(body, node.index):
            return body.arguments[0]
    return None


def is_exposed(node: Expression, opened: Opener = lambda _: None) -> bool:
    """Whether a value is made of exponentials by products, sums and powers: it may overflow."""
    match node:
        case Call(function, _):
            return function == "exp"
        case Multiply(parts) | Add(parts):
            return any(is_exposed(part, opened) for part in parts)
        case Power(base, _):
            return is_exposed(base, opened)
        case Sum(_, body):
            return is_exposed(body, opened)
        case Where(_, then, otherwise):
            return is_exposed(then, opened) or is_exposed(otherwise, opened)
        case Entry():
            return opened(node) is not None
        case _:
            return False


def is_positive(node: Expression) -> bool:
    """Whether a factor is a positive number, a size, or a sum of exponentials."""
    if isinstance(node, Number):
        return node.value > 0
    return isinstance(node, Size) or exponents_of(node) is not None


__all__ = ["Monomial", "Opener", "exponents_of", "is_exposed", "is_positive", "monomial", "spread"]
