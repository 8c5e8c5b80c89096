r"""Lines that look like formulas in a document that marks none: ``d(E, w[j]) = -x[j]`` without ``$$``."""

from __future__ import annotations

import re

from symderiv.check.document import Document
from symderiv.check.latex_source import is_latex
from symderiv.check.markdown import code_of
from symderiv.check.sources import PLAIN

HINT = (
    "this looks like a formula, but it is not read: formulas are LaTeX between $$, in ```math fences "
    "or after .. math::"
)
#: What stands on both sides of the one sign: no comparison, no text of a program or of a page.
_EQUATION = re.compile(r"""^[ \t>*-]{0,40}([^=\n<>"'!:;]{1,200})=(?!=)[^\n"';]*\S""", re.MULTILINE)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_ENTRY = re.compile(r"\w[\[(]|[_^][\w{]")
_SENTENCE = re.compile(r"[A-Za-z]{2,}[,.]?\s+[A-Za-z]")


def unmarked_formula(document: Document) -> int | None:
    """Where the first line stands that looks like a formula and is none; None for none.

    What is code, a directive or a formula in a line is no such line, nor is anything of a LaTeX source.
    """
    if is_latex(document.text) or document.path.lower().endswith((".tex", ".ltx", ".latex")):
        return None
    taken = [(each.begin, each.end) for each in document.blocks]
    if not document.path.lower().endswith(PLAIN):  # there, lines that stand indented are no code
        taken = sorted([*taken, *((each.begin, each.end) for each in code_of(document.text))])
    place = 0
    for match in _EQUATION.finditer(document.text):
        left = match[1]
        if not (_COMMAND.search(match[0]) or _ENTRY.search(match[0])):
            continue
        if _SENTENCE.search(_COMMAND.sub("", left)) or not left.strip():
            continue
        while place < len(taken) and taken[place][1] <= match.start():
            place += 1
        if place == len(taken) or taken[place][0] >= match.end():
            return match.start(1)
    return None
