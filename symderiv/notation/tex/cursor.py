"""A place in a list of tokens, what may be asked of it, and the limits of reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from symderiv.notation.errors import NotationError, Source, quoted
from symderiv.notation.tex.layers import Layers
from symderiv.notation.tex.syntax import Name
from symderiv.notation.tex.tokens import Nesting, Token, matching

#: How deep the parts of a formula may be nested in each other.
MAX_NESTING = 100


def _no_calls(_name: Name, _inside: Sequence[Token]) -> bool:
    return False


@dataclass(frozen=True)
class Vocabulary:
    """What must be known of a problem to tell words from products of letters.

    Attributes
    ----------
    names
        Every declared name.
    symbols
        Spellings that are read as one name: the tokens (as kind and text) and the name.
    layers
        The superscripts that count layers.
    sigmoid
        Whether sigma is always applied to something: then what is differentiated as sigma is the sigmoid.
    calls
        Whether a name that a bracket follows is a function or an array in a call, ``p(a)``.
    steps
        The letters that count steps in subscripts.
    matrices
        The arrays that are declared: a prime transposes them, as in ``X'X``.
    sizes
        The sizes of axes: ``dx/dt`` is a derivative though there be a size d.
    functions
        The functions that formulas define.
    digamma
        Whether psi, applied to something, is the slope of the logarithm of the gamma function.
    turned_by_t
        Whether a power of t is a transposition: ``x^t A x``, where t is nothing else.
    policy
        Whether pi is a name, and the number only after a number as in 2π.
    wide
        Whether a logarithm without brackets is one of all the factors after it.
    """

    names: frozenset[str] = frozenset()
    symbols: tuple[tuple[tuple[tuple[str, str], ...], str], ...] = ()
    calls: Callable[[Name, Sequence[Token]], bool] = _no_calls
    layers: Layers = field(default_factory=Layers)
    sigmoid: bool = False
    steps: frozenset[str] = frozenset()
    matrices: frozenset[str] = frozenset()
    sizes: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    digamma: bool = False
    turned_by_t: bool = False
    policy: bool = False
    wide: bool = False


@dataclass
class Shared:
    """What the parsers of one formula have in common."""

    source: Source
    vocabulary: Vocabulary
    notes: dict[str, int] = field(default_factory=dict)  # a sentence, and where it was first due
    depth: int = 0
    given: frozenset[str] = frozenset()  # the letters in subscripts on the left of the equation that is read


class Cursor:
    """A list of tokens and the place that reading has come to."""

    def __init__(self, tokens: Sequence[Token], shared: Shared) -> None:
        self.tokens = in_one_line(tokens)
        self.place = 0
        self.shared = shared
        self.bars: list[str] = []
        if not self.tokens or self.tokens[-1].kind != "stop":
            end = self.tokens[-1].end if self.tokens else 0
            self.tokens.append(Token("stop", "the end", end, end))

    @property
    def token(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.place]

    def ahead(self, count: int = 1) -> Token:
        """The token `count` places further on, or the last one."""
        return self.tokens[min(self.place + count, len(self.tokens) - 1)]

    def next(self) -> Token:
        """Take one token."""
        token = self.token
        if token.kind != "stop":
            self.place += 1
        return token

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.token.kind == "stop"

    def error(self, where: Token | int, message: str) -> NotationError:
        """An error at a token or an offset."""
        return self.shared.source.error(where if isinstance(where, int) else where.at, message)

    def unexpected(self, expected: str) -> NotationError:
        """The error of a token that cannot stand here."""
        return self.error(self.token, f"expected {expected}, found {shown(self.token)}")

    def expect(self, kind: str, text: str, expected: str) -> Token:
        """Take a token that must be there."""
        if self.token.kind != kind or (text and self.token.text != text):
            raise self.unexpected(expected)
        return self.next()

    def note(self, where: int, sentence: str) -> None:
        """Remember how something was read where another reading is possible."""
        self.shared.notes.setdefault(sentence, where)

    def enter(self) -> None:
        """Go one level deeper; :meth:`leave` undoes it."""
        self.shared.depth += 1
        if self.shared.depth > MAX_NESTING:
            raise self.error(
                self.token, "the parts of this formula are nested too deeply: define some by name"
            )

    def leave(self) -> None:
        """Come back from one level."""
        self.shared.depth -= 1

    def written(self, begin: int, end: int) -> str:
        """The source between two offsets, for a sentence."""
        return quoted(" ".join(self.shared.source.text[begin:end].split()))

    def argument(self, what: str) -> list[Token]:
        """The tokens of one argument as TeX takes it: a group without its braces, or one sign."""
        token = self.token
        if token.kind == "{":
            end = matching(self.tokens, self.place)
            if end < 0:
                raise self.error(token, "this { is never closed")
            inside = self.tokens[self.place + 1 : end]
            self.place = end + 1
            if not inside:
                raise self.error(token, f"expected {what} in these braces, found nothing")
            return inside
        if token.kind == "number":
            digit = self.digit()
            return [digit]
        if token.kind in ("letter", "word"):
            return [self.next()]
        if token.kind == "command":
            return self._command_argument()
        hint = ": put it in braces" if token.kind == "op" else ""
        raise self.error(token, f"expected {what}, found {shown(token)}{hint}")

    def _command_argument(self) -> list[Token]:
        r"""A command with its own arguments, as in ``x^\frac12`` or ``\frac\pi2``."""
        first = self.next()
        taken = [first]
        count = {"frac": 2, "pdv": 2, "dv": 2, "sqrt": 1}.get(first.text, 0)
        if first.text in ("hat", "tilde", "bar", "dot", "ddot", "check", "breve") or first.text.startswith(
            "math"
        ):
            count = 1
        if first.text == "boldsymbol":
            count = 1
        for _ in range(count):
            if self.token.kind == "{":
                end = matching(self.tokens, self.place)
                taken += self.tokens[self.place : end + 1]
                self.place = end + 1
            elif self.token.kind == "number":
                taken.append(self.digit())
            elif not self.at_end:
                taken.append(self.next())
        return taken

    def digit(self) -> Token:
        """One digit of the number that is read next: TeX takes no more without braces."""
        token = self.token
        if len(token.text) == 1 or "." in token.text:
            return self.next()
        first = Token("number", token.text[0], token.at, token.at + 1, token.glued)
        self.tokens[self.place] = Token("number", token.text[1:], token.at + 1, token.end, True)
        return first


def in_one_line(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without line ends, column signs and wide spaces, but for those inside tables."""
    result: list[Token] = []
    tables = 0
    for token in tokens:
        tables += (token.kind == "begin") - (token.kind == "end")
        if tables or token.kind not in ("&", "newline", "quad"):
            result.append(token)
    return result


def shown(token: Token) -> str:
    """A token for a sentence."""
    if token.kind in ("command", "begin", "end"):
        word = f"\\{token.text}" if token.kind == "command" else f"\\{token.kind}{{{token.text}}}"
        return quoted(word)
    return quoted(token.text)


def split(tokens: Sequence[Token], kinds: Sequence[str]) -> list[list[Token]]:
    """The tokens cut at those of `kinds` that stand outside all brackets; the cuts are left out."""
    pieces: list[list[Token]] = [[]]
    nesting = Nesting()
    for token in tokens:
        if not nesting.after(token) and token.kind in kinds:
            pieces.append([])
        elif token.kind != "stop":
            pieces[-1].append(token)
    return pieces
