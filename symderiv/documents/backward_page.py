"""A backward pass as one HTML page: each line with its proof, and the derivation of what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from symderiv.calculus.backward import Backward, Stage
from symderiv.documents.backward import left_side, meaning, opening, rests, through
from symderiv.documents.environment import html_environment
from symderiv.documents.formulas import Formula, formula, with_math
from symderiv.documents.page import Mark, PassageView, introduction, mark_of, passage_views
from symderiv.documents.shown import Shown
from symderiv.notation.latex import to_latex
from symderiv.proof.derived import Proofs
from symderiv.proof.stages import verdict_of


@dataclass(frozen=True, slots=True)
class LineView:
    """A cotangent: its form, what was proved of it, the definitions it goes through, how it was derived."""

    number: int
    formula: Formula
    mark: Mark
    through: tuple[str, ...]
    parts: tuple[PassageView, ...]


def backward_page(found: Backward) -> str:
    """A page on a backward pass that needs no network and no script."""
    problem = found.problem
    lines = [_line(number, stage, found) for number, stage in enumerate(_shown(found), 1)]
    return (
        html_environment()
        .get_template("backward_page.html.j2")
        .render(
            title=problem.title or problem.name,
            about=problem.about,
            source=problem.source,
            **introduction(problem),
            opening=with_math(opening(found)),
            meaning=meaning(found),
            lines=lines,
            rests=rests(found),
        )
    )


def _shown(found: Backward) -> list[Stage]:
    """The lines that have a form; what is given stands in the opening."""
    return [stage for stage in found.stages if stage.parts]


def _line(number: int, stage: Stage, found: Backward) -> LineView:
    verdict = verdict_of(stage, found)
    assert verdict is not None  # it has parts
    proofs = Proofs()
    return LineView(
        number,
        formula(to_latex(stage.form, found.problem), left_side(stage, found)),
        mark_of([verdict]),
        tuple(", ".join(reversed(names)) for names in through(stage)),
        tuple(view for part in stage.parts for view in passage_views([Shown(part)], proofs)),
    )
