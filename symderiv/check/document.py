"""A math document: one text, where each part of it came from, and the mathematics found in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

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

    def place(self, offset: int) -> Place:
        """Where the character at `offset` of the text stands in its file."""
        number = bisect_right([each.begin for each in self.stretches], offset) - 1
        stretch = self.stretches[max(0, number)]
        start = self.text.rfind("\n", stretch.begin, offset) + 1 or stretch.begin
        end = self.text.find("\n", offset)
        line = self.text.count("\n", stretch.begin, offset) + stretch.line
        source_line = self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")
        return Place(stretch.path, stretch.cell, line, offset - start + 1, source_line)

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
