"""Arrays that are only another one times something smaller are not made: e / s times w is e (w / s).

A sum of such an array times others is the sum without the factor, times it: Σ_i g_i (x_i / r) is
(Σ_i g_i x_i) / r. So a pass over the data is saved wherever a factor has another one to join.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import free_indices, fresh_name, rename
from symderiv.expression.nodes import Add, Entry, Expression, Index, IndexTerm, Multiply
from symderiv.expression.traverse import children, map_children, walk
from symderiv.kernels.cases import Case
from symderiv.kernels.program import Statement
from symderiv.problem import names_in


def with_scalings_inside(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements without those that only scale an array, where that costs no more passes."""
    found = list(statements)
    for name in [each.name for each in statements]:
        scaled = next(each for each in found if each.name == name)
        users = [each for each in found if any(name in names_in(body) for body in each.bodies())]
        if _is_scaling(scaled) and users and _pays(scaled, users):
            taken = {each.name for each in found}
            found = [
                new
                for each in found
                if each is not scaled
                for new in (_without(scaled, each, taken) if each in users else (each,))
            ]
    return tuple(found)


def _is_scaling(statement: Statement) -> bool:
    """Whether an array is another one of its size times something that fewer axes have."""
    if statement.stored or statement.reduce or statement.cases or statement.comment:
        return False
    factors = factors_of(statement.body)
    full = [each for each in factors if set(free_indices(each)) == set(statement.indices)]
    return len(factors) > 1 and len(full) == 1 and isinstance(full[0], Entry | Add)


def _small(scaled: Statement, use: Entry) -> Expression:
    """The factor that is smaller than the array, where that is used."""
    factors = factors_of(_at(scaled, use))
    return multiply(*(each for each in factors if set(free_indices(each)) != set(free_indices(use))))


def _at(scaled: Statement, use: Entry) -> Expression:
    names: dict[Index, IndexTerm] = dict(zip(scaled.indices, use.indices, strict=True))
    return rename(scaled.body, names)


def _pays(scaled: Statement, users: Sequence[Statement]) -> bool:
    """Whether the factor joins another one in one place at least, and costs a pass in at most one."""
    costs: list[bool] = []
    for user in users:
        if user.scatter is not None or user.reduce not in ("", "sum"):
            return False
        uses = [each for each in _entries(user.body) if each.array == scaled.name]
        if any(set(free_indices(each)) != set(user.letters) for each in uses):
            return False
        if any(set(free_indices(case.body)) >= set(user.indices) for case in user.cases):
            return False
        if user.reduce:
            factors = factors_of(user.body)
            alone = len(uses) == 1 and uses[0] in factors and len(factors) > 1
            if not alone or set(user.summed) & set(free_indices(_small(scaled, uses[0]))):
                return False
            costs.append(False)
        elif uses:
            found = _costs(user.body, scaled, set(user.indices))
            if len(found) != len(uses):
                return False
            costs += found
    return sum(costs) <= 1 and not all(costs)


def _costs(node: Expression, scaled: Statement, full: set[Index]) -> list[bool]:
    """For each use of the array in a formula, whether its factor takes a pass of its own there."""
    if isinstance(node, Entry):
        return [True] if node.array == scaled.name else []
    found: list[bool] = []
    for part in children(node):
        if isinstance(node, Multiply) and isinstance(part, Entry) and part.array == scaled.name:
            letters = set(free_indices(_small(scaled, part)))
            others = (each for each in node.factors if each is not part)
            found.append(all(set(free_indices(each)) | letters >= full for each in others))
        else:
            found += _costs(part, scaled, full)
    return found


def _entries(body: Expression) -> list[Entry]:
    return [part for _, part in walk(body) if isinstance(part, Entry)]


def _without(scaled: Statement, user: Statement, taken: set[str]) -> tuple[Statement, ...]:
    """What replaces a statement that uses the array."""
    if not user.reduce:
        cases = tuple(Case(case.on, _inside(case.body, scaled)) for case in user.cases)
        return (replace(user, body=_inside(user.body, scaled), cases=cases),)
    use = next(each for each in _entries(user.body) if each.array == scaled.name)
    small = _small(scaled, use)
    large = [each for each in factors_of(_at(scaled, use)) if each not in factors_of(small)]
    body = multiply(*(each for each in factors_of(user.body) if each != use), *large)
    name = fresh_name("_".join(["sum", *dict.fromkeys(each.array for each in _entries(body))]), taken)
    taken.add(name)
    total = Statement(name, user.indices, body, "sum", user.reduced, inner=user.inner)
    scaled_total = multiply(Entry(name, user.indices), small)
    return total, replace(user, body=scaled_total, reduce="", reduced=None, inner=())


def _inside(node: Expression, scaled: Statement) -> Expression:
    if isinstance(node, Entry):
        return _at(scaled, node) if node.array == scaled.name else node
    new = map_children(node, lambda child: _inside(child, scaled))
    return multiply(*new.factors) if isinstance(new, Multiply) and new is not node else new
