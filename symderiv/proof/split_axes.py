"""One axis as several, where a formula never brings their indices together.

In Σ_ij a_ij / Σ_k a_ik, rows and columns of the array may well have one size, but nothing compares
i with j. The formula then means something for rows and columns of different sizes too, and what is
proved for these holds where they are the same. The sum in the denominator no longer is one over the axis
of i, and so can be cleared.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

from symderiv.expression.construct import multiply
from symderiv.expression.indices import mentions
from symderiv.expression.nodes import (
    Compare,
    Delta,
    Entry,
    Expression,
    Extremum,
    Index,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, compared_values, map_children


@dataclass(frozen=True)
class _Bound:
    """One sum's letter."""

    number: int
    index: Index


class _Classes:
    """Which letters and places of arrays have to be on one axis."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def of(self, token: Hashable) -> Hashable:
        path = []
        while (above := self._above.setdefault(token, token)) != token:
            path.append(token)
            token = above
        self._above.update(dict.fromkeys(path, token))
        return token

    def join(self, first: Hashable, second: Hashable) -> None:
        self._above[self.of(first)] = self.of(second)


def split_axes(node: Expression) -> Iterator[Expression]:
    """`node` on more axes than it is written for: every way to say which of them a size counts.

    Nothing where no axis comes apart, or the tree has labels or fixed places.
    """
    tree = _counted(node)
    classes = _Classes()
    tokens: list[tuple[str, Hashable]] = []
    if not _joined(tree, {}, classes, tokens, [0]):
        return
    groups: dict[str, list[Hashable]] = {}
    for axis, token in tokens:
        found = groups.setdefault(axis, [])
        if classes.of(token) not in found:
            found.append(classes.of(token))
    names = {
        (axis, group): axis if place == 0 else f"{axis}{chr(39) * place}"
        for axis, found in groups.items()
        for place, group in enumerate(found)
    }
    if len(names) == len(groups):
        return
    sizes: list[dict[str, str]] = [{}]
    for axis, found in groups.items():
        sizes = [{**each, axis: names[axis, group]} for group in found for each in sizes]
    seen = set()
    for counts in sizes:
        renamed = _Renaming(classes, names, counts).of(tree, {})
        if renamed not in seen:
            seen.add(renamed)
            yield renamed


def _counted(node: Expression) -> Expression:
    """Sums of what does not depend on their letter as multiples of it: K times."""
    node = map_children(node, _counted)
    match node:
        case Sum(index, body, None) if not mentions(body, index):
            return multiply(Size(index.axis), body)
        case _:
            return node


def _joined(
    node: Expression,
    env: Mapping[Index, Hashable],
    classes: _Classes,
    tokens: list[tuple[str, Hashable]],
    count: list[int],
) -> bool:
    """Note what has to be on one axis; whether the tree can be read so at all."""

    def token(term: object) -> Hashable:
        return env.get(term, term) if isinstance(term, Index) else None

    def together(first: object, second: object) -> bool:
        if not isinstance(first, Index) or not isinstance(second, Index):
            return False
        classes.join(token(first), token(second))
        tokens.extend((term.axis, token(term)) for term in (first, second))
        return True

    match node:
        case Entry(array, indices):
            for place, term in enumerate(indices):
                if not isinstance(term, Index):
                    return False
                classes.join((array, place), token(term))
                tokens.append((term.axis, token(term)))
            return True
        case Delta(left, right):
            return together(left, right)
        case Sum() | Product() | Extremum():
            count[0] += 1
            env = {**env, node.index: _Bound(count[0], node.index)}
            tokens.append((node.index.axis, env[node.index]))
            condition = None if isinstance(node, Extremum) else node.condition
        case Where(condition, _, _):
            pass
        case _:
            condition = None
    if condition is None or compared_values(condition) or together(condition.left, condition.right):
        return all(_joined(child, env, classes, tokens, count) for child in children(node))
    return False


class _Renaming:
    """Puts every letter on the axis of its class; sums are numbered as in :func:`_joined`."""

    def __init__(
        self,
        classes: _Classes,
        names: Mapping[tuple[str, Hashable], str],
        counts: Mapping[str, str],
    ) -> None:
        self._classes = classes
        self._names = names
        self._counts = counts
        self._sums = 0

    def _letter(self, term: object, env: Mapping[Index, _Bound]) -> Index:
        assert isinstance(term, Index)
        return Index(term.name, self._names[term.axis, self._classes.of(env.get(term, term))])

    def _compared(self, condition: Compare, env: Mapping[Index, _Bound]) -> Compare:
        """A comparison of places; values that are compared are children, and renamed as such."""
        if compared_values(condition):
            return condition
        left, right = self._letter(condition.left, env), self._letter(condition.right, env)
        return Compare(condition.operator, left, right)

    def _condition(self, condition: Compare | None, env: Mapping[Index, _Bound]) -> Compare | None:
        return None if condition is None else self._compared(condition, env)

    def of(self, node: Expression, env: Mapping[Index, _Bound]) -> Expression:
        """`node` renamed, where `env` says which sum each letter is that of."""
        match node:
            case Size(axis):
                return Size(self._counts.get(axis, axis))
            case Entry(array, indices):
                return Entry(array, tuple(self._letter(term, env) for term in indices))
            case Delta(left, right):
                return Delta(self._letter(left, env), self._letter(right, env))
            case Sum() | Product() | Extremum():
                self._sums += 1
                env = {**env, node.index: _Bound(self._sums, node.index)}
        rest = map_children(node, lambda child: self.of(child, env))
        match rest:
            case Extremum(kind, index, body):
                return Extremum(kind, self._letter(index, env), body)
            case Sum(index, body, condition):
                return Sum(self._letter(index, env), body, self._condition(condition, env))
            case Product(index, body, condition):
                return Product(self._letter(index, env), body, self._condition(condition, env))
            case Where(condition, then, otherwise):
                return Where(self._compared(condition, env), then, otherwise)
            case _:
                return rest
