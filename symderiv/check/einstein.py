"""Summation over repeated indices, where a document says so; and what looks like it where it does not."""

from __future__ import annotations

from symderiv.expression.construct import factors_of
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Add, Derivative, Entry, Expression, Index, Multiply, Power, Sum
from symderiv.expression.traverse import map_children


def summed(node: Expression, kept: frozenset[Index]) -> Expression:
    """`node` with a sum over every letter that occurs twice in a term, those in `kept` excepted."""
    match node:
        case Add(terms):
            return Add(tuple(summed(term, kept) for term in terms))
        case Derivative(of, by):
            inner = kept | {index for entry in by for index in free_indices(entry)}
            return Derivative(summed(of, inner), by)
        case Power() | Sum():
            return map_children(node, lambda child: summed(child, kept))
    node = map_children(node, lambda child: summed(child, kept)) if not isinstance(node, Multiply) else node
    for index in repeated(node, kept):
        node = Sum(index, node)
    return node


def repeated(node: Expression, kept: frozenset[Index]) -> list[Index]:
    """The letters on two different arrays that are multiplied in some term of `node`, but those in `kept`.

    A letter that is on one array twice, as in p_t / p_t, says nothing of the kind.
    """
    if isinstance(node, Derivative):
        return repeated(node.of, kept | {index for entry in node.by for index in free_indices(entry)})
    if isinstance(node, Add):
        return list(dict.fromkeys(index for term in node.terms for index in repeated(term, kept)))
    arrays: dict[Index, set[str]] = {}
    for factor in factors_of(node):
        if isinstance(factor, Entry):
            for index in free_indices(factor):
                arrays.setdefault(index, set()).add(factor.array)
    return [index for index, names in arrays.items() if len(names) > 1 and index not in kept]
