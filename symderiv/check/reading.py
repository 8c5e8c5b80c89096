"""From a document to its problem and its claims: everything is read together, as one text.

The formulas of a document share their names, so they are read in one go: everything between them is blanked
out and each display ends a line. A display that is not understood is set aside, with the reason, and
the others are read again without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from symderiv.check.attempt import Attempt
from symderiv.check.content import Claim, Content, Unreadable
from symderiv.check.declared import Said, said_by
from symderiv.check.directives import directives_of
from symderiv.check.document import Block, Document
from symderiv.expression.nodes import Compare
from symderiv.notation.errors import NotationError
from symderiv.notation.reader import parse_equation
from symderiv.notation.tex.inferred import Reading
from symderiv.notation.tex.reading import Chain
from symderiv.problem import Assumption, Problem

_EQUALS = re.compile(r"=|\\equiv")
#: What stands on the right in a formula that only gives a letter a value or compares two letters.
_ATOMIC = re.compile(r"\\?[A-Za-z]+|[-+]?[0-9.,]+|\\?\{.*|\(.*,.*\)|")


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
    attempt = Attempt(document, said, [block for block in blocks if not block.fault])
    reading = attempt.run()
    unreadable += attempt.unreadable
    if reading is None:
        return Content(document, Problem(document.path), (), tuple(unreadable), (), tuple(attempt.misshapen))
    assumptions = [Assumption(*parse_equation(each, reading.problem, "--assume")) for each in assume]
    for each in said.assumptions:
        try:
            left, right = parse_equation(each.text, reading.problem)
            assumptions.append(Assumption(left, right))
        except NotationError as error:
            unreadable.append(Unreadable(document.error(each.begin + error.column - 1, error.message)))
    claims = _claims(attempt, reading)
    return Content(
        document, reading.problem, tuple(claims), tuple(unreadable), tuple(assumptions),
        tuple(attempt.misshapen), said.einstein, attempt.layouts,
    )  # fmt: skip


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


def _claims(attempt: Attempt, reading: Reading) -> list[Claim]:
    document = attempt.document
    found: list[Claim] = []
    counts: dict[int, int] = {}

    def add(chain: Chain, number: int, first: int, conditions: tuple[Compare, ...]) -> None:
        for place in range(first, len(chain.sides) - 1):
            where = attempt.offset(*chain.positions[place + 1])
            if where < 0:
                continue
            display = attempt.block_at(where).number
            if attempt.said.roles.get(display) == "definition":
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


def _sign_before(text: str, offset: int) -> int:
    """The equals sign before a right side; the right side itself where there is none near it."""
    place = text.rfind("=", max(0, offset - 60), offset)
    return place if place >= 0 else offset
