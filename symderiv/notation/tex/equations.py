"""From tokens to equations: lines, chains ``a = b = c``, conditions after a comma, several in one display."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from symderiv.notation.errors import Source
from symderiv.notation.tex.cursor import in_one_line, shown
from symderiv.notation.tex.tokens import DISPLAY_END, Nesting, Token, closes, opens

_LEADING_WORDS = frozenset({"where", "and", "with", "so", "hence", "then", "thus", "let", "i.e.", "or"})
_OTHER_WORDS = frozenset({"otherwise", "else"})
#: Relations that say something else than that two values are equal: they are passed over.
PASSED_OVER = frozenset({"≈", "∝", "∼", "→", "in"})
_CONDITION_WORDS = frozenset({"if", "for", "when", "for all"})


@dataclass
class Equation:
    """The tokens of a chain: its sides, and the conditions written after it.

    `continues` says that it begins with an equals sign: its first side stands somewhere before. `loose`
    says that one of :data:`PASSED_OVER` stands beside it: if it has one side, then nothing is said of that.
    """

    sides: list[list[Token]] = field(default_factory=lambda: [[]])
    conditions: list[list[Token]] = field(default_factory=list)
    continues: bool = False
    loose: bool = False


@dataclass
class _Piece:
    tokens: list[Token]
    before: str  # what stands before it: "", "newline", "quad" or ","
    after: str = ""
    begins: bool = False  # whether a formula of the document begins with it


def equations(
    source: Source,
    tokens: Sequence[Token],
    is_letter: Callable[[Token], bool] = lambda _: True,
    passing: bool = False,
) -> list[Equation]:
    """The equations of a display, in order.

    Parameters
    ----------
    source
        The text, for errors.
    tokens
        Its tokens.
    is_letter
        Whether a token can be an index letter: ``i = j`` after a comma is then a condition.
    passing
        Whether what :data:`PASSED_OVER` relate is passed over, as in a document; else it is an error.
    """
    found: list[Equation] = []
    for piece in _pieces(tokens):
        words = _without_leading_words(in_one_line(piece.tokens))
        if not words or _is_remark(piece, words):
            continue
        if (
            found
            and piece.before in ("quad", ",")
            and _bracket_at_end(words) == 0
            and _relations(words[1:-1])
        ):
            words = words[1:-1]  # \quad (i \neq j)
        signs = _relations(words)
        if found and piece.before != "newline" and _is_condition(words, signs, is_letter):
            found[-1].conditions.append(words)
        elif words[0].kind == "rel" and words[0].text == "=":
            if not found:
                found.append(Equation(continues=True))
            _extend(source, found, words, passing)
        elif found and not signs and piece.before != "newline":
            if piece.before == ",":
                raise source.error(
                    words[0].at, f"expected an equation after the comma, found {shown(words[0])}"
                )
            found[-1].sides[-1] += words
        elif found and not signs and (words[0].kind == "op" or _is_open(found[-1].sides[-1])):
            found[-1].sides[-1] += words
        elif found and ((words[0].kind == "op" and not piece.begins) or _is_open(found[-1].sides[-1])):
            _extend(source, found, words, passing)
        else:
            found.append(Equation())
            _extend(source, found, words, passing)
    found = [each for each in found if not each.loose or len(each.sides) > 1]
    for equation in found:
        _set_condition_apart(equation)
        equation.sides = [_without_punctuation(side) for side in equation.sides]
        if equation.continues:
            equation.sides = equation.sides[1:]
        equation.conditions = [_without_punctuation(condition) for condition in equation.conditions]
    return found


def _is_remark(piece: _Piece, words: Sequence[Token]) -> bool:
    """Whether a piece is words beside a formula, as after ``&&`` or before a colon, and no condition."""
    if piece.before == "newline" and piece.after not in ("quad", ","):
        return False
    return all(each.kind in ("word", "open", "close") or each.is_op(".", "-") for each in words) and any(
        each.kind == "word" and each.text.lower() not in _OTHER_WORDS for each in words
    )


def _pieces(tokens: Sequence[Token]) -> list[_Piece]:
    pieces = [_Piece([], "")]
    nesting = Nesting()
    for place, token in enumerate(tokens):
        if token.text == DISPLAY_END:  # a bracket that one display leaves open reaches into no other
            nesting = Nesting()
        depth = nesting.after(token)
        remark = token.kind == "&" and place > 0 and tokens[place - 1].kind == "&"
        if depth == 0 and (remark or token.kind in ("newline", "quad", ",", ";")):
            if pieces[-1].tokens:
                kind = "quad" if remark else token.kind.replace(";", ",")
                pieces[-1].after = kind
                pieces.append(_Piece([], kind))
            elif token.kind == "newline":
                pieces[-1].before = "newline"
            pieces[-1].begins |= token.text == DISPLAY_END
        elif token.kind != "stop":
            pieces[-1].tokens.append(token)
    return _without_ranges([piece for piece in pieces if piece.tokens])


def _without_ranges(pieces: list[_Piece]) -> list[_Piece]:
    r"""The pieces without ``i = 1, \dots, K``, which only says that i takes every place."""
    dropped: set[int] = set()
    for place in range(1, len(pieces)):
        dots = all(
            token.is_command("dots", "ldots", "cdots") or token.is_op(".") for token in pieces[place].tokens
        )
        before = pieces[place - 1].tokens
        first = len(before) > 2 and before[-1].kind == "number" and before[-2].kind == "rel"
        if dots and first and pieces[place].before == ",":
            dropped |= {place, place - 1}
            after = pieces[place + 1 : place + 2]
            if after and after[0].before == "," and len(after[0].tokens) == 1:
                dropped.add(place + 1)
    return [piece for place, piece in enumerate(pieces) if place not in dropped]


def _relations(tokens: Sequence[Token]) -> list[int]:
    """Where the relation signs outside all brackets are."""
    places = []
    nesting = Nesting()
    for place, token in enumerate(tokens):
        if not nesting.after(token) and token.kind == "rel":
            places.append(place)
    return places


def _bracket_at_end(tokens: Sequence[Token]) -> int:
    """Where the round bracket opens that ends with the last token; -1 if none does."""
    if not tokens or tokens[-1].text != ")":
        return -1
    depth = 0
    for place in range(len(tokens) - 1, -1, -1):
        depth += closes(tokens[place]) - opens(tokens[place])
        if depth == 0:
            return place
    return -1


def _set_condition_apart(equation: Equation) -> None:
    r"""``-p_i p_j (i \neq j)``: two letters compared in brackets after a value are a condition."""
    side = equation.sides[-1]
    begin = _bracket_at_end(side)
    inside = side[begin + 1 : -1]
    if begin < 2 or len(inside) != 3 or inside[1].kind != "rel":
        return
    before = side[begin - 1]
    second = side[begin - 2]
    ends = (
        before.kind == "close"
        or (before.kind == "letter" and second.kind in ("_", "{"))
        or (before.kind == "}" and second.text not in ("1", "I"))  # \mathbb{1}(i = j)
    )
    if ends and inside[0].kind == inside[2].kind == "letter" and inside[1].text in ("=", "!="):
        equation.sides[-1] = side[:begin]
        equation.conditions.append(inside)


def _is_condition(words: Sequence[Token], signs: Sequence[int], is_letter: Callable[[Token], bool]) -> bool:
    first = words[0]
    if first.is_command("forall") or (first.kind == "word" and first.text in _CONDITION_WORDS):
        return True
    if len(words) > 2 and first.text == "i" and words[1].text == "f" and words[1].glued:
        return True
    if len(signs) != 1:
        return False
    if words[signs[0]].text != "=":
        return signs[0] > 0
    return signs[0] == 1 and first.kind in ("letter", "command") and len(words) == 3 and all(
        words[place].kind == "letter" and is_letter(words[place]) for place in (0, 2)
    )  # fmt: skip


def _extend(source: Source, found: list[Equation], words: Sequence[Token], passing: bool) -> None:
    signs = set(_relations(words))
    for place, token in enumerate(words):
        if place not in signs:
            found[-1].sides[-1].append(token)
        elif token.text == "=":
            found[-1].sides.append([])
        elif passing and token.text in PASSED_OVER:
            found[-1].loose = True
            found.append(Equation(loose=True))
        else:
            raise source.error(token.at, f"expected an equation, found {shown(token)}: only = is judged")


def _is_open(side: Sequence[Token]) -> bool:
    """Whether a side ends with an operator, so that the next line belongs to it."""
    script = len(side) > 1 and side[-2].kind in ("_", "^")  # [x]_+
    return bool(side) and side[-1].kind == "op" and not side[-1].is_op(".") and not script


def _without_leading_words(tokens: list[Token]) -> list[Token]:
    while tokens and tokens[0].kind == "word" and tokens[0].text.lower() in _LEADING_WORDS:
        tokens = tokens[1:]
    return tokens


def _without_punctuation(tokens: list[Token]) -> list[Token]:
    while tokens and (
        tokens[-1].is_op(".") or (tokens[-1].kind == "word" and tokens[-1].text in _LEADING_WORDS)
    ):
        tokens = tokens[:-1]
    return tokens
