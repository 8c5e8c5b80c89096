"""Results that outgrow the caches: written past them, where a loop does nothing but store one.

A plain store reads the line of memory that it writes to before it does so, and it displaces from the
caches what the next loop would find there. Stores past the caches do neither, but only for whole lines of
64 bytes. So such a loop is done in three parts: what comes before the first whole line of a row of the
result, all whole lines, and the rest. It gains where as much is read as is written, with little work. A
processor that only writes (a Jacobian, from a row of probabilities) sees by itself that whole lines are
overwritten, so there it gains only for results of several times that size (a Jacobian of 36 MB: as fast, or
1.8 times, on two machines; one of 67 MB: 2 times); and one that works longer than the memory does not wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symderiv.expression.indices import mentions
from symderiv.expression.nodes import Call, Entry, Expression, Index
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.loop_program import Loop, LoopProgram, Note, Store, formulas
from symderiv.kernels.loop_walk import entries_in, mapped

#: The functions that take a few instructions.
_SHORT = ("relu", "step", "sign", "abs", "max", "min", "sqrt")
#: What is read or written of an array in one part of a row is called so, and as the array.
PART = "@part of "


@dataclass(frozen=True)
class Streamed:
    """A loop that may store past the caches, with the parts of rows in place of the rows.

    Attributes
    ----------
    loop
        The loop over one part.
    store
        The store in it that may be past the caches.
    rows
        By the name of its part, the row that each part is of: an entry without its last place.
    result
        Which of these is stored into.
    reads
        Whether for each place a number is read that no other place of the result needs.
    """

    loop: Loop
    store: Store
    rows: dict[str, Entry]
    result: str
    reads: bool

    @property
    def stored(self) -> str:
        """The result itself."""
        return self.rows[self.result].array


def written_only(program: LoopProgram) -> frozenset[str]:
    """The results that are nowhere read: what is written past the caches would come back from memory."""
    read = {each.array for value in formulas(program.body) for each in entries_in(value)}
    return frozenset(each.name for each in program.parameters if each.is_result and each.axes) - read


def streamed(node: Loop, results: frozenset[str]) -> Streamed | None:
    """`node` by parts of rows, where it stores one of `results` in order; None where it does more than that.

    Every place is done by itself and in the same way.
    """
    letter = node.letter
    if node.window is not None or not all(isinstance(each, Store | Note) for each in node.body):
        return None
    stores = [each for each in node.body if isinstance(each, Store)]
    kept = [each for each in stores if each.target.indices]
    if len(kept) != 1 or kept[0].target.array not in results:
        return None
    targets = (each.target for each in kept)
    entries = [*targets, *(entry for each in stores for entry in entries_in(each.value))]
    rows = rows_of(entries, [each.value for each in stores], letter)
    if rows is None or not mentions(kept[0].target, letter):
        return None
    if any(takes_long(part) for each in stores for _, part in walk(each.value)):
        return None
    stored = PART + kept[0].target.array
    depth = len(rows[stored].indices)
    reads = any(name != stored and len(row.indices) >= depth for name, row in rows.items())

    loop = by_parts(node)
    store = next(each for each in loop.body if isinstance(each, Store) and each.target.array == stored)
    return Streamed(loop, store, rows, stored, reads)


def rows_of(entries: Iterable[Entry], values: Iterable[Expression], letter: Index) -> dict[str, Entry] | None:
    """By the name of its part, the row that each entry with a letter is of; None where one is of no row.

    Every entry moves along memory with the letter, and the values use the letter for nothing else.
    """
    rows: dict[str, Entry] = {}
    for each in entries:
        if mentions(each, letter):
            row = Entry(each.array, each.indices[:-1])
            if not _is_along(each, letter) or rows.setdefault(PART + each.array, row) != row:
                return None
    # It may compare places, or count them.
    return None if any(mentions(_without(each, letter), letter) for each in values) else rows


def by_parts(loop: Loop) -> Loop:
    """A loop over the places of a part of each row, in place of the row."""

    def part(entry: Entry) -> Entry:
        return Entry(PART + entry.array, (loop.letter,)) if mentions(entry, loop.letter) else entry

    (found,) = mapped((loop,), part)
    assert isinstance(found, Loop)
    return found


def takes_long(part: Expression) -> bool:
    """Whether a processor is not done with it before the memory has done its part."""
    return isinstance(part, Call) and part.function not in _SHORT


def _is_along(entry: Entry, letter: Index) -> bool:
    """Whether an entry moves along memory with a letter, place by place."""
    return entry.indices[-1:] == (letter,) and not mentions(Entry("", entry.indices[:-1]), letter)


def _without(value: Expression, letter: Index) -> Expression:
    """`value` with numbers in place of the entries that move along with a letter."""

    def change(node: Expression) -> Expression:
        if isinstance(node, Entry):
            return Entry(node.array) if _is_along(node, letter) else node
        return map_children(node, change)

    return change(value)
