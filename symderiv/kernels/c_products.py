"""A function with matrix products, in C: a call for each product, and a function for the loops between them.

The file brings a product of its own along and needs no library: a tile of TILE rows by two vectors at a time
stays in registers, and a strip of the right matrix in the nearest cache, copied together where that pays.
"""

from __future__ import annotations

from collections.abc import Mapping

from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.c_formula import DOUBLE, FLOAT
from symderiv.kernels.c_functions import INDENT, call
from symderiv.kernels.c_printer import FunctionPrinter, axes_of, print_loops
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.loop_program import LoopProgram, Parameter
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.matrix_products import MatrixProduct, letters_of
from symderiv.kernels.names import NameTable
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.product_stages import Stage, Staged, staged
from symderiv.kernels.schedule import scheduled
from symderiv.kernels.work import Work


def print_c(lowered: Lowered, names: NameTable, kernel: str) -> PrintedFunction:
    """Both versions of one function, what they call, and their declarations."""
    stages = staged(lowered)
    if stages is None:
        return print_loops(lowered, names, kernel)
    name = kernel.removeprefix("_").removesuffix("_kernel")
    for statement in (each for work in _works(stages) for each in work.statements):
        names.give(statement.name)
    work = stages.work
    program = LoopProgram(work.name, work.parameters, (), (), work.sizes)
    known = axes_of(program)
    least = {axis: count for axis, count in places_needed(lowered).items() if axis in known}
    label_axes = {each.name: each.label_of for each in lowered.spec.arguments if each.kind == "label"}
    declared: list[str] = []
    lines: list[str] = []
    example: tuple[str, ...] = ()
    helpers: set[str] = {"add_product", "fetch", "matrix_product", "share", "total"}
    for dtype in (FLOAT, DOUBLE):
        steps = {each.name: _StepPrinter(scheduled(each), names, dtype, {}, {}) for each in _works(stages)}
        called = {each: f"{name}_step_{number}" for number, each in enumerate(steps, 1)}
        for each, step in steps.items():
            lines += [*([""] if lines else []), *step.function(called[each], before="static ")]
            helpers |= step.formula.helpers
        printer = _StagePrinter(program, names, dtype, least, label_axes)
        printer.prepare(stages, steps, called)
        if dtype is FLOAT:
            work_lines = printer.work_function(name)
            declared += [f"{each};" for each in work_lines[:1]]
            lines = [*work_lines, *([""] if work_lines else []), *lines]
            example = printer.example(name)
        lines += ["", *printer.function(name)]
        declared += printer.declaration(name)
        helpers |= printer.formula.helpers
    return PrintedFunction([], lines, helpers, declared, example=example)


def _works(stages: Staged) -> list[Work]:
    return [each for each in stages.stages if isinstance(each, Work)]


class _StepPrinter(FunctionPrinter):
    """Prints the loops between products: what calls them has checked the arguments."""

    def _checks(self) -> list[str]:
        return []


class _StagePrinter(FunctionPrinter):
    """Prints the function that calls the products and the steps."""

    def prepare(
        self, stages: Staged, steps: Mapping[str, FunctionPrinter], called: Mapping[str, str]
    ) -> None:
        """Say what is called."""
        self.stages, self.steps, self.called = stages, steps, called
        self.given = {each.name: each for each in self.program.parameters}
        self.axes = {each.name: tuple(i.axis for i in each.indices) for each in stages.buffers}
        self.axes |= {each.name: self._own_axes(each) for each in self.program.parameters}

    def _own_axes(self, each: Parameter) -> tuple[str, ...]:
        """The axes of an array of one sample, where each sample is done alone."""
        return each.axes[1:] if self._is_of_a_sample(each.name) else each.axes

    def _is_of_a_sample(self, name: str) -> bool:
        alone = self.stages.alone
        return alone is not None and name in self.given and self.given[name].axes[:1] == (alone.axis,)

    def _size(self, axis: str) -> str:
        return self.formula.places(axis)

    def _length(self, axes: tuple[str, ...]) -> str:
        return " * ".join(map(self._size, axes)) or "1"

    def work_length(self) -> str:
        """How many numbers `work` must hold; empty where there is none."""
        lengths = [self._length(self.axes[each.name]) for each in self.stages.buffers]
        return " + ".join(
            [*lengths, *(each.work_length() for each in self.steps.values() if each.work_length())]
        )

    def code(self, called: str) -> list[str]:
        """What it does once the arguments are checked."""
        lines: list[str] = []
        for each in self.stages.buffers:
            lines.append(f"{self.dtype.c} *restrict {self.names[each.name]} = work;")
            lines.append(f"work += {self._length(self.axes[each.name])};")
        inside = [line for stage in self.stages.stages for line in self._stage(stage)]
        alone = self.stages.alone
        if alone is None:
            return [*lines, *inside]
        head = f"for (ptrdiff_t sample = 0; sample < {self._size(alone.axis)}; sample++) {{"
        return [*lines, head, *(INDENT + line for line in inside), "}"]

    def _array(self, name: str, *, is_result: bool = True) -> str:
        """An array as it is handed on: the part of the sample at hand, a number by its value."""
        text = self.names[name]
        axes = self.axes[name]
        if self._is_of_a_sample(name):
            offset = " * ".join(["sample", *map(self._size, axes)])
            return f"{text} + {offset}" if axes or is_result else f"{text}[sample]"
        is_pointer = name not in self.given or self.given[name].is_result
        return f"*{text}" if not axes and not is_result and is_pointer else text

    def _stage(self, stage: Stage) -> list[str]:
        if isinstance(stage, MatrixProduct):
            return self._product(stage)
        step = self.steps[stage.name]
        arguments = [self._size(axis) for axis in axes_of(step.program)]
        arguments += [self._array(each.name, is_result=each.is_result) for each in stage.parameters]
        if step.work_length():
            arguments.append("work")
        return call(f"{self.called[stage.name]}_{self.dtype.short}", arguments)

    def _product(self, each: MatrixProduct) -> list[str]:
        sizes = [
            self._length(tuple(i.axis for i in group)) for group in (each.rows, each.columns, each.summed)
        ]
        arguments = [sizes[0], sizes[1], sizes[2]]
        places = {index: self.names.give(f"place of {index.name}", index.name) for index in each.leading}
        for entry, groups in (
            (each.left, (each.rows, each.summed)),
            (each.right, (each.summed, each.columns)),
            (each.target, (each.rows, each.columns)),
        ):
            letters = letters_of(entry)
            text = self._array(entry.array)
            for index in each.leading:
                if index in letters:
                    text += f" + {_times(places[index], self._step(entry, index))}"
            arguments += [text, *(self._step(entry, group[-1]) for group in groups)]
        lines = call(f"{self.dtype.short}_matrix_product", arguments)
        for index in reversed(each.leading):
            place = places[index]
            head = f"for (ptrdiff_t {place} = 0; {place} < {self._size(index.axis)}; {place}++)"
            lines = [head, *(INDENT + line for line in lines)]
        return lines

    def _step(self, entry: Entry, letter: Index) -> str:
        """How far two neighbours along a letter lie apart."""
        axes, letters = self.axes[entry.array], letters_of(entry)
        return self._length(axes[letters.index(letter) + 1 :])


def _times(first: str, second: str) -> str:
    return first if second == "1" else f"{first} * {second}"
