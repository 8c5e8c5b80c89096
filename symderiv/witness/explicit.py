"""What the witness hands back: every entry for given sizes, and whether the index calculus agrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from symderiv.calculus.derivation import Derivation
from symderiv.expression.nodes import Expression
from symderiv.problem import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Explicit:
    """A derivative written out entry by entry, by SymPy.

    Attributes
    ----------
    problem, derivation
        What was differentiated, and the derivation that the entries were compared with.
    sizes
        The number of places on each axis.
    rows, columns
        What each row and column stands for: entries at fixed places, such as ``p[1]``; a row or
        column that stands for nothing in particular has the whole derivative. A vector has one column.
    shape
        The shape of the result: ``(rows, columns)``, ``(rows,)`` for a vector, ``()`` for a scalar.
        For an output with entries, a variable W[j, i] is laid out by columns: i·N + j, from 0.
    entries
        One tree for each entry, in the problem's own names, with positions for indices.
    agrees
        Whether every entry is equal to the form, exactly.
    checked
        How many comparisons were made: entries, times the places of a label.
    pattern
        What was read off the entries, in words.
    pattern_form
        The form read off the entries; None where they follow no single pattern.
    faults
        For each entry that is not equal: a sentence that names it and shows both sides.
    undecided
        For each entry that looks equal in numbers but was not shown equal: the same.
    assumed
        Whether the entries are shown under the derivation's assumptions.
    """

    problem: Problem
    derivation: Derivation
    sizes: tuple[tuple[str, int], ...]
    rows: tuple[Expression, ...]
    columns: tuple[Expression, ...]
    shape: tuple[int, ...]
    entries: tuple[tuple[Expression, ...], ...]
    agrees: bool
    checked: int
    pattern: str
    pattern_form: Expression | None
    faults: tuple[str, ...]
    undecided: tuple[str, ...]
    assumed: bool
    _numbers: Callable[[Mapping[str, Any]], list[list[float]]] = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[Callable[..., Explicit], tuple[Any, ...]]:
        """Pickled without SymPy's expressions, which are found again when numbers are asked for."""
        return _restored, ({each.name: getattr(self, each.name) for each in fields(self)[:-1]},)

    def matrix(self) -> tuple[tuple[Expression, ...], ...]:
        """The entries, row by row."""
        return self.entries

    def values(self, arrays: Mapping[str, Any]) -> NDArray[np.float64]:
        """SymPy's derivative in numbers.

        Parameters
        ----------
        arrays
            Values of every input, by name, in the shape of its axes. A label counts its places from
            0. For an unspecified L(y), ``dL_dy`` has the values of its derivative.

        Returns
        -------
        numpy.ndarray
            float64, in the shape of `shape`.

        Raises
        ------
        WitnessError
            If values are missing or have the wrong shape.
        """
        import numpy as np

        return np.array(self._numbers(arrays), dtype=np.float64).reshape(self.shape)

    def verdict(self) -> str:
        """One sentence: whether SymPy and the index calculus agree."""
        if self.agrees:
            return f"SymPy and the index calculus agree exactly in all {self.checked} comparisons."
        if not self.faults:
            open_ones = f"{len(self.undecided)} of {self.checked}"
            return f"SymPy was not compared exactly in {open_ones}: {self.undecided[0]}"
        first = self.faults[0]
        return f"SymPy and the index calculus disagree in {len(self.faults)} of {self.checked}: {first}"

    def to_text(self) -> str:
        """The entries as lines of text, with the pattern and the verdict below."""
        from symderiv.notation.text import to_text

        sizes = ", ".join(f"{axis} = {size}" for axis, size in self.sizes)
        lines = [f"{to_text(self.derivation.start)} at {sizes}"]
        if self.assumed:
            stated = [
                f"{to_text(each.left)} == {to_text(each.right)}" for each in self.derivation.assumptions
            ]
            lines[0] += f", assuming {', '.join(stated)}"
        spelled = [[to_text(entry) for entry in row] for row in self.entries]
        labels = [to_text(row) for row in self.rows]
        margin = max((len(label) for label in labels), default=0)
        if len(self.shape) == 2:
            heads = [to_text(column) for column in self.columns]
            widths = [max(len(head), *(len(row[at]) for row in spelled)) for at, head in enumerate(heads)]
            lines.append("  ".join([" " * margin, *(h.ljust(w) for h, w in zip(heads, widths, strict=True))]))
        else:
            widths = [max((len(row[0]) for row in spelled), default=0)]
        for label, row in zip(labels, spelled, strict=True):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append("  ".join([label.ljust(margin), *cells]))
        return "\n".join(line.rstrip() for line in [*lines, self.pattern, self.verdict()])


def _restored(kept: dict[str, Any]) -> Explicit:
    """An explicit derivative from its fields, but for the last, which holds SymPy's expressions."""

    def numbers(arrays: Mapping[str, Any]) -> list[list[float]]:
        from symderiv.witness import witness

        return witness(kept["derivation"], dict(kept["sizes"]))._numbers(arrays)

    return Explicit(**kept, _numbers=numbers)
