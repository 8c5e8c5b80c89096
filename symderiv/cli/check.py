"""``symderiv check``: the formulas of documents, judged."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symderiv.arguments import UsageError
from symderiv.cli import completion
from symderiv.cli.application import Command, answering, app, examples
from symderiv.cli.formulas import CLOSED
from symderiv.cli.options import choice, one_of

if TYPE_CHECKING:
    from symderiv.check import Document, Report

FORMATS = ("text", "json", "sarif", "github", "html")
_COLOURS = {
    "proved": typer.colors.GREEN,
    "conditional": typer.colors.YELLOW,
    "refuted": typer.colors.RED,
    "unreadable": typer.colors.MAGENTA,
    "undecided": typer.colors.BLUE,
}
#: How often files are looked at by ``--watch``, in seconds.
PERIOD = 0.5


@app.command(
    cls=Command,
    short_help="Judge the formulas of documents, or a hand-written function.",
    epilog=examples(
        "check notes.md",
        "check docs/ --format html --out report.html",
        "check --format json paper.tex",
        "check - < notes.md",
        "check notes.md --watch",
        "check --code grad.py::gradient --against cross_entropy_batch:d(L,z)",
        "check --code jac.py::jacobian --against 'softmax:d(p[i], z[j])' --args 'S = p[k]'",
        status={
            0: "nothing is refuted, and everything was understood; the function agrees",
            1: "something is refuted",
            2: "nothing is refuted, but something is not understood, cannot be read or cannot be judged",
        },
    ),
)
@answering
def check(  # noqa: PLR0917 (each parameter is an option)
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE", help="Markdown, LaTeX, notebooks, text; folders of them; - for stdin."
        ),
    ] = None,
    form: Annotated[
        str,
        choice("--format", FORMATS, "How to write the report."),
    ] = "text",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the report there, whole or not at all."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="First say what was understood; list proved claims too.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only what is wrong or doubtful: no remarks, no summary.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Judge again whenever a file changes, until Ctrl-C.")
    ] = False,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            "--assume",
            metavar="EQUATION",
            help="What may be assumed, such as 'sum(k, t[k]) == 1'; may be repeated.",
        ),
    ] = None,
    code: Annotated[
        str,
        typer.Option("--code", metavar="FILE.py::FUNCTION", help="RUN this function, and judge its values."),
    ] = "",
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="PROBLEM[:DERIVATIVE]",
            help="What the function is to compute.",
            autocompletion=completion.problems,
        ),
    ] = "",
    args: Annotated[
        str,
        typer.Option("--args", metavar="ROLES", help="What its parameters are: 'S = p[k], x = x[j] as j 1'."),
    ] = "",
    returns: Annotated[
        str, typer.Option("--returns", metavar="LETTERS", help="How its result is laid out: '(i j) t'.")
    ] = "",
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", metavar="S", min=0.1, max=3600, help="How long the function may run in all."
        ),
    ] = 20.0,
    memory: Annotated[
        int,
        typer.Option("--memory", metavar="MIB", min=256, max=2**20, help="MiB of memory that it may have."),
    ] = 2048,
) -> None:
    """Read documents, find their formulas, and judge every = that is claimed.

    An equation is proved for every size, or true under an assumption that is named, or refuted with
    a counterexample, a diagnosis and the right form. Conditional and undecided claims are told and leave
    the exit status at 0.

    With --code a hand-written NumPy function is judged instead: it is RUN, in a process of its own with
    limits on time and memory, at generic values and several sizes. The limits guard against accidents, not
    malice: do not run code that you do not trust. Nothing is ever run without --code. The roles may also
    stand in the file: # symderiv: jacobian(S = p[k]) -> [i, j].
    """
    if code or against or args or returns:
        if explain or assume:
            raise UsageError(f"--{'explain' if explain else 'assume'}: expected documents, found --code")
        raise typer.Exit(_check_code(files, form, code, against, args, returns, seconds, memory))
    if not files:
        raise UsageError("expected a document to check, or a function by --code, found neither")
    one_of("--format", form, FORMATS)
    if explain and form != "text":
        raise UsageError(f"--explain: expected --format text, found --format {form}")
    if explain and quiet:
        raise UsageError("--explain: expected no --quiet beside it")
    if watch and "-" in files:
        raise UsageError("--watch: expected files to look at, found - (the standard input)")
    from symderiv.check.output import rendered, status

    def run(known: dict[Path, tuple[object, Report]]) -> int:
        reports = _judged(_documents(files), tuple(assume or ()), known, progress=not quiet)
        text = rendered(form, reports, explain, quiet, _paint if _colour(out) else _unpainted)
        if out is not None:
            from symderiv.build.folder import write_file

            write_file(out, text)
        else:
            typer.echo(text, nl=False, color=True if _colour(out) else None)
        return status(reports)

    found = _watched(files, run) if watch else run({})
    if found:
        raise typer.Exit(found)


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


def _documents(files: list[str]) -> list[str]:
    """The documents that are meant, each once: those in a folder stand for it."""
    from symderiv.check.sources import documents_in

    found: dict[str, str] = {}
    for name in files:
        if not name:
            raise UsageError("expected a document to check, found an empty name")
        path = Path(name)
        inside = [str(each) for each in documents_in(path)] if name != "-" and os.path.isdir(path) else [name]
        if not inside:
            _say(f"{name}: no documents here (Markdown, LaTeX, notebooks, text)")
        for each in inside:
            key = "-" if each == "-" else os.path.realpath(each)
            if key in found and name in files and inside == [name]:
                _say(f"{each}: named twice, judged once")
            found.setdefault(key, each)
    return list(found.values())


def _judged(
    names: list[str], assume: tuple[str, ...], known: dict[Path, tuple[object, Report]], progress: bool
) -> list[Report]:
    """A report for each document; one that has not changed since it was last judged keeps its report."""
    from symderiv.check.output import judged
    from symderiv.check.sources import STDIN, read_file

    shown = progress and len(names) > 1 and sys.stderr.isatty()
    reports = []
    for number, name in enumerate(names, 1):
        if shown:
            line = f"[{number}/{len(names)}] {_printable(name)}"
            typer.echo(f"\r\x1b[K{line[:78]}", err=True, nl=False)
        if name == "-":
            reports.append(judged(_stdin, STDIN, assume))
            continue
        path = Path(name)
        before = known.get(path)
        if before is not None and before[0] == _state(before[1], path):
            reports.append(before[1])
            continue
        began = _changed(name)
        report = judged(lambda path=path: read_file(path), name, assume)  # type: ignore[misc]
        known[path] = (_state(report, path) | {str(path): began}, report)  # a change meanwhile is seen
        reports.append(report)
    if shown:
        typer.echo("\r\x1b[K", err=True, nl=False)
    return reports


def _stdin() -> Document:
    from symderiv.check.document import DocumentError
    from symderiv.check.sources import STDIN, read_stdin, read_text

    if sys.stdin is None:
        raise DocumentError(f"{STDIN}: {CLOSED}")
    buffer = getattr(sys.stdin, "buffer", None)
    return read_text(sys.stdin.read()) if buffer is None else read_stdin(buffer)


def _state(report: Report, path: Path) -> dict[str, tuple[int, int]]:
    """When the files of a document were last changed, and how long they are."""
    paths = {str(path)}
    if report.content is not None:
        paths |= {each.path for each in report.content.document.stretches}
    return {name: _changed(name) for name in paths}


def _changed(name: str) -> tuple[int, int]:
    try:
        found = Path(name).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _watched(files: list[str], run: Callable[[dict[Path, tuple[object, Report]]], int]) -> int:
    """Judge, and again after each change; Ctrl-C ends it with the status of the last time."""
    import time

    known: dict[Path, tuple[object, Report]] = {}
    last = 0
    try:
        while True:
            last = run(known)
            sys.stdout.flush()
            _say("watching for changes; Ctrl-C ends it")
            names = _documents(files)
            while _documents(files) == names and all(
                _state(report, path) == before for path, (before, report) in known.items()
            ):
                time.sleep(PERIOD)
    except KeyboardInterrupt:
        _say("no longer watching")
    return last


def _colour(out: Path | None) -> bool:
    """Whether to print in colour: on a terminal, unless NO_COLOR or a plain terminal says otherwise."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return out is None and wanted and sys.stdout.isatty()


def _paint(verdict: str, text: str) -> str:
    return typer.style(text, fg=_COLOURS.get(verdict), bold=True)


def _unpainted(verdict: str, text: str) -> str:
    return text


def _say(sentence: str) -> None:
    typer.echo(f"symderiv: {_printable(sentence)}", err=True)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
