"""How the cost of the emitted functions grows with the size of one axis, and the fitted exponent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from symderiv.bench.cells import Cell, Workload, case_of
from symderiv.bench.measure import Options, check
from symderiv.bench.peers import emitted
from symderiv.bench.timing import interleaved

CLASSES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
SAMPLES = (1, 4, 16, 64, 256, 1024, 4096, 16_384)
QUICK = 5
FIXED_SAMPLES, FIXED_CLASSES = 4, 100
#: The exponent is fitted to sizes from this on, where the cost of a call no longer counts.
FITTED_FROM = {"K": 1000, "B": 64}


@dataclass(frozen=True)
class Growth:
    """The times of one workload by the size of one axis, for each emitted target."""

    name: str
    title: str
    axis: str
    fixed: str
    dtype: str
    seconds: Mapping[str, Mapping[int, float]]

    @property
    def exponents(self) -> dict[str, float]:
        """For each target, the c of the fitted time = a · size^c, over the larger sizes."""
        return {
            label: fitted_exponent({size: t for size, t in times.items() if size >= FITTED_FROM[self.axis]})
            for label, times in self.seconds.items()
        }


def fitted_exponent(seconds: Mapping[int, float]) -> float:
    """The slope of log(time) over log(size), by least squares; NaN below two sizes."""
    if len(seconds) < 2:
        return math.nan
    logs = [(math.log(size), math.log(each)) for size, each in seconds.items()]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)


def growths(options: Options, tell: Callable[[str], None]) -> Iterator[Growth]:
    """The growth with K and with B of every workload that has rows."""
    for workload in options.workloads:
        if workload.axes != ("B", "K"):
            continue
        for dtype in options.dtypes:
            for axis in ("K", "B"):
                yield _growth(workload, dtype, axis, options, tell)


def _growth(
    workload: Workload, dtype: str, axis: str, options: Options, tell: Callable[[str], None]
) -> Growth:
    sizes = CLASSES if axis == "K" else SAMPLES
    seconds: dict[str, dict[int, float]] = {}
    for size in sizes[:QUICK] if options.quick else sizes:
        shape = (FIXED_SAMPLES, size) if axis == "K" else (size, FIXED_CLASSES)
        cell = Cell(workload, shape, dtype)
        tell(f"growth: {cell}")
        case = case_of(cell)
        good = [each for each in emitted.candidates(case) if not check(each, case).trouble]
        times = interleaved({each.label: each.call for each in good}, options.budget / 4, options.threads)
        for label, timing in times.items():
            seconds.setdefault(label, {})[size] = timing.median
    fixed = f"B = {FIXED_SAMPLES}" if axis == "K" else f"K = {FIXED_CLASSES}"
    return Growth(workload.name, workload.title, axis, fixed, dtype, seconds)
