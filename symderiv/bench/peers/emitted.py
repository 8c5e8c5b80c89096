"""What symderiv emits, for each target: the public functions, with the results' memory given."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from inspect import signature
from typing import Any

from symderiv import __version__
from symderiv.bench.cells import Candidate, Case, Workload
from symderiv.kernels.c_library import NoCompilerError, compiler
from symderiv.kernels.emit import compile_function
from symderiv.kernels.reference import flat
from symderiv.kernels.registry import TARGETS

TITLE = "symderiv"
REQUIRES = "numpy"


def version() -> str:
    """The version of symderiv."""
    return __version__


@lru_cache(maxsize=32)
def _compiled(workload: Workload, target: str) -> Callable[..., Any]:
    return compile_function(workload.problem(), target, workload.function)


@cache
def targets() -> tuple[str, ...]:
    """The targets that can be run here."""
    return tuple(target for target in TARGETS if target not in left_out())


def left_out() -> dict[str, str]:
    """The targets that cannot be run here, and why: C needs a compiler, Numba itself."""
    found = {}
    if importlib.util.find_spec("numba") is None:
        found["numba"] = "emitted numba is left out: the package numba is not installed"
    try:
        compiler()
    except NoCompilerError as error:
        found["c"] = f"emitted c is left out: {error}"
    return found


def label(target: str) -> str:
    """What the table calls the function of a target."""
    return f"emitted {target}"


def candidates(case: Case) -> Iterator[Candidate]:
    """One for each target."""
    workload = case.cell.workload
    arguments = [case.inputs[name] for name in workload.arguments]
    for target in targets():
        function = _compiled(workload, target)
        outputs = case.outputs()
        out = outputs[0] if len(outputs) == 1 else tuple(outputs)
        threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        if hasattr(function, "bound"):  # a C function: what Python adds to its call is none of it
            call = function.bound(*arguments, out=out)
        else:
            # In their order and without names, which cost a `partial` a third of a small call.
            given = signature(function).bind(*arguments, out=out)
            given.apply_defaults()
            call = partial(function, *given.args)
            if threads > 1 and "threads" in given.arguments:
                call = partial(function, *given.args, threads=threads)
        yield Candidate(TITLE, label(target), call, lambda got: tuple(flat(got, len(case.right))))
