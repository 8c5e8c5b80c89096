"""Labels and fixed places as free letters, which is what a proof for every size makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

from symderiv.expression.nodes import (
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    PlaceTerm,
    Position,
    Product,
    Shift,
    Sum,
    Where,
)
from symderiv.expression.shifts import shifted
from symderiv.expression.traverse import children, compared_values, map_children, walk
from symderiv.proof.expand import ProofError

#: For each array of labels: its axes, and the axis that its places are on.
Labels = Mapping[str, tuple[tuple[str, ...], str]]


def index_terms(node: Expression) -> Iterator[IndexTerm]:
    """Every index of every part of a tree, those of labels included."""

    def inside(terms: Sequence[object]) -> Iterator[IndexTerm]:
        for term in terms:
            yield term  # type: ignore[misc]
            if isinstance(term, Entry):
                yield from inside(term.indices)

    for _, part in walk(node):
        match part:
            case Entry(_, indices):
                yield from inside(indices)
            case Delta(left, right):
                yield from inside((left, right))
            case Sum(_, _, Compare() as condition) | Product(_, _, Compare() as condition):
                if not compared_values(condition):
                    yield from inside((condition.left, condition.right))
            case Where(condition, _, _) if not compared_values(condition):
                yield from inside((condition.left, condition.right))
            case _:
                pass


def require_plain_places(node: Expression) -> None:
    """See that indices are letters, places and labels.

    Raises
    ------
    ProofError
        If one is shifted: which places there are is not the same at every size then.
    """
    if not all(isinstance(term, Index | Position | Entry) for term in index_terms(node)):
        raise ProofError("indices are shifted")


def with_terms(node: Expression, change: Callable[[IndexTerm], IndexTerm]) -> Expression:
    """`node` with `change` applied to every index."""

    def compared(condition: Compare) -> Compare:
        if compared_values(condition):
            return condition  # the values are children, and changed as such
        left, right = (
            change(side) if isinstance(side, PlaceTerm | Entry) else side
            for side in (condition.left, condition.right)
        )
        return Compare(condition.operator, left, right)

    node = map_children(node, lambda child: with_terms(child, change))
    match node:
        case Entry(array, indices):
            return Entry(array, tuple(change(term) for term in indices))
        case Delta(left, right):
            return Delta(change(left), change(right))
        case Sum(index, body, Compare() as condition):
            return Sum(index, body, compared(condition))
        case Product(index, body, Compare() as condition):
            return Product(index, body, compared(condition))
        case Where(condition, then, otherwise):
            return Where(compared(condition), then, otherwise)
        case _:
            return node


def labels_as_letters(node: Expression, labels: Labels) -> Expression:
    """`node` with a free letter for every single label: what holds for all places holds for its own."""

    def change(term: IndexTerm) -> IndexTerm:
        match term:
            case Entry(array, ()) if array in labels:
                return Index(f"{array}!", labels[array][1])
            case Entry(array, indices):
                return Entry(array, tuple(change(inner) for inner in indices))
            case Shift(terms, offset, axis):
                return shifted([(count, change(inner)) for count, inner in terms], offset, axis)
            case _:
                return term

    return with_terms(node, change)


def places_as_letters(
    node: Expression, fixed: Mapping[str, int]
) -> tuple[Expression, tuple[tuple[Index, Index], ...], dict[str, int]]:
    """`node` with a free letter for every fixed place, the pairs that differ, and the sizes that are needed.

    Raises
    ------
    ProofError
        If no entry stands at the last fixed place of an axis: then the axis might not have it.
    """
    used: dict[str, set[int]] = {}
    read: dict[str, set[int]] = {}
    for term in index_terms(node):
        if isinstance(term, Position) and term.axis not in fixed:
            used.setdefault(term.axis, set()).add(term.value)
    for term in _always_read(node):
        if isinstance(term, Position):
            read.setdefault(term.axis, set()).add(term.value)
    for axis, values in used.items():
        if max(values) > max(read.get(axis, {0})):
            raise ProofError(f"the axis {axis} need not have a place {max(values)}")

    def change(term: IndexTerm) -> IndexTerm:
        match term:
            case Position(value, axis) if axis not in fixed:
                return Index(f"{value}!", axis)
            case Entry(array, indices):
                return Entry(array, tuple(change(inner) for inner in indices))
            case _:
                return term

    apart = [
        (Index(f"{a}!", axis), Index(f"{b}!", axis))
        for axis, values in used.items()
        for a, b in combinations(sorted(values), 2)
    ]
    return with_terms(node, change), tuple(apart), {axis: max(values) for axis, values in used.items()}


def _always_read(node: Expression) -> Iterator[IndexTerm]:
    """The indices of entries that have to exist for `node` to have a value."""
    if isinstance(node, Where) or (isinstance(node, Sum | Product) and node.condition is not None):
        return
    if isinstance(node, Entry):
        yield from node.indices
    for child in children(node):
        yield from _always_read(child)
