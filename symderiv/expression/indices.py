"""Index letters: which are free, and renaming that never captures."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache

from symderiv.expression.nodes import (
    Binder,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
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


def indices_in_term(term: IndexTerm) -> Iterator[Index]:
    """The letters in one index place, those inside a label's own indices included."""
    match term:
        case Index():
            yield term
        case Entry(_, indices):
            for inner in indices:
                yield from indices_in_term(inner)
        case Shift(terms, _, _):
            for _, inner in terms:
                yield from indices_in_term(inner)
        case Position():
            return


def _condition_indices(condition: Compare | None) -> Iterator[Index]:
    """The letters that a comparison of indices names (values are reached as children)."""
    if condition is None or compared_values(condition):
        return
    for side in (condition.left, condition.right):
        if isinstance(side, PlaceTerm | Entry):
            yield from indices_in_term(side)


def _own_indices(node: Expression) -> Iterator[Index]:
    match node:
        case Entry(_, indices):
            for term in indices:
                yield from indices_in_term(term)
        case Delta(left, right):
            yield from indices_in_term(left)
            yield from indices_in_term(right)
        case Derivative(_, by):
            for entry in by:
                for term in entry.indices:
                    yield from indices_in_term(term)
        case Sum(_, _, condition) | Product(_, _, condition) | Where(condition, _, _):
            yield from _condition_indices(condition)
        case _:
            return


@lru_cache(maxsize=32768)
def free_indices(node: Expression) -> tuple[Index, ...]:
    """The letters that are not bound by a sum inside `node`, in order of appearance."""
    found = dict.fromkeys(_own_indices(node))
    for child in children(node):
        found |= dict.fromkeys(free_indices(child))
    if isinstance(node, Sum | Product | Extremum):
        found.pop(node.index, None)
    return tuple(found)


def all_letters(node: Expression) -> set[str]:
    """Every index letter that occurs, free or bound."""
    letters: set[str] = set()
    for _, part in walk(node):
        letters.update(index.name for index in _own_indices(part))
        if isinstance(part, Sum | Product | Extremum):
            letters.add(part.index.name)
    return letters


def fresh_index(axis: str, taken: Iterable[str], preferred: Iterable[str] = ()) -> Index:
    """An index over `axis` whose letter is not `taken`: a preferred letter if one is left.

    Otherwise the first preferred letter (or ``k``) with a number, as in ``k_1``.
    """
    used = set(taken)
    candidates = list(preferred)
    for letter in candidates:
        if letter not in used:
            return Index(letter, axis)
    stem = candidates[-1] if candidates else "k"
    number = 1
    while f"{stem}_{number}" in used:
        number += 1
    return Index(f"{stem}_{number}", axis)


def fresh_name(wanted: str, taken: Container[str]) -> str:
    """`wanted`, or where that is taken, the first of ``wanted_2``, ``wanted_3``, … that is not."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def rename_term(term: IndexTerm, names: Mapping[Index, IndexTerm]) -> IndexTerm:
    """One index place with `names` applied."""
    match term:
        case Index():
            return names.get(term, term)
        case Entry(array, indices):
            return Entry(array, tuple(rename_term(inner, names) for inner in indices))
        case Shift(terms, offset, axis):
            return shifted([(count, rename_term(inner, names)) for count, inner in terms], offset, axis)
        case Position():
            return term


def _rename_condition(condition: Compare | None, names: Mapping[Index, IndexTerm]) -> Compare | None:
    if condition is None:
        return None
    if compared_values(condition):
        left, right = compared_values(condition)
        return Compare(condition.operator, rename(left, names), rename(right, names))
    sides = [
        rename_term(side, names) if isinstance(side, PlaceTerm | Entry) else side
        for side in (condition.left, condition.right)
    ]
    return Compare(condition.operator, sides[0], sides[1])


def rename(node: Expression, names: Mapping[Index, IndexTerm]) -> Expression:
    """`node` with its free letters replaced; a bound letter that would capture is renamed first."""
    if not names:
        return node
    match node:
        case Entry(array, indices):
            return Entry(array, tuple(rename_term(term, names) for term in indices))
        case Delta(left, right):
            return Delta(rename_term(left, names), rename_term(right, names))
        case Derivative(of, by):
            entries = []
            for entry in by:
                renamed = rename_term(entry, names)
                assert isinstance(renamed, Entry)
                entries.append(renamed)
            return Derivative(rename(of, names), tuple(entries))
        case Sum() | Product() | Extremum():
            return _rename_binder(node, names)
        case Where(condition, then, otherwise):
            compared = _rename_condition(condition, names)
            assert compared is not None
            return Where(compared, rename(then, names), rename(otherwise, names))
        case _:
            return map_children(node, lambda child: rename(child, names))


def _rename_binder(node: Binder, names: Mapping[Index, IndexTerm]) -> Expression:
    free = set(free_indices(node))
    active = {old: new for old, new in names.items() if old in free and old != node.index}
    if not active:
        return node
    incoming = {index.name for term in active.values() for index in indices_in_term(term)}
    index = node.index
    if index.name in incoming:
        letter = fresh_index(
            index.axis, incoming | all_letters(node) | {old.name for old in active}, [index.name]
        )
        active[index] = letter
        index = letter
    body = rename(node.body, active)
    match node:
        case Sum(_, _, condition):
            return Sum(index, body, _rename_condition(condition, active))
        case Product(_, _, condition):
            return Product(index, body, _rename_condition(condition, active))
        case Extremum(kind, _, _):
            return Extremum(kind, index, body)


def rename_bound(node: Binder, index: Index) -> Binder:
    """The same sum, product or extremum with `index` as its letter (which must be new in it)."""
    names = {node.index: index}
    body = rename(node.body, names)
    match node:
        case Sum(_, _, condition):
            return Sum(index, body, _rename_condition(condition, names))
        case Product(_, _, condition):
            return Product(index, body, _rename_condition(condition, names))
        case Extremum(kind, _, _):
            return Extremum(kind, index, body)


def mentions(node: Expression, index: Index) -> bool:
    """Whether `index` is free in `node`."""
    return index in free_indices(node)
