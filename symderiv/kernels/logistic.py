"""Stability of logarithms of sigmoids: a share and its complement, each without cancellation.

    1 - sigmoid(u)           becomes   sigmoid(-u)
    log(sigmoid(u))          becomes   -softplus(-u)
    log(1 - sigmoid(u))      becomes   -softplus(u)
    log(1 + exp(u))          becomes   softplus(u)
    log(1 - tanh(u)^2)       becomes   2 (log 2 - |u| - softplus(-2 |u|))

and a product such as p (1 - p) (t / p - (1 - t) / (1 - p)) is multiplied out, so that nothing is
divided by a share that has become 0. Sigmoids and tanh are seen through their names. Each rewrite is
evaluated before and after with 50 digits; one that changes the value raises :class:`KernelError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
    negate,
    number,
    power,
)
from symderiv.expression.functions import call
from symderiv.expression.nodes import ONE, Add, Call, Definition, Entry, Expression, Multiply, Number
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.rewrite_check import demand_same_value
from symderiv.problem import unfold


def rewrite_logistic(node: Expression, definitions: Mapping[str, Definition]) -> Expression:
    """`node` with shares of sigmoids in their stable form, checked against the form given.

    Raises
    ------
    KernelError
        If a rewrite changed the value.
    """
    found = _Rewriter(definitions).rewrite(node)
    if found != node:
        demand_same_value(node, found, definitions, definitions)
    return found


class _Rewriter:
    """Rewrites trees that may mention `definitions`."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions

    def rewrite(self, node: Expression) -> Expression:
        """The parts first, then the whole."""
        given, node = node, map_children(node, self.rewrite)
        if node is not given and isinstance(node, Add | Multiply):  # a part may now begin with a sign
            node = add(*node.terms) if isinstance(node, Add) else multiply(*_gathered(factors_of(node)))
        match node:
            case Call("log", (argument,)):
                exponent = self._exponent(argument)
                if exponent is not None:
                    return negate(call("softplus", negate(exponent)))
                exponent = _one_and_exp(argument)
                if exponent is not None:
                    return call("softplus", exponent)
                exponent = self._one_less_square(argument)
                return node if exponent is None else _log_of_slope(exponent)
            case Add():
                return self._complement(node)
            case Multiply():
                return self._cancelled(node)
            case _:
                return node

    def _exponent(self, node: Expression) -> Expression | None:
        """The u of sigmoid(u), also where that has a name."""
        return self._argument("sigmoid", node)

    def _argument(self, function: str, node: Expression) -> Expression | None:
        """The argument of a function's value, also where that has a name."""
        if isinstance(node, Entry) and node.array in self.definitions:
            node = unfold(self.definitions[node.array], node)
        return node.arguments[0] if isinstance(node, Call) and node.function == function else None

    def _one_less_square(self, node: Expression) -> Expression | None:
        """The u of 1 - tanh(u)^2, which rounds to 0 where tanh(u) does to 1."""
        if isinstance(node, Add) and len(node.terms) == 2 and ONE in node.terms:
            for other in node.terms:
                base, exponent = base_and_exponent(negate(other))
                if exponent == number(2):
                    return self._argument("tanh", base)
        return None

    def _complement(self, node: Add) -> Expression:
        """1 - sigmoid(u) as sigmoid(-u), and sigmoid(u) - 1 as -sigmoid(-u), also among other terms."""
        for one in node.terms:
            if not (isinstance(one, Number) and abs(one.value) == 1):
                continue
            for share in node.terms:
                coefficient, rest = coefficient_and_rest(share)
                exponent = self._exponent(rest)
                if exponent is not None and coefficient == -one.value:
                    others = [each for each in node.terms if each is not one and each is not share]
                    return add(multiply(one, call("sigmoid", negate(exponent))), *others)
        return node

    def _cancelled(self, node: Multiply) -> Expression:
        """A product with a sum of quotients, multiplied out where that leaves no share below."""
        shares = [base for base, _ in map(base_and_exponent, factors_of(node)) if self._is_share(base)]
        for factor in node.factors:
            if not isinstance(factor, Add) or not self._divides(factor, shares):
                continue
            rest = [each for each in node.factors if each is not factor]
            terms = [multiply(*_gathered(factors_of(multiply(*rest, term)))) for term in factor.terms]
            whole = add(*terms)
            if not self._divides(whole, shares):
                return whole
        return node

    def _is_share(self, node: Expression) -> bool:
        return self._exponent(node) is not None

    def _divides(self, node: Expression, shares: list[Expression]) -> bool:
        for _, part in walk(node):
            base, exponent = base_and_exponent(part)
            if base in shares and isinstance(exponent, Number) and exponent.value < 0:
                return True
        return False


def _one_and_exp(node: Expression) -> Expression | None:
    """The u of 1 + exp(u)."""
    if isinstance(node, Add) and len(node.terms) == 2:
        for one, other in (node.terms, node.terms[::-1]):
            if one == ONE and isinstance(other, Call) and other.function == "exp":
                return other.arguments[0]
    return None


def _log_of_slope(u: Expression) -> Expression:
    """The logarithm of 1 - tanh(u)^2 = 4 e / (1 + e)^2, where e = exp(-2 |u|)."""
    size = call("abs", u)
    less = negate(call("softplus", multiply(number(-2), size)))
    return multiply(number(2), add(call("log", number(2)), negate(size), less))


def _gathered(factors: Sequence[Expression]) -> list[Expression]:
    """The factors with equal bases brought together."""
    exponents: dict[Expression, Expression] = {}
    for factor in factors:
        base, exponent = base_and_exponent(factor)
        exponents[base] = add(exponents[base], exponent) if base in exponents else exponent
    return [power(base, exponent) for base, exponent in exponents.items()] or [ONE]


__all__ = ["rewrite_logistic"]
