"""Names that no display or directive defines which is understood: of these nothing false can be claimed."""

from __future__ import annotations

import re

from symderiv.check.content import Content
from symderiv.notation.errors import NotationError
from symderiv.notation.tex.spelled import spelled_name

_LINE_END = re.compile(r"\\\\|\\q?quad\b|\\begin\{[^}]*\}|,")
_SUBSCRIPT = re.compile(r"_(?:\{[^{}]*\}|[A-Za-z0-9])\s*$")
_LET = re.compile(r"(?:.*symderiv:)?\s*let\s+([^=\[]*)[=\[]")
_ARGUMENTS = re.compile(r"\([^()]*\)\s*$")
#: The longest left side that is looked at.
_LONGEST = 60


def lost_names(content: Content) -> frozenset[str]:
    """The names left of an equals sign in the displays that are not understood or passed over."""
    numbers = {each.display for each in content.unreadable if each.display} | content.passed
    found: set[str] = set()
    for each in content.unreadable:
        defined = _LET.match(each.error.source_line) if not each.display else None
        if defined is not None:
            found |= _spelled(defined[1])
    for block in content.document.blocks:
        if block.number not in numbers:
            continue
        for line in _LINE_END.split(content.document.text[block.begin : block.end]):
            left, sign, _ = line.replace("&", " ").partition("=")
            if sign:
                found |= _spelled(left)
    return frozenset(found)


def _spelled(left: str) -> set[str]:
    """The names that a left side such as ``f(x)`` or ``a_i`` may be of."""
    left = _ARGUMENTS.sub("", left.strip())
    found: set[str] = set()
    if not left or len(left) > _LONGEST:
        return found
    for spelling in dict.fromkeys((left, _SUBSCRIPT.sub("", left))):
        try:
            found.add(spelled_name(spelling))
        except NotationError:
            continue
    return found
