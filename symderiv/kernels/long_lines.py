"""Long lines of emitted code, broken where brackets allow it: between arguments, or between terms.

Only blanks change: a compiler reads the same words. Lines of comments, docstrings and the preprocessor are
left as they are, and so are lines that hold a string or a comment of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: The most letters of a line.
WIDTH = 110
_INDENT = "    "
_OPEN, _CLOSED = "([{", ")]}"
#: Where a formula is broken: before these words, the loosest of them first.
_JOINTS = (
    (" if ", " else "),
    (" ? ", " : "),
    (" || ", " or "),
    (" && ", " and "),
    (" + ", " - "),
    (" * ", " / "),
)
#: What stands before the formula of a statement.
_BEFORE = re.compile(r"\s*(?:return |[^=()]* [-+*]?= )")
#: A declaration of several variables in C.
_DECLARED = re.compile(r"\s*(?:const )?(?:float|double|ptrdiff_t|int32_t|int64_t) (?=.*, )")


def in_short_lines(text: str, *, python: bool) -> str:
    """`text` with its long lines broken; in Python, a formula without brackets gets a pair of them."""
    lines: list[str] = []
    for line, is_code in _with_kind(text.split("\n"), python):
        is_plain = is_code and not any(mark in line for mark in ('"', "'", "#", "//", "/*", "\\"))
        lines += _broken(line, python=python) if is_plain else [line]
    return "\n".join(lines)


def _with_kind(lines: Sequence[str], python: bool) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it lies outside of docstrings and comments."""
    inside = False
    for line in lines:
        if python:
            toggles = line.count('"""') % 2 == 1
            yield line, not inside and not toggles
            inside ^= toggles
        else:
            opened, closed = line.rfind("/*"), line.rfind("*/")
            yield line, not inside and opened < 0
            inside = opened > closed or (inside and closed < 0)


def _broken(line: str, *, python: bool) -> list[str]:
    """The lines in place of one."""
    if len(line) <= WIDTH:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    before = _BEFORE.match(line) if python else _DECLARED.match(line) or _BEFORE.match(line)
    group = _group(line)
    if before is not None:
        # Between terms rather than within one of them.
        head, formula = line[: before.end()], line[before.end() :]
        pieces = _pieces(formula, _JOINTS[:-1])
        if len(pieces) > 1 and (group is None or max(map(len, pieces)) < WIDTH - len(indent) - len(_INDENT)):
            rows = _rows(pieces, indent + _INDENT)
            return [f"{head}(", *rows, f"{indent})"] if python else [head.rstrip(), *rows]
    if group is None:
        return [line]
    inside = line[group.begin : group.end]
    rows = [
        part
        for row in _rows(_pieces(inside), indent + _INDENT)
        for part in _broken(row, python=False)  # brackets stand around it
    ]
    return [line[: group.begin], *rows, *_broken(indent + line[group.end :], python=python)]


@dataclass(frozen=True)
class _Group:
    """What stands between a pair of brackets."""

    begin: int
    end: int


def _group(line: str) -> _Group | None:
    """The longest pair of outermost brackets that has something to break; None if there is none."""
    found: list[_Group] = []
    depth = begin = 0
    for place, letter in enumerate(line):
        if letter in _OPEN:
            depth += 1
            begin = place + 1 if depth == 1 else begin
        elif letter in _CLOSED:
            depth -= 1
            if depth == 0 and letter == ")" and len(_pieces(line[begin:place])) > 1:
                found.append(_Group(begin, place))
    return max(found, key=lambda each: each.end - each.begin, default=None)


def _rows(pieces: Sequence[str], indent: str) -> list[str]:
    """The pieces of a text, as many on a line as there is room for."""
    rows: list[str] = []
    for piece in pieces:
        if rows and len(rows[-1]) + len(piece) <= WIDTH:
            rows[-1] += piece
        else:
            if rows:
                rows[-1] = rows[-1].rstrip()
            rows.append(indent + piece.lstrip())
    return rows


def _pieces(text: str, joints: Sequence[tuple[str, ...]] = _JOINTS) -> list[str]:
    """A text cut after its commas; where it has none, before its loosest operators."""
    cuts = [place + 1 for place in _outside(text, (",",))]
    for words in joints:
        cuts = cuts or _outside(text, words)
    places = [0, *cuts, len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


def _outside(text: str, words: tuple[str, ...]) -> list[int]:
    """Where one of some words begins outside of all brackets."""
    found = []
    depth = 0
    for place, letter in enumerate(text):
        if letter in _OPEN:
            depth += 1
        elif letter in _CLOSED:
            depth -= 1
        elif depth == 0 and text.startswith(words, place):
            found.append(place)
    return found
