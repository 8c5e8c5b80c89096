"""A report on a function for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from symderiv.check.code.declaration import Role
from symderiv.check.code.judge import CodeReport, sizes_in_words
from symderiv.documents.fragments import Row, equation, table
from symderiv.notation.text import to_text

#: Significant digits of a number that is shown to a person.
_DIGITS = 6


def text(report: CodeReport) -> Iterator[str]:
    """The lines of a report: the verdict, where it is wrong and why, and that the code was run."""
    name = f"{report.function.path}::{report.function.name}"
    if report.verdict == "agrees":
        yield f"agrees: {name} with {report.target}"
        points = _count(report.points, "point")
        yield f"  at {points} with {_ranges(report)}, to {report.digits} digits; not a proof"
    else:
        yield f"{report.verdict}: {name} against {report.target}: {report.message}"
    yield f"  read as {_declared(report)}"
    if report.assuming:
        yield f"  under {', '.join(report.assuming)}"
    found = report.counterexample
    if found:
        yield f"  at {sizes_in_words(found['sizes'])}"
        for parameter, value in found["arguments"].items():
            yield f"    {parameter} = {_shown(value)}"
        if "expected" in found:
            yield f"    {_entry(found)}: expected {_shown(found['expected'])}, found {_shown(found['found'])}"
    told = report.diagnosis
    if told is not None and report.verdict == "refuted" and told.word != "unknown":
        yield f"  diagnosis: {told.word}" + (f" ({told.detail})" if told.detail else "")
    if "expected" in found and report.target.form is not None:
        yield f"  right: {to_text(report.target.form)}"
    for remark in report.remarks:
        yield f"  remark: {remark}"
    limits = f"at most {report.seconds:g} s and {report.memory} MiB"
    yield f"  {report.function.path} was run for this, in a process of its own with {limits}"


def html(report: CodeReport) -> str:
    """The report as a part of a page, for notebooks."""
    first, *rest = (line.strip() for line in text(report))
    target, form = report.target, report.target.form
    row = Row(
        report.verdict,
        None if form is None else equation(target.value, form, target.problem),
        str(target),
        [each for each in rest if not each.startswith("right: ")],
    )
    return table(first.removeprefix(f"{report.verdict}: "), [row])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _ranges(report: CodeReport) -> str:
    """``B = 1..3, K = 1..4``: which sizes were tried."""
    found = []
    for axis in report.sizes[0] if report.sizes else ():
        tried = [sizes[axis] for sizes in report.sizes]
        low, high = min(tried), max(tried)
        found.append(f"{axis} = {low}" if low == high else f"{axis} = {low}..{high}")
    return ", ".join(found) or "no axes"


def _declared(report: CodeReport) -> str:
    roles = ", ".join(_role(role) for role in report.declaration.roles)
    return f"{report.function.name}({roles}) -> {report.declaration.result}"


def _role(role: Role) -> str:
    plain = [[letter] for letter in role.letters] == [list(group) for group in role.layout.groups]
    return f"{role.parameter} = {to_text(role.value)}" + ("" if plain else f" as {str(role.layout)[1:-1]}")


def _entry(found: Mapping[str, Any]) -> str:
    if not found["places"]:
        return "the result"
    places = ", ".join(f"{letter} = {place}" for letter, place in found["places"].items())
    return f"entry {places} (result[{', '.join(map(str, found['index']))}])"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_shown(each) for each in value)}]"
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


def json_report(report: CodeReport) -> str:
    """The report as one JSON object."""
    return json.dumps(data(report), indent=1, ensure_ascii=False) + "\n"


def data(report: CodeReport) -> dict[str, Any]:
    """The report as plain data."""
    told = report.diagnosis
    found: dict[str, Any] = {
        "version": 1,
        "path": str(report.function.path),
        "function": report.function.name,
        "line": report.function.line,
        "ran": True,
        "problem": report.target.problem.name,
        "against": to_text(report.target.value),
        "declaration": _declared(report),
        "verdict": report.verdict,
        "message": report.message,
        "points": report.points,
        "sizes": [dict(sizes) for sizes in report.sizes],
        "assuming": list(report.assuming),
        "remarks": list(report.remarks),
        "limits": {"seconds": report.seconds, "memory_mib": report.memory},
    }
    optional = {
        "digits": report.digits,
        "counterexample": dict(report.counterexample) or None,
        "diagnosis": told.word if told is not None else None,
        "diagnosis_detail": (told.detail or None) if told is not None else None,
        "right_form": to_text(report.target.form) if report.target.form is not None else None,
    }
    return found | {key: value for key, value in optional.items() if value is not None}
