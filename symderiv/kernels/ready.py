"""The short way into a compiled kernel: where all arguments are as it takes them, nothing is looked up.

Checking arguments with a message for every mistake takes longer than a small kernel does. So an
emitted function first asks whether all is plain (arrays of one dtype, C-contiguous, as many axes as
a batch has), and lets the kernel compare the sizes and the memory of its arguments. If
one of both says no, the long way follows, which converts what can be and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symderiv.kernels.blocks import ROWS, Blocked
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.formula import MAX_LINE
from symderiv.kernels.function_spec import WEIGHT
from symderiv.kernels.loop_program import Loop, LoopProgram
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable


@dataclass(frozen=True)
class Ready:
    """Lines of the short way.

    Attributes
    ----------
    before
        At the top of the public function.
    checks
        At the top of the kernel; it returns False where they say so, and True at its end.
    helpers
        The helpers that they need.
    choice
        Which kernel is called, where there is one by blocks of samples.
    threaded
        Whether several threads can share the samples.
    """

    before: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    choice: str = ""
    threaded: bool = False


#: Up to so many bytes along the short axis of a sample, samples are worked on by blocks: 100 places in
#: float32, 50 in float64. Beyond, the loop over one sample is long enough.
FEW_BYTES = 400


def ready(
    lowered: Lowered, program: LoopProgram, names: NameTable, kernel: str, blocks: Blocked | None
) -> Ready:
    """The short way of one function; without lines where there is none."""
    choice = ""
    if blocks is not None:
        given = next(each for each in program.parameters if each.axes and each.kind == "real")
        size = program.sizes.get(blocks.axis, names[f"size of {blocks.axis}"])
        few = f"{size} * {names[given.name]}.itemsize <= {FEW_BYTES}"
        enough = f"{names[f'size of {blocks.letter.axis}']} >= {ROWS}"
        choice = f"kernel = {kernel}_by_blocks if {few} and {enough} else {kernel}"
    short = _short(lowered, program, names, kernel, blocks, choice=choice)
    return replace(short, choice=choice, threaded=bool(short.before) and _sliced(lowered, program) != ())


def called(lowered: Lowered, program: LoopProgram, kernel: str, spelled: Sequence[str]) -> str:
    """The call of a kernel on arguments that were checked, by several threads where that is asked for."""
    call = f"{kernel}({', '.join(spelled)})"
    sliced = _sliced(lowered, program)
    if not sliced:
        return call
    return f"{call} if threads == 1 else _in_threads(threads, {kernel}, {sliced}, {', '.join(spelled)})"


def _sliced(lowered: Lowered, program: LoopProgram) -> tuple[bool, ...]:
    """Which parameters have a part for each sample; none where the samples depend on each other."""
    batch = lowered.spec.batch.axis if lowered.spec.batch is not None else ""
    alone = len(program.body) == 1 and isinstance(program.body[0], Loop) and program.body[0].parallel
    if not alone or any(batch in each.axes[1:] for each in program.parameters):
        return ()
    return tuple(each.axes[:1] == (batch,) for each in program.parameters)


def _short(
    lowered: Lowered,
    program: LoopProgram,
    names: NameTable,
    kernel: str,
    blocks: Blocked | None,
    *,
    choice: str,
) -> Ready:
    spec = lowered.spec
    shown = {each.name: each.shown for each in spec.results}
    losses = next((each for each in program.parameters if shown.get(each.name) == "losses"), None)
    outputs = [each for each in program.parameters if each.is_result and each is not losses]
    labels = [each for each in program.parameters if each.kind == "label"]
    inputs = [each for each in program.parameters if each.kind == "real" and not each.is_result]
    arrays = [each for each in inputs if each.axes]
    known = {axis for each in arrays for axis in each.axes}
    if (
        not arrays
        or any(len(group) > 1 for each in spec.results for group in each.groups)
        or any(each.label_of not in known for each in spec.arguments if each.kind == "label")
        or not all(each.axes for each in (*labels, *outputs, *((losses,) if losses else ())))
        or places_needed(lowered)
    ):
        return Ready()
    first = names[arrays[0].name]
    spelled = {each.name: names[each.name] for each in program.parameters}
    # Several threads each see a part of the memory only, so the checks of the long way are needed.
    conditions = ["threads == 1"] if _sliced(lowered, program) else []
    if losses is not None and spec.reductions:
        conditions.append('reduction in ("mean", "sum")')
    if len(outputs) == 1:
        spelled[outputs[0].name] = "out"
        conditions.append("out is not None")
    elif outputs:
        spelled |= {each.name: f"out[{number}]" for number, each in enumerate(outputs)}
        conditions.append(f"type(out) is tuple and len(out) == {len(outputs)}")
    numbers = [each for each in inputs if not each.axes and each.name != WEIGHT]
    conditions += [f"type({spelled[each.name]}) in _NUMBERS" for each in numbers]
    pairs = ", ".join(f"({spelled[each.name]}, {len(each.axes)})" for each in (*arrays, *outputs))
    conditions.append(f"_is_plain({pairs})")
    of = {each.name: each.label_of for each in spec.arguments}
    for each in labels:
        owner = next(one for one in arrays if of[each.name] in one.axes)
        size = f"{spelled[owner.name]}.shape[{owner.axes.index(of[each.name])}]"
        conditions.append(f"_are_labels({spelled[each.name]}, {len(each.axes)}, {size})")
    inside: list[str] = []
    for each in numbers:
        inside.append(f"{spelled[each.name]} = {first}.dtype.type({spelled[each.name]})")
    weighted = any(each.name == WEIGHT for each in program.parameters)
    needed = [blocks.letter.axis, blocks.axis] if blocks is not None else []
    needed = [axis for axis in needed if axis not in program.sizes]
    if spec.batch is not None and (losses is not None or weighted) and not needed:
        needed = [spec.batch.axis]
    for axis in needed:
        parameter, place = program.size_of(axis)
        inside.append(f"{names[f'size of {axis}']} = {spelled[parameter.name]}.shape[{place}]")
    if spec.batch is not None and (losses is not None or weighted):
        size = names[f"size of {spec.batch.axis}"]
        if weighted:
            share = f'1 / {size} if reduction == "mean" else 1' if spec.reductions else "1"
            inside.append(f"{names[WEIGHT]} = {first}.dtype.type({share})")
        if losses is not None:
            inside.append(f"{spelled[losses.name]} = np.empty({size}, {first}.dtype)")
    elif losses is not None or weighted:
        return Ready()
    returned = [f"_reduced({spelled[losses.name]}, reduction)"] if losses and spec.reductions else []
    if losses is not None and not returned:
        return Ready()
    returned += ["out"] if outputs else []
    inside += [choice] if choice else []
    used = [spelled[each.name] for each in program.parameters]
    call = f"{'kernel' if choice else kernel}({', '.join(used)})"
    before = (
        f"if {conditions[0]}" + "".join(f" and {each}" for each in conditions[1:]) + ":",
        *(f"    {line}" for line in inside),
        f"    if {call}:",
        f"        return {', '.join(returned)}",
    )
    lines = [*_broken(before)]
    if spec.batch is not None and losses is None and not labels and not weighted:
        parts = (conditions, inside[: len(numbers)], kernel)
        lines += _of_one_sample(program, spec.batch.axis, spelled, parts)
    return Ready(tuple(lines), _checks(program, names), ("overlap", *(("labels",) if labels else ())))


def _of_one_sample(
    program: LoopProgram, batch: str, spelled: dict[str, str], lines: tuple[list[str], list[str], str]
) -> list[str]:
    """The short way of one sample without its axis; nothing where a sample is a number.

    `lines` are the conditions and the conversions of the short way of several, and its kernel.
    """
    conditions, numbers, kernel = lines
    batched = [each for each in program.parameters if batch in each.axes]
    if any(each.axes[0] != batch or len(each.axes) == 1 for each in batched):
        return []
    pairs = ", ".join(
        f"({spelled[each.name]}, {len(each.axes) - (each in batched)})"
        for each in program.parameters
        if each.axes
    )
    given = [f"{spelled[each.name]}{'[None]' if each in batched else ''}" for each in program.parameters]
    others = [each for each in conditions if not each.startswith("_is_plain(")]
    head = " and ".join((*others, f"_is_plain({pairs})"))
    return [
        *_broken((f"if {head}:  # one sample",)),
        *(f"    {line}" for line in numbers),
        f"    if {kernel}({', '.join(given)}):",
        "        return out",
    ]


def _broken(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines, the first with a line for each condition where it is long."""
    head, *rest = lines
    if len(head) <= MAX_LINE:
        return lines
    condition, _, said = head.removeprefix("if ").partition(":")
    parts = condition.split(" and ")
    return ("if (", f"    {parts[0]}", *(f"    and {each}" for each in parts[1:]), f"):{said}", *rest)


def _checks(program: LoopProgram, names: NameTable) -> tuple[str, ...]:
    """What the kernel compares: sizes, memory."""
    found: list[str] = []
    seen: set[str] = set()
    for each in program.parameters:
        new = [axis for axis in each.axes if axis not in seen]
        for number, axis in enumerate(each.axes):
            if axis in program.sizes:
                found.append(f"{names[each.name]}.shape[{number}] != {names[f'size of {axis}']}")
            elif axis in new and axis not in seen:
                found.append(f"{names[f'size of {axis}']} == 0")
                seen.add(axis)
            else:
                found.append(f"{names[each.name]}.shape[{number}] != {names[f'size of {axis}']}")
    arrays = [each for each in program.parameters if each.axes]
    results = [each for each in arrays if each.is_result]
    for number, each in enumerate(results):
        others = [other for other in arrays if not other.is_result] + results[:number]
        found += [f"_overlap({names[each.name]}, {names[other.name]})" for other in others]
    lines = ["# What does not fit together is left to the checks that say why."]
    text = " or ".join(found)
    if len(text) <= MAX_LINE:
        return (*lines, f"if {text}:", "    return False")
    return (
        *lines,
        "if (",
        f"    {found[0]}",
        *(f"    or {each}" for each in found[1:]),
        "):",
        "    return False",
    )
