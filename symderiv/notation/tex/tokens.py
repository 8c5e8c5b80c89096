r"""From LaTeX source to tokens: what only changes the look of a formula is gone after this.

Spacing, sizes (``\left``, ``\big``), ``\displaystyle``, ``\label``, ``\tag``, comments and the environments
that line up equations leave no token; commands that mean the same (``\dfrac`` and ``\frac``) leave the same
one. Every token knows where it stands in the source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from symderiv.notation.errors import NotationError, Source, quoted, unexpected
from symderiv.notation.tex import commands as known

#: The longest formula that is read, in characters and in tokens.
MAX_TEXT = 20_000
MAX_TOKENS = 6_000
#: The same for all formulas of a document together; blanks, which stand for the prose, do not count.
MAX_DOCUMENT_TEXT = 400_000
MAX_DOCUMENT_TOKENS = 120_000
#: How deep braces and environments may be nested.
MAX_BRACES = 100
#: How deep the commands of a document may stand in each other.
MAX_MACROS = 20

_PATTERN = re.compile(
    r"(?P<display>\x02\x02?)"
    r"|(?P<space>\s+|~|%[^\n]*)"
    r"|(?P<newline>\\\\\*?(?:[ \t]*\[[^\]\n]*(?:em|ex|pt|mm|cm|in|skip|height)\])?)"
    r"|(?P<command>\\(?:[A-Za-z]+\*?|.))"
    r"|(?P<escaped>[A-Za-z][A-Za-z0-9]{0,63}(?:\\_[A-Za-z0-9]+)+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"|(?P<letter>[A-Za-z])"
    r"|(?P<relation>:=|<=|>=|!=|==|[=<>≠≤≥])"
    r"|(?P<sign>.)",
    re.DOTALL,
)
#: What stands after each formula of a document, where several are read together: the end of a line and more.
DISPLAY_END = "\x02\x02"
_RELATIONS = {":=": "=", "==": "=", "≠": "!=", "≤": "<=", "≥": ">="}
_SIGNS = {
    "{": "{", "}": "}", "^": "^", "_": "_", "'": "'", "’": "'", "&": "&", ",": ",", ":": ":", ";": ";",
    "!": "!", "(": "open", "[": "open", ")": "close", "]": "close", "|": "bar",
    "+": "op", "-": "op", "*": "op", "/": "op", ".": "op", "−": "op", "·": "op", "×": "op", "⋅": "op",
}  # fmt: skip
_PLAIN_SIGN = {"−": "-", "×": "*", "⋅": "·", "’": "'"}
#: The name of a command that is defined, and how many arguments it takes.
_DEFINITION = re.compile(r"\s*(?:\{\s*\\[A-Za-z]+\s*\}|\\[A-Za-z]+)\s*(?:\[\d\])?")
#: What ends a line of a formula.
_LINE_END = re.compile(r"\s*(?:[.,]?\s*)(?:\\\\|\\end\b|\\q?quad\b|&|$)")
_WORD = re.compile(r"[A-Za-z0-9 _.\-]*")


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `glued` says that nothing stands between it and the token before.

    `side` is ``left`` or ``right`` for a bracket that says so itself (``\\left(``), else empty.
    """

    kind: str
    text: str
    at: int
    end: int
    glued: bool = False
    side: str = ""

    def is_command(self, *names: str) -> bool:
        """Whether this is one of the commands `names` (written without backslash)."""
        return self.kind == "command" and self.text in names

    def is_op(self, *signs: str) -> bool:
        """Whether this is one of the operators `signs`."""
        return self.kind == "op" and self.text in signs


def tokenize(
    source: Source, macros: Mapping[str, str | None] | None = None, together: bool = False
) -> list[Token]:
    r"""The tokens of a formula, with one of kind ``stop`` at the end.

    Parameters
    ----------
    source
        The formula.
    macros
        Commands that the document defines, without backslash, each with the text that it stands for
        (None for one that takes arguments: those are not read). The tokens of that text all stand
        where the command does.
    together
        Whether the source is all formulas of a document: there may be more of them then.

    Raises
    ------
    NotationError
        At a character or a command that has no meaning in a formula, and at braces that do not match.
    """
    most_text, most = (MAX_DOCUMENT_TEXT, MAX_DOCUMENT_TOKENS) if together else (MAX_TEXT, MAX_TOKENS)
    what = "these formulas have" if together else "this formula has"
    if len(source.text) > most_text and (not together or _length(source.text) > most_text):
        raise source.error(most_text, f"{what} more than {most_text} characters: split it")
    tokens = _Scanner(source, macros or {}, most=most, displays=together).run()
    if len(tokens) > most:
        raise source.error(tokens[most].at, f"{what} more than {most} signs: split it")
    _check_braces(source, tokens)
    return tokens


def _length(text: str) -> int:
    """How many characters a text has that are not blank."""
    return sum(map(len, text.split()))


class _Scanner:
    """Reads the source once, from left to right."""

    def __init__(
        self,
        source: Source,
        macros: Mapping[str, str | None],
        within: tuple[str, ...] = (),
        most: int = MAX_TOKENS,
        displays: bool = False,
    ) -> None:
        self.source = source
        self.displays = (
            displays  # whether the sign for the end of a display is ours: nobody else may write it
        )
        self.most = most
        self.macros = macros
        self.within = within
        self.text = source.text
        self.place = 0
        self.tokens: list[Token] = []
        self.side = ""
        self.lefts: list[str] = []  # the brackets that \left opened and no \right has closed
        self.arrays: list[bool] = []  # for each array that is open, whether it only lines up equations

    def run(self) -> list[Token]:
        while self.place < len(self.text):
            match = _PATTERN.match(self.text, self.place)
            assert match is not None  # the last alternative takes any character
            kind, found, at = match.lastgroup or "", match.group(), self.place
            self.place = match.end()
            if kind == "escaped":
                self._add("word", found.replace("\\_", "_"), at)
            elif kind == "command":
                self._command(found, at)
            elif kind == "newline" or (kind == "display" and self.displays):
                self._add("newline", found, at)
            elif kind == "display":
                self._sign(found[0], at)
            elif kind == "relation":
                self._add("rel", _RELATIONS.get(found, found), at)
            elif kind == "sign":
                self._sign(found, at)
            elif kind != "space":
                self._add(kind, found, at)
        self._add("stop", "the end", len(self.text))
        return _without_empty_braces(self.tokens)

    def _add(self, kind: str, text: str, at: int) -> None:
        glued = bool(self.tokens) and self.tokens[-1].end == at
        side, self.side = self.side, ""
        if side and kind not in ("open", "close", "bar"):
            if kind == "op" and text == ".":  # \left. and \right. show nothing
                kind = "open" if side == "left" else "close"
            elif kind == "rel" and text in "<>":
                kind, text = ("open", "<") if side == "left" else ("close", ">")
            elif kind == "op" and text == "/":
                pass
            elif side != "none":
                raise self.source.error(at, f"expected a bracket after \\{side}, found {quoted(text)}")
        if side == "left":
            self.lefts.append(text)
        elif side == "right" and self.lefts and self.lefts.pop() == "." and kind == "bar":
            kind = "close"  # the bar of \left. f \right|_{x = 0}
        self.tokens.append(Token(kind, text, at, self.place, glued, side if side != "none" else ""))

    def _sign(self, sign: str, at: int) -> None:
        if sign == "$":
            raise self.source.error(at, "unexpected $: give the formula without its $ signs, one at a time")
        kind = _SIGNS.get(sign)
        if kind is None:
            name = known.UNICODE.get(sign)
            if name is None:
                raise self.source.error(at, unexpected(sign))
            self._command("\\" + name, at)
            return
        self._add(kind, _PLAIN_SIGN.get(sign, sign), at)

    def _command(self, found: str, at: int) -> None:
        name = found[1:]
        if name in self.macros:
            self._macro(name, at)
            return
        if name == "not" and (negated := re.compile(r"\s*(=|\\in\b)").match(self.text, self.place)):
            self.place = negated.end()
            self._add("rel", "!=" if negated[1] == "=" else "notin", at)
            return
        if name.rstrip("*") in ("newcommand", "renewcommand", "DeclareMathOperator"):
            definition = _DEFINITION.match(self.text, self.place)
            if definition is not None:
                self.place = definition.end()
            self._argument(at, "the command's name")
            return
        name = known.SAME.get(name, name)
        if name in known.INVISIBLE:
            return
        if name in known.DROPPED_WITH_ARGUMENT:
            self._skip_argument(at)
        elif name in known.TEXT_BETWEEN:
            self._skip_argument(at)
            self._add("newline", "\\" + name, at)
        elif name in known.SIDES:
            self.side = known.SIDES[name]
        elif name in known.DELIMITERS:
            kind, sign = known.DELIMITERS[name]
            self._add(kind, sign, at)
        elif name in known.OPERATORS:
            self._add("op", known.OPERATORS[name], at)
        elif name in known.RELATIONS:
            self._add("rel", known.RELATIONS[name], at)
        elif name in known.WORDS:
            self._word(name, at)
        elif name in ("begin", "end"):
            self._environment(name, at)
        elif name in ("quad", "qquad"):
            self._add("quad", "\\" + name, at)
        elif name in known.ARROWS:
            self._add("newline", "\\" + name, at)
        elif name in ("overset", "stackrel", "underset") and self._relation_with_remark(at):
            pass
        elif name in known.KNOWN:
            self._add("command", name, at)
        elif name in known.FUNCTION_WORDS:
            self._add("word", name, at)
        else:
            raise self.source.error(at, f"the command {quoted(found)} is not known here")

    def _relation_with_remark(self, at: int) -> bool:
        r"""Take ``{(a)}{=}``, an equals sign with something above or below it; whether it stands here."""
        begin = self.place
        self._skip_argument(at)
        relation = re.compile(r"\s*(?:\{\s*=\s*\}|=)").match(self.text, self.place)
        if relation is None:
            self.place = begin
            return False
        self.place = relation.end()
        self._add("rel", "=", at)
        return True

    def _macro(self, name: str, at: int) -> None:
        """The tokens that a command of the document stands for, all at its own place."""
        body = self.macros[name]
        if body is None:
            raise self.source.error(at, f"\\{name} takes arguments: write out what it stands for")
        for number in range(1, _arguments_of(body) + 1):
            body = body.replace(f"#{number}", self._argument(at, f"\\{name}, which takes arguments")[0])
            if len(body) > MAX_TEXT:
                raise self.source.error(at, f"\\{name} stands for too much: write out what it stands for")
        if name in self.within or len(self.within) >= MAX_MACROS:
            raise self.source.error(at, f"\\{name} is defined by itself, or by too many other commands")
        try:
            inner = _Scanner(
                Source(body, self.source.path), self.macros, (*self.within, name), self.most
            ).run()
        except NotationError as error:
            raise self.source.error(at, f"in \\{name}: {error.message}") from None
        for token in inner[:-1]:
            if len(self.tokens) > self.most:
                raise self.source.error(at, f"this formula has more than {self.most} signs: split it")
            self.tokens.append(replace(token, at=at, end=self.place))

    def _argument(self, at: int, what: str) -> tuple[str, int]:
        """The raw text of a braced argument, and where it begins."""
        match = re.compile(r"\s*\{").match(self.text, self.place)
        if match is None:
            raise self.source.error(at, f"expected {{...}} after {what}")
        depth, start = 1, match.end()
        for place in range(start, len(self.text)):
            sign = self.text[place]
            if sign in "{}" and self.text[place - 1] != "\\":
                depth += 1 if sign == "{" else -1
            if not depth:
                self.place = place + 1
                return self.text[start:place], start
        raise self.source.error(start - 1, "this { is never closed")

    def _skip_argument(self, at: int) -> None:
        self._argument(at, quoted(self.text[at : self.place]))

    def _word(self, name: str, at: int) -> None:
        """An upright word; where the argument is no word, what it holds is read as it stands."""
        before = self.place
        if not re.compile(r"\s*\{").match(self.text, self.place):
            letter = re.compile(r"\s*([A-Za-z0-9])").match(self.text, self.place)
            if letter is None:
                return
            self.place = letter.end()
            self._add("word", letter[1], at)
            return
        content, start = self._argument(at, "\\" + name)
        plain = content.replace(r"\_", "_").replace("~", " ").replace(r"\ ", " ").replace("\\,", " ")
        plain = plain.rstrip(",:; ")
        if plain.rstrip(".").lower() in ("otherwise", "else"):
            plain = plain.rstrip(".")
        if _WORD.fullmatch(plain) is None:
            if name.startswith("text"):
                if not self._text(content, start) and not self._is_remark(plain):
                    raise self.source.error(start, "this text is not understood inside a formula")
                return
            self.place = before  # read the group as it stands
            return
        if name.startswith("text") and content.rstrip("~ ").endswith(":") and not self._is_inside():
            return  # a heading, as in \text{Mean: }
        if plain.strip():
            self._add("word", " ".join(plain.split()), at)

    def _text(self, content: str, start: int) -> bool:
        """Take text with formulas in it, as in ``\\text{if $x > 0$}``; whether it is such text."""
        pieces = content.split("$")
        if len(pieces) % 2 == 0 or any(
            _WORD.fullmatch(piece.rstrip(",:; ")) is None for piece in pieces[::2]
        ):
            return False
        after = self.place
        for number, piece in enumerate(pieces):
            words = piece.rstrip(",:; ").split()
            if number % 2:
                self.place = start
                inner = _Scanner(
                    Source(" " * start + piece, self.source.path), self.macros, self.within, self.most
                )
                try:
                    tokens = inner.run()[:-1]
                except NotationError as error:
                    raise self.source.error(start, error.message) from None
                self.tokens += tokens
            elif words:
                self.tokens.append(Token("word", " ".join(words), start, start + len(piece)))
            start += len(piece) + 1
        self.place = after
        return True

    def _is_remark(self, text: str) -> bool:
        """Whether text stands beside a formula and not in it: before it, or at a line's end."""
        if not self._is_inside():
            return True
        before = self.tokens[-1]
        ends = _LINE_END.match(self.text, self.place) is not None
        return ends and before.kind not in ("op", "rel", "open") and " " in text

    def _is_inside(self) -> bool:
        """Whether a formula stands right before this place, and not a line end, a wide space or a column."""
        return bool(self.tokens) and self.tokens[-1].kind not in ("newline", "quad", "&")

    def _environment(self, kind: str, at: int) -> None:
        name, start = self._argument(at, "\\" + kind)
        name = name.strip().rstrip("*")
        if name in known.ALIGNMENTS:
            if kind == "begin" and name in known.WITH_COLUMNS:
                self._skip_argument(at)
            if kind == "begin":
                option = re.compile(r"\s*\[[tbc]\]").match(self.text, self.place)
                self.place = option.end() if option else self.place
            return
        if name not in known.TABLES:
            raise self.source.error(start, f"the environment {quoted(name)} is not known here")
        if name == "array" and self._lines_up(kind, at):
            return
        self._add(kind, name, at)

    def _lines_up(self, kind: str, at: int) -> bool:
        """Whether an array only lines up equations: one that no bracket opens, as ``align`` would."""
        if kind == "end":
            return bool(self.arrays) and self.arrays.pop()
        self._skip_argument(at)
        self.arrays.append(not self.tokens or self.tokens[-1].kind not in ("open", "bar"))
        return self.arrays[-1]


def _arguments_of(body: str) -> int:
    """How many arguments the text of a command takes."""
    return max((int(digit) for digit in re.findall(r"#([1-9])", body)), default=0)


def _without_empty_braces(tokens: list[Token]) -> list[Token]:
    r"""The tokens without ``{}`` that only ends a command, as in ``\vert{}``."""
    result: list[Token] = []
    place = stacked = 0
    while place < len(tokens):
        if tokens[place].is_command("substack") and tokens[place + 1].kind == "{":
            stacked = matching(tokens, place + 1)
        if tokens[place].kind == "newline" and place < stacked:  # the lines below a sum sign
            tokens[place] = replace(tokens[place], kind=",")
        pair = [token.kind for token in tokens[place : place + 2]] == ["{", "}"]
        group = tokens[place : place + 3]
        if [each.kind for each in group] == ["{", "rel", "}"]:  # i{=}j: braces that only take away space
            result.append(group[1])
            place += 3
            continue
        if (
            pair
            and result
            and result[-1].kind in ("bar", "op", "rel", "open", "close", "letter", "number", "quad")
        ):
            place += 2
            continue
        result.append(tokens[place])
        place += 1
    return result


def _check_braces(source: Source, tokens: list[Token]) -> None:
    waiting: list[Token] = []
    for token in tokens:
        if token.kind in ("{", "begin"):
            waiting.append(token)
            if len(waiting) > MAX_BRACES:
                raise source.error(token.at, "braces are nested too deeply here: define some parts by name")
        elif token.kind in ("}", "end"):
            what = "}" if token.kind == "}" else f"\\end{{{token.text}}}"
            if not waiting:
                raise source.error(token.at, f"this {what} closes nothing")
            opened = waiting.pop()
            if (opened.kind, token.kind) not in (("{", "}"), ("begin", "end")) or (
                token.kind == "end" and token.text != opened.text
            ):
                expected = "}" if opened.kind == "{" else f"\\end{{{opened.text}}}"
                raise source.error(token.at, f"expected {expected} here, found {what}")
    if waiting:
        what = "{" if waiting[-1].kind == "{" else f"\\begin{{{waiting[-1].text}}}"
        raise source.error(waiting[-1].at, f"this {what} is never closed")


def without_boxes(tokens: list[Token]) -> list[Token]:
    r"""The tokens without the braces of ``\boxed{a = b}``, so that its equals signs stand in the open."""
    result: list[Token] = []
    closing: set[int] = set()
    skip = -1
    for place, token in enumerate(tokens):
        if place == skip or place in closing:
            continue
        if token.is_command("boxed") and place + 1 < len(tokens) and tokens[place + 1].kind == "{":
            end = matching(tokens, place + 1)
            if has_relation(tokens[place + 2 : end]):
                skip = place + 1
                closing.add(end)
                continue
        result.append(token)
    return result


def matching(tokens: list[Token], place: int) -> int:
    """The place of the token that closes the brace, bracket or environment at `place`; -1 if none does.

    Braces and environments always match each other; brackets may not, so inside braces they do not count.
    """
    groups = brackets = 0
    for number in range(place, len(tokens)):
        kind = tokens[number].kind
        groups += (kind in ("{", "begin")) - (kind in ("}", "end"))
        if not groups:
            brackets += (kind == "open") - (kind == "close")
        if groups < 0:
            return -1
        if not groups and not brackets:
            return number
    return -1


class Nesting:
    """Counts open groups, token by token; as for :func:`matching`, brackets inside braces do not count."""

    def __init__(self) -> None:
        self.groups = self.brackets = 0

    def after(self, token: Token) -> int:
        """How many groups are open after one more token; 0 outside of all."""
        self.groups += (token.kind in ("{", "begin")) - (token.kind in ("}", "end"))
        if not self.groups:
            self.brackets += (token.kind == "open") - (token.kind == "close")
        return self.groups + self.brackets


def opens(token: Token) -> bool:
    """Whether a token opens a group of any kind (bars aside)."""
    return token.kind in ("{", "open", "begin")


def closes(token: Token) -> bool:
    """Whether a token closes a group of any kind (bars aside)."""
    return token.kind in ("}", "close", "end")


def has_relation(tokens: list[Token]) -> bool:
    """Whether an equals sign stands outside all brackets."""
    nesting = Nesting()
    return any(not nesting.after(token) and token.kind == "rel" and token.text == "=" for token in tokens)


def shorten(token: Token, count: int) -> Token:
    """A number token without its first `count` digits: TeX takes one digit as an argument."""
    return replace(token, text=token.text[count:], at=token.at + count)
