"""Where a largest value is taken: found in floating point by comparing the very same numbers.

The derivative of max_k f(k) is 1 where f(i) == max_k f(k). Simplified on its own, the left side
may round otherwise than what the maximum was taken of, and then nothing is equal to it. So f gets
a named array u, the maximum is taken of u, and the left side becomes an entry of u.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from symderiv.expression.canonical import canonical
from symderiv.expression.indices import free_indices, fresh_name, mentions, rename
from symderiv.expression.nodes import (
    Compare,
    Definition,
    Delta,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Position,
    Product,
    Sum,
    Where,
)
from symderiv.expression.traverse import compared_values, map_children, walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.matching import match
from symderiv.kernels.rewrite_check import same_value
from symderiv.problem import unfold


@dataclass(frozen=True)
class _Named:
    """The array u of one extremum: u[free, index] = body."""

    name: str
    free: tuple[Index, ...]
    index: Index
    body: Expression


@dataclass
class ExtremaNamer:
    """Names what extrema are taken of, in the trees of one function.

    Parameters
    ----------
    definitions
        The named intermediates of the function, by name.
    taken
        Names that must not be given to a new array; the new ones join them.
    first
        The batch letter, which comes first in every intermediate.
    """

    definitions: Mapping[str, Definition]
    taken: set[str]
    first: Index | None = None
    added: dict[str, Definition] = field(default_factory=dict)
    _named: list[_Named] = field(default_factory=list)

    def rewrite(self, node: Expression) -> Expression:
        """`node` with every extremum taken of a named array, and compared with entries of that array.

        Raises
        ------
        KernelError
            If something else is compared with a computed extremum for equality.
        """
        condition = node.condition if isinstance(node, Where | Sum | Product) else None
        if isinstance(node, Where | Sum | Product) and condition is not None:
            node = replace(node, condition=self._condition(condition))
        node = map_children(node, self.rewrite)
        if not isinstance(node, Extremum) or isinstance(node.body, Entry):
            return node
        return self._of_named(node) if mentions(node.body, node.index) else node

    def _of_named(self, node: Extremum) -> Extremum:
        for each in self._named:
            found: dict[Index, IndexTerm] = {each.index: node.index}
            if each.index.axis == node.index.axis and match(each.body, node.body, set(each.free), found):
                terms = tuple(found[index] for index in each.free)
                return Extremum(node.kind, node.index, Entry(each.name, (*terms, node.index)))
        free = tuple(sorted(free_indices(node), key=lambda index: index != self.first))
        name = fresh_name("u", self.taken)
        self.taken.add(name)
        letters = (*free, node.index)
        self._named.append(_Named(name, free, node.index, node.body))
        self.added[name] = Definition(name, letters, node.body)
        return Extremum(node.kind, node.index, Entry(name, letters))

    # -- comparisons ------------------------------------------------------------------------

    def _condition(self, condition: Compare) -> Compare:
        values = compared_values(condition)
        if not values or condition.operator not in ("==", "!="):
            return condition
        left, right = values
        unmatched: Extremum | None = None
        for side, other in ((left, right), (right, left)):
            extremum = self._extremum(side)
            if extremum is None or self._is_given(extremum.body):
                continue
            same = self._entry_for(extremum, other)
            if same is not None:
                return Compare(condition.operator, *((side, same) if side is left else (same, side)))
            unmatched = extremum
        if unmatched is not None:
            raise KernelError(
                f"A {unmatched.kind} over {unmatched.index.name} can be compared for equality only with one "
                "of the values that it is taken of: anything else rounds differently."
            )
        return condition

    def _extremum(self, node: Expression) -> Extremum | None:
        if isinstance(node, Extremum):
            return node
        definition = self.definitions.get(node.array) if isinstance(node, Entry) else None
        if definition is None or not isinstance(definition.body, Extremum):
            return None
        assert isinstance(node, Entry)
        body = unfold(definition, node)
        return body if isinstance(body, Extremum) else None

    def _is_given(self, body: Expression) -> bool:
        """Whether the extremum is taken of an argument, whose numbers nothing rounds."""
        return isinstance(body, Entry) and body.array not in self.definitions

    def _entry_for(self, extremum: Extremum, other: Expression) -> Expression | None:
        """The entry of the array that `extremum` is taken of that has the value `other`, if one has."""
        for place in dict.fromkeys(_places(other, extremum.index.axis)):
            here = rename(extremum.body, {extremum.index: place})
            if canonical(here) == canonical(other) or same_value(
                here, other, self.definitions, self.definitions
            ):
                named = self.rewrite(extremum)
                assert isinstance(named, Extremum)
                return rename(named.body, {extremum.index: place})
        return None


def _places(node: Expression, axis: str) -> Iterator[IndexTerm]:
    """The index terms in `node` that may stand for a place on `axis`: letters first, then labels."""
    for letter in free_indices(node):
        if letter.axis == axis:
            yield letter
    for _, part in walk(node):
        terms = part.indices if isinstance(part, Entry) else ()
        terms = (part.left, part.right) if isinstance(part, Delta) else terms
        for term in terms:
            if isinstance(term, Entry) or (isinstance(term, Position) and term.axis == axis):
                yield term


__all__ = ["ExtremaNamer"]
