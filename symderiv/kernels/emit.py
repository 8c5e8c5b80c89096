"""Emitting: a problem and a target in, the text of a module out; and the function, loaded."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from symderiv.expression.oracle import OracleError
from symderiv.kernels.errors import KernelError
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.names import identifier
from symderiv.kernels.registry import target_named
from symderiv.kernels.render import render
from symderiv.kernels.specification import functions_of
from symderiv.problem import Problem

_loaded = 0


def emit(problem: Problem, target: str = "numpy") -> str:
    """The source of a standalone module with all functions of `problem`.

    The same problem gives the same bytes, in any process.

    Raises
    ------
    KernelError
        If something in the problem cannot be emitted, in one sentence.
    """
    chosen = target_named(target)
    with _in_one_sentence(problem.name):
        specifications = functions_of(problem)
    functions = []
    for spec in specifications:
        with _in_one_sentence(spec.name, problem.name):
            functions.append(lower_function(spec))
    with _in_one_sentence(problem.name):
        return render(problem, chosen, functions)


@contextmanager
def _in_one_sentence(*names: str) -> Iterator[None]:
    """Whatever goes wrong inside says what could not be emitted; what is told already is left so."""
    try:
        yield
    except KernelError as error:
        told = str(error)
        if all(name in told for name in names[:1]):
            raise
        raise KernelError(f"{' of '.join(names)} cannot be emitted: {told}") from error
    except Exception as error:
        what = " ".join(str(error).split()) or "no reason was given"
        kind = "" if isinstance(error, OracleError) else f"{type(error).__name__}: "
        raise KernelError(f"{' of '.join(names)} cannot be emitted: {kind}{what}") from error


def file_name(problem: Problem, target: str) -> str:
    """The name of the emitted file."""
    return f"{identifier(problem.name)}{target_named(target).suffix}"


def load_source(source: str, name: str = "kernel") -> ModuleType:
    """Import emitted `source` from a temporary file. Only for what :func:`emit` wrote."""
    global _loaded  # noqa: PLW0603 - each loaded module needs a name of its own
    _loaded += 1
    with tempfile.TemporaryDirectory(prefix="symderiv-") as folder:
        path = Path(folder) / f"{identifier(name)}.py"
        path.write_text(source, encoding="utf-8")
        specification = importlib.util.spec_from_file_location(
            f"symderiv_emitted_{_loaded}_{path.stem}", path
        )
        if specification is None or specification.loader is None:
            raise KernelError(f"The emitted module {path.name} cannot be loaded.")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    return module


def compile_function(
    problem: Problem, target: str = "numpy", function: str | None = None
) -> Callable[..., Any]:
    """Emit a module, import it, and return one of its functions (the forward function by default).

    The returned function has the module's text as its attribute ``source``.

    Raises
    ------
    KernelError
        If the problem cannot be emitted, or has no function of that name.
    """
    source = emit(problem, target)
    module = load_source(source, problem.name)
    wanted = identifier(function or problem.name)
    if wanted not in module.__all__:
        raise KernelError(
            f"expected a function among {', '.join(module.__all__)}, found {function or problem.name!r}"
        )
    chosen: Callable[..., Any] = getattr(module, wanted)
    chosen.source = source  # type: ignore[attr-defined]
    return chosen
