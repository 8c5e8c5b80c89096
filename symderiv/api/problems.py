"""Where problems come from: the catalogue, files, text, LaTeX, SymPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symderiv.problem import Problem
from symderiv.system import within_limits


@within_limits
def load(problem: Problem | str | Path) -> Problem:
    """A problem as it is, of the catalogue by name, or of a file."""
    if isinstance(problem, Problem):
        return problem
    if not isinstance(problem, str | Path):
        raise TypeError(f"expected a Problem, a name of the catalogue or a path, found {problem!r}")
    from symderiv import catalog

    return catalog.load(problem)


def names() -> tuple[str, ...]:
    """The names of the catalogue's problems."""
    from symderiv import catalog

    return catalog.names()


@within_limits
def parse(
    text: str, problem: Problem | str | Path | None = None, name: str = "problem", latex: bool | None = None
) -> Any:
    r"""Read text notation or LaTeX: a whole problem, or an expression in the names of `problem`.

    Parameters
    ----------
    text
        ``p[i] = exp(z[i]) / sum(k, exp(z[k]))`` or ``p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}``, a problem
        file's lines, or an expression. Where a problem declares no inputs, they are inferred from use.
    problem
        Whose names an expression is in.
    name
        What a whole problem is to be called.
    latex
        Whether the text is LaTeX; None to find out (by a backslash, ``_{`` or ``^{``).

    Returns
    -------
    Problem or Expression
        An expression where `problem` is given, else the problem that `text` states.

    Raises
    ------
    symderiv.notation.errors.NotationError
        With the line, the column and a caret.
    """
    from symderiv.notation.typed import is_latex, read_expression, read_source

    expect("text", text, str, "a string")
    tex = is_latex(text) if latex is None else latex
    if problem is not None:
        return read_expression(text, load(problem), tex)
    return read_source(text, name, tex)[0]


@within_limits
def from_sympy(
    expression: Any, problem: Problem | str | Path | None = None, name: str = "problem", output: str = "f"
) -> Any:
    """Take SymPy's ``Indexed``, ``Sum``, ``Product`` and ``KroneckerDelta`` over.

    Parameters
    ----------
    expression
        An expression, an equation ``Eq(p[i], ...)`` that defines a name, or a list of these. Sums run
        from 1 to n, or from 0 to n - 1, where n is a symbol: the size of an axis of that name.
    problem
        Whose names the expression is in; it becomes a tree then.
    name, output
        What the problem is called, and what it defines where `expression` is no equation.

    Returns
    -------
    Problem or Expression
        A problem without `problem`, a tree with it.

    Raises
    ------
    BridgeError
        If a part has no counterpart in the notation.
    """
    from symderiv.notation.sympy_bridge import from_sympy as tree_of
    from symderiv.notation.sympy_bridge import problem_from_sympy

    if problem is not None:
        return tree_of(expression, load(problem))
    return problem_from_sympy(expression, name, output)


def expect(name: str, found: object, kind: type, words: str) -> None:
    """Raise `TypeError` where an argument is of another kind."""
    if not isinstance(found, kind):
        raise TypeError(f"{name}: expected {words}, found {found!r}")
