"""Shared by the rules of differentiation: how they speak of a derivative, and their sources."""

from __future__ import annotations

from symderiv.calculus.context import Context
from symderiv.expression.nodes import (
    Derivative,
    Entry,
    Expression,
)

INWARD = "the derivative moves to a smaller operand"
RUDIN = "Rudin, Principles of Mathematical Analysis, chapter 5"
CHAIN = "Rudin, Principles of Mathematical Analysis, theorem 9.15"


def d(of: Expression, by: Entry) -> Derivative:
    """The derivative of `of` by one entry."""
    return Derivative(of, (by,))


def is_given(node: Derivative, context: Context) -> bool:
    """Whether a derivative is a datum: that of an unspecified function by its own argument."""
    if not isinstance(node.of, Entry):
        return False
    unspecified = context.problem.upstream_of(node.of.array)
    return unspecified is not None and all(entry.array == unspecified.of for entry in node.by)


def single(node: Expression, kind: type) -> bool:
    """Whether `node` is a first-order derivative of an expression of this kind."""
    return isinstance(node, Derivative) and len(node.by) == 1 and isinstance(node.of, kind)
