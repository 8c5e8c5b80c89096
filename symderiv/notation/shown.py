"""A problem as a notebook shows it: its definitions, set."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from symderiv.expression.nodes import Entry
from symderiv.notation.latex import to_latex
from symderiv.notation.mathml import latex_to_mathml

if TYPE_CHECKING:
    from symderiv.problem import Problem


def problem_latex(problem: Problem) -> str:
    """The definitions of a problem as one display."""
    rows = [rf"{left} &= {right}" for left, right in _definitions(problem)]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def problem_html(problem: Problem) -> str:
    """The title of a problem, what it says of itself, and its definitions in MathML."""
    title = f"<p><b>{escape(problem.title or problem.name)}</b></p>"
    rows = [f"<p>{latex_to_mathml(f'{left} = {right}')}</p>" for left, right in _definitions(problem)]
    about = [f"<p>{escape(problem.about)}</p>"] if problem.about else []
    return "\n".join(["<div>", title, *about, *rows, "</div>"])


def _definitions(problem: Problem) -> list[tuple[str, str]]:
    return [
        (to_latex(Entry(each.name, each.indices), problem), to_latex(each.body, problem))
        for each in problem.definitions
    ]
