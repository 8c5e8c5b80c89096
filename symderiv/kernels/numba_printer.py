"""From a loop program to Numba: node by node, in Python that Numba compiles."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from symderiv.expression.indices import mentions
from symderiv.expression.nodes import Entry, Expression, Index
from symderiv.kernels.blocks import EACH, FEWER_ROWS, ROWS, Blocked, Flat
from symderiv.kernels.few_places import FEW
from symderiv.kernels.hoist import SCALE
from symderiv.kernels.loop_formula import LONG, LoopFormula
from symderiv.kernels.loop_program import (
    Buffer,
    Kind,
    Loop,
    LoopProgram,
    Node,
    Note,
    Parameter,
    Reduce,
    Start,
    Store,
    nodes,
)
from symderiv.kernels.loop_walk import entries_of
from symderiv.kernels.names import NameTable
from symderiv.kernels.nests import TOTAL
from symderiv.kernels.numba_stores import PARTS, StorePrinter
from symderiv.kernels.numba_streams import streamed
from symderiv.kernels.numba_sums import CHUNK, SumByChunks, sum_by_chunks
from symderiv.kernels.windows import window_of

_INDENT = "    "
_NEUTRAL: dict[Kind, str] = {
    "sum": "real(0)", "prod": "real(1)", "max": "real(-np.inf)", "min": "real(np.inf)",
}  # fmt: skip


class LoopPrinter(StorePrinter):
    """Prints one loop program.

    `streams` are the results that may be written past the caches, `passes` those that may be long, and `few`
    the axis for which the kernel is told whether it has few places.
    """

    def __init__(
        self,
        program: LoopProgram,
        names: NameTable,
        streams: frozenset[str] = frozenset(),
        passes: Collection[Node] = (),
        few: str | None = None,
    ) -> None:
        self.program, self.names, self.streams, self.passes = program, names, streams, passes
        #: That axis, and the parameter that is given where it has few places.
        self.few, self.told = few, names.give(FEW, "few") if few else ""
        #: What says that a result is written past the caches, and the test for it.
        self.large: dict[str, str] = {}
        #: What says that memory is fetched ahead of what is written, and how far: names and their values.
        self.ahead: dict[str, str] = {}
        rows = [each for each in nodes(program.body) if isinstance(each, Loop) and each.role == "rows"]
        self.formula = LoopFormula(names, program.labels, rows[0].letter if rows else None)
        names.put(TOTAL, "total")
        for each in program.buffers:
            names.give(each.name, each.name.lstrip("@"))
        self.results = {each.name for each in program.parameters if each.is_result}

    def kernel(self, name: str) -> list[str]:
        """The lines of the kernel."""
        body = self._lines(self.program.body)
        buffers = self._buffers(self.program.buffers)
        parameters = [self.names[each.name] for each in self.program.parameters]
        # Several threads share the samples: one does not see of what size the whole result is.
        parameters += [f"{self.names[PARTS]}=1"] if self.large else []
        parameters += [f"{self.told}=None"] if self.few else []
        lines = [f"def {name}({', '.join(parameters)}):"]
        lines.append(f'{_INDENT}"""The loops of {name.removeprefix("_").removesuffix("_kernel")}."""')
        head = [*self._asked(), *self._head([*buffers, *body])]
        head += [f"{each} = {test}" for each, test in (*self.large.items(), *self.ahead.items())]
        if self.large:
            self.formula.use("stream")
            body += [f"if {' or '.join(self.large)}:", f"{_INDENT}_end_of_streams()"]
        return lines + [_INDENT + line for line in (*head, *buffers, *body)]

    def _result(self) -> str:
        """An array that has the dtype of the function."""
        return next(self.names[each.name] for each in self.program.parameters if each.is_result)

    def _head(self, code: list[str]) -> list[str]:
        """Sizes and the dtype, where the code uses them.

        A size that is known beforehand is asked of an array all the same: LLVM unrolls short loops of
        constant length into scalar code, which takes up to three times as long as vectors and a rest.
        """
        text = "\n".join(code)
        lines = []
        if re.search(r"\breal\b", text):
            lines.append(f"real = {self._result()}.dtype.type  # keeps literals narrow")
        axes = dict.fromkeys(axis for each in self.program.parameters for axis in each.axes)
        for axis in axes:
            name = self.formula.places(axis)
            if re.search(rf"\b{name}\b", text):
                parameter, number = self.program.size_of(axis)
                size = f"{self.names[parameter.name]}.shape[{number}]"
                if axis == self.few:
                    size = f"{size} if {self.told} is None else {size} & _FEW"
                lines.append(f"{name} = {size}")
        return lines

    def _asked(self) -> list[str]:
        """What LLVM is told: to use its longest vectors, where there is much to do with each number; and
        that arrays do not overlap, where loops may be too short to look at that.
        """
        lines = []
        if not self.formula.helpers.isdisjoint(LONG):
            self.formula.use("wide_vectors")
            lines.append("_wide_vectors()")
        if self.few:
            self.formula.use("few_places")
            lines += [f"if {self.told} is not None:", f"{_INDENT}_apart()"]
        return lines

    def _buffers(self, buffers: Sequence[Buffer]) -> list[str]:
        """The arrays that hold intermediates."""
        lines = []
        for each in buffers:
            if each.indices:
                sizes = [self._size(index) for index in each.indices]
                shape = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
                of = self._whose(each)
                lines.append(f"{self.names[each.name]} = np.empty({shape}, {self._result()}.dtype)  # {of}")
        return lines

    def _whose(self, buffer: Buffer) -> str:
        return "of one sample" if buffer.per_row else "of all samples"

    def _size(self, letter: Index) -> str:
        """How many places a loop over a letter has."""
        return self.formula.places(letter.axis)

    # -- nodes ------------------------------------------------------------------------------

    def _lines(self, body: tuple[Node, ...]) -> list[str]:
        return [line for node in body for line in self._node(node)]

    def _turn(self, body: tuple[Node, ...]) -> list[str]:
        """The lines of one turn of a loop; a label that loops in it use while they store is read before them.

        For all that the compiler knows, what they store may be the label, so that it would read it again.
        """
        new = {
            label: self.names.give(f"@{self.formula.entry(label)} read once", "at")
            for label in _labels_of_loops(body, self.program.labels)
            if label not in self.formula.read_once
        }
        begun = [f"{name} = {self.formula.entry(label)}" for label, name in new.items()]
        self.formula.read_once |= new
        lines = self._lines(body)
        for label in new:
            del self.formula.read_once[label]
        return [*begun, *lines]

    def _node(self, node: Node) -> list[str]:
        match node:
            case Note(text, of):
                return [f"# {self._target(of)}: {text}" if of is not None else f"# {text}"]
            case Start(kind, target):
                return [f"{self._target(target)} = {_NEUTRAL[kind]}"]
            case Store(target, value):
                if target.array.startswith(SCALE) and not target.indices:
                    return [f"{self._target(target)} = {self._factor(value)}"]
                return self.formula.assigned(self._target(target), value)
            case Reduce(kind, target, value, is_shift):
                return [self._step(kind, self._target(target), self.formula.text(value), is_shift)]
            case Loop():
                return self._loop(node)

    def _factor(self, value: Expression) -> str:
        """What loops multiply by."""
        return self.formula.kept(value)

    def _loop(self, node: Loop) -> list[str]:
        parts = streamed(node, self.streams) if self.streams else None
        if parts is not None:
            return [*self._stored(parts), "else:", *(_INDENT + line for line in self._plain_loop(node))]
        sums = sum_by_chunks(node) if node in self.passes else None
        if sums is None or any(each.array in self.results for each in sums.sums):
            return self._plain_loop(node)
        lines = self._in_chunks(sums)
        return [*lines, "else:", *(_INDENT + line for line in self._plain_loop(node))]

    def _in_chunks(self, sums: SumByChunks) -> list[str]:
        """A pass that adds up, so many terms at a time."""
        self.names.put("@begin of a chunk", "begin")
        letter, size = self.formula.letter(sums.loop.letter), self._size(sums.loop.letter)
        totals = [self._target(each) for each in sums.sums]
        begun = self._parts(sums.rows, f"begin : begin + {CHUNK}")
        part = self.names[next(iter(sums.rows))]
        of_chunk = {
            each.array: self.names.give(f"@of a chunk {each.array}", f"{total}_part")
            for each, total in zip(sums.sums, totals, strict=True)
        }
        spelled = {each.array: self.names[each.array] for each in sums.sums}
        for name, shorter in of_chunk.items():
            self.names.put(name, shorter)
        inside = self._lines(sums.loop.body)
        for name, longer in spelled.items():
            self.names.put(name, longer)
        return [
            f"if {size} > {CHUNK}:  # by chunks: so long sums lose few digits",
            f"{_INDENT}for begin in range(0, {size}, {CHUNK}):",
            f"{_INDENT * 2}{begun}",
            *(f"{_INDENT * 2}{each} = real(0)" for each in of_chunk.values()),
            f"{_INDENT * 2}for {letter} in range({part}.size):",
            *(_INDENT * 3 + line for line in inside),
            *(
                f"{_INDENT * 2}{total} += {each}"
                for total, each in zip(totals, of_chunk.values(), strict=True)
            ),
        ]

    def _plain_loop(self, node: Loop) -> list[str]:
        letter, size = self.formula.letter(node.letter), self._size(node.letter)
        window = None
        if node.window is not None:
            window = window_of(node.window, node.letter, self.formula.place, self.formula.places)
        if window is None:
            return [f"for {letter} in range({size}):", *(_INDENT + line for line in self._turn(node.body))]
        self.formula.inside |= window.inside
        self.formula.shifting |= {node.letter}
        inside = self._lines(node.body)
        self.formula.inside -= window.inside
        self.formula.shifting -= {node.letter}
        start, stop = f"max(0, {', '.join(window.starts)})", f"min({', '.join(window.stops)})"
        lines = [f"for {letter} in range({start}, {stop}):", *(_INDENT + line for line in inside)]
        if not window.conditions:
            return lines
        conditions = " and ".join(f"0 <= {place} < {size}" for place, size in window.conditions)
        return [f"if {conditions}:", *(_INDENT + line for line in lines)]

    def _target(self, target: Entry) -> str:
        """The place that is assigned to; of a result without axes, the one it has."""
        places = [self.formula.place(term) for term in target.indices]
        name = self.names[target.array]
        if places:
            return f"{name}[{', '.join(places)}]"
        return f"{name}[()]" if target.array in self.results else name

    def _step(self, kind: Kind, target: str, text: str, is_shift: bool) -> str:
        """One term into a reduction."""
        match kind:
            case "sum":
                return f"{target} += {text}"
            case "prod":
                return f"{target} *= {text}"
            case "max" | "min":
                helper = "larger" if kind == "max" else "smaller"
                helper += "_exponent" if is_shift else ""
                self.formula.use(helper)
                return f"{target} = _{helper}({target}, {text})"


def _labels_of_loops(body: tuple[Node, ...], labels: frozenset[str]) -> dict[Entry, None]:
    """The labels that loops in a body use, in all their turns the same, while they store into arrays."""
    found: dict[Entry, None] = {}
    for loop in body:
        inside = tuple(nodes((loop,))) if isinstance(loop, Loop) else ()
        letters = [each.letter for each in inside if isinstance(each, Loop)]
        if any(isinstance(each, Store | Reduce) and each.target.indices for each in inside):
            for entry in entries_of((loop,)):
                if entry.array in labels and not any(mentions(entry, letter) for letter in letters):
                    found[entry] = None
    return found


class BlockPrinter(LoopPrinter):
    """Prints the same by blocks of samples."""

    def __init__(
        self, program: LoopProgram, names: NameTable, blocks: Blocked, few: str | None = None
    ) -> None:
        super().__init__(program, names, few=few)
        self.blocks = blocks
        for each in blocks.buffers:
            of = each.name.removeprefix(EACH)
            names.give(each.name, f"each_{names[of] if of in self.results else of}")
        self.most_bytes = blocks.most_bytes(program)
        #: Views of memory that all blocks use.
        self.flat: list[str] = []
        #: Whether what is printed is the innermost loop over the samples of a block.
        self.innermost = False
        #: How many samples are worked on together, as it is spelled.
        self.count = str(ROWS) if self.most_bytes is None else names.give("@samples of a block", "together")

    def kernel(self, name: str, one_by_one: str = "") -> list[str]:
        """The lines of the kernel; `one_by_one` is that for what is left over of the samples."""
        whole = {
            each.name: self.names.give(f"all {each.name}", f"all_{self.names[each.name]}")
            for each in self.program.parameters
            if self._is_sliced(each)
        }
        axis = self.blocks.letter.axis
        samples, places = self.formula.places(axis), self.formula.places(self.blocks.axis)
        inside = [line for step in self.blocks.steps for line in self._step_lines(step)]
        buffers = [*self._buffers(self.blocks.buffers), *self.flat]
        spelled = {each.name: whole.get(each.name, self.names[each.name]) for each in self.program.parameters}
        rest = [
            f"{whole[each.name]}[done:]" if each.name in whole else self.names[each.name]
            for each in self.program.parameters
        ]
        count, these, some = self.count, str(ROWS), []
        if self.most_bytes is not None:
            given = next(self.names[each.name] for each in self.program.parameters if self._is_sliced(each))
            few = f"{places} * {given}.itemsize <= {self.most_bytes}"
            these = f"{ROWS} or {FEWER_ROWS}"
            some = [f"{count} = {ROWS} if {few} else {FEWER_ROWS}  # they stay in the nearest cache"]
        body = [
            f"for block in range({samples} // {count}):",
            f"{_INDENT}start, stop = {count} * block, {count} * (block + 1)",
            *(f"{_INDENT}{self.names[each]} = {all_of}[start:stop]" for each, all_of in whole.items()),
            *(_INDENT + line for line in inside),
            "# What is left over of the samples",
            f"done = {samples} - {samples} % {count}",
            f"if done < {samples}:",
            f"{_INDENT}{one_by_one}({', '.join(rest)})",
        ]
        head = [*self._asked(), *self._head([*buffers, *body, places]), *some]
        for each in self.program.parameters:
            if each.name in whole:
                pattern = rf"\b{self.names[each.name]}\b"
                head = [re.sub(pattern, whole[each.name], line) for line in head]
                buffers = [re.sub(pattern, whole[each.name], line) for line in buffers]
        parameters = [*spelled.values(), *([f"{self.told}=None"] if self.few else [])]
        return [
            f"def {name}({', '.join(parameters)}):",
            f'{_INDENT}"""By blocks of {these} samples, so that loops are long where {places} is small."""',
            *(_INDENT + line for line in (*head, *buffers, *body)),
        ]

    def _buffers(self, buffers: Sequence[Buffer]) -> list[str]:
        """The arrays that hold intermediates; those of a block are small enough to be on the stack."""
        lines = []
        for each in buffers:
            if self.blocks.letter not in each.indices:
                lines += super()._buffers([each])
                continue
            self.formula.use("on_stack")
            sizes = [self._size(index) for index in each.indices]
            shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
            lines.append(f"{self.names[each.name]} = _on_stack({self._result()}, {shape})")
        return lines

    def _is_sliced(self, parameter: Parameter) -> bool:
        return parameter.axes[:1] == (self.blocks.letter.axis,)

    def _step_lines(self, step: tuple[Node, ...] | Flat) -> list[str]:
        if isinstance(step, Flat):
            flat, place = self.names.give(f"@flat {step.array}", "flat"), self.names.give("@place", "place")
            value = self.formula.function(step.function, [f"{flat}[{place}]"])[0]
            as_one = [f"{flat} = {self.names[step.array]}.reshape(-1)  # all rows as one"]
            if step.array not in self.results:  # the same for all blocks
                self.flat += as_one
                as_one = []
            return [
                *as_one,
                f"for {place} in range({self.count} * {self.formula.places(step.axis)}):",
                f"{_INDENT}{flat}[{place}] = {value}",
            ]
        notes = [line for node in step if isinstance(node, Note) for line in self._node(node)]
        rest = tuple(node for node in step if not isinstance(node, Note))
        if not rest:
            return notes
        # An innermost loop of constant length would be unrolled before it is put on vectors.
        innermost = self.innermost = not any(isinstance(node, Loop) for node in rest)
        sliced = next(self.names[each.name] for each in self.program.parameters if self._is_sliced(each))
        count = f"len({sliced})" if innermost or self.most_bytes is not None else str(ROWS)
        head = f"for {self.formula.letter(self.blocks.letter)} in range({count}):"
        return [*notes, head, *(_INDENT + line for line in self._turn(rest))]

    def _factor(self, value: Expression) -> str:
        # Where it is put in memory, it is a vector's, and no loop can divide by it.
        return self.formula.text(value) if self.innermost else super()._factor(value)

    def _size(self, letter: Index) -> str:
        return str(ROWS) if letter == self.blocks.letter else super()._size(letter)
