"""What has a logarithm is positive: σ is then the exponential of some number.

Where log σ stands in an equation, the equation is claimed for positive σ alone, and holds there if and only
if it holds with e^s in the place of σ, for every s: so log σ² is 2 log σ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Call,
    Entry,
    Expression,
    Extremum,
    Index,
    Number,
    Power,
    Product,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, map_children


def with_exponentials(node: Expression) -> tuple[Expression, tuple[Entry, ...]] | None:
    """`node` with an exponential for each entry of which it takes the logarithm, and these; or None."""
    entries = dict.fromkeys(_positive(node, frozenset()))
    if not entries:
        return None
    free = set(free_indices(node))
    arrays = {each.array for each in entries if each.indices and free.isdisjoint(each.indices)}
    return _replaced(node, entries, arrays), tuple(entries)


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
            # A power with an exponent that is no number is e^{exponent log base}.
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
