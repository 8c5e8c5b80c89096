r"""Names by their spelling: ``\hat{x}`` is ``x_hat``, and ``(d\mathbf P)_{ik} = ...`` defines a name dP."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeAlias

from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex import commands as known
from symderiv.notation.tex.cursor import Shared, Vocabulary
from symderiv.notation.tex.equations import Equation
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.syntax import Name, Numeral
from symderiv.notation.tex.tokens import Token, matching, tokenize
from symderiv.notation.tex.uses import plain

_Signs: TypeAlias = tuple[tuple[str, str], ...]
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def spelled_name(text: str) -> str:
    r"""The name of the notation that `text` spells, in LaTeX or in the notation itself.

    Raises
    ------
    NotationError
        If it spells no name.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return text
    source = Source(text, "name")
    tokens = tokenize(source)
    shared = Shared(source, Vocabulary(frozenset(), (), lambda _name, _inside: False))
    above = name_with_letters_above(NameParser(tokens[:-1], shared))
    if above:
        return above
    parser = NameParser(tokens[:-1], shared)
    name = parser.name()
    found = plain(name)
    if parser.token.kind == "^":  # a letter above: a part of the name, as the one below
        found = "_".join([found, *_words(text[parser.token.at :])])
    elif parser.token.kind == "stop" and not all(isinstance(unit, Name | Numeral) for unit in name.units):
        base = plain(replace(name, units=()))  # h_{t-1}: the subscript is no index, but tells names apart
        found = "_".join([base, *_words(text.partition("_")[2])])
    elif parser.token.kind != "stop":
        raise source.error(parser.token.at, f"expected one name, found {text}")
    if _PLAIN.fullmatch(found):
        return found
    fitting = re.sub(r"[\W_]+", "_", found, flags=re.ASCII).strip("_")
    if not _PLAIN.fullmatch(fitting):
        raise NotationError(f"expected a name, found {text}", "name", 1, 1, text)
    return fitting


def _words(text: str) -> list[str]:
    """The words of a subscript or superscript: t and 1 of t-1, and with a plus between them of t+1."""
    return ["plus" if word == "+" else word for word in re.findall(r"[A-Za-z0-9]+|\+", text)]


def bracketed_names(found: Sequence[Equation]) -> list[tuple[_Signs, str]]:
    r"""The names in brackets that equations define, such as the dP of ``(d\mathbf P)_{ik} = ...``.

    Returns
    -------
    list of (signs, str)
        For each, the signs that spell it, brackets included and braces left out, and the name.
    """
    names = []
    for equation in found:
        side = equation.sides[0]
        if equation.continues or len(equation.sides) < 2 or not side or side[0].text != "(":
            continue
        end = matching(side, 0)
        if end < 0 or end + 1 >= len(side) or side[end + 1].kind != "_":
            continue
        inside = [token for token in side[1:end] if token.kind not in ("{", "}")]
        letters = [token for token in inside if not token.is_command(*known.FONTS)]
        if len(letters) > 1 and all(token.kind == "letter" for token in letters):
            signs = tuple((token.kind, token.text) for token in (side[0], *inside, side[end]))
            names.append((signs, "".join(token.text for token in letters)))
    return names


def differentials(found: Sequence[Equation], names: Collection[str]) -> list[tuple[_Signs, str]]:
    r"""The names with a d before them that equations define: ``d\hat x_{ij} = ...`` and ``d\gamma_j = ...``.

    Returns
    -------
    list of (signs, str)
        For each, the signs that spell it, braces left out, and the name.
    """
    if "d" in names:
        return []
    spelled: dict[_Signs, str] = {}
    for equation in found:
        side = [token for token in equation.sides[0] if token.kind not in ("{", "}")]
        if equation.continues or len(equation.sides) < 2 or len(side) < 2 or side[0].text != "d":
            continue
        count = 2 if side[1].is_command(*known.ACCENTS, *known.FONTS) else 1
        own = side[1 : 1 + count]
        if side[1].kind != "command" or own[-1].kind not in ("letter", "command"):
            continue
        if len(side) == 1 + count or side[1 + count].kind == "_":
            mark = f"_{known.ACCENTS[own[0].text]}" if own[0].text in known.ACCENTS else ""
            signs = tuple((token.kind, token.text) for token in side[: 1 + count])
            spelled[signs] = f"d{own[-1].text}{mark}"
    below = [  # what stands below a bar is differentiated by
        tuple((token.kind, token.text) for token in side if token.kind not in ("{", "}"))
        for each in found for side in each.sides if any(token.is_command("frac", "dfrac") for token in side)
    ]  # fmt: skip
    return [
        (signs, name)
        for signs, name in spelled.items()
        if not any(
            side[place] == ("command", "frac") and side[place + 1 : place + 1 + len(signs)] == signs
            for side in below
            for place in range(len(side))
        )
    ]


def name_with_letters_above(parser: NameParser) -> str:
    r"""The name that ``z^l`` or ``\delta^h_t`` is, if `parser` holds just that; else nothing."""
    if not parser.starts_name():
        return ""
    name = parser.name()
    if parser.token.kind != "^" or name.word or name.names == ("e",):
        return ""
    parser.next()
    above = parser.argument("a superscript")
    marks = parser.letters_of(above)
    if marks is None or {"T", "top", "star"} & {each.names[0] for each in marks}:
        return ""
    below = parser.units() if parser.token.kind == "_" and parser.next() else ()
    units = [*name.units, *below]
    tail = "".join(plain(unit) for unit in units if isinstance(unit, Name))
    if not parser.at_end or not all(isinstance(unit, Name) for unit in units):
        return ""
    return "_".join([name.names[0], "".join(plain(each) for each in marks), *([tail] if tail else [])])


def is_of_policy(equation: Equation) -> bool:
    r"""Whether an equation is one for \pi or \log\pi, or differentiates it: then this is not the number."""
    sides = [[each for each in side if each.kind not in ("{", "}")] for side in equation.sides]
    alone = without_log(sides[0]) if sides and not equation.continues and len(sides) > 1 else []
    if alone and alone[0].is_command("pi"):  # \pi or \pi(a), alone on the left
        called = len(alone) > 1 and alone[1].text == "(" and matching(list(alone), 1) == len(alone) - 1
        if called or len(alone) == 1:
            return True
    for side in sides:
        for place, token in enumerate(side[:-1]):
            if not token.is_command("partial", "nabla"):
                continue
            rest = side[place + 1 :]
            rest = rest[2:] if rest[0].kind == "_" and len(rest) > 2 else rest  # \nabla_\theta \pi
            rest = rest[1:] if rest[0].is_command("log", "ln") and len(rest) > 1 else rest
            bare = len(rest) < 2 or rest[1].kind not in ("_", "open")  # not \\pi_k, nor \\pi(a)
            if rest[0].is_command("pi") and bare:
                return True
    return False


def without_log(side: Sequence[Token]) -> Sequence[Token]:
    r"""What stands after the log of ``\log f(x)``, without braces around it."""
    if side and (side[0].is_command("log") or (side[0].kind == "word" and side[0].text in ("log", "ln"))):
        side = side[1:]
    elif [token.text for token in side[:3]] == ["l", "o", "g"] or [token.text for token in side[:2]] == [
        "l",
        "n",
    ]:
        side = side[3 if side[1].text == "o" else 2 :]
    else:
        return side
    bracket = bool(side) and side[0].kind in ("{", "open") and matching(list(side), 0) == len(side) - 1
    return side[1:-1] if bracket else side
