"""Verdicts and explanations as parts of a page, for notebooks: no style sheet, no script, no classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import TYPE_CHECKING, Any

from symderiv.documents.environment import html_environment
from symderiv.documents.formulas import Formula, formula
from symderiv.expression.nodes import Expression
from symderiv.notation.latex import to_latex
from symderiv.notation.mathml import MathmlError
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from symderiv.system import within_limits

if TYPE_CHECKING:
    from symderiv.documents.explanation import Explanation

#: Inks of verdicts that can be read on white and on black, for notebooks of either.
COLOURS = {
    "refuted": "#d9362b", "unreadable": "#b04ccf", "conditional": "#a86f00", "undecided": "#3a7bd5",
    "proved": "#1f8a55", "agrees": "#1f8a55",
}  # fmt: skip
#: The largest formula that is set, in characters of MathML; a larger one is shown as text.
MAX_MATHML = 20_000


@dataclass(frozen=True)
class Row:
    """One finding: its verdict, where it stands, the equation set or in words, and what is said of it."""

    verdict: str
    claim: Formula | None
    headline: str
    details: Sequence[str] = ()
    right_form: str = ""
    right_math: Formula | None = None
    place: str = ""


class ShowsItself:
    """What a notebook shows of an object: every spelling that it has, the readable text for terminals.

    What is shown is made when it is asked for; each method keeps within the limits of the machine.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, made in list(vars(cls).items()):
            if isinstance(made, FunctionType):
                setattr(cls, name, within_limits(made))
            elif isinstance(made, property) and made.fget is not None:
                setattr(cls, name, property(within_limits(made.fget)))

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, Any]:
        writers = {
            "text/plain": "__str__", "text/html": "_repr_html_", "text/latex": "_repr_latex_",
            "text/markdown": "_repr_markdown_",
        }  # fmt: skip
        return {
            kind: getattr(self, name)()
            for kind, name in writers.items()
            if hasattr(self, name) and (not include or kind in include) and kind not in (exclude or ())
        }


def equation(left: Expression, right: Expression, problem: Problem) -> Formula | None:
    """An equation, set; None where it is too large or cannot be set."""
    return set_latex(to_latex(right, problem), to_latex(left, problem))


def set_latex(latex: str, left: str = "") -> Formula | None:
    """A formula, or an equation if there is a left side, set; None where it is too large or cannot be."""
    try:
        found = formula(latex, left)
    except MathmlError:  # what is not set is shown as text
        return None
    return found if len(found.markup) <= MAX_MATHML else None


def table(summary: str, findings: Sequence[Any]) -> str:
    """Findings, which have what a `Row` has, below a line that sums them up."""
    template = html_environment().get_template("fragment.html.j2")
    places = any(each.place for each in findings)
    return template.render(summary=summary, findings=findings, colours=COLOURS, places=places)


def right_row(row: Row, form: Expression, problem: Problem) -> Row:
    """A row that tells a right side too."""
    return replace(row, right_form=to_text(form), right_math=set_latex(to_latex(form, problem)))


def explanation_html(explained: Explanation) -> str:
    """What was understood: the statements, set, and the names."""
    from symderiv.documents.explanation import name_row

    statements = [(each.role, set_latex(each.latex), each.text) for each in explained.statements]
    names = [(set_latex(each.latex), *name_row(each)) for each in explained.names]
    notes = [message for message, _, _ in explained.notes]
    template = html_environment().get_template("explanation.html.j2")
    return template.render(statements=statements, names=names, notes=notes)
