"""``symderiv build``, and ``symderiv verify``, which does the same and writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from symderiv.arguments import UsageError, parse_sizes
from symderiv.build import Plan
from symderiv.build.manifest import FORMATS
from symderiv.cli.application import Command, answering, app, examples
from symderiv.cli.formulas import Indexes, Inputs, Labels, TexFormulas, TextFormulas, problem_from
from symderiv.cli.options import Names, Sizes, Targets, choice, one_of, targets


@app.command(
    cls=Command,
    short_help="Derive, witness, emit and verify; write nothing.",
    epilog=examples(
        "verify",
        "verify softmax --target numba",
        "verify --formula 'p[i] = exp(z[i]) / sum(k, exp(z[k]))'",
        status={0: "everything is right", 1: "a form, a step or an emitted function is wrong"},
    ),
)
@answering
def verify(  # noqa: PLR0917 (each parameter is an option)
    problem: Names = None,
    size: Sizes = None,
    target: Targets = None,
    latex: TexFormulas = None,
    formula: TextFormulas = None,
    index: Indexes = None,
    inputs: Inputs = None,
    label: Labels = None,
) -> None:
    """Derive, witness with SymPy, emit and verify, and write nothing.

    Printed is a table: for each derivative its form, how many steps it took, whether each is proved,
    and how near the emitted functions came to a direct evaluation in 50 digits. Without names the whole
    catalogue is verified, which takes minutes.
    """
    from symderiv.build.main_job import run

    plan = Plan.of(problem or (), parse_sizes(size or ()), targets(target))
    if latex or formula:
        from symderiv.request import asking

        given = problem_from(" ".join(problem or ()), latex, formula, index, inputs, label)
        plan = replace(plan, given=asking(given))
    _finish(run(plan, None))


@app.command(
    cls=Command,
    short_help="Derive, prove, emit, verify, and write everything.",
    epilog=examples(
        "build",
        "build softmax my.sd --size K=5 --target numpy --out made",
        "build softmax --format html --out made",
        "build --check",
        status={
            0: "everything is right, and written; with --check, the folder is as a fresh build",
            1: "something is wrong, or cannot be written; with --check, the folder differs",
        },
    ),
)
@answering
def build(  # noqa: PLR0917 (each parameter is an option)
    problem: Names = None,
    size: Sizes = None,
    target: Targets = None,
    form: Annotated[
        list[str] | None,
        choice("--format", FORMATS, "Which documents to write; may be repeated. Without it: all of them."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder to write.")] = Path(
        "generated"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: compare the folder with a fresh build.")
    ] = False,
) -> None:
    """Derive, prove, emit and verify everything, and write documents and modules to a folder.

    With names, only those problems are written afresh; the others in the folder stay. What fails is not
    written. index.html in the folder is the way into it.
    """
    from symderiv.build.main_job import run, run_check

    if check and (size or target or form):
        raise UsageError(
            "--check: expected no --size, --target or --format, for the folder's own are used; leave them out"
        )
    for name in form or ():
        one_of("--format", name, FORMATS)
    formats = [name for name in FORMATS if not form or name in form]
    plan = Plan.of(problem or (), parse_sizes(size or ()), targets(target), formats)
    _finish(run_check(plan, out) if check else run(plan, out))


def _finish(failures: int) -> None:
    if failures:
        raise typer.Exit(1)
