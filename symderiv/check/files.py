"""Reads the text of a file within bounds, or says in a few words why it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from symderiv.check.limits import MAX_DOCUMENT
from symderiv.system import NotPlainError, read_bytes, reason

#: A letter of UTF-8 has four bytes at most.
_MOST_BYTES = 4 * MAX_DOCUMENT
#: How a message begins where a file cannot be opened.
CANNOT = "cannot read it: "
_TOO_LONG = f"expected at most {MAX_DOCUMENT} characters, found more"


class UnreadableFileError(ValueError):
    """A file that holds no text that can be read; the message is a few words."""


def text_of(path: Path) -> str:
    """The text of a file.

    Raises
    ------
    UnreadableFileError
        If it is missing, no plain file, too long, or no UTF-8 text.
    """
    try:
        return _text(read_bytes(path, _MOST_BYTES + 1))
    except NotPlainError as error:
        raise UnreadableFileError(
            f"expected a file or a folder of documents, found: {reason(error)}"
        ) from None
    except OSError as error:
        raise UnreadableFileError(f"{CANNOT}{reason(error)}") from None


def text_from(opened: BinaryIO) -> str:
    """The text of something that is opened for reading; no more of it is read than a document may have."""
    try:
        return _text(opened.read(_MOST_BYTES + 1))
    except OSError as error:
        raise UnreadableFileError(f"{CANNOT}{reason(error)}") from None


def _text(found: bytes) -> str:
    if len(found) > _MOST_BYTES:
        raise UnreadableFileError(_TOO_LONG)
    try:
        text = found.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFileError("expected UTF-8 text, found other bytes") from None
    if "\0" in text:
        raise UnreadableFileError("expected UTF-8 text, found bytes that are 0")
    return text
