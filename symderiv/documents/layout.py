r"""Fitting formulas on a page: how wide a formula is set, and where a long one may be broken.

Widths are those of Computer Modern, in ems, from a walk over the LaTeX that
:func:`symderiv.notation.latex.to_latex` writes. They err on the wide side by a few per cent, which
is what keeps every line inside the margins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

#: Widths in ems at text size.
_SIGN_WIDTHS = {
    "sum": 1.45, "prod": 1.3, "partial": 0.55, "delta": 0.46, "log": 1.3, "exp": 1.55, "max": 1.9,
    "min": 1.7, "quad": 1.0, "qquad": 2.0, "sigma": 0.6, "mu": 0.6, "tanh": 2.0, "cdot": 0.72,
    "neq": 1.35, "leq": 1.35, "geq": 1.35, "left": 0.12, "right": 0.12, "_": 0.5, " ": 0.25, ",": 0.17,
    "Bigl": 0.0, "Bigr": 0.0, "bigl": 0.0, "bigr": 0.0, "displaystyle": 0.0, "Gamma": 0.65,
}  # fmt: skip
_SPACED = {"+": 1.23, "-": 1.23, "=": 1.35, "<": 1.35, ">": 1.35, ":": 0.85, ",": 0.45, "|": 0.28}
_WIDE = frozenset("mwMWHNKXQGODVUPABCEFLRTYZ")
_SMALL = 0.73
_TOKEN = re.compile(r"\\([A-Za-z]+|.)|([{}^_&])|\s+|(.)")
_GROUPED = frozenset(
    {"frac", "sqrt", "mathrm", "text", "hat", "tilde", "bar", "dot", "mathbf", "operatorname", "boxed"}
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "command", "mark" or "sign"
    text: str


def width(latex: str) -> float:
    """How wide a formula is set in display style, in ems (of 11 points at that size)."""
    return _Measure(latex).row()


class _Measure:
    """One walk over the tokens of a formula."""

    def __init__(self, latex: str) -> None:
        self.tokens = list(_tokens(latex))
        self.place = 0

    def _peek(self) -> _Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def row(self) -> float:
        """The width up to the closing brace that belongs to this row."""
        total = 0.0
        while (token := self._peek()) is not None and token.text != "}":
            total += self.item()
        return total

    def group(self) -> float:
        """The width of a braced group, or of the one token that stands in its place."""
        token = self._peek()
        if token is not None and token.kind == "mark" and token.text == "{":
            self.place += 1
            inside = self.row()
            self.place += 1
            return inside
        return self.item() if token is not None else 0.0

    def item(self) -> float:
        token = self.tokens[self.place]
        if token.kind == "mark" and token.text == "{":
            base = self.group()
        else:
            self.place += 1
            if token.kind == "mark":
                return 0.0
            base = self._command(token.text) if token.kind == "command" else _sign_width(token.text)
        return base + self._scripts(token, base)

    def _scripts(self, token: _Token, base: float) -> float:
        """What the sub- and superscripts add; those of a sum sign stand below and above it."""
        scripts = 0.0
        while (mark := self._peek()) is not None and mark.kind == "mark" and mark.text in "^_":
            self.place += 1
            scripts = max(scripts, _SMALL * self.group() + 0.08)
        if token.kind == "command" and token.text in ("sum", "prod", "max", "min") and scripts:
            return max(0.0, scripts - base) + 0.17
        return scripts

    def _environment(self) -> float:
        """Rows of cells: a brace, the widest cell of each column, a quad between them."""
        self.group()  # its name
        widest: list[float] = [0.0]
        column, cell = 0, 0.0
        while (token := self._peek()) is not None:
            ends_cell = token.text == "&" if token.kind == "mark" else token.text in ("\\", "end")
            if not ends_cell or token.kind == "sign":
                cell += self.item()
                continue
            self.place += 1
            widest[column] = max(widest[column], cell)
            cell, column = 0.0, column + 1 if token.text == "&" else 0
            if column == len(widest):
                widest.append(0.0)
            if token.text == "end":
                self.group()
                break
        return 0.9 + sum(widest) + 1.0 * (len(widest) - 1)

    def _command(self, name: str) -> float:
        if name == "begin":
            return self._environment()
        if name == "frac":
            # Space at both ends of the bar, and a thin space to what stands beside it.
            return max(self.group(), self.group()) + 0.4
        if name == "sqrt":
            return self.group() + 0.9
        if name in ("mathrm", "text", "operatorname", "mathbf"):
            return self.group() * 1.05 + 0.2
        if name in _GROUPED:
            return self.group()
        return _SIGN_WIDTHS.get(name, 0.65 if len(name) > 1 else 0.3)


def _tokens(latex: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(latex):
        command, mark, sign = match.groups()
        if command is not None:
            yield _Token("command", command)
        elif mark is not None:
            yield _Token("mark", mark)
        elif sign is not None:
            yield _Token("sign", sign)


def _sign_width(sign: str) -> float:
    if sign in _SPACED:
        return _SPACED[sign]
    if sign in "()[]":
        return 0.62
    if sign in _WIDE:
        return 0.9
    return 0.56


def break_formula(latex: str, limit: float, indent: float = 2.0) -> list[str]:
    """`latex` in pieces no wider than `limit` ems where its terms allow it.

    Breaks stand before ``+`` and ``-``, the outermost first; where one term alone is too wide and
    holds a bracketed sum, the bracket is set at a fixed size so that a line may end inside it.
    A piece may stay too wide if it has no terms: the caller scales it.
    """
    if width(latex) <= limit:
        return [latex]
    pieces = _fill(split_terms(latex), limit, indent)
    if all(width(piece) <= limit for piece in pieces):
        return pieces
    opened: list[str] = []
    for piece in pieces:
        inside = _open_widest_bracket(piece) if width(piece) > limit else None
        opened.extend([piece] if inside is None else _fill(inside, limit, indent + 1.0))
    return opened


def _fill(terms: list[str], limit: float, indent: float) -> list[str]:
    lines: list[str] = []
    for term in terms:
        room = limit if len(lines) <= 1 else limit - indent
        if lines and width(f"{lines[-1]} {term}") <= room:
            lines[-1] = f"{lines[-1]} {term}"
        else:
            lines.append(term)
    return lines


def split_terms(latex: str) -> list[str]:
    """The terms at the top level, each with the sign that joins it to the one before."""
    cuts = [0, *_joints(latex, 0, len(latex)), len(latex)]
    return [latex[start:end].strip() for start, end in pairwise(cuts)]


def _joints(latex: str, start: int, end: int) -> list[int]:
    """Where a binary + or - stands between `start` and `end`, outside all brackets there."""
    found: list[int] = []
    depth = 0
    for match in re.compile(r"\\left\b|\\right\b|\\begin\b|\\end\b|[{}]| [+-] ").finditer(latex, start, end):
        sign = match.group()
        if sign in (r"\left", r"\begin", "{"):
            depth += 1
        elif sign in (r"\right", r"\end", "}"):
            depth -= 1
        elif depth == 0:
            found.append(match.start() + 1)
    return found


def _open_widest_bracket(piece: str) -> list[str] | None:
    """The terms of a piece whose widest top-level bracket holds a sum; None if there is none."""
    best: tuple[float, int, int] | None = None
    depth = 0
    opening = 0
    braces = 0
    for match in re.finditer(r"\\left\(|\\right\)|\\begin\b|\\end\b|[{}]", piece):
        sign = match.group()
        if sign in ("{", r"\begin"):  # no line may end between the rows of cases
            braces += 1
        elif sign in ("}", r"\end"):
            braces -= 1
        elif braces:
            continue
        elif sign == r"\left(":
            depth += 1
            opening = match.start() if depth == 1 else opening
        else:
            depth -= 1
            inner = piece[opening + len(r"\left(") : match.start()]
            if depth == 0 and len(split_terms(inner)) > 1:
                candidate = (width(inner), opening, match.start())
                best = candidate if best is None or candidate > best else best
    if best is None:
        return None
    _, start, end = best
    inner = piece[start + len(r"\left(") : end]
    terms = split_terms(inner)
    size = ("Bigl", "Bigr") if re.search(r"\\frac|\\sum|\\prod", inner) else ("bigl", "bigr")
    terms[0] = rf"{piece[:start]}\{size[0]}( {terms[0]}"
    rest = piece[end + len(r"\right)") :].strip()
    terms[-1] = rf"{terms[-1]} \{size[1]}) {rest}".strip()
    return terms
