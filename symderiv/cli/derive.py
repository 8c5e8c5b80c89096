"""``symderiv derive``: a derivative, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from symderiv.arguments import UsageError, check_axes, parse_sizes, parse_values, suggestion
from symderiv.cli import completion
from symderiv.cli.application import Command, answering, app, examples
from symderiv.cli.formulas import (
    Assumptions,
    Functions,
    Indexes,
    Inputs,
    Labels,
    Source,
    TexFormulas,
    TextFormulas,
    problem_from,
)
from symderiv.cli.options import Sizes, choice, one_of

if TYPE_CHECKING:
    from symderiv.calculus import Derivation
    from symderiv.problem import Problem

STEPS = ("brief", "textbook", "all")
PRODUCTS = ("vjp", "jvp", "hvp")
FORMATS = ("text", "latex", "markdown", "json", "html")


@app.command(
    cls=Command,
    short_help="Derive a derivative, step by step.",
    epilog=examples(
        "derive softmax --wrt z",
        "derive cross_entropy",
        "derive softmax --wrt z --size K=3",
        "derive softmax --wrt z --product vjp",
        "derive softmax --wrt z --value z=0.1,0.5,2",
        "derive softmax --wrt z --size K=3 --format html > softmax.html",
        r"derive --latex 'p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}' --wrt z_j",
        "derive --formula 's = sum(k, x[k]^2)' --wrt x",
        "derive my.sd --of L --wrt W --steps all --format latex",
    ),
)
@answering
def derive(  # noqa: PLR0917 (each parameter is an option)
    problem: Source = "",
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            "--wrt",
            metavar="NAME",
            help="What to differentiate by; twice for a Hessian. Without it: every derivative of the file.",
            autocompletion=completion.names_to_differentiate_by,
        ),
    ] = None,
    of: Annotated[
        str,
        typer.Option(
            "--of",
            metavar="NAME",
            help="What to differentiate; the problem's output if not given.",
            autocompletion=completion.names_to_differentiate,
        ),
    ] = "",
    size: Sizes = None,
    steps: Annotated[
        str,
        choice("--steps", STEPS, "How many steps to show."),
    ] = "textbook",
    form: Annotated[
        str,
        choice("--format", FORMATS, "How to write the derivation."),
    ] = "text",
    value: Annotated[
        list[str] | None,
        typer.Option(
            "--value",
            metavar="NAME=NUMBERS",
            help="Values of an input, such as z=0.1,0.5 (rows divided by ;); may be repeated.",
            autocompletion=completion.values,
        ),
    ] = None,
    product: Annotated[
        str,
        choice(
            "--product",
            PRODUCTS,
            "The product with a cotangent (vjp), a tangent (jvp), or of a Hessian (hvp) instead.",
        ),
    ] = "",
    latex: TexFormulas = None,
    formula: TextFormulas = None,
    index: Indexes = None,
    inputs: Inputs = None,
    label: Labels = None,
    function: Functions = None,
    assume: Assumptions = None,
) -> None:
    """Derive a derivative, step by step; with sizes or values, its explicit matrix too.

    The problem is named, or given by its formulas, in which what nobody declares is inferred from use.
    Printed are the definitions, a chain of equations with the reason of each line, and the cases of the
    result. With sizes, SymPy differentiates every entry by itself, and each is compared with the result.
    """
    if product:
        one_of("--product", product, PRODUCTS)
        if size or value or not wrt:
            raise UsageError(
                "--product: expected one --wrt and no sizes or values, "
                f"found {'sizes or values' if size or value else 'no --wrt'}"
            )
    one_of("--steps", steps, STEPS)
    one_of("--format", form, FORMATS)
    sizes = parse_sizes(size or ())
    given = problem_from(problem, latex, formula, index, inputs, label, assume, function)
    check_axes(sizes, [given])
    arrays, implied = parse_values(value or (), given)
    for axis in implied.keys() & sizes.keys():
        if implied[axis] != sizes[axis]:
            raise UsageError(
                f"--size: expected {axis}={implied[axis]}, as the values say, found {axis}={sizes[axis]}"
            )
    from symderiv.build import explicit

    everything = {**sizes, **implied} if sizes or value else None
    derivations = _derivations(given, of, tuple(wrt or ()), product)
    numbers = arrays if value else None
    if form == "html":
        from symderiv.documents.page import page

        shown = [explicit.shown(each, everything, numbers, symbols=bool(size)) for each in derivations]
        typer.echo(page(given, shown, level=steps), nl=False)
        return
    texts = [
        explicit.document(each, form, steps, everything, numbers, symbols=bool(size)) for each in derivations
    ]
    typer.echo(explicit.together(texts, form), nl=False)


def _derivations(problem: Problem, of: str, wrt: tuple[str, ...], product: str) -> Iterator[Derivation]:
    """What was asked for: one derivative or product, or all that the problem's own lines name."""
    if wrt:
        yield _derive(problem, of or problem.output(), wrt, product)
        return
    from symderiv.calculus import derive_all

    found = [each for each in derive_all(problem) if not of or _of(each) == of]
    if not found:
        names = ", ".join(given.name for given in problem.inputs if not given.label_of)
        raise UsageError(f"--wrt: expected one of {names}, for the problem itself asks for no derivative")
    yield from found


def _of(derivation: Derivation) -> str:
    of = getattr(derivation.start, "of", None)
    return getattr(of, "array", "")


def _derive(problem: Problem, of: str, wrt: tuple[str, ...], product: str) -> Derivation:
    from symderiv.calculus import Contraction, Engine
    from symderiv.request import entries

    made = [each.name for each in problem.definitions] + [each.name for each in problem.upstream]
    output = _known("--of", of, made, problem)
    inputs = [each.name for each in problem.inputs if not each.label_of]
    known = [*inputs, *(each.name for each in problem.definitions if each.name != output)]
    for name in wrt:
        _known("--wrt", name, known, problem)
    engine = Engine(problem)
    entry, variables = entries(problem, engine, of, wrt[:1] if product else wrt)
    if product:
        return engine.contract(Contraction(product, entry, variables[0]))
    return engine.derive(entry, variables)


def _known(option: str, text: str, known: list[str], problem: Problem) -> str:
    """The array that an option names, which must be among the `known`."""
    from symderiv.request import RequestError, entry

    try:
        found = entry(problem, text).array
    except RequestError:
        found = ""
    if found not in known:
        raise UsageError(
            f"{option}: expected one of {', '.join(known)}, found {text!r}{suggestion(text, known)}"
        )
    return found
