"""What is wrong with a text, and where: one sentence, the line, a caret under the character."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

#: How much of a long line is shown around the caret.
MAX_SHOWN = 110


class NotationError(ValueError):
    """A text that is not understood.

    Attributes
    ----------
    message
        One sentence: what was expected, what was found, what to do.
    path
        The file, or a word for where the text came from.
    line, column
        The place, both counted from 1.
    source_line
        The line of the text at that place.
    """

    def __init__(self, message: str, path: str, line: int, column: int, source_line: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.source_line = source_line

    def __str__(self) -> str:
        shown, caret = caret_lines(self.source_line, self.column)
        return f"{self.path}:{self.line}:{self.column}: {self.message}\n{shown}\n{caret}"


class ShapeError(NotationError):
    """Matrix notation whose shapes do not fit: understood, and false as it stands."""


@dataclass(frozen=True)
class Source:
    """A text and where it came from; makes errors from places in it."""

    text: str
    path: str

    def error(self, offset: int, message: str) -> NotationError:
        """The error `message` at the character `offset` of the text, counted from 0."""
        offset = max(0, min(offset, len(self.text)))
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        line = self.text[start : end if end >= 0 else len(self.text)]
        number = self.text.count("\n", 0, offset) + 1
        return NotationError(message, self.path, number, offset - start + 1, line.rstrip("\r"))


def printable(text: str, kept: str = "\n\t") -> str:
    """A text without characters that steer a terminal or turn the direction of print."""
    return "".join(
        letter if letter.isprintable() or letter in kept else " " if letter.isspace() else "?"
        for letter in text
    )


def quoted(word: str, most: int = 40) -> str:
    """A piece of the user's text for use in a sentence: short and printable."""
    word = printable(word, "")
    return word if len(word) <= most else f"{word[: most - 3]}..."


def described(letter: str) -> str:
    """A character for use in a sentence; one that may look like another or like none, with its name."""
    if letter.isascii() and letter.isprintable():
        return letter
    unnamed = "a control character" if unicodedata.category(letter) == "Cc" else "a character without a name"
    number, name = f"U+{ord(letter):04X}", unicodedata.name(letter, unnamed).lower()
    return f"{letter} ({number}, {name})" if letter.isprintable() else f"{number} ({name})"


def unexpected(letter: str) -> str:
    """What is said of a character that the notation does not have."""
    return f"unexpected {described(letter)}: this character has no meaning here"


def caret_lines(line: str, column: int) -> tuple[str, str]:
    """The part of a line around `column` and the caret line below it, safe for a terminal."""
    line = printable(line, "\t")
    before, after = line[: column - 1], line[column - 1 :]
    if len(line) > MAX_SHOWN:
        half = MAX_SHOWN // 2
        if len(before) > half:
            before = "..." + before[-half:]
        if len(after) > half:
            after = after[:half] + "..."
    caret = "".join("\t" if letter == "\t" else " " for letter in before) + "^"
    return before + after, caret
