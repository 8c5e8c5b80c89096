"""A derivation as one HTML page that needs no network and no script: its steps, its pictures, its kernels.

What is written here are the views of the templates. Text is escaped by the templates; the only markup
made outside of them is MathML, pictures and highlighted source, which escape what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from symderiv.calculus.derivation import Derivation, Step
from symderiv.documents.environment import html_environment
from symderiv.documents.figures import Figure, figure, heat_figure
from symderiv.documents.formulas import Formula, formula, reason_math, with_math
from symderiv.documents.highlight import functions_in, highlighted
from symderiv.documents.latex import (
    assumption_latex,
    condition_latex,
    definition_rows,
    given_text,
    notes_latex,
    product_text,
    space_latex,
    subject_text,
)
from symderiv.documents.outline import Line, Passage, outline, places_note, reason
from symderiv.documents.shown import Module, Shown
from symderiv.expression.nodes import Expression
from symderiv.notation.latex import to_latex
from symderiv.notation.mathml import latex_to_mathml
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from symderiv.proof.derived import Proofs
from symderiv.proof.verdict import Verdict

if TYPE_CHECKING:
    from markupsafe import Markup

    from symderiv.witness import Explicit

#: A table of entries with more letters than this is left to the other documents.
MOST_TABLE = 120_000
_ORDER = ("refuted", "undecided", "proved")
_SIGNS = {"proved": "✓", "undecided": "?", "refuted": "✗"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What the prover said: the verdict, a sign for it, and more in words."""

    kind: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class StepView:
    """A line of a chain: the formula it ends with, why, the laws behind it, and the steps it is made of."""

    formula: Formula
    reason: Markup
    mark: Mark
    laws: tuple[tuple[str, Markup], ...] = ()
    fine: tuple[StepView, ...] = ()


@dataclass(frozen=True, slots=True)
class TableView:
    """Entries at given sizes: a table with heads, or equations one below the other."""

    sizes: str
    heads: tuple[Markup, ...]
    rows: tuple[tuple[Markup, tuple[Markup, ...]], ...]
    pattern: Markup | str


@dataclass(frozen=True, slots=True)
class PassageView:
    """All that is shown of one derivation."""

    number: int
    title: Markup
    lemma: bool
    given: tuple[Markup, ...]
    start: Formula
    chain: tuple[StepView, ...]
    result: Formula
    text: str
    latex: str
    mark: Mark
    assumptions: tuple[Markup, ...]
    assumed: tuple[StepView, ...]
    assumed_result: Formula | None
    assumed_mark: Mark | None
    cases: tuple[tuple[tuple[Formula, Markup], ...], ...]
    notes: tuple[Markup, ...]
    figure: Figure | None
    table: TableView | None
    heat: Markup | None
    checks: tuple[str, ...] = field(default=())
    steps: int = 0
    proved: int = 0


def page(
    problem: Problem,
    shown: Sequence[Shown],
    proofs: Proofs | None = None,
    level: str = "textbook",
    modules: Sequence[Module] = (),
    *,
    home: str = "",
    verified: bool = False,
    files: Sequence[tuple[str, str]] = (),
) -> str:
    """A page on one problem.

    Parameters
    ----------
    problem
        What is differentiated.
    shown
        Its derivatives and products with them; the results that they use come before them.
    proofs
        The verdicts that are known already.
    level
        What is unfolded at first: ``brief`` the results, ``textbook`` the lines of a textbook too,
        ``all`` every step. All of it is there at every level.
    modules
        Emitted modules to show.
    home
        The address of the page to go back to.
    verified
        Whether the modules were run against the oracle, and the stated forms compared.
    files
        Other documents on the same problem: what each is called, and its address.
    """
    proofs = proofs or Proofs()
    views = list(passage_views(shown, proofs, verified))
    return (
        html_environment()
        .get_template("derivation.html.j2")
        .render(
            title=problem.title or problem.name,
            about=problem.about,
            source=problem.source,
            **introduction(problem),
            assumptions=[_math(assumption_latex(each, problem)) for each in problem.assumptions],
            passages=views,
            level=level,
            modules=[module_view(each) for each in modules],
            home=home,
            verified=verified,
            files=files,
        )
    )  # fmt: skip


def passage_views(shown: Sequence[Shown], proofs: Proofs, verified: bool = False) -> Iterator[PassageView]:
    """The views of some derivations, products last; each is made and proved when it is asked for."""
    by_start = {each.derivation.start: each for each in shown}
    passages = outline([each.derivation for each in shown])
    for each in sorted(passages, key=lambda passage: (passage.is_product, passage.number)):
        yield _passage(each, by_start.get(each.derivation.start), proofs, verified)


def module_view(module: Module) -> dict[str, object]:
    """An emitted file as templates show it: its target, its name, its text in colours, its functions."""
    return {
        "target": module.target,
        "file": module.file,
        "source": _markup(highlighted(module.source, module.file)),
        "functions": functions_in(module.source, module.file),
    }


def introduction(problem: Problem) -> dict[str, object]:
    """What pages say of a problem first: what is given, the definitions, how labels are counted."""
    return {
        "given": with_math(given_text(problem)),
        "definitions": _definition_views(problem),
        "places": places_note(problem),
    }


def _definition_views(problem: Problem) -> list[tuple[Formula, Markup]]:
    """The definitions of a problem, each with the ranges of its letters."""
    return [
        (formula(to_latex(each.body, problem), str(row["left"])), _math(str(row["ranges"])))
        for each, row in zip(problem.definitions, definition_rows(problem), strict=True)
    ]


def fragment(derivation: Derivation, level: str = "brief") -> str:
    """One derivation as a part of a page, for notebooks."""
    passages = outline([derivation])
    view = _passage(passages[-1], None, Proofs(), False)
    return html_environment().get_template("notebook.html.j2").render(passage=view, level=level)


def _passage(passage: Passage, shown: Shown | None, proofs: Proofs, verified: bool) -> PassageView:
    derivation = passage.derivation
    problem = derivation.problem
    start = to_latex(derivation.start, problem)
    forms, verdicts = proofs.forms(derivation), proofs.steps(derivation)
    count = len(derivation.steps)
    title = product_text(passage) or subject_text(passage, problem)
    groups: dict[object, list[tuple[Formula, Markup]]] = {}
    for case in passage.cases:
        row = formula(to_latex(case.value, problem)), _math(condition_latex(case))
        groups.setdefault(case.delta, []).append(row)
    explicit = shown.explicit if shown else None
    return PassageView(
        number=passage.number,
        title=with_math(title),
        lemma=passage.lemma,
        given=tuple(_math(space_latex(name, axes)) for name, axes in derivation.extra),
        start=formula(start),
        chain=_chain(passage.lines, verdicts[:count], problem),
        result=formula(to_latex(derivation.result, problem), start),
        text=to_text(derivation.form),
        latex=to_latex(derivation.form, problem),
        mark=mark_of(forms[:1]),
        assumptions=tuple(_math(assumption_latex(each, problem)) for each in derivation.assumptions),
        assumed=_chain(passage.assumed, verdicts[count:], problem),
        assumed_result=None
        if derivation.assumed_result is None
        else formula(to_latex(derivation.assumed_result, problem), start),
        assumed_mark=mark_of(forms[1:]) if forms[1:] else None,
        cases=tuple(map(tuple, groups.values())),
        notes=tuple(map(with_math, notes_latex(derivation))),
        figure=None if passage.is_product else figure(derivation),
        table=None if explicit is None else _table(explicit),
        heat=None if shown is None or shown.numbers is None else heat_figure(derivation, shown.numbers),
        checks=_checks(derivation, explicit, verified),
        steps=len(verdicts),
        proved=sum(verdict.kind == "proved" for verdict in verdicts),
    )


def _checks(derivation: Derivation, explicit: Explicit | None, verified: bool) -> tuple[str, ...]:
    """What else speaks for a result: the form that the problem states, SymPy."""
    stated = any(
        each.derivative == derivation.start and each.form is not None
        for each in derivation.problem.expectations
    )
    said = ["It is the form that the problem states."] if stated and verified else []
    return (*said, *([explicit.verdict()] if explicit is not None else []))


def _chain(lines: Sequence[Line], verdicts: Sequence[Verdict], problem: Problem) -> tuple[StepView, ...]:
    """The lines of a chain, with the steps of each; a change that print does not show goes with its line."""
    groups: list[tuple[str, list[Line], list[Verdict]]] = []
    place = 0
    for line in lines:
        spelled = to_latex(line.after, problem)
        judged = verdicts[place : place + len(line.steps)]
        place += len(line.steps)
        if groups and groups[-1][0] == spelled:
            groups[-1][1].append(line)
            groups[-1][2].extend(judged)
        else:
            groups.append((spelled, [line], list(judged)))
    views = []
    for spelled, together, judged in groups:
        fine = _fine([step for line in together for step in line.steps], judged, problem)
        laws = {rule.name: _markup(latex_to_mathml(rule.law)) for line in together for rule in line.rules}
        views.append(
            StepView(
                formula(spelled), reason_math(together[0].reason, problem), mark_of(judged),
                tuple(laws.items()), fine if len(fine) > 1 else (),
            )
        )  # fmt: skip
    return tuple(views)


def _fine(steps: Sequence[Step], verdicts: Sequence[Verdict], problem: Problem) -> tuple[StepView, ...]:
    views: list[StepView] = []
    before = ""
    for step, verdict in zip(steps, verdicts, strict=True):
        spelled = to_latex(step.after, problem)
        if spelled != before:
            views.append(StepView(formula(spelled), reason_math(reason(step), problem), mark_of([verdict])))
        before = spelled
    return tuple(views)


def mark_of(verdicts: Sequence[Verdict]) -> Mark:
    """The worst of some verdicts."""
    worst = min(verdicts, key=lambda each: _ORDER.index(each.kind))
    words = f"proved for every size, by {worst.method}" if worst.kind == "proved" else worst.kind
    return Mark(worst.kind, _SIGNS[worst.kind], words)


def _table(explicit: Explicit) -> TableView:
    problem = explicit.problem
    heads = explicit.columns if len(explicit.shape) == 2 else ()
    rows = tuple(
        (_head(row, problem), tuple(_math(to_latex(entry, problem)) for entry in entries))
        for row, entries in zip(explicit.rows, explicit.entries, strict=True)
    )
    fits = sum(len(cell) for _, cells in rows for cell in cells) <= MOST_TABLE
    return TableView(
        sizes=", ".join(f"{axis} = {size}" for axis, size in explicit.sizes),
        heads=tuple(_head(each, problem) for each in heads),
        rows=rows if fits else (),
        pattern=explicit.pattern
        if explicit.pattern_form is None
        else _math(to_latex(explicit.pattern_form, problem)),
    )


def _head(node: Expression, problem: Problem) -> Markup:
    """What a row or a column stands for, with its name for who hears the table."""
    label = escape(to_text(node))
    markup = latex_to_mathml(to_latex(node, problem), display=False)
    return _markup(markup.replace("<math>", f'<math aria-label="{label}">', 1))


def _math(latex: str) -> Markup:
    return _markup(latex_to_mathml(latex, display=False))


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)
