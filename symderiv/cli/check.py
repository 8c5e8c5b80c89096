"""``symderiv check``: the formulas of documents, judged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from symderiv.arguments import UsageError
from symderiv.cli.application import Command, answering, app, examples
from symderiv.cli.options import one_of

#: The exit status that each verdict of a document asks for; the worst document decides.
STATUS = {"refuted": 1, "unreadable": 2}
FORMATS = ("text", "json", "sarif", "github")


@app.command(
    cls=Command,
    short_help="Judge the formulas of documents, or a hand-written function.",
    epilog=examples(
        "check notes.md",
        "check --format json paper.tex",
        "check - < notes.md",
        "check --code grad.py::gradient --against cross_entropy_batch:d(L,z)",
        "check --code jac.py::jacobian --against 'softmax:d(p[i], z[j])' --args 'S = p[k]'",
    ),
)
@answering
def check(  # noqa: PLR0917 (each parameter is an option)
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE...", help="Markdown, LaTeX, notebooks, text; - for stdin."),
    ] = None,
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
    code: Annotated[
        str,
        typer.Option("--code", metavar="FILE.py::FUNCTION", help="RUN this function, and judge its values."),
    ] = "",
    against: Annotated[
        str,
        typer.Option("--against", metavar="PROBLEM[:DERIVATIVE]", help="What the function is to compute."),
    ] = "",
    args: Annotated[
        str,
        typer.Option("--args", metavar="ROLES", help="What its parameters are: 'S = p[k], x = x[j] as j 1'."),
    ] = "",
    returns: Annotated[
        str, typer.Option("--returns", metavar="LETTERS", help="How its result is laid out: '(i j) t'.")
    ] = "",
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=3600, help="How long the function may run in all.")
    ] = 20.0,
    memory: Annotated[
        int, typer.Option("--memory", min=256, max=2**20, help="MiB of memory that it may have.")
    ] = 2048,
) -> None:
    """Read documents, find their formulas, and judge every = that is claimed.

    An equation is proved for every size, or true only under an assumption that is named, or refuted with
    a counterexample, a diagnosis and the right form. The exit status is 1 if anything is refuted, 2 if
    anything is not understood (or a file cannot be read), otherwise 0.

    With --code a hand-written NumPy function is judged instead: it is RUN, in a process of its own with
    limits on time and memory, at generic values and several sizes. The limits guard against accidents, not
    malice: do not run code that you do not trust. Nothing is ever run without --code. The roles may also
    stand in the file: # symderiv: jacobian(S = p[k]) -> [i, j]. The exit status is 0 where it agrees, 1
    where it is refuted, 2 where it cannot be judged.
    """
    if code or against or args or returns:
        if explain or assume:
            raise UsageError(f"--{'explain' if explain else 'assume'}: expected documents, found --code")
        raise typer.Exit(_check_code(files, form, code, against, args, returns, seconds, memory))
    if not files:
        raise UsageError("expected a document to check, or a function by --code, found neither")
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


def _check_code(  # noqa: PLR0917 (each parameter is an option)
    files: list[str] | None,
    form: str,
    code: str,
    against: str,
    args: str,
    returns: str,
    seconds: float,
    memory: int,
) -> int:
    """Judge a function; the exit status."""
    if files:
        raise UsageError(f"--code: expected no document beside a function, found {files[0]!r}")
    if not (code and against):
        found = "no --code" if against or not code else "no --against"
        raise UsageError(f"expected --code FILE.py::function and --against PROBLEM, found {found}")
    one_of("--format", form, ("text", "json"))
    from symderiv.check.code import check_code
    from symderiv.check.code.report import json_report

    report = check_code(code, against, args, returns, seconds=seconds, memory=memory)
    typer.echo(json_report(report) if form == "json" else f"{report}\n", nl=False)
    return {"agrees": 0, "refuted": 1}.get(report.verdict, 2)
