"""What all cases of a result have in common is multiplied in afterwards: x_j (δ_ti h_t - h_t h_i).

The cases are then those of a smaller array, h_t (δ_ti - h_i), and the large one is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import free_indices, fresh_name, indices_in_term
from symderiv.expression.nodes import Entry, Expression, Index
from symderiv.kernels.cases import Case
from symderiv.kernels.program import Statement


def with_cases_apart(statements: Sequence[Statement], batch: Index | None) -> tuple[Statement, ...]:
    """The statements; those with cases in two, where there is a factor that all cases have."""
    taken = {each.name for each in statements}
    return tuple(new for each in statements for new in _apart(each, taken, batch))


def _apart(statement: Statement, taken: set[str], batch: Index | None) -> tuple[Statement, ...]:
    if statement.reduce or not statement.cases:
        return (statement,)
    moved = {
        index
        for case in statement.cases
        for late, early in case.on
        for index in (late, *indices_in_term(early))
    }
    common = [
        factor
        for factor in factors_of(statement.body)
        if isinstance(factor, Entry)
        and not set(free_indices(factor)) & (moved - {batch})
        and all(factor in factors_of(case.body) for case in statement.cases)
    ]
    letters = {index for body in _rests(statement, common) for index in free_indices(body)} | moved
    inside = tuple(index for index in statement.indices if index in letters)
    if not common or len(inside) == len(statement.indices):
        return (statement,)
    body, *rests = _rests(statement, common)
    if set(free_indices(body)) != set(inside):  # the cases would have no array of their own to stand in
        return (statement,)
    name = fresh_name("factor", taken)
    taken.add(name)
    cases = tuple(Case(case.on, rest) for case, rest in zip(statement.cases, rests, strict=True))
    return (
        Statement(name, inside, body, cases=cases),
        replace(statement, body=multiply(Entry(name, inside), *common), cases=()),
    )


def _rests(statement: Statement, common: Sequence[Expression]) -> list[Expression]:
    """The formulas of a statement without the common factors."""
    return [
        multiply(*(each for each in factors_of(body) if each not in common)) for body in statement.bodies()
    ]
