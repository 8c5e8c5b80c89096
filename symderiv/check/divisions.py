"""The division that a true equation adds on its right side: it holds only where that is not by zero."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.check.points import Special, points_of
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Entry, Expression, Multiply, Number, Power
from symderiv.expression.traverse import walk
from symderiv.notation.text import to_text
from symderiv.problem import Problem


def divided_by(problem: Problem, left: Expression, right: Expression) -> str:
    """``x != 0`` where a true equation divides on its right by an input that its left side may have zero.

    Both sides are looked at where that input is zero: then the left side must have a value and the right
    side none.
    """
    letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    for entry in dict.fromkeys(_denominators(right)):
        given = problem.input(entry.array)
        if given is None or given.label_of is not None or not set(free_indices(entry)) <= set(letters):
            continue
        found: list[bool] = []
        nowhere = Special(among=((entry.array, (0.0,)),))
        for point in points_of(problem, positive=True, count=2, special=nowhere):
            a, b = point.values(left, letters), point.values(right, letters)
            found += [b[place] is None and one is not None for place, one in a.items()]
        if found and all(found):
            return f"{to_text(entry)} != 0"
    return ""


def _denominators(node: Expression) -> Iterator[Entry]:
    """The entries that a formula divides by, as it is written."""
    for _, part in walk(node):
        if isinstance(part, Power) and isinstance(part.exponent, Number) and part.exponent.value < 0:
            base = part.base.base if isinstance(part.base, Power) else part.base
            if isinstance(base, Entry):
                yield base
            elif isinstance(base, Multiply):
                yield from (each for each in base.factors if isinstance(each, Entry))
