"""The compiled entry of a function, and the short way to it.

Checking arguments with a message for every mistake takes longer than a small kernel does. So the
entry, compiled, compares sizes and memory, and says whether all fits together; an emitted function
first asks whether its arguments are arrays as the entry takes them, and calls it. Where one of both
says no, the long way follows, which converts what can be and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symderiv.kernels.blocks import ROWS, Blocked
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.formula import MAX_LINE
from symderiv.kernels.function_spec import WEIGHT
from symderiv.kernels.loop_program import Loop, LoopProgram, Parameter
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable

_INDENT = "    "
#: Up to so many bytes along the short axis of a sample, samples are worked on by blocks: 100 places in
#: float32, 50 in float64. Beyond, the loop over one sample is long enough.
FEW_BYTES = 400


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
    """

    before: tuple[str, ...]
    entry: tuple[str, ...]
    body: tuple[str, ...]
    helpers: tuple[str, ...] = ()
    threaded: bool = False


def ready(
    lowered: Lowered,
    program: LoopProgram,
    names: NameTable,
    kernel: str,
    blocks: Blocked | None,
    *,
    in_python: bool = False,
) -> Ready:
    """All that stands around the kernels of one function.

    With `in_python`, the kernel is a function in Python, and compiled code only looks whether all fits.
    """
    return _Ready(lowered, program, names, kernel, blocks, in_python=in_python).made()


class _Ready:
    """Makes the lines for one function."""

    def __init__(
        self,
        lowered: Lowered,
        program: LoopProgram,
        names: NameTable,
        kernel: str,
        blocks: Blocked | None,
        *,
        in_python: bool,
    ) -> None:
        self.in_python = in_python
        self.spec, self.program, self.names, self.kernel = lowered.spec, program, names, kernel
        self.blocks = blocks
        self.compiled = f"{kernel.removesuffix('_kernel')}_{'fits' if in_python else 'compiled'}"
        shown = {each.name: each.shown for each in self.spec.results}
        parameters = program.parameters
        self.losses = next((each for each in parameters if shown.get(each.name) == "losses"), None)
        self.outputs = [each for each in parameters if each.is_result and each is not self.losses]
        self.labels = [each for each in parameters if each.kind == "label"]
        inputs = [each for each in parameters if each.kind == "real" and not each.is_result]
        self.arrays = [each for each in inputs if each.axes]
        self.numbers = [each for each in inputs if not each.axes and each.name != WEIGHT]
        self.weighted = any(each.name == WEIGHT for each in parameters)
        self.label_of = {each.name: each.label_of for each in self.spec.arguments}
        self.batch = self.spec.batch.axis if self.spec.batch is not None else ""
        # The losses are added up there too, each with a weight, and the sum is put in an array of one place.
        self.weight = names[WEIGHT] if self.weighted else names.give("@weight of losses", "weight")
        self.total = names.give("@total of losses", "summed")
        self.has_entry = not places_needed(lowered) and self._is_simple()

    def _is_simple(self) -> bool:
        """Whether the entry can be given all arguments as the public function has them."""
        known = {axis for each in self.arrays for axis in each.axes}
        arrays = (*self.labels, *self.outputs, *((self.losses,) if self.losses else ()))
        return (
            bool(self.arrays)
            and all(len(group) == 1 for each in self.spec.results for group in each.groups)
            and all(self.label_of[each.name] in known for each in self.labels)
            and all(each.axes for each in arrays)
            and (not (self.losses or self.weighted) or bool(self.batch and self.spec.reductions))
        )

    def made(self) -> Ready:
        """The lines."""
        spelled = [self.names[each.name] for each in self.program.parameters]
        if not self.has_entry and not self.in_python:
            return Ready((), (), tuple(self._chosen(", ".join(spelled), self._few(), self._size(self.batch))))
        spelled += self._for_losses("1", "np.empty(1, dtype)")
        callee = self.kernel if self.in_python else f"{self.compiled}[dtype]"
        call = f"{callee}({', '.join(spelled)})"
        if not self.has_entry:
            return Ready((), (), (call,))
        sliced = self._sliced()
        body = [call]
        if sliced:
            shared = f"{callee}, {sliced}, {', '.join(spelled)}"
            body = [
                "if threads == 1:",
                f"{_INDENT}{call}",
                "else:",
                f"{_INDENT}_in_threads(threads, {shared})",
            ]
        helpers = ("overlap", *(("labels",) if self.labels else ()))
        return Ready(tuple(self._short()), tuple(self._entry()), tuple(body), helpers, bool(sliced))

    def _for_losses(self, weight: str, total: str) -> list[str]:
        """What the entry is given beside the parameters."""
        if not self.losses or self.in_python:
            return []
        return [total] if self.weighted else [weight, total]

    # -- which kernel, and for whom ---------------------------------------------------------

    def _size(self, axis: str) -> str:
        return self.names[f"size of {axis}"] if axis else ""

    def _few(self) -> str:
        """Whether a sample is short."""
        if self.blocks is None:
            return ""
        given = next(each for each in self.program.parameters if each.axes and each.kind == "real")
        size = self.program.sizes.get(self.blocks.axis, self._size(self.blocks.axis))
        return f"{size} * {self.names[given.name]}.itemsize <= {FEW_BYTES}"

    def _chosen(self, given: str, few: str, samples: str) -> list[str]:
        """The call of the right kernel."""
        if not few:
            return [f"{self.kernel}({given})"]
        return [
            f"if {few} and {samples} >= {ROWS}:",
            f"{_INDENT}{self.kernel}_by_blocks({given})",
            "else:",
            f"{_INDENT}{self.kernel}({given})",
        ]

    def _sliced(self) -> tuple[bool, ...]:
        """Which arguments have a part for each sample; none where the samples depend on each other."""
        body, parameters = self.program.body, self.program.parameters
        alone = len(body) == 1 and isinstance(body[0], Loop) and body[0].parallel
        if not alone or any(self.batch in each.axes[1:] for each in parameters):
            return ()
        sliced = tuple(each.axes[:1] == (self.batch,) for each in parameters)
        return (*sliced, *(False for _ in self._for_losses("", "")))

    # -- the entry --------------------------------------------------------------------------

    def _entry(self) -> list[str]:
        """The compiled function that looks whether all fits together, and calls the kernel."""
        names, program = self.names, self.program
        first = names[self.arrays[0].name]
        parameters = [names[each.name] for each in program.parameters]
        kinds = [self._kind(each) for each in program.parameters]
        parameters += self._for_losses(self.weight, self.total)
        kinds += self._for_losses("_number", "_writes(1)")
        plain = {each.name for each in program.parameters if not each.axes and not each.is_result}
        given = [f"real({names[p.name]})" if p.name in plain else names[p.name] for p in program.parameters]
        lines = [f"real = {first}.dtype.type"] if (plain or self.losses) and not self.in_python else []
        sizes = []
        for axis in dict.fromkeys(axis for each in program.parameters for axis in each.axes):
            if axis in program.sizes:
                lines.append(
                    f"{self._size(axis)} = {program.sizes[axis]}  # the only size that this file takes"
                )
                continue
            owner, place = program.size_of(axis)
            lines.append(f"{self._size(axis)} = {names[owner.name]}.shape[{place}]")
            sizes.append(self._size(axis))
        lines += _long_if(self._misfits(sizes), ["return False"], " or ")
        if not self.in_python:
            lines += self._chosen(", ".join(given), self._few(), self._size(self.batch))
        if self.losses and not self.in_python:
            losses, weight = names[self.losses.name], f"real({self.weight})"
            lines.append(f"{self.total}[0] = _weighted_total({losses}, {weight})")
        said = "Do the loops, where all arguments fit together; say whether they do"
        said = "Whether all arguments fit together" if self.in_python else said
        return [
            f"@_by_dtype({', '.join(kinds)})",
            f"def {self.compiled}({', '.join(parameters)}):",
            f'{_INDENT}"""{said}."""',
            *(_INDENT + line for line in (*lines, "return True")),
        ]

    @staticmethod
    def _kind(each: Parameter) -> str:
        """What the entry takes for a parameter."""
        if not each.axes:
            return "_number"
        if each.kind == "label":
            return f"_places({len(each.axes)})"
        return f"_{'writes' if each.is_result else 'reads'}({len(each.axes)})"

    def _misfits(self, sizes: Sequence[str]) -> list[str]:
        """The conditions under which something does not fit together."""
        names, program = self.names, self.program
        found = [f"{' * '.join(sizes)} == 0"] if sizes else []
        owners = {axis: program.size_of(axis)[0].name for each in program.parameters for axis in each.axes}
        for each in program.parameters:
            own = all(owners[axis] == each.name and axis not in program.sizes for axis in each.axes)
            if each.axes and not (own and len(set(each.axes)) == len(each.axes)):
                shape = ", ".join(self._size(axis) for axis in each.axes)
                found.append(f"{names[each.name]}.shape != ({shape}{',' if len(each.axes) == 1 else ''})")
        for each in self.labels:
            found.append(f"_outside({names[each.name]}, {self._size(self.label_of[each.name])})")
        arrays = [each for each in program.parameters if each.axes]
        results = [each for each in arrays if each.is_result and each is not self.losses]
        for number, each in enumerate(results):
            others = [other for other in arrays if not other.is_result] + results[:number]
            found += [f"_overlap({names[each.name]}, {names[other.name]})" for other in others]
        return found

    # -- the short way ----------------------------------------------------------------------

    def _short(self) -> list[str]:
        """The lines at the top of the public function."""
        names, first = self.names, self.names[self.arrays[0].name]
        spelled = {each.name: names[each.name] for each in self.program.parameters}
        # Several threads each see a part of the memory only, so the checks of the long way are needed.
        conditions = [f"(threads == 1 or {first}.size < _SHARED)"] if self._sliced() else []
        if self.spec.reductions:
            known = tuple(each for each in self.spec.reductions if each != "none" or not self.losses)
            conditions.append(f"reduction in {known}")
        out: list[str] = []
        if len(self.outputs) == 1:
            spelled[self.outputs[0].name] = "out"
            out = ["out"]
        elif self.outputs:
            spelled |= {each.name: f"out[{number}]" for number, each in enumerate(self.outputs)}
            out = [spelled[each.name] for each in self.outputs]
        arrays = [spelled[each.name] for each in (*self.arrays, *self.labels)]
        conditions.insert(0, " is ".join(f"type({each})" for each in (*arrays, *out)) + " is _Array")
        if len(out) > 1:
            conditions.insert(0, f"type(out) is tuple and len(out) == {len(out)}")
        conditions += [f"type({spelled[each.name]}) in _NUMBERS" for each in self.numbers]
        conditions += [f"{each}.flags.c_contiguous" for each in arrays]
        before: list[str] = []
        if self.losses or self.weighted:
            owner, place = self.program.size_of(self.batch)
            samples = f"len({spelled[owner.name]})" if place == 0 else f"{spelled[owner.name]}.shape[{place}]"
            share = f'1 / ({samples} or 1) if reduction == "mean" else 1'
            share = f"{first}.dtype.type({share})" if self.in_python else share
            if self.weighted or not self.in_python:
                before.append(f"{self.weight} = {share}")
            if self.losses:
                spelled[self.losses.name] = "losses"
                before.append(f"losses = np.empty({samples}, {first}.dtype)")
                if not self.in_python:
                    before.append(f"{self.total} = np.empty(1, {first}.dtype)")
        returned = [f"{self.total}[0]"] if self.losses else []
        if self.losses and self.in_python:
            returned = ["_reduced(losses, reduction)"]
        returned += ["out"] if self.outputs else []
        given = [*spelled.values(), *self._for_losses(self.weight, self.total)]
        known_by = f"{self.compiled}[{first}.dtype]"
        done = [f"return {', '.join(returned)}"]
        if self.in_python:
            numbers = {each.name for each in self.numbers}
            arguments = [
                f"{first}.dtype.type({text})" if name in numbers else text for name, text in spelled.items()
            ]
            done.insert(0, f"{self.kernel}({', '.join(arguments)})")
        several, one = f"{known_by}({', '.join(given)})", self._of_one_sample(spelled)
        tried = [f"if {several}:", *(_INDENT + line for line in done)]
        if one:
            tried = [
                f"if {one[0]}.ndim == {one[1]} and {several}:",
                *(_INDENT + line for line in done),
                f"if {one[0]}.ndim == {one[1] - 1} and {known_by}({', '.join(one[2])}):",
                f"{_INDENT}return {', '.join(returned)}",
            ]
        inside = [
            "try:",
            *(_INDENT + line for line in (*before, *tried)),
            "except TypeError:",
            f"{_INDENT}pass  # not all of one dtype, or not with so many axes",
        ]
        return [
            "# Arrays as the compiled code takes them: nothing is to be converted.",
            *_long_if(conditions, inside),
        ]

    def _of_one_sample(self, spelled: dict[str, str]) -> tuple[str, int, list[str]] | None:
        """An array of one sample, its axes in a batch, and the arguments of the entry for one sample.

        None where a sample is a number, or where labels or losses would be.
        """
        batched = [each for each in self.program.parameters if self.batch and self.batch in each.axes]
        if self.losses or self.labels or self.weighted or self.in_python or not batched:
            return None
        if any(each.axes[0] != self.batch or len(each.axes) == 1 for each in batched):
            return None
        first = next((each for each in self.arrays if each in batched), None)
        if first is None:
            return None
        given = [f"{text}[None]" if each in batched else text
                 for each, text in zip(self.program.parameters, spelled.values(), strict=True)]  # fmt: skip
        return spelled[first.name], len(first.axes), given


def _long_if(conditions: Sequence[str], inside: Sequence[str], joint: str = " and ") -> list[str]:
    """The lines of an if, with a line for each condition where one line would be long."""
    head = f"if {joint.join(conditions)}:"
    if len(head) <= MAX_LINE:
        return [head, *(_INDENT + line for line in inside)]
    first, *others = conditions
    return [
        "if (",
        f"{_INDENT}{first}",
        *(f"{_INDENT}{joint.strip()} {each}" for each in others),
        "):",
        *(_INDENT + line for line in inside),
    ]
