"""Formulas with their parts named: an oracle evaluates what has a name once for each place."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import (
    Call,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Number,
    Product,
    Size,
    Sum,
)
from symderiv.expression.traverse import map_children


def named_parts(definitions: Sequence[Definition]) -> tuple[Definition, ...]:
    """The same definitions, and before all others their sums, calls and what a row or a sample shares.

    A row shares what has fewer letters than what it stands in: the ``sqrt(C)`` of ``S[m, n] / sqrt(C)``.
    Parts that are equal but for their letters are one.
    """
    named = _Names()
    own = [
        Definition(each.name, each.indices, named.within(each.body, frozenset(each.indices)))
        for each in definitions
    ]
    return (*own, *named.made)


class _Names:
    """Gives names to parts."""

    def __init__(self) -> None:
        self.made: list[Definition] = []
        self._known: dict[Expression, str] = {}

    def within(self, node: Expression, scope: frozenset[Index]) -> Expression:
        """The formula with the parts below its top named; `scope` holds the letters around them."""
        if isinstance(node, Sum | Product | Extremum):
            scope |= {node.index}
        return map_children(node, lambda child: self._part(child, scope))

    def _part(self, node: Expression, scope: frozenset[Index]) -> Expression:
        if isinstance(node, Number | Size | Entry | Delta | Derivative):
            return self.within(node, scope)
        free = free_indices(node)
        if not isinstance(node, Sum | Call) and scope <= set(free):
            return self.within(node, scope)
        letters = tuple(Index(f"@{number}", index.axis) for number, index in enumerate(free))
        body = rename(node, dict(zip(free, letters, strict=True)))
        if body not in self._known:
            self._known[body] = f"@part {len(self._known)}"
            name = self._known[body]
            self.made.append(Definition(name, letters, self.within(body, frozenset(letters))))
        return Entry(self._known[body], free)


__all__ = ["named_parts"]
