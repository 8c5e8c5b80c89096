"""A backward pass on paper: one line a cotangent, as text, LaTeX, Markdown or plain data."""

from __future__ import annotations

import json
from typing import Any

from symderiv.calculus.backward import Backward, Stage
from symderiv.documents.escape import escape_markdown
from symderiv.documents.latex import TEXT_WIDTH, assumption_latex, definition_rows, given_text
from symderiv.documents.layout import break_formula, width
from symderiv.documents.plain import heading
from symderiv.expression.nodes import Derivative, Entry
from symderiv.notation.latex import to_latex
from symderiv.notation.text import to_text
from symderiv.proof.stages import verdict_of

FORMATS = ("text", "latex", "markdown", "json", "html")


def backward_document(found: Backward, form: str = "text") -> str:
    """A backward pass in one of :data:`FORMATS`.

    The text ends with what the lines rest on. The LaTeX is a fragment that needs amsmath, the HTML a page.
    """
    if form == "html":
        from symderiv.documents.backward_page import backward_page

        return backward_page(found)
    if form == "json":
        return json.dumps(backward_data(found), indent=1, ensure_ascii=False) + "\n"
    return {"text": backward_text, "latex": backward_latex, "markdown": backward_markdown}[form](found)


def _scalar(found: Backward) -> Entry | None:
    """The scalar whose derivatives the cotangents are, if there is just one."""
    names = {each.name for each in found.problem.upstream}
    if len(names) == 1:
        return Entry(names.pop())
    return found.output if not names and not found.output.indices else None


def meaning(found: Backward) -> str:
    """What the names of cotangents stand for, in a sentence."""
    scalar = _scalar(found)
    if scalar is not None:
        return f"NAME_bar is the derivative of {scalar.array} by NAME, through all that is made of it."
    if found.problem.upstream:
        total = " + ".join(each.name for each in found.problem.upstream)
        return f"NAME_bar is the derivative of {total} by NAME, through all that is made of it."
    return f"NAME_bar is the cotangent of NAME; that of {found.output.array} is given."


def _is_given(stage: Stage) -> bool:
    return not stage.parts and stage.given is None


def through(stage: Stage) -> list[list[str]]:
    """The definitions that each contribution goes through, the nearest to the array first."""
    return [[each.name for each in part.problem.definitions] for part in stage.parts]


def _assumptions(found: Backward) -> list[str]:
    stated = dict.fromkeys(each for stage in found.stages for each in stage.assumptions)
    return [f"{to_text(each.left)} == {to_text(each.right)}" for each in stated]


def rests(found: Backward) -> str:
    """What the lines rest on, in a sentence."""
    verdicts = {to_text(stage.cotangent): verdict_of(stage, found) for stage in found.stages}
    judged = {name: verdict for name, verdict in verdicts.items() if verdict is not None}
    open_ = [name for name, verdict in judged.items() if verdict.kind != "proved"]
    count = f"{len(judged)} line" + ("s" if len(judged) != 1 else "")
    if not open_:
        return f"{count}, each proved for every size."
    return f"{count}, each proved for every size but {', '.join(open_)} ({judged[open_[0]].kind})."


def backward_text(found: Backward) -> str:
    """The definitions, then one line a cotangent, with the definitions it goes through in brackets."""
    lines = [*heading(found.problem), "", meaning(found)]
    assumed = _assumptions(found)
    if assumed:
        lines.append(f"Assuming {' and '.join(assumed)}.")
    lines.append("")
    rows = []
    for stage in found.stages:
        if _is_given(stage):
            rows.append((f"{to_text(stage.cotangent)} is given", ""))
            continue
        ways = "; ".join(", ".join(reversed(names)) for names in through(stage))
        rows.append((f"{to_text(stage.cotangent)} = {to_text(stage.form)}", ways))
    margin = max((len(row) for row, _ in rows if len(row) <= 72), default=0)
    lines += [f"{row:<{margin}}  [{ways}]" if ways else row for row, ways in rows]
    return "\n".join([*lines, "", rests(found)]) + "\n"


def left_side(stage: Stage, found: Backward) -> str:
    """The cotangent, and the derivative that it is."""
    cotangent, scalar = to_latex(stage.cotangent, found.problem), _scalar(found)
    if scalar is None:
        return cotangent
    return f"{cotangent} = {to_latex(Derivative(scalar, (stage.array,)), found.problem)}"


def _rows(found: Backward) -> list[str]:
    rows = []
    shown = [stage for stage in found.stages if stage.parts]
    lefts = [left_side(stage, found) for stage in shown]
    room = TEXT_WIDTH - max((width(left) for left in lefts), default=0.0) - 3.0
    for left, stage in zip(lefts, shown, strict=True):
        pieces = break_formula(to_latex(stage.form, found.problem), max(room, 18.0))
        rows.append(f"{left} &= " + " \\\\\n  &\\quad ".join(pieces))
    return rows


def _given_latex(found: Backward) -> str:
    names = [to_latex(stage.cotangent, found.problem) for stage in found.stages if _is_given(stage)]
    known = [left_side(stage, found) for stage in found.stages if not stage.parts and stage.given is not None]
    return " and ".join(f"${each}$" for each in (*names, *known))


def opening(found: Backward) -> str:
    """What is given, and what is assumed, as the words before the lines; formulas between dollar signs."""
    given, parts = _given_latex(found), []
    if given:
        parts.append(f"given {given}")
    stated = dict.fromkeys(each for stage in found.stages for each in stage.assumptions)
    if stated:
        parts.append("under " + " and ".join(f"${assumption_latex(each, found.problem)}$" for each in stated))
    return f"Backwards, {' and '.join(parts)}:" if parts else "Backwards:"


def backward_latex(found: Backward) -> str:
    """The lines as ``align*``, to paste into one's notes."""
    rows = " \\\\\n  ".join(_rows(found))
    return f"{opening(found)}\n\\begin{{align*}}\n  {rows}\n\\end{{align*}}\n"


def backward_markdown(found: Backward) -> str:
    """The title, the definitions and the lines, in ``$$`` displays."""
    problem = found.problem
    forward = []
    for row in definition_rows(problem):
        pieces = row["pieces"]
        assert isinstance(pieces, list)
        forward.append(f"{row['left']} &= " + " \\\\\n&\\quad ".join(pieces))
    parts = [
        f"# {escape_markdown(problem.title or problem.name)}",
        escape_markdown(problem.about),
        f"Given {given_text(problem)}, let" if problem.inputs else "Let",
        _aligned(forward),
        opening(found),
        _aligned(_rows(found)),
        rests(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def backward_html(found: Backward) -> str:
    """The lines as a part of a page, for notebooks."""
    from symderiv.documents.environment import html_environment
    from symderiv.documents.formulas import formula, with_math

    lines = [
        formula(to_latex(stage.form, found.problem), left_side(stage, found))
        for stage in found.stages
        if stage.parts
    ]
    template = html_environment().get_template("backward.html.j2")
    return template.render(opening=with_math(opening(found)), lines=lines, rests=rests(found))


def backward_display(found: Backward) -> str:
    """The lines as one display in LaTeX, for notebooks."""
    return _aligned(_rows(found))


def _aligned(rows: list[str]) -> str:
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}\n$$"


def backward_data(found: Backward) -> dict[str, Any]:
    """The same as plain data: a stage a line, with its verdict and what it goes through."""
    stages = []
    for stage in found.stages:
        verdict = verdict_of(stage, found)
        stages.append(
            {
                "cotangent": to_text(stage.cotangent),
                "of": to_text(stage.array),
                "form": None if _is_given(stage) else to_text(stage.form),
                "result": None if _is_given(stage) else to_text(stage.result),
                "through": through(stage),
                "assumptions": [f"{to_text(a.left)} == {to_text(a.right)}" for a in stage.assumptions],
                "latex": {
                    "cotangent": to_latex(stage.cotangent, found.problem),
                    "form": None if _is_given(stage) else to_latex(stage.form, found.problem),
                },
                "verdict": verdict.kind if verdict else "given",
                "method": verdict.method if verdict else "",
            }
        )
    return {
        "problem": found.problem.name,
        "output": to_text(found.output),
        "seeds": {name: list(axes) for name, axes in found.seeds},
        "blocks": [list(block) for block in found.blocks],
        "stages": stages,
    }
