"""Reads files as documents: Markdown, LaTeX, Jupyter notebooks, plain text, standard input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from symderiv.check import latex_source, markdown
from symderiv.check.document import Document, DocumentError, Macro, Stretch
from symderiv.check.limits import MAX_DOCUMENT

STDIN = "<stdin>"
MARKDOWN = (".md", ".markdown", ".mdown", ".qmd", ".rmd")
LATEX = (".tex", ".ltx", ".latex")
NOTEBOOK = (".ipynb",)
#: The end of a cell: formulas never reach from one into the next.
_BETWEEN = "\n\n"


def read_file(path: Path) -> Document:
    """The document in a file.

    Raises
    ------
    DocumentError
        If the file cannot be read, is too long, or is no text.
    """
    try:
        if path.stat().st_size > 4 * MAX_DOCUMENT:
            raise DocumentError(f"{path}: expected at most {MAX_DOCUMENT} characters, found more")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError(f"{path}: expected UTF-8 text, found other bytes") from None
    except OSError as error:
        raise DocumentError(f"{path}: cannot read it: {(error.strerror or str(error)).lower()}") from None
    return read_text(text, str(path))


def read_text(text: str, path: str = STDIN) -> Document:
    """The document that `text` is; the kind is told by the end of `path`, else by the text."""
    if len(text) > MAX_DOCUMENT:
        raise DocumentError(f"{path}: expected at most {MAX_DOCUMENT} characters, found {len(text)}")
    text = text.replace("\r\n", "\n")
    suffix = Path(path).suffix.lower()
    if suffix in NOTEBOOK:
        return _notebook(text, path)
    if suffix in LATEX or (suffix not in MARKDOWN and latex_source.is_latex(text)):
        return latex_source.read(Path(path), text)
    return _joined(path, [(Stretch(0, path), text)], plain=suffix not in MARKDOWN)


def _notebook(text: str, path: str) -> Document:
    try:
        cells = json.loads(text)["cells"]
        prose = [
            (number, "".join(cell["source"]))
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "markdown"
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DocumentError(
            f"{path}: expected a Jupyter notebook (version 4), found something else"
        ) from None
    return _joined(path, [(Stretch(0, path, number), content) for number, content in prose])


def _joined(path: str, parts: Sequence[tuple[Stretch, str]], plain: bool = False) -> Document:
    """One document of several parts, each read by itself."""
    texts: list[str] = []
    stretches, blocks, length, displays = [], [], 0, 0
    macros: dict[str, Macro] = {}
    for stretch, content in parts:
        clean, defined = latex_source.macros_of(content)
        macros |= {macro.name: macro for macro in defined}
        stretches.append(Stretch(length, stretch.path, stretch.cell, stretch.line))
        for block in markdown.blocks(clean, [] if plain else markdown.code_of(content)):
            number = block.number + displays if block.number else 0
            blocks.append(
                type(block)(block.kind, block.begin + length, block.end + length, number, block.fault)
            )
        displays = max([displays, *(block.number for block in blocks)])
        texts += [content, _BETWEEN]
        length += len(content) + len(_BETWEEN)
    if not stretches:
        stretches.append(Stretch(0, path))
    return Document(path, "".join(texts), tuple(stretches), tuple(blocks), tuple(macros.values()))
