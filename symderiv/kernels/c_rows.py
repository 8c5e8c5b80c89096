"""The samples in C: which of them are worked on together.

One sample after the other keeps a processor waiting: at the end of each pass its lanes are put
together, and the next pass needs the result. So ROWS samples go through each pass before the next one
begins, where they are short enough to stay in the cache. And where rows are shorter than vectors, LANES
of them stand side by side: their entries are copied into blocks in which a place of all of them is one
vector, and every statement is a loop over these lanes. Each way is a function of its own, of the samples
from one to another, and so the threads share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symderiv.kernels.c_chunks import CChunks
from symderiv.kernels.c_formula import Dtype
from symderiv.kernels.c_functions import INDENT, RowFunctions, block, call, mentions
from symderiv.kernels.c_loops import CLoops, each_lane
from symderiv.kernels.c_passes import entries, homes, is_narrow, only_axis, segments_of
from symderiv.kernels.c_stores import calls
from symderiv.kernels.chunks import chunked
from symderiv.kernels.elementwise import is_elementwise
from symderiv.kernels.loop_program import (
    Buffer,
    Loop,
    LoopProgram,
    Node,
    Note,
    Parameter,
    nodes,
)
from symderiv.kernels.names import NameTable
from symderiv.kernels.nests import TOTAL

_EACH_ROW = "for (ptrdiff_t row = start; row < stop; row++)"


class CRows:
    """Prints the body of one function in one dtype."""

    def __init__(self, program: LoopProgram, names: NameTable, dtype: Dtype) -> None:
        self.program, self.names, self.dtype = program, names, dtype
        rows = [each for each in program.body if isinstance(each, Loop) and each.role == "rows"]
        self.rows = rows[0] if rows else None
        self.loops = CLoops(program, names, dtype, self.rows)
        self.formula = self.loops.formula

    @property
    def arrays(self) -> list[Buffer]:
        """The intermediates that need memory."""
        return [each for each in self.program.buffers if each.indices]

    def length(self, each: Buffer) -> str:
        """How many numbers an intermediate has."""
        return " * ".join(self.formula.places(index.axis) for index in each.indices)

    def own_length(self) -> str:
        """How many numbers the intermediates of one sample have together; empty if there are none."""
        text = " + ".join(self.length(each) for each in self.arrays if each.per_row)
        return f"({text})" if " " in text else text

    def lines(self, called: str) -> tuple[list[str], list[str]]:
        """The whole body of a function called so, and the functions that it calls."""
        functions = RowFunctions(self.program, self.names, self.formula, called)
        found: list[str] = []
        for node in self.program.body:
            if node is not self.rows:
                found += self.loops.nodes([node])
            elif node.parallel:
                found += self._shared(node, functions)
            else:
                found += self._one_by_one(node, "0", self.formula.places(node.letter.axis))
        return found + _end_of_streams(found), functions.lines

    def _shared(self, node: Loop, functions: RowFunctions) -> list[str]:
        """The samples, shared by the threads; each way to do them is a function."""
        self.formula.helpers.add("share")
        known = [each.name for each in self.program.buffers if each.name in self.loops.open[0]]
        short = ""
        if is_elementwise(self.program):
            body = self._as_one(node, functions, known)
        else:
            body, short = self._row_by_row(node, functions, known)
        about = "The samples from `from` up to `to`."
        name, given = functions.add("rows", about, body + _end_of_streams(functions.lines + body), known)
        size = self.formula.places(node.letter.axis)
        alone = [INDENT + line for line in call(name, ["0", size, *given])]
        if "work" in given:
            given[given.index("work")] = f"work + thread() * {self.own_length()}"
        unit, several = "1", []
        if short:  # each sample is done in the same way, however many threads there are
            unit = "unit"
            several = [f"const ptrdiff_t unit = {short} ? LANES : 1;"]
        shares = [f"share({size}, {unit}, {end})" for end in (0, 1)]
        several += ["OMP(omp parallel)", *call(name, [*shares, *given])]
        return [f"if ({self._items(node)} <= GRAIN)", *alone, *block("else", several)]

    def _row_by_row(self, node: Loop, functions: RowFunctions, known: Sequence[str]) -> tuple[list[str], str]:
        """The ways to do samples, and the choice; and the condition under which they stand side by side."""
        axis = only_axis(node)
        body: list[str] = []
        short = self._side_by_side(node, axis) if axis else []
        if axis and short:
            about = "Short rows: LANES of them side by side; their number is a multiple of that."
            name, given = functions.add("short_rows", about, short, known)
            whole = "const ptrdiff_t whole = to - (to - from) % LANES;"
            lines = [whole, *call(name, ["from", "whole", *given]), "from = whole;"]
            body += block(f"if ({self._is_short(node, axis)})", lines)
        ways: list[tuple[str, list[str]]] = []
        long = self._by_chunks(node)
        if long:
            condition, lines = long
            about = "Long rows: chunk by chunk, so that each is read from memory once."
            name, given = functions.add("by_chunks", about, lines, known)
            ways.append((condition, call(name, ["from", "to", *given])))
        near = self._together(node, axis) if axis else []
        if axis and near:
            about = "Rows that stay in a near cache: ROWS of them go through each pass together."
            name, given = functions.add("near_rows", about, near, known)
            ways.append((self._stay_near(node, axis), call(name, ["from", "to", *given])))
        self.loops.form = "long" if near else ""
        by_one = self._one_by_one(node, "from", "to")
        self.loops.form = ""
        if not body and not ways:
            return by_one, ""
        name, given = functions.add("long_rows", "Rows of any length, one after the other.", by_one, known)
        body += _choice(ways, call(name, ["from", "to", *given]))
        return body, self._is_short(node, axis) if axis and short else ""

    def _is_short(self, node: Loop, axis: str) -> str:
        """Whether rows stand side by side: where even few lanes, if these do for them, are too many."""
        narrow = f"< {self.dtype.short.upper()}_NARROW"
        return f"{self.formula.places(axis)} {narrow if is_narrow(node) else '<= SHORT'}"

    def _items(self, node: Loop) -> str:
        """How many numbers the largest array of the samples has: whether several threads are worth it."""
        arrays = [each.axes for each in self.program.parameters if node.letter.axis in each.axes]
        axes = max(arrays, key=len, default=(node.letter.axis,))
        return " * ".join(self.formula.places(axis) for axis in axes)

    # -- as one -----------------------------------------------------------------------------

    def _as_one(self, node: Loop, functions: RowFunctions, known: Sequence[str]) -> list[str]:
        """Samples of which every entry is by itself: as one, which is longer."""
        about = "Every entry is by itself: the samples are worked on as one, which is longer."
        name, given = functions.add("entries", about, self._one_by_one(node, "from", "to"), known)
        batch, *others = next(each.axes for each in self.program.parameters if each.axes)
        entries = " * ".join(map(self.formula.places, others))
        instead = {self.formula.places(axis): "1" for axis in others}
        instead[self.formula.places(others[-1])] = f"(to - from) * {entries}"
        # What belongs to one thread is one of several parts: the whole result decides about the caches.
        instead[self.formula.places(batch)] = f"{self.formula.places(batch)} / (to - from)"
        for each in self.program.parameters:
            if each.axes:
                instead[self.names[each.name]] = f"{self.names[each.name]} + from * {entries}"
        called = call(name, ["0", "1", *(instead.get(one, one) for one in given)])
        return ["if (from < to)", *(INDENT + line for line in called)]

    # -- one after the other ----------------------------------------------------------------

    def _one_by_one(self, node: Loop, start: str, stop: str) -> list[str]:
        """Each sample by itself, with memory for its intermediates."""
        head = f"for (ptrdiff_t row = {start}; row < {stop}; row++)"
        loop = block(head, self.loops.inside(node.body))
        memory = self._own_memory()
        if node.parallel or not memory:
            return [*memory, *loop]
        return ["{", *(INDENT + line for line in (*memory, *loop)), "}"]

    def _own_memory(self) -> list[str]:
        """Where the intermediates of one sample are."""
        own = [each for each in self.arrays if each.per_row]
        lines = []
        for number, each in enumerate(own):
            where = " + ".join(["work", *map(self.length, own[:number])])
            lines.append(f"{self.dtype.c} *restrict {self.names[each.name]} = {where};")
        return lines

    def _by_chunks(self, node: Loop) -> tuple[str, list[str]] | None:
        """When rows are long, and each of them chunk by chunk; None where that makes no difference."""
        program = chunked(self.program)
        if program is None:
            return None
        loops = CChunks(program, self.names, self.dtype, node)
        loops.formula.helpers = self.formula.helpers
        (rows,) = (each for each in program.body if isinstance(each, Loop) and each.role == "rows")
        each_row = block("for (ptrdiff_t row = from; row < to; row++)", loops.inside(rows.body))
        return loops.condition(), [*loops.head(), *self._own_memory(), *each_row]

    # -- pass by pass -----------------------------------------------------------------------

    def _together(self, node: Loop, axis: str) -> list[str]:
        """ROWS samples at a time; empty where that makes no difference."""
        segments = segments_of(node.body)
        passes = sum(isinstance(each[-1], Loop) for each in segments)
        if passes < 2 or any(each.per_row for each in self.arrays):
            return []
        scalars = [each for each in self._scalars(node) if homes(each.name, segments) > 1]
        body = ["const ptrdiff_t stop = smaller_place(start + ROWS, to);"]
        if scalars:
            declared = ", ".join(f"{self.names[each.name]}[ROWS]" for each in scalars)
            body.append(f"{self.dtype.c} {declared};")
        self.formula.beside = {each.name: "[row - start]" for each in scalars}
        dear = any(isinstance(each, Loop) and calls(each) for each in node.body)
        self.loops.form = "narrow" if is_narrow(node) else "near" if dear else "slim"
        for each in segments:
            notes = [one for one in each if isinstance(one, Note)]
            rest = [one for one in each if not isinstance(one, Note)]
            body += [*self._notes(notes), *self._all_rows(rest)]
        self.formula.beside, self.loops.form = {}, ""
        self.formula.helpers.add("places")
        return block("for (ptrdiff_t start = from; start < to; start += ROWS)", body)

    def _all_rows(self, segment: Sequence[Node]) -> list[str]:
        """A segment for each of the samples that are worked on together."""
        last = segment[-1]
        streamed = self.loops.streamed(last) if isinstance(last, Loop) else None
        if not isinstance(last, Loop) or streamed is None:
            return block(_EACH_ROW, self.loops.inside(segment))
        self.loops.stream = True
        large = block(_EACH_ROW, self.loops.inside(segment))
        self.loops.stream = False
        others = block(_EACH_ROW, self.loops.inside(segment))
        self.loops.stream = None
        return [*block(f"if ({self.loops.is_large(last, streamed)})", large), *block("else", others)]

    def _stay_near(self, node: Loop, axis: str) -> str:
        """Whether ROWS samples stay in a near cache; exponentials leave the time to fetch from the second."""
        shape = (node.letter.axis, axis)
        count = max(1, sum(each.axes == shape for each in self.program.parameters if each.kind == "real"))
        places = self.formula.places(axis)
        row = f"{count} * {places} * (ptrdiff_t)sizeof({self.dtype.c})"
        if any(isinstance(each, Loop) and calls(each) for each in node.body):
            self.formula.helpers.add("stay_near")
            return f"stay_near({self.formula.places(node.letter.axis)}, {row})"
        return f"{row} <= NEAR"

    def _scalars(self, node: Loop) -> list[Buffer]:
        """The numbers of a sample that are used in the loop over the samples."""
        used = {part.array for each in nodes(node.body) for part in entries(each)}
        own = (each for each in self.program.buffers if each.per_row or each.name == TOTAL)
        return [each for each in own if each.name in used and not each.indices]

    def _notes(self, notes: Sequence[Note]) -> list[str]:
        """Notes name a row's variable, wherever it stands."""
        kept, self.formula.beside = self.formula.beside, {}
        lines = self.loops.nodes(notes)
        self.formula.beside = kept
        return lines

    # -- side by side -----------------------------------------------------------------------

    def _side_by_side(self, node: Loop, axis: str) -> list[str]:
        """LANES short rows at a time; empty where something of them has another shape."""
        own = [each for each in self.program.buffers if each.per_row and each.indices]
        if any(len(each.indices) > 1 for each in own):
            return []
        used = {part.array for each in nodes(node.body) for part in entries(each)}
        own = [each for each in own if each.name in used]
        dear = any(isinstance(each, Loop) and calls(each) for each in node.body)
        copied = [  # a copy costs more than few operations on entries that lie apart
            each
            for each in self.program.parameters
            if dear and each.name in used and each.kind == "real" and each.axes == (node.letter.axis, axis)
        ]
        scalars = self._scalars(node)
        blocks = {each.name: self._block_name(each) for each in copied}
        self.formula.beside = {each.name: "[lane]" for each in (*own, *scalars)}
        self.formula.blocks = blocks
        declared = [f"{self.dtype.c} {name}[SHORT][LANES];" for name in blocks.values()]
        declared += [f"{self.dtype.c} {self.names[each.name]}[SHORT][LANES];" for each in own]
        if scalars:
            names = ", ".join(f"{self.names[each.name]}[LANES]" for each in scalars)
            declared.append(f"{self.dtype.c} {names};")
        passes: list[str] = []
        for segment in segments_of(node.body):
            notes = [each for each in segment if isinstance(each, Note)]
            passes += self._notes(notes)
            rest = [each for each in segment if not isinstance(each, Note)]
            before = rest[:-1] if isinstance(rest[-1], Loop) else rest
            if before:
                passes += self._by_lane(before)
            if isinstance(rest[-1], Loop):
                letter = self.formula.letter(rest[-1].letter)
                places = self.formula.places(rest[-1].letter.axis)
                head = f"for (ptrdiff_t {letter} = 0; {letter} < {places}; {letter}++)"
                passes += block(head, self._by_lane(rest[-1].body))
        self.formula.beside, self.formula.blocks = {}, {}
        places = self.formula.places(axis)
        # GCC walks through memory from a pointer well, but not always from a place that it has to work out.
        for each in copied:
            constant = "" if each.is_result else "const "
            at = f"{self.names[each.name]} + first * {places}"
            declared.append(f"{constant}{self.dtype.c} *restrict {self._rows_name(each)} = {at};")
        body = [
            *declared,
            *self._copied_in([each for each in copied if not each.is_result], blocks, places),
            *passes,
            *self._copied_out([each for each in copied if each.is_result], blocks, places),
        ]
        return block("for (ptrdiff_t first = from; first < to; first += LANES)", body)

    def _block_name(self, each: Parameter) -> str:
        return self.names.give(f"block of {each.name}", f"{self.names[each.name]}_block")

    def _rows_name(self, each: Parameter) -> str:
        return self.names.give(f"rows of {each.name}", f"{self.names[each.name]}_rows")

    def _by_lane(self, body: Sequence[Node]) -> list[str]:
        lines = self.loops.inside(body)
        if mentions("\n".join(lines), "row"):
            lines = ["const ptrdiff_t row = first + lane;", *lines]
        return block(each_lane("LANES"), lines)

    def _copied_in(self, copied: Sequence[Parameter], blocks: Mapping[str, str], places: str) -> list[str]:
        if not copied:
            return []
        pairs = [(blocks[each.name], self._rows_name(each)) for each in copied]
        lines = [f"{name}[place][lane] = {of}[lane * {places} + place];" for name, of in pairs]
        head = f"for (ptrdiff_t place = 0; place < {places}; place++)"
        return block(head, block(each_lane("LANES"), lines))

    def _copied_out(self, copied: Sequence[Parameter], blocks: Mapping[str, str], places: str) -> list[str]:
        if not copied:
            return []
        pairs = [(blocks[each.name], self._rows_name(each)) for each in copied]
        lines = [f"{of}[lane * {places} + place] = {name}[place][lane];" for name, of in pairs]
        inner = block(f"for (ptrdiff_t place = 0; place < {places}; place++)", lines)
        return block(each_lane("LANES"), inner)


def _choice(ways: Sequence[tuple[str, list[str]]], otherwise: list[str]) -> list[str]:
    """The first call whose condition holds, or the last one."""
    lines: list[str] = []
    for condition, called in ways:
        lines += [f"{'else ' if lines else ''}if ({condition})", *(INDENT + line for line in called)]
    return [*lines, "else", *(INDENT + line for line in otherwise)] if ways else otherwise


def _end_of_streams(lines: Sequence[str]) -> list[str]:
    """What ends a function in which, or in whose parts, something is streamed."""
    return ["end_of_streams();"] if any("_stream(" in line for line in lines) else []
