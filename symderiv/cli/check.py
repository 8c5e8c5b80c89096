"""``symderiv check``: the formulas of documents, judged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from symderiv.arguments import UsageError
from symderiv.cli.application import Command, answering, app, examples

#: The exit status that each verdict of a document asks for; the worst document decides.
STATUS = {"refuted": 1, "unreadable": 2}
FORMATS = ("text", "json", "sarif", "github")


@app.command(
    cls=Command,
    short_help="Judge the formulas of documents.",
    epilog=examples("check notes.md", "check --format json paper.tex", "check - < notes.md"),
)
@answering
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Markdown, LaTeX, notebooks, text; - for stdin.")
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text, json, sarif or github.")
    ] = "text",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what was understood, proved claims too.")
    ] = False,
    assume: Annotated[
        list[str] | None,
        typer.Option("--assume", metavar="EQUATION", help="What may be assumed, such as sum(k, t[k]) == 1."),
    ] = None,
) -> None:
    """Read documents, find their formulas, and judge every = that is claimed.

    An equation is proved for every size, or true only under an assumption that is named, or refuted with
    a counterexample, a diagnosis and the right form. The exit status is 1 if anything is refuted, 2 if
    anything is not understood (or a file cannot be read), otherwise 0.
    """
    if form not in FORMATS:
        raise UsageError(f"--format: expected one of {', '.join(FORMATS)}, found {form!r}")
    from symderiv.check import formats
    from symderiv.check.judge import check_document
    from symderiv.check.sources import read_file, read_text

    reports = []
    for name in files:
        document = read_text(sys.stdin.read()) if name == "-" else read_file(Path(name))
        reports.append(check_document(document, tuple(assume or ())))
    if form == "json":
        typer.echo(formats.json_report(reports), nl=False)
    elif form == "sarif":
        typer.echo(formats.sarif_report(reports), nl=False)
    else:
        lines = formats.github_report(reports) if form == "github" else formats.text_report(reports, explain)
        for line in lines:
            typer.echo(line)
    found = {report.verdict for report in reports}
    for verdict, status in STATUS.items():
        if verdict in found:
            raise typer.Exit(status)
