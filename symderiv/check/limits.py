"""The bounds that checking keeps, all in one place; whatever a document holds, it ends within them.

A document or a part of it that goes beyond a bound gets a sentence that names the bound.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

#: The longest that one claim may take, in seconds; it is undecided then.
SECONDS_PER_CLAIM = 10.0
#: The longest that reading one document may take, in seconds; what is not read by then is unreadable.
SECONDS_PER_READING = 60.0
#: The longest that one document may take; claims that are left then are undecided.
SECONDS_PER_DOCUMENT = 600.0
#: When the time is called again, in seconds, where something kept the first call from being heard.
AGAIN = 1.0
#: The longest document that is read, in characters, everything that it takes in included.
MAX_DOCUMENT = 2_000_000
#: Displays of one document that are read, at most.
MAX_DISPLAYS = 1_000
#: Directives of one document that are read, at most.
MAX_DIRECTIVES = 1_000
#: Conditions such as x > 0 that one document may assume, at most.
MAX_CONDITIONS = 50
#: Files taken in by ``\\input``, at most, and how deep one may take in another.
MAX_FILES, MAX_DEPTH = 200, 10
#: How often a document may define names anew; each time what follows is read once more, so the work doubles.
MAX_ANEW = 4
#: Definitions in lines that are tried, at most.
MOST_IN_LINES = 12


class OutOfTimeError(BaseException):
    """A piece of work took longer than it may; that is no error of the work, and nothing in it catches it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let what happens inside take at most `seconds`.

    The limit is kept by a signal, so it holds in the main thread of a program and on systems that have
    interval timers; elsewhere there is none.

    Raises
    ------
    OutOfTimeError
        When the time is up.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
