"""How many places an axis must have for the fixed places that a function names on it."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.expression.nodes import Delta, Entry, Expression, IndexTerm, Position, Shift
from symderiv.expression.traverse import walk
from symderiv.kernels.lowering import Lowered


def places_needed(lowered: Lowered) -> dict[str, int]:
    """The least size of each axis on which an entry or a delta of the emitted code names a fixed place.

    A place that is only compared with, as in ``where(i == 3, ...)``, need not exist.
    """
    needed: dict[str, int] = {}
    trees = [wanted.tree for wanted in lowered.trees] + [each.body for each in lowered.definitions.values()]
    for tree in trees:
        for position in _positions(tree):
            needed[position.axis] = max(needed.get(position.axis, 0), position.value)
    return needed


def _positions(tree: Expression) -> Iterator[Position]:
    for _, part in walk(tree):
        if isinstance(part, Entry):
            for term in part.indices:
                yield from _in_term(term)
        elif isinstance(part, Delta):
            yield from _in_term(part.left)
            yield from _in_term(part.right)


def _in_term(term: IndexTerm) -> Iterator[Position]:
    match term:
        case Position():
            yield term
        case Entry(_, indices):
            for inner in indices:
                yield from _in_term(inner)
        case Shift():
            return
