"""Rules for sums under a condition, such as the sum over all classes but the true one."""

from __future__ import annotations

from symderiv.calculus.bounds import is_defined, picked
from symderiv.calculus.context import Context, rule
from symderiv.calculus.simplify import delta_on, left_out, sum_chain, sum_over
from symderiv.expression.construct import add, factors_of, multiply, subtract
from symderiv.expression.indices import mentions, rename_term
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    PlaceTerm,
    Sum,
    Where,
)
from symderiv.expression.shifts import solved
from symderiv.expression.traverse import compared_values

_KNUTH = "Graham, Knuth, Patashnik, Concrete Mathematics, chapter 2"


def holds(condition: Compare, value: Expression) -> Expression:
    """`value` where a condition on places holds, else 0: (1 - δ_jy) f_j for j ≠ y."""
    left, right = condition.left, condition.right
    if not is_defined(value):
        return Where(condition, value, ZERO)
    if isinstance(left, PlaceTerm | Entry) and isinstance(right, PlaceTerm | Entry):
        if condition.operator == "!=":
            return multiply(subtract(ONE, Delta(left, right)), value)
        if condition.operator == "==":
            return multiply(Delta(left, right), value)
    return Where(condition, value, ZERO)


def _renamed(condition: Compare, names: dict[Index, IndexTerm]) -> Compare | None:
    if compared_values(condition):
        return None
    sides = [
        rename_term(side, names) if isinstance(side, PlaceTerm | Entry) else side
        for side in (condition.left, condition.right)
    ]
    return Compare(condition.operator, sides[0], sides[1])


@rule(
    Sum,
    law=r"\sum_{k \neq y} \delta_{kj} f_k = (1 - \delta_{jy}) f_j",
    source=_KNUTH,
    example=("sum(k != y, t[k] * delta(k, j))", "(1 - delta(j, y)) * t[j]"),
    terminates="a sum and a delta disappear",
    level="textbook",
    name="sifting under a condition",
)
def sift_under_a_condition(node: Expression, context: Context) -> Expression | None:
    """A delta under a restricted sum picks one term, where the restriction lets it."""
    assert isinstance(node, Sum)
    if node.condition is None:
        return None
    factors = factors_of(node.body)
    for place, factor in enumerate(factors):
        if not isinstance(factor, Delta):
            continue
        if mentions(factor, node.index):
            other = solved(factor.left, factor.right, node.index)
            if other is None:
                continue
            names: dict[Index, IndexTerm] = {node.index: other}
            condition = _renamed(node.condition, names)
            if condition is not None:
                rest = multiply(*factors[:place], *factors[place + 1 :])
                return holds(condition, picked(rest, node.index, other))
    return None


@rule(
    Sum,
    law=r"\sum_{k \neq y} f_k (\delta_{kj} - g_k)"
    r" = \sum_{k \neq y} f_k \delta_{kj} - \sum_{k \neq y} f_k g_k",
    source=_KNUTH,
    example=(
        "sum(k != y, t[k] * (delta(k, j) - delta(j, y)))",
        "sum(k != y, t[k] * delta(k, j)) + sum(k != y, t[k] * (-1 * delta(j, y)))",
    ),
    terminates="fewer deltas inside brackets under a sum",
    name="expand under a condition",
)
def expand_under_a_condition(node: Expression, context: Context) -> Expression | None:
    """Multiply out a bracket with a delta on the letter of a restricted sum, and split the sum."""
    assert isinstance(node, Sum)
    if node.condition is None:
        return None
    factors = factors_of(node.body)
    for place, factor in enumerate(factors):
        if isinstance(factor, Add) and delta_on(factor, (node.index,)):
            parts = (multiply(*factors[:place], term, *factors[place + 1 :]) for term in factor.terms)
            return add(*(Sum(node.index, part, node.condition) for part in parts))
    return None


@rule(
    Sum,
    law=r"\sum_k (1 - \delta_{kj}) f_k = \sum_{k \neq j} f_k",
    source=_KNUTH,
    example=("sum(k, t[k] * (1 - delta(k, j)))", "sum(k != j, t[k])"),
    terminates="a delta disappears",
    level="textbook",
    name="leave a term out",
)
def leave_out(node: Expression, context: Context) -> Expression | None:
    """A sum without one of its terms stays one: that term may be far larger than all others."""
    assert isinstance(node, Sum)
    letters, core = sum_chain(node)
    factors = factors_of(core)
    for place, factor in enumerate(factors):
        found = left_out(factor, letters)
        rest = factors[:place] + factors[place + 1 :]
        if found is None or any(delta_on(each, letters) for each in rest):
            continue
        letter, other = found
        others = tuple(each for each in letters if each != letter)
        return sum_over(others, Sum(letter, multiply(*rest), Compare("!=", letter, other)))
    return None


RESTRICTED = (sift_under_a_condition, expand_under_a_condition, leave_out)
