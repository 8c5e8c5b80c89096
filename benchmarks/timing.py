"""Timing that compares: the candidates take turns within one run, and the median of each counts.

A machine's speed drifts; candidates that are timed one after the other are compared with different
machines. Taking turns gives each the same share of the drift.
"""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


class TimeLimitError(Exception):
    """A candidate was stopped at its time limit."""


@contextmanager
def limited(seconds: float, clock: Callable[[], float] = time.perf_counter) -> Iterator[None]:
    """Stop what runs inside after `seconds` of `clock` (only in the main thread of a POSIX process).

    Raises
    ------
    TimeLimitError
        At the limit.
    """
    timer, sent = signal.ITIMER_REAL, signal.SIGALRM
    if clock is time.process_time:
        timer, sent = signal.ITIMER_PROF, signal.SIGPROF

    def stop(*_: object) -> None:
        raise TimeLimitError

    before = signal.signal(sent, stop)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(sent, before)


@dataclass(frozen=True)
class Timing:
    """The times of one candidate in seconds, or the words that say why there are none."""

    seconds: tuple[float, ...] = ()
    failure: str = ""

    @property
    def median(self) -> float:
        """The median time; NaN if there is none."""
        return statistics.median(self.seconds) if self.seconds and not self.failure else float("nan")

    def __str__(self) -> str:
        return self.failure or in_words(self.median)


def in_words(seconds: float) -> str:
    """A time with three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def interleaved(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int = 5,
    limit: float | None = None,
    before: Callable[[], object] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Time the candidates in turns.

    Parameters
    ----------
    candidates
        What to call, by name.
    rounds
        How often each is called.
    limit
        The most seconds for one call; a candidate that needs more is stopped, called no more, and
        its timing says so.
    before
        Called before every call and not timed, such as clearing a cache.
    clock
        What tells the time: ``time.process_time`` counts only what this process itself works, which is
        right for one thread on a machine that others use.

    Returns
    -------
    dict
        For each name, its timing.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    failures: dict[str, str] = {}
    for _ in range(rounds):
        for name, call in candidates.items():
            if name in failures:
                continue
            if before is not None:
                before()
            start = clock()
            try:
                if limit is None:
                    call()
                else:
                    with limited(limit, clock):
                        call()
            except TimeLimitError:
                failures[name] = f"more than {in_words(limit or 0)}"
            except StopIteration:
                failures[name] = "StopIteration"
            else:
                seconds[name].append(clock() - start)
    return {name: Timing(tuple(times), failures.get(name, "")) for name, times in seconds.items()}
