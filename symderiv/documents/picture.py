"""Pictures of matrices in SVG: which entries there are, and of which kind; numbers as a heat map.

A picture has no colours of its own: the page's style sheet gives them to its classes, in light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from math import prod
from typing import TYPE_CHECKING

from symderiv.documents.structure import Part, Structure
from symderiv.expression.nodes import Index

if TYPE_CHECKING:
    from markupsafe import Markup

_CELL = 10
#: The room for the bars that a matrix of rank one has at its sides.
_BAR = 7
#: A heat map with more cells than this at a side has no numbers in them.
_NUMBERED = 8
#: A heat map has at most so many cells at a side.
MOST_CELLS = 64
#: The class of a kind, where it is not its name.
_CLASSES = {"rank one": "rank-one", "Toeplitz": "shifted", "Hankel": "shifted"}
#: Kinds that are drawn below the others where several meet.
_GROUND = ("full", "product", "rank one", "Toeplitz", "Hankel")


def whole_picture(found: Structure, sizes: Mapping[str, int], label: str) -> str:
    """All parts in one matrix, the sparse ones as smaller squares upon the others."""
    order = sorted(found.parts, key=lambda part: part.kind not in _GROUND)
    drawn: list[str] = []
    covered: set[tuple[int, int]] = set()
    for part in order:
        cells = _cells(found.support(part, sizes))
        inset = 2 if covered & set(cells) and part.kind not in _GROUND else 0
        if part.kind not in _GROUND or not covered:
            drawn.append(_filled(cells, part.kind, inset))
        covered |= set(cells)
    return _svg(found, sizes, "".join(drawn), label)


def part_picture(found: Structure, part: Part, sizes: Mapping[str, int]) -> str:
    """One part by itself; one of rank one with the two vectors that it is the product of."""
    cells = _cells(found.support(part, sizes))
    drawn = _filled(cells, part.kind, 0)
    if part.kind == "rank one":
        if part.by_row:
            drawn += _filled([(row, -1) for row in sorted({row for row, _ in cells})], "vector", 1)
        if part.by_column:
            drawn += _filled(
                [(-1, column) for column in sorted({column for _, column in cells})], "vector", 1
            )
    return _svg(found, sizes, drawn, f"A matrix: {part.words}")


def heat_map(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], label: str
) -> str:
    """Numbers as colours: one for positive ones, one for negative ones, the stronger the larger.

    Parameters
    ----------
    rows, columns
        What each row and column is called, as text.
    values
        The numbers, row by row.
    label
        What the picture shows, for who does not see it.
    """
    largest = max((abs(value) for row in values for value in row), default=0.0) or 1.0
    size = 44 if max(len(columns), len(rows)) <= _NUMBERED else 14
    drawn = []
    for place, (name, row) in enumerate(zip(rows, values, strict=True)):
        for spot, (head, value) in enumerate(zip(columns, row, strict=True)):
            x, y = spot * size, place * size
            sign = "positive" if value >= 0 else "negative"
            said = escape(f"{name}, {head}: {value:.6g}" if name else f"{head}: {value:.6g}")
            drawn.append(
                f'<rect class="heat {sign}" x="{x}" y="{y}" width="{size}" height="{size}" '
                f'fill-opacity="{abs(value) / largest:.3f}"><title>{said}</title></rect>'
            )
            if size > 20:
                drawn.append(
                    f'<text class="number" x="{x + size / 2:g}" y="{y + size / 2 + 3.5:g}">'
                    f"{_short(value)}</text>"
                )
    wide, high = size * len(columns), size * len(rows)
    frame = f'<rect class="frame" x="0" y="0" width="{wide}" height="{high}"/>'
    return (
        f'<svg class="heat-map" role="img" aria-label="{escape(label)}" '
        f'viewBox="-1 -1 {wide + 2} {high + 2}" width="{wide + 2}" height="{high + 2}">'
        f"{''.join(drawn)}{frame}</svg>"
    )


def _short(value: float) -> str:
    text = f"{value:.2f}" if 0.01 <= abs(value) < 100 or value == 0 else f"{value:.0e}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def _cells(support: Sequence[Sequence[bool]]) -> list[tuple[int, int]]:
    return [(place, spot) for place, row in enumerate(support) for spot, filled in enumerate(row) if filled]


def _filled(cells: Sequence[tuple[int, int]], kind: str, inset: int) -> str:
    """Squares as one path; those beside each other in a row as one bar."""
    side = _CELL - 2 * inset
    pieces: list[str] = []
    run = 0
    for place, (row, column) in enumerate(cells):
        run += 1
        if not inset and place + 1 < len(cells) and cells[place + 1] == (row, column + 1):
            continue
        start = column - run + 1
        # Bars beside the matrix stand apart from it.
        x = start * _CELL + inset - (_BAR - _CELL + 3 if column < 0 else 0)
        y = row * _CELL + inset - (_BAR - _CELL + 3 if row < 0 else 0)
        pieces.append(f"M{x} {y}h{side + (run - 1) * _CELL}v{side}h-{side + (run - 1) * _CELL}z")
        run = 0
    return f'<path class="{_CLASSES.get(kind, kind)}" d="{"".join(pieces)}"/>' if pieces else ""


def _svg(found: Structure, sizes: Mapping[str, int], drawn: str, label: str) -> str:
    rows, columns = (_count(letters, sizes) for letters in (found.rows, found.columns))
    wide, high = columns * _CELL, rows * _CELL
    grid = "".join(f"M{spot * _CELL} 0v{high}" for spot in range(1, columns))
    grid += "".join(f"M0 {place * _CELL}h{wide}" for place in range(1, rows))
    blocks = "".join(f"M{spot} 0v{high}" for spot in _borders(found.columns, sizes))
    blocks += "".join(f"M0 {place}h{wide}" for place in _borders(found.rows, sizes))
    borders = f'<path class="borders" d="{blocks}"/>' if blocks else ""
    scale = 2 if max(rows, columns) <= 8 else 1.5
    around = _CELL + 1
    return (
        f'<svg class="matrix" role="img" aria-label="{escape(label)}" '
        f'viewBox="-{around} -{around} {wide + around + 1} {high + around + 1}" '
        f'width="{(wide + around + 1) * scale:g}" height="{(high + around + 1) * scale:g}">'
        f'{drawn}<path class="grid" d="{grid}"/>{borders}'
        f'<rect class="frame" x="0" y="0" width="{wide}" height="{high}"/></svg>'
    )


def _count(letters: Sequence[Index], sizes: Mapping[str, int]) -> int:
    return prod(sizes[each.axis] for each in letters)


def _borders(letters: Sequence[Index], sizes: Mapping[str, int]) -> list[int]:
    """Where the first of several letters changes."""
    if len(letters) < 2:
        return []
    step = _count(letters[1:], sizes)
    return [place * step * _CELL for place in range(1, sizes[letters[0].axis])]


#: The ink of each class where no style sheet of ours is: one that can be seen on white and on black.
_INKS = {
    "diagonal": "fill:#4a7fd6", "rank-one": "fill:#d08f2e", "vector": "fill:#a9661a",
    "blocks": "fill:#3a9a63", "shifted": "fill:#3a9a63", "full": "fill:#8b95a7",
    "product": "fill:#8b95a7", "chosen": "fill:#a04fc0",
    "grid": "fill:none;stroke:#8a93a5;stroke-opacity:.45;stroke-width:.5",
    "frame": "fill:none;stroke:#8a93a5", "borders": "fill:none;stroke:#8a93a5;stroke-width:1.2",
    "heat positive": "fill:#e58a5e", "heat negative": "fill:#7fa8e0",
    "number": "fill:currentcolor;font:10px system-ui,sans-serif;text-anchor:middle",
    "matrix": "width:8rem;height:auto;max-width:100%", "heat-map": "max-width:100%;height:auto",
}  # fmt: skip


def inked(picture: str) -> Markup:
    """A picture that needs no style sheet, for notebooks."""
    from markupsafe import Markup

    return Markup(re.sub(r'class="([a-z -]+)"', lambda found: f'style="{_INKS.get(found[1], "")}"', picture))
