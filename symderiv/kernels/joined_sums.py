"""A product summed over several letters is one sum: Σ_l Σ_j a_ilj b_ljk needs no array over i, k and l.

Lowering takes one sum after the other, each with an array of its own. Where no factor ranges over all
letters of the inner sum, that array is larger than both factors and the result: it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.expression.construct import factors_of
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Entry, Expression, Index, IndexTerm
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.program import Statement
from symderiv.problem import names_in


def with_sums_joined(statements: Sequence[Statement], batch: Index | None) -> tuple[Statement, ...]:
    """`statements`, each sum of nothing but a sum of products joined with that."""
    found = list(statements)
    while (pair := _next_pair(found, batch)) is not None:
        outer, inner = pair
        joined = _joined(outer, inner)
        found = [joined if each is outer else each for each in found if each is not inner]
        if joined.name == f"sum_{inner.name}":  # a name made of one that is free now
            found = [_renamed(each, joined.name, inner.name) for each in found]
    return tuple(found)


def _next_pair(statements: Sequence[Statement], batch: Index | None) -> tuple[Statement, Statement] | None:
    """The first sum that is nothing but that of another one, and that one."""
    for outer in statements:
        if outer.reduce and isinstance(outer.body, Entry):
            name = outer.body.array
            users = [each for each in statements if any(name in names_in(body) for body in each.bodies())]
            inner = next((each for each in statements if each.name == name), None)
            if inner is not None and len(users) == 1 and _is_joined(outer, inner, batch):
                return outer, inner
    return None


def _renamed(each: Statement, old: str, new: str) -> Statement:
    """A statement in which an array is called otherwise."""

    def change(node: Expression) -> Expression:
        if isinstance(node, Entry):
            return Entry(new, node.indices) if node.array == old else node
        return map_children(node, change)

    cases = tuple(replace(case, body=change(case.body)) for case in each.cases)
    name = new if each.name == old else each.name
    return replace(each, name=name, body=change(each.body), cases=cases)


def _is_joined(outer: Statement, inner: Statement, batch: Index | None) -> bool:
    """Whether one sum is nothing but that of another one's array, and both are better done at once."""
    plain = outer.reduce == inner.reduce == "sum" and not (outer.cases or outer.scatter or inner.scatter)
    if not plain or inner.stored or inner.comment or not isinstance(outer.body, Entry):
        return False
    if set(outer.body.indices) != set(outer.letters) or len(outer.body.indices) != len(outer.letters):
        return False
    if all(index == batch for index in outer.indices):
        return False  # a number is summed in passes
    factors = factors_of(inner.body)
    if not all(
        isinstance(each, Entry) and all(isinstance(i, Index) for i in each.indices) for each in factors
    ):
        return False
    wide = set(inner.indices)
    return len(factors) > 1 and not any(wide <= set(free_indices(each)) for each in factors)


def _joined(outer: Statement, inner: Statement) -> Statement:
    assert isinstance(outer.body, Entry)
    names: dict[Index, IndexTerm] = dict(zip(inner.indices, outer.body.indices, strict=True))
    taken = {each.name for each in outer.letters}
    summed: list[Index] = []
    for each in inner.summed:
        fresh = each
        while fresh.name in taken:
            fresh = Index(f"{fresh.name}_r", each.axis)
        taken.add(fresh.name)
        names[each] = fresh
        summed.append(fresh)
    body = rename(inner.body, names)
    letters = (*outer.summed, *summed)
    first, *rest = _in_order(letters, body)
    return replace(outer, body=body, reduced=first, inner=tuple(rest))


def _in_order(letters: Sequence[Index], body: Expression) -> list[Index]:
    """Letters in the order in which an array of the formula has them, where one has them all."""
    for _, part in walk(body):
        if isinstance(part, Entry) and set(letters) <= set(part.indices):
            return sorted(letters, key=part.indices.index)
    return list(letters)
