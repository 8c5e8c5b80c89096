"""Arithmetic of index places: sums of letters, labels and whole numbers, such as ``i + k - 1``.

A place counts from 1, as everywhere in the notation. It may lie outside of its axis: an entry there
counts as 0, and the condition ``i + k in N`` says that it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symderiv.expression.nodes import (
    Compare,
    Derivative,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Position,
    Shift,
    Size,
)
from symderiv.expression.traverse import walk

#: A sum of places: each term with how often it counts, and a whole number.
Linear = tuple[dict[IndexTerm, int], int]


def index_key(term: IndexTerm) -> tuple[object, ...]:
    """A key that orders index places."""
    match term:
        case Index(name, axis):
            return ("index", name, axis)
        case Position(value, axis):
            return ("position", f"{value:09d}", axis)
        case Entry(array, indices):
            return ("label", array, *(str(index_key(inner)) for inner in indices))
        case Shift(terms, offset, axis):
            return ("shift", *((str(index_key(inner)), count) for count, inner in terms), offset, axis)


def linear(term: IndexTerm, times: int = 1) -> Linear:
    """A place as a sum of terms, all of it `times` over."""
    match term:
        case Position(value, _):
            return {}, times * value
        case Shift(terms, offset, _):
            return _added([(times * count, inner) for count, inner in terms], times * offset)
        case _:
            return {term: times}, 0


def _added(parts: Iterable[tuple[int, IndexTerm]], offset: int) -> Linear:
    counts: dict[IndexTerm, int] = {}
    for times, part in parts:
        inner, constant = linear(part, times)
        offset += constant
        for term, count in inner.items():
            counts[term] = counts.get(term, 0) + count
    return {term: count for term, count in counts.items() if count}, offset


def shifted(parts: Iterable[tuple[int, IndexTerm]], offset: int, axis: str) -> Index | Shift:
    """The place on `axis` that is the sum of `parts`, each with its coefficient, and of `offset`.

    Terms that cancel disappear, and what is left is sorted, so that equal places are equal trees. A
    letter of `axis` alone is that letter. One of another axis stays a shift, because it may lie outside
    of `axis`; so does a number alone.
    """
    return _place(_added(parts, offset), axis)


def _place(found: Linear, axis: str) -> Index | Shift:
    counts, offset = found
    if len(counts) == 1 and not offset:
        ((term, count),) = counts.items()
        if isinstance(term, Index) and term.axis == axis and count == 1:
            return term
    order = sorted(counts, key=lambda term: (counts[term] < 0, str(index_key(term))))
    return Shift(tuple((counts[term], term) for term in order), offset, axis)


def difference(left: IndexTerm, right: IndexTerm) -> int | None:
    """How far `left` lies behind `right`, where that is the same number everywhere; else None."""
    counts, offset = _added([(1, left), (-1, right)], 0)
    return None if counts else offset


def solved(left: IndexTerm, right: IndexTerm, letter: Index) -> IndexTerm | None:
    """What `letter` is where `left` and `right` are one place; None where no single place follows.

    The solution is a place on the axis of the letter, in which it may lie or not.
    """
    if letter in (left, right):
        other = right if left == letter else left
        if not isinstance(other, Shift) and letter not in linear(other)[0]:
            return other if not isinstance(other, Index) else _place(linear(other), letter.axis)
    counts, offset = _added([(1, left), (-1, right)], 0)
    count = counts.pop(letter, 0)
    if abs(count) != 1 or any(_inside(letter, term) for term in counts):
        return None
    return shifted([(-count * each, term) for term, each in counts.items()], -count * offset, letter.axis)


def _inside(letter: Index, term: IndexTerm) -> bool:
    """Whether a label's own place depends on `letter`."""
    match term:
        case Entry(_, indices):
            return any(_inside(letter, inner) for inner in indices)
        case Shift(terms, _, _):
            return any(_inside(letter, inner) for _, inner in terms)
        case _:
            return term == letter


def within(term: IndexTerm, axis: str) -> Compare | None:
    """The condition that a place lies on `axis`; None where it always does."""
    if isinstance(term, Shift) or (isinstance(term, Index) and term.axis != axis):
        return Compare("in", term, Size(axis))
    return None


def is_within(condition: Compare) -> bool:
    """Whether a condition says that a place lies on an axis."""
    return condition.operator == "in"


def decided(condition: Compare) -> bool | None:
    """Whether a place lies on its axis, where that is known for every size; else None."""
    assert isinstance(condition.right, Size)
    place = condition.left
    if isinstance(place, Index) and place.axis == condition.right.axis:
        return True
    if isinstance(place, Shift) and not place.terms and place.offset < 1:
        return False
    if isinstance(place, Position) and place.value < 1:
        return False
    return None


def has_shift(node: Expression) -> bool:
    """Whether an entry at a shifted place stands in a tree."""
    for _, part in walk(node):
        entries = part.by if isinstance(part, Derivative) else (part,) if isinstance(part, Entry) else ()
        if any(isinstance(term, Shift) for entry in entries for term in entry.indices):
            return True
    return False


def conditions_of(indices: Sequence[IndexTerm]) -> tuple[Compare, ...]:
    """The conditions that all places in the brackets of an entry lie on their axes, in order."""
    found = (within(term, term.axis) for term in indices if isinstance(term, Shift))
    return tuple(dict.fromkeys(each for each in found if each is not None))


__all__ = [
    "conditions_of", "decided", "difference", "has_shift", "index_key", "is_within", "linear", "shifted",
    "solved", "within",
]  # fmt: skip
