"""Formulas: proved, refuted, explained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from symderiv.api.problems import expect, load
from symderiv.problem import Problem
from symderiv.request import RequestError
from symderiv.system import within_limits

if TYPE_CHECKING:
    from symderiv.documents.explanation import Explanation
    from symderiv.documents.verdicts import Proof
    from symderiv.notation.typed import Typed


@within_limits
def prove(
    formula: str,
    problem: Problem | str | Path | None = None,
    *,
    let: str | Sequence[str] = (),
    assume: str | Sequence[str] = (),
    index: str | Sequence[str] = (),
    inputs: str | Sequence[str] = (),
    labels: str | Sequence[str] = (),
    functions: str | Sequence[str] = (),
    latex: bool | None = None,
) -> Proof:
    """Prove ``LHS = RHS`` for every size of every axis, or refute it by the smallest counterexample.

    Parameters
    ----------
    formula
        An equation, a chain of them, or definitions and equations, in text or LaTeX.
    problem
        A problem whose names may be used.
    let
        Definitions to use, in text or LaTeX.
    assume
        Assumptions, such as ``sum(k, t[k]) == 1``.
    index, inputs, labels, functions
        Declarations, such as ``i, k : K``, ``W[N, K]``, ``y : K`` and ``f``; what is not declared is
        inferred, but for functions.
    latex
        Whether the formula is LaTeX; None to find out.

    Returns
    -------
    Proof
        True in a condition where everything is proved; printed, it says what was found.

    Raises
    ------
    symderiv.notation.errors.NotationError
        If the formula is not understood.
    RequestError
        If there is no equation to judge, or a derivative of a name that nothing is known of.
    """
    from symderiv.documents.verdicts import proof_of
    from symderiv.notation.typed import not_depending

    typed = _typed(formula, problem, let, assume, index, inputs, labels, functions, latex)
    if not any(each.claims() for each in typed.statements):
        defined = ", ".join(each.defines for each in typed.statements if each.defines)
        found = (
            f"only what defines {defined}; declare it in inputs if it is given" if defined else repr(formula)
        )
        raise RequestError(f"expected an equation to prove, found {found}")
    if lacking := not_depending(typed):
        raise RequestError(lacking)
    return proof_of(typed)


@within_limits
def explain(
    formula: str,
    problem: Problem | str | Path | None = None,
    *,
    let: str | Sequence[str] = (),
    index: str | Sequence[str] = (),
    inputs: str | Sequence[str] = (),
    labels: str | Sequence[str] = (),
    functions: str | Sequence[str] = (),
    latex: bool | None = None,
) -> Explanation:
    """What is understood of a formula: its letters, its names, and the choices between readings.

    Parameters and errors are those of :func:`prove`.
    """
    from symderiv.documents.explanation import explain as explanation_of

    return explanation_of(_typed(formula, problem, let, (), index, inputs, labels, functions, latex))


def _typed(  # noqa: PLR0917 (what prove and explain share)
    formula: str,
    problem: Problem | str | Path | None,
    let: str | Sequence[str],
    assume: str | Sequence[str],
    index: str | Sequence[str],
    inputs: str | Sequence[str],
    labels: str | Sequence[str],
    functions: str | Sequence[str],
    latex: bool | None,
) -> Typed:
    from symderiv.notation.typed import Said, read_typed

    expect("formula", formula, str, "a string")
    words = (index, inputs, labels, let, assume, functions)
    said = Said(*([each] if isinstance(each, str) else each for each in words))
    return read_typed(formula, None if problem is None else load(problem), said, latex)
