"""Numba kernels that work on long rows by chunks (:mod:`symderiv.kernels.chunks`)."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.chunks import CHUNKS_OF, chunked_axes
from symderiv.kernels.loop_program import Loop, Node
from symderiv.kernels.loop_walk import entries_of, mapped
from symderiv.kernels.numba_printer import LoopPrinter
from symderiv.kernels.numba_streams import PART

_INDENT = "    "


class ChunkPrinter(LoopPrinter):
    """Prints a program by chunks; in a chunk, each row is the part of it that belongs there.

    Parts, because the compiler cannot tell that places counted from the start of a chunk are not negative.
    """

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
        return [*super()._head([*code, *counts]), *counts]

    def _loop(self, node: Loop) -> list[str]:
        return self._chunks(node) if node.role == "chunks" else super()._loop(node)

    def _chunks(self, node: Loop) -> list[str]:
        """A loop over chunks, and the loops over the places of each."""
        chunk, axis = self.formula.letter(node.letter), node.letter.axis
        rows: dict[str, str] = {}
        inside: list[str] = []
        for each in node.body:
            inside += self._in_chunk(each, rows) if isinstance(each, Loop) else self._node(each)
        parts = [f"{name} = {row}" for name, row in rows.items()]
        together = f"{', '.join(rows)} = {', '.join(rows.values())}"
        size = self.formula.places(axis.removeprefix(CHUNKS_OF))
        head = [
            f"begin, end = places * {chunk}, min(places * ({chunk} + 1), {size})",
            *([together] if len(together) <= 90 else parts),
        ]
        return [
            f"for {chunk} in range({self.formula.places(axis)}):",
            *(_INDENT + line for line in (*head, *inside)),
        ]

    def _in_chunk(self, loop: Loop, rows: dict[str, str]) -> list[str]:
        """A pass over the places of a chunk; the parts that it uses are added to `rows`."""

        def part(entry: Entry) -> Entry:
            return (
                Entry(PART + entry.array, (loop.letter,)) if entry.indices[-1:] == (loop.letter,) else entry
            )

        for entry in self._moving(loop.body, loop.letter):
            name = self.names.give(PART + entry.array, f"{self.names[entry.array]}_part")
            places = [*(self.formula.place(term) for term in entry.indices[:-1]), "begin:end"]
            rows.setdefault(name, f"{self.names[entry.array]}[{', '.join(places)}]")
        letter = self.formula.letter(loop.letter)
        lines = self._lines(mapped(loop.body, part))
        return [f"for {letter} in range(end - begin):", *(_INDENT + line for line in lines)]

    def _moving(self, body: Sequence[Node], letter: Index) -> list[Entry]:
        """The entries along a row."""
        return [each for each in entries_of(body) if each.indices[-1:] == (letter,)]
