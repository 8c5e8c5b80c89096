"""What the reader of a build sees: progress, the table at the end, what failed."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence

from symderiv.build.manifest import Row
from symderiv.build.plan import Outcome
from symderiv.notation.errors import printable

#: Forms are cut to this width in the table, and no further, where the terminal is narrow.
_LEAST_FORM = 24
_ABOUT_ERRORS = (
    "error / bound: of the entry that comes nearest to what rounding may do to the formula there; "
    "above 1 is a failure."
)


def say(line: str) -> None:
    """One line on the standard output, at once."""
    print(printable(line), flush=True)


def complain(line: str) -> None:
    """One line on the standard error."""
    print(printable(f"symderiv: {line}"), file=sys.stderr, flush=True)


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


def notes(outcomes: Sequence[Outcome]) -> None:
    """Say on the standard error what could not be looked into, each sentence once."""
    for sentence in dict.fromkeys(sentence for outcome in outcomes for sentence in outcome.notes):
        complain(sentence)


def failures(outcomes: Sequence[Outcome]) -> int:
    """Say on the standard error what went wrong; how many things did."""
    for outcome in outcomes:
        for sentence in outcome.failures:
            complain(f"{outcome.name}: {sentence}")
    return sum(len(outcome.failures) for outcome in outcomes)


def table(outcomes: Sequence[Outcome]) -> None:
    """The table of everything that was done: a line for each derivative."""
    head = ("problem", "derivative", "form", "steps", "proof", "derived in", "kernels", "error / bound")
    lines: list[tuple[str, ...]] = [head]
    for outcome in outcomes:
        kernels = " ".join(outcome.errors) if outcome.record else "FAILED"
        rows = [
            (row.derivative, row.form, steps(row), row.proof, f"{1000 * seconds:.1f} ms")
            for row, seconds in zip(outcome.rows, outcome.seconds, strict=True)
        ]
        for place, row in enumerate(rows or [("", "", "", "", "")]):
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
    _summary(outcomes)


def _summary(outcomes: Sequence[Outcome]) -> None:
    """All of the table in two lines."""
    rows = [row for outcome in outcomes for row in outcome.rows]
    if not rows:
        return
    proved = sum(row.proof.startswith("proved") for row in rows)
    steps, good = sum(row.steps for row in rows), sum(row.proved_steps for row in rows)
    say(
        f"{counted(len(outcomes), 'problem')}, {counted(len(rows), 'derivative')}: {proved} proved for "
        f"every size, and {good} of their {steps} steps one by one"
    )
    timed = [
        (seconds, f"{row.derivative} of {outcome.name}")
        for outcome in outcomes
        for row, seconds in zip(outcome.rows, outcome.seconds, strict=True)
    ]
    middle = statistics.median(seconds for seconds, _ in timed)
    slowest, which = max(timed)
    say(f"derived in {1000 * middle:.1f} ms (median), {1000 * slowest:.1f} ms at most ({which})")


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def steps(row: Row) -> str:
    """How many steps; where some of them are not proved, how many are."""
    return str(row.steps) if row.steps == row.proved_steps else f"{row.proved_steps} of {row.steps} proved"


def _worst(outcome: Outcome) -> str:
    """The share of what rounding may do that the worst entry used up, over all targets."""
    if not outcome.errors:
        return ""
    return f"{max(error / (bound or 1.0) for error, bound in outcome.errors.values()):.2f}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
