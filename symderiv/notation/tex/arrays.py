"""Values that may be arrays: an expression for any entry, with the indices that are still open.

A formula in matrix notation is read into index notation: ``W^T x`` is the sum over j of W_ji x_j, open in i.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from symderiv.expression.indices import all_letters, fresh_index, rename, rename_bound
from symderiv.expression.nodes import (
    Delta,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Product,
    Sum,
)
from symderiv.expression.traverse import map_children


@dataclass(frozen=True, slots=True)
class Value:
    """An expression for one entry of an array, open in the indices `open`; a number is open in none.

    `row` says that an array with one axis stands as a row. `kind` is ``identity`` for the identity matrix,
    ``ones`` for a vector of ones, ``rows`` and ``columns`` for a matrix whose rows or columns are all the
    vector that `along` is the index of: their size follows from what they stand with.
    """

    expression: Expression
    open: tuple[Index, ...] = ()
    row: bool = False
    kind: str = ""
    along: tuple[Index, ...] = ()

    @property
    def shape(self) -> str:
        """The shape in words, for a sentence."""
        if self.kind:
            return {
                "identity": "an identity matrix",
                "ones": "a vector of ones",
                "rows": "a matrix with one and the same row again and again",
                "columns": "a matrix with one and the same column again and again",
            }[self.kind]
        axes = [index.axis for index in self.open]
        if not axes:
            return "a number"
        if len(axes) == 1:
            return f"a {'row' if self.row else 'column'} of size {axes[0]}"
        return f"an array of size {'×'.join(axes)}"

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the open indices."""
        return tuple(index.axis for index in self.open)

    def same_shape(self, other: Value) -> bool:
        """Whether both have the same axes, in the same order and direction."""
        return self.axes == other.axes and self.row == other.row

    def at(self, places: Sequence[IndexTerm]) -> Expression:
        """The entry at `places`."""
        return rename(self.expression, dict(zip(self.open, places, strict=True)))

    def map(self, change: Callable[[Expression], Expression]) -> Value:
        """The array with `change` made to every entry."""
        return Value(change(self.expression), self.open, self.row)


class Placeholders:
    """Makes open indices, which have names that nobody can write."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self, axis: str) -> Index:
        """An index that nothing else uses."""
        return Index(f"#{next(self._numbers)}", axis)


def together(values: Sequence[Value]) -> tuple[list[Expression], Value] | None:
    """Entries at the same place of arrays with one shape (numbers stand for all places), and that shape.

    None where the shapes differ.
    """
    shaped = next((value for value in values if value.open), None)
    if shaped is None:
        return [value.expression for value in values], Value(values[0].expression)
    entries = []
    for value in values:
        if value.open:
            if not value.same_shape(shaped):
                return None
            entries.append(value.at(shaped.open))
        else:
            entries.append(value.expression)
    return entries, shaped


def contracted(left: Value, right: Value, multiply: Callable[..., Expression]) -> Value | None:
    """The matrix product of two arrays; None where it does not conform."""
    first, second = len(left.open), len(right.open)
    if first == 1 and not left.row:
        if second == 1 and right.row:  # a column times a row
            return Value(multiply(left.expression, right.expression), (*left.open, *right.open))
        return None
    if second == 1 and right.row:
        return None
    if first > 2 or second > 2 or left.open[-1].axis != right.open[0].axis:
        return None
    shared = left.open[-1]
    outer, inner = _without_sums(left.expression)
    more, rest = _without_sums(right.at((shared, *right.open[1:])))
    body: Expression = Sum(shared, multiply(inner, rest))
    for index in reversed((*outer, *more)):
        body = Sum(index, body)
    remaining = (*left.open[:-1], *right.open[1:])
    return Value(body, remaining, row=first == 1 and bool(remaining))


def _without_sums(node: Expression) -> tuple[list[Index], Expression]:
    """The sums around `node` that matrix products made, and what is in them; their letters are used once."""
    found: list[Index] = []
    while isinstance(node, Sum) and node.condition is None and node.index.name.startswith("#"):
        found.append(node.index)
        node = node.body
    return found, node


def diagonal(value: Value, placeholders: Placeholders, multiply: Callable[..., Expression]) -> Value:
    """The matrix with a vector on its diagonal."""
    (row,) = value.open
    column = placeholders.new(row.axis)
    return Value(multiply(value.expression, Delta(row, column)), (row, column))


def named(
    values: Sequence[Value], letters: Callable[[str], Sequence[str]]
) -> tuple[list[Expression], tuple[Index, ...]]:
    """Values of one shape with letters for the open indices, and for those of sums that matrix products made.

    Returns
    -------
    entries, open
        The entry of each value at the place that the letters `open` name.
    """
    taken: set[str] = set()
    for value in values:
        taken |= all_letters(value.expression)
    shaped = next((value for value in values if value.open), None)
    chosen: list[Index] = []
    for index in shaped.open if shaped else ():
        letter = fresh_index(index.axis, taken, letters(index.axis) or ("i", "j", "k", "l", "m"))
        taken.add(letter.name)
        chosen.append(letter)
    entries = [value.at(chosen) if value.open else value.expression for value in values]
    return [_with_letters(entry, letters, taken) for entry in entries], tuple(chosen)


def _with_letters(node: Expression, letters: Callable[[str], Sequence[str]], taken: set[str]) -> Expression:
    """`node` with ordinary letters, none of them `taken`, for the placeholders that its sums bind."""
    if isinstance(node, Sum | Product | Extremum) and node.index.name.startswith("#"):
        axis = node.index.axis
        letter = fresh_index(axis, taken, letters(axis) or ("k", "l", "m", "n"))
        node = rename_bound(node, letter)
        taken = taken | {letter.name}
    return map_children(node, lambda child: _with_letters(child, letters, taken))
