"""The loops of a function in C, written so that compilers make vectors of them.

C compilers may not regroup sums, so that a reduction in one variable never vectorises. Reductions
are written in lanes: LANES partial results side by side, which are put together at the end of a
chunk (so that long sums lose little, too). Where rows are short, LANES of them stand side by side
instead, and every statement is a loop over these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from symderiv.expression.nodes import Call, Entry, Index
from symderiv.expression.traverse import walk
from symderiv.kernels.c_formula import CFormula, Dtype
from symderiv.kernels.errors import KernelError
from symderiv.kernels.loop_program import (
    Buffer,
    Kind,
    Loop,
    LoopProgram,
    Node,
    Note,
    Reduce,
    Start,
    Store,
    nodes,
)
from symderiv.kernels.names import NameTable
from symderiv.kernels.nests import TOTAL
from symderiv.kernels.windows import window_of

INDENT = "    "
_NEUTRAL: dict[Kind, str] = {"sum": "0.0", "prod": "1.0", "max": "-INFINITY", "min": "INFINITY"}
#: What puts the lanes of a reduction together.
_TOGETHER: dict[Kind, str] = {"sum": "total", "prod": "product", "max": "largest", "min": "smallest"}
_LANES = "for (ptrdiff_t lane = 0; lane < LANES; lane++)"


class CLoops:
    """Prints the nodes of one loop program in one dtype."""

    def __init__(self, program: LoopProgram, names: NameTable, dtype: Dtype) -> None:
        self.program, self.names, self.dtype = program, names, dtype
        rows = [each for each in program.body if isinstance(each, Loop) and each.role == "rows"]
        self.rows = rows[0] if rows else None
        axes = {each.name: each.axes for each in program.parameters}
        axes |= {each.name: tuple(index.axis for index in each.indices) for each in program.buffers}
        pointers = frozenset(each.name for each in program.parameters if each.is_result and not each.axes)
        letter = self.rows.letter if self.rows else None
        names.put(TOTAL, "total")
        for each in program.buffers:
            names.give(each.name, each.name.lstrip("@"))
        self.formula = CFormula(names, dtype, axes, program.labels, pointers, letter)
        self.scalars = {each.name for each in program.buffers if not each.indices}
        #: The local variables that are declared in the blocks that are open.
        self.open: list[set[str]] = [set()]

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

    def lines(self) -> list[str]:
        """The whole body."""
        return self._nodes(self.program.body)

    # -- nodes ------------------------------------------------------------------------------

    def _nodes(self, body: Sequence[Node]) -> list[str]:
        return [line for node in body for line in self._node(node)]

    def _node(self, node: Node) -> list[str]:
        match node:
            case Note(text, of):
                return _comment(f"{self.formula.stored(of)}: {text}" if of is not None else text)
            case Start(kind, target):
                return [f"{self._declared(target)} = {self._neutral(kind)};"]
            case Store(target, value):
                return self.formula.assigned(self._declared(target), value)
            case Reduce(kind, target, value):
                return [self._step(kind, self.formula.stored(target), self.formula.text(value))]
            case Loop(role="rows"):
                return self._rows(node)
            case Loop():
                return self._loop(node)

    def _declared(self, target: Entry) -> str:
        """A target; with its type where it is a local variable that no open block has yet."""
        text = self.formula.stored(target)
        if target.array not in self.scalars or target.array in self.formula.by_lane:
            return text
        if any(target.array in block for block in self.open):
            return text
        self.open[-1].add(target.array)
        return f"{self.dtype.c} {text}"

    def _neutral(self, kind: Kind) -> str:
        number = _NEUTRAL[kind]
        return number if "INF" in number else number + self.dtype.suffix

    def _step(self, kind: Kind, target: str, value: str) -> str:
        match kind:
            case "sum":
                return f"{target} += {value};"
            case "prod":
                return f"{target} *= {value};"
            case "max" | "min":
                choice = self.formula.helper("larger" if kind == "max" else "smaller", [value, target])
                return f"{target} = {choice};"
        raise KernelError(f"A {kind} cannot be emitted.")

    def _block(self, head: str, body: Sequence[str]) -> list[str]:
        return [f"{head} {{", *(INDENT + line for line in body), "}"]

    def _inside(self, body: Sequence[Node]) -> list[str]:
        """The lines of a block of its own."""
        self.open.append(set())
        lines = self._nodes(body)
        self.open.pop()
        return lines

    # -- loops ------------------------------------------------------------------------------

    def _bounds(self, node: Loop) -> tuple[str, str]:
        """Where a loop begins and ends; shifted places that exist all the way are noted."""
        size = self.formula.places(node.letter.axis)
        if node.window is None:
            return "0", size
        window = window_of(node.window, node.letter, self.formula.place, self.formula.places)
        if window is None:
            return "0", size
        self.formula.inside |= window.inside
        self.formula.helpers.add("places")
        start, stop = "0", window.stops[0]
        for each in window.starts:
            start = f"larger_place({start}, {each})"
        for each in window.stops[1:]:
            stop = f"smaller_place({stop}, {each})"
        return start, stop

    def _loop(self, node: Loop) -> list[str]:
        known = self.formula.inside
        letter = self.formula.letter(node.letter)
        begin, end = self._bounds(node)
        carried = _carried(node)
        if carried:
            lines = self._in_lanes(node, carried, begin, end)
        else:
            head = f"for (ptrdiff_t {letter} = {begin}; {letter} < {end}; {letter}++)"
            lines = self._block(head, self._inside(node.body))
        self.formula.inside = known
        return lines

    def _in_lanes(self, node: Loop, carried: Sequence[Reduce], begin: str, end: str) -> list[str]:
        """A reduction: whole vectors in lanes, then the rest, chunk by chunk where sums are in it."""
        letter = self.formula.letter(node.letter)
        lanes = {id(each): self._lanes_name(each) for each in carried}
        targets = {id(each): self.formula.stored(each.target) for each in carried}
        chunked = any(each.kind == "sum" for each in carried)
        setup = []
        for each in carried:
            neutral = self._neutral(each.kind)
            if each.kind == "sum":
                setup.append(f"{self.dtype.c} {lanes[id(each)]}[LANES] = {{{neutral}}};")
            else:
                setup.append(f"{self.dtype.c} {lanes[id(each)]}[LANES];")
                setup.append(f"{_LANES} {lanes[id(each)]}[lane] = {neutral};")

        def body(in_lanes: bool) -> list[str]:
            self.open.append(set())
            lines: list[str] = []
            for each in node.body:
                if isinstance(each, Reduce) and id(each) in lanes:
                    target = f"{lanes[id(each)]}[lane]" if in_lanes else targets[id(each)]
                    lines.append(self._step(each.kind, target, self.formula.text(each.value)))
                else:
                    lines += self._node(each)
            self.open.pop()
            return lines

        first, last = ("begin", "end") if chunked else (begin, end)
        whole = [f"const ptrdiff_t {letter} = first + lane;", *body(True)]
        inner = [
            *setup,
            f"ptrdiff_t first = {first};",
            f"for (; first + LANES <= {last}; first += LANES)",
            *(INDENT + line for line in self._block(_LANES, whole)),
            *self._block(f"for (ptrdiff_t {letter} = first; {letter} < {last}; {letter}++)", body(False)),
            *(self._together(each.kind, targets[id(each)], lanes[id(each)]) for each in carried),
        ]
        if not chunked:
            return ["{", *(INDENT + line for line in inner), "}"]
        self.formula.helpers.add("places")
        head = f"for (ptrdiff_t begin = {begin}; begin < {end}; begin += CHUNK)"
        return self._block(head, [f"const ptrdiff_t end = smaller_place(begin + CHUNK, {end});", *inner])

    def _lanes_name(self, each: Reduce) -> str:
        name = self.names[each.target.array]
        return self.names.give(f"lanes of {each.target.array}", f"{name}_lanes")

    def _together(self, kind: Kind, target: str, lanes: str) -> str:
        value = self.formula.helper(_TOGETHER[kind], [lanes])
        return self._step(kind, target, value)

    # -- rows -------------------------------------------------------------------------------

    def _rows(self, node: Loop) -> list[str]:
        """The loop over the samples: short rows side by side, others one after the other."""
        size = self.formula.places(node.letter.axis)
        short = self._short_rows(node, size)
        own = [each for each in self.arrays if each.per_row]
        start = "0"
        lines: list[str] = []
        if short:
            lines += ["ptrdiff_t done = 0;", *short]
            start = "done"
        condition = f"if ({self._items(node)} > GRAIN)"
        loop = self._block(f"for (ptrdiff_t row = {start}; row < {size}; row++)", self._inside(node.body))
        if not own:
            parallel = [f"OMP(omp parallel for schedule(static) {condition})"] if node.parallel else []
            return [*lines, *parallel, *loop]
        buffers, offset = [], "work"
        if node.parallel:
            offset += f" + thread() * {self.own_length()}"
        for number, each in enumerate(own):
            before = [self.length(one) for one in own[:number]]
            where = " + ".join([offset, *before])
            buffers.append(f"{self.dtype.c} *restrict {self.names[each.name]} = {where};")
        if not node.parallel:
            return [*lines, "{", *(INDENT + line for line in (*buffers, *loop)), "}"]
        inner = [*buffers, "OMP(omp for schedule(static))", *loop]
        return [
            *lines, f"OMP(omp parallel {condition})", "{", *(INDENT + line for line in inner), "}",
        ]  # fmt: skip

    def _items(self, node: Loop) -> str:
        """How many numbers the largest array of the samples has: whether several threads are worth it."""
        arrays = [each.axes for each in self.program.parameters if node.letter.axis in each.axes]
        axes = max(arrays, key=len, default=(node.letter.axis,))
        return " * ".join(self.formula.places(axis) for axis in axes)

    def _short_rows(self, node: Loop, size: str) -> list[str]:
        """LANES rows side by side, every statement a loop over them; empty where that is no gain."""
        axis = _only_axis(node)
        if axis is None or not node.parallel:
            return []
        per_row = [each for each in self.program.buffers if each.per_row or each.name == TOTAL]
        if any(len(each.indices) > 1 for each in per_row):
            return []
        used = {part.array for each in nodes(node.body) for part in _entries(each)}
        per_row = [each for each in per_row if each.name in used]
        self.formula.by_lane = frozenset(each.name for each in per_row)
        buffers = [
            f"{self.dtype.c} {self.names[each.name]}{'[SHORT]' if each.indices else ''}[LANES];"
            for each in per_row
        ]
        body: list[str] = []
        together: list[Node] = []

        def by_lane(inside: Sequence[Node]) -> list[str]:
            lines = self._inside(inside)
            if mentions("\n".join(lines), "row"):
                lines = ["const ptrdiff_t row = first + lane;", *lines]
            return self._block(_LANES, lines)

        def flushed() -> list[str]:
            notes = [each for each in together if isinstance(each, Note)]
            rest = [each for each in together if not isinstance(each, Note)]
            together.clear()
            return [*self._notes_by_lane(notes), *(by_lane(rest) if rest else [])]

        for each in node.body:
            if not isinstance(each, Loop):
                together.append(each)
                continue
            body += flushed()
            letter = self.formula.letter(each.letter)
            places = self.formula.places(each.letter.axis)
            head = f"for (ptrdiff_t {letter} = 0; {letter} < {places}; {letter}++)"
            body += self._block(head, by_lane(each.body))
        body += flushed()
        self.formula.by_lane = frozenset()
        places = self.formula.places(axis)
        return [
            f"if ({places} <{'= SHORT' if _calls(node) else ' LANES'}) {{",
            f"{INDENT}/* Short rows: LANES of them side by side. */",
            f"{INDENT}done = {size} - {size} % LANES;",
            f"{INDENT}OMP(omp parallel for schedule(static) if (done * {places} > GRAIN))",
            *(
                INDENT + line
                for line in self._block(
                    "for (ptrdiff_t first = 0; first < done; first += LANES)", [*buffers, *body]
                )
            ),
            "}",
        ]

    def _notes_by_lane(self, notes: Sequence[Note]) -> list[str]:
        """Notes name a row's variable, whatever lane it is in."""
        kept, self.formula.by_lane = self.formula.by_lane, frozenset()
        lines = [line for note in notes for line in self._node(note)]
        self.formula.by_lane = kept
        return lines


def _carried(node: Loop) -> list[Reduce]:
    """The reductions of an innermost loop whose target is the same in all its turns."""
    if any(isinstance(each, Loop | Start) for each in node.body):
        return []
    stored = {each.target.array for each in node.body if isinstance(each, Store)}
    found = [each for each in node.body if isinstance(each, Reduce)]
    if any(each.target.array in stored for each in found):
        return []
    return [each for each in found if node.letter not in _letters(each.target)]


def _calls(node: Loop) -> bool:
    """Whether a function is called in the loops inside a loop: its vectors outweigh rows that lie apart."""
    inner = [each for each in node.body if isinstance(each, Loop)]
    values = [each.value for loop in inner for each in nodes(loop.body) if isinstance(each, Store | Reduce)]
    return any(isinstance(part, Call) for value in values for _, part in walk(value))


def _letters(target: Entry) -> set[Index]:
    return {
        part
        for _, node in walk(target)
        if isinstance(node, Entry)
        for part in node.indices
        if isinstance(part, Index)
    }


def _only_axis(rows: Loop) -> str | None:
    """The one axis of all loops inside the rows, none of them in another; None where it is otherwise."""
    inner = [each for each in rows.body if isinstance(each, Loop)]
    axes = {each.letter.axis for each in inner}
    nested = any(isinstance(node, Loop) for each in inner for node in each.body)
    shifted = any(each.window is not None for each in inner)
    return next(iter(axes)) if len(axes) == 1 and not nested and not shifted else None


def _entries(node: Node) -> list[Entry]:
    match node:
        case Start(_, target):
            return [target]
        case Store(target, value) | Reduce(_, target, value):
            return [target, *(part for _, part in walk(value) if isinstance(part, Entry))]
    return []


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in some code."""
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", text) is not None


def _comment(text: str) -> list[str]:
    safe = text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
    return [f"/* {safe} */"]
