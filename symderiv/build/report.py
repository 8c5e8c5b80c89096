"""What the reader of a build sees: progress, the table at the end, what failed, and the index."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence

from symderiv.build.manifest import Manifest
from symderiv.build.plan import Outcome

#: Forms are cut to this width in the table, and no further, where the terminal is narrow.
_LEAST_FORM = 24
_ABOUT_ERRORS = (
    "worst error: of the entry nearest its bound, relative to its value; the bound is what rounding may do "
    "to the formula on that input (large where terms cancel)."
)


def say(line: str) -> None:
    """One line on the standard output, at once."""
    print(line, flush=True)


def complain(line: str) -> None:
    """One line on the standard error."""
    print(f"symderiv: {line}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress(total: int) -> Iterator[Callable[[Outcome], None]]:
    """A bar on a terminal, elsewhere one plain line for each problem that is done."""
    if not sys.stdout.isatty():
        count = 0

        def line(outcome: Outcome) -> None:
            nonlocal count
            count += 1
            say(f"[{count}/{total}] {outcome.name}{' FAILED' if outcome.failures else ''}")

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("deriving", total=total)
        yield lambda outcome: bar.update(task, advance=1, description=outcome.name)


def failures(outcomes: Sequence[Outcome]) -> int:
    """Say on the standard error what went wrong; how many things did."""
    for outcome in outcomes:
        for sentence in outcome.failures:
            complain(f"{outcome.name}: {sentence}")
    return sum(len(outcome.failures) for outcome in outcomes)


def table(outcomes: Sequence[Outcome]) -> None:
    """The table of everything that was done: a line for each derivative."""
    head = ("problem", "derivative", "form", "proof", "kernels", "worst error")
    lines: list[tuple[str, ...]] = [head]
    for outcome in outcomes:
        kernels = " ".join(outcome.errors) if outcome.record else "FAILED"
        rows = [(row.derivative, row.form, row.proof) for row in outcome.rows] or [("", "", "")]
        for place, row in enumerate(rows):
            ends = (outcome.name, kernels, _worst(outcome)) if place == 0 else ("", "", "")
            lines.append((ends[0], *row, *ends[1:]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    if sys.stdout.isatty():
        # What is too wide for the terminal is taken from the forms; they stand whole in the documents.
        spare = shutil.get_terminal_size().columns - sum(widths) - 2 * (len(widths) - 1)
        widths[2] = max(_LEAST_FORM, widths[2] + min(0, spare))
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        cells = [_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True)]
        say("  ".join(cells).rstrip())
    if any(outcome.errors for outcome in outcomes):
        say(_ABOUT_ERRORS)


def _worst(outcome: Outcome) -> str:
    """The largest of the targets' errors, and what is allowed there."""
    if not outcome.errors:
        return ""
    error, bound = max(outcome.errors.values(), key=lambda pair: pair[0] / (pair[1] or 1.0))
    return f"{error:.1f} of {bound:.0f} eps"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def index(manifest: Manifest) -> str:
    """The Markdown table of a folder."""
    lines = [
        "# Derivatives, documents and kernels",
        "",
        "Written by `symderiv build`; do not edit. A proved form holds for every size of every axis,",
        "under the assumption that it names, if it names one.",
        "",
        "| problem | derivative | form | checked by | files |",
        "|---|---|---|---|---|",
    ]
    for name in sorted(manifest.problems):
        record = manifest.problems[name]
        links = " ".join(f"[{file.split('/')[-1]}]({file})" for file in record.files)
        for place, row in enumerate(record.rows):
            first, last = (f"**{record.title or name}**", links) if place == 0 else ("", "")
            cells = (first, f"`{row.derivative}`", f"`{row.form}`", row.proof, last)
            lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines) + "\n"
