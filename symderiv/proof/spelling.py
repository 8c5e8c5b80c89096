"""One spelling for what differs in the names of free letters only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import permutations

from symderiv.expression.canonical import canonical
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Expression, Index

#: The free letters of a tree are tried in every order, to find its spelling, up to this many.
MAX_LETTERS = 4


@lru_cache(maxsize=16384)
def spelling(node: Expression) -> tuple[Expression, tuple[Index, ...]]:
    """A tree with its free letters renamed to places in a list, and that list."""
    letters = tuple(sorted(free_indices(node), key=lambda index: (index.axis, index.name)))
    if len(letters) > MAX_LETTERS:
        return canonical(node), letters
    best: tuple[str, Expression, tuple[Index, ...]] | None = None
    for order in permutations(letters):
        if [each.axis for each in order] != [each.axis for each in letters]:
            continue
        names: Mapping[Index, Index] = {
            letter: Index(f"@{place}", letter.axis) for place, letter in enumerate(order)
        }
        spelled = canonical(rename(node, dict(names)))
        if best is None or repr(spelled) < best[0]:
            best = (repr(spelled), spelled, order)
    assert best is not None
    return best[1], best[2]
