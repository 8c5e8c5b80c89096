"""Numba kernels that work on long rows by chunks (:mod:`symderiv.kernels.chunks`).

A processor fetches by itself what a loop needs next, but not while it is busy with exponentials: it sees too
few reads ahead. So these are taken in steps, and each step asks for the memory that lies one chunk behind
its own. (1.15 to 1.3 times as fast where rows come from memory; loops of a few instructions gain nothing.)
"""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.nodes import Entry, Index
from symderiv.expression.traverse import walk
from symderiv.kernels.chunks import CHUNKS_OF, chunked_axes
from symderiv.kernels.loop_program import Loop, LoopProgram, Node, Reduce, Store, formulas, nodes
from symderiv.kernels.loop_walk import entries_of, mapped
from symderiv.kernels.numba_printer import LoopPrinter
from symderiv.kernels.numba_streams import PART, takes_long

_INDENT = "    "
#: What is read or written of a part in one step is called so, and as the array.
STEP = "@step of "
_OF_STEPS = ("at_a_time", "line", "first", "last", "ahead")


class ChunkPrinter(LoopPrinter):
    """Prints a program by chunks; in a chunk, each row is the part of it that belongs there.

    Parts, because the compiler cannot tell that places counted from the start of a chunk are not negative.
    """

    #: Whether something is done in steps.
    steps = False

    def kernel(self, name: str) -> list[str]:
        """The lines of the kernel."""
        for axis in chunked_axes(self.program):
            self.names.give(f"size of {CHUNKS_OF}{axis}", "chunks")
        first, _, *rest = super().kernel(name)
        places = " and ".join(self.formula.places(axis) for axis in chunked_axes(self.program))
        said = f'"""By chunks, so that a row is read from memory once where {places} is large."""'
        return [first, _INDENT + said, *rest]

    def _head(self, code: list[str]) -> list[str]:
        counts = [f"places = _CHUNK // {self._result()}.itemsize  # of a chunk; the last one may have fewer"]
        counts += [
            f"{self.formula.places(CHUNKS_OF + axis)} = -(-{self.formula.places(axis)} // places)"
            for axis in chunked_axes(self.program)
        ]
        if self.steps:
            step, line = (self.names[f"@{each} of a chunk"] for each in _OF_STEPS[:2])
            each = f"{self._result()}.itemsize"
            counts.append(
                f"{step}, {line} = _STEP // {each}, 64 // {each}  # places of a step, of a line of memory"
            )
        return [*super()._head([*code, *counts]), *counts]

    def _loop(self, node: Loop) -> list[str]:
        return self._chunks(node) if node.role == "chunks" else super()._loop(node)

    def _chunks(self, node: Loop) -> list[str]:
        """A loop over chunks, and the loops over the places of each."""
        chunk, axis = self.formula.letter(node.letter), node.letter.axis
        rows: dict[str, str] = {}
        inside: list[str] = []
        is_first = _is_first(node)
        for each in node.body:
            if not isinstance(each, Loop):
                inside += self._node(each)
            elif is_first and (fetched := _fetched(self.program, each)):
                inside += self._in_steps(each, rows, fetched)
            else:
                inside += self._in_chunk(each, rows)
        size = self.formula.places(axis.removeprefix(CHUNKS_OF))
        head = [
            f"begin, end = places * {chunk}, min(places * ({chunk} + 1), {size})",
            *(self._parts_of(rows) if rows else []),
        ]
        return [
            f"for {chunk} in range({self.formula.places(axis)}):",
            *(_INDENT + line for line in (*head, *inside)),
        ]

    def _in_chunk(self, loop: Loop, rows: dict[str, str]) -> list[str]:
        """A pass over the places of a chunk; the parts that it uses are added to `rows`."""
        return self._places(loop, rows, PART, "begin", "end")

    def _in_steps(self, loop: Loop, rows: dict[str, str], fetched: dict[str, bool]) -> list[str]:
        """A pass with exponentials over a chunk, in steps that fetch what the next chunk needs."""
        step, line, first, last, ahead = (self.names.give(f"@{each} of a chunk", each) for each in _OF_STEPS)
        self.steps = True
        self.formula.use("steps")
        self._places(loop, rows, PART, "begin", "end")
        inside: dict[str, str] = {}
        lines = self._places(loop, inside, STEP, first, last)
        fetches = [
            f"{_INDENT}{self._fetch(is_written)}({self.names[PART + name]}, {ahead})"
            for name, is_written in fetched.items()
        ]
        return [
            "# in steps: while these are worked on, the memory fetches as many of the next chunk",
            f"for {first} in range(0, end - begin, {step}):",
            f"{_INDENT}{last} = min({first} + {step}, end - begin)",
            f"{_INDENT}for {ahead} in range(places + {first}, places + {last}, {line}):",
            *(_INDENT + text for text in (*fetches, *self._parts_of(inside), *lines)),
        ]

    def _fetch(self, is_written: bool) -> str:
        """What asks for a line of memory."""
        self.formula.use("fetch_to_write" if is_written else "fetch")
        return "_fetch_to_write" if is_written else "_fetch"

    def _places(self, loop: Loop, rows: dict[str, str], kind: str, first: str, last: str) -> list[str]:
        """A loop over some places of rows; the parts that it uses are added to `rows`."""

        def part(entry: Entry) -> Entry:
            return (
                Entry(kind + entry.array, (loop.letter,)) if entry.indices[-1:] == (loop.letter,) else entry
            )

        for entry in _moving(loop.body, loop.letter):
            whole = self.names[entry.array]
            name = self.names.give(kind + entry.array, f"{whole}_{'part' if kind == PART else 'step'}")
            places = ", ".join([*map(self.formula.place, entry.indices[:-1]), "begin:end"])
            of_row = f"{whole}[{places}]"
            rows.setdefault(
                name, of_row if kind == PART else f"{self.names[PART + entry.array]}[{first}:{last}]"
            )
        letter = self.formula.letter(loop.letter)
        lines = self._lines(mapped(loop.body, part))
        return [f"for {letter} in range({last} - {first}):", *(_INDENT + line for line in lines)]

    @staticmethod
    def _parts_of(rows: dict[str, str]) -> list[str]:
        """The statements that take parts of rows."""
        together = f"{', '.join(rows)} = {', '.join(rows.values())}"
        return [together] if len(together) <= 90 else [f"{name} = {row}" for name, row in rows.items()]


def limits(program: LoopProgram) -> dict[str, bool]:
    """The axes that a program by chunks has chunks of, and whether they pay early.

    They do where all that is made of exponentials at once goes to the memory that is fetched, and no other
    result is written past the caches later.
    """
    early: dict[str, bool] = {}
    rows = _rows(program)
    results = {each.name for each in program.parameters if each.is_result and each.name in rows}
    for each in nodes(program.body):
        if isinstance(each, Loop) and each.role == "chunks" and _is_first(each):
            passes = [inner for inner in each.body if isinstance(inner, Loop)]
            fetched = {name: done for inner in passes for name, done in _fetched(program, inner).items()}
            along = {entry.array for inner in passes for entry in _moving(inner.body, inner.letter)}
            written = {name for name, is_written in fetched.items() if is_written}
            axis = each.letter.axis.removeprefix(CHUNKS_OF)
            early[axis] = bool(fetched) and along <= fetched.keys() and results <= written
    return {axis: early.get(axis, False) for axis in chunked_axes(program)}


def _is_first(chunks: Loop) -> bool:
    """Whether it is the loop over chunks that reads rows from memory: the one that looks for the largest."""
    return any(isinstance(each, Reduce) and each.is_shift for each in nodes(chunks.body))


def _fetched(program: LoopProgram, loop: Loop) -> dict[str, bool]:
    """The arrays of the samples that a pass with exponentials goes along, and whether it writes them.

    What is the same for all samples, or belongs to the kernel, is in a cache.
    """
    if not any(takes_long(part) for value in formulas(loop.body) for _, part in walk(value)):
        return {}
    rows = _rows(program)
    stored = {each.target.array for each in loop.body if isinstance(each, Store)}
    moving = _moving(loop.body, loop.letter)
    return {each.array: each.array in stored for each in moving if each.array in rows}


def _rows(program: LoopProgram) -> set[str]:
    """The arrays that have a row for each sample."""
    longest = max(len(each.axes) for each in program.parameters)
    return {each.name for each in program.parameters if len(each.axes) == longest}


def _moving(body: Sequence[Node], letter: Index) -> list[Entry]:
    """The entries along a row."""
    return [each for each in entries_of(body) if each.indices[-1:] == (letter,)]
