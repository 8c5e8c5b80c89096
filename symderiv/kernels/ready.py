"""The compiled entry of a function, and the short way to it.

Checking arguments with a message for every mistake takes longer than a small kernel does. So the
entry, compiled, looks at dtypes, axes, sizes and memory, and says whether all fits together; an emitted
function first asks whether its arguments are arrays at all, and calls it. Where one of both says no, the
long way follows, which converts what can be and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symderiv.kernels.blocks import Blocked
from symderiv.kernels.compiled_entry import INDENT, CompiledEntry, long_if
from symderiv.kernels.formula import MAX_LINE
from symderiv.kernels.loop_program import LoopProgram, Parameter
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable


@dataclass(frozen=True)
class Ready:
    """What stands around the kernels of one function.

    Attributes
    ----------
    before
        The short way, at the top of the public function; empty where there is none.
    entry
        The lines of the compiled entry; empty where the kernels are called as they are.
    body
        The call, where all arguments were looked at and made ready.
    helpers
        The helpers that they need.
    threaded
        Whether several threads can share the samples.
    flat
        Whether the entry takes flattened results as the caller has them.
    """

    before: tuple[str, ...]
    entry: tuple[str, ...]
    body: tuple[str, ...]
    helpers: tuple[str, ...] = ()
    threaded: bool = False
    flat: bool = False


def ready(
    lowered: Lowered,
    program: LoopProgram,
    names: NameTable,
    kernel: str,
    blocks: Blocked | None,
    *,
    chunked: Mapping[str, bool] | None = None,
    in_python: bool = False,
    told: frozenset[str] = frozenset(),
    few: str | None = None,
) -> Ready:
    """All that stands around the kernels of one function.

    `chunked` are the axes of which there are chunks, each with whether these pay early.
    The kernels that are `told` so have the number of parts of the samples as their last argument.
    The kernel for short samples is told whether there are few places of `few`.
    With `in_python`, the kernel is a function in Python, and compiled code only looks whether all fits.
    """
    return _Ready(
        lowered,
        program,
        names,
        kernel,
        blocks,
        chunked=chunked or {},
        in_python=in_python,
        told=told,
        few=few,
    ).made()


class _Ready(CompiledEntry):
    """Makes the lines for one function."""

    def made(self) -> Ready:
        """The lines."""
        spelled = [self.names[each.name] for each in self.program.parameters]
        if not self.has_entry and not self.in_python:
            return Ready((), (), tuple(self._chosen(", ".join(spelled))))
        if self.has_entry:
            spelled = [self._taken(each) for each in self.program.parameters]
        spelled += self._for_losses("1")
        callee = self.kernel if self.in_python else f"{self.compiled}[dtype]"
        call = f"{callee}({', '.join(spelled)})"
        if not self.has_entry:
            return Ready((), (), (call,))
        sliced = self._sliced()
        body = [call]
        if sliced:
            shared = f"{callee}, {sliced}, {', '.join(spelled)}"
            if self.told:
                taken = ", ".join(self._taken(each) for each in self.program.parameters)
                shared = f"{self.of_part}[dtype], {sliced}, {taken}, told=True"
            body = [
                "if threads == 1:",
                f"{INDENT}{call}",
                "else:",
                f"{INDENT}_in_threads(threads, {shared})",
            ]
        helpers = ("overlap", *(("labels",) if self.labels else ()), *(("alone",) if self.single else ()))
        short, entry, of_part = tuple(self._short()), tuple(self.entry()), tuple(self.entry_of_part())
        entry = (*entry, "", "", *of_part) if of_part else entry
        return Ready(short, entry, tuple(body), helpers, bool(sliced), flat=not self.in_python)

    def _short(self) -> list[str]:
        """The lines at the top of the public function."""
        names, first = self.names, self.names[self.arrays[0].name]
        spelled = {each.name: names[each.name] for each in self.program.parameters}
        # Several threads each see a part of the memory only, so the checks of the long way are needed.
        conditions = [f"(threads == 1 or {first}.size < _SHARED)"] if self._sliced() else []
        if self.spec.reductions:
            known = tuple(each for each in self.spec.reductions if each != "none" or not self.losses)
            conditions.append(f"reduction in {known}")
        if len(self.outputs) == 1:
            spelled[self.outputs[0].name] = "into"
        else:
            spelled |= {each.name: f"into[{number}]" for number, each in enumerate(self.outputs)}
        arrays = [spelled[each.name] for each in (*self.arrays, *self.labels)]
        conditions.insert(0, _are_arrays(arrays))
        if self.outputs:
            conditions.insert(1, f"(out is None or {self._out_fits()})")
        conditions += [f"type({spelled[each.name]}) in _NUMBERS" for each in self.numbers]
        before = self._made_or_given(first)
        if self.losses or self.weighted:
            owner, place = self.program.size_of(self.batch)
            samples = f"len({spelled[owner.name]})" if place == 0 else f"{spelled[owner.name]}.shape[{place}]"
            share = f"1 / ({samples} or 1)" if self.spec.reduced != "sum" else "1"
            share = share if self.spec.reduced else f'{share} if reduction == "mean" else 1'
            share = f"{first}.dtype.type({share})" if self.in_python else share
            if self.weighted or not self.in_python:
                before.append(f"{self.weight} = {share}")
            if self.losses and self.in_python:
                spelled[self.losses.name] = "losses"
                before.append(f"losses = np.empty({samples}, {first}.dtype)")
            elif self.losses:
                spelled[self.losses.name] = f"_NOWHERE[{first}.dtype]"
        returned = []
        if self.losses:
            how = f'"{self.spec.reduced}"' if self.spec.reduced else "reduction"
            value = f"_reduced(losses, {how})" if self.in_python else f"_ONE[{first}.dtype] * value"
            returned.append(value)
        returned += ["into"] if self.outputs else []
        given = [*spelled.values(), *self._for_losses(self.weight)]
        known_by = f"{self.compiled}[{first}.dtype]"
        done = [f"return {', '.join(returned)}"]
        if self.in_python:
            numbers = {each.name for each in self.numbers}
            arguments = [
                f"{first}.dtype.type({text})" if name in numbers else text for name, text in spelled.items()
            ]
            done.insert(0, f"{self.kernel}({', '.join(arguments)})")
        called = f"{known_by}({', '.join(given)})"
        tried = [f"if {called}:", *(INDENT + line for line in done)]
        if self.losses and not self.in_python:
            tried = [f"value = {called}", "if value is not None:", f"{INDENT}{done[0]}"]
        inside = [
            "try:",
            *(INDENT + line for line in (*before, *tried)),
            f"except {'(TypeError, IndexError)' if self.outputs else 'TypeError'}:",
            f"{INDENT}pass  # not all of one dtype, with so many axes, contiguous and, if written, writable",
        ]
        return [
            "# Arrays as the compiled code takes them: nothing is to be converted.",
            *long_if(conditions, inside),
        ]

    def _out_fits(self) -> str:
        """Whether the caller's `out` is made of arrays."""
        count = len(self.outputs)
        if count == 1:
            return "type(out) is _Array"
        every = _are_arrays([f"out[{number}]" for number in range(count)])
        return f"(type(out) is tuple and len(out) == {count} and {every})"

    def _made_or_given(self, first: str) -> list[str]:
        """The line that makes the results' arrays, unless the caller gives them; for one sample as well.

        Their sizes are those of arguments that are not looked at yet: the entry does so.
        """
        if not self.outputs:
            return []
        made = [f"np.empty({self._shape_to_make(each)}, {first}.dtype)" for each in self.outputs]
        text = made[0] if len(made) == 1 else f"({', '.join(made)})"
        line = f"into = {text} if out is None else out"
        if len(line) <= MAX_LINE or len(made) == 1:
            return [line]
        return ["into = out if out is not None else (", *(f"{INDENT}{each}," for each in made), ")"]

    def _shape_to_make(self, result: Parameter) -> str:
        """The shape of a result, told from the end of the arguments' shapes, where samples are the same."""
        names, program = self.names, self.program
        for each in self.arrays:
            if each.axes == result.axes and not self._is_flattened(result):
                return f"{names[each.name]}.shape"
        sizes = {axis: str(size) for axis, size in program.sizes.items()}
        for axis in result.axes:
            owner, place = program.size_of(axis)
            if axis == self.batch and place == 0 and self.optional:
                sizes[axis] = f"*{names[owner.name]}.shape[:{1 - len(owner.axes) or None}]"
            elif axis not in sizes:
                sizes[axis] = f"{names[owner.name]}.shape[{place - len(owner.axes)}]"
        parts = [sizes[axis] for axis in result.axes]
        if self._is_flattened(result):
            parts = [" * ".join(parts[place] for place in group) for group in self.groups[result.name]]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _are_arrays(names: Sequence[str]) -> str:
    """The condition that all are plain arrays."""
    return " is ".join(f"type({name})" for name in names) + " is _Array"
