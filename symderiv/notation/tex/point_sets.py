r"""Sums over the points of a set: ``\sum_{y \in Y} \exp(-E(y, \theta))`` and ``\sum_{x_i \in X} f(x_i)``.

The points of a set get numbers: the sum runs over their places, and y is the point at a place. What E makes
of a point is open, so nothing is lost where points are no numbers, but labels or sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from symderiv.notation.tex.calls import rebuilt
from symderiv.notation.tex.parameters import changed
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import Bound, Called, Name, Part, Ranging, Relation, parts_of, walk
from symderiv.notation.tex.uses import plain

_LETTERS = ("n", "m", "r", "s", "u", "v", "w", "q")


def with_points(parsed: Sequence[Parsed], known: Scope, notes: dict[str, int]) -> list[Parsed]:
    """The equations with every sum over the points of a set as one over their places."""
    if not any(isinstance(part, Ranging) for part in _parts(parsed)):
        return list(parsed)
    sets = _sets(parsed, known)
    used = {name for part in _parts(parsed) if isinstance(part, Name) for name in part.names}
    spare = [letter for letter in _LETTERS if letter not in used | known.declared()]
    bold = {
        plain(part)
        for call in _parts(parsed)
        if isinstance(call, Called) and known.slope(call.name) is not None
        for part in call.arguments
        if isinstance(part, Name) and part.bold
    }

    def change(node: Part) -> Part:
        if isinstance(node, Name) and node.bold and plain(node) in bold:
            return replace(node, bold=False)
        if not isinstance(node, Bound):
            return node
        over, body = [], node.body
        for ranging in node.over:
            points = _points(ranging)
            if ranging.letter.units and isinstance(unit := ranging.letter.units[0], Name) and points:
                over.append(replace(ranging, letter=unit, condition=None))
            elif points in sets and spare:
                index = Name(ranging.at, (spare[_depth(body) % len(spare)],))
                over.append(replace(ranging, letter=index, condition=None))
                body = _at_place(body, ranging.letter, index, points)
                told = f"a sum over the points of {points} is read as one over their places"
                notes.setdefault(told, ranging.at)
            else:
                over.append(ranging)
        return replace(node, over=tuple(over), body=body)

    return [changed(each, change) for each in parsed]


def _parts(parsed: Sequence[Parsed]) -> Iterator[Part]:
    return (part for each in parsed for root in each.parts() for part in walk(root))


def _points(ranging: Ranging) -> str:
    """The set that a sum runs over; a letter without one stands for its own set."""
    condition = ranging.condition
    if condition is None:
        free = ranging.first is None and ranging.last is None and not ranging.letter.units
        return plain(replace(ranging.letter, primes=0)) if free else ""
    if condition.operator == "in" and isinstance(condition.left, Name) and isinstance(condition.right, Name):
        return plain(condition.right) if plain(condition.left) == plain(ranging.letter) else ""
    return ""


def _sets(parsed: Sequence[Parsed], known: Scope) -> set[str]:
    """The sets whose points stand as values in a sum over them."""
    found = set()
    for part in _parts(parsed):
        if not isinstance(part, Bound):
            continue
        for ranging in part.over:
            points = _points(ranging)
            values = _values(part.body, known, called=ranging.condition is None)
            if points and not ranging.letter.units and plain(ranging.letter) in values:
                found.add(points)
    return found - known.arrays.keys()


def _values(node: Part, known: Scope, called: bool) -> set[str]:
    """The bare names that are values: of unspecified functions only, with `called`, or anywhere."""
    names: set[str] = set()
    todo: list[tuple[Part, bool]] = [(node, not called)]
    while todo:
        part, counts = todo.pop()
        match part:
            case Name():
                if counts and not part.units:
                    names.add(plain(part))
            case Called(_, name, arguments):
                own = known.slope(name) is not None
                todo += [(each, own) for each in arguments if own or not isinstance(each, Name)]
            case Relation():
                continue
            case _:
                todo += [(each, counts) for each in parts_of(part)]
    return names


def _depth(node: Part) -> int:
    """How many sums stand inside a value."""
    return sum(isinstance(part, Bound) for part in walk(node))


def _at_place(node: Any, letter: Name, index: Name, points: str) -> Any:
    """A value with the point at a place in the place of the letter."""
    if isinstance(node, Name):
        if not node.units and plain(node) == plain(letter):
            return Name(node.at, (f"{points}_points",), (replace(index, at=node.at),), word=True)
        return node
    return rebuilt(node, lambda part: _at_place(part, letter, index, points))
