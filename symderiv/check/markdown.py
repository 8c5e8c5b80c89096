"""Finds the mathematics of Markdown and of plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symderiv.check.document import Block

#: Environments that are displays by themselves.
ENVIRONMENTS = (
    "align",
    "aligned",
    "gather",
    "gathered",
    "equation",
    "eqnarray",
    "split",
    "multline",
    "alignat",
)
#: What can begin something outside mathematics, in the order in which it is tried.
_OPENING = re.compile(
    r"(?P<escape>\\[\\$`])"
    r"|(?P<comment><!--)"
    r"|(?P<display>\$\$|\\\[)"
    r"|(?P<environment>\\begin\{(?P<name>" + "|".join(ENVIRONMENTS) + r")(?P<star>\*?)\})"
    r"|(?P<inline>\$|\\\()"
    r"|(?P<code>`+)"
)
_DIRECTIVE = re.compile(r"\s*symderiv:")


@dataclass(frozen=True, slots=True)
class Code:
    """A stretch of code; `formula` is where its content stands if that is mathematics."""

    begin: int
    end: int
    formula: tuple[int, int] | None = None


def blocks(text: str, code: Sequence[Code]) -> Iterator[Block]:
    """The mathematics and the directives of a text, in order.

    Parameters
    ----------
    text
        The text.
    code
        The stretches that hold code, in order.
    """
    number = place = 0
    waiting = list(code)
    while place < len(text):
        match = _OPENING.search(text, place)
        start = match.start() if match else len(text)
        if waiting and waiting[0].begin <= start:
            stretch = waiting.pop(0)
            if stretch.end <= place:
                continue
            if stretch.formula is not None and stretch.begin >= place:
                number += 1
                yield Block("display", *stretch.formula, number)
            place = max(place, stretch.end)
            continue
        if match is None:
            return
        kind = match.lastgroup if match.lastgroup != "star" else "environment"
        if kind == "escape":
            place = match.end()
        elif kind == "comment":
            end = _find(text, "-->", match.end())
            directive = _DIRECTIVE.match(text, match.end(), end)
            if directive:
                yield Block("directive", directive.end(), end)
            place = end + 3
        elif kind == "code":
            end = text.find(match[0], match.end())
            place = match.end() if end < 0 else end + len(match[0])
        elif kind == "inline":
            block = _inline(text, match)
            if block:
                yield block
            place = block.end + 1 if block else match.end()
        else:
            number += 1
            block = _display(text, match, number)
            yield block
            place = block.end + 2


def _display(text: str, match: re.Match[str], number: int) -> Block:
    if match["environment"]:
        closing = f"\\end{{{match['name']}{match['star']}}}"
        end = text.find(closing, match.end())
        if end >= 0:
            return Block("display", match.start(), end + len(closing), number)
    else:
        closing = "$$" if match["display"] == "$$" else "\\]"
        end = _closing(text, closing, match.end())
        if end >= 0:
            return Block("display", match.end(), end, number)
    stop = text.find("\n\n", match.end())
    fault = f"this {match[0]} is never closed: expected {closing}"
    return Block("display", match.start(), stop if stop >= 0 else len(text), number, fault)


def _closing(text: str, closing: str, start: int) -> int:
    """Where a display ends; a backslash before the sign makes it part of the formula."""
    place = text.find(closing, start)
    while place > 0 and text[place - 1] == "\\" and (place < 2 or text[place - 2] != "\\"):
        place = text.find(closing, place + 1)
    return place


def _inline(text: str, match: re.Match[str]) -> Block | None:
    """A formula in a line: as in Pandoc, no space inside the dollars, no digit after them, no empty line."""
    start = match.end()
    if match[0] == "\\(":
        end = text.find("\\)", start)
        return Block("inline", start, end) if end >= 0 and "\n\n" not in text[start:end] else None
    if text[start : start + 1] in ("", " ", "\n", "\t"):
        return _spaced(text, start)
    if text[start] == "`":  # GitHub's $`...`$
        end = text.find("`$", start + 1)
        return Block("inline", start + 1, end) if end >= 0 and "\n\n" not in text[start:end] else None
    end = start
    while True:
        end = text.find("$", end)
        if end < 0 or "\n\n" in text[start:end]:
            return None
        if text[end - 1] == "\\":
            end += 1
            continue
        if text[end - 1] in " \n\t" or text[end + 1 : end + 2].isdigit() or end == start:
            return None
        return Block("inline", start, end)


def _spaced(text: str, start: int) -> Block | None:
    r"""``$ y_i = f $``, as converters write it: in one line, spaces on both sides, a sign of TeX inside."""
    end = text.find("$", start)
    inside = text[start:end] if end >= 0 else ""
    if (
        "\n" in inside
        or inside[:1] != " "
        or inside[-1:] != " "
        or not re.search(r"[\\_^]|[a-zA-Z] *=", inside)
    ):
        return None
    return Block("inline", start, end)


def _find(text: str, sign: str, start: int) -> int:
    place = text.find(sign, start)
    return place if place >= 0 else len(text)


def code_of(text: str) -> list[Code]:
    """The stretches of Markdown that hold code; those fenced as ``math`` are mathematics."""
    from markdown_it import MarkdownIt

    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for token in MarkdownIt("commonmark", {"maxNesting": 20}).parse(text):
        if token.type not in ("fence", "code_block") or token.map is None:
            continue
        first, last = token.map
        mathematics = token.type == "fence" and token.info.split()[:1] == ["math"]
        begin, end = starts[first], min(starts[last] - 1, len(text))
        formula = None
        if mathematics:
            closed = text[starts[last - 1] : starts[last]].strip().startswith(token.markup)
            inside = min(starts[first + 1], end)
            formula = (inside, max(inside, starts[last - 1] if closed else end))
        found.append(Code(begin, end, formula))
    return found
