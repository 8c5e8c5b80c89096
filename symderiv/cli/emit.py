"""``symderiv emit``: a module that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symderiv.arguments import UsageError, check_axes, parse_sizes
from symderiv.build import TARGETS
from symderiv.cli import completion
from symderiv.cli.application import Command, answering, app, examples
from symderiv.cli.formulas import Indexes, Inputs, Labels, Source, TexFormulas, TextFormulas, problem_from
from symderiv.cli.options import choice, targets

#: The largest size of an axis that a module may be written for.
LARGEST = 2**31 - 1


@app.command(
    cls=Command,
    short_help="Write a module with a value and its derivatives.",
    epilog=examples(
        "emit softmax --target numba --out softmax_numba.py",
        "emit softmax --target c --out softmax.c",
        "emit softmax --target numba --size K=10",
        r"emit --latex 'p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}' --out softmax.py",
    ),
)
@answering
def emit(  # noqa: PLR0917 (each parameter is an option)
    problem: Source = "",
    target: Annotated[
        str,
        choice("--target", TARGETS, "The language."),
    ] = "numpy",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write it, a .c with its .h beside it; the standard output if not given.",
        ),
    ] = None,
    latex: TexFormulas = None,
    formula: TextFormulas = None,
    index: Indexes = None,
    inputs: Inputs = None,
    label: Labels = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size",
            metavar="AXIS=SIZE",
            help="Size of an axis, such as K=10, for a module that takes no other; may be repeated.",
            autocompletion=completion.axes,
        ),
    ] = None,
) -> None:
    """Write a module with the value and the derivatives, which needs nothing of symderiv.

    It is written as it is; `symderiv verify` runs it against a direct evaluation in 50 digits.
    """
    from symderiv.build.folder import write_files
    from symderiv.kernels.emit import emit_files
    from symderiv.kernels.registry import target_named
    from symderiv.request import asking

    targets([target])
    suffix, header = target_named(target).suffix, target_named(target).header
    if out is not None and header and out.suffix != suffix:
        raise UsageError(
            f"--out: expected a name that ends in {suffix}, for {header} goes beside it, found {out.name!r}"
        )
    given = problem_from(problem, latex, formula, index, inputs, label)
    asked = given if problem and problem != "-" else asking(given)
    sizes = parse_sizes(size or (), LARGEST, "no array is longer")
    check_axes(sizes, [asked])
    parts = emit_files(asked, target, out.stem if out is not None and header else "", sizes)
    if out is None:
        typer.echo("\n".join(parts.values()), nl=False)
        return
    write_files({out.with_suffix(end) if header else out: text for end, text in parts.items()})
