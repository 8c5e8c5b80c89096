"""Values that meet assumptions: those about one array are brought about, all others are tried for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Sum,
    Where,
)
from symderiv.expression.oracle import Oracle
from symderiv.expression.traverse import compared_values
from symderiv.problem import Assumption, names_in
from symderiv.proof.trial_values import EXACT, NO_VALUE, Table

#: How often all assumptions are met in turn: one may undo another.
_ROUNDS = 4

_Row: TypeAlias = tuple[int, ...]
#: A new value of an entry: from an oracle, the places of its letters, and the old value.
_Value: TypeAlias = Callable[[Oracle, Mapping[Index, int], Fraction], Fraction]


def met(
    values: Mapping[str, Table],
    assumptions: Sequence[Assumption],
    sizes: Mapping[str, int],
    labels: frozenset[str] = frozenset(),
) -> dict[str, Table] | None:
    """The values, changed so that the assumptions hold as far as one knows how to; None where they cannot.

    Whether they hold then is for the caller to see.
    """
    found = dict(values)
    for turn in range(_ROUNDS if assumptions else 0):
        before = dict(found)
        for each in assumptions:
            changed = _Values(found, sizes, labels, Fraction(1, 4**turn)).meeting(each)
            if changed is None:
                return None
            found = changed
        if found == before:
            break
    return found


@dataclass(frozen=True)
class _Values:
    """Values of every array, and how far one is moved beyond another."""

    tables: dict[str, Table]
    sizes: Mapping[str, int]
    labels: frozenset[str]
    step: Fraction

    def meeting(self, assumption: Assumption) -> dict[str, Table] | None:
        """The values with one assumption met, if one knows how to; None where it cannot be."""
        left, right, tables = assumption.left, assumption.right, self.tables
        match left, right:
            case Sum(index, Entry(name, indices), None), _ if index in indices and name in tables:
                return self._with_total(name, indices.index(index), right)
            case Sum(index, Power(Entry(name, indices), Number(two)), None), _ if (
                two == 2 and right == ONE and index in indices and name in tables
            ):
                return {**tables, name: _by_rows(tables[name], indices.index(index), _on_the_sphere)}
            case Entry(name, (one, two)), Entry(other, turned) if (name, (two, one)) == (other, turned):
                table = {place: tables[name][tuple(sorted(place))] for place in tables.get(name, {})}
            case Multiply((Entry(name, _), Entry(other, _))), Multiply((_, Delta())) if name == other:
                table = _one_hot(tables.get(name, {}))
            case Power(Entry(name, _) as entry, Number(two)), _ if two == 2 and right in (ONE, entry):
                table = _of_two(tables.get(name, {}), Fraction(-1 if right == ONE else 0))
            case Call("sin", (Multiply((Call("pi"), Entry(name, _))),)), _ if right == ZERO:  # natural
                table = {place: _natural(value) for place, value in tables.get(name, {}).items()}
            case Where(condition, then, otherwise), _ if (then, otherwise, right) == (ONE, ZERO, ONE):
                return self._in_order(condition)
            case Entry(), _ if self._may_be(left, right):
                return self._assigned(left, lambda oracle, env, _: oracle.evaluate(right, env))
            case _, Entry() if self._may_be(right, left):
                return self._assigned(right, lambda oracle, env, _: oracle.evaluate(left, env))
            case _:
                return tables
        return {**tables, name: table} if name in tables else tables

    def _may_be(self, entry: Entry, other: Expression) -> bool:
        """Whether an entry can be given the value of something else."""
        return entry.array not in names_in(other) and entry.array not in self.labels

    def _assigned(self, entry: Entry, value: _Value) -> dict[str, Table]:
        """The values with `entry`, at every place of its letters, made from what it was.

        What has no exact value stays as it is.
        """
        tables = self.tables
        letters = tuple(index for index in entry.indices if isinstance(index, Index))
        if entry.array not in tables or not len(letters) == len(entry.indices) == len(set(letters)):
            return tables
        oracle = Oracle(self.sizes, tables, (), {}, EXACT)
        table = dict(tables[entry.array])
        for place, old in tables[entry.array].items():
            try:
                table[place] = value(oracle, dict(zip(letters, place, strict=True)), old)
            except NO_VALUE:
                continue
        return {**tables, entry.array: table}

    def _in_order(self, condition: Compare) -> dict[str, Table]:
        """The larger of two values moved beyond the other, by as much as it was off, or the smaller."""
        values = compared_values(condition)
        if not values or condition.operator not in (">", ">="):
            return self.tables
        above, below = values
        if isinstance(above, Entry) and self._may_be(above, below):
            return self._assigned(above, self._beyond(below, 1, condition.operator))
        if isinstance(below, Entry) and self._may_be(below, above):
            return self._assigned(below, self._beyond(above, -1, condition.operator))
        return self.tables

    def _beyond(self, other: Expression, way: int, sign: str) -> _Value:
        def value(oracle: Oracle, env: Mapping[Index, int], old: Fraction) -> Fraction:
            limit = Fraction(oracle.evaluate(other, env))
            if way * (old - limit) > 0 or (old == limit and sign == ">="):
                return old
            return limit + way * self.step * (abs(old - limit) or 1)

        return value

    def _with_total(self, name: str, spot: int, right: Expression) -> dict[str, Table] | None:
        """The values with a total over one axis: all scaled, or for a total of 0 less their mean."""
        try:
            goal = Fraction(Oracle(self.sizes, self.tables, (), {}, EXACT).evaluate(right))
        except NO_VALUE:
            return None

        def scaled(row: list[Fraction]) -> list[Fraction]:
            total = sum(row, Fraction(0))
            if not goal:
                return [value - total / len(row) for value in row]
            return [value * goal / total for value in row]

        try:
            return {**self.tables, name: _by_rows(self.tables[name], spot, scaled)}
        except ZeroDivisionError:
            return None


def _on_the_sphere(row: list[Fraction]) -> list[Fraction]:
    """A point with rational coordinates whose squares sum to 1, by projection from a pole."""
    square = sum((value * value for value in row[:-1]), Fraction(0))
    return [2 * value / (square + 1) for value in row[:-1]] + [(square - 1) / (square + 1)]


def _by_rows(table: Table, spot: int, change: Callable[[list[Fraction]], list[Fraction]]) -> Table:
    """A table with each row along one of its axes changed."""
    rows: dict[_Row, list[_Row]] = {}
    for place in table:
        rows.setdefault((*place[:spot], *place[spot + 1 :]), []).append(place)
    found: Table = {}
    for places in rows.values():
        found |= dict(zip(places, change([table[place] for place in places]), strict=True))
    return {place: found[place] for place in table}


def _natural(value: Fraction) -> Fraction:
    """A natural number in the place of another number; a natural one stays what it is."""
    return value if value.denominator == 1 and value > 0 else Fraction(1 + abs(value.numerator))


def _of_two(old: Table, low: Fraction) -> Table:
    """A table of 1 and one other number; which of them, follows from what was there."""
    return {
        place: Fraction(1) if value != low and value.numerator % 2 else low for place, value in old.items()
    }


def _one_hot(old: Table) -> Table:
    table = {place: Fraction(0) for place in old}
    rows = dict.fromkeys(place[:-1] for place in table)
    size = len(table) // max(len(rows), 1)
    for count, row in enumerate(rows):
        table[*row, (count + 1) % size] = Fraction(1)
    return table
