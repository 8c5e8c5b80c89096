"""One spelling for masks: which terms of a sum of exponentials count is said by where(.., exp(u), 0).

    where(i == y, 0, exp(z_i))      becomes   where(i != y, exp(z_i), 0)
    (1 - delta(i, y)) exp(z_i)      becomes   where(i != y, exp(z_i), 0)
    Σ_{k != y} exp(z_k)             becomes   Σ_k where(k != y, exp(z_k), 0)
    where(i == y, 1, exp(z_i))      becomes   exp(where(i == y, 0, z_i))

    where(w_i < 1, 0, exp(z_i))     becomes   where(where(w_i < 1, 0, 1) != 0, exp(z_i), 0)
    where(i == y, exp(z_i)^2, 0)    becomes   where(i == y, exp(2 z_i), 0)

The order of two values has no contrary among orders: where one is NaN, neither holds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from symderiv.expression.construct import add, base_and_exponent, factors_of, left_out_by, multiply
from symderiv.expression.functions import call
from symderiv.expression.nodes import (
    ONE,
    SYMMETRIC,
    ZERO,
    Call,
    Compare,
    Entry,
    Expression,
    Multiply,
    Number,
    Power,
    Sum,
    Where,
)
from symderiv.expression.traverse import compared_places, compared_values, map_children
from symderiv.kernels.monomial import Opener, is_exposed

_CONTRARY = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def with_masks(
    node: Expression, labels: Collection[str], opened: Opener, *, in_log: bool = False
) -> Expression:
    """`node` with its masks in the one spelling.

    Parameters
    ----------
    labels
        The arrays that hold places.
    opened
        What entries stand for.
    in_log
        Whether it is the argument of a logarithm. A sum over part of an axis stays as it is there: what its
        slope is divided by is that sum alone.
    """
    inside = isinstance(node, Call) and node.function == "log"
    node = map_children(node, lambda child: with_masks(child, labels, opened, in_log=in_log or inside))
    match node:
        case Where(condition, then, otherwise):
            first, second = _exponent(then), _exponent(otherwise)
            if first is not None and second is not None and (first, second) != (ZERO, ZERO):
                return call("exp", Where(condition, first, second))
            if then == ZERO and is_exposed(otherwise, opened):
                return Where(contrary(condition, labels), _one_power(otherwise), ZERO)
            if otherwise == ZERO and is_exposed(then, opened):
                return replace(node, then=_one_power(then))
        case Sum(_, body, Compare("!=") as condition):
            if is_exposed(body, opened) and not in_log:
                return replace(node, body=Where(condition, _one_power(body), ZERO), condition=None)
        case Multiply(factors):
            for factor in factors:
                delta = left_out_by(factor)
                above = [each for each in factors if not isinstance(each, Power) and is_exposed(each, opened)]
                if delta is not None and above:
                    masked = Where(Compare("!=", delta.left, delta.right), _one_power(multiply(*above)), ZERO)
                    rest = (each for each in factors if each is not factor and each not in above)
                    return multiply(*rest, masked)
    return node


def _exponent(node: Expression) -> Expression | None:
    """The u of exp(u), where 1 is exp(0)."""
    if node == ONE:
        return ZERO
    return node.arguments[0] if isinstance(node, Call) and node.function == "exp" else None


def _one_power(node: Expression) -> Expression:
    """A product of exponentials and their powers as one exponential, beside what else there is."""
    exponents, rest = list[Expression](), list[Expression]()
    for factor in factors_of(node):
        base, count = base_and_exponent(factor)
        if isinstance(base, Call) and base.function == "exp" and isinstance(count, Number):
            exponents.append(multiply(count, base.arguments[0]))
        else:
            rest.append(factor)
    return multiply(*rest, call("exp", add(*exponents))) if exponents else node


def contrary(condition: Compare, labels: Collection[str]) -> Compare:
    """A condition that holds where `condition` does not.

    Of two values neither need be less where one is NaN: it is asked whether what tells the order is 0.
    """
    if _has_contrary(condition, labels):
        return replace(condition, operator=_CONTRARY[condition.operator])
    return Compare("!=", Where(condition, ZERO, ONE), ZERO)


def _has_contrary(condition: Compare, labels: Collection[str]) -> bool:
    """Whether a condition or its contrary holds, whatever is compared: NaN is neither less nor more."""
    if condition.operator in SYMMETRIC or compared_places(condition):
        return condition.operator in _CONTRARY
    values = compared_values(condition)
    return bool(values) and all(isinstance(value, Entry) and value.array in labels for value in values)


__all__ = ["contrary", "with_masks"]
