"""Walking a tree and replacing parts of it.

A *path* is the tuple of child numbers that leads from the root to a node. Index terms are not
children: they are handled in :mod:`symderiv.expression.indices`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import is_
from typing import Any, TypeAlias

from symderiv.expression.nodes import (
    Add,
    Call,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    IndexTerm,
    Multiply,
    Number,
    PlaceTerm,
    Power,
    Product,
    Size,
    Sum,
    Where,
)

Path: TypeAlias = tuple[int, ...]


def compared_values(condition: Compare | None) -> tuple[Expression, ...]:
    """The expressions that a condition compares; none where it compares indices."""
    if condition is None or condition.operator == "in":
        return ()
    if isinstance(condition.left, PlaceTerm) or isinstance(condition.right, PlaceTerm):
        return ()
    return (condition.left, condition.right)


def compared_places(condition: Compare | None) -> tuple[IndexTerm, ...]:
    """The indices and labels that a condition compares; none where it compares values."""
    if condition is None or compared_values(condition):
        return ()
    return tuple(each for each in (condition.left, condition.right) if isinstance(each, PlaceTerm | Entry))


def _with_compared(condition: Compare | None, values: Sequence[Expression]) -> Compare | None:
    if condition is None or not values:
        return condition
    return Compare(condition.operator, values[0], values[1])


_CHILDREN: dict[type, Callable[[Any], tuple[Expression, ...]]] = {
    Number: lambda _: (),
    Size: lambda _: (),
    Entry: lambda _: (),
    Delta: lambda _: (),
    Add: lambda node: node.terms,
    Multiply: lambda node: node.factors,
    Power: lambda node: (node.base, node.exponent),
    Call: lambda node: node.arguments,
    Sum: lambda node: (node.body, *compared_values(node.condition)),
    Product: lambda node: (node.body, *compared_values(node.condition)),
    Extremum: lambda node: (node.body,),
    Where: lambda node: (node.then, node.otherwise, *compared_values(node.condition)),
    Derivative: lambda node: (node.of,),
}


def children(node: Expression) -> tuple[Expression, ...]:
    """The sub-expressions directly below `node`."""
    return _CHILDREN[type(node)](node)


def rebuild(node: Expression, parts: Sequence[Expression]) -> Expression:
    """`node` with `parts` in the place of its children, nothing simplified."""
    match node:
        case Number() | Size() | Entry() | Delta():
            return node
        case Add():
            return Add(tuple(parts))
        case Multiply():
            return Multiply(tuple(parts))
        case Power():
            return Power(parts[0], parts[1])
        case Call(function, _):
            return Call(function, tuple(parts))
        case Sum(index, _, condition):
            return Sum(index, parts[0], _with_compared(condition, parts[1:]))
        case Product(index, _, condition):
            return Product(index, parts[0], _with_compared(condition, parts[1:]))
        case Extremum(kind, index, _):
            return Extremum(kind, index, parts[0])
        case Where(condition, _, _):
            compared = _with_compared(condition, parts[2:])
            assert compared is not None
            return Where(compared, parts[0], parts[1])
        case Derivative(_, by):
            return Derivative(parts[0], by)


def map_children(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """`node` with `change` applied to each child; the same object where nothing changed."""
    old = children(node)
    if not old:
        return node
    new = tuple([change(child) for child in old])
    if all(map(is_, old, new)):
        return node
    return rebuild(node, new)


def walk(node: Expression, path: Path = ()) -> Iterator[tuple[Path, Expression]]:
    """Every node with its path, a parent before its children, left to right."""
    yield path, node
    for number, child in enumerate(children(node)):
        yield from walk(child, (*path, number))


def has_derivative(node: Expression) -> bool:
    """Whether a derivative stands in a tree."""
    return any(isinstance(part, Derivative) for _, part in walk(node))


def at(node: Expression, path: Path) -> Expression:
    """The node that `path` leads to."""
    for number in path:
        node = children(node)[number]
    return node


def replace_at(node: Expression, path: Path, new: Expression) -> Expression:
    """`node` with the part at `path` replaced by `new`."""
    if not path:
        return new
    parts = list(children(node))
    parts[path[0]] = replace_at(parts[path[0]], path[1:], new)
    return rebuild(node, parts)


def count_nodes(node: Expression, enough: int | None = None) -> int:
    """How many nodes a tree has; counted no further than just beyond `enough`."""
    count, left = 0, [node]
    while left and (enough is None or count <= enough):
        count += 1
        left.extend(children(left.pop()))
    return count
