"""Reads files as documents: Markdown, LaTeX, Jupyter notebooks, plain text, standard input."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from symderiv.check import latex_source, markdown
from symderiv.check.document import Block, Document, DocumentError, Macro, Stretch
from symderiv.check.files import UnreadableFileError, text_from, text_of
from symderiv.check.limits import MAX_DOCUMENT

STDIN = "<stdin>"
MARKDOWN = (".md", ".markdown", ".mdown", ".qmd", ".rmd")
LATEX = (".tex", ".ltx", ".latex")
NOTEBOOK = (".ipynb",)
#: The end of the name of a problem file, whose claims are others' business.
PROBLEM = ".sd"
PLAIN = (".txt", ".rst")
#: Folders that hold no documents of their own.
_PASSED_OVER = ("node_modules", "__pycache__")
#: The end of a cell: formulas never reach from one into the next.
_BETWEEN = "\n\n"
#: A line of formulas alone: a comment, which may be a directive, or a formula.
_LINE = re.compile(r"^[ \t]*(?:%[ \t]*(?:symderiv:(?P<directive>.*)|.*)|(?P<formula>\S.*))$", re.MULTILINE)


def documents_in(folder: Path) -> list[Path]:
    """The files in a folder and below that can be documents, in order; hidden ones and links are left out."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name not in _PASSED_OVER and not Path(where, name).is_symlink()
        ]
        for name in names:
            path = Path(where, name)
            kind = path.suffix.lower() in (*MARKDOWN, *LATEX, *NOTEBOOK, *PLAIN)
            if kind and not name.startswith(".") and path.is_file() and not path.is_symlink():
                found.append(path)
    return sorted(found)


def read_file(path: Path) -> Document:
    """The document in a file.

    Raises
    ------
    DocumentError
        If the file cannot be read, is too long, or is no text, or is a problem file.
    """
    if path.suffix.lower() == PROBLEM:
        raise DocumentError(
            f"{path}: expected a document, found a problem file; symderiv verify judges what it expects"
        )
    try:
        text = text_of(path)
    except UnreadableFileError as error:
        raise DocumentError(f"{path}: {error}") from None
    return read_text(text, str(path))


def read_stdin(opened: BinaryIO) -> Document:
    """The document on the standard input; raises as :func:`read_file`."""
    try:
        text = text_from(opened)
    except UnreadableFileError as error:
        raise DocumentError(f"{STDIN}: {error}") from None
    return read_text(text)


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


def read_formulas(text: str, path: str = "formulas") -> Document:
    """The document of formulas alone: each line is a display; comments begin with a percent sign.

    A comment may be a directive, and a line that begins with an equals sign goes on with the one before.
    """
    if len(text) > MAX_DOCUMENT:
        raise DocumentError(f"{path}: expected at most {MAX_DOCUMENT} characters, found {len(text)}")
    clean, macros = latex_source.macros_of(text)
    blocks: list[Block] = []
    for match in _LINE.finditer(clean):
        directive = match["directive"] is not None
        if directive or match["formula"]:
            part = "directive" if directive else "formula"
            number = 0 if directive else sum(block.kind == "display" for block in blocks) + 1
            blocks.append(Block("directive" if directive else "display", *match.span(part), number))
    return Document(path, text, (Stretch(0, path),), tuple(blocks), tuple(macros))


def _notebook(text: str, path: str) -> Document:
    try:
        cells = json.loads(text)["cells"]
        prose = [
            (number, _source_of(cell["source"]))
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "markdown"
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DocumentError(
            f"{path}: expected a Jupyter notebook (version 4), found something else"
        ) from None
    return _joined(path, [(Stretch(0, path, number), content) for number, content in prose])


def _source_of(written: object) -> str:
    """The text of a cell: one string or a list of them; half characters are replaced."""
    if isinstance(written, list) and all(isinstance(line, str) for line in written):
        written = "".join(written)
    if not isinstance(written, str):
        raise TypeError
    return written.encode("utf-8", "replace").decode()


def _joined(path: str, parts: Sequence[tuple[Stretch, str]], plain: bool = False) -> Document:
    """One document of several parts, each read by itself."""
    texts: list[str] = []
    stretches, blocks, length, displays = [], [], 0, 0
    macros: dict[str, Macro] = {}
    for stretch, content in parts:
        clean, defined = latex_source.macros_of(content)
        macros |= {macro.name: macro for macro in defined}
        stretches.append(Stretch(length, stretch.path, stretch.cell, stretch.line))
        code = markdown.math_directives(content) if plain else markdown.code_of(content)
        if not plain:
            content, clean = markdown.unquoted(content), markdown.unquoted(clean)
        for block in markdown.blocks(clean, code):
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
