r"""Divergences by their name alone: ``D_{KL}`` where ``D_{KL}(p \| q)`` has been written out.

The name alone means the divergence of the two that the document compares, if it compares only these. Any
other divergence, ``D_{IS}(p \| q) = ...``, is what the document says that it is: one name, whatever it
compares.
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
from symderiv.notation.tex.tokens import Nesting, Token, matching
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


def without_compared(tokens: Sequence[Token]) -> tuple[list[Token], dict[str, int]]:
    r"""The tokens without ``(p \| q)`` after a name that always compares the same two, and notes of it."""
    found: dict[str, list[tuple[int, int]]] = {}
    for place, token in enumerate(tokens):
        if (token.kind, token.text) != ("open", "("):
            continue
        end = matching(list(tokens), place)
        name = _name_before(tokens, place)
        if end > 0 and name and not name.endswith(("KL", "CE")) and _compares(tokens[place + 1 : end]):
            found.setdefault(name, []).append((place, end))
    dropped: set[int] = set()
    notes: dict[str, int] = {}
    for name, spans in found.items():
        if not any(_is_set(tokens, end) for _, end in spans):
            continue  # nothing says what it is
        compared = {tuple((one.kind, one.text) for one in tokens[begin:end]) for begin, end in spans}
        if len(compared) == 1:
            begin, _ = spans[0]
            notes[f"{name} is read as one name, whatever stands in its brackets"] = tokens[begin].at
            dropped |= {place for begin, end in spans for place in range(begin, end + 1)}
    return [token for place, token in enumerate(tokens) if place not in dropped], notes


def _is_set(tokens: Sequence[Token], end: int) -> bool:
    """Whether an equals sign follows what ends here."""
    following = next((token for token in tokens[end + 1 : end + 3] if token.kind != "&"), None)
    return following is not None and (following.kind, following.text) == ("rel", "=")


def _name_before(tokens: Sequence[Token], place: int) -> str:
    """The name that a bracket stands after, with its subscript; nothing where there is none."""
    last = begin = place - 1
    if begin >= 0 and tokens[begin].kind == "}":
        while begin >= 0 and tokens[begin].kind != "{":
            begin -= 1
    if begin > 0 and tokens[begin - 1].kind == "_":
        begin -= 2
    elif begin != last:
        return ""
    if begin < 0 or tokens[begin].kind not in ("letter", "word", "command"):
        return ""
    return "".join(token.text for token in tokens[begin : last + 1] if token.kind not in ("{", "}"))


def _compares(inside: Sequence[Token]) -> bool:
    """Whether two values stand here with two bars between them."""
    nesting = Nesting()
    bars = [place for place, one in enumerate(inside) if not nesting.after(one) and one.kind == "bar"]
    double = len(bars) == 1 and inside[bars[0]].text == "||"
    double = double or (len(bars) == 2 and bars[1] == bars[0] + 1 and inside[bars[1]].glued)
    return double and bars[0] > 0 and bars[-1] < len(inside) - 1


def _is(part: Part, function: str) -> bool:
    return isinstance(part, Applied) and part.function == function and len(part.arguments) == 2


def _without_places(node: Any) -> Any:
    return _moved(node, 0)


def _moved(node: Any, at: int) -> Any:
    """A piece of syntax that stands somewhere else, with all that it holds."""
    return replace(rebuilt(node, lambda part: _moved(part, at)), at=at)
