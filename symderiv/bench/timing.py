"""Timing that compares: candidates take turns within one process, and medians and quartiles count.

A machine's speed drifts; candidates that are timed one after the other are compared with different
machines. Taking turns gives each the same share of the drift. Their order is drawn anew for every round,
the same in every run: who comes second finds what the first has left in the cache.

With one thread the clock is the processor time of this process, so that of what else the machine
does only its use of the memory counts; with several it is the clock on the wall.
"""

from __future__ import annotations

import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Call = Callable[[], object]
Clock = Callable[[], float]
#: A sample is this long at least, so that the clock's own time does not count.
LEAST_SAMPLE = 2e-4
#: A call that takes longer is not warmed up.
SLOW = 0.02
#: Calls before the counting, and the most calls in a sample.
WARM_UP = 5
MOST_CALLS = 1000
LEAST_ROUNDS, MOST_ROUNDS = 5, 60


@dataclass(frozen=True)
class Timing:
    """The times of one candidate, in seconds a call, one for each round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile."""
        if len(self.seconds) < 2:
            return self.seconds[0], self.seconds[0]
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    def ratio(self, other: Timing) -> float:
        """How many times as long as `other`, the median over the rounds that both took part in."""
        pairs = zip(self.seconds, other.seconds, strict=False)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def clock_for(threads: int) -> Clock:
    """What tells the time for candidates with so many threads."""
    return time.process_time if threads == 1 else time.perf_counter


def calls_in_a_sample(call: Call, clock: Clock) -> tuple[int, float]:
    """How many calls make a sample long enough, and about how long one call takes."""
    once = math.inf
    for _ in range(WARM_UP):  # the first call after others finds cold caches and is no measure
        start = clock()
        call()
        once = min(once, clock() - start)
        if once > SLOW:
            break
    count = 1
    while once * count < LEAST_SAMPLE:
        count = max(2 * count, int(LEAST_SAMPLE / max(once, LEAST_SAMPLE / MOST_CALLS)) + 1)
        start = clock()
        for _ in range(count):
            call()
        once = (clock() - start) / count
    return count, once


def interleaved(candidates: Mapping[str, Call], budget: float, threads: int = 1) -> dict[str, Timing]:
    """Time the candidates in turns for about `budget` seconds, each in every round.

    Those that are warm already: the first calls are for counting and are not timed.
    """
    clock = clock_for(threads)
    counts, once = {}, {}
    for name, call in candidates.items():
        counts[name], once[name] = calls_in_a_sample(call, clock)
    round_seconds = sum(counts[name] * once[name] for name in candidates)
    rounds = max(LEAST_ROUNDS, min(MOST_ROUNDS, int(budget / max(round_seconds, 1e-9))))
    names = list(candidates)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            random.Random(number).shuffle(names)
            for name in names:
                call, count = candidates[name], counts[name]
                start = clock()
                for _ in range(count):
                    call()
                seconds[name].append((clock() - start) / count)
    finally:
        if collecting:
            gc.enable()
    return {name: Timing(tuple(times)) for name, times in seconds.items()}


def time_text(seconds: float) -> str:
    """A time with three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
