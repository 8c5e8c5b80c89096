r"""Matrices that nobody declares, of the vectors that stand beside them: X, whose rows are the x_i.

``X^T (y - X w)`` after a sum over the x_i says by its letter alone what X is. A claim that is true of this X
is true under that condition; one that is false even so is told what else is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from symderiv.check.document import Document
from symderiv.expression.nodes import Derivative, Entry, Expression, Index
from symderiv.expression.traverse import map_children, walk
from symderiv.notation.text import to_text
from symderiv.problem import Problem, names_in

_LETTERS = ("i", "j", "k", "l", "m", "n")


@dataclass(frozen=True)
class Stacked:
    """An equation in which each such matrix is what its letter says, and that in text notation."""

    left: Expression
    right: Expression
    condition: str


def stacked(document: Document, problem: Problem, left: Expression, right: Expression) -> Stacked | None:
    """The equation with the entries of x for those of an X that nothing else is known of; None for no X."""
    elsewhere = {name for definition in problem.definitions for name in names_in(definition.body)}
    elsewhere |= {
        entry.array
        for side in (left, right)
        for _, part in walk(side)
        if isinstance(part, Derivative)
        for entry in part.by
    }
    told = " ".join(
        document.text[each.begin : each.end] for each in document.blocks if each.kind == "directive"
    )
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    conditions = []
    for name in sorted((names_in(left) | names_in(right)) - elsewhere):
        small = name[:1].lower() + name[1:]
        given = problem.input(name)
        if given is None or small == name or re.search(rf"\b{name}\b", told):
            continue
        order = _order(given.axes, _axes(problem, small))
        if not given.axes or order is None or small not in elsewhere | names_in(left):
            continue
        found[name] = small, order
        places = _places(problem, given.axes)
        entry = Entry(small, tuple(places[place] for place in order))
        conditions.append(f"{to_text(Entry(name, places))} == {to_text(entry)}")
    if not found:
        return None
    return Stacked(_with(left, found), _with(right, found), " and ".join(conditions))


def _axes(problem: Problem, name: str) -> tuple[str, ...]:
    known = problem.input(name) is not None or problem.definition(name) is not None
    return problem.axes_of(name) if known else ()


def _order(axes: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...] | None:
    """Which axis stands at each place of another order of the same axes."""
    orders = permutations(range(len(axes))) if len(axes) == len(wanted) < 4 else ()
    return next((order for order in orders if [axes[place] for place in order] == list(wanted)), None)


def _places(problem: Problem, axes: Sequence[str]) -> tuple[Index, ...]:
    """A letter for each axis, one that the document uses for it where there is one."""
    places: list[Index] = []
    for axis in axes:
        own = [letter for letter in problem.letters if letter.axis == axis]
        spare = [Index(name, axis) for name in _LETTERS]
        taken = {place.name for place in places}
        places.append(next(letter for letter in (*own, *spare) if letter.name not in taken))
    return tuple(places)


def _with(node: Expression, found: dict[str, tuple[str, tuple[int, ...]]]) -> Expression:
    node = map_children(node, lambda child: _with(child, found))
    if isinstance(node, Entry) and node.array in found:
        small, order = found[node.array]
        return Entry(small, tuple(node.indices[place] for place in order))
    return node
