"""A math document: one text, where each part of it came from, and the mathematics found in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from symderiv.notation.errors import NotationError


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a document's text: it begins at `begin` there, and is line `line` on of `path`.

    `cell` counts the cells of a notebook from 1; 0 elsewhere.
    """

    begin: int
    path: str
    cell: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: lines and columns count from 1, `cell` is 0 outside notebooks."""

    path: str
    cell: int
    line: int
    column: int
    source_line: str

    def __str__(self) -> str:
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.path}:{cell}{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of mathematics or a directive: ``text[begin:end]`` of the document, delimiters excluded.

    Attributes
    ----------
    kind
        ``display``, ``inline`` or ``directive``.
    number
        Which display of the document it is, counted from 1; 0 for the other kinds.
    fault
        What is wrong with its delimiters, if anything is; it is not read then.
    """

    kind: str
    begin: int
    end: int
    number: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Macro:
    """What ``\\newcommand`` says of a name: the text that stands for it, and how many arguments it takes."""

    name: str
    body: str
    arguments: int = 0
    optional: bool = False

    @property
    def text(self) -> str | None:
        """What stands for the name, with #1, #2 and so on for its arguments; None if one may be left out."""
        unused = (number for number in range(1, self.arguments + 1) if f"#{number}" not in self.body)
        return None if self.optional else self.body + "".join(rf"\phantom{{#{each}}}" for each in unused)


@dataclass(frozen=True)
class Document:
    """A text with its mathematics.

    Attributes
    ----------
    path
        The file, or ``<stdin>``.
    text
        Everything that was read, in order; of a notebook the cells of prose.
    stretches
        Where the parts of `text` stand, in order of `begin`.
    blocks
        The mathematics and the directives, in order.
    macros
        The commands that the document defines, by name without backslash.
    """

    path: str
    text: str
    stretches: tuple[Stretch, ...]
    blocks: tuple[Block, ...]
    macros: tuple[Macro, ...] = ()

    @cached_property
    def starts(self) -> list[int]:
        """Where the lines of the text begin."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def row(self, offset: int) -> int:
        """Which line of the text holds the character at `offset`, counted from 0."""
        return bisect_right(self.starts, offset) - 1

    def place(self, offset: int) -> Place:
        """Where the character at `offset` of the text stands in its file."""
        number = bisect_right(self.stretches, offset, key=lambda each: each.begin) - 1
        stretch = self.stretches[max(0, number)]
        row = self.row(offset)
        start = max(self.starts[row], stretch.begin)
        end = self.starts[row + 1] - 1 if row + 1 < len(self.starts) else len(self.text)
        line = row - self.row(stretch.begin) + stretch.line
        source_line = self.text[start:end].rstrip("\r")
        return Place(stretch.path, stretch.cell, line, offset - start + 1, source_line)

    def offset(self, place: Place) -> int:
        """Where a place stands in the text: the inverse of :meth:`place`."""
        number = max(
            number
            for number, each in enumerate(self.stretches)
            if not number or ((each.path, each.cell) == (place.path, place.cell) and each.line <= place.line)
        )
        stretch = self.stretches[number]
        row = self.row(stretch.begin) + place.line - stretch.line
        if row >= len(self.starts):
            return len(self.text)
        return min(max(self.starts[row], stretch.begin) + place.column - 1, len(self.text))

    def error(self, offset: int, message: str) -> NotationError:
        """The error `message` at a character of the text."""
        place = self.place(offset)
        path = f"{place.path}:cell {place.cell}" if place.cell else place.path
        return NotationError(message, path, place.line, place.column, place.source_line)

    def masked(self, blocks: tuple[Block, ...]) -> str:
        """The text with everything outside `blocks` blanked out, every character at its old place."""
        pieces, last = [], 0
        for block in blocks:
            pieces += [_blank(self.text[last : block.begin]), self.text[block.begin : block.end]]
            last = block.end
        return "".join([*pieces, _blank(self.text[last:])])


class DocumentError(ValueError):
    """A file that cannot be read as a document; the message is one sentence for the reader."""


def _blank(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))
