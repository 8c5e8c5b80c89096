"""What else a display claims in which the shapes of one equation do not fit.

Such a display is set aside, since nothing may be inferred from it. Its other equations, two sides at a time,
are read in the names of the rest of the document.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from symderiv.check.attempt import Attempt, offset_in
from symderiv.check.content import Claim, Misshapen
from symderiv.check.document import Block
from symderiv.expression.nodes import Expression
from symderiv.notation.errors import NotationError, ShapeError, Source
from symderiv.notation.tex import read_equations
from symderiv.notation.tex.equations import Equation, equations
from symderiv.notation.tex.inferred import Reading
from symderiv.notation.tex.reading import Chain
from symderiv.notation.tex.tokens import Token, tokenize, without_boxes


def beside(attempt: Attempt, reading: Reading) -> Iterator[Claim | Misshapen]:
    """The claims of the displays in which a shape does not fit, those that do not fit included."""
    document = attempt.document
    blocks = {block.number: block for block in document.blocks if block.kind == "display"}
    for wrong in attempt.misshapen:
        block = blocks.get(wrong.display)
        if block is None or time.monotonic() >= attempt.deadline:
            yield wrong
            continue
        count, found = 0, False
        for equation in _equations(attempt, block):
            if equation.continues:
                count += 1  # its left side stands in another display
            sides = equation.sides
            for left, right in pairwise(sides):
                count += 1
                if not left or not right:
                    continue
                if count == wrong.equality:
                    found = True
                    yield replace(wrong, left=_value(attempt, reading, block, left))
                    continue
                conditions = equation.conditions if right is sides[-1] else []
                claim = _claim(attempt, reading, block, Equation([left, right], conditions), count)
                if claim is not None:
                    yield claim
        if not found:
            yield wrong


def _equations(attempt: Attempt, block: Block) -> list[Equation]:
    source = Source(attempt.document.text[block.begin : block.end], attempt.document.path)
    try:
        return equations(source, without_boxes(tokenize(source, _macros(attempt))))
    except NotationError:
        return []


def _macros(attempt: Attempt) -> dict[str, str | None]:
    return {each.name: each.text for each in attempt.document.macros}


def _chain(attempt: Attempt, reading: Reading, text: str) -> Chain:
    _, chains = read_equations(
        text, reading.problem, infer=False, symbols=attempt.said.symbols, macros=_macros(attempt)
    )
    (chain,) = chains
    return chain


def _value(attempt: Attempt, reading: Reading, block: Block, side: list[Token]) -> Expression | None:
    text = attempt.document.text[block.begin + side[0].at : block.begin + side[-1].end]
    try:
        return _chain(attempt, reading, text).sides[0]
    except (NotationError, ValueError):
        return None


def _claim(
    attempt: Attempt, reading: Reading, block: Block, equation: Equation, equality: int
) -> Claim | Misshapen | None:
    """The claim that an equation of two sides makes; None where it is not understood by itself."""
    document = attempt.document
    left, right = equation.sides
    last = max(tokens[-1].end for tokens in (right, *equation.conditions))
    inside = document.text[block.begin : block.end]
    text = " " * left[0].at + inside[left[0].at : last]  # the places stay
    try:
        chain = _chain(attempt, reading, text)
    except ShapeError as error:
        if _value(attempt, reading, block, left) is None:
            return None  # what does not conform stands on the left: the sign before it is the wrong one
        place = block.begin + offset_in(text, error.line, error.column)
        if place < block.begin + right[0].at:
            return None  # the left side does not fit: that is told at the sign before it
        return Misshapen(document.error(place, error.message), block.number, equality)
    except (NotationError, ValueError):
        return None
    if len(chain.sides) != 2:
        return None
    sign = document.text.rfind("=", 0, block.begin + right[0].at)
    end = block.begin + right[-1].end
    return Claim(
        document.place(sign), block.number, equality, chain.sides[0], chain.sides[1], chain.conditions,
        (chain.written[0], chain.written[1]), -block.number, chain.notes, reading.problem, sign,
        first=chain.sides[0], last=chain.sides[1],
        span=(block.begin + left[0].at, end), end=document.place(end),
    )  # fmt: skip
