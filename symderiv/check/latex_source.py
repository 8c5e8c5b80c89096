r"""Finds the mathematics of LaTeX files: comments, ``\input``, verbatim text and ``\newcommand`` seen to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from symderiv.check.document import Block, Document, DocumentError, Macro, Stretch
from symderiv.check.files import CANNOT, UnreadableFileError, text_of
from symderiv.check.limits import MAX_DEPTH, MAX_DOCUMENT, MAX_FILES
from symderiv.check.markdown import ENVIRONMENTS
from symderiv.check.markdown import blocks as math_blocks

_INPUT = re.compile(r"\\(?:input|include|subfile)\s*\{([^{}\n]*)\}")
#: Characters of a file's name that a message shows, at most.
MOST_QUOTED = 80
_DIRECTIVE = re.compile(r"%+\s*symderiv:(.*)")
_VERBATIM = re.compile(
    r"\\begin\{(verbatim\*?|Verbatim|lstlisting|minted|comment|tikzpicture)\}.*?(?:\\end\{\1\}|\Z)"
    r"|\\verb\*?([^A-Za-z\s])[^\n]{0,1000}?\2",
    re.DOTALL,
)
_DEFINING = re.compile(
    r"\\(?:re)?newcommand\*?\s*+(?:\{\s*+\\(?P<braced>[A-Za-z]+)\s*+\}|\\(?P<bare>[A-Za-z]+))\s*+(?:\[(?P<count>\d)\])?"
    r"\s*+(?P<default>\[[^\]]*\])?\s*+(?=\{)"
    r"|\\providecommand\*?\s*+\{\s*+\\(?P<provided>[A-Za-z]+)\s*+\}\s*+(?=\{)"
    r"|\\def\s*+\\(?P<plain>[A-Za-z]+)\s*+(?P<parameters>(?:#\d)*)\s*+(?=\{)"
    r"|\\DeclareMathOperator\*?\s*+\{\s*+\\(?P<operator>[A-Za-z]+)\s*+\}\s*+(?=\{)"
)


def read(path: Path, text: str) -> Document:
    """The document that begins with the file `path`, whose content is `text`.

    Raises
    ------
    DocumentError
        If a file that it takes in is missing, stands outside the folder, or takes in itself.
    """
    pieces: list[tuple[Stretch, str]] = []
    _take_in(path, text, path.parent.resolve(), (path.resolve(),), pieces)
    whole, stretches, length = [], [], 0
    for stretch, content in pieces:
        stretches.append(replace(stretch, begin=length))
        whole.append(content)
        length += len(content)
        if length > MAX_DOCUMENT:
            raise DocumentError(
                f"{path}: expected at most {MAX_DOCUMENT} characters with all files taken in, found more"
            )
    complete = "".join(whole)
    clean, directives = _without_comments(complete)
    clean = _VERBATIM.sub(lambda match: _spaces(match[0]), clean)
    found, macros = _macros(clean)
    body = found.find("\\begin{document}")
    if body >= 0:
        found = _spaces(found[:body]) + found[body:]
    blocks = sorted([*math_blocks(found, []), *directives], key=lambda block: block.begin)
    return Document(str(path), complete, tuple(stretches), tuple(blocks), tuple(macros))


def _take_in(
    path: Path, text: str, folder: Path, above: tuple[Path, ...], pieces: list[tuple[Stretch, str]]
) -> None:
    place = 0
    clean, _ = _without_comments(text)
    for match in _INPUT.finditer(clean):
        line = text.count("\n", 0, place) + 1
        pieces.append((Stretch(0, str(path), 0, line), text[place : match.start()]))
        place = match.end()
        named = match[1].strip()
        quoted = named if len(named) <= MOST_QUOTED else f"{named[:MOST_QUOTED]}..."
        where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        target = path.parent / (named if named.endswith(".tex") else f"{named}.tex")
        try:
            resolved = target.resolve()
        except (OSError, ValueError, RuntimeError):  # links in a circle; what a name cannot hold
            raise DocumentError(f"{where}: cannot read {quoted}: no file can have this name") from None
        if not resolved.is_relative_to(folder):
            raise DocumentError(f"{where}: expected a file within {folder.name or folder}, found {quoted}")
        if resolved in above:
            raise DocumentError(f"{where}: {quoted} takes in itself")
        if len(above) > MAX_DEPTH or len(pieces) > 2 * MAX_FILES:
            raise DocumentError(f"{where}: more than {MAX_FILES} files, or more than {MAX_DEPTH} deep")
        try:
            content = text_of(resolved)
        except UnreadableFileError as error:
            raise DocumentError(f"{where}: cannot read {quoted}: {str(error).removeprefix(CANNOT)}") from None
        _take_in(target, content, folder, (*above, resolved), pieces)
    line = text.count("\n", 0, place) + 1
    pieces.append((Stretch(0, str(path), 0, line), text[place:] + ("" if len(above) == 1 else "\n")))


def _without_comments(text: str) -> tuple[str, list[Block]]:
    """The text with its comments blanked out, and the directives in them.

    A line ``% symderiv:`` with nothing after it makes directives of the comment lines that follow.
    """
    lines, directives, offset, within = [], [], 0, False
    for line in text.split("\n"):
        place = _comment(line)
        if place is None:
            within = False
        else:
            match = _DIRECTIVE.match(line, place)
            alone = not line[:place].strip()
            if match:
                directives.append(Block("directive", offset + match.start(1), offset + len(line)))
                within = alone and not match[1].strip()
            elif within and alone:
                directives.append(Block("directive", offset + place + 1, offset + len(line)))
            else:
                within = False
            line = line[:place] + " " * (len(line) - place)
        lines.append(line)
        offset += len(line) + 1
    return "\n".join(lines), directives


def _comment(line: str) -> int | None:
    """Where the comment of a line begins: at a percent sign after an even number of backslashes."""
    for match in re.finditer(r"(?<!\\)(\\*)%", line):
        if len(match[1]) % 2 == 0:
            return match.end() - 1
    return None


def _macros(text: str) -> tuple[str, list[Macro]]:
    """The text with the definitions of commands blanked out, and what they define."""
    found: dict[str, Macro] = {}
    pieces, last = [], 0
    ends: dict[int, int] = {}
    for match in _DEFINING.finditer(text):
        if match.start() < last:
            continue
        ends = ends or _groups(text)
        end = ends.get(match.end())
        if end is None:
            continue
        body = text[match.end() + 1 : end - 1]
        name = next(match[key] for key in ("braced", "bare", "provided", "plain", "operator") if match[key])
        count = (
            int(match["count"] or 0) or len(match["parameters"] or "") // 2 or (1 if match["default"] else 0)
        )
        if match["operator"]:
            body = rf"\operatorname{{{body}}}"
        found[name] = Macro(name, body, count, match["default"] is not None)
        pieces += [text[last : match.start()], _spaces(text[match.start() : end])]
        last = end
    return "".join([*pieces, text[last:]]), list(found.values())


def macros_of(text: str) -> tuple[str, list[Macro]]:
    """The same for any text: Markdown too may define commands inside its displays."""
    return _macros(text)


def _groups(text: str) -> dict[int, int]:
    """Where each braced group begins and ends, all found in one run through the text."""
    opened: list[int] = []
    ends: dict[int, int] = {}
    for match in re.finditer(r"(?<!\\)[{}]", text):
        if match[0] == "{":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.end()
    return ends


def _spaces(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def is_latex(text: str) -> bool:
    """Whether a text without a telling name is LaTeX source."""
    return "\\documentclass" in text or "\\begin{document}" in text


__all__ = ["ENVIRONMENTS", "is_latex", "macros_of", "read"]


def displays(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """The displays among blocks."""
    return (block for block in blocks if block.kind == "display")
