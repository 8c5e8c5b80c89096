"""Reports on documents for people and programs: text, JSON, SARIF, GitHub annotations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from symderiv import __version__
from symderiv.check.verdicts import VERDICTS, Judgement, Report
from symderiv.notation.errors import caret_lines
from symderiv.notation.text import condition_to_text, to_text

_RULES = {
    "refuted": "The two sides of the equation are not equal.",
    "conditional": "The equation is true under an assumption that the document does not state.",
    "undecided": "The equation was neither proved nor refuted.",
    "unreadable": "The formula or the directive is not understood.",
}
_LEVELS = {"refuted": "error", "unreadable": "error", "conditional": "warning", "undecided": "note"}
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def printable(text: str) -> str:
    """A text without characters that steer a terminal or turn the direction of print."""
    return "".join(letter if letter.isprintable() else " " if letter in "\n\t" else "?" for letter in text)


def plain(verdict: str, text: str) -> str:
    """A word as it is: where there is no colour."""
    return text


def text_report(
    reports: Sequence[Report],
    everything: bool = False,
    quiet: bool = False,
    paint: Callable[[str, str], str] = plain,
) -> Iterator[str]:
    """The lines of a report such as a linter prints: what is not proved, and a summary.

    Parameters
    ----------
    reports
        One for each document.
    everything
        Whether proved claims are listed too.
    quiet
        Whether only what is wrong or doubtful is told: no remarks, no summary.
    paint
        Gives a word the colour of a verdict.
    """
    listed = tuple(_RULES) if quiet else (*_RULES, "definition", "note")
    for report in reports:
        for each in report.judgements:
            if each.verdict in listed or everything:
                yield from _told(each, paint)
    if not quiet:
        yield summary(reports)


def summary(reports: Sequence[Report]) -> str:
    """One line: how many documents and claims, and how many of each verdict."""
    counts = Counter(each.verdict for report in reports for each in report.judgements)
    total = sum(counts[verdict] for verdict in VERDICTS)
    found = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    documents = f"{len(reports)} document{'' if len(reports) == 1 else 's'}"
    return f"{documents}, {total} claim{'' if total == 1 else 's'}: {found or 'nothing is claimed'}"


def _told(each: Judgement, paint: Callable[[str, str], str] = plain) -> Iterator[str]:
    yield f"{printable(str(each.place))}: {paint(each.verdict, each.verdict)}: {headline(each)}"
    if each.place.source_line:
        shown, caret = caret_lines(each.place.source_line, each.place.column)
        yield f"    {shown}"
        yield f"    {caret}"
    for line in details(each):
        yield f"    {printable(line)}"
    yield ""


def headline(each: Judgement) -> str:
    """The claim as it is written, or what is wrong with it where it is not understood."""
    if each.claim is None:
        return printable(each.message)
    left, right = (" ".join(side.split()) for side in each.claim.written)
    return f"{quoted_formula(left)} = {quoted_formula(right)}"


def quoted_formula(text: str, limit: int = 60) -> str:
    """A formula in one line, cut where it is long."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def details(each: Judgement) -> Iterator[str]:
    """What is said of a claim beside its verdict, a line each."""
    if each.condition:
        yield f"true under: {each.condition}"
    if each.verdict == "conditional" and each.counterexample:
        yield f"without it, {counterexample_words(each.counterexample)}"
    if each.verdict == "refuted":
        if each.counterexample:
            yield counterexample_words(each.counterexample)
        if each.diagnosis is not None and each.diagnosis.word != "unknown":
            detail = f" ({each.diagnosis.detail})" if each.diagnosis.detail else ""
            yield f"diagnosis: {each.diagnosis.word}{detail}"
        if each.end_is_right:
            yield "the end of the chain is right all the same"
        if each.right_form is not None:
            yield f"right: {to_text(each.right_form)}"
    if each.verdict in ("undecided", "equation") or (each.verdict == "unreadable" and each.claim is not None):
        yield each.message
    if each.claim is not None:
        for note in each.claim.notes:
            yield f"note: {note}"


def counterexample_words(found: Mapping[str, Any]) -> str:
    """A counterexample in one line: sizes, places, values, and both sides."""
    spots = [f"{name} = {value}" for name, value in (*found["sizes"].items(), *found["places"].items())]
    spots += [f"{name} = {_flat(value)}" for name, value in found.get("values", {}).items()]
    where = f"at {', '.join(spots)}: " if spots else ""
    return f"{where}the left side is {found['left']}, the right side {found['right']}"


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_flat(each) for each in value) + "]"
    return str(value)


def json_report(reports: Sequence[Report]) -> str:
    """All judgements as one JSON object (see the documentation for its keys)."""
    return _as_json({"version": 1, "documents": [report_data(each) for each in reports]}) + "\n"


def report_data(report: Report) -> dict[str, Any]:
    """A report as plain data."""
    return {
        "path": report.path,
        "verdict": report.verdict,
        "seconds": round(report.seconds, 3),
        "claims": [_claim(each) for each in report.judgements],
    }


def _as_json(data: Any) -> str:
    """JSON that can be read as it stands, but for characters that do not print: those are escaped."""
    text = json.dumps(data, indent=1, ensure_ascii=False)
    return "".join(
        letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text
    )


def _claim(each: Judgement) -> dict[str, Any]:
    data: dict[str, Any] = {
        "path": each.place.path,
        "line": each.place.line,
        "column": each.place.column,
        **_end(each),
        "display": each.display,
        "equality": each.equality,
        "verdict": each.verdict,
        "message": each.message,
    }
    if each.place.cell:
        data["cell"] = each.place.cell
    if each.claim is not None:
        left, right = each.claim.written
        data["latex"] = f"{left} = {right}"
        data["understood"] = understood(each)
        data["notes"] = list(each.claim.notes)
    if each.end_is_right is not None:
        data["end_is_right"] = each.end_is_right
    optional = {
        "method": each.method,
        "condition": each.condition,
        "counterexample": dict(each.counterexample),
        "diagnosis": each.diagnosis.word if each.diagnosis else "",
        "diagnosis_detail": each.diagnosis.detail if each.diagnosis else "",
        "right_form": to_text(each.right_form) if each.right_form is not None else "",
    }
    return data | {key: value for key, value in optional.items() if value}


def _end(each: Judgement) -> dict[str, int]:
    """Where the right side of a claim ends: the line, and the column behind its last character."""
    if each.end is None:
        return {}
    return {"end_line": each.end.line, "end_column": each.end.column}


def understood(each: Judgement) -> str:
    """A claim in text notation, with the conditions of its chain."""
    assert each.claim is not None
    told = f"{to_text(each.claim.left)} = {to_text(each.claim.right)}"
    found = [condition_to_text(condition) for condition in each.claim.conditions]
    return f"{told} if {' and '.join(found)}" if found else told


def sarif_report(reports: Sequence[Report]) -> str:
    """The judgements that are not proofs, in SARIF 2.1.0."""
    results = [
        {
            "ruleId": each.verdict,
            "level": _LEVELS[each.verdict],
            "message": {"text": _sarif_text("; ".join([_in_text(each), *details(each)]))},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(each.place.path)},
                        "region": {
                            "startLine": each.place.line,
                            "startColumn": each.place.column,
                            **({"endLine": each.end.line, "endColumn": each.end.column} if each.end else {}),
                        },
                    }
                }
            ],
        }
        for report in reports
        for each in report.judgements
        if each.verdict in _RULES
    ]
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()]
    driver = {"name": "symderiv", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _in_text(each: Judgement) -> str:
    """A claim in text notation, which has no braces; what is wrong where nothing is claimed."""
    return understood(each) if each.claim is not None else headline(each)


def _sarif_text(text: str) -> str:
    """A message of SARIF: single braces hold the numbers of arguments there, so others are doubled."""
    return text.replace("{", "{{").replace("}", "}}")


def _uri(path: str) -> str:
    """A path as a reference of SARIF: relative ones stay so, and nothing but a path is left in it."""
    from urllib.parse import quote

    encoded = quote(path.replace("\\", "/").encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{encoded}" if encoded.startswith("/") else encoded


def github_report(reports: Sequence[Report]) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the lines of a change."""
    words = {"error": "error", "warning": "warning", "note": "notice"}
    for report in reports:
        for each in report.judgements:
            if each.verdict not in _RULES:
                continue
            place = f"file={_property(each.place.path)},line={each.place.line},col={each.place.column}"
            if each.end is not None:
                place += f",endLine={each.end.line},endColumn={each.end.column}"
            told = printable("; ".join([headline(each), *details(each)]))
            kind = words[_LEVELS[each.verdict]]
            yield f"::{kind} {place},title=symderiv {each.verdict}::{_escaped(told)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return printable(_escaped(text)).replace(":", "%3A").replace(",", "%2C")
