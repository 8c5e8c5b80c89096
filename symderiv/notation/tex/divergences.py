r"""Divergences by their name alone: ``D_{KL}`` where ``D_{KL}(p \| q)`` has been written out.

The name alone means the divergence of the two that the document compares, if it compares only these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symderiv.notation.tex.calls import rebuilt
from symderiv.notation.tex.parameters import changed
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import Applied, Bracket, Name, Part, walk
from symderiv.notation.tex.uses import plain

_NAMES = {"KL": "KL", "D_KL": "KL", "CE": "CE", "D_CE": "CE"}


def with_divergences(parsed: Sequence[Parsed], known: Scope) -> list[Parsed]:
    """The equations with the divergence that is meant for its bare name."""
    parts = [part for each in parsed for root in each.parts() for part in walk(root)]
    lefts = {plain(each.sides[0]) for each in parsed if isinstance(each.sides[0], Name)}
    meant: dict[str, Applied] = {}
    for function in ("KL", "CE"):
        found = {_without_places(part): part for part in parts if _is(part, function)}
        if len(found) == 1:
            (one,) = found.values()
            assert isinstance(one, Applied)
            meant[function] = one
    names = {name for name in _NAMES if _NAMES[name] in meant} - lefts - known.declared()
    if not names or not any(isinstance(part, Name) and plain(part) in names for part in parts):
        return list(parsed)

    def change(node: Part) -> Part:
        if isinstance(node, Name) and plain(node) in names:
            return Bracket(node.at, "(", (_moved(meant[_NAMES[plain(node)]], node.at),))
        return node

    return [changed(each, change) for each in parsed]


def _is(part: Part, function: str) -> bool:
    return isinstance(part, Applied) and part.function == function and len(part.arguments) == 2


def _without_places(node: Any) -> Any:
    return _moved(node, 0)


def _moved(node: Any, at: int) -> Any:
    """A piece of syntax that stands somewhere else, with all that it holds."""
    return replace(rebuilt(node, lambda part: _moved(part, at)), at=at)
