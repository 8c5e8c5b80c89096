"""Kronecker deltas in one term: which places they make equal, and one spelling for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symderiv.expression.construct import add, multiply, negate
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    ONE,
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
from symderiv.expression.shifts import index_key, shifted
from symderiv.expression.traverse import map_children
from symderiv.problem import Problem


def classes(deltas: Iterable[Delta]) -> list[tuple[list[IndexTerm], list[Delta]]]:
    """The places that a product of deltas makes equal, class by class, with the deltas that do."""
    found: list[tuple[list[IndexTerm], list[Delta]]] = []
    for delta in deltas:
        terms, members = list(dict.fromkeys((delta.left, delta.right))), [delta]
        apart = []
        for other in found:
            if set(other[0]) & set(terms):
                terms = list(dict.fromkeys((*other[0], *terms)))
                members = [*other[1], *members]
            else:
                apart.append(other)
        found = [*apart, (terms, members)]
    return found


def by_preference(places: list[IndexTerm]) -> list[IndexTerm]:
    """Equal places, the one to write first: a fixed one, else a label, else the earliest letter.

    A label at one of the places themselves, the f_a of δ_{a f_a}, is written last.
    """

    def key(term: IndexTerm) -> tuple[object, ...]:
        rank = 0 if isinstance(term, Position) else 1 if isinstance(term, Entry) else 2
        if any(other != term and _within(other, term) for other in places):
            rank = 3
        return rank, *map(str, index_key(term))

    return sorted(places, key=key)


def written_at(node: Expression, place: IndexTerm, others: Iterable[IndexTerm]) -> Expression:
    """`node` with `place` written for the places that equal it, but for those that `place` is made of."""
    letters: dict[Index, IndexTerm] = {
        term: place for term in others if isinstance(term, Index) and not _within(term, place)
    }
    labels = {term: place for term in others if isinstance(term, Entry) and not _within(term, place)}
    node = rename(node, letters)
    return _with_labels(node, labels) if labels else node


def _within(part: IndexTerm, place: IndexTerm) -> bool:
    """Whether `place` is `part`, or a label at it."""
    if part == place:
        return True
    match place:
        case Entry(_, indices):
            return any(_within(part, inner) for inner in indices)
        case Shift(terms, _, _):
            return any(_within(part, inner) for _, inner in terms)
        case _:
            return False


def _with_labels(node: Expression, labels: Mapping[Entry, IndexTerm]) -> Expression:
    """`node` with labels replaced where they stand as places."""

    def placed(term: IndexTerm) -> IndexTerm:
        if isinstance(term, Shift):
            return shifted([(count, placed(inner)) for count, inner in term.terms], term.offset, term.axis)
        if not isinstance(term, Entry):
            return term
        return labels.get(term) or Entry(term.array, tuple(placed(inner) for inner in term.indices))

    def compared(condition: Compare) -> Compare:
        if not any(isinstance(side, PlaceTerm) for side in (condition.left, condition.right)):
            return condition  # values, or two labels
        left, right = (
            placed(side) if isinstance(side, PlaceTerm | Entry) else side
            for side in (condition.left, condition.right)
        )
        return Compare(condition.operator, left, right)

    node = map_children(node, lambda child: _with_labels(child, labels))
    match node:
        case Entry(array, indices):
            return Entry(array, tuple(placed(term) for term in indices))
        case Delta(left, right):
            return Delta(placed(left), placed(right))
        case Sum(index, body, Compare() as condition):
            return Sum(index, body, compared(condition))
        case Product(index, body, Compare() as condition):
            return Product(index, body, compared(condition))
        case Where(condition, then, otherwise):
            return Where(compared(condition), then, otherwise)
        case _:
            return node


def without_label_conditions(node: Expression, problem: Problem) -> Expression:
    """A condition that two labels name one place, or do not, as the delta that it is."""
    match node:
        case Where(condition, then, otherwise):
            met = _met(condition, problem)
            if met is not None:
                return add(multiply(met, then), multiply(add(ONE, negate(met)), otherwise))
        case Sum(index, body, Compare() as condition):
            met = _met(condition, problem)
            if met is not None:
                return Sum(index, multiply(met, body))
    return node


def _met(condition: Compare, problem: Problem) -> Expression | None:
    """1 where two labels are equal (or unequal), else 0; None for any other condition."""
    sides = (condition.left, condition.right)
    if condition.operator not in ("==", "!="):
        return None
    if not all(isinstance(side, Entry) and _is_label(side, problem) for side in sides):
        return None
    left, right = sides
    assert isinstance(left, Entry)
    assert isinstance(right, Entry)
    equal = Delta(left, right)
    return equal if condition.operator == "==" else add(ONE, negate(equal))


def _is_label(entry: Entry, problem: Problem) -> bool:
    given = problem.input(entry.array)
    return given is not None and given.label_of is not None
