"""Emitted C as Python functions: compiled by the C compiler of the machine, called through ctypes.

For verification and measurement. The functions take and return what those of the other targets do:
one sample without its batch axis, reductions of losses, and `out`.
"""

from __future__ import annotations

import ctypes
import math
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from symderiv.kernels.errors import KernelError, MissingError
from symderiv.kernels.function_spec import Argument, FunctionSpec, Result
from symderiv.kernels.names import identifier

#: Of which compilers the first that is found is used, after the one that CC names.
COMPILERS = ("cc", "gcc", "clang")
#: What emitted C is compiled with; it gives no warning under the second line.
FLAGS = ("-std=c11", "-O3", "-march=native", "-fPIC", "-shared")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic")
_TYPES = {"float32": "f32", "float64": "f64"}
_DECLARED = re.compile(r"^(int|void|ptrdiff_t) (\w+)\(([^()]*)\);", re.MULTILINE)


class NoCompilerError(MissingError):
    """There is no C compiler on this machine."""


def compiler() -> str:
    """The C compiler: what the environment variable CC names, or the first that is found.

    Raises
    ------
    NoCompilerError
        If there is none.
    """
    asked = os.environ.get("CC", "")
    for name in (asked, *COMPILERS):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise NoCompilerError(
        f"expected a C compiler ({', '.join(COMPILERS)}, or the one that CC names), found none"
    )


def compile_c(source: str, folder: Path, name: str, flags: Sequence[str] = FLAGS) -> tuple[Path, str]:
    """Compile emitted C into a shared library in `folder`; the library, and what the compiler said.

    Raises
    ------
    KernelError
        If there is no compiler, or it refuses the file.
    """
    text, library = folder / f"{name}.c", folder / f"{name}.so"
    text.write_text(source, encoding="utf-8")
    command = [compiler(), *flags, "-o", str(library), str(text), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    written = library.is_file() or "-fsyntax-only" in flags
    if done.returncode or not written:
        said = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip()[:200])
        raise KernelError(
            f"{name}: the C compiler {command[0]} refuses what was emitted: {said or 'it does not say why'}"
        )
    return library, done.stderr


@dataclass
class CFunction:
    """One emitted function, for both dtypes.

    Calling it is calling the C function; :meth:`bound` prepares a call once and for all.
    """

    spec: FunctionSpec
    entries: Mapping[str, Any]
    sizes: tuple[str, ...]
    weighted: bool
    work: Any

    def __call__(self, *arguments: Any, reduction: str = "mean", out: Any = None) -> Any:
        """What the function of another target gives for the same arguments."""
        return self.bound(*arguments, reduction=reduction, out=out)()

    def bound(self, *arguments: Any, reduction: str = "mean", out: Any = None) -> Callable[[], Any]:
        """A call with everything checked and all memory at hand, to be made again and again.

        Its attribute ``alone`` is the call of the C function without what Python adds to it.

        Raises
        ------
        ValueError
            If an argument has the wrong shape, dtype or kind.
        """
        import numpy as np

        arrays, dtype, single = self._read(arguments)
        sizes = {
            axis: size
            for each, array in zip(self.spec.arguments, arrays, strict=True)
            for axis, size in zip(each.axes, array.shape, strict=True)
        }
        if self.spec.reductions and reduction not in self.spec.reductions:
            raise ValueError(
                f"reduction: expected one of {', '.join(self.spec.reductions)}, found {reduction!r}"
            )
        results = self._results(sizes, dtype, out, single, arrays)
        passed: list[Any] = [ctypes.c_ssize_t(sizes[axis]) for axis in self.sizes]
        number = ctypes.c_float if dtype == np.float32 else ctypes.c_double
        for each, array in zip(self.spec.arguments, arrays, strict=True):
            if each.axes:
                passed.append(ctypes.c_void_p(array.ctypes.data))
            else:
                passed.append(ctypes.c_int64(int(array)) if each.kind == "label" else number(float(array)))
        batch = sizes[self.spec.batch.axis] if self.spec.batch else 1
        if self.weighted:
            passed.append(number(1 / batch if reduction == "mean" and self.spec.reductions else 1))
        passed += [ctypes.c_void_p(array.ctypes.data) for array in results]
        work = None
        if self.work is not None:
            work = np.empty(max(1, self.work(*(ctypes.c_ssize_t(sizes[axis]) for axis in self.sizes))), dtype)
            passed.append(ctypes.c_void_p(work.ctypes.data))
        entry = self.entries[str(dtype)]
        returned = self._returned(results, single, reduction)

        def call() -> Any:
            if entry(*passed):
                raise ValueError(
                    "expected labels that name a place, and axes of the sizes that this file is for"
                )
            return returned()

        call.alone = partial(entry, *passed)  # type: ignore[attr-defined]
        call.kept = (arrays, work)  # type: ignore[attr-defined]  # their memory is used by the call
        return call

    def _read(self, arguments: Sequence[Any]) -> tuple[list[Any], Any, bool]:
        """The arguments as contiguous arrays with a batch axis, their dtype, and whether it was added."""
        import numpy as np

        if len(arguments) != len(self.spec.arguments):
            raise ValueError(f"expected {len(self.spec.arguments)} arguments, found {len(arguments)}")
        reals = [
            np.asarray(value)
            for each, value in zip(self.spec.arguments, arguments, strict=True)
            if each.kind != "label"
        ]
        known = [each.dtype for each in reals if each.ndim] or [each.dtype for each in reals]
        dtype = known[0] if known and str(known[0]) in _TYPES else np.dtype(np.float64)
        alone = {
            np.ndim(value) == len(each.axes) - 1
            for each, value in zip(self.spec.arguments, arguments, strict=True)
            if each.batched
        }
        if len(alone) > 1:
            raise ValueError("expected a batch axis in all batched arguments or in none")
        single = alone == {True}
        arrays = []
        sizes: dict[str, int] = {}
        for each, value in zip(self.spec.arguments, arguments, strict=True):
            array = self._array(each, value, dtype)
            array = array[None] if single and each.batched else array
            if array.ndim != len(each.axes):
                raise ValueError(
                    f"{each.name}: expected axes ({', '.join(each.axes)}), found shape {array.shape}"
                )
            for axis, size in zip(each.axes, array.shape, strict=True):
                if size == 0 or sizes.setdefault(axis, size) != size:
                    raise ValueError(
                        f"{each.name}: expected {sizes.get(axis, 1)} places along {axis}, found {size}"
                    )
            arrays.append(np.ascontiguousarray(array) if array.ndim else array)
        return arrays, dtype, single

    def _array(self, each: Argument, value: Any, dtype: Any) -> Any:
        import numpy as np

        array = np.asarray(value)
        if each.kind == "label":
            if array.dtype.kind not in "iu":
                raise ValueError(f"{each.name}: expected integers (labels), found {array.dtype}")
            return array.astype(np.int64)
        if array.ndim and array.dtype != dtype:
            raise ValueError(f"{each.name}: expected {dtype}, found {array.dtype}")
        return array.astype(dtype, copy=False)

    def _results(
        self, sizes: Mapping[str, int], dtype: Any, out: Any, single: bool, arrays: Any
    ) -> list[Any]:
        """Memory for all results: the caller's for those that `out` can give."""
        import numpy as np

        given = list(out) if isinstance(out, tuple | list) else [out]
        outputs = [each for each in self.spec.results if each.shown != "losses"]
        if out is None:
            given = [None] * len(outputs)
        if len(given) != len(outputs):
            raise ValueError(f"out: expected {len(outputs)} arrays, found {len(given)}")
        memory = iter(given)
        found = []
        for each in self.spec.results:
            shape = () if self.spec.reduced and each.is_loss else _shape(each, sizes)
            if each.shown == "losses":
                found.append(np.empty(shape, dtype))
                continue
            into = next(memory)
            if into is None:
                found.append(np.empty(shape, dtype))
                continue
            wanted = shape[1:] if single and self._per_sample(each) else shape
            fits = isinstance(into, np.ndarray) and into.shape == wanted and into.dtype == dtype
            if not fits or not into.flags.c_contiguous or not into.flags.writeable:
                raise ValueError(f"out: expected a writable C-contiguous array of {dtype} {wanted}")
            if any(np.may_share_memory(into, other) for other in (*arrays, *found)):
                raise ValueError("out: expected memory of its own, found an overlap with another array")
            found.append(into if into.shape == shape else into.reshape(shape))
        return found

    def _per_sample(self, result: Result) -> bool:
        return self.spec.batch is not None and self.spec.batch in result.indices

    def _returned(self, results: Sequence[Any], single: bool, reduction: str) -> Callable[[], Any]:
        """What is returned after a call: without the batch axis of a single sample, losses reduced."""
        import numpy as np

        alone = [single and self._per_sample(each) for each in self.spec.results]
        views = [array[0] if one else array for array, one in zip(results, alone, strict=True)]
        if all(isinstance(view, np.ndarray) and view.ndim for view in views) and not any(
            each.shown == "losses" for each in self.spec.results
        ):
            same = views[0] if len(views) == 1 else tuple(views)
            return lambda: same
        losses = next(((each, array) for each, array in zip(self.spec.results, results, strict=True)
                       if each.shown == "losses"), None)  # fmt: skip
        outputs = [
            (array, single and self._per_sample(each))
            for each, array in zip(self.spec.results, results, strict=True)
            if each.shown != "losses"
        ]

        def returned() -> Any:
            shown = tuple(
                array[0] if alone else array if array.ndim else array[()] for array, alone in outputs
            )
            whole = shown[0] if len(shown) == 1 else shown
            if losses is None:
                return whole
            of, array = losses
            if not self.spec.reductions or not of.is_loss:
                value = array[()]
            elif reduction == "none":
                value = array[0] if single else array
            else:
                with np.errstate(all="ignore"):  # of infinite losses, as of C itself, nothing is said
                    value = array.mean() if reduction == "mean" else array.sum()
            return (value, whole) if shown else value

        return returned


def _shape(result: Result, sizes: Mapping[str, int]) -> tuple[int, ...]:
    lengths = [sizes[axis] for axis in result.axes]
    return tuple(math.prod(lengths[place] for place in group) for group in result.groups)


def narrowed_c(source: str, functions: Collection[str], dtypes: Collection[str]) -> str:
    """Emitted C of which these functions alone can be called, for these dtypes.

    The compiler leaves out what cannot be called, and to compile is what takes time.
    """
    short = "|".join(_TYPES[each] for each in dtypes)
    kept = "|".join(map(re.escape, functions))
    others = rf"^(?=(?:void|int|ptrdiff_t) (?!(?:{kept})_(?:{short}|work)\()\w+\()"
    return re.sub(others, "static ", source, flags=re.MULTILINE)


def load_c(
    source: str, name: str, specifications: Sequence[FunctionSpec], flags: Sequence[str] = FLAGS
) -> SimpleNamespace:
    """The functions of emitted C, compiled and ready to be called, as far as they can be.

    Raises
    ------
    KernelError
        If there is no C compiler, or it refuses the file.
    """
    with tempfile.TemporaryDirectory(prefix="symderiv-") as folder:
        path, _ = compile_c(source, Path(folder), identifier(name), flags)
        library = ctypes.CDLL(str(path))  # stays mapped when the file is gone
    declared = {match[2]: match for match in _DECLARED.finditer(" ".join(source.split("\n    ")))}
    functions = {}
    for spec in specifications:
        own = identifier(spec.name)
        here = {
            dtype: declared[f"{own}_{short}"]
            for dtype, short in _TYPES.items()
            if f"{own}_{short}" in declared
        }
        if not here:
            continue
        kind, _, given = next(iter(here.values())).groups()
        parameters = [each.split()[-1].lstrip("*") for each in given.split(",")]
        entries = {dtype: getattr(library, match[2]) for dtype, match in here.items()}
        for entry in entries.values():
            entry.restype = ctypes.c_int if kind == "int" else None
        work = getattr(library, f"{own}_work") if f"{own}_work" in declared else None
        if work is not None:
            work.restype = ctypes.c_ssize_t
        axes = tuple(dict.fromkeys(axis for each in spec.arguments for axis in each.axes))
        functions[own] = CFunction(spec, entries, axes, "weight" in parameters, work)
    return SimpleNamespace(**functions)
