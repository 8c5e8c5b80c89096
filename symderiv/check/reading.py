"""From a document to its problem and its claims: everything is read together, as one text.

The formulas of a document share their names, so they are read in one go: everything between them is blanked
out and each display ends a line. A display that is not understood is set aside, with the reason, and
the others are read again without it.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from symderiv.check.attempt import Attempt, offset_in, says_something
from symderiv.check.beside import beside
from symderiv.check.content import Anew, Claim, Content, Remark, Unreadable
from symderiv.check.declared import Said, said_by
from symderiv.check.directives import directives_of
from symderiv.check.document import Block, Document
from symderiv.check.limits import MAX_ANEW, MAX_CONDITIONS, MAX_DISPLAYS, SECONDS_PER_READING
from symderiv.check.other_names import with_one_name
from symderiv.check.prose import condition_before, sums_repeated_indices
from symderiv.check.unmarked import HINT, unmarked_formula
from symderiv.expression.nodes import Compare, Derivative, Entry, Expression, Where
from symderiv.expression.traverse import has_derivative, walk
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.reader import parse_assumption, parse_expression
from symderiv.notation.tex import read_equations
from symderiv.notation.tex.guesses import LAST_OF_CASES
from symderiv.notation.tex.inferred import Reading
from symderiv.notation.tex.reading import Chain
from symderiv.problem import Assumption, Problem, unfold
from symderiv.proof import prove

_EQUALS = re.compile(r"=|\\(?:equiv|triangleq|coloneqq|doteq)\b")
#: Guesses about what is printed in the wrong place, or what a declaration should settle.
_MISPRINT = re.compile(
    r"is read as e\^|the power is read as one of the entry|it may be the size of several axes"
)
#: Signs that say something else than that two values are equal.
_PASSED_OVER = re.compile(r"\\approx\b|≈|\\propto\b|∝|\\sim\b|∼")
#: A name for where something is largest or smallest: no formula that has a value here.
_PLACE_OF_EXTREME = re.compile(
    r"=\s*\\(?:arg\s*(?:\\[,;!]\s*)?\\?(?:max|min)|(?:operatorname\*?|mathrm|text)\s*\{\s*\\?arg"
    r"(?:\s|\\[,;!~ ]|~)*\\?(?:max|min)\s*\})"
)
#: A left side such as L(y, t): a name and its arguments.
_CALL = re.compile(r"[^()=]+\([^()=]*\)\s*")


def read(document: Document, assume: Sequence[str] = (), wide: bool = False) -> Content:
    """Read everything that a document says; what is not understood is part of the result.

    Parameters
    ----------
    document
        What to read.
    assume
        Assumptions beside those of the document, in text notation.
    wide
        Whether a logarithm without brackets is one of all the factors after it.

    Raises
    ------
    NotationError
        If one of `assume` is not understood (what the document says never raises).
    """
    directives, errors = directives_of(document)
    said, more = said_by(document, directives)
    unreadable = [Unreadable(error) for error in (*errors, *more)]
    said.einstein = said.einstein or sums_repeated_indices(document)
    said.wide = wide
    displays = [
        block
        for block in document.blocks
        if block.kind == "display"
        and said.roles.get(block.number) != "ignore"
        and (block.number in said.lefts or _EQUALS.search(document.text[block.begin : block.end]))
    ]
    extremes = [block for block in displays if _is_place_of_extreme(document.text[block.begin : block.end])]
    displays = [block for block in displays if block not in extremes]
    unreadable += [
        Unreadable(document.error(block.begin, block.fault), block.number)
        for block in displays
        if block.fault
    ]
    readable = [block for block in displays if not block.fault]
    unreadable += [
        Unreadable(
            document.error(block.begin, f"this document has more than {MAX_DISPLAYS} displays: split it"),
            block.number,
        )
        for block in readable[MAX_DISPLAYS : MAX_DISPLAYS + 1]
    ]
    deadline = time.monotonic() + SECONDS_PER_READING
    whole = _scopes(document, said, readable[:MAX_DISPLAYS], tuple(assume), deadline)
    told = "where something is largest or smallest is passed over: it has no formula"
    marked = whole.claims or any(block.kind == "display" for block in document.blocks)
    hint = None if marked else unmarked_formula(document)
    return replace(
        whole,
        unreadable=(*unreadable, *whole.unreadable),
        remarks=(
            *whole.remarks,
            *(Remark(document.place(each.begin), told, each.number) for each in extremes),
            *(() if hint is None else (Remark(document.place(hint), HINT, 0),)),
        ),
        passed=frozenset(each.number for each in extremes),
    )


def _is_place_of_extreme(text: str) -> bool:
    r"""Whether a display is one equation such as ``\theta^* = \arg\min_\theta L(\theta)``."""
    found = _PLACE_OF_EXTREME.search(text)
    return found is not None and "=" not in text[: found.start()] and r"\\" not in text


def _scopes(  # noqa: PLR0917 (what a further reading needs)
    document: Document,
    said: Said,
    blocks: list[Block],
    assume: tuple[str, ...],
    deadline: float,
    anew: int = MAX_ANEW,
) -> Content:
    """Read displays together; where one defines a name anew, those after it are read with the new meaning."""
    attempt = Attempt(document, copy.deepcopy(said), blocks, deadline=deadline)
    reading = attempt.run()
    if reading is None:
        return Content(
            document, Problem(document.path),
            unreadable=tuple(attempt.unreadable), misshapen=tuple(attempt.misshapen),
        )  # fmt: skip
    content = _content(attempt, reading, assume)
    found = _defined_anew(attempt, reading) if anew and time.monotonic() < deadline else None
    if found is None:
        return content
    old, new, name = found
    before = _scopes(
        document, said, [block for block in blocks if block is not new], assume, deadline, anew - 1
    )
    after = _scopes(
        document, said, [block for block in blocks if block is not old], assume, deadline, anew - 1
    )
    place = document.place(new.begin)
    told = Anew(place, name, new.number)
    return Content(
        document, after.problem,
        tuple(
            claim
            for content, later in ((before, False), (after, True))
            for claim in content.claims
            if (claim.offset >= new.begin) == later
        ),
        tuple(dict.fromkeys((*before.unreadable, *after.unreadable))),
        after.assumptions,
        tuple(dict.fromkeys((*before.misshapen, *after.misshapen))),
        said.einstein,
        {**before.layouts, **after.layouts},
        tuple(dict.fromkeys((*before.anew, told, *after.anew))),
        tuple(dict.fromkeys((*before.remarks, *after.remarks))),
        after.where,
        frozenset(said.fixed),
        after.symbols,
        choices=tuple(dict.fromkeys((*before.choices, *after.choices))),
    )  # fmt: skip


def _defined_anew(attempt: Attempt, reading: Reading) -> tuple[Block, Block, str] | None:
    """A display ``L(y, t) = ...`` that defines anew what an earlier one defines, and that one.

    It says something else than the earlier one, whose derivative was taken before: an expansion right after
    a definition is a claim.
    """
    defining: dict[str, Block] = {}
    differentiated: set[str] = set()
    for chain, leading in zip(reading.chains, reading.leading, strict=True):
        left = chain.sides[0]
        differentiated |= {
            part.of.array
            for side in chain.sides
            for _, part in walk(side)
            if isinstance(part, Derivative) and isinstance(part.of, Entry)
        }
        if not isinstance(left, Entry) or not chain.positions:
            continue
        offset = attempt.offset(*chain.positions[0])
        if offset < 0:
            continue
        block = attempt.block_at(offset)
        if leading:
            defining.setdefault(left.array, block)
        elif left.array in defining and block is not defining[left.array] and len(chain.sides) > 1:
            if not _CALL.fullmatch(chain.written[0]) or left.array not in differentiated:
                continue
            if prove(chain.sides[1], _body(reading.problem, left), reading.problem).kind != "refuted":
                continue
            return defining[left.array], block, left.array
    return None


def _body(problem: Problem, entry: Entry) -> Expression:
    definition = problem.definition(entry.array)
    assert definition is not None
    return unfold(definition, entry)


def _content(attempt: Attempt, reading: Reading, assume: tuple[str, ...]) -> Content:
    document, said = attempt.document, attempt.said
    assumptions = [one for each in assume for one in parse_assumption(each, reading.problem, "--assume")]
    unreadable = list(attempt.unreadable)
    where: dict[Compare, None] = {}
    for each in said.assumptions:
        try:
            condition = _condition(each.text, reading.problem)
            if condition is not None:
                where.setdefault(condition)
            else:
                assumptions += _assumed(each.text, reading.problem)
        except NotationError as error:
            unreadable.append(Unreadable(document.error(each.begin + error.column - 1, error.message)))
        if len(where) > MAX_CONDITIONS:
            told = f"this document assumes more than {MAX_CONDITIONS} conditions: split it"
            unreadable.append(Unreadable(document.error(each.begin, told)))
            break
    remarks = tuple(_remarks(attempt, reading))
    claims = with_one_name(_claims(attempt, reading), reading.problem)
    claims += _claims_in_lines(attempt, reading)
    misshapen = []
    for found in beside(attempt, reading):
        if isinstance(found, Claim):
            claims.append(found)
        else:
            misshapen.append(found)
    return Content(
        document, reading.problem, tuple(claims), tuple(unreadable), tuple(assumptions),
        tuple(misshapen), said.einstein, attempt.layouts, remarks=remarks, where=tuple(where),
        fixed=frozenset(said.fixed),
        symbols=attempt.said.symbols,
        choices=tuple(
            note
            for chain, leading in zip(reading.chains, reading.leading, strict=True)
            if leading
            for note in chain.notes
        ),
    )  # fmt: skip


def _assumed(text: str, problem: Problem) -> Sequence[Assumption]:
    """The assumptions that a text states; what it sums over may be another axis than elsewhere."""
    try:
        return parse_assumption(text, problem)
    except NotationError as error:
        own = text
        for letter in set(re.findall(r"\b(?:sum|prod)\(\s*([A-Za-z])\b", text)):
            own = re.sub(rf"\b{letter}\b", f"{letter}_own", own)
        try:
            return parse_assumption(own, problem)
        except NotationError:
            raise error from None


def _condition(text: str, problem: Problem) -> Compare | None:
    """An assumption such as ``j != y[i]`` or ``x > 0``, which says where claims are made; None for others."""
    if "==" in text or not re.search(r"!=|<|>", text):
        return None
    found = parse_expression(f"where({text}, 1, 0)", problem)
    return found.condition if isinstance(found, Where) else None


def _remarks(attempt: Attempt, reading: Reading) -> Iterator[Remark]:
    """The guesses that print would not make: a subscript on a power that belongs to its exponent."""
    text = attempt.document.text
    for block in attempt.blocks:
        for sign in _PASSED_OVER.finditer(text, block.begin, block.end):
            if block.kind == "display":
                told = f"{sign.group()} is passed over: only = is judged"
                yield Remark(attempt.document.place(sign.start()), told, block.number)
    for chain in reading.chains:
        for guess in chain.guesses:
            offset = attempt.offset(guess.line, guess.column)
            if offset >= 0 and _MISPRINT.search(guess.message):
                yield Remark(attempt.document.place(offset), guess.message, attempt.block_at(offset).number)


def _claims(attempt: Attempt, reading: Reading) -> list[Claim]:
    document = attempt.document
    found: list[Claim] = []
    counts: dict[int, int] = {}

    def add(chain: Chain, number: int, first: int, conditions: tuple[Compare, ...]) -> None:
        for place in range(first, len(chain.sides) - 1):
            where = attempt.offset(*chain.positions[place + 1])
            if where < 0:
                continue
            block = attempt.block_at(where)
            display = block.number
            if attempt.said.roles.get(display) == "definition":
                continue
            if block.kind == "display":
                counts[display] = counts.get(display, 0) + 1
            written = chain.written[place : place + 2] or ("", "")
            sign = _sign_before(document.text, where)
            found.append(
                Claim(
                    document.place(sign), display, counts.get(display, 0), chain.sides[place],
                    chain.sides[place + 1], conditions, (written[0], written[1]), number, chain.notes,
                    reading.problem, sign, condition_before(document, block), chain.sides[0],
                    chain.sides[-1], (attempt.offset(*chain.positions[place]), where + len(written[1])),
                    document.place(where + len(written[1])),
                    _is_away(chain, reading),
                )
            )  # fmt: skip

    for number, (chain, leading) in enumerate(zip(reading.chains, reading.leading, strict=True)):
        add(chain, number, leading, chain.conditions)
        for inner in chain.inner:
            add(inner, number, 0, (*chain.conditions, *inner.conditions))
    return found


def _is_away(chain: Chain, reading: Reading) -> bool:
    """Whether a chain is claimed away from kinks only."""
    opened = any(LAST_OF_CASES in each.notes for each in (chain, *reading.chains))
    return opened or any(map(has_derivative, chain.sides))


def _claims_in_lines(attempt: Attempt, reading: Reading) -> Iterator[Claim]:
    """What formulas in lines claim of the names that the displays have; any other is part of a sentence."""
    document = attempt.document
    for block in document.blocks:
        text = document.text[block.begin : block.end]
        if block.kind != "inline" or block in attempt.blocks or not says_something(text):
            continue
        if time.monotonic() >= attempt.deadline:
            return
        try:
            _, chains = read_equations(text, reading.problem, infer=False, symbols=attempt.said.symbols)
        except NotationError:
            continue
        source = Source(text, document.path)
        for chain in chains:
            left = chain.sides[0] if chain.sides else None
            if isinstance(left, Entry) and reading.problem.input(left.array) is not None:
                continue  # it says what a name means that no formula defines
            for left, right, (before, position), written in zip(
                chain.sides, chain.sides[1:], pairwise(chain.positions), pairwise(chain.written), strict=False
            ):
                offset = block.begin + offset_in(source.text, *position)
                sign = _sign_before(document.text, offset)
                yield Claim(
                    document.place(sign), 0, 0, left, right, chain.conditions, written, -1, chain.notes,
                    reading.problem, sign,
                    span=(block.begin + offset_in(text, *before), offset + len(written[1])),
                    end=document.place(offset + len(written[1])), away=_is_away(chain, reading),
                )  # fmt: skip


def _sign_before(text: str, offset: int) -> int:
    """The equals sign before a right side; the right side itself where there is none near it."""
    place = text.rfind("=", max(0, offset - 60), offset)
    return place if place >= 0 else offset
