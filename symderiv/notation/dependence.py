"""Derivatives of names that nothing is known of: what they may depend on, and where nothing says so.

A derivative of an undefined name is 0 as far as the formulas go, which nobody means who writes it down:
such a name is a function of a defined one, or the formula is not understood.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from symderiv.expression.nodes import Derivative, Entry, Expression
from symderiv.expression.traverse import walk
from symderiv.notation.text import to_text
from symderiv.problem import Problem, Upstream, names_in


def functions_of_names(
    problem: Problem, sides: Iterable[Expression], of_inputs: bool = False
) -> list[Upstream]:
    """The undefined numbers that are differentiated, each as any function of a defined name.

    Of the names that a number is differentiated by, this is the one that is made of all others; where there
    is no such name, the number is left out. With `of_inputs`, it may be an input.
    """
    by: dict[str, set[str]] = {}
    for part in _derivatives(sides):
        if isinstance(part.of, Entry) and not part.of.indices:
            by.setdefault(part.of.array, set()).add(part.by[0].array)
    found = []
    for name, names in by.items():
        given = problem.input(name)
        if given is None or given.label_of is not None or name in names:
            continue
        last = [each for each in names if all(problem.depends(Entry(each), one) for one in names)]
        if not of_inputs:
            last = [each for each in last if problem.definition(each) is not None]
        if len(last) == 1 and not problem.depends(Entry(last[0]), name):
            found.append(Upstream(name, last[0]))
    return found


def without_dependence(
    problem: Problem, sides: Iterable[Expression], declared: Collection[str] | None = None
) -> tuple[str, str] | None:
    """A value and a variable that it is differentiated by without depending on it; None where there is none.

    With `declared`, only values are meant that are made of undefined names outside of `declared`, in the
    definitions behind the sides too.
    """
    sides = tuple(sides)
    for part in _derivatives(sides if declared is None else (*sides, *_bodies(problem, sides))):
        names = names_in(part.of)
        if declared is not None and any(name in declared or problem.input(name) is None for name in names):
            continue
        for entry in part.by:
            if names and entry.array not in names and not problem.depends(part.of, entry.array):
                return to_text(part.of), to_text(entry)
    return None


def _derivatives(sides: Iterable[Expression]) -> Iterator[Derivative]:
    return (part for side in sides for _, part in walk(side) if isinstance(part, Derivative))


def _bodies(problem: Problem, sides: Iterable[Expression]) -> Iterator[Expression]:
    """The bodies of all definitions that the sides are made of."""
    seen: set[str] = set()
    todo = [name for side in sides for name in names_in(side)]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += problem.directly_uses(name)
            definition = problem.definition(name)
            if definition is not None:
                yield definition.body
