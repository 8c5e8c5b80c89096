"""Reads the displays of a document together; what is not understood is set aside and the rest read again."""

from __future__ import annotations

import math
import re
import time
from bisect import bisect_right
from dataclasses import dataclass, field

from symderiv.check.content import Misshapen, Unreadable
from symderiv.check.declared import Said
from symderiv.check.document import Block, Document
from symderiv.check.limits import MOST_IN_LINES, SECONDS_PER_READING, OutOfTimeError, time_limit
from symderiv.check.prose import series
from symderiv.expression.nodes import Entry, Index
from symderiv.notation.dependence import functions_of_names
from symderiv.notation.errors import NotationError, ShapeError, Source
from symderiv.notation.tex.inferred import Reading, read_document, read_equations
from symderiv.notation.tex.spelled import spelled_name
from symderiv.notation.tex.tokens import DISPLAY_END, closes, opens, tokenize
from symderiv.problem import Problem, names_in

#: Signs of a derivative: a display with one on its left side claims something.
_DERIVATIVES = ("\\partial", "\\nabla", "\\frac{d", "\\dfrac{d", "\\pdv")


#: What stands on the right in a formula that only gives a letter a value or compares two letters.
_ATOMIC = re.compile(r"\\?[A-Za-z]+|[-+]?[0-9.,]+|\\\{.*|\{[^{}]*,.*|\(.*,.*\)|")
#: A left side that may be a new name: no bracket, no operator, no derivative.
_NAME = re.compile(r"\s*\\?[A-Za-z]+[^()+*/=]*")
#: What a function is called with, after its name.
_ARGUMENTS = re.compile(r"\([A-Za-z\\_^{},;|() ]*\)\s*$")
#: Definitions in lines that are tried together, at most.
_MOST_AT_ONCE = 8
#: The error that a letter stands for two axes.
_LETTER = re.compile(r"(\w+) ranges over ")
#: A letter alone below the line of a derivative.
_DIFFERENTIATED_BY = re.compile(r"\{\s*\\partial\s*(\\?[A-Za-z]+)\s*\}(?!\s*\{)")
#: Claims that a directive which is not understood may be for, at most.
_MOST_BLAMED = 6
_DOTS = re.compile(r"\\[lc]?dots")
#: The entries of a diagonal, which may be listed with dots.
_DIAGONAL = re.compile(r"[dD]iag\W{0,3}\([^()]*\)")


def says_something(text: str) -> bool:
    """Whether a formula in a line claims or defines something; ``$i = j$`` and ``$K = 3$`` do not."""
    left, sign, _ = text.partition("=")
    right = text.rpartition("=")[2].strip()
    return bool(sign) and bool(left.strip()) and not _ATOMIC.fullmatch(right)


@dataclass
class Attempt:
    """The reading of one document, and what became of the displays that could not be read.

    Attributes
    ----------
    document, said
        The document and its directives.
    blocks
        The displays and formulas that are read; those that are set aside leave the list.
    unreadable, misshapen
        What was set aside, and why.
    layouts
        For a display and an equality that fit only so, the vector that has to be a row.
    deadline
        When to stop, on the clock of :func:`time.monotonic`: what is not read by then is unreadable.
    """

    document: Document
    said: Said
    blocks: list[Block]
    unreadable: list[Unreadable] = field(default_factory=list)
    misshapen: list[Misshapen] = field(default_factory=list)
    layouts: dict[tuple[int, int], str] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)
    deadline: float = math.inf
    _faults: list[NotationError] = field(default_factory=list)
    _text: tuple[tuple[Block, ...], str, str, list[int]] | None = None

    def run(self) -> Reading | None:
        """The reading of all that can be read, or None where nothing can."""
        self.rows |= self.said.row
        self._set_unreadable_signs_aside()
        reading = self._with_lines_at_once() or self._all_that_can_be_read()
        if reading is not None:
            reading = self._with_inputs_defined(reading)
        if reading is not None:
            reading = self._with_definitions_in_lines(reading)
        # What a line defines is no function that nothing is known of: the lines come first.
        if reading is not None and self._finds_upstream(reading):
            reading = self._all_that_can_be_read()
        return reading

    def _set_unreadable_signs_aside(self) -> None:
        """Set displays aside whose signs cannot be read: for these no other display need be read."""
        macros = self._macros()
        for block in self.blocks[:]:
            source = Source(self.document.text[block.begin : block.end], self.document.path)
            try:
                tokenize(source, macros)
            except NotationError as error:
                place = block.begin + offset_in(source.text, error.line, error.column)
                self._set_aside(block, place, error.message)

    def _set_aside(self, block: Block, place: int, message: str) -> None:
        if block.kind == "display":
            self.unreadable.append(Unreadable(self.document.error(place, message), block.number))
        self.blocks = [each for each in self.blocks if each is not block]

    def _gives_up(self) -> bool:
        """Whether the time is up; whatever is left is unreadable then."""
        if time.monotonic() < self.deadline:
            return False
        told = f"not read within {SECONDS_PER_READING:g} seconds with the rest: split the document"
        for block in self.blocks[:]:
            self._set_aside(block, block.begin, told)
        return True

    def _with_inputs_defined(self, reading: Reading) -> Reading:
        """The reading in which a declared input that an equation gives a value is what it says."""
        declared = {each.name: each for each in self.said.inputs if each.label_of is None}
        given = {
            left.array
            for chain, leading in zip(reading.chains, reading.leading, strict=True)
            if not leading and not chain.continues and not chain.conditions and len(chain.sides) > 1
            and isinstance(left := chain.sides[0], Entry) and left.array in declared
            and len(set(left.indices)) == len(left.indices)
            and all(isinstance(index, Index) for index in left.indices)
            and left.array not in names_in(chain.sides[1])
        }  # fmt: skip
        if not given:
            return reading
        before = self.said.inputs
        self.said.inputs = [each for each in before if each.name not in given]
        try:
            return self._read()
        except NotationError:
            self.said.inputs = before
            return reading

    def _finds_upstream(self, reading: Reading) -> bool:
        """Whether a number that nothing defines is differentiated: then it is any function of a name."""
        found = functions_of_names(
            reading.problem, (side for chain in reading.chains for side in chain.sides)
        )
        self.said.upstream += found
        return bool(found)

    def _definitions_in_lines(self, functions: bool = False) -> list[Block]:
        """The formulas in lines that may define something, but for those that are read already."""
        found = []
        for block in self.document.blocks:
            text = self.document.text[block.begin : block.end]
            if block.kind != "inline" or any(block is each for each in self.blocks):
                continue
            dots = _DOTS.search(_DIAGONAL.sub("", text)) and not series(text)
            left = text.partition("=")[0]
            left = _ARGUMENTS.sub("", left) if functions else left
            if says_something(text) and _NAME.fullmatch(left) and not dots:
                found.append(block)
        return found[:MOST_IN_LINES]

    def _with_lines_at_once(self) -> Reading | None:
        r"""The reading of all displays with those lines that they cannot be read without; None for no such.

        In ``J = \sum_i h(x_i)`` the h may be anything until a sentence says ``$h(x) = w^T x$``.
        """
        displays = self.blocks
        lines = self._definitions_in_lines(functions=True)
        if not lines or not displays or len(lines) > _MOST_AT_ONCE:
            return None
        for chosen in ([], lines):
            self.blocks = sorted([*displays, *chosen], key=lambda each: each.begin)
            try:
                reading = self._read()
            except NotationError:
                continue
            if not chosen:
                return reading
            for line in lines:  # what they can be read without waits until it is asked what it is needed for
                before = self.blocks
                self.blocks = [each for each in before if each is not line]
                try:
                    reading = self._read()
                except NotationError:
                    self.blocks = before
            return reading
        self.blocks = displays
        return None

    def _with_definitions_in_lines(self, reading: Reading) -> Reading:
        """The reading with those definitions in lines that the displays need and can be read with."""
        for block in self._definitions_in_lines():
            if time.monotonic() >= self.deadline:
                break
            before = self.blocks
            self.blocks = sorted([*before, block], key=lambda each: each.begin)
            try:
                more = self._read()
            except NotationError:
                self.blocks = before
                continue
            new = {each.name for each in more.problem.definitions}
            new -= {each.name for each in reading.problem.definitions}
            if any(reading.problem.input(name) is not None for name in new):
                reading = more
            else:
                self.blocks = before
        return reading

    def _all_that_can_be_read(self) -> Reading | None:
        while self.blocks and not self._gives_up():
            try:
                return self._read()
            except NotationError as found:
                error = found
            if self._gives_up():
                break
            if self._forgets_a_letter(error):
                continue
            offset = self.offset(error.line, error.column)
            if offset < 0 and self._finds_misshapen_claim():
                continue
            if offset < 0:
                let = self.said.let_at(offset + len(self.said.prefix))
                self.unreadable.append(Unreadable(self.document.error(let[1], error.message)))
                self.said.lets.remove(let)
                continue
            block = self.block_at(offset)
            if isinstance(error, ShapeError) and self._claims(block):
                self._misshapen(block, offset, error)
                continue
            places = [(self.offset(each.line, each.column), each) for each in self._faults[1:]]
            others = [(self.block_at(place), place, each) for place, each in places if place >= 0]
            self._set_aside(block, offset, error.message)
            for other, place, each in others:
                apart = not isinstance(each, ShapeError) and _LETTER.match(each.message) is None
                if apart and any(other is one for one in self.blocks):
                    self._set_aside(other, place, each.message)
        return None

    def _read(self) -> Reading:
        self._faults = []
        left = min(SECONDS_PER_READING, max(0.05, self.deadline - time.monotonic()))
        try:
            with time_limit(left):
                return read_document(
                    self.text(), self.said.problem(self.document.path), self.said.symbols, self._macros(),
                    self.document.path, self.rows, self._faults, self.said.einstein,
                    self.said.wide,
                )  # fmt: skip
        except OutOfTimeError:
            self.deadline = -math.inf
            raise NotationError("the time is up", self.document.path, 1, 1, "") from None

    def _macros(self) -> dict[str, str | None]:
        return {each.name: each.text for each in self.document.macros}

    def _forgets_a_letter(self, error: NotationError) -> bool:
        """Whether a declared letter stands for another axis here: then its declaration is only a habit."""
        match = _LETTER.match(error.message)
        kept = [letter for letter in self.said.letters if match is None or letter.name != match[1]]
        forgotten = len(kept) < len(self.said.letters)
        self.said.letters = kept
        return forgotten

    def _claims(self, block: Block) -> bool:
        """Whether a display claims something, rather than defining a name."""
        left = self.document.text[block.begin : block.end].partition("=")[0]
        return any(sign in left for sign in _DERIVATIVES) or not left.strip()

    def _misshapen(self, block: Block, offset: int, error: NotationError) -> None:
        """Shapes that do not fit: with a vector as a row they may; otherwise the claim is false."""
        equality = self._equality(block, offset)
        before = self.blocks
        self.blocks = [each for each in before if each is not block]
        try:
            rest = self._read().problem if self.blocks or self.said.lets else None
        except NotationError:
            rest = None
        self.blocks = before
        others = rest if rest is not None else self.said.problem(self.document.path)
        unknown = self._differentiated_by_unknown(block, others)
        if unknown:
            told = f"nothing says what {unknown} is, by which this is differentiated: define or declare it"
            self._set_aside(block, offset, told)
            return
        for name in self._vectors(rest) if rest is not None else ():
            self.rows.add(name)
            try:
                self._read()
            except NotationError:
                self.rows.remove(name)
            else:
                self.layouts[block.number, equality] = name
                return
        self.misshapen.append(Misshapen(self.document.error(offset, error.message), block.number, equality))
        self.blocks = [each for each in before if each is not block]

    def _finds_misshapen_claim(self) -> bool:
        """Whether a directive is not understood for one claim alone, whose shapes do not fit: that is false.

        What a directive defines has the shape that it says; a claim is read again with what all others say.
        """
        before = self.blocks
        for block in [each for each in before if self._claims(each)][:_MOST_BLAMED]:
            self.blocks = [each for each in before if each is not block]
            text = self.document.text[block.begin : block.end]
            try:
                problem = self._read().problem
            except NotationError:
                continue
            try:
                read_equations(text, problem, infer=False, symbols=self.said.symbols)
            except ShapeError as error:
                place = block.begin + offset_in(text, error.line, error.column)
                number = self._equality(block, place)
                self.misshapen.append(
                    Misshapen(self.document.error(place, error.message), block.number, number)
                )
                return True
            except NotationError:
                continue
        self.blocks = before
        return False

    def _differentiated_by_unknown(self, block: Block, rest: Problem) -> str:
        """A bare name that a display differentiates by and nothing else speaks of: it has no shape."""
        told = {each.name for each in rest.inputs} | {each.name for each in rest.definitions}
        for match in _DIFFERENTIATED_BY.finditer(self.document.text[block.begin : block.end]):
            name = spelled_name(match[1])
            if name not in told:
                return name
        return ""

    def _vectors(self, problem: Problem) -> list[str]:
        """The arrays with one axis that do not stand as rows yet."""
        names = [each.name for each in problem.definitions] + [each.name for each in problem.inputs]
        return [name for name in names if len(problem.axes_of(name)) == 1 and name not in self.rows]

    def _equality(self, block: Block, offset: int) -> int:
        """Which equals sign of a display stands before the side at `offset`; the first for its left side."""
        source = Source(self.document.text[block.begin : block.end], self.document.path)
        depth = count = 0
        for token in tokenize(source, {each.name: each.text for each in self.document.macros}):
            depth += opens(token) - closes(token)
            if depth == 0 and token.kind == "rel" and token.text == "=" and token.at < offset - block.begin:
                count += 1
        return max(1, count)

    def text(self) -> str:
        """The directives' definitions, then the displays at their places (shifted by these), a line each."""
        return self._joined()[0]

    def _joined(self) -> tuple[str, list[int]]:
        """The text, and where its lines begin: made once for each choice of displays and definitions."""
        blocks, prefix = tuple(self.blocks), self.said.prefix
        if self._text is not None and self._text[:2] == (blocks, prefix):
            return self._text[2:]
        letters = list(self.document.masked(blocks))
        for block in blocks:
            written = self.document.text[block.begin : block.end]
            if block.number in self.said.lefts:
                self._write_left(letters, block)
            letters[block.begin : block.end] = series(written) or written
            # The closing sign is two characters, or a line end follows: room for the end of a line.
            letters[block.end : block.end + 2] = DISPLAY_END
        text = prefix + "".join(letters)
        starts = [0, *(place + 1 for place, letter in enumerate(text) if letter == "\n")]
        self._text = (blocks, prefix, text, starts)
        return text, starts

    def _write_left(self, letters: list[str], block: Block) -> None:
        """The left side that a directive gives a display, in the blank before the display."""
        left = f"{self.said.lefts[block.number][1]} ="
        begin = max((each.end + 2 for each in self.blocks if each.end < block.begin), default=0)
        room = [place for place in range(begin, block.begin) if letters[place] == " "]
        if len(room) >= len(left):
            for place in room[: len(left)]:
                letters[place] = ""
            letters[room[0]] = left

    def offset(self, line: int, column: int) -> int:
        """Where a line and a column of the text stand in the document; negative within a directive."""
        return self._joined()[1][line - 1] + column - 1 - len(self.said.prefix)

    def block_at(self, offset: int) -> Block:
        """The display or formula at an offset of the document."""
        place = bisect_right(self.blocks, offset, key=lambda block: block.begin)
        return self.blocks[max(0, place - 1)]


def offset_in(text: str, line: int, column: int) -> int:
    """The offset of a line and a column of a text, both counted from 1."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1
