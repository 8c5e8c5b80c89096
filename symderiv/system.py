"""What the operating system gives or refuses: files that people name, and its refusals in words."""

from __future__ import annotations

import errno
import functools
import stat
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Found = TypeVar("_Found")

_FULL = (errno.ENOSPC, errno.EFBIG, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else []))


class NotPlainError(OSError):
    """Something that has a name but holds no text: a folder, a pipe, a device."""


class LimitError(RuntimeError):
    """A problem for which the machine has not enough room; the message is one sentence."""


def plain(path: Path) -> bool:
    """Whether there is something called `path`, where links lead too, that can be read as a file.

    Raises
    ------
    NotPlainError
        If it is a folder, a device or a pipe: what opens a pipe waits until somebody writes.
    OSError
        If the system does not tell, as for a name that is too long.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(mode):
        raise NotPlainError(errno.EINVAL, f"it is a {'folder' if stat.S_ISDIR(mode) else 'device or a pipe'}")
    return True


def read_bytes(path: Path, most: int = -1) -> bytes:
    """What a plain file holds, of which no more than `most` bytes are read.

    Raises
    ------
    OSError
        If there is none, it is no plain file, or it cannot be read.
    """
    try:
        plain(path)
        with path.open("rb") as file:
            return file.read(most)
    except ValueError:  # a name with a 0 in it, which no system takes
        raise OSError(errno.EINVAL, "no file can have this name") from None


def reason(error: BaseException) -> str:
    """Why something could not be done, in words, where it is the machine that sets the limit."""
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return "the disk is full (or the limit on a file's size is reached)"
        return error.strerror.lower() if error.strerror else f"{type(error).__name__}: {error}"
    if isinstance(error, RecursionError):
        return "with its definitions it is nested too deeply; let fewer definitions build on each other"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is; choose smaller sizes, or split it"
    return " ".join(str(error).split())


def too_large(error: RecursionError | MemoryError) -> str:
    """The sentence on a problem for which the machine has not enough room."""
    return f"expected a problem that can be worked out here, found that {reason(error)}"


def within_limits(function: Callable[_Parameters, _Found]) -> Callable[_Parameters, _Found]:
    """Give a function of the library one sentence where Python's stack or the memory does not suffice.

    Raises
    ------
    LimitError
        Instead of Python's own errors, whose messages and endless tracebacks say nothing of the problem.
    """

    @functools.wraps(function)
    def wrapped(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Found:
        try:
            return function(*args, **kwargs)
        except (RecursionError, MemoryError) as error:
            told = too_large(error)
        raise LimitError(told)  # outside of the handler, which would keep a thousand frames alive

    return wrapped
