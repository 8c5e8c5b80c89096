"""One run: every candidate of every cell is checked, then all of a cell's are timed in turns."""

from __future__ import annotations

import gc
import math
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from symderiv.bench import peers
from symderiv.bench.cells import Candidate, Case, Cell, Shape, Workload, case_of, shape_text
from symderiv.bench.limits import Floor, copy_call, floor_of
from symderiv.bench.timing import Timing, interleaved

#: How far a result may be from the right one, in eps of its dtype times the largest right entry.
ALLOWED = 256.0
#: A cell whose inputs and outputs have more bytes than this is left out.
MOST_BYTES = 600_000_000
#: A candidate that needs longer than this for one call is told, and not timed in turns.
SLOW_CALL = 5.0


@dataclass(frozen=True)
class Options:
    """What a run is asked for.

    `budget` is about how many seconds each cell's turns take.
    """

    workloads: tuple[Workload, ...]
    dtypes: tuple[str, ...]
    shapes: tuple[Shape, ...] = ()
    quick: bool = False
    threads: int = 1
    budget: float = 2.0
    against: str = "numba"


@dataclass(frozen=True)
class Measured:
    """What became of one candidate: its error, and its times unless `trouble` says why there are none."""

    peer: str
    label: str
    error: float = math.nan
    timing: Timing | None = None
    trouble: str = ""

    @property
    def name(self) -> str:
        """Peer and label."""
        return f"{self.peer}: {self.label}"


@dataclass(frozen=True)
class CellResult:
    """All candidates of one cell, and its floor; `trouble` says why it was left out."""

    cell: Cell
    measured: tuple[Measured, ...] = ()
    floor: Floor | None = None
    trouble: str = ""

    def ours(self, target: str) -> Measured | None:
        """What was emitted for a target."""
        found = [each for each in self.measured if each.peer == "symderiv" and each.label.endswith(target)]
        return next((each for each in found if each.timing is not None), None)


@dataclass
class Run:
    """Everything that a run has found so far."""

    options: Options
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    results: list[CellResult] = field(default_factory=list)


def limit_threads(threads: int) -> None:
    """Give this process so many processors; to be called before any library is imported.

    Raises
    ------
    OSError
        If the machine has fewer.
    """
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, set(allowed[-threads:]))


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> str:
    """The processor's name, as far as it is known."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def cells(options: Options) -> list[Cell]:
    """What a run measures, in order."""
    found = []
    for workload in options.workloads:
        shapes = workload.quick if options.quick else workload.shapes
        if options.shapes:
            shapes = tuple(shape for shape in options.shapes if len(shape) == len(workload.axes))
        found += [Cell(workload, shape, dtype) for dtype in options.dtypes for shape in shapes]
    return found


def run(
    options: Options, names: Sequence[str], tell: Callable[[str], None]
) -> tuple[Run, Iterator[CellResult]]:
    """A run and the iterator that carries it out, cell by cell.

    Parameters
    ----------
    names
        The peers; all if there are none.
    tell
        Is told what is being done.
    """
    found, missing = peers.present(names)
    done = Run(options, {name: peers.peer(name).version() for name in found}, missing)

    def carried_out() -> Iterator[CellResult]:
        for cell in cells(options):
            result = measure(cell, found, options, tell)
            done.results.append(result)
            yield result

    return done, carried_out()


def measure(cell: Cell, names: Sequence[str], options: Options, tell: Callable[[str], None]) -> CellResult:
    """Check and time all candidates of a cell."""
    if cell.bytes_moved > MOST_BYTES:
        trouble = f"{cell} is left out: its arrays are too large to keep for all candidates"
        return CellResult(cell, trouble=trouble)
    tell(f"{cell}: inputs")
    case = case_of(cell)
    checked: list[tuple[Candidate, Measured]] = []
    for candidate in peers.candidates(names, case):
        tell(f"{cell}: checking {candidate.peer} {candidate.label}")
        checked.append((candidate, check(candidate, case)))
    good = {each.name: candidate for candidate, each in checked if not each.trouble}
    copy, copied_bytes = copy_call(cell, options.threads)
    tell(f"{cell}: timing {len(good)} candidates")
    calls = {"": copy, **{name: candidate.call for name, candidate in good.items()}}
    times = interleaved(calls, options.budget, options.threads)
    floor = floor_of(cell, times[""].median, copied_bytes, options.threads)
    measured = tuple(
        Measured(each.peer, each.label, each.error, times[each.name]) if each.name in times else each
        for _, each in checked
    )
    del checked, good, calls, case
    gc.collect()
    return CellResult(cell, measured, floor)


def check(candidate: Candidate, case: Case) -> Measured:
    """Call a candidate and compare what it returns with the right results."""
    import time

    import numpy as np

    def verdict(trouble: str, error: float = math.nan) -> Measured:
        return Measured(candidate.peer, candidate.label, error, None, trouble)

    try:
        start = time.perf_counter()
        candidate.call()
        seconds = time.perf_counter() - start
        if seconds > SLOW_CALL:  # a first call may have compiled
            start = time.perf_counter()
            candidate.call()
            seconds = time.perf_counter() - start
            if seconds > SLOW_CALL:
                return verdict(f"more than {SLOW_CALL:g} s a call")
        with np.errstate(all="ignore"):
            got = candidate.read(candidate.call())
            error = largest_error(got, case.right, case.cell.dtype)
    except Exception as failure:
        said = str(failure).strip().splitlines()
        return verdict(f"raises {type(failure).__name__}: {said[0][:120] if said else 'no message'}")
    if not error <= ALLOWED:
        return verdict(f"wrong: off by {error:.3g} eps of the largest entry", error)
    return Measured(candidate.peer, candidate.label, error)


def largest_error(got: Iterable[Any], right: Sequence[Any], dtype: str) -> float:
    """The largest error of any entry, in eps of the dtype times the largest right entry."""
    import numpy as np

    got = [np.asarray(each) for each in got]
    if [each.shape for each in got] != [each.shape for each in right]:
        return math.inf
    worst = 0.0
    for each, expected in zip(got, right, strict=True):
        if each.dtype != dtype:
            return math.inf
        scale = float(np.max(np.abs(expected))) or 1.0
        error = float(np.max(np.abs(each.astype(np.float64) - expected))) / scale / float(np.finfo(dtype).eps)
        worst = error if math.isnan(error) else max(worst, error)
        if math.isnan(worst):
            break
    return worst


def parse_shape(text: str) -> Shape | None:
    """``4096,10`` or ``4096x10`` as a shape; None where it is none."""
    parts = text.replace("×", ",").replace("x", ",").split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 and len(part) < 10 for part in parts):
        return None
    return tuple(int(part) for part in parts)


__all__ = ["CellResult", "Measured", "Options", "Run", "cells", "check", "measure", "run", "shape_text"]
