"""Stability of what is left of 1, of logarithms of gamma, and of exponentials in branches.

    exp(u) - 1               becomes   expm1(u)
    1 - erf(u)               becomes   erfc(u)
    1 + erf(u)               becomes   erfc(-u)
    log(gamma(u))            becomes   log_gamma(u)

Each of the first loses all its digits where exp(u) or erf(u) is near 1 or -1, and gamma overflows. And
where a branch is taken for u <= c only, exp(u) in it becomes exp(min(u, c)): whole-array code works out
both branches everywhere, and the one that is not taken must not overflow. Each rewrite is evaluated
before and after with 50 digits; one that changes the value raises :class:`KernelError`.
"""

from __future__ import annotations

from collections.abc import Mapping

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import add, coefficient_and_rest, multiply, negate
from symderiv.expression.functions import call
from symderiv.expression.nodes import Add, Call, Definition, Expression, Number, Where
from symderiv.expression.traverse import compared_values, map_children
from symderiv.kernels.rewrite_check import demand_same_value


def rewrite_complements(node: Expression, definitions: Mapping[str, Definition]) -> Expression:
    """`node` with differences from 1 in their stable form, checked against the form given.

    Raises
    ------
    KernelError
        If a rewrite changed the value.
    """
    found = _rewritten(node)
    if found != node:
        demand_same_value(node, found, definitions, definitions)
    return found


def _rewritten(node: Expression) -> Expression:
    if isinstance(node, Where):
        node = _bounded(node)
    node = map_children(node, _rewritten)
    if isinstance(node, Call) and node.function == "log":
        (inner,) = node.arguments
        if isinstance(inner, Call) and inner.function == "gamma":
            return call("log_gamma", *inner.arguments)
    return _complement(node) if isinstance(node, Add) else node


def _complement(node: Add) -> Expression:
    """A number 1 or -1 and a term exp(u) or erf(u), together."""
    for one in node.terms:
        if not (isinstance(one, Number) and abs(one.value) == 1):
            continue
        for term in node.terms:
            coefficient, rest = coefficient_and_rest(term)
            if abs(coefficient) != 1 or not (isinstance(rest, Call) and rest.function in ("exp", "erf")):
                continue
            (u,) = rest.arguments
            if rest.function == "exp":
                if coefficient == one.value:
                    continue
                both = multiply(Number(coefficient), call("expm1", u))
            else:
                both = multiply(one, call("erfc", u if coefficient != one.value else negate(u)))
            return add(both, *(each for each in node.terms if each is not one and each is not term))
    return node


def _bounded(node: Where) -> Where:
    """Exponentials of what is compared, bounded in the branch where it is the smaller side."""
    values = compared_values(node.condition)
    if not values or node.condition.operator not in ("<", "<=", ">", ">="):
        return node
    left, right = values
    if node.condition.operator in (">", ">="):
        return Where(node.condition, _at_most(node.then, right, left), _at_most(node.otherwise, left, right))
    return Where(node.condition, _at_most(node.then, left, right), _at_most(node.otherwise, right, left))


def _at_most(node: Expression, smaller: Expression, larger: Expression) -> Expression:
    """`node` with exp(smaller) as exp(min(smaller, larger)), and exp(-larger) likewise."""
    if isinstance(node, Call) and node.function == "exp":
        (u,) = node.arguments
        for side, bound in ((smaller, larger), (negate(larger), negate(smaller))):
            if canonical(u) == canonical(side) and not isinstance(side, Number):
                return call("exp", call("min", u, bound))
    return map_children(node, lambda child: _at_most(child, smaller, larger))


__all__ = ["rewrite_complements"]
