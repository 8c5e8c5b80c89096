"""``symderiv prove``: is an equation true for every size?"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from symderiv.arguments import UsageError, check_axes, parse_sizes
from symderiv.cli.application import answering, app, examples
from symderiv.cli.formulas import (
    AsLatex,
    Assumptions,
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
#: The exit status of each verdict.
STATUS = {"proved": 0, "refuted": 1, "conditional": 1, "undecided": 3}


@app.command(
    cls=FormulaCommand,
    short_help="Prove or refute an equation.",
    epilog=examples(
        "prove 'log(exp(z[i]) / sum(k, exp(z[k]))) = z[i] - log(sum(k, exp(z[k])))'",
        "prove 'd(p[i], z[j]) = p[i] * (delta(i, j) - p[j])' --in softmax",
        "prove 'd(L, z[j]) = p[j] - t[j]' --in cross_entropy",
        r"prove '\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)' --in softmax",
        "prove 'd(s, x[j]) = 2 * x[j]' --let 's = sum(k, x[k]^2)' --format json",
        status={
            0: "everything is proved",
            1: "something is refuted, or true under an assumption that is not given (conditional)",
            3: "something is undecided, and nothing worse",
        },
    ),
)
@answering
def prove(  # noqa: PLR0917 (each parameter is an option)
    formula: Formula,
    within: Within = "",
    let: Lets = None,
    assume: Assumptions = None,
    index: Indexes = None,
    inputs: Inputs = None,
    label: Labels = None,
    function: Functions = None,
    latex: AsLatex = False,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size",
            metavar="AXIS=SIZE",
            help="Claim it for this size of an axis only, as K=2; may be repeated.",
        ),
    ] = None,
    form: Annotated[
        str,
        choice("--format", FORMATS, "How to write it."),
    ] = "text",
) -> None:
    """Prove an equation LHS = RHS for every size of every axis, or refute it by a counterexample.

    In a chain a = b = c each = is judged by itself; a first equation p[i] = ... for a new name defines
    it. Names that nobody declares are inferred from how they are used.

    For each = the verdict is printed, with the method of a proof and what it rests on, the condition that
    is missing, or the smallest counterexample: sizes, values and both sides.
    """
    from symderiv.documents.verdicts import proof_of
    from symderiv.notation.typed import not_depending

    one_of("--format", form, FORMATS)
    typed = read(typed_in(formula), within, let, index, inputs, label, assume, function, latex)
    if not any(each.claims() for each in typed.statements):
        defined = ", ".join(each.defines for each in typed.statements if each.defines)
        found = f"only what defines {defined}; declare it with --input if it is given" if defined else "none"
        raise UsageError(f"expected an equation LHS = RHS to prove, found {found}")
    if lacking := not_depending(typed):
        raise UsageError(lacking)
    sizes = parse_sizes(size or ())
    check_axes(sizes, [typed.problem])
    proof = proof_of(typed, sizes)
    if form == "json":
        typer.echo(json.dumps(proof.to_dict(), indent=1, ensure_ascii=False))
    else:
        typer.echo(str(proof))
    if STATUS[proof.verdict]:
        raise typer.Exit(STATUS[proof.verdict])
