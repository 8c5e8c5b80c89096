"""From a function's specification to the statements that compute it, in stable form."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symderiv.expression.nodes import Call, Definition, Where
from symderiv.expression.traverse import walk
from symderiv.kernels.extrema import ExtremaNamer
from symderiv.kernels.function_spec import WEIGHT, FunctionSpec
from symderiv.kernels.program import Statement, Wanted, lower
from symderiv.kernels.stabilise import Stabiliser
from symderiv.problem import names_in


@dataclass(frozen=True)
class Lowered:
    """A function and the statements that compute its results.

    `definitions` are the intermediates in stable form, which the statements were made from;
    `limits` says whether a value may reach -inf or underflow on its way, as it should.
    """

    spec: FunctionSpec
    statements: tuple[Statement, ...]
    definitions: dict[str, Definition]
    trees: tuple[Wanted, ...]
    limits: bool


def lower_function(spec: FunctionSpec) -> Lowered:
    """Stabilise and lower one function.

    Raises
    ------
    KernelError
        If something in it has no lowering.
    """
    given = {argument.name for argument in spec.arguments}
    definitions = _needed(spec, given)
    taken = given | set(spec.definitions) | {result.name for result in spec.results} | {WEIGHT}
    extrema = ExtremaNamer(dict(definitions), taken, spec.batch)
    trees = [extrema.rewrite(result.tree) for result in spec.results]
    definitions = {
        **{name: replace(each, body=extrema.rewrite(each.body)) for name, each in definitions.items()},
        **extrema.added,
    }
    stabiliser = Stabiliser(definitions, taken, frozenset(spec.exponents))
    stable = {
        name: Definition(name, each.indices, stabiliser.rewrite(each.body))
        for name, each in definitions.items()
    }
    wanted = tuple(
        Wanted(result.name, result.indices, stabiliser.rewrite(tree))
        for result, tree in zip(spec.results, trees, strict=True)
    )
    everything = {**stable, **stabiliser.added}
    statements = lower(wanted, everything, [*given, WEIGHT], stabiliser.comments, spec.batch)
    limits = any(
        isinstance(part, Where) or (isinstance(part, Call) and part.function in ("exp", "log", "log_ratio"))
        for statement in statements
        for body in statement.bodies()
        for _, part in walk(body)
    )
    return Lowered(spec, statements, everything, wanted, limits)


def _needed(spec: FunctionSpec, given: set[str]) -> dict[str, Definition]:
    """The definitions that the results rest on, in the order of the file."""
    needed: set[str] = set()
    todo = [name for result in spec.results for name in names_in(result.tree)]
    while todo:
        name = todo.pop()
        if name in needed or name in given or name not in spec.definitions:
            continue
        needed.add(name)
        todo += names_in(spec.definitions[name].body)
    return {name: each for name, each in spec.definitions.items() if name in needed}
