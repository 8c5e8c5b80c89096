"""The pictures of a derivative with what is to be said beside them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from symderiv.calculus import Derivation
from symderiv.documents.formulas import Formula, formula
from symderiv.documents.picture import MOST_CELLS, heat_map, part_picture, whole_picture
from symderiv.documents.shown import Numbers
from symderiv.documents.structure import Structure, sides, structure
from symderiv.expression.nodes import Index
from symderiv.notation.latex import to_latex
from symderiv.notation.text import to_text

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Piece:
    """One of the matrices of a sum: the sign before it, its picture, its entry, its kind in words."""

    sign: str
    picture: Markup
    entry: Formula
    words: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A Jacobian as a picture, and as the sum of others where it is one."""

    whole: Markup
    entry: Formula
    pieces: tuple[Piece, ...]
    words: str
    sizes: str
    by_label: bool


def figure(derivation: Derivation) -> Figure | None:
    """The picture of a derivative that is a matrix with some structure; None for others."""
    from markupsafe import Markup

    found = structure(derivation)
    if found is None or (len(found.parts) == 1 and found.parts[0].kind in ("full", "zero")):
        return None
    sizes, problem = found.sizes(), derivation.problem
    words = _sentence(found)
    shown = dict.fromkeys(each.axis for each in (*found.rows, *found.columns))
    pieces = [
        Piece(
            "−" if part.negative else "+" if place else "",
            Markup(part_picture(found, part, sizes)),
            formula(to_latex(part.expression, problem)),
            part.words,
        )
        for place, part in enumerate(found.parts)
    ]
    return Figure(
        whole=Markup(whole_picture(found, sizes, f"The matrix of {to_text(derivation.start)}: {words}")),
        entry=formula(to_latex(derivation.start, problem)),
        pieces=tuple(pieces),
        words=words,
        sizes=", ".join(f"{axis} = {sizes[axis]}" for axis in shown),
        by_label=any(part.kind == "chosen" for part in found.parts),
    )


def _sentence(found: Structure) -> str:
    """The whole in words."""
    said = ""
    for part in found.parts:
        sign = (" − " if part.negative else " + ") if said else "−" if part.negative else ""
        said += f"{sign}({part.words})" if len(found.parts) > 1 else f"{sign}{part.words}"
    return said


def heat_figure(derivation: Derivation, numbers: Numbers) -> Markup | None:
    """The entries in numbers as a heat map; a vector is one row. None for a number, or for too many."""
    from markupsafe import Markup

    letters = numbers.letters
    rows, columns = sides(derivation) or ((), letters)
    if not letters or set(rows) | set(columns) != set(letters):
        return None
    spots = [list(product(*(range(numbers.sizes[each.axis]) for each in side))) for side in (rows, columns)]
    if max(map(len, spots)) > MOST_CELLS:
        return None

    def place(row: tuple[int, ...], column: tuple[int, ...]) -> tuple[int, ...]:
        where = dict(zip((*rows, *columns), (*row, *column), strict=True))
        return tuple(where[letter] for letter in letters)

    values = [[numbers.values[place(row, column)] for column in spots[1]] for row in spots[0]]
    flat = [value for row in values for value in row]
    label = f"Heat map of {to_text(derivation.start)}, from {min(flat):.4g} to {max(flat):.4g}"
    names = [[_named(side, spot) for spot in each] for side, each in zip((rows, columns), spots, strict=True)]
    return Markup(heat_map(names[0], names[1], values, label))


def _named(letters: tuple[Index, ...], spot: tuple[int, ...]) -> str:
    return ", ".join(f"{letter.name} = {place + 1}" for letter, place in zip(letters, spot, strict=True))
