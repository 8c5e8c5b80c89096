"""Derivatives, products and modules of a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from symderiv.api.problems import expect, load
from symderiv.api.results import BackwardResult, Result
from symderiv.calculus import Contraction, Engine
from symderiv.expression.nodes import Entry
from symderiv.problem import Problem
from symderiv.request import RequestError, entries
from symderiv.system import within_limits


@within_limits
def derive(
    problem: Problem | str | Path,
    wrt: str | Sequence[str] | None = None,
    of: str | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Result:
    """Derive one derivative of a problem.

    Parameters
    ----------
    problem
        A problem, a name of the catalogue, or the path of an ``.sd`` file.
    wrt
        What to differentiate by: ``"z"``, or with letters of one's own ``"z[j]"``; two of them for
        a second derivative. Without it, the first derivative that the problem states (of `of`).
    of
        What to differentiate; the problem's output if not given.
    sizes
        Where given, SymPy derives every entry at these sizes too: see ``Result.explicit``.

    Raises
    ------
    RequestError
        If a name is not of the problem.
    """
    given = load(problem)
    if sizes is not None:
        _check_sizes(sizes, given)
    if wrt is not None and (not isinstance(wrt, str | Sequence) or not all(isinstance(e, str) for e in wrt)):
        raise TypeError(f"wrt: expected a name such as 'z', or several, found {wrt!r}")
    if of is not None:
        expect("of", of, str, "a name such as 'p'")
    engine = Engine(given)
    if wrt is None:
        entry, by = _stated(given, of)
    else:
        entry, by = entries(given, engine, of or given.output(), (wrt,) if isinstance(wrt, str) else wrt)
    derivation = engine.derive(entry, by)
    if sizes is None:
        return Result(derivation)
    from symderiv.witness import witness

    return Result(derivation, witness(derivation, sizes))


@within_limits
def vjp(problem: Problem | str | Path, wrt: str, of: str | None = None) -> Result:
    """The product of a cotangent with the derivative: Σ over the output, without the matrix."""
    return _contracted("vjp", problem, wrt, of)


@within_limits
def jvp(problem: Problem | str | Path, wrt: str, of: str | None = None) -> Result:
    """The product of the derivative with a tangent: Σ over the variable, without the matrix."""
    return _contracted("jvp", problem, wrt, of)


@within_limits
def hvp(problem: Problem | str | Path, wrt: str, of: str | None = None) -> Result:
    """The product of a scalar's second derivative with a tangent, without the matrix."""
    return _contracted("hvp", problem, wrt, of)


@within_limits
def backward(
    problem: Problem | str | Path, wrt: str | Sequence[str] = (), every: bool = False
) -> BackwardResult:
    """The backward pass of a problem: all derivatives of its output in one sweep.

    Parameters
    ----------
    problem
        A problem, a name of the catalogue, or the path of an ``.sd`` file.
    wrt
        The inputs whose cotangents are wanted; without it those by which the problem's own lines
        differentiate its output, or all real inputs.
    every
        Whether each intermediate has a line of its own, though lines would be shorter without.

    Raises
    ------
    CalculusError
        If a name is not of the problem, or the output does not depend on it.
    """
    from symderiv.calculus.backward import backward as sweep

    return BackwardResult(sweep(load(problem), (wrt,) if isinstance(wrt, str) else tuple(wrt), every))


@within_limits
def emit(problem: Problem | str | Path, target: str = "numpy", sizes: Mapping[str, int] | None = None) -> str:
    """The source of a module with the problem's functions, which needs nothing of symderiv.

    Axes in `sizes` have that size only, and a target may make use of it; the others have any size.
    """
    from symderiv.kernels.emit import emit as emit_module

    return emit_module(load(problem), target, sizes)


@within_limits
def compile(
    problem: Problem | str | Path,
    target: str = "numpy",
    function: str | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Callable[..., Any]:
    """Emit a module, load it, and give one of its functions (the forward function by default).

    For `sizes`, see :func:`emit`. What Numba compiles is kept for the next process, in the folder that the
    environment names as ``SYMDERIV_CACHE_DIR``, or in the user's cache (``~/.cache/symderiv`` on Linux).
    """
    from symderiv.kernels.emit import compile_function

    return compile_function(load(problem), target, function, sizes)


def _stated(problem: Problem, of: str | None) -> tuple[Entry, tuple[Entry, ...]]:
    for expectation in problem.expectations:
        stated = expectation.derivative
        if isinstance(stated.of, Entry) and of in (None, stated.of.array):
            return stated.of, stated.by
    raise RequestError(
        f"expected what to differentiate {problem.name} by, found nothing; give wrt, one of "
        f"{', '.join(each.name for each in problem.inputs if each.label_of is None)}"
    )


def _check_sizes(sizes: object, problem: Problem) -> None:
    """Raise where `sizes` does not give a size to axes of the problem."""
    if not isinstance(sizes, Mapping):
        raise TypeError(f"sizes: expected a mapping such as {{'K': 3}}, found {sizes!r}")
    for axis, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool):
            raise TypeError(f"sizes: expected a whole number for {axis}, found {size!r}")
        if axis not in problem.axes:
            raise RequestError(
                f"sizes: expected an axis of {problem.name} ({', '.join(problem.axes)}), found {axis!r}"
            )


def _contracted(kind: str, problem: Problem | str | Path, wrt: str, of: str | None) -> Result:
    given = load(problem)
    engine = Engine(given)
    output, by = entries(given, engine, of or given.output(), (wrt,))
    return Result(engine.contract(Contraction(kind, output, by[0])))
