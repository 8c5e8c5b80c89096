r"""A derivation as LaTeX: a fragment to paste into one's notes, or a document that stands alone.

A document needs only what texlive-latex-base brings (amsmath, amssymb, geometry, graphicx) and
compiles without warnings: long lines are broken at their terms, and what cannot be broken is
scaled to the line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from symderiv.calculus.derivation import Case, Derivation
from symderiv.calculus.kinks import sentence
from symderiv.documents.environment import latex_environment
from symderiv.documents.escape import escape_latex
from symderiv.documents.explicit import explicit_sizes, explicit_tables
from symderiv.documents.layout import break_formula, width
from symderiv.documents.outline import Line, Passage, assumption_text, outline, places_note, rules_used
from symderiv.expression.nodes import Entry
from symderiv.notation.latex import entry_latex, to_latex
from symderiv.notation.latex_names import array_latex, latex_name, subscript
from symderiv.problem import Assumption, Problem

if TYPE_CHECKING:
    from symderiv.witness import Explicit

#: The width of the text, in ems of the document's size; the template's margins give it.
TEXT_WIDTH = 40.0
#: The least width that is left for the formulas beside the reasons.
_LEAST = 18.0
_LAW_WIDTH = 26.0
#: How many letters a line of a reason has at most, and how wide one is on average.
_REASON_LETTERS = 26
_REASON_LETTER = 0.43
_PRODUCTS = {
    "vjp": "Vector--Jacobian product",
    "jvp": "Jacobian--vector product",
    "hvp": "Hessian--vector product",
}


def latex_document(
    problem: Problem,
    derivations: Sequence[Derivation],
    explicit: Explicit | Sequence[Explicit] | None = None,
    level: str = "textbook",
) -> str:
    """A standalone document on one problem, in the order in which a textbook tells it.

    Parameters
    ----------
    problem
        What is differentiated: its title, definitions and assumptions open the document.
    derivations
        Derivatives and products with them, each shown once; the results they use come before them.
    explicit
        One result at given sizes, or several, shown entry by entry at the end.
    level
        How much is shown: ``brief``, ``textbook`` or ``all``.

    Returns
    -------
    str
        The source of a document for pdflatex.
    """
    passages = outline(derivations, level)
    shown = [] if explicit is None else explicit if isinstance(explicit, Sequence) else [explicit]
    template = latex_environment().get_template("document.tex.j2")
    return template.render(
        standalone=True,
        title=escape_latex(problem.title or problem.name),
        about=_tied(escape_latex(problem.about)),
        source=escape_latex(problem.source),
        given=given_text(problem),
        definitions=[definition_rows(problem)] if problem.definitions else [],
        places=places_note(problem),
        assumptions=[assumption_latex(each, problem) for each in problem.assumptions],
        passages=[passage_view(each, problem) for each in passages if not each.is_product],
        products=[passage_view(each, problem) for each in passages if each.is_product],
        rules=[
            {"name": escape_latex(name), "law": law, "fits": width(law) <= _LAW_WIDTH}
            for name, law in rules_used(passages).items()
        ],
        explicits=[explicit_view(each) for each in shown],
    )


def derivation_latex(derivation: Derivation, level: str = "textbook") -> str:
    r"""One derivation as a fragment: the chain in ``align*``, the form, its cases, the assumption.

    Results of other derivations that it uses are stated before it, not derived. The fragment
    needs amsmath.
    """
    passages = outline([derivation], level)
    template = latex_environment().get_template("fragment.tex.j2")
    views = [passage_view(each, derivation.problem, numbered=len(passages) > 1) for each in passages]
    return template.render(standalone=False, lemmas=views[:-1], passage=views[-1])


def given_text(problem: Problem) -> str:
    """The inputs as a clause to stand after "Given"; empty where there are none."""
    *first, last = given(problem) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _tied(text: str) -> str:
    """Keep the last words together, so that none stands alone on a line."""
    words = text.rsplit(" ", 2)
    return "~".join(words) if len(words) == 3 and len(words[1]) + len(words[2]) < 16 else text


def given(problem: Problem) -> list[str]:
    """The inputs with the sets they are taken from, each as a piece of text with mathematics."""
    pieces: list[str] = []
    for each in problem.inputs:
        name = array_latex(each.name) if each.axes else latex_name(each.name)
        if each.label_of is not None:
            places = rf"\{{1, \dots, {latex_name(each.label_of)}\}}"
            axes = "^{" + r" \times ".join(latex_name(axis) for axis in each.axes) + "}" if each.axes else ""
            pieces.append(rf"${name} \in {places}{axes}$")
        elif each.axes:
            axes = r" \times ".join(latex_name(axis) for axis in each.axes)
            pieces.append(rf"${name} \in \mathbb{{R}}^{{{axes}}}$")
        else:
            pieces.append(rf"${name} \in \mathbb{{R}}$")
    for unspecified in problem.upstream:
        pieces.append(
            rf"any differentiable function ${latex_name(unspecified.name)}({latex_name(unspecified.of)})$"
            r" with values in $\mathbb{R}$"
        )
    for function in problem.functions:
        of = "a number" if function.arity <= 1 else f"{function.arity} numbers"
        pieces.append(rf"any differentiable function ${latex_name(function.name)}$ of {of}")
    return pieces


def definition_rows(problem: Problem) -> list[dict[str, object]]:
    """The definitions as rows: left side, pieces of the right side, ranges of the indices."""
    rows: list[dict[str, object]] = []
    for definition in problem.definitions:
        left = to_latex(Entry(definition.name, definition.indices), problem)
        ranges = ", ".join(
            rf"{latex_name(index.name)} = 1, \dots, {latex_name(index.axis)}" for index in definition.indices
        )
        right = to_latex(definition.body, problem)
        pieces = break_formula(right, TEXT_WIDTH - width(left) - 4.0)
        rows.append({"left": left, "pieces": pieces, "ranges": ranges})
    if _rows_width(rows) > TEXT_WIDTH:
        for row in rows:
            row["ranges"] = ""
    return rows


def _rows_width(rows: Sequence[dict[str, object]]) -> float:
    """How wide rows are that are set below each other: each column is as wide as its widest cell."""
    formulas: list[float] = []
    for row in rows:
        pieces = row["pieces"]
        assert isinstance(pieces, list)
        formulas += [width(str(row["left"])) + width(piece) for piece in pieces]
    ranges = [width(str(row["ranges"])) for row in rows]
    return max(formulas, default=0.0) + max(ranges, default=0.0) + 4.5


def assumption_latex(assumption: Assumption, problem: Problem) -> str:
    """An assumption in LaTeX, without delimiters."""
    return assumption_text(assumption, lambda node: to_latex(node, problem))


_RELATIONS = {
    "==": "=", "!=": r"\neq", "<": "<", "<=": r"\leq", ">": ">", ">=": r"\geq", "begin": "$", "end": "$",
}  # fmt: skip


def notes_latex(derivation: Derivation) -> list[str]:
    """What is to be said of the kinks of a derivation, its formulas between dollar signs."""
    problem = derivation.problem
    return [sentence(kink, lambda node: to_latex(node, problem), _RELATIONS) for kink in derivation.kinks]


def passage_view(passage: Passage, problem: Problem, numbered: bool = True) -> dict[str, object]:
    """Everything that the templates print of one passage, as finished LaTeX."""
    derivation = passage.derivation
    start = to_latex(derivation.start, problem)
    result = to_latex(derivation.result, problem)
    view: dict[str, object] = {
        "number": str(passage.number) if numbered else "",
        "tagged": f"({passage.number})",
        "assumed_number": f"{passage.number}$'$" if numbered else "",
        "subject": subject_text(passage, problem),
        "kind": passage.kind,
        "lemma": passage.lemma,
        "with": [space_latex(name, axes) for name, axes in derivation.extra],
        "product_name": product_text(passage),
        "chain": _rows(start, "", passage.lines, problem),
        "formula": _formula(start, result),
        "cases": _case_groups(start, passage.cases, problem),
        "notes": notes_latex(derivation),
        "assumptions": [assumption_latex(each, problem) for each in derivation.assumptions],
        "assumed": [],
        "assumed_formula": [],
    }
    if derivation.assumed_result is not None:
        form = to_latex(derivation.assumed_result, problem)
        if len(passage.assumed) > 1:
            view["assumed"] = _rows(start, result, passage.assumed, problem)
        view["assumed_formula"] = _formula(start, form)
    return view


def product_text(passage: Passage) -> str:
    """A product's name, its formulas between dollar signs; empty for a derivative itself."""
    if not passage.is_product:
        return ""
    derivative = passage.derivative
    of, by = derivative.of, derivative.by[0]
    name = array_latex(of.array) if isinstance(of, Entry) and of.indices else to_latex(of)
    return f"{_PRODUCTS[passage.kind]} of ${name}$ with respect to ${array_latex(by.array)}$"


def space_latex(name: str, axes: Sequence[str]) -> str:
    """An array and the set it is taken from."""
    power = r" \times ".join(latex_name(axis) for axis in axes)
    symbol = array_latex(name) if axes else latex_name(name)
    return rf"{symbol} \in \mathbb{{R}}" + (f"^{{{power}}}" if power else "")


def subject_text(passage: Passage, problem: Problem) -> str:
    """What a passage derives, in words, its formulas between dollar signs."""
    derivative = passage.derivative
    of = to_latex(derivative.of, problem)
    by = " and ".join(f"${entry_latex(entry)}$" for entry in derivative.by)
    if len(derivative.by) > 1:
        return f"Second derivative of ${of}$ with respect to {by}"
    return f"Derivative of ${of}$ with respect to {by}"


def _formula(left: str, right: str) -> list[str]:
    """A result as lines for a box: the whole equation, or its pieces if it is long."""
    room = TEXT_WIDTH - 5.0
    pieces = break_formula(right, room - width(left) - 1.5)
    return [f"{left} = {pieces[0]}", *pieces[1:]]


def _rows(start: str, opening: str, lines: Sequence[Line], problem: Problem) -> list[dict[str, object]]:
    """The rows of a chain: left side, pieces of the right side, and the reason in short lines.

    `opening` is a form to begin with, which needs no reason; empty for none.
    """
    steps: list[tuple[str, str]] = [(opening, "")] if opening else []
    for line in lines:
        latex = to_latex(line.after, problem)
        if steps and steps[-1][0] == latex:
            continue  # a change of order that print does not show
        steps.append((latex, line.reason))
    reasons = [_wrapped(reason) for _, reason in steps]
    column = max((len(text) for pieces in reasons for text in pieces), default=0) * _REASON_LETTER
    room = max(TEXT_WIDTH - width(start) - column - 4.0, _LEAST)
    rows: list[dict[str, object]] = []
    for place, ((latex, _), pieces) in enumerate(zip(steps, reasons, strict=True)):
        broken = break_formula(latex, room)
        rows.append(
            {
                "left": start if place == 0 else "",
                "pieces": [
                    {"latex": piece, "fits": width(piece) <= room, "room": f"{room - 2.0:.1f}"}
                    for piece in broken
                ],
                "reason": [reason_latex(text, problem) for text in pieces],
            }
        )
    return rows


def _wrapped(reason: str) -> list[str]:
    """A reason in short lines, broken at its commas where it can be."""
    lines: list[str] = []
    for piece in reason.split(", ") if reason else []:
        if lines and len(lines[-1]) + len(piece) + 2 <= _REASON_LETTERS:
            lines[-1] += f", {piece}"
        else:
            if lines:
                lines[-1] += ","
            lines += textwrap.wrap(piece, _REASON_LETTERS, break_long_words=False)
    return lines


def reason_latex(reason: str, problem: Problem) -> str:
    """A reason as text, with the problem's names in it set as mathematics."""
    names = {given.name for given in problem.inputs} | {each.name for each in problem.definitions}
    names |= {each.name for each in problem.upstream}
    words = []
    for word in reason.split(" "):
        core = word.strip("(),;")
        if core in names and word:
            before, after = word.split(core, 1) if core else ("", "")
            words.append(f"{escape_latex(before)}${latex_name(core)}${escape_latex(after)}")
        else:
            words.append(escape_latex(word))
    return " ".join(words)


def _case_groups(start: str, cases: Sequence[Case], problem: Problem) -> list[dict[str, object]]:
    """The cases, those of one delta together."""
    groups: dict[str, list[dict[str, str]]] = {}
    room = TEXT_WIDTH - width(start) - 10.0
    for case in cases:
        delta = to_latex(case.delta, problem)
        row = {"value": _cell(to_latex(case.value, problem), room), "condition": condition_latex(case)}
        groups.setdefault(delta, []).append(row)
    return [
        {"left": start, "rows": rows, "gap": "16pt" if any(_is_high(row["value"]) for row in rows) else "2pt"}
        for rows in groups.values()
    ]


def condition_latex(case: Case) -> str:
    """When a case holds: the two places of its delta are the same, or are not."""
    sides = [_place(side) for side in (case.delta.left, case.delta.right)]
    relation = "=" if case.equal else r"\neq"
    return f"{sides[0]} {relation} {sides[1]}"


def _cell(latex: str, room: float) -> str:
    """A formula as it stands in a row of cases: broken over lines where it is long."""
    pieces = break_formula(latex, room)
    if len(pieces) == 1:
        return latex
    lines = r" \\ &\quad ".join(pieces)
    return rf"\begin{{aligned}}[t] &{lines} \end{{aligned}}"


def _is_high(latex: str) -> bool:
    return any(sign in latex for sign in (r"\frac", r"\sum", r"\prod"))


def _place(side: object) -> str:
    if isinstance(side, Entry):
        return entry_latex(side)
    name = getattr(side, "name", None)
    return latex_name(name) if isinstance(name, str) else subscript([str(getattr(side, "value", "?"))])


def explicit_view(explicit: Explicit) -> dict[str, object]:
    """The entries at given sizes: a heading, what was read off them, and tables that fit."""
    return {
        "sizes": explicit_sizes(explicit),
        "start": to_latex(explicit.derivation.start, explicit.problem),
        "assumed": [assumption_latex(each, explicit.problem) for each in explicit.derivation.assumptions]
        if explicit.assumed
        else [],
        "verdict": escape_latex(explicit.verdict()),
        "tables": explicit_tables(explicit, TEXT_WIDTH),
    }
