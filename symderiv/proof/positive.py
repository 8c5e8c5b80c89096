"""What has a logarithm is positive: σ is then the exponential of some number.

Where log σ stands in an equation, the equation is claimed for positive σ alone, and holds there if and only
if it holds with e^s in the place of σ, for every s: so log σ² is 2 log σ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Add,
    Call,
    Entry,
    Expression,
    Extremum,
    Index,
    Multiply,
    Number,
    Power,
    Product,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, map_children
from symderiv.problem import names_in


def with_exponentials(node: Expression) -> tuple[Expression, tuple[Entry, ...]] | None:
    """`node` with an exponential for each entry of which it takes the logarithm, and these; or None."""
    found = dict.fromkeys(_positive(node, frozenset()))
    logarithms = {part.arguments[0] for part in _everywhere(node) if isinstance(part, Call) and _is_log(part)}
    entries = [each for each in found if each in logarithms or _extends(node, each.array)]
    if not entries:
        return None
    free = set(free_indices(node))
    arrays = {each.array for each in entries if each.indices and free.isdisjoint(each.indices)}
    return _replaced(node, entries, arrays), tuple(entries)


def _everywhere(node: Expression) -> Iterator[Expression]:
    """The parts that must have a value wherever `node` has one: none that a condition may leave out."""
    yield node
    left_out = isinstance(node, Where) or (isinstance(node, Sum | Product) and node.condition is not None)
    for child in () if left_out else children(node):
        yield from _everywhere(child)


def _is_log(node: Call) -> bool:
    return node.function == "log" and isinstance(node.arguments[0], Entry)


def _extends(node: Expression, array: str) -> bool:
    """Whether what holds for positive entries of an array holds for negative ones too, where they may stand.

    A negative number has a power only where the exponent is a whole number. Where all such exponents are,
    both sides are rational functions of the entry, and those that are equal on a half line are equal.
    """
    if array not in names_in(node):
        return True
    match node:
        case Entry():
            return True
        case Power(Entry(), exponent) if array not in names_in(exponent):
            return True
        case Power(base, Number(value)):
            return value.denominator == 1 and _extends(base, array)
        case Add() | Multiply():
            return all(_extends(child, array) for child in children(node))
        case _:
            return False


def _positive(node: Expression, bound: frozenset[Index]) -> Iterator[Entry]:
    """The entries whose logarithm must exist: of those with letters, only whole arrays and free places."""
    match node:
        case Where():
            return
        case Call("log", (Entry(_, indices) as entry,)):
            letters = [index for index in indices if isinstance(index, Index)]
            whole = len(set(letters)) == len(indices)
            if whole and (bound.issuperset(letters) or bound.isdisjoint(letters)):
                yield entry
        case Power(Entry(_, indices) as entry, exponent) if not isinstance(exponent, Number):
            # A power with an exponent that is no number is e^{exponent log base}; :func:`_extends` says when.
            if bound.isdisjoint(index for index in indices if isinstance(index, Index)):
                yield entry
            yield from _positive(exponent, bound)
        case Sum(index, body, None) | Product(index, body, None) | Extremum(_, index, body):
            yield from _positive(body, bound | {index})
        case Sum() | Product():
            return  # where the condition leaves out a place, nothing is said of the entry there
        case _:
            for child in children(node):
                yield from _positive(child, bound)


def _replaced(node: Expression, entries: Collection[Entry], arrays: set[str]) -> Expression:
    if isinstance(node, Entry) and (node in entries or node.array in arrays):
        return call("exp", Entry(f"log {node.array}", node.indices))
    return map_children(node, lambda child: _replaced(child, entries, arrays))
