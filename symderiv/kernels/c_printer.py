"""From a loop program to C: each function twice, for float and for double."""

from __future__ import annotations

from collections.abc import Mapping

from symderiv.kernels.c_formula import DOUBLE, FLOAT, Dtype
from symderiv.kernels.c_functions import INDENT, Signature, mentions, parameter
from symderiv.kernels.c_rows import CRows
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.loop_program import LoopProgram
from symderiv.kernels.loop_totals import with_total
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.schedule import schedule


def print_loops(lowered: Lowered, names: NameTable, kernel: str) -> PrintedFunction:
    """Both versions of one function, and their declarations."""
    program = with_total(schedule(lowered), lowered.spec)
    name = kernel.removeprefix("_").removesuffix("_kernel")
    least = {axis: count for axis, count in places_needed(lowered).items() if axis in axes_of(program)}
    label_axes = {each.name: each.label_of for each in lowered.spec.arguments if each.kind == "label"}
    declared: list[str] = []
    lines: list[str] = []
    helpers: set[str] = set()
    for dtype in (FLOAT, DOUBLE):
        printer = FunctionPrinter(program, names, dtype, least, label_axes)
        lines += [*([""] if lines else []), *printer.function(name)]
        declared += printer.declaration(name)
        helpers |= printer.formula.helpers
    work = FunctionPrinter(program, names, FLOAT, least, label_axes).work_function(name)
    if work:
        declared.append(f"{work[0]};")
        lines = [*work, "", *lines]
    example = FunctionPrinter(program, names, FLOAT, least, label_axes).example(name)
    return PrintedFunction([], lines, helpers, declared, example=example)


def axes_of(program: LoopProgram) -> dict[str, None]:
    """All axes of the parameters, in order."""
    return dict.fromkeys(axis for each in program.parameters for axis in each.axes)


class FunctionPrinter:
    """Prints one function in one dtype."""

    def __init__(
        self, program: LoopProgram, names: NameTable, dtype: Dtype,
        least: Mapping[str, int], label_axes: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.program, self.names, self.dtype = program, names, dtype
        self.least, self.label_axes = least, label_axes
        self.body = CRows(program, names, dtype)
        self.formula = self.body.formula
        #: The static functions that the function calls.
        self.parts: list[str] = []

    def signature(self, restrict: str, before: str = "") -> Signature:
        """The parameters; `restrict` stands behind the * of each pointer, `before` before the type."""
        parameters = [f"ptrdiff_t {self.formula.size_name(axis)}" for axis in axes_of(self.program)]
        parameters += [
            parameter(each, self.names[each.name], self.dtype.c, restrict) for each in self.program.parameters
        ]
        if self.work_length():
            parameters.append(f"{self.dtype.c} *{restrict}work")
        returns = "int" if self._checks() else "void"
        return Signature(f"{before}{returns}", tuple(parameters))

    def declaration(self, name: str) -> list[str]:
        """The declaration, for C and C++."""
        return self.signature("").text(f"{name}_{self.dtype.short}", ";")

    def example(self, name: str) -> tuple[str, ...]:
        """How the function is called."""
        sizes = [self.formula.size_name(axis) for axis in axes_of(self.program)]
        names = list(sizes)
        for each in self.program.parameters:
            pointer = "&" if each.is_result and not each.axes else ""
            names.append(pointer + self.names[each.name])
        memory = []
        if self.work_length():
            names.append("work")
            memory = [f"float *work = malloc((size_t){name}_work({', '.join(sizes)}) * sizeof *work);"]
        call = f"{name}_{self.dtype.short}({', '.join(names)})"
        return (*memory, f"if ({call} != 0) ..." if self._checks() else f"{call};")

    def work_length(self) -> str:
        """How many numbers `work` must hold; empty where there is none."""
        shared = " + ".join(self.body.length(each) for each in self.body.arrays if not each.per_row)
        own = self.body.own_length()
        if own and self.body.rows is not None and self.body.rows.parallel:
            own = f"threads() * {own}"
        return " + ".join(each for each in (shared, own) if each)

    def work_function(self, name: str) -> list[str]:
        """The function that tells how many numbers `work` must hold."""
        length = self.work_length()
        if not length:
            return []
        places = [self.formula.size_name(axis) for axis in axes_of(self.program)]
        head = ", ".join(f"ptrdiff_t {each}" for each in places)
        return [
            f"ptrdiff_t {name}_work({head})",
            "{",
            *(f"{INDENT}(void){each};" for each in places if not mentions(length, each)),
            f"{INDENT}return {length};",
            "}",
        ]

    def function(self, name: str, *, before: str = "") -> list[str]:
        """The definition, behind those of the functions it calls; `before` stands before its type."""
        body = self._checks()
        code = self.code(f"{name}_{self.dtype.short}")
        text = "\n".join((*body, *code))
        named = [self.formula.size_name(axis) for axis in axes_of(self.program)]
        named += [self.names[each.name] for each in self.program.parameters]
        unused = [each for each in named if not mentions(text, each)]
        lines = [*(f"(void){each};" for each in unused), *body, *code]
        if body:
            lines.append("return 0;")
        head = self.signature("restrict ", before).text(f"{name}_{self.dtype.short}", "")
        parts = [*self.parts, ""] if self.parts else []
        return [*parts, *head, "{", *(INDENT + line for line in lines), "}"]

    def code(self, called: str) -> list[str]:
        """What it does once the arguments are checked; `called` is what it is called."""
        start: list[str] = []
        for each in self.body.arrays:
            if not each.per_row:
                start.append(f"{self.dtype.c} *restrict {self.names[each.name]} = work;")
                start.append(f"work += {self.body.length(each)};")
        lines, self.parts = self.body.lines(called)
        return [*start, *lines]

    def _checks(self) -> list[str]:
        """Sizes that are too small, and labels that name no place, are refused."""
        lines = []
        known = axes_of(self.program)
        for axis, size in self.program.sizes.items():
            if axis in known:
                lines += [f"if ({self.formula.size_name(axis)} != {size})", f"{INDENT}return 1;"]
        for axis, fewest in self.least.items():
            if axis in self.program.sizes:
                continue
            lines += [f"if ({self.formula.places(axis)} < {fewest})", f"{INDENT}return 1;"]
        for each in self.program.parameters:
            if each.kind != "label":
                continue
            name, axis = self.names[each.name], self.label_axes[each.name]
            outside = f"{name}{{}} < 0"
            if axis in known or axis in self.program.sizes:
                outside += f" || {name}{{}} >= {self.formula.places(axis)}"
            if not each.axes:
                lines += [f"if ({outside.replace('{}', '')})", f"{INDENT}return 1;"]
                continue
            count = " * ".join(self.formula.places(one) for one in each.axes)
            lines += [
                f"for (ptrdiff_t first = 0; first < {count}; first++)",
                f"{INDENT}if ({outside.replace('{}', '[first]')})",
                f"{INDENT * 2}return 1;",
            ]
        return lines
