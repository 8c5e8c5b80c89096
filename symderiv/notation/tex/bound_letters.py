r"""A letter that a sum runs over and that names an array too: the k of ``\sum_k a_{ik}`` beside keys k_j.

Print tells them apart by their places. Here the summed letter becomes another one, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from symderiv.notation.tex.calls import rebuilt
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import Bound, Kronecker, Name, Part, Ranging, Relation, Subscripted, walk
from symderiv.notation.tex.uses import plain, value_names

_LETTERS = ("m", "n", "l", "r", "s", "q", "u", "v", "w")


def with_letters_apart(parsed: Sequence[Parsed], known: Scope, notes: dict[str, int]) -> list[Parsed]:
    """The equations in which no sum runs over a letter that is an array's name."""
    roots = [root for each in parsed for root in each.parts()]
    bound = {plain(part.letter) for root in roots for part in walk(root) if isinstance(part, Ranging)}
    arrays = bound & (_with_places(roots) | {name for name in bound if known.kind(name) == "an array"})
    if not arrays:
        return list(parsed)
    used = {plain(replace(part, units=())) for root in roots for part in walk(root) if isinstance(part, Name)}
    spare = (letter for letter in _LETTERS if letter not in used | known.declared())
    names = dict(zip(sorted(arrays), spare, strict=False))
    found: dict[str, int] = {}
    changed = [
        replace(
            each,
            sides=[_value(side, names, found) for side in each.sides],
            conditions=[_value(condition, names, found) for condition in each.conditions],
        )
        for each in parsed
    ]
    for letter, at in found.items():
        notes.setdefault(
            f"the {letter} that is summed over is called {names[letter]}: {letter} is an array", at
        )
    return changed


def _with_places(roots: Sequence[Part]) -> set[str]:
    """The single letters that are values with an index."""
    names: Iterator[Name] = (name for root in roots for name in value_names(root))
    return {name.names[0] for name in names if name.units and len(name.names[0]) == 1}


def _value(node: Any, names: dict[str, str], found: dict[str, int]) -> Any:
    """A value with the letters of its sums renamed."""
    if isinstance(node, Bound):
        own = {letter: names[letter] for each in node.over if (letter := plain(each.letter)) in names}
        for each in node.over:
            if plain(each.letter) in own:
                found.setdefault(plain(each.letter), each.at)
        node = replace(
            node,
            over=tuple(
                replace(
                    each,
                    letter=_place(each.letter, own),
                    condition=each.condition and _places(each.condition, own),
                )
                for each in node.over
            ),
            body=_places(node.body, own),
        )
    return rebuilt(node, lambda part: _value(part, names, found))


def _places(node: Any, own: dict[str, str]) -> Any:
    """A value with another letter in its subscripts."""
    match node:
        case Name(_, _, units, tag):
            return replace(
                node, units=tuple(_place(unit, own) for unit in units), tag=tag and _place(tag, own)
            )
        case Kronecker(_, left, right):
            return replace(node, left=_place(left, own), right=_place(right, own))
        case Subscripted(_, base, units):
            return replace(node, base=_places(base, own), units=tuple(_place(unit, own) for unit in units))
        case Relation(_, _, left, right):
            return replace(node, left=_place(left, own), right=_place(right, own))
        case _:
            return rebuilt(node, lambda part: _places(part, own))


def _place(unit: Any, own: dict[str, str]) -> Any:
    if isinstance(unit, Name) and not unit.units and plain(unit) in own:
        return replace(unit, names=(own[plain(unit)],))
    return rebuilt(unit, lambda part: _place(part, own))
