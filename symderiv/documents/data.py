"""A derivation as plain data, for other programs (``--format json`` and the ``.json`` files)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symderiv.calculus import Derivation, Step, cases
from symderiv.expression.nodes import Derivative, Entry, Expression
from symderiv.expression.traverse import walk
from symderiv.notation.latex import to_latex
from symderiv.notation.text import to_text


def derivation_data(derivation: Derivation, level: str = "all") -> dict[str, Any]:
    """What a derivation says, in strings, lists and dictionaries.

    Returns
    -------
    dict
        ``problem``, ``start``, ``of``, ``wrt``, ``form``, ``result`` (the form before assumptions),
        ``cases``, ``assumptions``, ``latex``, ``steps`` and ``extra``; formulas are in text notation,
        but for those under ``latex``.
    """
    problem = derivation.problem
    of, wrt = _subject(derivation.start)
    return {
        "problem": problem.name,
        "start": to_text(derivation.start),
        "of": of,
        "wrt": wrt,
        "form": to_text(derivation.form),
        "result": to_text(derivation.result),
        "cases": [
            {"delta": to_text(case.delta), "equal": case.equal, "value": to_text(case.value)}
            for case in cases(derivation)
        ],
        "assumptions": [f"{to_text(each.left)} == {to_text(each.right)}" for each in derivation.assumptions],
        "latex": {
            "start": to_latex(derivation.start, problem),
            "form": to_latex(derivation.form, problem),
            "result": to_latex(derivation.result, problem),
        },
        "steps": _steps(derivation.shown(level), False) + _steps(derivation.shown_assumed(level), True),
        "extra": {name: list(axes) for name, axes in derivation.extra},
    }


def _subject(start: Expression) -> tuple[str, list[str]]:
    for _, part in walk(start):
        if isinstance(part, Derivative) and isinstance(part.of, Entry):
            return to_text(part.of), [to_text(entry) for entry in part.by]
    return "", []


def _steps(steps: Sequence[Step], assumed: bool) -> list[dict[str, Any]]:
    return [
        {
            "rule": step.rule.name,
            "law": step.rule.law,
            "note": step.note,
            "level": step.level,
            "before": to_text(step.before),
            "after": to_text(step.after),
            "assumed": assumed,
        }
        for step in steps
    ]
