"""From a document to its problem and its claims: everything is read together, as one text.

The formulas of a document share their names, so they are read in one go: everything between them is blanked
out and each display ends a line. A display that is not understood is set aside, with the reason, and
the others are read again without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symderiv.check.declared import Said, said_by
from symderiv.check.directives import directives_of
from symderiv.check.document import Block, Document, Place
from symderiv.expression.nodes import Compare, Expression
from symderiv.notation.errors import NotationError
from symderiv.notation.reader import parse_equation
from symderiv.notation.tex.inferred import Reading, read_document
from symderiv.notation.tex.reading import Chain
from symderiv.problem import Assumption, Problem

_EQUALS = re.compile(r"=|\\equiv")
#: What stands on the right in a formula that only gives a letter a value or compares two letters.
_ATOMIC = re.compile(r"\\?[A-Za-z]+|[-+]?[0-9.,]+|\\?\{.*|\(.*,.*\)|")


@dataclass(frozen=True)
class Claim:
    """One ``=`` that is claimed.

    Attributes
    ----------
    place
        Where the right side begins in the document.
    display, equality
        Which display of the document, and which claimed ``=`` of it, both counted from 1.
    left, right
        Both sides.
    conditions
        Where the chain is claimed only.
    written
        Both sides as they stand in the source.
    chain
        Counts the chains of the document: the claims of one chain have one number.
    notes
        How the chain was read where another reading is possible.
    """

    place: Place
    display: int
    equality: int
    left: Expression
    right: Expression
    conditions: tuple[Compare, ...]
    written: tuple[str, str]
    chain: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unreadable:
    """A display or a directive that is not understood."""

    error: NotationError
    display: int = 0


@dataclass(frozen=True)
class Content:
    """What a document says."""

    document: Document
    problem: Problem
    claims: tuple[Claim, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def read(document: Document, assume: Sequence[str] = ()) -> Content:
    """Read everything that a document says; what is not understood is part of the result.

    Parameters
    ----------
    document
        What to read.
    assume
        Assumptions beside those of the document, in text notation.

    Raises
    ------
    NotationError
        If one of `assume` is not understood (what the document says never raises).
    """
    unreadable: list[Unreadable] = []
    directives, errors = directives_of(document)
    unreadable += [Unreadable(error) for error in errors]
    said, errors = said_by(document, directives)
    unreadable += [Unreadable(error) for error in errors]
    blocks = list(_mathematics(document, said))
    for block in blocks:
        if block.fault:
            unreadable.append(Unreadable(document.error(block.begin, block.fault), block.number))
    reading, blocks = _readable(document, said, [block for block in blocks if not block.fault], unreadable)
    if reading is None:
        return Content(document, Problem(document.path), (), tuple(unreadable))
    assumptions = [Assumption(*parse_equation(each, reading.problem, "--assume")) for each in assume]
    for each in said.assumptions:
        try:
            left, right = parse_equation(each.text, reading.problem)
            assumptions.append(Assumption(left, right))
        except NotationError as error:
            unreadable.append(Unreadable(document.error(each.begin + error.column - 1, error.message)))
    claims = _claims(document, said, blocks, reading)
    return Content(document, reading.problem, tuple(claims), tuple(unreadable), tuple(assumptions))


def _readable(
    document: Document, said: Said, blocks: list[Block], unreadable: list[Unreadable]
) -> tuple[Reading | None, list[Block]]:
    """Read the displays together; one that is not understood is set aside and the others read again."""
    macros = {each.name: None if each.arguments else each.body for each in document.macros}
    while blocks:
        text = _joined(document, said, blocks)
        try:
            return read_document(
                text, said.problem(document.path), said.symbols, macros, document.path
            ), blocks
        except NotationError as found:
            error = found
        offset = _offset(text, error) - len(said.prefix)
        if offset < 0:
            let = said.let_at(offset + len(said.prefix))
            unreadable.append(Unreadable(document.error(let[1], error.message)))
            said.lets.remove(let)
            continue
        block = _block_at(blocks, offset)
        if block.kind == "display":
            unreadable.append(Unreadable(document.error(offset, error.message), block.number))
        blocks = [each for each in blocks if each is not block]
    return None, []


def _mathematics(document: Document, said: Said) -> Iterator[Block]:
    """The blocks that are read: displays with an equals sign, and such formulas in lines that say something.

    In a line, ``$i = j$`` or ``$K = 3$`` is a part of a sentence, no claim and no definition.
    """
    for block in document.blocks:
        text = document.text[block.begin : block.end]
        if block.kind == "display" and said.roles.get(block.number) != "ignore" and _EQUALS.search(text):
            yield block
        elif block.kind == "inline" and _EQUALS.search(text):
            right = text.rpartition("=")[2].strip()
            if not _ATOMIC.fullmatch(right) and not text.lstrip().startswith("="):
                yield block


def _joined(document: Document, said: Said, blocks: list[Block]) -> str:
    """The directives' definitions, then the displays at their places (shifted by these), a line each."""
    letters = list(document.masked(tuple(blocks)))
    for block in blocks:
        # The closing sign is two characters, or a line end follows: room for the end of a line.
        letters[block.end : block.end + 2] = "\\\\"
    return said.prefix + "".join(letters)


def _offset(text: str, error: NotationError) -> int:
    start = 0
    for _ in range(error.line - 1):
        start = text.find("\n", start) + 1
    return start + error.column - 1


def _block_at(blocks: list[Block], offset: int) -> Block:
    return max(
        (block for block in blocks if block.begin <= offset), key=lambda block: block.begin, default=blocks[0]
    )


def _claims(document: Document, said: Said, blocks: list[Block], reading: Reading) -> list[Claim]:
    found: list[Claim] = []
    counts: dict[int, int] = {}
    text = _joined(document, said, blocks)
    starts = _line_starts(text)

    def offset(position: tuple[int, int]) -> int:
        return starts[position[0] - 1] + position[1] - 1 - len(said.prefix)

    def add(chain: Chain, number: int, first: int, conditions: tuple[Compare, ...]) -> None:
        for place in range(first, len(chain.sides) - 1):
            where = offset(chain.positions[place + 1])
            if where < 0:
                continue
            block = _block_at(blocks, where)
            display = block.number
            if said.roles.get(display) == "definition":
                continue
            counts[display] = counts.get(display, 0) + 1
            written = chain.written[place : place + 2] or ("", "")
            sign = document.place(_sign_before(document.text, where))
            found.append(
                Claim(
                    sign, display, counts[display], chain.sides[place],
                    chain.sides[place + 1], conditions, (written[0], written[1]), number, chain.notes,
                )
            )  # fmt: skip

    for number, (chain, leading) in enumerate(zip(reading.chains, reading.leading, strict=True)):
        add(chain, number, leading, chain.conditions)
        for inner in chain.inner:
            add(inner, number, 0, (*chain.conditions, *inner.conditions))
    return found


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _sign_before(text: str, offset: int) -> int:
    """The equals sign before a right side; the right side itself where there is none near it."""
    place = text.rfind("=", max(0, offset - 60), offset)
    return place if place >= 0 else offset
