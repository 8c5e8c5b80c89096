"""Formulas as they are typed: definitions and claims together, with what is declared about their names.

Where the reader of problem files refuses a name that nobody declared, a formula may use it: what it
is follows from how it is used. A first equation for a new name, ``p[i] = ...``, defines it; every
other equation is a claim. Statements are separated by ``;`` or stand on lines of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lark import Token

from symderiv.expression.nodes import Compare, Entry, Expression, Index
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.expression_parser import Builder
from symderiv.notation.lines import TEXT_KEYWORDS, Line, line_at
from symderiv.notation.names import ErrorAt, Names
from symderiv.notation.reader import ProblemReader
from symderiv.notation.syntax import MAX_TEXT, Node, parse, start_of
from symderiv.notation.undeclared import Undeclared, Use, names_in_tree, note, settle
from symderiv.problem import Problem

#: Lines that say something of names, and declare none.
_SAYING = (*TEXT_KEYWORDS, "assume", "expect", "derive", "batch", "loss")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*", re.ASCII)


@dataclass(frozen=True)
class Piece:
    """Something typed: `text`, what it is for (a word such as ``--let``), and the keyword it stands for.

    A piece without a keyword holds statements; `defines` says that each must be a definition.
    """

    text: str
    path: str
    keyword: str = ""
    defines: bool = False


@dataclass(frozen=True)
class Sheet(Source):
    """Several pieces as one source; an error is told at its place in the piece that it stands in."""

    pieces: tuple[tuple[int, Source], ...] = ()

    def error(self, offset: int, message: str) -> NotationError:
        """The error `message` at an offset of the whole, told at its place in the piece."""
        begin, piece = next(
            (each for each in reversed(self.pieces) if each[0] <= offset), (0, Source(self.text, self.path))
        )
        return piece.error(offset - begin, message)


@dataclass(frozen=True)
class Statement:
    """A chain ``a = b = c`` of values, or a lone one.

    Attributes
    ----------
    sides
        The values; where the chain begins with a definition, its left side is the first.
    written
        Each side as it was typed.
    defines
        The name that the first ``=`` defines; empty if it defines none, and is a claim.
    conditions
        Where the chain is claimed, if not everywhere.
    path
        Which piece it stands in.
    """

    sides: tuple[Expression, ...]
    written: tuple[str, ...]
    defines: str = ""
    conditions: tuple[Compare, ...] = ()
    path: str = "formula"

    def claims(self) -> tuple[tuple[int, int], ...]:
        """The numbers of the sides of each ``=`` that claims something."""
        first = 1 if self.defines else 0
        return tuple((place, place + 1) for place in range(first, len(self.sides) - 1))


def read_pieces(
    pieces: Sequence[Piece], base: Problem | None = None, name: str = "formula"
) -> tuple[Problem, tuple[Statement, ...]]:
    """Read declarations and statements in text notation, in the names of `base` and in new ones.

    Returns
    -------
    problem, statements
        `base` with everything that was declared, inferred and defined; and the statements of the pieces
        without a keyword, in order.

    Raises
    ------
    NotationError
        At the first thing that is not understood: with its line, its column and a caret.
    """
    offset = 0
    placed = []
    for piece in pieces:
        placed.append((offset, Source(piece.text, piece.path)))
        offset += len(piece.text) + 1
    sheet = Sheet("\n".join(piece.text for piece in pieces), name, tuple(placed))
    if len(sheet.text) > MAX_TEXT:
        raise sheet.error(0, f"this text has more than {MAX_TEXT} characters: split it")
    return _FormulaReader(sheet, base or Problem(name)).read_formulas(pieces)


@dataclass
class _Written:
    """A statement's syntax: its line, and where each side begins in it."""

    line: Line
    sides: list[tuple[int, str, str]]
    trees: list[Node]
    defines: str
    path: str


class _FormulaReader(ProblemReader):
    """Reads statements after declarations; undeclared names are inferred."""

    def __init__(self, sheet: Sheet, base: Problem) -> None:
        super().__init__(sheet, base.name)
        self.sheet = sheet
        self.base = base
        self.names = self.said.names = Names.of_problem(base)
        self.written: list[_Written] = []
        self.declared: set[str] = set()
        self.found = Undeclared({}, {}, ())

    def read_formulas(self, pieces: Sequence[Piece]) -> tuple[Problem, tuple[Statement, ...]]:
        """The problem and the statements of some pieces."""
        lines: list[Line] = []
        statements: list[tuple[Line, Piece]] = []
        for piece, (begin, _) in zip(pieces, self.sheet.pieces, strict=True):
            if not piece.text.strip():
                raise self.source.error(begin, "expected something here, found nothing")
            if piece.keyword:
                lines.append(Line(piece.keyword, begin, piece.text, begin))
                continue
            for start, text in statements_in(piece.text):
                line = line_at(self.source, begin + start, text)
                if line.keyword:
                    lines.append(line)
                else:
                    statements.append((line, piece))
        for line in lines:
            if line.keyword not in _SAYING:
                self.declared.update(_NAME.findall(line.text))
        for line, piece in statements:
            lines += self._statement(line, piece)
        problem = self._with_base(self.read_lines(lines))
        return problem, tuple(self._built(each, problem) for each in self.written)

    def _with_base(self, problem: Problem) -> Problem:
        """Everything that the base says and that was read."""
        base = self.base
        declared = {letter.name for letter in (*base.letters, *problem.letters)}
        letters = [
            Index(name, self.names.letter_axis(name) or "")
            for name in self.found.letters
            if name not in declared
        ]
        return replace(
            problem,
            title=problem.title or base.title,
            about=problem.about or base.about,
            source=problem.source or base.source,
            letters=(*base.letters, *problem.letters, *letters),
            definitions=(*base.definitions, *problem.definitions),
            assumptions=(*base.assumptions, *problem.assumptions),
            expectations=(*base.expectations, *problem.expectations),
            batched=(*base.batched, *problem.batched),
            loss=base.loss or problem.loss,
        )

    def check_defined(self) -> None:
        """A formula need not define anything."""

    def _statement(self, line: Line, piece: Piece) -> list[Line]:
        """Parse a statement; its first equation is a line of its own if that is a definition."""
        sides = _sides(line.text)
        for start, text, _ in sides:
            if not text.strip():
                raise self.source.error(
                    line.begin + start, "expected a value on this side of the equals sign, found nothing"
                )
        trees = [parse(self.source, "expression", line.begin + start, text) for start, text, _ in sides]
        defines = self._defines(trees) if len(sides) > 1 and sides[1][2] == "=" else ""
        if piece.defines and not defines:
            raise self.source.error(
                line.begin,
                "expected a definition of a new name, such as p[i] = exp(z[i]) / sum(k, exp(z[k]))",
            )
        self.written.append(_Written(line, sides, trees, defines, piece.path))
        if not defines:
            return []
        self.declared.add(defines)
        start, text, _ = sides[1]
        return [Line("", line.begin, line.text[: start + len(text)], line.head)]

    def _defines(self, trees: list[Node]) -> str:
        """The name that the first equation of a statement defines, or nothing."""
        left, right = trees[:2]
        if left.data not in ("name", "entry"):
            return ""
        name = str(left.children[0])
        letters = [
            str(part.children[0])
            for part in left.children[1:]
            if not isinstance(part, Token) and part is not None and part.data == "name"
        ]
        distinct = len(set(letters)) == len(letters) == len(left.children) - 1
        known = name in self.declared or self.names.kind(name)
        own = name in names_in_tree(right)
        return "" if known or own or not distinct else name

    def infer(self, later: list[tuple[Line, Node]]) -> None:
        """Find the axis of every letter, and what the names are that nobody declared."""
        uses = [Use(left.body, frozenset(map(str, left.letters))) for left in self.lefts]
        uses += [Use(tree) for _, tree in later]
        uses += [Use(tree) for each in self.written for tree in each.trees]
        self.found = found = note(self.names, uses)
        super().infer(later)
        for each in self.written:
            for (start, _, _), tree in zip(each.sides, each.trees, strict=True):
                self.names.infer(tree, self._error_at(each.line.begin + start))
        settle(self.names, uses, found)

    def _error_at(self, begin: int) -> ErrorAt:
        return lambda where, message: self.source.error(begin + start_of(where), message)

    def _built(self, each: _Written, problem: Problem) -> Statement:
        """The values of a statement's sides."""
        sides: list[Expression] = []
        written = tuple(text.strip() for _, text, _ in each.sides)
        first = 0
        if each.defines:
            definition = problem.definition(each.defines)
            assert definition is not None
            sides += [Entry(definition.name, definition.indices), definition.body]
            first = 2
        free: set[str] = set()
        for (start, _, _), tree in list(zip(each.sides, each.trees, strict=True))[first:]:
            builder = Builder(self.names, self.source, each.line.begin + start)
            builder.free |= free
            sides.append(builder.whole(tree))
            builder.finish()
            free |= builder.free
        return Statement(tuple(sides), written, each.defines, (), each.path)


def statements_in(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a text, each with its offset: divided by ``;`` or by a new line.

    Inside brackets nothing is divided. A line that is indented, or begins with ``=``, goes on with the
    one before it.
    """
    begin = depth = 0
    comment = False
    for place, letter in enumerate(text):
        words = text[begin:place].lstrip().startswith(TEXT_KEYWORDS)
        if letter == "\n":
            comment = False
            follows = text[place + 1 :].split("\n", 1)[0]
            goes_on = bool(follows.strip()) and (follows[0].isspace() or follows.lstrip().startswith("="))
            if (depth > 0 and not words) or (goes_on and text[begin:place].strip()):
                continue
        elif comment:
            continue
        elif letter == "#" and not words:
            comment = True
            continue
        elif letter != ";" or depth > 0 or words:
            depth += (letter in "([") - (letter in ")]")
            continue
        if _says_something(text[begin:place]):
            yield begin, text[begin:place]
        begin, depth = place + 1, 0
    if _says_something(text[begin:]):
        yield begin, text[begin:]


def _says_something(text: str) -> bool:
    return any(line.split("#", 1)[0].strip() for line in text.split("\n"))


def _sides(text: str) -> list[tuple[int, str, str]]:
    """The sides of a chain: offset, text, and the sign before each (nothing before the first)."""
    sides: list[tuple[int, str, str]] = []
    begin = depth = 0
    sign = ""
    place = 0
    while place < len(text):
        letter = text[place]
        depth += (letter in "([") - (letter in ")]")
        if letter != "=" or depth > 0 or text[place - 1 : place] in ("<", ">", "!"):
            place += 1
            continue
        sides.append((begin, text[begin:place], sign))
        sign = "==" if text[place + 1 : place + 2] == "=" else "="
        place += len(sign)
        begin = place
    sides.append((begin, text[begin:], sign))
    return sides
