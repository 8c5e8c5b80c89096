"""The record of a function that a problem emits: its arguments, its results, what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symderiv.expression.nodes import Definition, Expression, Index

#: The scalar 1 or 1/B that a reduction multiplies per-sample losses by.
WEIGHT = "@weight"
#: The small number ε of a directional derivative, in meanings only.
EPSILON = "@epsilon"
REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an emitted function.

    Attributes
    ----------
    name
        Its name in the trees.
    axes
        Its axes, the batch axis included.
    kind
        ``real`` or ``label``.
    role
        ``input``, ``saved`` (the output of the forward function), ``cotangent`` or ``tangent``.
    batched
        Whether its first axis is the batch axis.
    label_of
        The axis that a label points into.
    of
        For a cotangent or tangent: the array that it belongs to.
    """

    name: str
    axes: tuple[str, ...]
    kind: str = "real"
    role: str = "input"
    batched: bool = False
    label_of: str = ""
    of: str = ""


@dataclass(frozen=True)
class Result:
    """One array that a function returns.

    Attributes
    ----------
    name, shown
        Its name in the trees, and the name in the file.
    indices
        Its letters in storage order, the batch letter first.
    groups
        Which letters are flattened together (the first varies slowest): positions in `indices`.
    tree
        The simplified form, which is lowered.
    meaning
        The same number by definition, which verification evaluates.
    derivative, form
        The derivative it is and its simplified form, of one sample, for readers (None for a value).
    notes
        What is to be said of it in sentences: where it has kinks, and what it is there.
    is_loss
        Whether it holds one loss a sample, which the function still reduces: its caller says how, or
        the problem does (`reduced` of the function), and then its meaning is the reduced loss.
    """

    name: str
    shown: str
    indices: tuple[Index, ...]
    groups: tuple[tuple[int, ...], ...]
    tree: Expression
    meaning: Expression
    derivative: Expression | None = None
    form: Expression | None = None
    notes: tuple[str, ...] = ()
    is_loss: bool = False

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of its letters."""
        return tuple(index.axis for index in self.indices)


@dataclass(frozen=True)
class FunctionSpec:
    """One function that a problem emits.

    Attributes
    ----------
    name, summary
        What it is called, and what it computes in a sentence.
    arguments, results
        In the order of the signature and of the returned tuple.
    reductions
        The reductions it offers; empty if it has no such argument.
    reduced
        The one reduction that the problem itself asks for, where it adds up the losses of its samples;
        of a function that returns derivatives only, ``mean`` says what each sample counts in them.
    definitions
        The named intermediates that the trees may mention.
    meaning_definitions
        Those that the meanings are evaluated with.
    moved
        From names in the meanings to the arguments that hold them, where they differ.
    saved
        The definitions of what the forward function returned, where this function is given it.
    batch
        The batch letter, or None.
    exponents
        The inputs whose exponentials are summed (entries of -inf are meant there), each with the
        axes they are summed over.
    scores
        The inputs that exponents of sums of exponentials are linear in, each with one such axis.
    lines
        Cotangents of intermediates and their forms, of one sample, for readers.
    logits
        The inputs that sigmoids and functions of their kind are taken of, without sums and products.
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    results: tuple[Result, ...]
    reductions: tuple[str, ...] = ()
    reduced: str = ""
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    meaning_definitions: tuple[Definition, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    saved: Mapping[str, Definition] = field(default_factory=dict)
    batch: Index | None = None
    exponents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scores: Mapping[str, str] = field(default_factory=dict)
    logits: frozenset[str] = frozenset()
    lines: tuple[tuple[Expression, Expression], ...] = ()
