"""Reports in the form that was asked for, and the exit status that they lead to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symderiv.check import formats
from symderiv.check.document import Document, DocumentError, Place
from symderiv.check.judge import check_document
from symderiv.check.verdicts import Judgement, Report

FORMATS = ("text", "json", "sarif", "github", "html")
#: The exit status that each verdict of a document asks for; the worst document decides.
STATUS = {"refuted": 1, "unreadable": 2}


def judged(read: Callable[[], Document], path: str, assume: Sequence[str] = ()) -> Report:
    """The report on a document; one that cannot be read at all is unreadable, and says why."""
    try:
        document = read()
    except DocumentError as error:
        told = str(error).removeprefix(f"{path}: ")
        return Report(path, (Judgement(Place(path, 0, 1, 1, ""), "unreadable", told),))
    return check_document(document, assume)


def rendered(
    form: str,
    reports: Sequence[Report],
    explain: bool = False,
    quiet: bool = False,
    paint: Callable[[str, str], str] = formats.plain,
) -> str:
    """Reports in one of `FORMATS`, ending with a line end where there is anything."""
    if form == "json":
        return formats.json_report(reports)
    if form == "sarif":
        return formats.sarif_report(reports)
    if form == "html":
        from symderiv.check.page import html_report

        return html_report(reports)
    lines: list[str] = []
    if form == "github":
        lines += formats.github_report(reports)
    else:
        if explain:
            from symderiv.check.explained import explanation

            for report in reports:
                lines += explanation(report)
        lines += formats.text_report(reports, explain, quiet, paint)
    return "".join(f"{line}\n" for line in lines)


def status(reports: Sequence[Report]) -> int:
    """1 if anything is refuted, 2 if anything is unreadable, else 0."""
    found = {report.verdict for report in reports}
    return next((number for verdict, number in STATUS.items() if verdict in found), 0)
