"""Kernels for an axis of few places, where each loop over it is one step.

With ten classes, a loop is shorter than what LLVM makes of loops of unknown length: several vectors at a
time, then one, then the rest one by one. Told that it has fewer than 16 turns, LLVM makes one step of it
that leaves out what is not there, by a mask (0.5 to 0.9 of the time with 10 places).

A row that is written so and then read is waited for: the mask keeps a processor from handing on what
was just written, and the next row's vector begins within this one. So what a result holds for now gets
memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from symderiv.expression.nodes import Call, Entry, Expression, Number, Power
from symderiv.expression.traverse import walk
from symderiv.kernels.blocks import EACH, Blocked, Flat
from symderiv.kernels.loop_program import (
    Buffer,
    Loop,
    LoopProgram,
    Node,
    Note,
    Reduce,
    Store,
    formulas,
    nodes,
)
from symderiv.kernels.loop_walk import entries_read, independent_rows, mapped, writes
from symderiv.kernels.tighten import FOR_NOW, IN_TIME

#: What says that there are few, where it is given.
FEW = "@whether few"
#: Functions of a few instructions.
_QUICK = ("abs", "log_ratio", "max", "min", "minus_log_ratio", "relu", "sign", "step")
Step = tuple[Node, ...] | Flat


def few_places(program: LoopProgram, blocks: Blocked | None) -> str | None:
    """The axis of which a kernel is to be told whether it has few places, or None.

    That is the only one that loops for a sample run over, where samples need nothing of each other, and
    none waits for what another has written.
    """
    rows = independent_rows(program)
    if rows is None:
        return None
    loops = [each for each in nodes(rows.body) if isinstance(each, Loop)]
    axes = {each.letter.axis for each in loops}
    if len(axes) != 1 or any(each.role != "pass" or each.window is not None for each in loops):
        return None
    if not any(isinstance(each, Reduce) for loop in loops for each in loop.body):
        return None  # entry by entry, whole samples are one row
    axis = axes.pop()
    all_steps = [rows.body] if blocks is None else with_results_apart(blocks, program).steps
    steps = [step for step in all_steps if not isinstance(step, Flat)]
    # What a sample takes for itself is done for several at once in blocks, and for one otherwise.
    inside = [each for step in steps for each in step if isinstance(each, Loop)]
    if any(_take_long(formulas(each.body)) for each in (inside if blocks is not None else [rows])):
        return None
    if any(map(_waits, steps)):
        return None
    return None if axis == rows.letter.axis or axis in program.sizes else axis


def _take_long(values: Iterable[Expression]) -> bool:
    """Whether something takes long with each number: in loops, it would be done for what is left out, too."""
    return any(
        (isinstance(part, Call) and part.function not in _QUICK)
        or (isinstance(part, Power) and part.exponent != Number(Fraction(2)))
        for value in values
        for _, part in walk(value)
    )


def _waits(body: Sequence[Node]) -> bool:
    """Whether what is written for each place is read again, in what is done for one sample at once."""
    stores = [each for each in nodes(tuple(body)) if isinstance(each, Store | Reduce)]
    written = {each.target.array for each in stores if each.target.indices}
    return any(part.array in written for node in nodes(tuple(body)) for part in entries_read(node))


def with_results_apart(blocks: Blocked, program: LoopProgram) -> Blocked:
    """`blocks` of `program` with memory of its own for what a result holds for now."""
    for each in program.parameters:
        if each.is_result:
            blocks = _apart(blocks, each.name)
    return blocks


def _apart(blocks: Blocked, name: str) -> Blocked:
    flat = [
        number for number, step in enumerate(blocks.steps) if isinstance(step, Flat) and step.array == name
    ]
    if len(flat) != 1:
        return blocks
    after = [step for step in blocks.steps[flat[0] :] if not isinstance(step, Flat)]
    last = [loop for step in after for loop in step if isinstance(loop, Loop) and writes((loop,), name)]
    if len(last) != 1:
        return blocks  # it is done in parts
    kept = Buffer(f"{EACH}{name}", (blocks.letter, last[0].letter), per_row=True)

    def moved(step: Step, before: bool) -> Step:
        if isinstance(step, Flat):
            return replace(step, array=kept.name) if step.array == name else step
        said = [node for node in step if not _is_of(node, name, IN_TIME)]
        return tuple(_moved(node, name, kept.name, before) for node in said)

    steps = [moved(step, number < flat[0]) for number, step in enumerate(blocks.steps)]
    return replace(blocks, buffers=(*blocks.buffers, kept), steps=tuple(steps))


def _is_of(node: Node, name: str, text: str) -> bool:
    return isinstance(node, Note) and node.of is not None and node.of.array == name and node.text == text


def _moved(node: Node, name: str, kept: str, before: bool) -> Node:
    """A node with `kept` for what is read of `name`, and `before` the exponential for what is written."""

    def entry(found: Entry) -> Entry:
        return Entry(kept, found.indices) if found.array == name else found

    match node:
        case Loop():
            inside = tuple(_moved(each, name, kept, before) for each in node.body)
            return replace(node, body=inside)
        case Note(text, of) if of is not None and of.array == name:
            return replace(node, text=text.removesuffix(FOR_NOW), of=entry(of)) if FOR_NOW in text else node
        case Store() | Reduce():
            (moved,) = mapped((node,), entry)
            assert isinstance(moved, Store | Reduce)
            return moved if before else replace(moved, target=node.target)
    return node
