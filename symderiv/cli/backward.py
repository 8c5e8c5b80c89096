"""``symderiv backward``: all derivatives of an output in one sweep, a named cotangent a line."""

from __future__ import annotations

from typing import Annotated

import typer

from symderiv.cli import completion
from symderiv.cli.application import Command, answering, app, examples
from symderiv.cli.options import Name, choice, load, one_of

FORMATS = ("text", "latex", "markdown", "json", "html")


@app.command(
    cls=Command,
    short_help="Write the backward pass, a line a cotangent.",
    epilog=examples(
        "backward softmax_layer_cross_entropy",
        "backward attention_head --format latex",
        "backward layer_norm --every",
        "backward layer_norm --format html > backward.html",
        "backward softmax_layer --wrt W --wrt b",
    ),
)
@answering
def backward(
    problem: Name,
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            "--wrt",
            metavar="NAME",
            help="An input whose cotangent is wanted; may be repeated. Without it: those of the file.",
            autocompletion=completion.names_to_differentiate_by,
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--every", help="A line for every intermediate, none taken together with what uses it."),
    ] = False,
    form: Annotated[
        str,
        choice("--format", FORMATS, "How to write it."),
    ] = "text",
) -> None:
    """Write the backward pass of a problem: from its output to all its inputs in one sweep.

    Each line gives the cotangent of one array, z_bar for z, in the names of the lines before it. What is
    used twice is computed once, so the work grows with the number of definitions. Every line is proved.
    """
    one_of("--format", form, FORMATS)
    given = load(problem)
    from symderiv.calculus.backward import backward as sweep
    from symderiv.documents.backward import backward_document

    typer.echo(backward_document(sweep(given, tuple(wrt or ()), every), form), nl=False)
