"""An oracle that works out once what a derivative does not touch.

Derivatives are evaluated with one entry of an array moving, and the entries asked for are many. Most of the
intermediates do not depend on the one that moves: those of other samples, other rows, other inputs. What
depends on what is read off the letters, and nothing else: of ``S[b, m, n]`` the formula has ``Q[b, m, c]``,
so an entry of S depends on entries of Q with its own first two places only. Where the letters do not tell,
as in ``z[y[b]]`` or ``x[i + k]``, any place is taken to matter. The values are those of the oracle: this
says only which of them are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from symderiv.expression.matrices import matrix_behind
from symderiv.expression.nodes import (
    Compare,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Position,
    Product,
    Shift,
    Sum,
    Where,
)
from symderiv.expression.oracle import Oracle, Table
from symderiv.expression.traverse import children, compared_places

#: The places of an array that a definition's entry depends on: for each axis of the array the number of the
#: definition's letter that stands there, or None where any place may matter.
Pattern: TypeAlias = tuple[int | None, ...]
#: All patterns, by array. Of a matrix that is inverted, None: every entry of it matters.
Reach: TypeAlias = dict[str, set[Pattern] | None]


class SharingOracle(Oracle):
    """The oracle; where an entry moves, what does not depend on it is asked of the oracle where it rests."""

    _rest: SharingOracle | None = None
    _name: str
    _place: tuple[int, ...]
    _reaches: dict[str, Reach]

    def _worked_out(self, name: str, place: tuple[int, ...]) -> Any:
        if self._rest is not None and name in self.definitions and not self._is_reached(name, place):
            return self._rest.entry(name, place)
        return super()._worked_out(name, place)

    def _is_reached(self, name: str, place: tuple[int, ...]) -> bool:
        """Whether an entry of a definition depends on the one that moves."""
        reach = self._reaches[name]
        if self._name not in reach:
            return False
        patterns = reach[self._name]
        if patterns is None:
            return True
        for pattern in patterns:
            for number, spot in zip(pattern, self._place, strict=True):
                if number is not None and place[number] != spot:
                    break
            else:
                return True
        return False

    def _with_variable(self, name: str, place: tuple[int, ...]) -> Oracle:
        known = (name, place) in self._moved
        inner = super()._with_variable(name, place)
        if not known:
            assert isinstance(inner, SharingOracle)
            inner._rest, inner._name, inner._place = self, name, place
            inner._reaches = (
                reaches(tuple(self.definitions.values())) if self._rest is None else self._reaches
            )
        return inner

    def _with_arrays(self, arrays: Mapping[str, Table]) -> Oracle:
        definitions = tuple(self.definitions.values())
        return SharingOracle(self.sizes, arrays, definitions, self.upstream, self.arithmetic)


@lru_cache(maxsize=8)
def reaches(definitions: tuple[Definition, ...]) -> dict[str, Reach]:
    """What the entries of each definition depend on: arrays and definitions, and which places of them."""
    by_name = {each.name: each for each in definitions}
    found: dict[str, Reach] = {}
    for each in definitions:
        _reach(each, by_name, found)
    return found


def _reach(definition: Definition, by_name: Mapping[str, Definition], found: dict[str, Reach]) -> Reach:
    """That of one definition, and of those below it."""
    if definition.name in found:
        return found[definition.name]
    numbers: dict[Index, int | None] = {index: number for number, index in enumerate(definition.indices)}
    mine: Reach = {}
    for name, pattern in _entries(definition.body, numbers):
        _note(mine, name, pattern)
        matrix = matrix_behind(name)
        within, known = (name, pattern) if matrix is None else (matrix[1], None)
        _note(mine, within, known)
        below = by_name.get(within)
        for array, patterns in _reach(below, by_name, found).items() if below is not None else ():
            if patterns is None or known is None:
                _note(mine, array, None)
                continue
            for inner in patterns:
                _note(mine, array, tuple(None if number is None else known[number] for number in inner))
    found[definition.name] = mine
    return mine


def _note(reach: Reach, array: str, pattern: Pattern | None) -> None:
    known = reach.setdefault(array, set())
    if pattern is None:
        reach[array] = None
    elif known is not None:
        known.add(pattern)


def _entries(node: Expression, numbers: Mapping[Index, int | None]) -> Iterator[tuple[str, Pattern]]:
    """Every entry in a formula; a letter that is bound in it may be at any place."""
    match node:
        case Entry():
            yield from _in_term(node, numbers)
        case Delta(left, right):
            yield from _in_term(left, numbers)
            yield from _in_term(right, numbers)
        case Derivative(_, by):
            for entry in by:
                yield from _in_term(entry, numbers)
        case Sum(index, _, condition) | Product(index, _, condition):
            numbers = {**numbers, index: None}
            yield from _compared(condition, numbers)
        case Extremum(_, index, _):
            numbers = {**numbers, index: None}
        case Where(condition, _, _):
            yield from _compared(condition, numbers)
    for child in children(node):
        yield from _entries(child, numbers)


def _compared(
    condition: Compare | None, numbers: Mapping[Index, int | None]
) -> Iterator[tuple[str, Pattern]]:
    """Those among places that are compared; compared values are children of their node."""
    for side in compared_places(condition):
        yield from _in_term(side, numbers)


def _in_term(term: IndexTerm, numbers: Mapping[Index, int | None]) -> Iterator[tuple[str, Pattern]]:
    match term:
        case Entry(array, terms):
            yield array, tuple(numbers.get(each) if isinstance(each, Index) else None for each in terms)
            for each in terms:
                yield from _in_term(each, numbers)
        case Shift(terms, _, _):
            for _, each in terms:
                yield from _in_term(each, numbers)
        case Index() | Position():
            return


__all__ = ["SharingOracle", "reaches"]
