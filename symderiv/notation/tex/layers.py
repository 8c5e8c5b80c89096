r"""Layers, counted above: the digits of ``z^1_j`` and ``w^2_{jk}``, the l of ``a^l_j``. They are no powers.

Nobody writes a power of 1: a name that has one counts layers above. A letter that stands above several names,
``l`` or one with a neighbour ``l+1``, and nowhere else, counts layers too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symderiv.notation.tex import commands as known
from symderiv.notation.tex.tokens import Token

_LAYER_LETTERS = frozenset({"l", "L", "ell"})


@dataclass(frozen=True)
class Layers:
    """The names that have digits above which count layers, and the letters that do."""

    names: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()

    def mark(self, name: str, above: Sequence[Token]) -> str:
        """What `above` adds to a name, such as ``_l_plus_1``; nothing where it is no layer."""
        if len(above) == 1 and above[0].kind == "number" and name in self.names:
            return f"_layer_{above[0].text}" if above[0].text.isdecimal() else ""
        letter = _letter(above)
        if letter not in self.letters:
            return ""
        shift = {"+": "_plus_", "-": "_minus_"}.get(above[1].text, "") if len(above) > 1 else ""
        return f"_{letter}{shift}{above[2].text if shift else ''}"


def layers_of(sides: Sequence[Sequence[Token]]) -> Layers:
    """The layers that the superscripts in some values count."""
    raised = [one for tokens in sides for one in _raised(tokens)]
    names = {name for name, above in raised if len(above) == 1 and above[0].text in ("0", "1")}
    letters = {_letter(above) for _, above in raised} - {""}
    shifted = {_letter(above) for _, above in raised if len(above) == 3} | _LAYER_LETTERS
    inside = {id(token) for _, above in raised for token in above}
    elsewhere = {token.text for tokens in sides for token in tokens if id(token) not in inside}
    counting = {
        letter
        for letter in (letters & shifted) - elsewhere
        if len({name for name, above in raised if _letter(above) == letter}) > 1
    }
    return Layers(frozenset(names), frozenset(counting))


def _letter(above: Sequence[Token]) -> str:
    """The l of ``l``, ``l+1`` or ``l-1``; nothing for anything else."""
    if not above or above[0].kind not in ("letter", "command") or above[0].text in ("T", "top", "prime"):
        return ""
    if len(above) == 1:
        return above[0].text
    return above[0].text if len(above) == 3 and above[1].is_op("+", "-") and above[2].kind == "number" else ""


def _raised(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """Each name with what stands above it."""
    for place, token in enumerate(tokens):
        if token.kind != "^":
            continue
        name = _name_before(tokens, place)
        if name and name != "e":
            yield name, _group(tokens, place + 1)


def _group(tokens: Sequence[Token], place: int) -> list[Token]:
    """The token at a place, or those in the braces that open there."""
    if place >= len(tokens) or tokens[place].kind != "{":
        return list(tokens[place : place + 1])
    end = next((n for n in range(place, len(tokens)) if tokens[n].kind == "}"), place)
    return list(tokens[place + 1 : end])


def _name_before(tokens: Sequence[Token], place: int) -> str:
    """The letter that a superscript stands on, with its accent; its subscript may come between."""
    last = place - 1
    begin = _opening(tokens, last)
    if begin > 0 and tokens[begin - 1].kind == "_":
        last = begin - 2
        begin = _opening(tokens, last)
    if begin < 0:
        return ""
    accent = tokens[begin - 1] if begin else None
    inner = [token for token in tokens[begin : last + 1] if token.kind not in ("{", "}")]
    if len(inner) == 2 and inner[0].is_command(*known.ACCENTS, *known.FONTS):
        accent, inner = inner[0], inner[1:]
    if len(inner) != 1 or inner[0].kind not in ("letter", "command"):
        return ""
    name = inner[0].text
    return f"{name}_{accent.text}" if accent is not None and accent.is_command(*known.ACCENTS) else name


def _opening(tokens: Sequence[Token], place: int) -> int:
    """Where the group begins that ends at a place: the token itself, or its opening brace."""
    if place < 0 or tokens[place].kind != "}":
        return place
    depth = 0
    for number in range(place, -1, -1):
        depth += (tokens[number].kind == "}") - (tokens[number].kind == "{")
        if not depth:
            return number
    return -1
