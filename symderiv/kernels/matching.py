"""Whether one tree is another with index terms put in for some of its letters."""

from __future__ import annotations

from dataclasses import replace

from symderiv.expression.canonical import canonical
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    SYMMETRIC,
    Compare,
    Entry,
    Expression,
    Index,
    IndexTerm,
    PlaceTerm,
    Where,
)
from symderiv.expression.traverse import children, compared_values, map_children


def match(
    pattern: Expression, node: Expression, variables: set[Index], found: dict[Index, IndexTerm]
) -> bool:
    """Whether `node` is `pattern` with index terms put in for `variables`; `found` receives them.

    Trees are compared as they are written, bound letters up to renaming, and either way round where a
    condition asks whether two sides are equal.
    """
    if not _structure(pattern, node, variables, found):
        return False
    if not variables <= found.keys():
        return False
    return canonical(_sorted(rename(pattern, dict(found)))) == canonical(_sorted(node))


def _sorted(node: Expression) -> Expression:
    """`node` with values that are asked to be equal, or not to be, in one order; so places are anyway."""
    node = map_children(node, _sorted)
    if isinstance(node, Where) and node.condition.operator in SYMMETRIC and compared_values(node.condition):
        left, right = sorted((node.condition.left, node.condition.right), key=repr)
        return replace(node, condition=Compare(node.condition.operator, left, right))
    return node


def _structure(
    pattern: Expression, node: Expression, variables: set[Index], found: dict[Index, IndexTerm]
) -> bool:
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, Entry) and isinstance(node, Entry):
        if pattern.array != node.array or len(pattern.indices) != len(node.indices):
            return False
        return all(
            _term(left, right, variables, found)
            for left, right in zip(pattern.indices, node.indices, strict=True)
        )
    if isinstance(pattern, Where) and isinstance(node, Where):
        # The branches first: the letters that they tell say which side of a condition is which.
        return (
            _structure(pattern.then, node.then, variables, found)
            and _structure(pattern.otherwise, node.otherwise, variables, found)
            and _condition(pattern.condition, node.condition, variables, found)
        )
    left, right = children(pattern), children(node)
    return len(left) == len(right) and all(
        _structure(a, b, variables, found) for a, b in zip(left, right, strict=True)
    )


def _condition(
    pattern: Compare, condition: Compare, variables: set[Index], found: dict[Index, IndexTerm]
) -> bool:
    """Whether a condition may be that of the pattern: == and != say the same with their sides exchanged."""
    if pattern.operator != condition.operator:
        return False
    ways = [(condition.left, condition.right)]
    if pattern.operator in SYMMETRIC:
        ways.append((condition.right, condition.left))
    for left, right in ways:
        told = dict(found)
        if _side(pattern.left, left, variables, told) and _side(pattern.right, right, variables, told):
            found.update(told)
            return True
    return False


def _side(
    mine: IndexTerm | Expression,
    its: IndexTerm | Expression,
    variables: set[Index],
    found: dict[Index, IndexTerm],
) -> bool:
    """Whether one side of a condition, a place or a value, may be that of the pattern."""
    if isinstance(mine, Index):
        return isinstance(its, PlaceTerm | Entry) and _term(mine, its, variables, found)
    if isinstance(mine, PlaceTerm) or isinstance(its, PlaceTerm):
        return type(mine) is type(its)
    return _structure(mine, its, variables, found)


def _term(left: IndexTerm, right: IndexTerm, variables: set[Index], found: dict[Index, IndexTerm]) -> bool:
    if isinstance(left, Index) and left in variables:
        if isinstance(right, Index) and right.axis != left.axis:
            return False
        return found.setdefault(left, right) == right
    if isinstance(left, Index) and left in found:
        return found[left] == right
    return True  # bound letters: left to the comparison of the whole


__all__ = ["match"]
