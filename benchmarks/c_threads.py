"""The emitted C with OpenMP, in one thread and in two, beside the same without, in turns in one process.

    python benchmarks/c_threads.py [--only softmax] [--shape 256,50257] [--dtype float32] [--seconds 1]

Results are compared with the right ones before anything is timed, and those of two threads with those of
one, number by number. `one` is the time of one thread over that without OpenMP: 1.1 says that OpenMP
costs a tenth. `two` is how many times as fast two threads are as none, from the fastest round of each:
where others use the machine, a thread that waits for a processor keeps the other waiting. Time is that
of the clock on the wall.
"""

from __future__ import annotations

import argparse
import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from symderiv.bench.cells import Cell, Shape, case_of, shape_text
from symderiv.bench.measure import MOST_BYTES, largest_error, parse_shape
from symderiv.bench.timing import interleaved, time_text
from symderiv.bench.workloads import ROWS, workloads
from symderiv.kernels.c_library import FLAGS, load_c
from symderiv.kernels.emit import emit
from symderiv.kernels.specification import functions_of

WORKLOADS = ("softmax", "softmax_vjp", "cross_entropy", "layer_norm", "layer_norm_vjp")
#: How far a result may be from the right one, in eps times the largest entry.
ALLOWED = 64.0


def compiled(name: str) -> dict[str, Any]:
    """The emitted function of a workload, without and with OpenMP."""
    workload = workloads()[name]
    problem = workload.problem()
    source, specifications = emit(problem, "c"), functions_of(problem)
    return {
        kind: getattr(load_c(source, problem.name, specifications, (*FLAGS, *more)), workload.function)
        for kind, more in (("without", ()), ("with", ("-fopenmp",)))
    }


def with_threads(number: int, call: Callable[[], Any]) -> Callable[[], Any]:
    """The call with so many threads of OpenMP."""
    set_number = ctypes.CDLL("libgomp.so.1").omp_set_num_threads

    def counted() -> Any:
        set_number(number)
        return call()

    return counted


def measured(functions: dict[str, Any], cell: Cell, seconds: float) -> str:
    """One line of the table. All write to the same memory."""
    case = case_of(cell)
    (out,) = case.outputs()
    inputs = [case.inputs[name] for name in cell.workload.arguments]
    bound = {kind: function.bound(*inputs, out=out) for kind, function in functions.items()}
    ways = {"without": ("without", 1), "one": ("with", 1), "two": ("with", 2)}
    kept = {}
    for name, (kind, number) in ways.items():
        out.fill(np.nan)
        value = with_threads(number, bound[kind])()
        found = largest_error(value if isinstance(value, tuple) else (value,), case.right, cell.dtype)
        if not found <= ALLOWED:
            return f"{cell}: {name} is wrong by {found:.3g} eps"
        kept[name] = out.copy()
    if not np.array_equal(kept["one"], kept["two"]):
        return f"{cell}: one thread and two differ"
    alone = {name: with_threads(number, bound[kind].alone) for name, (kind, number) in ways.items()}
    times = interleaved(alone, seconds, threads=2)
    one = times["one"].ratio(times["without"])
    two = min(times["without"].seconds) / min(times["two"].seconds)
    taken = " ".join(f"{time_text(min(times[name].seconds)):>9}" for name in alone)
    return (
        f"{cell.workload.name:<14} {shape_text(cell.shape):>10} {cell.dtype}  {taken}  {one:5.2f} {two:5.2f}"
    )


def shape(text: str) -> Shape:
    """``256,50257``."""
    found = parse_shape(text)
    if found is None or len(found) != 2:
        raise argparse.ArgumentTypeError(f"expected a batch and classes, as 256,50257, found {text!r}")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Emitted C without and with OpenMP.")
    parser.add_argument("--only", action="append", choices=WORKLOADS, help="a workload")
    parser.add_argument("--shape", action="append", type=shape, help="batch and classes, as 256,50257")
    parser.add_argument("--dtype", action="append", choices=["float32", "float64"])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each line")
    options = parser.parse_args()
    print(f"{'':<14} {'shape':>10} {'dtype':<8} {'without':>9} {'one':>9} {'two':>9}    one   two")
    for name in options.only or WORKLOADS:
        functions = compiled(name)
        for dtype in options.dtype or ("float32", "float64"):
            for size in options.shape or ROWS:
                cell = Cell(workloads()[name], size, dtype)
                if cell.bytes_moved <= MOST_BYTES:
                    print(measured(functions, cell, options.seconds), flush=True)


if __name__ == "__main__":
    main()
