"""The short way into an array function: whether all arguments are as it takes them.

Checking arguments with a message for every mistake takes longer than a small computation does. So an
emitted function asks first whether all is plain: arrays of one dtype whose sizes agree. Only where
it is not, the long way follows, which converts what can be and says what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from symderiv.kernels.formula import MAX_LINE
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable


@dataclass(frozen=True)
class Plain:
    """What the short way asks and does.

    Attributes
    ----------
    conditions
        All must hold.
    arrays
        The names of the arrays among the arguments.
    numbers
        The names of those that are one number, which is converted.
    helpers
        The helpers that it needs.
    """

    conditions: tuple[str, ...]
    arrays: tuple[str, ...]
    numbers: tuple[str, ...]
    helpers: frozenset[str]

    @property
    def short(self) -> str:
        """The conditions on one line, if they fit."""
        text = " and ".join(self.conditions)
        return text if len(text) <= MAX_LINE - 10 else ""


def plain(lowered: Lowered, names: NameTable) -> Plain | None:
    """The short way of one function; None where no array is among its arguments."""
    arguments = lowered.spec.arguments
    reals = [each for each in arguments if each.axes and each.kind == "real"]
    labels = [each for each in arguments if each.kind == "label"]
    numbers = [names[each.name] for each in arguments if not each.axes and each.kind == "real"]
    if not reals or not all(each.axes for each in labels):
        return None
    conditions = [f"_are_plain({', '.join(names[each.name] for each in reals)})"]
    sizes = {axis: str(size) for axis, size in lowered.sizes.items()}
    whole: dict[tuple[str, ...], str] = {}
    for each in (*reals, *labels):
        name, axes = names[each.name], each.axes
        if each.kind == "label":
            if each.label_of not in sizes:
                return None
            conditions.append(f"_are_labels({name}, {sizes[each.label_of]})")
        if axes in whole:
            conditions.append(f"{name}.shape == {whole[axes]}.shape")
            continue
        whole[axes] = name
        if all(axis in sizes for axis in axes):
            shape = ", ".join(sizes[axis] for axis in axes)
            conditions.append(f"{name}.shape == ({shape}{',' if len(axes) == 1 else ''})")
            continue
        conditions.append(f"{name}.ndim == {len(axes)}")
        for place, axis in enumerate(axes):
            if axis in sizes:
                conditions.append(f"{name}.shape[{place}] == {sizes[axis]}")
            else:
                sizes[axis] = f"{name}.shape[{place}]"
        conditions.append(f"{name}.size > 0")
    conditions += [f"type({name}) in _NUMBERS" for name in numbers]
    helpers = {"plain"} | ({"labels"} if labels else set())
    arrays = tuple(names[each.name] for each in (*reals, *labels))
    return Plain(tuple(conditions), arrays, tuple(numbers), frozenset(helpers))


def sizes_read(lowered: Lowered, names: NameTable, wanted: frozenset[str]) -> list[str]:
    """The lines that read the sizes of axes off the arguments: those whose names are wanted."""
    lines: list[str] = []
    known: set[str] = set()
    for argument in lowered.spec.arguments:
        sizes = [names[f"size of {axis}"] for axis in argument.axes]
        new = [size for size in sizes if size in wanted and size not in known]
        known |= set(new)
        if len(sizes) > 1 and len(set(new)) == len(sizes):
            lines.append(f"{', '.join(sizes)} = {names[argument.name]}.shape")
            continue
        lines += [
            f"{size} = {names[argument.name]}.shape[{sizes.index(size)}]" for size in dict.fromkeys(new)
        ]
    return lines
