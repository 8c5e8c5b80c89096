"""Whether one tree is another with index terms put in for some of its letters."""

from __future__ import annotations

from symderiv.expression.canonical import canonical
from symderiv.expression.indices import rename
from symderiv.expression.nodes import Compare, Entry, Expression, Index, IndexTerm, Position, Shift, Where
from symderiv.expression.traverse import children


def match(
    pattern: Expression, node: Expression, variables: set[Index], found: dict[Index, IndexTerm]
) -> bool:
    """Whether `node` is `pattern` with index terms put in for `variables`; `found` receives them.

    Trees are compared as they are written, bound letters up to renaming.
    """
    if not _structure(pattern, node, variables, found):
        return False
    if not variables <= found.keys():
        return False
    return canonical(rename(pattern, dict(found))) == canonical(node)


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
        _condition(pattern.condition, node.condition, variables, found)
    left, right = children(pattern), children(node)
    return len(left) == len(right) and all(
        _structure(a, b, variables, found) for a, b in zip(left, right, strict=True)
    )


def _condition(
    pattern: Compare, condition: Compare, variables: set[Index], found: dict[Index, IndexTerm]
) -> None:
    """Letters that only the condition has; whether it is the same one is left to the whole."""
    pairs = ((pattern.left, condition.left), (pattern.right, condition.right))
    for mine, its in pairs:
        if isinstance(mine, Index) and isinstance(its, Index | Position | Shift):
            _term(mine, its, variables, found)


def _term(left: IndexTerm, right: IndexTerm, variables: set[Index], found: dict[Index, IndexTerm]) -> bool:
    if isinstance(left, Index) and left in variables:
        if isinstance(right, Index) and right.axis != left.axis:
            return False
        return found.setdefault(left, right) == right
    if isinstance(left, Index) and left in found:
        return found[left] == right
    return True  # bound letters: left to the comparison of the whole


__all__ = ["match"]
