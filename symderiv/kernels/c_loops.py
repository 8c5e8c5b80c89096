"""The loops of a function in C, written so that compilers make vectors of them.

C compilers may not regroup sums, so that a reduction in one variable never vectorises. Reductions
are written in lanes: partial results side by side, which are put together at the end of a chunk (so
that long sums lose little, too). What no whole block of lanes is left for is done in the last block
that there is room for, places that were done before once more; in sums they count nothing then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Entry
from symderiv.expression.traverse import walk
from symderiv.kernels.c_formula import CFormula, Dtype, in_library
from symderiv.kernels.c_functions import INDENT, block, mentions
from symderiv.kernels.c_stores import CStores, calls
from symderiv.kernels.errors import KernelError
from symderiv.kernels.loop_program import (
    Kind,
    Loop,
    LoopProgram,
    Node,
    Note,
    Reduce,
    Start,
    Store,
    formulas,
)
from symderiv.kernels.loop_walk import entries_in
from symderiv.kernels.names import NameTable
from symderiv.kernels.nests import TOTAL
from symderiv.kernels.windows import window_of

_NEUTRAL: dict[Kind, str] = {"sum": "0.0", "prod": "1.0", "max": "-INFINITY", "min": "INFINITY"}
#: What puts the lanes of a reduction together.
_TOGETHER: dict[Kind, str] = {"sum": "total", "prod": "product", "max": "largest", "min": "smallest"}


class CLoops(CStores):
    """Prints the nodes of one loop program in one dtype."""

    def __init__(self, program: LoopProgram, names: NameTable, dtype: Dtype, rows: Loop | None) -> None:
        self.program, self.names, self.dtype = program, names, dtype
        axes = {each.name: each.axes for each in program.parameters}
        axes |= {each.name: tuple(index.axis for index in each.indices) for each in program.buffers}
        pointers = frozenset(each.name for each in program.parameters if each.is_result and not each.axes)
        letter = rows.letter if rows else None
        names.put(TOTAL, "total")
        for each in program.buffers:
            names.give(each.name, each.name.lstrip("@"))
        self.formula = CFormula(names, dtype, axes, program.labels, pointers, letter, program.sizes)
        read = {each.array for value in formulas(program.body) for each in entries_in(value)}
        self.unread = {each.name for each in program.parameters if each.is_result and each.axes} - read
        self.scalars = {each.name for each in program.buffers if not each.indices}
        #: What is known of the rows: near ones need no chunks; narrow and slim ones fewer lanes besides.
        self.form: Literal["", "narrow", "slim", "near", "long"] = ""
        self.stream = None
        self.open = [set()]

    # -- nodes ------------------------------------------------------------------------------

    def nodes(self, body: Sequence[Node]) -> list[str]:
        """The lines of some nodes."""
        return [line for node in body for line in self._node(node)]

    def _node(self, node: Node) -> list[str]:
        match node:
            case Note(text, of):
                return _comment(f"{self.formula.stored(of)}: {text}" if of is not None else text)
            case Start(kind, target):
                return [f"{self._declared(target)} = {self._neutral(kind)};"]
            case Store(target, value):
                return self.formula.assigned(self._declared(target), value)
            case Reduce("sum", target, value):
                return [self.formula.added(self.formula.stored(target), value)]
            case Reduce(kind, target, value):
                return [self._step(kind, self.formula.stored(target), self.formula.text(value))]
            case Loop():
                return self.loop(node)

    def _declared(self, target: Entry) -> str:
        """A target; with its type where it is a local variable that no open block has yet."""
        text = self.formula.stored(target)
        if target.array not in self.scalars or target.array in self.formula.beside:
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

    def inside(self, body: Sequence[Node]) -> list[str]:
        """The lines of a block of its own."""
        self.open.append(set())
        lines = self.nodes(body)
        self.open.pop()
        return lines

    # -- loops ------------------------------------------------------------------------------

    def bounds(self, node: Loop) -> tuple[str, str]:
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
        for place, last in window.conditions:
            stop = f"(0 <= {place} && {place} < {last} ? {stop} : 0)"
        return start, stop

    def loop(self, node: Loop) -> list[str]:
        """The lines of a loop."""
        known = self.formula.inside
        letter = self.formula.letter(node.letter)
        begin, end = self.bounds(node)
        carried = carried_in(node)
        streamed = self.streamed(node)
        if streamed is not None and self.stream is None:
            lines = self._stored(node, streamed, begin, end)
        elif streamed is not None and self.stream:
            lines = self._past_the_caches(node, streamed, begin, end)
        elif carried or (
            (calls(node) or self.form == "narrow") and node.window is None and _may_repeat(node, ())
        ):
            lines = self._in_lanes(node, carried, begin, end)
        else:
            head = f"for (ptrdiff_t {letter} = {begin}; {letter} < {end}; {letter}++)"
            lines = block(head, self.inside(node.body))
        self.formula.inside = known
        return lines

    def _in_lanes(self, node: Loop, carried: Sequence[Reduce], begin: str, end: str) -> list[str]:
        """A reduction: whole blocks of lanes, then the rest, chunk by chunk where sums are in it."""
        letter = self.formula.letter(node.letter)
        many = self._how_many(node, carried)
        count = f"{self.dtype.short.upper()}_{many or 'LANES'}"
        lanes = {id(each): self._lanes_name(each) for each in carried}
        counted = any(each.kind in ("sum", "prod") for each in carried)
        chunked = self.form in ("", "long") and counted
        setup = []
        for each in carried:
            setup.append(f"{self.dtype.c} {lanes[id(each)]}[{count}];")
            setup.append(each_lane(count))
            setup.append(f"{INDENT}{lanes[id(each)]}[lane] = {self._neutral(each.kind)};")

        def body(where: str) -> list[str]:
            self.open.append(set())
            lines: list[str] = []
            for each in node.body:
                if not (isinstance(each, Reduce) and id(each) in lanes):
                    lines += self._node(each)
                    continue
                target = self.formula.stored(each.target) if where == "rest" else f"{lanes[id(each)]}[lane]"
                if where != "again" and each.kind == "sum":
                    lines.append(self.formula.added(target, each.value))
                    continue
                value = self.formula.text(each.value)
                if where == "again" and each.kind in ("sum", "prod"):
                    term = f"{lanes[id(each)].removesuffix('_lanes')}_term"
                    lines.append(f"const {self.dtype.c} {term} = {value};")  # a choice of values is a vector
                    value = f"lane < again ? {self._neutral(each.kind)} : {term}"
                lines.append(self._step(each.kind, target, value))
            self.open.pop()
            return lines

        def in_lanes(where: str) -> list[str]:
            lines = body(where)
            if mentions("\n".join(lines), letter):
                lines = [f"const ptrdiff_t {letter} = first + lane;", *lines]
            return block(each_lane(count), lines)

        first, last = ("begin", "end") if chunked else (begin, end)
        head, turn, fetched = (
            f"for (; first + {count} <= {last}; first += {count})",
            in_lanes("lanes"),
            self.fetched(node),
        )
        whole = block(head, [*fetched, *turn]) if fetched else [head, *(INDENT + line for line in turn)]
        inner = [*setup, f"ptrdiff_t first = {first};", *whole]
        if node.window is None and _may_repeat(node, carried):
            again = [f"const ptrdiff_t again = first + {count} - {last};"] if counted else []
            room = last if begin == "0" else f"{last} - {begin}"
            inner += block(
                f"if (first < {last} && {room} >= {count})",
                [*again, f"first = {last} - {count};", *in_lanes("again"), f"first = {last};"],
            )
        inner += block(f"for (ptrdiff_t {letter} = first; {letter} < {last}; {letter}++)", body("rest"))
        for each in carried:
            self.formula.helper(_TOGETHER[each.kind], [])
            together = "_".join([self.dtype.short, _TOGETHER[each.kind], *([many.lower()] if many else [])])
            value = f"{together}({lanes[id(each)]})"
            inner.append(self._step(each.kind, self.formula.stored(each.target), value))
        if not chunked:
            return ["{", *(INDENT + line for line in inner), "}"]
        self.formula.helpers.add("places")
        head = f"for (ptrdiff_t begin = {begin}; begin < {end}; begin += CHUNK)"
        return block(head, [f"const ptrdiff_t end = smaller_place(begin + CHUNK, {end});", *inner])

    def fetched(self, node: Loop) -> list[str]:
        """What is fetched from memory in the meantime, while a block of lanes is worked on."""
        return []

    def _how_many(self, node: Loop, carried: Sequence[Reduce]) -> str:
        """How many lanes: few where rows are short, or much is done; else four vectors."""
        if self.form == "narrow":
            return "NARROW"
        if calls(node) or self.form == "slim":
            return ""
        return {1: "WIDEST", 2: "WIDE"}.get(len(carried), "") if self.form == "long" else "WIDE"

    def _lanes_name(self, each: Reduce) -> str:
        name = self.names[each.target.array]
        return self.names.give(f"lanes of {each.target.array}", f"{name}_lanes")


def each_lane(count: str) -> str:
    """The head of a loop over lanes; GCC would unroll the shortest before it can make vectors of them."""
    if count in ("LANES", "F32_WIDE", "F32_WIDEST", "F64_WIDEST"):
        return f"for (ptrdiff_t lane = 0; lane < {count}; lane++)"
    return f"FOR_LANES({count})"


def carried_in(node: Loop) -> list[Reduce]:
    """The reductions of an innermost loop whose target is the same in all its turns."""
    if any(isinstance(each, Loop | Start) for each in node.body):
        return []
    stored = {each.target.array for each in node.body if isinstance(each, Store)}
    found = [each for each in node.body if isinstance(each, Reduce)]
    if any(each.target.array in stored for each in found):
        return []
    return [each for each in found if node.letter not in free_indices(each.target)]


def _may_repeat(node: Loop, carried: Sequence[Reduce]) -> bool:
    """Whether a place may be worked on twice: nothing that is stored is read before, or added to.

    What math.h works out, number by number, had better not be; nor what takes a loop for each place.
    """
    if any(isinstance(each, Loop) for each in node.body):
        return False
    written = {each.target.array for each in node.body if isinstance(each, Store | Reduce)}
    sums = {each.target.array for each in carried}
    known: set[Entry] = set()
    for each in node.body:
        if isinstance(each, Reduce) and each.target.array not in sums:
            return False
        if isinstance(each, Store | Reduce):
            read = {part for _, part in walk(each.value) if isinstance(part, Entry)}
            if any(part.array in written and part not in known for part in read) or in_library(each.value):
                return False
            known.add(each.target)
    return True


def _comment(text: str) -> list[str]:
    safe = text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
    return [f"/* {safe} */"]
