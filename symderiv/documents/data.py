"""A derivation as plain data, for other programs (``--format json`` and the ``.json`` files)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symderiv.calculus import Derivation, cases
from symderiv.calculus.kinks import sentences
from symderiv.documents.outline import Line, assumed_chain, chain
from symderiv.expression.nodes import Derivative, Entry, Expression
from symderiv.expression.traverse import walk
from symderiv.notation.latex import to_latex
from symderiv.notation.text import to_text

if TYPE_CHECKING:
    from symderiv.witness import Explicit


def derivation_data(derivation: Derivation, level: str = "all") -> dict[str, Any]:
    """What a derivation says, in strings, lists and dictionaries.

    Returns
    -------
    dict
        ``problem``, ``start``, ``of``, ``wrt``, ``form``, ``result`` (the form before assumptions),
        ``cases``, ``notes`` (sentences on kinks), ``assumptions``, ``latex``, ``steps`` and ``extra``;
        formulas are in text notation, but for those under ``latex``.
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
        "notes": sentences(derivation),
        "assumptions": [f"{to_text(each.left)} == {to_text(each.right)}" for each in derivation.assumptions],
        "latex": {
            "start": to_latex(derivation.start, problem),
            "form": to_latex(derivation.form, problem),
            "result": to_latex(derivation.result, problem),
        },
        "steps": _steps(chain(derivation, level), False) + _steps(assumed_chain(derivation, level), True),
        "extra": {name: list(axes) for name, axes in derivation.extra},
    }


def _subject(start: Expression) -> tuple[str, list[str]]:
    for _, part in walk(start):
        if isinstance(part, Derivative) and isinstance(part.of, Entry):
            return to_text(part.of), [to_text(entry) for entry in part.by]
    return "", []


def _steps(lines: Sequence[Line], assumed: bool) -> list[dict[str, Any]]:
    return [
        {
            "rule": line.rule,
            "law": line.law,
            "reason": line.reason,
            "level": line.level,
            "before": to_text(line.before),
            "after": to_text(line.after),
            "assumed": assumed,
        }
        for line in lines
    ]


def derivation_json(
    derivation: Derivation, level: str = "textbook", explicit: Explicit | None = None
) -> dict[str, Any]:
    """The same with its explicit entries, where they are given, under ``explicit`` (else None)."""
    data = derivation_data(derivation, level)
    data["explicit"] = None if explicit is None else explicit_data(explicit)
    return data


def explicit_data(explicit: Explicit) -> dict[str, Any]:
    """Explicit entries as plain data: sizes, what rows and columns stand for, entries as text."""
    return {
        "sizes": dict(explicit.sizes),
        "rows": [to_text(row) for row in explicit.rows],
        "columns": [to_text(column) for column in explicit.columns],
        "shape": list(explicit.shape),
        "entries": [[to_text(entry) for entry in row] for row in explicit.entries],
        "agrees": explicit.agrees,
        "pattern": explicit.pattern,
    }
