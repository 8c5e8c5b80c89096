"""Which inputs a function of the sigmoid kind is taken of: far out it saturates, and is tried there."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.expression.nodes import Call, Expression, Extremum, Multiply, Product, Sum, Where
from symderiv.expression.traverse import walk
from symderiv.kernels.exponents import written_out
from symderiv.problem import Problem, names_in

#: Functions that tend to a constant or a straight line on either side.
_SATURATING = ("sigmoid", "softplus", "tanh", "erf")


def saturating_inputs(problem: Problem) -> frozenset[str]:
    """The inputs z of every sigmoid(z_k), tanh(a z_k + b), and so on, through definitions.

    Exponentials in a branch count too, as those of the exponential linear unit. Scalars that all
    samples share are parameters. Arguments that hold sums, or products of arrays, are left out: they
    would be larger than what the reference has digits for.
    """
    arrays = {given.name for given in problem.inputs if given.axes or given.name in problem.batched}
    found: set[str] = set()
    for definition in problem.definitions:
        for argument in _arguments(definition.body):
            whole = written_out(argument, problem)
            if not any(_is_large(part, arrays) for _, part in walk(whole)):
                found |= names_in(whole)
    labels = {given.name for given in problem.inputs if given.label_of is not None}
    return frozenset((found & arrays) - labels)


def _is_large(node: Expression, arrays: set[str]) -> bool:
    """Whether a node is a sum over an axis, or a product of two arrays."""
    if isinstance(node, Multiply):
        return sum(bool(names_in(factor) & arrays) for factor in node.factors) > 1
    return isinstance(node, Sum | Product | Extremum)


def _arguments(body: Expression) -> Iterator[Expression]:
    for _, part in walk(body):
        if isinstance(part, Call) and part.function in _SATURATING:
            yield part.arguments[0]
        if isinstance(part, Where):
            for branch in (part.then, part.otherwise):
                for _, inner in walk(branch):
                    if isinstance(inner, Call) and inner.function == "exp":
                        yield inner.arguments[0]


__all__ = ["saturating_inputs"]
