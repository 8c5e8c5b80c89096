"""Emitting: a problem and a target in, the text of a module out; and the function, loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from symderiv.expression.oracle import OracleError
from symderiv.kernels.errors import KernelError
from symderiv.kernels.loading import load_source
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.names import identifier
from symderiv.kernels.registry import Target, target_named
from symderiv.kernels.render import render
from symderiv.kernels.specification import functions_of
from symderiv.problem import Problem
from symderiv.system import reason


def emit(problem: Problem, target: str = "numpy", sizes: Mapping[str, int] | None = None) -> str:
    """The source of a standalone module with all functions of `problem`.

    The same problem gives the same bytes, in any process. For a target with a header, the header
    comes first; both together are one file that stands alone as well. For `sizes`, see
    :func:`emit_files`.

    Raises
    ------
    KernelError
        If something in the problem cannot be emitted, in one sentence.
    """
    return "\n".join(emit_files(problem, target, sizes=sizes).values())


def emit_files(
    problem: Problem, target: str = "numpy", stem: str = "", sizes: Mapping[str, int] | None = None
) -> dict[str, str]:
    """The text of each file that is emitted, by the end of its name; a header comes first.

    Parameters
    ----------
    stem
        What the files are called without that end; the problem's name if left out.
    sizes
        The sizes of axes that are known beforehand. The code is then for arrays of these sizes only, and
        a target may make constants of them; the other axes stay of any size.
    """
    chosen = target_named(target)
    fixed = _checked(sizes or {}, problem, chosen)
    with _in_one_sentence(problem.name):
        specifications = functions_of(problem)
    functions = []
    for spec in specifications:
        with _in_one_sentence(spec.name, problem.name):
            functions.append(lower_function(spec, fixed))
    with _in_one_sentence(problem.name):
        return render(problem, chosen, functions, stem or identifier(problem.name))


def _checked(sizes: Mapping[str, int], problem: Problem, target: Target) -> dict[str, int]:
    """The sizes in the order of the problem's axes; each must be one of an axis."""
    if sizes and not target.sized:
        raise KernelError(
            f"sizes: expected a target that can have sizes given beforehand, found {target.name}"
        )
    for axis, size in sizes.items():
        if axis not in problem.axes:
            known = ", ".join(problem.axes) or "there is none"
            raise KernelError(f"sizes: expected an axis of {problem.name} ({known}), found {axis!r}")
        if not isinstance(size, int) or size < 1:
            raise KernelError(f"sizes: expected a whole number of at least 1 for {axis}, found {size!r}")
    return {axis: sizes[axis] for axis in problem.axes if axis in sizes}


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
        what = reason(error) or "no reason was given"
        kind = "" if isinstance(error, OracleError | RecursionError) else f"{type(error).__name__}: "
        raise KernelError(f"{' of '.join(names)} cannot be emitted: {kind}{what}") from error


def file_name(problem: Problem, target: str) -> str:
    """The name of the emitted file."""
    return f"{identifier(problem.name)}{target_named(target).suffix}"


def compile_function(
    problem: Problem,
    target: str = "numpy",
    function: str | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Callable[..., Any]:
    """Emit a module, import it, and return one of its functions (the forward function by default).

    The returned function has the module's text as its attribute ``source``. For `sizes`, see
    :func:`emit_files`. A module for Numba is kept in the user's cache, with what is compiled of it
    (:func:`symderiv.kernels.loading.cache_folder`).

    Raises
    ------
    KernelError
        If the problem cannot be emitted, or has no function of that name.
    """
    source = emit(problem, target, sizes)
    specifications = functions_of(problem)
    wanted = identifier(function or problem.name)
    known = [identifier(each.name) for each in specifications]
    if wanted not in known:
        raise KernelError(f"expected a function among {', '.join(known)}, found {function or problem.name!r}")
    chosen_target = target_named(target)
    if chosen_target.load_kept is not None:
        module = chosen_target.load_kept(source, problem.name)
    else:
        narrowed = chosen_target.narrowed
        text = narrowed(source, (wanted,), ("float32", "float64")) if narrowed else source
        module = chosen_target.load(text, problem.name, specifications)
    chosen: Callable[..., Any] = getattr(module, wanted)
    chosen.source = source  # type: ignore[attr-defined]
    return chosen


__all__ = ["compile_function", "emit", "emit_files", "file_name", "load_source"]
