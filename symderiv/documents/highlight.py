"""Source code with colours, as HTML: what each word is, in few classes that a style sheet gives colours.

The classes are single letters, for there are many words: k a keyword, s a string, c a comment, n a number,
f the name of a function.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from itertools import groupby

#: The class of a kind of word, by how the names of Pygments' kinds begin; the first that fits counts.
_CLASSES = (
    ("Token.Literal.String", "s"),
    ("Token.Comment", "c"),
    ("Token.Literal.Number", "n"),
    ("Token.Keyword", "k"),
    ("Token.Operator.Word", "k"),
    ("Token.Name.Function", "f"),
    ("Token.Name.Class", "f"),
    ("Token.Name.Decorator", "f"),
)


def highlighted(source: str, file: str) -> str:
    """The text of a file as the content of a ``<pre>``.

    Parameters
    ----------
    source
        The text.
    file
        The file's name, which tells the language; without a known one, nothing has a colour.
    """
    pieces = []
    for kind, words in groupby(_words(source, file), key=lambda word: _class(word[0])):
        text = escape("".join(word for _, word in words), quote=False)
        pieces.append(f'<span class="{kind}">{text}</span>' if kind else text)
    return "".join(pieces)


def functions_in(source: str, file: str) -> tuple[str, ...]:
    """The functions that a file defines for its users: those whose names begin with a letter."""
    named = (word for kind, word in _words(source, file) if kind.startswith("Token.Name.Function"))
    return tuple(dict.fromkeys(name for name in named if name[0].isalpha() and "__" not in name))


@lru_cache(maxsize=8)
def _words(source: str, file: str) -> tuple[tuple[str, str], ...]:
    """The words of a file, each with what Pygments calls its kind."""
    from pygments.lexers import TextLexer, get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(file, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False, ensurenl=False)
    return tuple((str(kind), word) for kind, word in lexer.get_tokens(source))


def _class(kind: str) -> str:
    return next((name for beginning, name in _CLASSES if kind.startswith(beginning)), "")
