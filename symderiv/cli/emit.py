"""``symderiv emit``: a module that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symderiv.cli.application import answering, app, examples
from symderiv.cli.options import Name, load, targets


@app.command(
    short_help="Write a module with a value and its derivatives.",
    epilog=examples("emit softmax --target numba --out softmax_numba.py"),
)
@answering
def emit(
    problem: Name,
    target: Annotated[str, typer.Option("--target", metavar="TARGET", help="numpy or numba.")] = "numpy",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write it.")] = None,
) -> None:
    """Write a module with the value and the derivatives, which needs nothing of symderiv."""
    from symderiv.build.folder import write_file
    from symderiv.kernels.emit import emit as emit_module

    targets([target])
    text = emit_module(load(problem), target)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_file(out, text)
