"""Losses that the problem itself adds up, in a loop program: where nothing stands around the kernel to do so.

Each sample's loss is kept, and the sum is taken once all samples are done, so that threads can share
the samples, and the sum is the same with any number of them.
"""

from __future__ import annotations

from dataclasses import replace

from symderiv.expression.construct import multiply
from symderiv.expression.nodes import MINUS_ONE, Entry, Expression, Index, Power, Size
from symderiv.kernels.function_spec import WEIGHT, FunctionSpec
from symderiv.kernels.loop_program import (
    Buffer,
    Loop,
    LoopProgram,
    Node,
    Note,
    Parameter,
    Reduce,
    Start,
    Store,
)
from symderiv.kernels.loop_walk import mapped

_EACH, _ALL = "@each_loss", "@all_losses"


def with_total(program: LoopProgram, spec: FunctionSpec) -> LoopProgram:
    """`program` with the losses of its samples added up, where `spec` returns their sum or mean.

    What each sample counts in a mean is worked out there, too.
    """
    if not spec.reduced or spec.batch is None:
        return program
    program = _with_losses(program, spec, spec.batch)
    return _with_weight(program, spec.batch) if spec.reduced == "mean" else program


def _with_losses(program: LoopProgram, spec: FunctionSpec, letter: Index) -> LoopProgram:
    losses = next((each.name for each in spec.results if each.is_loss), "")
    if not losses:
        return program

    def kept(entry: Entry) -> Entry:
        return Entry(_EACH, entry.indices) if entry.array == losses else entry

    total = Entry(_ALL, ())
    value: Expression = multiply(_share(letter), total) if spec.reduced == "mean" else total
    summed: tuple[Node, ...] = (
        Start("sum", total),
        Loop(letter, (Reduce("sum", total, Entry(_EACH, (letter,))),), "pass"),
        Store(Entry(losses, ()), value),
    )
    number = Parameter(losses, (), is_result=True)
    return replace(
        program,
        parameters=tuple(number if each.name == losses else each for each in program.parameters),
        buffers=(*program.buffers, Buffer(_EACH, (letter,)), Buffer(_ALL, ())),
        body=(*mapped(program.body, kept), *summed),
    )


def _with_weight(program: LoopProgram, letter: Index) -> LoopProgram:
    others = tuple(each for each in program.parameters if each.name != WEIGHT)
    if others == program.parameters:
        return program
    weight = Entry(WEIGHT, ())
    said = Note("what each sample counts in the mean", weight)
    return replace(
        program,
        parameters=others,
        buffers=(*program.buffers, Buffer(WEIGHT, ())),
        body=(said, Store(weight, _share(letter)), *program.body),
    )


def _share(letter: Index) -> Expression:
    return Power(Size(letter.axis), MINUS_ONE)


__all__ = ["with_total"]
