"""The targets: one record each. A new target is a folder of templates, a printer, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symderiv.kernels.c_library import load_c, narrowed_c
from symderiv.kernels.c_names import RESERVED
from symderiv.kernels.c_products import print_c
from symderiv.kernels.errors import KernelError
from symderiv.kernels.function_spec import FunctionSpec
from symderiv.kernels.loading import load_kept, load_module
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.numba_products import print_numba
from symderiv.kernels.numpy_printer import print_numpy
from symderiv.kernels.printed import PrintedFunction


@dataclass(frozen=True)
class Target:
    """One kind of file that is emitted.

    Attributes
    ----------
    name
        What it is called on the command line.
    suffix
        The end of a file's name.
    folder
        The folder of its templates; the file is made from ``module`` + suffix + ``.j2`` in it.
    printer
        From a lowered function, the file's names and the kernel's name to the code.
    contiguous
        Whether arguments are copied where they are not contiguous.
    errors
        The error of functions that the emitted module brings along, in eps of the dtype, where it is
        not that of a library function.
    header
        The end of the name of the file that declares what is in the other; empty if there is none.
        The two joined, the header first, are one file that stands alone as well.
    reserved
        Words that no name in the file may be, beside those of Python.
    sized
        Whether sizes that are known beforehand can be constants of the code.
    batch
        A batch of this size takes paths that smaller ones do not; 0 if there are none. It is tried too.
    places
        So many places along other axes, with such a batch, take a path that fewer do not, likewise.
    large
        Results of more bytes take paths that smaller ones do not, likewise.
    limits
        For each way that is taken from some size on: the constant that a module with this way has, and
        the constants with which it is taken at any size. Each way is tried.
    rows
        The constants with which rows of matrices are worked on between products at any size, by blocks.
    lines
        The same of lines of the text, where what is compiled has the constants in it: those, and other
        lines in their place, with which rows are worked on by chunks at any size.
    load
        From the text, a name and the functions in it to an object that has these as Python functions.
    narrowed
        From the text, names of functions and dtypes to a text of which no others are compiled.
    load_kept
        The same as `load` for a text that will be loaded again, where what is compiled can be kept for that.
    """

    name: str
    suffix: str
    folder: str
    printer: Callable[[Lowered, NameTable, str], PrintedFunction]
    contiguous: bool = False
    errors: Mapping[str, float] = field(default_factory=dict)
    header: str = ""
    reserved: frozenset[str] = frozenset()
    sized: bool = False
    batch: int = 0
    places: int = 0
    large: int = 0
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    load: Callable[[str, str, Sequence[FunctionSpec]], Any] = load_module
    narrowed: Callable[[str, Collection[str], Collection[str]], str] | None = None
    load_kept: Callable[[str, str], Any] | None = None


#: With these, products are left to BLAS at any size, by small blocks.
_LARGE_PRODUCTS = {
    **{"_FEW_PRODUCTS": 0, "_FEW_ROWS": 0, "_AT_LEAST": 3, "_CACHE": 0, "_NARROW": 3},
    **{"_ROWS": 2, "_LARGE_BLOCK": 0, "_FEW_TERMS": 99, "_SMALL": 50, "_PART_BYTES": 4},
}

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("numpy", ".py", "numpy", print_numpy, sized=True),
        # What its module says of its own exp, and what tests measure.
        Target(
            "numba",
            ".py",
            "numba",
            print_numba,
            contiguous=True,
            errors={"exp": 1.0, "log": 1.0, "erfc": 3.0},
            sized=True,
            batch=35,
            places=17,
            large=2**23,
            load_kept=load_kept,
            limits={
                "_FEW_PRODUCTS": {**_LARGE_PRODUCTS, "_TOGETHER": 0},
                "_TOGETHER": {**_LARGE_PRODUCTS, "_TOGETHER": 2**13},
            },
            rows={"_FEW_PRODUCTS": 0, "_FEW_ROWS": 0, "_TOGETHER": 0},
            lines={
                "_LONG_ROW, _CHUNK = 100_000, 4_096": "_LONG_ROW, _CHUNK = 0, 16",
                "_FETCHED_ROW, _STEP = 4_000, 1_024": "_FETCHED_ROW, _STEP = 0, 8",
                "_FETCHED, _WRITTEN, _AHEAD = 1 << 20, 1_024,": "_FETCHED, _WRITTEN, _AHEAD = 0, 8,",
            },
        ),
        Target(
            "c",
            ".c",
            "c",
            print_c,
            errors={"exp": 1.0, "log": 1.0, "erfc": 3.0},
            header=".h",
            reserved=RESERVED,
            sized=True,
            batch=35,
            large=2**23,
            lines={"LONG_ROW = 4000, CHUNK_BYTES = 8192,": "LONG_ROW = 0, CHUNK_BYTES = 8,"},
            load=load_c,
            narrowed=narrowed_c,
        ),
    )
}


def target_named(name: str) -> Target:
    """The target called `name`.

    Raises
    ------
    KernelError
        If there is none.
    """
    if name not in TARGETS:
        raise KernelError(f"expected a target among {', '.join(TARGETS)}, found {name!r}")
    return TARGETS[name]


def file_stem(name: str, target: str) -> str:
    """What the files of a problem are called without their end: with the target where others end so too."""
    suffix = target_named(target).suffix
    alone = sum(each.suffix == suffix for each in TARGETS.values()) == 1
    return name if alone else f"{name}_{target}"
