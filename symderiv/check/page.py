"""A report as one HTML page: the source with each judged sign marked, and beside it what was found.

The page needs no network and no script. Nothing of a document is ever HTML here: all text goes through the
template's own escaping, and the only markup that is made outside of it is the MathML of formulas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symderiv.check.formats import details, headline, printable, summary
from symderiv.check.verdicts import VERDICTS, Judgement, Report
from symderiv.documents.environment import html_environment
from symderiv.documents.escape import escape_markdown
from symderiv.documents.formulas import Formula
from symderiv.documents.fragments import equation, set_latex, table
from symderiv.notation.latex import to_latex
from symderiv.notation.text import to_text

#: The longest document that is shown whole, in lines; of a longer one, only lines near judgements are.
WHOLE = 2_000
AROUND = 4


@dataclass(frozen=True)
class Piece:
    """A part of a line; `verdict` is empty where nothing is judged, else `number` is that of the finding."""

    text: str
    verdict: str = ""
    number: int = 0


@dataclass(frozen=True)
class Line:
    """A line of the source; one without pieces stands for `left_out` lines that are not shown.

    `verdict` is the worst of what is judged in it.
    """

    number: str
    pieces: tuple[Piece, ...] = ()
    left_out: int = 0
    verdict: str = ""


@dataclass(frozen=True)
class Finding:
    """What the page says of one judgement.

    `claim` is the equation as it was understood, set; `sign` names its place among the marked signs.
    """

    number: int
    verdict: str
    place: str
    headline: str
    claim: Formula | None
    sign: str
    message: str
    details: tuple[str, ...]
    right_form: str
    right_math: Formula | None


def html_report(reports: Sequence[Report]) -> str:
    """The page of some reports."""
    counts = Counter(each.verdict for report in reports for each in report.judgements)
    number = 0
    documents = []
    for count, report in enumerate(reports, 1):
        findings = []
        for each in report.judgements:
            number += 1
            findings.append(_finding(each, number))
        lines = tuple(_lines(report, number - len(findings) + 1))
        documents.append(
            {
                "id": f"document-{count}",
                "path": printable(report.path),
                "verdict": report.verdict,
                "findings": findings,
                "lines": lines,
                "signs": {f"sign-{piece.number}" for line in lines for piece in line.pieces if piece.verdict},
            }
        )
    return (
        html_environment()
        .get_template("check.html.j2")
        .render(
            summary=summary(reports),
            counts=[(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict]],
            documents=documents,
        )
    )


def html_fragment(report: Report) -> str:
    """The findings of one report as a part of a page, for notebooks."""
    findings = [_finding(each, number) for number, each in enumerate(report.judgements, 1)]
    return table(summary([report]), findings)


def markdown_table(report: Report) -> str:
    """The findings of one report as a Markdown table."""
    rows = ["| verdict | place | claim | |", "|---|---|---|---|"]
    for each in report.judgements:
        cells = [
            each.verdict,
            f"{each.place.line}:{each.place.column}",
            headline(each),
            "; ".join(details(each)),
        ]
        rows.append("| " + " | ".join(escape_markdown(printable(cell)) for cell in cells) + " |")
    return "\n".join([escape_markdown(summary([report])), "", *rows]) + "\n"


def _finding(each: Judgement, number: int) -> Finding:
    right = each.right_form if each.verdict == "refuted" else None
    told = [line for line in details(each) if right is None or not line.startswith("right: ")]
    problem = each.claim.problem if each.claim is not None else None
    math = set_latex(to_latex(right, problem)) if right is not None else None
    return Finding(
        number,
        each.verdict,
        printable(str(each.place)),
        headline(each),
        _claim(each),
        f"sign-{number}",
        printable(each.message.removeprefix("proved: ")) if each.claim and each.verdict == "proved" else "",
        tuple(printable(line) for line in told),
        to_text(right) if right is not None else "",
        math,
    )


def _claim(each: Judgement) -> Formula | None:
    """A claim as it was understood; None where there is none, or where it cannot be set."""
    if each.claim is None:
        return None
    return equation(each.claim.left, each.claim.right, each.claim.problem)


def _lines(report: Report, first: int) -> Iterator[Line]:
    """The lines of a document that stand near a judgement, with the judged signs as pieces of their own."""
    if report.content is None:
        return
    document = report.content.document
    marks: dict[int, list[tuple[int, int, str, int]]] = {}
    starts = document.starts
    for number, each in enumerate(report.judgements, first):
        offset = document.offset(each.place)
        row = document.row(offset)
        marks.setdefault(row, []).append((offset - starts[row], 1, each.verdict, number))
    shown = {near for row in marks for near in range(row - AROUND, row + AROUND + 1)}
    if len(starts) <= WHOLE:
        shown = set(range(len(starts)))
    skipped = 0
    for row, text in enumerate(document.text.rstrip().split("\n")):
        if row not in shown:
            skipped += 1
            continue
        if skipped:
            yield Line("", (), skipped)
            skipped = 0
        found = {verdict for _, _, verdict, _ in marks.get(row, [])}
        worst = next((verdict for verdict in VERDICTS if verdict in found), "")
        pieces = tuple(_pieces(text, marks.get(row, [])))
        yield Line(str(document.place(starts[row]).line), pieces, verdict=worst)
    if skipped > 1:
        yield Line("", (), skipped)


def _pieces(text: str, marks: list[tuple[int, int, str, int]]) -> Iterator[Piece]:
    place = 0
    for start, length, verdict, number in sorted(marks):
        if start < place:  # two judgements of one sign: the first marks it
            continue
        yield Piece(printable(text[place:start]))
        yield Piece(printable(text[start : start + length]) or "¶", verdict, number)
        place = start + length
    yield Piece(printable(text[place:]))
