"""Long rows in C by chunks (:mod:`symderiv.kernels.chunks`).

What is known of each chunk stands in small arrays of the function: chunks are so long that there are
never more than CHUNKS of them, and so no memory has to be asked of the caller.
"""

from __future__ import annotations

from symderiv.expression.nodes import Entry, Position
from symderiv.kernels.c_formula import Dtype
from symderiv.kernels.c_functions import block, mentions
from symderiv.kernels.c_loops import CLoops
from symderiv.kernels.c_stores import calls
from symderiv.kernels.chunks import CHUNKS_OF, chunked_axes
from symderiv.kernels.loop_program import Loop, LoopProgram
from symderiv.kernels.loop_walk import entries_of
from symderiv.kernels.names import NameTable


class CChunks(CLoops):
    """Prints a program by chunks; in a chunk, passes go over its places only."""

    def __init__(self, program: LoopProgram, names: NameTable, dtype: Dtype, rows: Loop) -> None:
        for axis in chunked_axes(program):
            names.give(f"size of {CHUNKS_OF}{axis}", "chunks")
        for each in program.buffers:
            if each.name.startswith("@share"):  # share() says which samples a thread has
                names.give(each.name, f"{each.name.removeprefix('@')}_of_chunk")
        super().__init__(program, names, dtype, rows)
        self.form, self.row = "long", rows.letter
        #: Where the passes of a chunk begin and end.
        self.part: tuple[str, str] | None = None
        self.sizes = [self.formula.places(axis) for axis in chunked_axes(program)]

    def condition(self) -> str:
        """Whether rows are long."""
        return " && ".join(f"{size} * (ptrdiff_t)sizeof({self.dtype.c}) >= LONG_ROW" for size in self.sizes)

    def head(self) -> list[str]:
        """How long chunks are, how many there are, and memory for what is known of each."""
        self.formula.helpers |= {"places", "row_chunks"}
        longest, *others = self.sizes
        for each in others:
            longest = f"larger_place({longest}, {each})"
        lines = [f"const ptrdiff_t places = places_of_chunk({longest}, sizeof({self.dtype.c}));"]
        for axis, size in zip(chunked_axes(self.program), self.sizes, strict=True):
            count = self.formula.places(CHUNKS_OF + axis)
            lines.append(f"const ptrdiff_t {count} = ({size} + places - 1) / places;")
        kept = [
            f"{self.names[each.name]}[CHUNKS]"
            for each in self.program.buffers
            if any(index.axis.startswith(CHUNKS_OF) for index in each.indices)
        ]
        return [*lines, f"{self.dtype.c} {', '.join(kept)};"]

    def bounds(self, node: Loop) -> tuple[str, str]:
        """The places of the chunk that is worked on, or all."""
        return self.part or super().bounds(node)

    def loop(self, node: Loop) -> list[str]:
        """A loop over chunks, over the places of one of them, or over those of a row."""
        if not node.letter.axis.startswith(CHUNKS_OF):
            return super().loop(node)
        chunk, count = self.formula.letter(node.letter), self.formula.places(node.letter.axis)
        inside = self._places(node) if node.role == "chunks" else self.inside(node.body)
        return block(f"for (ptrdiff_t {chunk} = 0; {chunk} < {count}; {chunk}++)", inside)

    def _places(self, node: Loop) -> list[str]:
        """What is done with one chunk."""
        size = self.formula.places(node.letter.axis.removeprefix(CHUNKS_OF))
        begin, end = f"places * {self.formula.letter(node.letter)}", f"smaller_place(start + places, {size})"
        head = [f"const ptrdiff_t start = {begin}, stop = {end};"]
        self.part = ("start", "stop")
        body = self.inside(node.body)
        self.part = None
        if mentions("\n".join(body), "ahead"):
            self.formula.helpers.add("fetch")
            left = f"(to - row) * {size} - stop"
            head.append(f"const ptrdiff_t ahead = smaller_place(places, {left}); /* what comes next */")
        return [*head, *body]

    def fetched(self, node: Loop) -> list[str]:
        """The next chunk of all that the samples have, also of the next one, while exponentials are taken."""
        if self.part is None or not calls(node):
            return []
        along = (self.row, node.letter)
        used = {each.array for each in entries_of(node.body) if each.indices == along}
        lines = []
        for each in self.program.parameters:
            if each.name in used:
                begun = Entry(each.name, (self.row, Position(1, node.letter.axis)))
                row = self.formula.stored(begun).removesuffix("0]")
                lines.append(f"FETCH(&{row}first + ahead]);")
        return lines
