"""``symderiv derive``: a derivative, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from symderiv.arguments import UsageError, check_axes, parse_sizes, parse_values, suggestion
from symderiv.cli.application import answering, app, examples
from symderiv.cli.options import Name, Sizes, load, one_of

if TYPE_CHECKING:
    from symderiv.calculus import Derivation
    from symderiv.problem import Problem

STEPS = ("brief", "textbook", "all")
PRODUCTS = ("vjp", "jvp", "hvp")
FORMATS = ("text", "latex", "markdown", "json")


@app.command(
    short_help="Derive a derivative, step by step.",
    epilog=examples(
        "derive softmax --wrt z",
        "derive cross_entropy",
        "derive softmax --wrt z --size K=3",
        "derive softmax --wrt z --product vjp",
        "derive softmax --wrt z --value z=0.1,0.5,2",
        "derive my.sd --of L --wrt W --steps all --format latex",
    ),
)
@answering
def derive(  # noqa: PLR0917 (each parameter is an option)
    problem: Name,
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            "--wrt",
            metavar="NAME",
            help="What to differentiate by; twice for a Hessian. Without it: every derivative of the file.",
        ),
    ] = None,
    of: Annotated[
        str,
        typer.Option(
            "--of", metavar="NAME", help="What to differentiate; the problem's output if not given."
        ),
    ] = "",
    size: Sizes = None,
    steps: Annotated[
        str, typer.Option("--steps", metavar="|".join(STEPS), help="How many steps to show.")
    ] = "textbook",
    form: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="How to write the derivation.")
    ] = "text",
    value: Annotated[
        list[str] | None,
        typer.Option(
            "--value",
            metavar="NAME=NUMBERS",
            help="Values of an input, such as z=0.1,0.5 (rows divided by ;).",
        ),
    ] = None,
    product: Annotated[
        str,
        typer.Option(
            "--product",
            metavar="|".join(PRODUCTS),
            help="The product with a cotangent (vjp), a tangent (jvp), or of a Hessian (hvp) instead.",
        ),
    ] = "",
) -> None:
    """Derive a derivative, step by step; with sizes or values, its explicit matrix too."""
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
    given = load(problem)
    check_axes(sizes, [given])
    arrays, implied = parse_values(value or (), given)
    for axis in implied.keys() & sizes.keys():
        if implied[axis] != sizes[axis]:
            raise UsageError(
                f"--size: expected {axis}={implied[axis]}, as the values say, found {axis}={sizes[axis]}"
            )
    from symderiv.build import explicit

    everything = {**sizes, **implied} if sizes or value else None
    texts = [
        explicit.document(derivation, form, steps, everything, arrays if value else None)
        for derivation in _derivations(given, of, tuple(wrt or ()), product)
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

    made = [each.name for each in problem.definitions] + [each.name for each in problem.upstream]
    inputs = [each.name for each in problem.inputs if not each.label_of]
    if of not in made:
        raise UsageError(f"--of: expected one of {', '.join(made)}, found {of!r}{suggestion(of, made)}")
    known = [*inputs, *(each.name for each in problem.definitions if each.name != of)]
    for name in wrt:
        if name not in known:
            raise UsageError(
                f"--wrt: expected one of {', '.join(known)}, found {name!r}{suggestion(name, known)}"
            )
    engine = Engine(problem)
    if product:
        entry, (variable, *_) = engine.generic(of, wrt[:1])
        return engine.contract(Contraction(product, entry, variable))
    return engine.derive(*engine.generic(of, wrt))
