"""The lines of a problem file: keyword, text and place of each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symderiv.notation.errors import Source, quoted
from symderiv.notation.syntax import near

#: Lines that hold plain words.
TEXT_KEYWORDS = ("title", "about", "source")
#: Every keyword that a line can begin with.
KEYWORDS = (
    *TEXT_KEYWORDS, "index", "input", "label", "function", "upstream", "batch", "loss", "assume", "expect",
    "derive",
)  # fmt: skip
_NOT_YET = {
    "let": "no 'let' is needed here: write the definition alone",
    "symbol": "'symbol' lines belong to LaTeX documents: name the input directly",
}
#: What follows a name that is defined: places in brackets, in which labels have places too, and "=".
_DEFINED = re.compile(r"[ \t]*\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]\s*=")
_FIRST_WORD = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)[ \t]*(\Z|[^ \t])", re.ASCII)


@dataclass(frozen=True)
class Line:
    """One line with its continuations: `text` stands at the offset `begin` of the file."""

    keyword: str
    begin: int
    text: str
    head: int


def lines_of(source: Source) -> list[Line]:
    """All lines of a text, each with its continuations; comments are blanked out."""
    pieces: list[tuple[int, str]] = []
    offset = 0
    for raw in source.text.split("\n"):
        stripped = raw.lstrip()
        if stripped and not stripped.startswith("#"):
            if raw[0].isspace() and pieces:
                begin, before = pieces[-1]
                gap = offset - begin - len(before)
                pieces[-1] = (begin, before + "\n" + " " * (gap - 1) + raw)
            else:
                pieces.append((offset, raw))
        offset += len(raw) + 1
    return [line_at(source, begin, text) for begin, text in pieces]


def line_at(source: Source, begin: int, text: str) -> Line:
    """The line that `text`, which stands at the offset `begin`, is; raises where it is none."""
    indent = len(text) - len(text.lstrip())
    match = _FIRST_WORD.match(text, indent)
    word, following = match.groups() if match else ("", "")
    start = indent + len(word)
    words = word in TEXT_KEYWORDS and following == "[" and not _DEFINED.match(text, start)
    if word in KEYWORDS and (words or following not in ("=", "[")):
        body = text[start:] if word in TEXT_KEYWORDS else _without_comments(text[start:])
        if not body.strip():
            raise source.error(begin + start, f"expected something after {word}")
        return Line(word, begin + start, body, begin + indent)
    if following and (following.isalpha() or following == "_"):
        if word in _NOT_YET:
            raise source.error(begin + indent, _NOT_YET[word])
        known = near(word, list(KEYWORDS))
        raise source.error(
            begin + indent,
            f"expected a definition (name[i] = ...) or a keyword, found {quoted(word)}{known}",
        )
    return Line("", begin + indent, _without_comments(text[indent:]), begin + indent)


def _without_comments(text: str) -> str:
    """The text with every comment replaced by spaces, so that places stay where they are."""
    return re.sub(r"#[^\n]*", lambda match: " " * len(match[0]), text)
