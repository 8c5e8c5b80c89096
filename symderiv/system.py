"""What the operating system gives or refuses: files that people name, and its refusals in words."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EFBIG, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else []))


class NotPlainError(OSError):
    """Something that has a name but holds no text: a folder, a pipe, a device."""


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
