"""``symderiv explain``: what was understood of a formula."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from symderiv.cli.application import answering, app, examples
from symderiv.cli.formulas import (
    AsLatex,
    Formula,
    FormulaCommand,
    Functions,
    Indexes,
    Inputs,
    Labels,
    Lets,
    Within,
    read,
    typed_in,
)
from symderiv.cli.options import choice, one_of

FORMATS = ("text", "json")


@app.command(
    cls=FormulaCommand,
    short_help="Show how a formula is understood.",
    epilog=examples(
        "explain 'p[i] = exp(z[i]) / sum(k, exp(z[k]))'",
        r"explain 'y_k = \sum_j W_{jk} x_j + b_k'",
        "explain 'p[i] * (delta(i, j) - p[j])' --in softmax",
        r"explain 'L = -\log p_y' --input 'p[K]' --format json",
    ),
)
@answering
def explain(  # noqa: PLR0917 (each parameter is an option)
    formula: Formula,
    within: Within = "",
    let: Lets = None,
    index: Indexes = None,
    inputs: Inputs = None,
    label: Labels = None,
    function: Functions = None,
    latex: AsLatex = False,
    form: Annotated[
        str,
        choice("--format", FORMATS, "How to write it."),
    ] = "text",
) -> None:
    """Print back a formula, in text or LaTeX, as it was understood.

    Shown are its letters and their axes, its names and their shapes, and every choice that was made
    where it can be read in another way.
    """
    from symderiv.documents.explanation import explain as explanation_of

    one_of("--format", form, FORMATS)
    found = explanation_of(read(typed_in(formula), within, let, index, inputs, label, None, function, latex))
    typer.echo(json.dumps(found.to_dict(), indent=1, ensure_ascii=False) if form == "json" else str(found))
