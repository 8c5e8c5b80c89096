"""From a loop program to Numba: node by node, in Python that Numba compiles."""

from __future__ import annotations

import re

from symderiv.expression.nodes import Entry
from symderiv.kernels.loop_formula import LoopFormula
from symderiv.kernels.loop_program import (
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
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.schedule import TOTAL, schedule
from symderiv.kernels.windows import window_of

_INDENT = "    "
_NEUTRAL: dict[Kind, str] = {
    "sum": "real(0)", "prod": "real(1)", "max": "real(-np.inf)", "min": "real(np.inf)",
}  # fmt: skip


def print_numba(lowered: Lowered, names: NameTable, kernel: str) -> PrintedFunction:
    """The kernel of one function, and the call of it."""
    return _Printer(schedule(lowered), names).printed(kernel)


class _Printer:
    """Prints one loop program."""

    def __init__(self, program: LoopProgram, names: NameTable) -> None:
        self.program, self.names = program, names
        rows = [each for each in nodes(program.body) if isinstance(each, Loop) and each.role == "rows"]
        self.formula = LoopFormula(names, program.labels, rows[0].letter if rows else None)
        names.put(TOTAL, "total")
        for each in program.buffers:
            names.give(each.name, each.name.lstrip("@"))
        self.results = {each.name for each in program.parameters if each.is_result}

    def printed(self, kernel: str) -> PrintedFunction:
        """The lines of the kernel and of the call."""
        body = self._lines(self.program.body)
        buffers = self._buffers()
        parameters = [self.names[each.name] for each in self.program.parameters]
        head = self._head([*buffers, *body])
        lines = [f"def {kernel}({', '.join(parameters)}):"]
        lines.append(f'{_INDENT}"""The loops of {kernel.removeprefix("_").removesuffix("_kernel")}."""')
        lines += [_INDENT + line for line in (*head, *buffers, *body)]
        return PrintedFunction([f"{kernel}({', '.join(parameters)})"], lines, self.formula.helpers)

    def _result(self) -> str:
        """An array that has the dtype of the function."""
        return next(self.names[each.name] for each in self.program.parameters if each.is_result)

    def _head(self, code: list[str]) -> list[str]:
        """Sizes and the dtype, where the code uses them."""
        text = "\n".join(code)
        lines = []
        if re.search(r"\breal\b", text):
            lines.append(f"real = {self._result()}.dtype.type  # keeps literals narrow")
        axes = dict.fromkeys(axis for each in self.program.parameters for axis in each.axes)
        for axis in axes:
            name = self.formula.places(axis)
            if re.search(rf"\b{name}\b", text):
                parameter, number = self.program.size_of(axis)
                lines.append(f"{name} = {self.names[parameter.name]}.shape[{number}]")
        return lines

    def _buffers(self) -> list[str]:
        """The arrays that hold intermediates."""
        lines = []
        for each in self.program.buffers:
            if each.indices:
                sizes = [self.formula.places(index.axis) for index in each.indices]
                shape = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
                of = "of one sample" if each.per_row else "of all samples"
                lines.append(f"{self.names[each.name]} = np.empty({shape}, {self._result()}.dtype)  # {of}")
        return lines

    # -- nodes ------------------------------------------------------------------------------

    def _lines(self, body: tuple[Node, ...]) -> list[str]:
        return [line for node in body for line in self._node(node)]

    def _node(self, node: Node) -> list[str]:
        match node:
            case Note(text, of):
                return [f"# {self._target(of)}: {text}" if of is not None else f"# {text}"]
            case Start(kind, target):
                return [f"{self._target(target)} = {_NEUTRAL[kind]}"]
            case Store(target, value):
                return self.formula.assigned(self._target(target), value)
            case Reduce(kind, target, value):
                return [self._step(kind, self._target(target), self.formula.text(value))]
            case Loop():
                return self._loop(node)

    def _loop(self, node: Loop) -> list[str]:
        letter, size = self.formula.letter(node.letter), self.formula.places(node.letter.axis)
        window = None
        if node.window is not None:
            window = window_of(node.window, node.letter, self.formula.place, self.formula.places)
        if window is None:
            return [f"for {letter} in range({size}):", *(_INDENT + line for line in self._lines(node.body))]
        self.formula.inside |= window.inside
        inside = self._lines(node.body)
        self.formula.inside -= window.inside
        start, stop = f"max(0, {', '.join(window.starts)})", f"min({', '.join(window.stops)})"
        return [f"for {letter} in range({start}, {stop}):", *(_INDENT + line for line in inside)]

    def _target(self, target: Entry) -> str:
        """The place that is assigned to; of a result without axes, the one it has."""
        places = [self.formula.place(term) for term in target.indices]
        name = self.names[target.array]
        if places:
            return f"{name}[{', '.join(places)}]"
        return f"{name}[()]" if target.array in self.results else name

    def _step(self, kind: Kind, target: str, text: str) -> str:
        """One term into a reduction."""
        match kind:
            case "sum":
                return f"{target} += {text}"
            case "prod":
                return f"{target} *= {text}"
            case "max" | "min":
                helper = "larger" if kind == "max" else "smaller"
                self.formula.use(helper)
                return f"{target} = _{helper}({target}, {text})"
