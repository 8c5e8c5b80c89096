r"""A derivation as Markdown with ``$$`` displays, as notebooks and code hosts render it."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.calculus import Derivation
from symderiv.documents.escape import escape_markdown
from symderiv.documents.latex import (
    assumption_latex,
    definition_rows,
    given_text,
    notes_latex,
    passage_view,
    reason_latex,
)
from symderiv.documents.outline import Line, Passage, outline, places_note
from symderiv.notation.latex import to_latex
from symderiv.problem import Problem


def derivation_markdown(derivation: Derivation, level: str = "textbook") -> str:
    """The definitions, the results used, the chain with its rules, the form, the cases.

    Parameters
    ----------
    derivation
        What to show.
    level
        How many steps: ``brief``, ``textbook`` or ``all``.
    """
    problem = derivation.problem
    passages = outline([derivation], level)
    parts = _opening(problem)
    if len(passages) > 1:
        parts.append("This uses")
    for passage in passages[:-1]:
        each = passage.derivation
        equation = f"{to_latex(each.start, problem)} = {to_latex(each.result, problem)}"
        parts.append(_display(rf"{equation} \tag{{{passage.number}}}"))
    parts += _passage(passages[-1], "")
    return _joined(parts)


def markdown_document(problem: Problem, derivations: Sequence[Derivation], level: str = "textbook") -> str:
    """One document on a problem: what is used comes first, products with a derivative last."""
    passages = outline(derivations, level)
    parts = _opening(problem)
    for passage in (*(p for p in passages if not p.is_product), *(p for p in passages if p.is_product)):
        parts += _passage(passage, f"{passage.number}. ")
    if problem.source:
        parts.append(f"*Source.* {escape_markdown(problem.source)}")
    return _joined(parts)


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(problem: Problem) -> list[str]:
    """The title, what it is about, the inputs and the definitions."""
    rows = []
    for row in definition_rows(problem):
        pieces = row["pieces"]
        assert isinstance(pieces, list)
        rows.append(f"{row['left']} &= " + " \\\\\n&\\quad ".join(pieces))
    return [
        f"# {escape_markdown(problem.title or problem.name)}",
        escape_markdown(problem.about),
        f"Given {given_text(problem)}{', let' if rows else '.'}" if problem.inputs else "",
        _aligned(rows) if rows else "",
        places_note(problem),
    ]


def _display(latex: str) -> str:
    return f"$$\n{latex}\n$$"


def _aligned(rows: Sequence[str]) -> str:
    return _display("\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}")


def _passage(passage: Passage, label: str) -> list[str]:
    derivation = passage.derivation
    problem = derivation.problem
    start, result = to_latex(derivation.start, problem), to_latex(derivation.result, problem)
    view = passage_view(passage, problem)
    parts = [f"## {label}{view['product_name'] or view['subject']}".replace("--", "–")]
    if derivation.extra:
        spaces = view["with"]
        assert isinstance(spaces, list)
        parts.append("For any " + ", ".join(f"${space}$" for space in spaces) + ",")
    parts.append(_aligned(_rows(start, passage.lines, derivation)) if passage.lines else "")
    tag = rf" \tag{{{passage.number}}}" if label else ""
    parts.append(_display(rf"\boxed{{{start} = {result}}}{tag}"))
    if derivation.assumed_result is not None:
        stated = " and ".join(f"${assumption_latex(each, problem)}$" for each in derivation.assumptions)
        form = to_latex(derivation.assumed_result, problem)
        parts.append(f"Under the assumption {stated} this becomes")
        parts.append(_display(rf"\boxed{{{start} = {form}}}{tag.replace('}', chr(39) + '}')}"))
    groups = view["cases"]
    assert isinstance(groups, list)
    for group in groups:
        rows = " \\\\\n".join(rf"{row['value']} & \text{{if }} {row['condition']}" for row in group["rows"])
        parts.append(_display(f"{start} = \\begin{{cases}}\n{rows}\n\\end{{cases}}"))
    parts += notes_latex(derivation)
    return parts


def _rows(start: str, lines: Sequence[Line], derivation: Derivation) -> list[str]:
    rows: list[str] = []
    shown = ""
    for line in lines:
        latex = to_latex(line.after, derivation.problem)
        if latex == shown:
            continue
        reason = reason_latex(line.reason, derivation.problem)
        rows.append(rf"{start if not rows else ''} &= {latex} && \text{{{reason}}}".strip())
        shown = latex
    return rows
