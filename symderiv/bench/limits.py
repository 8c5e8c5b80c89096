"""What the machine allows, measured in the same run: bytes copied, exponentials and products a second.

The floor of a cell is the largest of bytes / copy bandwidth, exponentials / their rate and, where
matrices are multiplied, products / their rate. The copy takes its turn among the cell's candidates
and moves as many bytes as the cell must; a share of the floor above 1 means that a kernel moved
them faster than a plain copy does (by stores that bypass the cache, or by keeping them in it).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from symderiv.bench.cells import ITEM_SIZE, Cell
from symderiv.bench.timing import clock_for

#: A copy of fewer bytes would time the call rather than the copy.
LEAST_COPY = 1 << 16
#: The bytes of a copy from which several threads share it.
SHARED_COPY = 1 << 20
_EXP = "index i : K\ninput x[K]\ny[i] = exp(x[i])\nexpect d(y[i], x[j]) == delta(i, j) * y[i]\nindex j : K\n"


@dataclass(frozen=True)
class Floor:
    """The least time that a cell can take here, and what sets it."""

    seconds: float
    by: str
    bandwidth: float


def copy_call(cell: Cell, threads: int) -> tuple[Callable[[], object], int]:
    """A copy that moves as many bytes as the cell must (or a few more), and how many that is."""
    import numpy as np

    half = max(cell.bytes_moved, LEAST_COPY) // 2
    source, target = np.ones(half, np.uint8), np.zeros(half, np.uint8)
    if threads == 1 or half < SHARED_COPY:
        return lambda: np.copyto(target, source), 2 * half
    pool = _pool(threads)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    return lambda: list(pool.map(lambda part: np.copyto(*part), parts)), 2 * half


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def _best(call: Callable[[], object], times: int, threads: int) -> float:
    clock = clock_for(threads)
    call()
    seconds = []
    for _ in range(times):
        start = clock()
        call()
        seconds.append(clock() - start)
    return min(seconds)


@cache
def exp_rate(dtype: str, threads: int) -> float:
    """Exponentials a second: the fastest of NumPy's and the emitted ones, times the threads.

    From the times of two lengths that the cache holds, so that the cost of a call drops out.
    """
    import numpy as np

    from symderiv.kernels.emit import compile_function
    from symderiv.notation.reader import read_problem

    problem = read_problem(_EXP, "exponential")
    functions: list[Callable[..., Any]] = [np.exp, compile_function(problem, "numba")]
    short, long = 4096, 32768
    rates = []
    for function in functions:
        seconds = []
        for size in (short, long):
            x = np.random.default_rng(1).uniform(-20, 0, size).astype(dtype)
            out = np.empty_like(x)
            seconds.append(_best(lambda f=function, x=x, out=out: f(x, out=out), 40, 1))  # type: ignore[misc]
        rates.append((long - short) / max(seconds[1] - seconds[0], 1e-9))
    return max(rates) * threads


@cache
def product_rate(dtype: str, threads: int) -> float:
    """Multiplications and additions a second in a large matrix product, by the threads that BLAS has."""
    import numpy as np

    size = 512
    a = np.random.default_rng(1).standard_normal((size, size)).astype(dtype)
    out = np.empty_like(a)
    return float(size**3 / _best(lambda: np.matmul(a, a, out=out), 8, threads))


def floor_of(cell: Cell, copied: float, copied_bytes: int, threads: int) -> Floor:
    """The floor of a cell, from the time that its copy took."""
    cost = cell.workload.cost(cell.shape)
    bandwidth = copied_bytes / copied
    bounds = {"bytes": cost.numbers * ITEM_SIZE[cell.dtype] / bandwidth}
    if cost.exps:
        bounds["exponentials"] = cost.exps / exp_rate(cell.dtype, threads)
    if cost.products:
        bounds["products"] = cost.products / product_rate(cell.dtype, threads)
    by = max(bounds, key=lambda name: bounds[name])
    return Floor(bounds[by], by, bandwidth)
