"""Which inputs the exponents of sums of exponentials are made of: they are scores, and are tried as such."""

from __future__ import annotations

from collections.abc import Iterator, Set

from symderiv.expression.construct import coefficient_and_rest, factors_of, terms_of
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Add,
    Call,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import compared_values, map_children, walk
from symderiv.kernels.monomial import spread
from symderiv.problem import Problem, names_in, unfold


def infinite_inputs(problem: Problem) -> dict[str, tuple[str, ...]]:
    """The inputs z of every Σ_k exp(z_k), also of Σ_k exp(z_k / T + b_k), each with the axes of k.

    An entry of -inf is meant there as a weight of 0. That is so only where all exponents that z is
    in have it as a term by itself, over a scalar at most: exp(-z) would be infinite.
    """
    found: dict[str, dict[str, None]] = {}
    spoilt: set[str] = set()
    for u, index in _exponents(problem):
        terms = terms_of(spread(u))
        for place, term in enumerate(terms):
            coefficient, rest = coefficient_and_rest(term)
            arrays = [factor for factor in factors_of(rest) if free_indices(factor)]
            alone = (
                len(arrays) == 1
                and isinstance(arrays[0], Entry)
                and coefficient > 0
                and all(
                    arrays[0].array not in names_in(other) for other in (*terms[:place], *terms[place + 1 :])
                )
            )
            if not alone:
                spoilt |= names_in(term)
                continue
            assert isinstance(arrays[0], Entry)
            if index is not None and problem.input(arrays[0].array) and index in arrays[0].indices:
                found.setdefault(arrays[0].array, {}).setdefault(index.axis)
    return {name: tuple(axes) for name, axes in found.items() if name not in spoilt}


def score_inputs(problem: Problem) -> dict[str, str]:
    """The inputs that exponents of sums of exponentials are linear in, each with the axis of the sum.

    Where two of them are multiplied, as in Σ_d q_d k_d, only the first is one, so that exponents are
    as large as scores are.
    """
    found: dict[str, str] = {}
    exponents = [(u, index) for u, index in _exponents(problem) if index is not None]
    labels = {given.name for given in problem.inputs if given.label_of is not None}
    for given in problem.inputs:
        if given.name in labels or not (given.axes or given.name in problem.batched):
            continue
        chosen = {*found, given.name}
        degrees = [_degree(u, chosen) for u, _ in exponents]
        own = [index for u, index in exponents if given.name in names_in(u)]
        if own and all(degree is not None and degree <= 1 for degree in degrees):
            found[given.name] = own[0].axis
    return found


def _exponents(problem: Problem) -> Iterator[tuple[Expression, Index | None]]:
    """The exponents of all exponentials, written out in inputs; with the letter of the sum they are in."""
    for definition in problem.definitions:
        body = definition.body
        for _, part in walk(body):
            if isinstance(part, Call) and part.function == "exp":
                yield written_out(part.arguments[0], problem), None
            if isinstance(part, Sum):
                inner = part.body
                while isinstance(inner, Where):
                    inner = inner.then
                for factor in factors_of(inner):
                    if isinstance(factor, Call) and factor.function == "exp":
                        u = written_out(factor.arguments[0], problem)
                        if part.index in free_indices(u):
                            yield u, part.index


def written_out(node: Expression, problem: Problem) -> Expression:
    """`node` with the bodies of definitions instead of their names."""
    if isinstance(node, Entry):
        definition = problem.definition(node.array)
        if definition is None or any(isinstance(term, Shift) for term in node.indices):
            return node
        return written_out(unfold(definition, node), problem)
    return map_children(node, lambda child: written_out(child, problem))


def _degree(node: Expression, names: Set[str]) -> int | None:
    """The degree of a polynomial in the entries of some arrays; None where it is no such polynomial."""
    if not names_in(node) & names:
        return 0
    match node:
        case Entry():
            return 1
        case Number() | Size():
            return 0
        case Add(parts):
            degrees = [_degree(part, names) for part in parts]
            return None if None in degrees else max(each or 0 for each in degrees)
        case Multiply(parts):
            degrees = [_degree(part, names) for part in parts]
            return None if None in degrees else sum(each or 0 for each in degrees)
        case Sum(_, body):
            return _degree(body, names)
        case Where(_, then, otherwise) if not any(
            names_in(side) & names for side in compared_values(node.condition)
        ):
            degrees = [_degree(part, names) for part in (then, otherwise)]
            return None if None in degrees else max(each or 0 for each in degrees)
        case _:
            return None


__all__ = ["infinite_inputs", "score_inputs", "written_out"]
