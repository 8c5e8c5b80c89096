"""Where things stand in what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symderiv.notation.formulas import Statement


@dataclass(frozen=True)
class Place:
    """A stretch of the text.

    Attributes
    ----------
    line, column
        Where it begins, both counted from 1.
    begin, end
        The same as offsets; as a browser counts them, in units of UTF-16.
    """

    line: int
    column: int
    begin: int
    end: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


def place_at(text: str, offset: int, length: int) -> Place:
    """The place of some characters of a text."""
    offset = max(0, min(offset, len(text)))
    start = text.rfind("\n", 0, offset) + 1
    begin, end = (_units(text[:each]) for each in (offset, offset + length))
    return Place(text.count("\n", 0, offset) + 1, offset - start + 1, begin, end)


def place_of(text: str, line: int, column: int, length: int = 1) -> Place:
    """The place at a line and a column, both counted from 1."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return place_at(text, start + column - 1, length)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def equals_signs(text: str, statements: Sequence[Statement]) -> list[tuple[int, ...]]:
    """For each statement, where its equals signs stand; nothing from the first that is not found.

    The sides are looked for as they were written, one after the other.
    """
    found = []
    place = 0
    for statement in statements:
        signs: list[int] = []
        start = text.find(statement.written[0], place) if statement.written else -1
        last = start + len(statement.written[0]) if start >= 0 else -1
        for side in statement.written[1:]:
            begin = text.find(side, last) if last >= 0 and side else -1
            sign = text.rfind("=", last, begin) if begin >= 0 else -1
            if sign < 0:
                break
            signs.append(sign)
            last = begin + len(side)
        place = max(place, last)
        found.append(tuple(signs))
    return found
