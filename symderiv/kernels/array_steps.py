"""Statements over whole arrays as single steps: one NumPy function each, on arrays of one shape.

A step makes a `Value`: an array over all letters of its statement. Formulas over fewer letters are
small beside it; they stay as they are, as operands. What is computed twice is computed once. Where
values are kept is decided afterwards, in `array_memory`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Entry,
    Expression,
    Index,
)
from symderiv.expression.traverse import walk
from symderiv.kernels.array_formula import Arrays
from symderiv.kernels.formula import ATOM
from symderiv.kernels.program import Statement
from symderiv.problem import names_in

#: How a step is written: as a function entry by entry, as a choice, as another function that takes
#: ``out=``, as a formula that makes a new array, or as lines of code.
Kind = Literal["entrywise", "choice", "into", "formula", "lines"]


@dataclass(eq=False)
class Value:
    """An array over `letters` that a step makes.

    Attributes
    ----------
    letters
        Its axes, in order.
    statement
        The name of the statement that it belongs to.
    final
        Whether it is what the statement assigns.
    """

    letters: tuple[Index, ...]
    statement: str
    final: bool = False


@dataclass(frozen=True)
class Text:
    """A formula as an operand: its code, how tightly that binds, and which values it needs."""

    code: str
    strength: int = ATOM
    reads: frozenset[Value] = frozenset()


Operand = Value | Text


@dataclass(eq=False)
class Step:
    """One step.

    Attributes
    ----------
    kind
        How it is written.
    function
        The NumPy function; for `into` and `formula`, the code with ``{0}`` where an operand goes.
    alone
        For `into`: the code where it makes a new array.
    operands
        What it is applied to.
    value
        What it makes; None for lines that make no value.
    statement
        Where it comes from.
    views
        The values that it reads otherwise than place by place: in the code of its operands.
    lines
        For `lines`: the code. For a step without a value: the target of an assignment.
    shape
        For `into`: what is put behind the target to see it as an array of the shape that is made.
    """

    kind: Kind
    function: str = ""
    alone: str = ""
    operands: tuple[Operand, ...] = ()
    value: Value | None = None
    statement: Statement | None = None
    views: set[Value] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    shape: str = ""

    @property
    def reads(self) -> set[Value]:
        """All values that it needs."""
        return self.views | {each for each in self.operands if isinstance(each, Value)}


class Steps:
    """The steps of one function, as they are added.

    Parameters
    ----------
    arrays
        The names of the function.
    statements
        All statements of the function.
    """

    def __init__(self, arrays: Arrays, statements: Sequence[Statement]) -> None:
        self.arrays = arrays
        self.all: list[Step] = []
        self.values: dict[str, Value] = {}
        self._statement = statements[0]
        self._large = _shapes(statements)

    def is_small(self, letters: Sequence[Index]) -> bool:
        """Whether another array of the function has all of these letters and more."""
        axes = Counter(index.axis for index in letters)
        return not letters or any(axes < other for other in self._large)

    def start(self, statement: Statement) -> None:
        """Begin with a statement."""
        self._statement = statement

    def finish(self, value: Value) -> None:
        """Let a value be what the statement assigns."""
        value.final = True
        self.values[value.statement] = value

    def reads(self, *nodes: Expression) -> set[Value]:
        """The values that formulas mention."""
        names = {name for node in nodes for name in names_in(node)}
        return {self.values[name] for name in names if name in self.values}

    def lines(self, lines: Sequence[str], *nodes: Expression) -> None:
        """Add lines of code that read what formulas mention."""
        self.all.append(Step("lines", statement=self._statement, lines=list(lines), views=self.reads(*nodes)))

    def into(
        self,
        call: str,
        letters: tuple[Index, ...],
        *nodes: Expression,
        alone: str = "",
        of: Sequence[Operand] = (),
        shape: str = "",
    ) -> Value:
        """Add a call of a function that takes ``out=``; `call` is its code without it, and unclosed."""
        step = Step("into", call, alone or f"{call})", tuple(of), views=self.reads(*nodes), shape=shape)
        return self.made(step, letters)

    def formula(
        self, code: str, letters: tuple[Index, ...], *nodes: Expression, of: Sequence[Operand] = ()
    ) -> Value:
        """Add a formula that makes a new array."""
        return self.made(Step("formula", code, operands=tuple(of), views=self.reads(*nodes)), letters)

    def small(self, target: str, code: str, *nodes: Expression, of: Sequence[Operand] = ()) -> None:
        """Assign a small formula."""
        step = Step("formula", code, operands=tuple(of), views=self.reads(*nodes), lines=[target])
        self._add(step)

    def copied(self, operand: Operand, letters: tuple[Index, ...]) -> Value:
        """Add a copy of what is there already."""
        return self.made(Step("entrywise", "copy", operands=(operand,)), letters)

    def made(self, step: Step, letters: tuple[Index, ...]) -> Value:
        """Add a step, and what it makes."""
        step.value = Value(letters, self._statement.name)
        self._add(step)
        return step.value

    def _add(self, step: Step) -> None:
        step.statement = self._statement
        for each in step.operands:
            if isinstance(each, Text):
                step.views |= each.reads
        self.all.append(step)


def _shapes(statements: Sequence[Statement]) -> list[Counter[str]]:
    """The axes of all arrays of a function."""
    found: list[Counter[str]] = []
    for statement in statements:
        found.append(Counter(index.axis for index in statement.indices))
        for body in statement.bodies():
            for _, part in walk(body):
                if isinstance(part, Entry):
                    found.append(Counter(index.axis for index in free_indices(part)))
    return found


def axes_of(letters: Sequence[Index]) -> tuple[str, ...]:
    """The axes of letters: arrays with the same ones have the same shape."""
    return tuple(index.axis for index in letters)
