"""Which entries of a form are zero whatever the values are: by its deltas, its bounds and its conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from symderiv.expression.nodes import (
    COMPARISONS,
    ZERO,
    Add,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    PlaceTerm,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import compared_values, walk
from symderiv.problem import Problem

#: A place for each letter, counted from 1.
Places = Mapping[Index, int]


@dataclass(frozen=True)
class Zeros:
    """Tells zeros at given sizes. A label has a place of its own choosing, always the same."""

    problem: Problem
    sizes: Mapping[str, int]

    def vanishes(self, node: Expression, places: Places) -> bool:
        """Whether `node` is zero at these places for all values; False where that cannot be told."""
        if not _may_vanish(node):
            return False
        match node:
            case Number(value):
                return value == 0
            case Delta(left, right):
                return self._place(left, places) != self._place(right, places)
            case Entry(_, indices):
                return self._outside(indices, places)
            case Derivative(of, by):
                entries = [*([of] if isinstance(of, Entry) else []), *by]
                return any(self._outside(each.indices, places) for each in entries)
            case Add(terms):
                return all(self.vanishes(each, places) for each in terms)
            case Multiply(factors):
                return any(self.vanishes(each, places) for each in factors)
            case Power(base, Number(value)):
                return value > 0 and self.vanishes(base, places)
            case Sum(index, body, condition):
                return all(self.vanishes(body, each) for each in self._range(index, condition, places))
            case Product(index, body, condition):
                return any(
                    (condition is None or self._holds(condition, each)) and self.vanishes(body, each)
                    for each in self._range(index, condition, places)
                )
            case Where(condition, then, otherwise):
                holds = self._holds(condition, places)
                branches = [then] if holds else [otherwise] if holds is False else [then, otherwise]
                return all(self.vanishes(each, places) for each in branches)
            case _:
                return False

    def _range(self, index: Index, condition: Compare | None, places: Places) -> list[dict[Index, int]]:
        """The places with each value of a bound letter that a condition does not exclude."""
        every = [{**places, index: place} for place in range(1, self.sizes[index.axis] + 1)]
        return [each for each in every if condition is None or self._holds(condition, each) is not False]

    def _holds(self, condition: Compare, places: Places) -> bool | None:
        """Whether a condition on places holds; None for one on values."""
        if compared_values(condition):
            return None
        left, right = condition.left, condition.right
        assert isinstance(left, PlaceTerm | Entry)
        place = self._place(left, places)
        if condition.operator == "in":
            assert isinstance(right, Size)
            return 1 <= place <= self.sizes[right.axis]
        assert isinstance(right, PlaceTerm | Entry)
        return COMPARISONS[condition.operator](place, self._place(right, places))

    def _outside(self, indices: tuple[IndexTerm, ...], places: Places) -> bool:
        return any(
            isinstance(term, Shift) and not 1 <= self._place(term, places) <= self.sizes[term.axis]
            for term in indices
        )

    def _place(self, term: IndexTerm, places: Places) -> int:
        match term:
            case Index():
                return places[term]
            case Position(value, _):
                return value
            case Shift(terms, offset, _):
                return offset + sum(count * self._place(inner, places) for count, inner in terms)
            case Entry(name, indices):
                given = self.problem.input(name)
                size = self.sizes[given.label_of] if given is not None and given.label_of else 1
                return 1 + (1 + 3 * sum(self._place(each, places) for each in indices)) % size


@lru_cache(maxsize=4096)
def _may_vanish(node: Expression) -> bool:
    """Whether there is anything in a tree that could make it zero."""
    return any(
        part == ZERO
        or isinstance(part, Delta | Where)
        or (isinstance(part, Sum | Product) and part.condition is not None)
        or any(isinstance(term, Shift) for term in _indices(part))
        for _, part in walk(node)
    )


def _indices(node: Expression) -> tuple[IndexTerm, ...]:
    match node:
        case Entry(_, indices):
            return indices
        case Derivative(of, by):
            return tuple(term for entry in (of, *by) if isinstance(entry, Entry) for term in entry.indices)
        case _:
            return ()
