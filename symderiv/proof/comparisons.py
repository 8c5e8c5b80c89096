"""Positive parts in one spelling, and conditions on them in the simplest words: max(0, u) > 0 where u > 0."""

from __future__ import annotations

from symderiv.expression.nodes import ZERO, Call, Compare, Expression, Where
from symderiv.expression.traverse import map_children


def with_plain_comparisons(node: Expression) -> Expression:
    """`node` with u > 0 for every condition that the positive part of u is positive."""
    node = map_children(node, with_plain_comparisons)
    match node:
        case Where(Compare(">" | "!=", Call() as part, zero), then, otherwise) if zero == ZERO:
            inside = _inside_positive_part(part)
            return node if inside is None else Where(Compare(">", inside, ZERO), then, otherwise)
        case Call("max", _):
            positive = _inside_positive_part(node)
            return node if positive is None else Call("relu", (positive,))
        case Call("step", (part,)):
            inside = _inside_positive_part(part)
            return node if inside is None else Call("step", (inside,))
        case _:
            return node


def _inside_positive_part(node: Expression) -> Expression | None:
    """The u of max(0, u); None for anything else."""
    match node:
        case Call("relu", (inside,)):
            return inside
        case Call("max", (first, second)) if ZERO in (first, second):
            return second if first == ZERO else first
        case _:
            return None
