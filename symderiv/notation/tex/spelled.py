r"""The name that a piece of LaTeX spells: ``\hat{x}`` is ``x_hat``."""

from __future__ import annotations

import re

from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.cursor import Shared, Vocabulary
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.tokens import tokenize
from symderiv.notation.tex.uses import plain

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def spelled_name(text: str) -> str:
    r"""The name of the notation that `text` spells, in LaTeX or in the notation itself.

    Raises
    ------
    NotationError
        If it spells no name.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return text
    source = Source(text, "name")
    tokens = tokenize(source)
    parser = NameParser(
        tokens[:-1], Shared(source, Vocabulary(frozenset(), (), lambda _name, _inside: False))
    )
    name = parser.name()
    if parser.token.kind != "stop":
        raise source.error(parser.token.at, f"expected one name, found {text}")
    found = plain(name)
    if _PLAIN.fullmatch(found):
        return found
    fitting = re.sub(r"\W+", "_", found, flags=re.ASCII).strip("_")
    if not _PLAIN.fullmatch(fitting):
        raise NotationError(f"expected a name, found {text}", "name", 1, 1, text)
    return fitting
