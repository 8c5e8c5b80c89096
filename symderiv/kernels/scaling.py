"""Arrays that only scale another one are computed where they are used: e / s times w is e (w / s).

So a loss' gradient is one pass over its probabilities' numerators, and not two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Entry, Expression, Index, IndexTerm, Multiply
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.cases import Case
from symderiv.kernels.program import Statement


def with_scalings_inside(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements without those that only scale an array for one other product."""
    found = list(statements)
    for name in [each.name for each in statements]:
        scaled = next(each for each in found if each.name == name)
        user = _only_user(scaled, found) if _is_scaling(scaled) else None
        if user is None:
            continue
        cases = tuple(Case(case.on, _inside(case.body, scaled)) for case in user.cases)
        moved = replace(user, body=_inside(user.body, scaled), cases=cases)
        found = [moved if each is user else each for each in found if each is not scaled]
    return tuple(found)


def _is_scaling(statement: Statement) -> bool:
    """Whether an array is another one of its size times numbers that fewer axes have."""
    if statement.stored or statement.reduce or statement.cases or statement.comment:
        return False
    factors = factors_of(statement.body)
    full = [each for each in factors if set(free_indices(each)) == set(statement.indices)]
    return len(factors) > 1 and len(full) == 1 and isinstance(full[0], Entry)


def _only_user(scaled: Statement, statements: Sequence[Statement]) -> Statement | None:
    """The one statement that has the array, as a factor and otherwise at single places of its cases."""
    users = [each for each in statements if any(_uses(scaled.name, body) for body in each.bodies())]
    if len(users) != 1 or users[0].reduce or users[0].scatter is not None:
        return None
    user = users[0]
    factors = [each for each in factors_of(user.body) if isinstance(each, Entry)]
    direct = any(each.array == scaled.name and each.indices == user.indices for each in factors)
    once = len(_uses(scaled.name, user.body)) == 1 and isinstance(user.body, Multiply)
    small = all(set(free_indices(case.body)) < set(user.indices) for case in user.cases)
    return user if direct and once and small else None


def _uses(name: str, body: Expression) -> list[Expression]:
    return [part for _, part in walk(body) if isinstance(part, Entry) and part.array == name]


def _inside(node: Expression, scaled: Statement) -> Expression:
    if isinstance(node, Entry):
        if node.array != scaled.name:
            return node
        names: dict[Index, IndexTerm] = dict(zip(scaled.indices, node.indices, strict=True))
        return rename(scaled.body, names)
    new = map_children(node, lambda child: _inside(child, scaled))
    return multiply(*new.factors) if isinstance(new, Multiply) and new is not node else new
