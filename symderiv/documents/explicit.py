r"""The entries at given sizes as tables in LaTeX that stay on the page."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from symderiv.documents.layout import width
from symderiv.notation.latex import to_latex
from symderiv.notation.latex_names import latex_name

if TYPE_CHECKING:
    from symderiv.witness import Explicit

#: A table may be taken to be this much wider than the text before it is split; it is then scaled.
_SHRINK = 1.25
#: The most rows of one table; more go into another one below it.
_MOST_ROWS = 14
#: The space that a column adds to its entries, in ems.
_GAP = 1.1


def explicit_tables(explicit: Explicit, room: float) -> list[str]:
    """The entries as one table in LaTeX, or as several that hold some of the rows and columns each.

    Parameters
    ----------
    explicit
        The entries at given sizes.
    room
        How wide the text is, in ems.
    """
    problem = explicit.problem
    cells = [[to_latex(entry, problem) for entry in row] for row in explicit.entries]
    rows = [to_latex(row, problem) for row in explicit.rows]
    columns = [to_latex(column, problem) for column in explicit.columns]
    if not explicit.shape:
        return [f"{rows[0]} = {cells[0][0]}"]
    if len(explicit.shape) == 1:
        return [
            _list(rows[first : first + _MOST_ROWS], [row[0] for row in cells[first : first + _MOST_ROWS]])
            for first in range(0, len(rows), _MOST_ROWS)
        ]
    tables = []
    for first in range(0, len(rows), _MOST_ROWS):
        chosen = slice(first, first + _MOST_ROWS)
        for block in _blocks(cells[chosen], columns, room):
            tables.append(_table(rows[chosen], columns, cells[chosen], block))
    return tables


def _list(labels: Sequence[str], values: Sequence[str]) -> str:
    """The entries of a vector, one equation each."""
    gap = "[4pt]" if any(r"\frac" in value for value in values) else ""
    body = rf" \\{gap}".join(f"\n    {label} &= {value}" for label, value in zip(labels, values, strict=True))
    return rf"\begin{{aligned}}{body}" + "\n  " + r"\end{aligned}"


def explicit_sizes(explicit: Explicit) -> str:
    """The sizes in LaTeX, such as ``$K = 3$ and $N = 2$``."""
    return " and ".join(f"${latex_name(axis)} = {size}$" for axis, size in explicit.sizes)


def _blocks(cells: Sequence[Sequence[str]], heads: Sequence[str], room: float) -> list[range]:
    """Runs of columns that fit beside each other."""
    widths = [
        max(width(head), *(width(row[place]) for row in cells)) + _GAP for place, head in enumerate(heads)
    ]
    limit = (room - 3.0) * _SHRINK
    count = ceil(sum(widths) / limit)
    even = ceil(len(widths) / count)
    while even > 1 and any(sum(block) > limit for block in _batched(widths, even)):
        even -= 1
    return [range(start, min(start + even, len(widths))) for start in range(0, len(widths), even)]


def _batched(values: Sequence[float], size: int) -> list[Sequence[float]]:
    """`values` in runs of `size`, the last one shorter."""
    return [values[start : start + size] for start in range(0, len(values), size)]


def _table(rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[str]], block: range) -> str:
    """One table, labelled at its left and at its top."""
    lines = [" & " + " & ".join(columns[place] for place in block) + r" \\ \hline"]
    high = any(r"\frac" in cell for row in cells for cell in row)
    style, gap = (r"\displaystyle ", r" \\[16pt]") if high else ("", r" \\[2pt]")
    lines += [
        " & ".join([label, *(style + row[place] for place in block)]) + gap
        for label, row in zip(rows, cells, strict=True)
    ]
    body = "\n    ".join(lines)
    return rf"\begin{{array}}{{c|{'c' * len(block)}}}" + f"\n    {body}\n  " + r"\end{array}"
