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
#: The directive that holds formulas in reStructuredText, and an option of it.
_MATH = re.compile(r"([ \t]*)\.\. math::")
_OPTION = re.compile(r"\s*:[a-z]+:")
#: The signs of a quotation at the beginning of a line, and what begins or ends a display.
_QUOTED = re.compile(r" {0,3}(?:> ?)+")
_DISPLAY_SIGNS = re.compile(r"\$\$|(?<!\\)\\[\[\]]|\\(?:begin|end)\{[a-z]+\*?\}|```(?:math)?")
_CLOSED_BY = {"$$": "$$", "\\[": "\\]", "```math": "```"}


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
    finder = Finder(text)
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
            end = finder.find("-->", match.end())
            end = end if end >= 0 else len(text)
            directive = _DIRECTIVE.match(text, match.end(), end)
            if directive:
                yield Block("directive", directive.end(), end)
            place = end + 3
        elif kind == "code":
            end = finder.find(match[0], match.end())
            place = match.end() if end < 0 else end + len(match[0])
        elif kind == "inline":
            block = _inline(finder, match)
            if block:
                yield block
            place = block.end + 1 if block else match.end()
        else:
            number += 1
            block, place = _display(finder, match, number)
            yield block


class Finder:
    """Finds signs in a text; one that was looked for from further ahead is not looked for again.

    However often a sign is looked for, in order of place, the text is gone through once for each sign.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.known: dict[tuple[str, bool], tuple[int, int]] = {}

    def find(self, sign: str, start: int, unescaped: bool = False) -> int:
        """Where `sign` stands next, or -1; `unescaped` passes over those after an odd backslash."""
        since, found = self.known.get((sign, unescaped), (-1, -2))
        if found == -2 or start < since or 0 <= found < start:
            since, found = start, self.text.find(sign, start)
            while unescaped and found > 0 and self._is_escaped(found):
                found = self.text.find(sign, found + 1)
            self.known[sign, unescaped] = since, found
        return found

    def _is_escaped(self, place: int) -> bool:
        text = self.text
        return text[place - 1] == "\\" and (place < 2 or text[place - 2] != "\\")


def _display(finder: Finder, match: re.Match[str], number: int) -> tuple[Block, int]:
    r"""A display, and where the text goes on after it.

    An environment ends before its ``\end{align}``: what divides displays takes that place, so that another
    display may follow without a blank.
    """
    text = finder.text
    if match["environment"]:
        closing = f"\\end{{{match['name']}{match['star']}}}"
        end = finder.find(closing, match.end())
        begin = match.start()
    else:
        closing = "$$" if match["display"] == "$$" else "\\]"
        end = finder.find(closing, match.end(), unescaped=True)
        begin = match.end()
    if end >= 0:
        return Block("display", begin, end, number), end + len(closing)
    stop = finder.find("\n\n", match.end())
    stop = stop if stop >= 0 else len(text)
    fault = f"this {match[0]} is never closed: expected {closing}"
    return Block("display", match.start(), stop, number, fault), stop


def _inline(finder: Finder, match: re.Match[str]) -> Block | None:
    """A formula in a line: as in Pandoc, no space inside the dollars, no digit after them, no empty line."""
    text, start = finder.text, match.end()
    stop = finder.find("\n\n", start)
    stop = stop if stop >= 0 else len(text)
    if match[0] == "\\(":
        return _within(finder, "\\)", start, stop)
    if text[start : start + 1] in ("", " ", "\n", "\t"):
        return _spaced(text, start)
    if text[start] == "`":  # GitHub's $`...`$
        return _within(finder, "`$", start + 1, stop)
    end = text.find("$", start, stop)
    while end >= 0 and text[end - 1] == "\\":
        end = text.find("$", end + 1, stop)
    if end <= start or text[end - 1] in " \n\t" or text[end + 1 : end + 2].isdigit():
        return None
    return Block("inline", start, end)


def _within(finder: Finder, closing: str, start: int, stop: int) -> Block | None:
    end = finder.find(closing, start)
    return Block("inline", start, end) if 0 <= end < stop else None


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


def math_directives(text: str) -> list[Code]:
    """The formulas of reStructuredText, as in docstrings: after ``.. math::`` and indented below it.

    An empty line begins another formula; lines such as ``:label: name`` are options.
    """
    if ".. math::" not in text:
        return []
    found: list[Code] = []
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        directive = _MATH.match(lines[number])
        if directive is None:
            number += 1
            continue
        margin = len(directive[1])
        begin = starts[number] + directive.end()
        number += 1
        parts = [(begin, starts[number] - 1)]
        while number < len(lines) and (not lines[number].strip() or _margin(lines[number]) > margin):
            if not _OPTION.match(lines[number]):
                parts.append((starts[number], starts[number + 1] - 1))
            number += 1
        paragraph: list[tuple[int, int]] = []
        for part in (*parts, (0, 0)):
            if text[part[0] : part[1]].strip():
                paragraph.append(part)
            elif paragraph:
                inside = paragraph[0][0], paragraph[-1][1]
                found.append(Code(inside[0], inside[1], inside))
                paragraph = []
    return found


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def unquoted(text: str) -> str:
    """The text with blanks for the signs ``>`` in front of what a quotation has inside its displays."""
    if "\n>" not in text and not text.startswith(">"):
        return text
    lines, closing = text.split("\n"), ""
    for number, line in enumerate(lines):
        quoted = _QUOTED.match(line)
        if quoted is None:
            closing = ""
            continue
        if closing:
            lines[number] = " " * quoted.end() + line[quoted.end() :]
        for sign in _DISPLAY_SIGNS.finditer(line, quoted.end()):
            if closing:
                closing = "" if sign[0] == closing else closing
            else:
                closing = _CLOSED_BY.get(sign[0], "") or sign[0].replace("begin", "end")
    return "\n".join(lines)


def code_of(text: str) -> list[Code]:
    """The stretches of Markdown that hold code; those fenced as ``math`` are mathematics."""
    if not any(sign in text for sign in ("```", "~~~", "    ", "\t")):
        return []  # no line can begin a fence or stand indented
    from markdown_it import MarkdownIt

    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for token in MarkdownIt("commonmark", {"maxNesting": 20}).disable("inline").parse(text):
        if token.type not in ("fence", "code_block") or token.map is None:
            continue
        first, last = token.map
        mathematics = token.type == "fence" and token.info.split()[:1] == ["math"]
        begin, end = starts[first], min(starts[last] - 1, len(text))
        formula = None
        if mathematics:
            closed = text[starts[last - 1] : starts[last]].strip(" \t\n>").startswith(token.markup)
            inside = min(starts[first + 1], end)
            formula = (inside, max(inside, starts[last - 1] if closed else end))
        found.append(Code(begin, end, formula))
    return found
