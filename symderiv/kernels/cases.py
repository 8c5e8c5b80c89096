"""A result with Kronecker deltas, by cases: its value off all of them, then at each.

So a Jacobian p_i (δ_ij - p_j) is a product of two vectors and then a diagonal, and the gradient
p_k - δ_ky a vector and then one entry; nothing is multiplied by the zeros of a delta.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

from symderiv.expression.construct import add, multiply, power
from symderiv.expression.indices import indices_in_term, rename, rename_term
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Position,
    Power,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.errors import KernelError

#: With more cases in one result than this, it is refused.
MAX_CASES = 9


@dataclass(frozen=True)
class Case:
    """The value where each letter of `on` is at the given place (everywhere, if there is none)."""

    on: tuple[tuple[Index, IndexTerm], ...]
    body: Expression


def cases_of(body: Expression, indices: tuple[Index, ...]) -> tuple[Case, ...]:
    """The value off all deltas, then at each of them: a diagonal, or the place of a label.

    Cases stand in the order in which they may be assigned: a later one overwrites an earlier one
    where both hold. Where two labels fix one letter, a delta between the labels is left in the
    value at either, so that it is right also where they name the same place.

    Raises
    ------
    KernelError
        If there are more than `MAX_CASES`.
    """
    fixed: dict[Index, dict[Delta, IndexTerm]] = {}
    for delta in dict.fromkeys(part for _, part in walk(body) if isinstance(part, Delta)):
        place = _place_of(delta, indices)
        if place is not None:
            fixed.setdefault(place[0], {})[delta] = place[1]
    if prod(len(deltas) + 1 for deltas in fixed.values()) > MAX_CASES:
        found = sum(map(len, fixed.values()))
        raise KernelError(f"A result with {found} Kronecker deltas cannot be emitted: it has too many cases.")
    every = {delta for deltas in fixed.values() for delta in deltas}
    choices = list(product(*([None, *deltas] for deltas in fixed.values())))
    cases = []
    for chosen in sorted(choices, key=lambda choice: sum(delta is not None for delta in choice)):
        here = {delta for delta in chosen if delta is not None}
        names = {
            index: deltas[delta]
            for (index, deltas), delta in zip(fixed.items(), chosen, strict=True)
            if delta is not None
        }
        for _ in names:  # where j is i and i is y, j is y
            names = {index: rename_term(place, names) for index, place in names.items()}
        beside = {delta for index in names for delta in fixed[index]} - here
        value = rename(_with_deltas(body, here, every - here - beside), names)
        same = {part for _, part in walk(value) if isinstance(part, Delta) and part.left == part.right}
        cases.append(Case(tuple(names.items()), _with_deltas(value, same, set())))
    return tuple(cases)


def _place_of(delta: Delta, indices: tuple[Index, ...]) -> tuple[Index, IndexTerm] | None:
    """The letter that a delta fixes in a result, and where: the later letter at the earlier one."""
    sides = (delta.left, delta.right)
    plain = [side for side in sides if isinstance(side, Index) and side in indices]
    if len(plain) == 2:
        early, late = sorted(plain, key=indices.index)
        return late, early
    if len(plain) == 1:
        other = sides[1] if plain[0] == sides[0] else sides[0]
        if isinstance(other, Entry | Position) and plain[0] not in set(indices_in_term(other)):
            return plain[0], other
    return None


def _with_deltas(node: Expression, ones: set[Delta], zeros: set[Delta]) -> Expression:
    if isinstance(node, Delta):
        return ONE if node in ones else (ZERO if node in zeros else node)
    new = map_children(node, lambda child: _with_deltas(child, ones, zeros))
    if new is node:
        return node
    match new:
        case Add(terms):
            return add(*terms)
        case Multiply(factors):
            return multiply(*factors)
        case Power(base, exponent):
            return power(base, exponent)
        case _:
            return new
