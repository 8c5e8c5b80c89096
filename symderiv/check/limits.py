"""A bound on the time that one piece of work may take."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

#: The longest that one claim may take, in seconds.
SECONDS_PER_CLAIM = 10.0


class OutOfTimeError(Exception):
    """A piece of work took longer than it may."""


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
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
