"""The loop program: one function, scheduled into loops, for the targets that have loops.

A target prints it node by node and decides nothing about the order of the work:

- :class:`Loop` runs its body for every place of a letter. The one with role ``rows`` runs over the
  samples and is outermost; one with role ``pass`` runs over an innermost axis and holds all that
  can be done there together; one with role ``chunks`` runs over the chunks of an axis, and the
  passes in it over one chunk (:mod:`symderiv.kernels.chunks`); one without a role is a plain nested loop.
- :class:`Start` sets the target of a reduction to its neutral element, :class:`Reduce` adds one
  term to it (or multiplies, or keeps the larger), and :class:`Store` assigns.
- :class:`Note` says why something is there, for those who read the printed code.

Every entry in it is a place in storage: a :class:`Parameter`, or a :class:`Buffer` of the function
itself. A buffer without letters is a local variable. What belongs to one sample is stored for one
sample only (``per_row``), so its entries lack the letter of the samples; rows that are worked on
at the same time each need their own. An entry at a label, such as ``z[b, y[b]]``, is a gather; a
target of that kind is a scatter.

Places count from 0 in storage. Letters stand for places; :class:`Position` and :class:`Shift`
terms count from 1, as in the formulas (:func:`symderiv.kernels.formula.shifted_place`).

Functions that stand in loop programs only: ``exp_of_negative(u)`` is exp(u) where u is known to be 0
at most (or NaN), so that nothing overflows; ``log_ratio(u, m, l)`` is (u - m) - l in just this order,
``minus_infinity()`` is -inf, and ``at_least_lowest(u)`` is u, or the lowest finite number where that is more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from symderiv.expression.nodes import Entry, Expression, Index

#: exp(u) for u <= 0.
EXP_OF_NEGATIVE = "exp_of_negative"
#: The larger of u and the lowest finite number.
AT_LEAST_LOWEST = "at_least_lowest"

Kind = Literal["sum", "max", "min", "prod"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array, or a number, that the function is given.

    Attributes
    ----------
    name
        Its name in the trees.
    axes
        Its axes in storage order (C-contiguous); none for a number.
    kind
        ``real``, or ``label`` for places counted from 0.
    is_result
        Whether the function fills it; then it is an array also where it has no axes.
    """

    name: str
    axes: tuple[str, ...]
    kind: Literal["real", "label"] = "real"
    is_result: bool = False


@dataclass(frozen=True, slots=True)
class Buffer:
    """An intermediate: an array over `indices`, or a local variable where there are none.

    `per_row` says that it belongs to one sample, and is used again for the next.
    """

    name: str
    indices: tuple[Index, ...]
    per_row: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Why something is there: `text`, said of an entry where one is named."""

    text: str
    of: Entry | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """``target`` = the neutral element of a reduction: 0, 1, -inf or inf."""

    kind: Kind
    target: Entry


@dataclass(frozen=True, slots=True)
class Reduce:
    """One more term in a reduction: ``target`` = ``target`` + ``value`` for a sum.

    `is_shift` says of a maximum that it is only subtracted from the exponents it is taken of: where
    one of these is NaN, all that comes of them is, so this maximum may be anything there.
    """

    kind: Kind
    target: Entry
    value: Expression
    is_shift: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """``target`` = ``value``."""

    target: Entry
    value: Expression


@dataclass(frozen=True, slots=True)
class Loop:
    """``body`` for every place of ``letter``, in order unless it is parallel.

    Attributes
    ----------
    letter, body
        What it runs over and what it does.
    role
        ``rows``, ``pass``, ``chunks`` or nothing; see above.
    parallel
        Whether its turns need nothing of each other, save for the buffers that are `per_row`.
    window
        A product that is 0 where one of its shifted entries does not exist: only the places where
        all of them do need be visited (:func:`symderiv.kernels.windows.window_of`).
    """

    letter: Index
    body: tuple[Node, ...]
    role: Literal["", "rows", "pass", "chunks"] = ""
    parallel: bool = False
    window: Expression | None = None


Node = Note | Start | Reduce | Store | Loop


@dataclass(frozen=True, slots=True)
class LoopProgram:
    """One function as loops.

    Attributes
    ----------
    name
        What the function is called.
    parameters
        In the order of the signature: the arguments, then the results.
    buffers
        Its own storage, in the order of its first use.
    body
        What it does, in order.
    sizes
        The axes whose size is known beforehand; a target may make a constant of it. All others are
        asked of the parameters.
    """

    name: str
    parameters: tuple[Parameter, ...]
    buffers: tuple[Buffer, ...]
    body: tuple[Node, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def labels(self) -> frozenset[str]:
        """The parameters that hold places rather than numbers."""
        return frozenset(each.name for each in self.parameters if each.kind == "label")

    def size_of(self, axis: str) -> tuple[Parameter, int]:
        """The parameter that tells the size of an axis, and which of its axes it is."""
        for each in self.parameters:
            if axis in each.axes:
                return each, each.axes.index(axis)
        raise KeyError(axis)


def nodes(body: tuple[Node, ...]) -> Iterator[Node]:
    """All nodes of a body, those inside of loops too, in order."""
    for each in body:
        yield each
        if isinstance(each, Loop):
            yield from nodes(each.body)


def formulas(body: tuple[Node, ...]) -> Iterator[Expression]:
    """All formulas of a body: what is stored or reduced."""
    for each in nodes(body):
        if isinstance(each, Store | Reduce):
            yield each.value
