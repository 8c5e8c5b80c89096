"""The catalogue: problems that are known by name, written in the text notation."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symderiv.problem import Problem

SUFFIX = ".sd"


class UnknownProblemError(ValueError):
    """A name that is not in the catalogue, or a file that cannot be read."""


def names() -> tuple[str, ...]:
    """The names of all problems in the catalogue, in alphabetical order."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)))


def load(name_or_path: str | Path) -> Problem:
    """Read a problem of the catalogue, or a problem file.

    Parameters
    ----------
    name_or_path
        A name of :func:`names`, or the path of a file that ends in ``.sd``.

    Raises
    ------
    UnknownProblemError
        If there is no such problem, or the file cannot be read.
    NotationError
        If the file is not understood.
    """
    from symderiv.notation.reader import read_problem

    wanted = str(name_or_path)
    if wanted.endswith(SUFFIX):
        path = Path(wanted)
        stem = path.name.removesuffix(SUFFIX)
        name = "".join(letter if letter.isprintable() else "_" for letter in stem)
        return read_problem(_read_file(path), name, wanted)
    known = names()
    if wanted not in known:
        raise UnknownProblemError(_not_found(wanted, known))
    return _read(wanted)


@lru_cache(maxsize=128)
def _read(name: str) -> Problem:
    """A problem of the catalogue, which no one changes: it is read once."""
    from symderiv.notation.reader import read_problem

    return read_problem(text_of(name), name, f"{name}{SUFFIX}")


def text_of(name: str) -> str:
    """The text of a problem of the catalogue, as written."""
    if name not in names():
        raise UnknownProblemError(_not_found(name, names()))
    return (files(__package__) / f"{name}{SUFFIX}").read_text(encoding="utf-8")


def _not_found(wanted: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    from symderiv.notation.errors import quoted

    close = get_close_matches(wanted.lower().replace("-", "_"), known, n=3, cutoff=0.5)
    meant = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(known)}."
    return (
        f"There is no problem called {quoted(wanted)!r} in the catalogue. {meant} "
        f"A file's name must end in {SUFFIX}."
    )


def _read_file(path: Path) -> str:
    from symderiv.notation.errors import quoted
    from symderiv.notation.syntax import MAX_TEXT
    from symderiv.system import read_bytes, reason

    try:
        data = read_bytes(path, 4 * MAX_TEXT + 1)
    except FileNotFoundError:
        raise UnknownProblemError(f"There is no file {quoted(str(path), 200)}.") from None
    except OSError as error:
        raise UnknownProblemError(f"{quoted(str(path), 200)} cannot be read: {reason(error)}.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) > 4 * MAX_TEXT:  # cut off in the middle of a letter: too long, said by the reader
            return data.decode("utf-8-sig", errors="replace")
        raise UnknownProblemError(
            f"{path} is not a text in UTF-8 (byte {error.start + 1} is not valid). Save it as UTF-8."
        ) from None
