"""``symderiv bench``: the emitted kernels beside other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symderiv.arguments import UsageError
from symderiv.build import TARGETS
from symderiv.cli import completion
from symderiv.cli.application import Command, answering, app, examples
from symderiv.cli.options import choice, one_of

if TYPE_CHECKING:
    from symderiv.bench.measure import Options

KINDS = ("speed", "accuracy", "growth")
DTYPES = ("float32", "float64")
MOST_THREADS = 256
#: The width of tables where the output is no terminal.
WIDTH = 140


@app.command(
    cls=Command,
    short_help="Measure the emitted kernels beside torch, JAX, SciPy and NumPy.",
    epilog=examples(
        "bench --quick",
        "bench --only cross_entropy --shape 4096,10 --dtype float32",
        "bench --threads 2 --json two.json --plots plots",
        "bench accuracy --only softmax",
        "bench growth --only softmax --plots plots",
    ),
)
@answering
def bench(  # noqa: PLR0917 (each parameter is an option)
    what: Annotated[
        str,
        typer.Argument(
            metavar="|".join(KINDS), help="What to measure.", autocompletion=completion.words(*KINDS)
        ),
    ] = "speed",
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="WORKLOAD",
            help="softmax, softmax_vjp, cross_entropy, layer_norm, layer_norm_vjp, rms_norm, rms_norm_vjp, "
            "jacobian, layer_jacobian or layer; may be repeated.", autocompletion=completion.workloads,
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            "--shape", metavar="B,K",
            help="Instead of the usual shapes; K for jacobian, N,K for layer_jacobian, B,N,K for layer.",
        ),
    ] = None,
    dtype: Annotated[
        list[str] | None,
        choice("--dtype", DTYPES, "The precision; both if left out."),
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", metavar="N", help="Processors for every candidate.")
    ] = 1,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            "--peer", metavar="PEER",
            help="emitted, numpy_plain, numpy_tuned, scipy_special, pytorch, jax_jit or articles; "
            "may be repeated; all that are installed if left out.", autocompletion=completion.peers,
        ),
    ] = None,
    against: Annotated[
        str,
        choice("--against", TARGETS, "The emitted target that ratios are taken to."),
    ] = "numba",
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", help="About how long the turns of one cell take.")
    ] = 2.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few shapes, and a quarter of the time for each.")
    ] = False,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything measured there too.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", metavar="FOLDER", help="Write plots there, as SVG (matplotlib).")
    ] = None,
) -> None:  # fmt: skip
    """Measure the emitted kernels beside other libraries, in turns, in one process.

    Every result is checked before it is timed. Libraries that are not installed are named and left
    out. Ctrl-C ends the run with what has been measured so far.
    """
    from symderiv.bench.measure import Options, limit_threads, processors

    one_of("bench", what, KINDS)
    for name in dtype or ():
        one_of("--dtype", name, DTYPES)
    if not 1 <= threads <= min(processors(), MOST_THREADS):
        raise UsageError(f"--threads: expected from 1 to {processors()} here, found {threads}")
    if not 0 < seconds <= 600:
        raise UsageError(f"--seconds: expected more than 0 and at most 600, found {seconds:g}")
    limit_threads(threads)  # before NumPy and the others are imported
    from symderiv.bench.workloads import chosen
    from symderiv.kernels.registry import target_named

    if plots is not None:
        from symderiv.bench.plots import require

        require()
    target_named(against)
    workloads = tuple(chosen(tuple(only or ())))
    options = Options(
        workloads, tuple(dict.fromkeys(dtype or DTYPES)), _shapes(shape or [], workloads), quick, threads,
        seconds / 4 if quick else seconds, against,
    )  # fmt: skip
    {"speed": _speed, "accuracy": _accuracy, "growth": _growth}[what](options, tuple(peer or ()), json, plots)


def _shapes(texts: list[str], workloads: tuple[Any, ...]) -> tuple[tuple[int, ...], ...]:
    from symderiv.bench.measure import parse_shape

    found = []
    for text in texts:
        shape = parse_shape(text)
        if shape is None:
            raise UsageError(f"--shape: expected sizes such as 4096,10, found {text!r}")
        if all(len(each.axes) != len(shape) for each in workloads):
            known = " or ".join(dict.fromkeys(",".join(each.axes) for each in workloads))
            raise UsageError(f"--shape: expected {known} for these workloads, found {text!r}")
        found.append(shape)
    return tuple(found)


@contextmanager
def _progress(total: int) -> Iterator[tuple[Any, Callable[[str], None], Callable[[], None]]]:
    """The console for results, and what tells the progress bar (on the standard error)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    errors = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield (
            console,
            lambda text: bar.update(task, description=text),
            lambda: bar.advance(task),
        )


def _speed(options: Options, names: tuple[str, ...], json: Path | None, plots: Path | None) -> None:
    from symderiv.bench import report
    from symderiv.bench.measure import cells, run

    with _progress(len(cells(options))) as (console, tell, advance):
        done, results = run(options, names, tell)
        for line in report.header(done):
            console.print(line)
        try:
            for result in results:
                advance()
                console.print(report.cell_table(result, options.against) if result.floor else result.trouble)
                console.print()
        except KeyboardInterrupt:
            _finish(done, console, json, plots)
            raise
    _finish(done, console, json, plots)


def _finish(done: Any, console: Any, json: Path | None, plots: Path | None) -> None:
    from symderiv.bench import report

    report.print_summary(done, console)
    if json is not None:
        _write(json, report.as_json(done))
    if plots is not None and done.results:
        from symderiv.bench.plots import write_plots

        for path in write_plots(done, plots):
            console.print(f"wrote {path}")


def _write(path: Path, text: str) -> None:
    from symderiv.build.folder import write_file

    write_file(path, text)


def _accuracy(options: Options, names: tuple[str, ...], json: Path | None, plots: Path | None) -> None:
    from symderiv.bench.accuracy import accuracies
    from symderiv.bench.peers import present
    from symderiv.bench.report import accuracy_json, accuracy_table

    if plots is not None:
        raise UsageError("--plots: expected none for accuracy, which is a table; leave it out")
    found = []
    with _progress(len(options.workloads) * len(options.dtypes)) as (console, tell, advance):
        for sentence in present(names)[1].values():
            console.print(sentence)
        try:
            for each in accuracies(options, names, tell):
                found.append(each)
                console.print(accuracy_table(each))
                console.print()
                advance()
        finally:
            if json is not None:
                _write(json, accuracy_json(found))


def _growth(options: Options, names: tuple[str, ...], json: Path | None, plots: Path | None) -> None:
    from symderiv.bench.growth import growths
    from symderiv.bench.report import growth_json, growth_table

    if names:
        raise UsageError(
            "--peer: expected none for growth, which measures the emitted functions; leave it out"
        )
    found = []
    rows = [each for each in options.workloads if each.axes == ("B", "K")]
    if not rows:
        raise UsageError("--only: expected a workload with rows for growth, such as softmax")
    with _progress(2 * len(rows) * len(options.dtypes)) as (console, tell, advance):
        try:
            for each in growths(options, tell):
                found.append(each)
                console.print(growth_table(each))
                console.print()
                advance()
        finally:
            if json is not None:
                _write(json, growth_json(found))
            if plots is not None:
                from symderiv.bench.plots import write_growth

                for path in write_growth(found, plots):
                    console.print(f"wrote {path}")
