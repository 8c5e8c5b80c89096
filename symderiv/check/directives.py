"""Directives: what a document says to symderiv beside its formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symderiv.check.document import Block, Document
from symderiv.check.limits import MAX_DIRECTIVES
from symderiv.notation.errors import NotationError

#: Every word that a directive begins with.
KEYWORDS = (
    "index", "input", "label", "let", "assume", "symbol", "function", "upstream", "row", "column",
    "definition", "claim", "ignore", "like", "einstein", "fixed", "depends",
)  # fmt: skip
#: Those that speak of the next display.
#: An array that is called as the number pi is: it goes by the name pi_, as \\pi_k in formulas does.
_ARRAY_PI = re.compile(r"(?<![\w\\])pi(?=\s*\[)")
ROLES = ("definition", "claim", "ignore")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: its keyword, what follows it, and where that begins in the document's text."""

    keyword: str
    text: str
    begin: int


def directives_of(document: Document) -> tuple[list[Directive], list[NotationError]]:
    """The directives of a document in order, and an error for each line that is none."""
    found: list[Directive] = []
    errors: list[NotationError] = []
    for block in document.blocks:
        if block.kind != "directive":
            continue
        for begin, line in _lines(document, block):
            if len(found) + len(errors) >= MAX_DIRECTIVES:
                told = f"this document has more than {MAX_DIRECTIVES} directives: split it"
                return found, [*errors, document.error(begin, told)]
            match = re.match(r"\s*([a-z]+)\b\s*", line)
            keyword = match[1] if match else ""
            if match is None or keyword not in KEYWORDS:
                stripped = len(line) - len(line.lstrip())
                message = f"expected a directive ({', '.join(KEYWORDS)}), found {line.split()[0]}"
                errors.append(document.error(begin + stripped, message))
                continue
            text = _ARRAY_PI.sub("pi_", line[match.end() :].rstrip())
            found.append(Directive(keyword, text, begin + match.end()))
    return found, errors


def _lines(document: Document, block: Block) -> Iterator[tuple[int, str]]:
    begin = block.begin
    for line in document.text[block.begin : block.end].split("\n"):
        if line.strip():
            yield begin, line
        begin += len(line) + 1
