"""The emitted C beside kernels written by hand with intrinsics, timed in turns in one process.

    python benchmarks/intrinsics.py [--only softmax] [--shape 4096,100] [--dtype float32] [--seconds 1]

Both are compiled with the same compiler and the flags of the C target; `intrinsics.c` needs AVX-512, or
AVX2 and FMA. Results are compared with the right ones before anything is timed. A ratio is the time of the
emitted function over that of the one written by hand: 1.1 says that the emitted one takes a tenth longer.
"""

from __future__ import annotations

import argparse
import ctypes
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from symderiv.bench.cells import Case, Cell, Shape, case_of, shape_text
from symderiv.bench.measure import MOST_BYTES, limit_threads
from symderiv.bench.timing import interleaved, time_text
from symderiv.bench.workloads import ROWS, workloads
from symderiv.kernels.c_library import compile_c
from symderiv.kernels.emit import compile_function

#: The workloads, and what the kernel by hand is called.
KERNELS = {
    "softmax": "hand_softmax",
    "softmax_vjp": "hand_softmax_vjp",
    "cross_entropy": "hand_cross_entropy",
    "layer_norm": "hand_layer_norm",
}
#: How far a result may be from the right one, in eps times the largest entry.
ALLOWED = 64.0


def library(folder: Path) -> ctypes.CDLL:
    """The kernels by hand, compiled."""
    here = Path(__file__).parent
    (folder / "intrinsics_rows.h").write_text((here / "intrinsics_rows.h").read_text())
    path, _ = compile_c((here / "intrinsics.c").read_text(), folder, "intrinsics")
    return ctypes.CDLL(str(path))


def by_hand(kernels: ctypes.CDLL, case: Case, out: Any) -> tuple[Callable[[], Any], tuple[Any, ...]]:
    """A call of the kernel by hand, and where its results are: losses, if there are any, and `out`."""
    cell = case.cell
    short = {"float32": "f32", "float64": "f64"}[cell.dtype]
    number = ctypes.c_float if short == "f32" else ctypes.c_double
    entry = kernels[f"{KERNELS[cell.workload.name]}_{short}"]
    batch, size = cell.shape
    passed: list[Any] = [ctypes.c_ssize_t(batch), ctypes.c_ssize_t(size)]
    kept: list[Any] = []
    for name in cell.workload.arguments:
        value = np.ascontiguousarray(case.inputs[name])
        if np.ndim(case.inputs[name]) == 0:
            passed.append(number(float(case.inputs[name])))
        else:
            kept.append(value.astype(np.int64) if value.dtype.kind in "iu" else value)
            passed.append(ctypes.c_void_p(kept[-1].ctypes.data))
    results = (out,)
    if cell.workload.name == "cross_entropy":
        passed.append(number(1 / batch))
        results = (np.full(batch, np.nan, cell.dtype), out)
    passed += [ctypes.c_void_p(each.ctypes.data) for each in results]
    if cell.workload.name in ("softmax", "cross_entropy"):
        kept.append(np.empty(size, cell.dtype))
        passed.append(ctypes.c_void_p(kept[-1].ctypes.data))

    call = partial(entry, *passed)
    call.kept = kept  # type: ignore[attr-defined]  # their memory is used by the call
    return call, results


def error(results: Sequence[Any], case: Case) -> float:
    """How far results are from the right ones, in eps times the largest entry."""
    eps = float(np.finfo(case.cell.dtype).eps)
    parts = [each.mean() if len(results) > 1 and each is results[0] else each for each in results]
    return max(
        float(np.max(np.abs(np.asarray(part, float) - right)) / np.max(np.abs(right)) / eps)
        for part, right in zip(parts, case.right, strict=True)
    )


def measured(kernels: ctypes.CDLL, emitted: Any, cell: Cell, seconds: float) -> str:
    """One line of the table. Both write to the same memory, for where that lies makes a difference."""
    case = case_of(cell)
    (out,) = case.outputs()
    bound = emitted.bound(*[case.inputs[name] for name in cell.workload.arguments], out=out)
    hand, results = by_hand(kernels, case, out)
    out.fill(np.nan)
    value = bound()
    wrong = {"emitted": error(value if isinstance(value, tuple) else (value,), case)}
    out.fill(np.nan)
    hand()
    wrong["by hand"] = error(results, case)
    for name, found in wrong.items():
        if not found <= ALLOWED:
            return f"{cell}: {name} is wrong by {found:.3g} eps"
    times = interleaved({"hand": hand, "emitted": bound.alone}, seconds)
    ratio = times["emitted"].ratio(times["hand"])
    both = f"{time_text(times['emitted'].median):>9} {time_text(times['hand'].median):>9}"
    return f"{cell.workload.name:<14} {shape_text(cell.shape):>10} {cell.dtype}  {both}  {ratio:5.2f}"


def read_shape(text: str) -> Shape:
    """``4096,100``."""
    return tuple(int(each) for each in text.split(","))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Emitted C beside kernels by hand with intrinsics.")
    parser.add_argument("--only", action="append", choices=list(KERNELS), help="a workload")
    parser.add_argument("--shape", action="append", type=read_shape, help="batch and classes, as 4096,100")
    parser.add_argument("--dtype", action="append", choices=["float32", "float64"])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each line")
    options = parser.parse_args()
    limit_threads(1)
    print(f"{'':<14} {'shape':>10} {'dtype':<8} {'emitted':>9} {'by hand':>9}  ratio")
    with tempfile.TemporaryDirectory() as folder:
        kernels = library(Path(folder))
        for name in options.only or KERNELS:
            workload = workloads()[name]
            emitted = compile_function(workload.problem(), "c", workload.function)
            for dtype in options.dtype or ("float32", "float64"):
                for shape in options.shape or ROWS:
                    cell = Cell(workload, shape, dtype)
                    if cell.bytes_moved <= MOST_BYTES:
                        print(measured(kernels, emitted, cell, options.seconds), flush=True)


if __name__ == "__main__":
    main()
