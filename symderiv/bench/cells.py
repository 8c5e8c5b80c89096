"""What is measured: a workload at a shape and a dtype, with its inputs and its right results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symderiv.problem import Problem

#: The sizes of the axes, in the order of a workload's `axes`.
Shape = tuple[int, ...]
Inputs = Mapping[str, Any]
DTYPES = ("float32", "float64")
ITEM_SIZE = {"float32": 4, "float64": 8}


class BenchError(ValueError):
    """A measurement that cannot be made as asked; the message is one sentence."""


@dataclass(frozen=True)
class Cost:
    """What a workload cannot do without: numbers read and written, exponentials, multiplications."""

    numbers: int
    exps: int = 0
    products: int = 0


@dataclass(frozen=True)
class Workload:
    """One computation at many shapes.

    Attributes
    ----------
    name, title
        On the command line, and for readers.
    axes
        What the numbers of a shape are.
    problem, function
        What is emitted: the problem, and which of its functions.
    arguments
        The inputs that the emitted function takes, in its order.
    shapes, quick
        All shapes, and those of a short run.
    draw
        Inputs at a shape, as float64 and integers.
    right
        The results in float64, by a formulation of its own.
    cost
        Its cost at a shape.
    """

    name: str
    title: str
    axes: tuple[str, ...]
    problem: Callable[[], Problem]
    function: str
    arguments: tuple[str, ...]
    shapes: tuple[Shape, ...]
    quick: tuple[Shape, ...]
    draw: Callable[[Any, Shape], dict[str, Any]]
    right: Callable[[Inputs], tuple[Any, ...]]
    cost: Callable[[Shape], Cost]


@dataclass(frozen=True)
class Cell:
    """A workload at a shape in a dtype."""

    workload: Workload
    shape: Shape
    dtype: str

    @property
    def bytes_moved(self) -> int:
        """The bytes that are read and written at least."""
        return self.workload.cost(self.shape).numbers * ITEM_SIZE[self.dtype]

    def __str__(self) -> str:
        return f"{self.workload.name} {shape_text(self.shape)} {self.dtype}"


@dataclass(frozen=True)
class Case:
    """A cell with its inputs in the cell's dtype, and the right results in float64."""

    cell: Cell
    inputs: Inputs
    right: tuple[Any, ...]

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the results."""
        return tuple(each.shape for each in self.right)

    def outputs(self) -> list[Any]:
        """New arrays for the results that are no scalars."""
        import numpy as np

        return [np.empty(shape, self.cell.dtype) for shape in self.shapes if shape]


def case_of(cell: Cell) -> Case:
    """The inputs of a cell, the same in every run, and its right results."""
    import numpy as np

    source = np.random.default_rng([len(cell.workload.name), *cell.shape])
    drawn = {name: np.asarray(value) for name, value in cell.workload.draw(source, cell.shape).items()}
    inputs = {
        name: value.astype(cell.dtype)[()] if value.dtype.kind == "f" else value
        for name, value in drawn.items()
    }
    exactly = {
        name: np.float64(value) if value.dtype.kind == "f" else value for name, value in inputs.items()
    }
    return Case(cell, inputs, cell.workload.right(exactly))


@dataclass(frozen=True)
class Candidate:
    """One way to compute a case.

    Attributes
    ----------
    peer, label
        Whose it is, and what of theirs.
    call
        What is timed; it is finished when it returns.
    read
        From what `call` returned to the results as NumPy arrays, in the order of the case's.
    """

    peer: str
    label: str
    call: Callable[[], Any]
    read: Callable[[Any], tuple[Any, ...]] = tuple


def shape_text(shape: Shape) -> str:
    """``4096×10``."""
    return "×".join(map(str, shape))
