"""Axes of known size, written out: Σ_k f_k over 3 places is f_1 + f_2 + f_3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

from symderiv.expression.construct import add, multiply
from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import (
    COMPARISONS,
    ONE,
    ZERO,
    Compare,
    Delta,
    Expression,
    Extremum,
    Number,
    Position,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import compared_values, count_nodes, map_children
from symderiv.proof.expand import ProofError

#: A tree that grows beyond this is given up.
MAX_NODES = 200_000


def written_out(node: Expression, sizes: Mapping[str, int]) -> Iterator[Expression]:
    """`node` at every place of its free letters on the axes in `sizes`, their sums written out.

    Raises
    ------
    ProofError
        If it grows too large.
    """
    body = _without_sums(node, sizes)
    letters = [index for index in free_indices(body) if index.axis in sizes]
    for places in product(*(range(1, sizes[index.axis] + 1) for index in letters)):
        names = {index: Position(place, index.axis) for index, place in zip(letters, places, strict=True)}
        yield _settled(rename(body, dict(names)))


def _without_sums(node: Expression, sizes: Mapping[str, int]) -> Expression:
    node = map_children(node, lambda child: _without_sums(child, sizes))
    match node:
        case Size(axis) if axis in sizes:
            return Number(Fraction(sizes[axis]))
        case Sum(index, body, condition) | Product(index, body, condition) if index.axis in sizes:
            plus = isinstance(node, Sum)
            if condition is not None:
                body = Where(condition, body, ZERO if plus else ONE)
        case Extremum(_, index, body) if index.axis in sizes:
            pass
        case _:
            return node
    places = [Position(place, index.axis) for place in range(1, sizes[index.axis] + 1)]
    if count_nodes(body) * len(places) > MAX_NODES:
        raise ProofError(f"written out, the equation has more than {MAX_NODES} parts")
    parts = [rename(body, {index: place}) for place in places]
    if isinstance(node, Sum):
        return add(*parts)
    if isinstance(node, Product):
        return multiply(*parts)
    assert isinstance(node, Extremum)
    result = parts[0]
    for part in parts[1:]:
        result = call(node.kind, result, part)
    return result


def _settled(node: Expression) -> Expression:
    """Deltas and conditions between fixed places decided."""
    if isinstance(node, Where):
        condition = node.condition
        if not compared_values(condition):
            chosen = _decided(condition)
            if chosen is not None:
                return _settled(node.then if chosen else node.otherwise)
    if isinstance(node, Delta) and isinstance(node.left, Position) and isinstance(node.right, Position):
        return ONE if node.left == node.right else ZERO
    return map_children(node, _settled)


def _decided(condition: Compare) -> bool | None:
    left, right = condition.left, condition.right
    if not (isinstance(left, Position) and isinstance(right, Position)):
        return None
    return COMPARISONS[condition.operator](left.value, right.value)
