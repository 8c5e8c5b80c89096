"""The compiled entry of a function: it looks whether all arguments fit together, and calls the kernel.

It compares in nanoseconds what takes microseconds in Python. What it says no to, the emitted function
looks at again in Python, to convert it or to say what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from symderiv.kernels.blocks import FEW_BYTES, ROWS, Blocked
from symderiv.kernels.elementwise import is_elementwise
from symderiv.kernels.few_places import FEW
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.formula import MAX_LINE
from symderiv.kernels.function_spec import WEIGHT
from symderiv.kernels.loop_program import Loop, LoopProgram, Parameter
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.numba_stores import PARTS

INDENT = "    "


class CompiledEntry:
    """The entry of one function, and what is known of its parameters."""

    def __init__(
        self,
        lowered: Lowered,
        program: LoopProgram,
        names: NameTable,
        kernel: str,
        blocks: Blocked | None,
        *,
        chunked: Mapping[str, bool],
        in_python: bool,
        told: frozenset[str],
        few: str | None = None,
    ) -> None:
        self.in_python = in_python
        #: The kernels that are told of how many parts of the samples there are.
        self.told = told
        #: The axis of which a kernel is told whether it has few places.
        self.few = few
        self.spec, self.program, self.names, self.kernel = lowered.spec, program, names, kernel
        self.blocks, self.chunked = blocks, chunked
        self.compiled = f"{kernel.removesuffix('_kernel')}_{'fits' if in_python else 'compiled'}"
        self.of_part = f"{kernel.removesuffix('_kernel')}_of_part"
        shown = {each.name: each.shown for each in self.spec.results}
        self.groups = {each.name: each.groups for each in self.spec.results}
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
        #: Whether one sample may come without the axis of the samples.
        self.optional = any(each.batched for each in self.spec.arguments)
        # The losses are added up there too, each with a weight, and the sum is returned.
        self.weight = names[WEIGHT] if self.weighted else names.give("@weight of losses", "weight")
        self.has_entry = not places_needed(lowered) and self._is_simple()
        #: What belongs to the samples and may come as that of one, without their axis.
        self.single = self._of_one_sample()

    def _is_simple(self) -> bool:
        """Whether the entry can be given all arguments as the public function has them."""
        known = {axis for each in self.arrays for axis in each.axes}
        arrays = (*self.labels, *self.outputs, *((self.losses,) if self.losses else ()))
        return (
            bool(self.arrays)
            and not (self.in_python and any(map(self._is_flattened, self.outputs)))
            and all(self.label_of[each.name] in known for each in self.labels)
            and all(each.axes for each in arrays)
            and (
                not (self.losses or self.weighted)
                or bool(self.batch and (self.spec.reductions or self.spec.reduced))
            )
        )

    def _of_one_sample(self) -> list[Parameter]:
        """The parameters that the entry also takes without the axis of the samples: all, or none.

        None where a sample is a number, or where labels or losses would be.
        """
        batched = [each for each in self.program.parameters if self.batch and self.batch in each.axes]
        if not self.optional or self.losses or self.labels or self.weighted or self.in_python:
            return []
        if any(each.axes[0] != self.batch or len(each.axes) == 1 for each in batched):
            return []
        return batched

    def _is_flattened(self, each: Parameter) -> bool:
        return any(len(group) > 1 for group in self.groups.get(each.name, ()))

    def _taken(self, each: Parameter) -> str:
        """What the entry calls a parameter that it takes as the caller has it."""
        return self.names[f"{each.name} returned"] if self._is_flattened(each) else self.names[each.name]

    def _shape(self, each: Parameter) -> list[str]:
        """The sizes of a parameter as the caller has it."""
        sizes = [self._size(axis) for axis in each.axes]
        if not self._is_flattened(each):
            return sizes
        return [" * ".join(sizes[place] for place in group) for group in self.groups[each.name]]

    def _for_losses(self, weight: str) -> list[str]:
        """What the entry is given beside the parameters: a loss's weight, where the kernel takes none."""
        return [weight] if self.losses and not self.in_python and not self.weighted else []

    def _size(self, axis: str) -> str:
        return self.names[f"size of {axis}"] if axis else ""

    def _bytes(self, axis: str) -> str:
        """How many bytes a sample has along an axis."""
        size = self.program.sizes.get(axis, self._size(axis))
        return f"{size} * {self.names[self._given().name]}.itemsize"

    def _given(self) -> Parameter:
        """The first array of numbers."""
        return next(each for each in self.program.parameters if each.axes and each.kind == "real")

    def _chosen(self, given: str, parts: str = "") -> list[str]:
        """The call of the kernel for samples that are so long."""

        def call(kernel: str, *more: str) -> str:
            told = [parts] if parts and kernel in self.told else []
            return f"{kernel}({', '.join((given, *told, *more))})"

        ways: list[tuple[str, str]] = []
        some = f" and {self._size(self.batch)} >= {ROWS}" if self.blocks is not None else ""
        if self.few is not None:
            kernel = f"{self.kernel}_by_blocks" if self.blocks is not None else self.kernel
            way = call(kernel, f"{self.names[FEW]}=True")
            ways.append((f"{self._size(self.few)} <= _FEW{some}", way))
        if self.blocks is not None:
            short = f"{self._bytes(self.blocks.axis)} <= {FEW_BYTES}"
            ways.append((f"{short}{some}", call(f"{self.kernel}_by_blocks")))
        if self.chunked:
            long = " and ".join(f"{self._bytes(axis)} >= {self._long(axis)}" for axis in self.chunked)
            ways.append((long, call(f"{self.kernel}_by_chunks")))
        if not ways:
            return [call(self.kernel)]
        lines: list[str] = []
        for condition, way in ways:
            lines += [f"{'elif' if lines else 'if'} {condition}:", f"{INDENT}{way}"]
        return [*lines, "else:", f"{INDENT}{call(self.kernel)}"]

    def _long(self, axis: str) -> str:
        """What tells from how many bytes on a sample is long.

        Not by how many samples there are: threads share them, and every number comes out as in one thread.
        """
        return "_FETCHED_ROW" if self.chunked[axis] else "_LONG_ROW"

    def _sliced(self) -> tuple[bool, ...]:
        """Which arguments have a part for each sample; none where the samples depend on each other."""
        body, parameters = self.program.body, self.program.parameters
        alone = len(body) == 1 and isinstance(body[0], Loop) and body[0].parallel
        if not alone or any(self.batch in each.axes[1:] for each in parameters):
            return ()
        if self.batch in self.program.sizes:
            return ()  # a part of the samples has another size
        if any(self._is_flattened(each) and self.groups[each.name][0] != (0,) for each in parameters):
            return ()
        sliced = tuple(each.axes[:1] == (self.batch,) for each in parameters)
        return sliced if self.told else (*sliced, *(False for _ in self._for_losses("")))

    def entry(self) -> list[str]:
        """The compiled function that looks whether all fits together, and calls the kernel."""
        names, program = self.names, self.program
        parameters = [self._taken(each) for each in program.parameters] + self._for_losses(self.weight)
        kinds = [self._kind(each) for each in program.parameters] + self._for_losses("_number")
        lines = self._begun()
        sizes = [self._size(axis) for axis in self._axes() if axis not in program.sizes]
        total = self.losses is not None and not self.in_python
        if self.losses and total:
            losses = names[self.losses.name]
            lines.append(
                f"{losses} = {losses} if {losses}.size else np.empty({self._size(self.batch)}, real)"
            )
        lines += long_if(self._misfits(sizes), ["return None" if total else "return False"], " or ")
        lines += self._reshaped()
        if not self.in_python:
            lines += self._chosen(self._converted())
        said = "Do the loops, where all arguments fit together; say whether they do"
        if self.losses and total:
            said = "Do the loops and add up the losses; None where the arguments do not fit together"
            lines.append(f"return _weighted_total({names[self.losses.name]}, real({self.weight}))")
        else:
            lines.append("return True")
        said = "Whether all arguments fit together" if self.in_python else said
        return [
            f"@_by_dtype({', '.join((*kinds, *(('total=True',) if total else ())))})",
            f"def {self.compiled}({', '.join(parameters)}):",
            f'{INDENT}"""{said}."""',
            *(INDENT + line for line in lines),
        ]

    def entry_of_part(self) -> list[str]:
        """The same for one of several parts of the samples, which fit; none where there is no need."""
        if not (self.told and self._sliced()):
            return []
        parts = self.names.give(PARTS, "parts")
        parameters = self.program.parameters
        kinds = [*(self._kind(each) for each in parameters), "_count"]
        return [
            f"@_by_dtype({', '.join(kinds)})",
            f"def {self.of_part}({', '.join([*map(self._taken, parameters), parts])}):",
            f'{INDENT}"""The same for one of so many parts of the samples; it fits."""',
            *(
                INDENT + line
                for line in (*self._begun(), *self._reshaped(), *self._chosen(self._converted(), parts))
            ),
            f"{INDENT}return True",
        ]

    def _axes(self) -> list[str]:
        """All axes, as they come."""
        return list(dict.fromkeys(axis for each in self.program.parameters for axis in each.axes))

    def _plain(self) -> set[str]:
        """The numbers among the arguments."""
        return {each.name for each in self.program.parameters if not each.axes and not each.is_result}

    def _converted(self) -> str:
        """The arguments of the kernels, numbers in the dtype of the arrays."""
        names, plain = self.names, self._plain()
        return ", ".join(
            f"real({names[each.name]})" if each.name in plain else names[each.name]
            for each in self.program.parameters
        )

    def _begun(self) -> list[str]:
        """The arrays, the dtype and the sizes."""
        names, program = self.names, self.program
        lines = _as_arrays([self._taken(each) for each in program.parameters if each.axes])
        if (self._plain() or self.losses) and not self.in_python:
            lines.append(f"real = {names[self.arrays[0].name]}.dtype.type")
        for axis in self._axes():
            if axis in program.sizes:
                said = "  # the only size that this file takes"
                lines.append(f"{self._size(axis)} = {program.sizes[axis]}{said}")
            else:
                owner, place = program.size_of(axis)
                lines.append(f"{self._size(axis)} = {names[owner.name]}.shape[{place}]")
        return lines

    def _reshaped(self) -> list[str]:
        """Flattened results, as the kernels take them; all samples as one where entries are by themselves."""
        if not self.in_python and is_elementwise(self.program):
            names = [self.names[each.name] for each in self.program.parameters if each.axes]
            ones = "1, " * (len(self._given().axes) - 1)
            as_one = _by_name(names, [f"{name}.reshape({ones}{name}.size)" for name in names])
            return [
                "# Every entry is by itself: the samples are worked on as one, which is longer.",
                f"if {self._size(self.batch)} > 1:",
                *(INDENT + line for line in as_one),
            ]
        return [
            f"{self.names[each.name]} = {self._taken(each)}.reshape({', '.join(map(self._size, each.axes))})"
            for each in self.program.parameters
            if self._is_flattened(each)
        ]

    def _kind(self, each: Parameter) -> str:
        """What the entry takes for a parameter."""
        if not each.axes:
            return "_number"
        if each.kind == "label":
            return f"_places({len(each.axes)})"
        single = ", single=True" if each in self.single else ""
        return f"_{'writes' if each.is_result else 'reads'}({len(self._shape(each))}{single})"

    def _misfits(self, sizes: Sequence[str]) -> list[str]:
        """The conditions under which something does not fit together."""
        names, program = self.names, self.program
        found = [f"{' * '.join(sizes)} == 0"] if sizes else []
        owners = {axis: program.size_of(axis)[0].name for each in program.parameters for axis in each.axes}
        for each in program.parameters:
            own = all(owners[axis] == each.name and axis not in program.sizes for axis in each.axes)
            if each.axes and not (own and len(set(each.axes)) == len(each.axes)):
                shape = self._shape(each)
                whole = f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
                found.append(f"{self._taken(each)}.shape != {whole}")
        for each, other in pairwise(self.single):
            found.append(f"_is_alone({self._taken(each)}) != _is_alone({self._taken(other)})")
        for each in self.labels:
            found.append(f"_outside({names[each.name]}, {self._size(self.label_of[each.name])})")
        arrays = [each for each in program.parameters if each.axes]
        results = [each for each in arrays if each.is_result and each is not self.losses]
        for number, each in enumerate(results):
            others = [other for other in arrays if not other.is_result] + results[:number]
            found += [f"_overlap({self._taken(each)}, {self._taken(other)})" for other in others]
        return found


def long_if(conditions: Sequence[str], inside: Sequence[str], joint: str = " and ") -> list[str]:
    """The lines of an if, with a line for each condition where one line would be long."""
    head = f"if {joint.join(conditions)}:"
    if len(head) <= MAX_LINE:
        return [head, *(INDENT + line for line in inside)]
    first, *others = conditions
    return [
        "if (",
        f"{INDENT}{first}",
        *(f"{INDENT}{joint.strip()} {each}" for each in others),
        "):",
        *(INDENT + line for line in inside),
    ]


def _as_arrays(names: Sequence[str]) -> list[str]:
    """The lines that make arrays like any other of those that were given."""
    return _by_name(names, [f"_array({name})" for name in names])


def _by_name(names: Sequence[str], values: Sequence[str]) -> list[str]:
    """The lines of an assignment to several names: one, if it is not too long."""
    line = f"{', '.join(names)} = {', '.join(values)}"
    pairs = zip(names, values, strict=True)
    return [line] if len(line) <= MAX_LINE else [f"{name} = {value}" for name, value in pairs]
