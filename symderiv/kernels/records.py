"""What templates lay out: records of functions, arguments and results, as text for a file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symderiv.kernels.array_ready import Plain, sizes_read
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.function_spec import WEIGHT, Argument, FunctionSpec, Result
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable, identifier, plain_text
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.registry import Target
from symderiv.notation.text import to_text

_DESCRIBED = {
    "input": "Input.",
    "saved": "What the forward function returned.",
    "cotangent": "The cotangent of {of}.",
    "tangent": "The tangent of {of}.",
}

#: The width of text and code in emitted files.
WIDTH = 100


@dataclass(frozen=True)
class ArgumentRecord:
    """An argument, as a template shows it."""

    name: str
    axes: str
    dims: tuple[str, ...]
    shape: str
    is_label: bool
    label_of_literal: str
    batched: bool
    described: str


@dataclass(frozen=True)
class ResultRecord:
    """A result, as a template shows it."""

    name: str
    dims: tuple[str, ...]
    shape: str
    doc_shape: str
    without_batch: str
    view: str
    view_shape: str
    view_axes: str
    formula: str
    notes: tuple[str, ...]
    is_loss: bool


@dataclass(frozen=True)
class FunctionRecord:
    """A function, as a template shows it."""

    name: str
    kernel_name: str
    summary: str
    signature: str
    arguments: tuple[ArgumentRecord, ...]
    sizes: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, str, int], ...]
    results: tuple[ResultRecord, ...]
    lines: tuple[str, ...]
    outputs: tuple[ResultRecord, ...]
    losses: ResultRecord | None
    reductions: tuple[str, ...]
    reductions_tuple: str
    reduction: str
    weight: str
    batch_axis: str
    batched: bool
    shifted: bool
    infinite: bool
    quiet: bool
    flat: bool
    unpacked: str
    returned: str
    threaded: bool
    products: bool
    before: tuple[str, ...]
    plain: Plain | None
    sizes_read: tuple[str, ...]
    others: str
    body: tuple[str, ...]
    kernel: tuple[str, ...]
    declared: tuple[str, ...]
    example: tuple[str, ...]
    checked: str


def wrapped(text: str, indent: str = "") -> str:
    """Text for a docstring, in lines of a readable width."""
    return f"\n{indent}".join(textwrap.wrap(plain_text(text), WIDTH - len(indent), break_on_hyphens=False))


def name_table(lowered: Lowered, reserved: Iterable[str] = ()) -> NameTable:
    """The file's names in one function: arguments first, so that they stay as the problem has them."""
    spec = lowered.spec
    names = NameTable(reserved)
    for argument in spec.arguments:
        names.give(argument.name)
    for axis in axes_of(lowered):
        taken = {names[argument.name] for argument in spec.arguments}
        names.give(f"size of {axis}", axis if identifier(axis) not in taken else f"size_{axis}")
    for result in spec.results:
        if result.is_loss or result.shown in ("out", "losses"):
            names.put(f"{result.name} returned", result.shown)
        else:
            names.give(f"{result.name} returned", result.shown)
        if _flattened(result):
            names.give(result.name, "entries")
        else:
            names.put(result.name, names[f"{result.name} returned"])
    names.put(WEIGHT, "weight")
    for statement in lowered.statements:
        names.give(statement.name)
    return names


def axes_of(lowered: Lowered) -> tuple[str, ...]:
    """The axes of a function's arguments, in order."""
    axes: dict[str, None] = {}
    for argument in lowered.spec.arguments:
        axes.update(dict.fromkeys(argument.axes))
    return tuple(axes)


def _flattened(result: Result) -> bool:
    return any(len(group) > 1 for group in result.groups)


def function_record(lowered: Lowered, target: Target) -> tuple[FunctionRecord, set[str]]:
    """The record of one function, and the helpers that its code uses."""
    spec = lowered.spec
    names = name_table(lowered, target.reserved)
    name = identifier(spec.name)
    printed = target.printer(lowered, names, f"_{name}_kernel")
    arguments = tuple(_argument(each, names) for each in spec.arguments)
    results = tuple(_result(each, names, spec) for each in spec.results)
    losses = next((each for each in results if each.is_loss), None)
    outputs = tuple(each for each in results if not each.is_loss and each.name != "losses")
    if losses is None:
        losses = next((each for each in results if each.name == "losses"), None)
    parts = [argument.name for argument in arguments]
    if spec.reductions:
        parts.append('reduction="mean"')
    if outputs:
        parts.append("out=None")
    if printed.threaded:
        parts += ["*", "threads=1"]
    sizes = tuple((names[f"size of {axis}"], plain_text(axis)) for axis in axes_of(lowered))
    record = FunctionRecord(
        name=name,
        kernel_name=f"_{name}_kernel",
        summary=wrapped(spec.summary, "    "),
        signature=", ".join(parts),
        arguments=arguments,
        sizes=sizes,
        places=tuple(
            (names[f"size of {axis}"], plain_text(axis), count)
            for axis, count in places_needed(lowered).items()
            if axis in axes_of(lowered)
        ),
        results=results,
        lines=tuple(plain_text(f"{to_text(left)} = {to_text(form)}") for left, form in spec.lines),
        outputs=outputs,
        losses=losses,
        reductions=spec.reductions,
        reductions_tuple=repr(tuple(spec.reductions)),
        reduction=_reduction(spec),
        weight=_weight(spec, names) if lowered.weighted else "",
        batch_axis=plain_text(spec.batch.axis) if spec.batch else "",
        batched=_is_batched(spec),
        shifted=lowered.shifted,
        infinite=bool(spec.exponents),
        quiet=printed.quiet,
        flat=printed.flat,
        unpacked=", ".join(each.name for each in arguments) + ("," if len(arguments) == 1 else ""),
        returned=_returned(spec, losses, outputs),
        threaded=printed.threaded,
        products=printed.products,
        before=printed.before,
        plain=printed.plain,
        sizes_read=tuple(_sizes_read(lowered, names, printed, results)),
        others=f"[{', '.join(printed.plain.arrays)}]" if printed.plain is not None else "arrays",
        body=tuple(printed.body),
        kernel=tuple(printed.kernel),
        declared=tuple(printed.declared),
        example=printed.example,
        checked=_checked(lowered, names),
    )
    return record, printed.helpers


def _sizes_read(
    lowered: Lowered, names: NameTable, printed: PrintedFunction, results: Sequence[ResultRecord]
) -> list[str]:
    """The lines that read the sizes that the function needs, where it takes the short way."""
    if printed.plain is None:
        return []
    code = [line.partition("  #")[0] for line in printed.body if not line.startswith("#")]
    shapes = [text for each in results for text in (each.shape, each.view_shape if each.view else "")]
    least = places_needed(lowered)
    text = "\n".join((*code, *shapes))
    wanted = set()
    for axis in axes_of(lowered):
        name = names[f"size of {axis}"]
        of_weight = lowered.weighted and lowered.spec.batch is not None and lowered.spec.batch.axis == axis
        if axis in least or of_weight or re.search(rf"\b{name}\b", text):
            wanted.add(name)
    return sizes_read(lowered, names, frozenset(wanted))


def _checked(lowered: Lowered, names: NameTable) -> str:
    """What is wrong with arguments that a function without exceptions refuses."""
    found = [
        f"{names[f'size of {axis}']} is not {size}"
        for axis, size in lowered.sizes.items()
        if axis in axes_of(lowered)
    ]
    if any(each.kind == "label" for each in lowered.spec.arguments):
        found.append("a label names no place")
    if any(axis in axes_of(lowered) and axis not in lowered.sizes for axis in places_needed(lowered)):
        found.append("an axis is too short")
    return " or ".join(found)


def _weight(spec: FunctionSpec, names: NameTable) -> str:
    """What each sample's loss counts in the reduced one."""
    if spec.batch is None or not (spec.reductions or spec.reduced == "mean"):
        return "1"
    share = f"1 / {names[f'size of {spec.batch.axis}']}"
    return share if spec.reduced else f'{share} if reduction == "mean" else 1'


def _reduction(spec: FunctionSpec) -> str:
    """How a function says in which way losses are reduced; empty where it has none to reduce."""
    return "reduction" if spec.reductions else f'"{spec.reduced}"' if spec.reduced else ""


def _is_batched(spec: FunctionSpec) -> bool:
    """Whether the axis of the samples may be left out, for one of them."""
    return spec.batch is not None and any(each.batched for each in spec.arguments)


def _returned(spec: FunctionSpec, losses: ResultRecord | None, outputs: Sequence[ResultRecord]) -> str:
    """What the function returns: one sample's results without their batch axis."""
    parts = []
    for each in outputs:
        if each.without_batch == "single":
            parts.append(f"{each.name}[0] if single else {each.name}")
        else:
            parts.append(f"{each.name}[()]" if each.shape == "()" else each.name)
    if losses is None:
        return parts[0] if len(parts) == 1 else ", ".join(_enclosed(part) for part in parts)
    if not parts:
        return "value"
    gradient = parts[0] if len(parts) == 1 else f"({', '.join(_enclosed(part) for part in parts)})"
    return f"value, {_enclosed(gradient) if len(parts) == 1 else gradient}"


def _enclosed(text: str) -> str:
    return f"({text})" if " if " in text else text


def _argument(argument: Argument, names: NameTable) -> ArgumentRecord:
    axes = [plain_text(axis) for axis in argument.axes]
    described = _DESCRIBED[argument.role].format(of=plain_text(argument.of))
    if argument.kind == "label":
        described = f"Places on the axis {plain_text(argument.label_of)}, counted from 0."
    return ArgumentRecord(
        name=names[argument.name],
        axes=_tuple([repr(axis) for axis in axes]),
        dims=tuple(names[f"size of {axis}"] for axis in argument.axes),
        shape=_tuple(axes),
        is_label=argument.kind == "label",
        label_of_literal=repr(plain_text(argument.label_of)) if argument.kind == "label" else "None",
        batched=argument.batched,
        described=described,
    )


def _result(result: Result, names: NameTable, spec: FunctionSpec) -> ResultRecord:
    sizes = [names[f"size of {axis}"] for axis in result.axes]
    axes = [plain_text(axis) for axis in result.axes]
    shape = [" * ".join(sizes[place] for place in group) for group in result.groups]
    documented = [" * ".join(axes[place] for place in group) for group in result.groups]
    formula = ""
    if result.derivative is not None:
        assert result.form is not None
        formula = plain_text(f"{to_text(result.derivative)} = {to_text(result.form)}")
    return ResultRecord(
        name=names[f"{result.name} returned"],
        dims=() if result.is_loss and spec.reduced else tuple(sizes),
        shape=_tuple(shape),
        doc_shape=_tuple(documented),
        without_batch="single" if spec.batch in result.indices and _is_batched(spec) else "False",
        view=names[result.name] if _flattened(result) else "",
        view_shape=_tuple(sizes),
        view_axes=plain_text(", ".join(index.name for index in result.indices)),
        formula=formula,
        notes=tuple(wrapped(note, " " * 4) for note in result.notes),
        is_loss=result.is_loss,
    )


def _tuple(parts: Sequence[str]) -> str:
    inside = ", ".join(parts)
    return f"({inside},)" if len(parts) == 1 else f"({inside})"
