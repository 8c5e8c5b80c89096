"""From characters to a syntax tree: the grammar, its limits, and its errors in plain words."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TypeAlias

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

from symderiv.notation.errors import Source, quoted, unexpected

#: A node of the syntax tree.
Node: TypeAlias = Tree[Token]

#: The longest text that is read, in characters.
MAX_TEXT = 50_000
#: How deep brackets and operations may be nested in each other.
MAX_NESTING = 100
#: The longest name, in characters.
MAX_NAME = 64

_STARTS = (
    "expression", "definition", "equation", "expectation", "index_line", "input_line", "label_line",
    "upstream_line", "name_list",
)  # fmt: skip
_CLOSING = {"(": ")", "[": "]"}
_NOT_YET = {
    "@": "a matrix product is not supported yet: write the sum, as in sum(j, W[j, k] * x[j])",
    "'": "a prime (transpose or derivative) is not supported yet: write the indices, or d(f, x)",
}
_INSTEAD = {
    "{": "curly brackets have no meaning here: use ( )",
    "}": "curly brackets have no meaning here: use ( )",
    "\\": "this looks like LaTeX: the text notation writes exp(z[k]) and sum(k, ...)",
    "|": "write abs(x)",
    "·": "write * for a product",
    "×": "write * for a product",
    "⋅": "write * for a product",
    "÷": "write /",
    "²": "write ^2",
    "³": "write ^3",
    "√": "write sqrt(x)",
    "−": "this is a typographic minus: write -",
    "π": "write pi",
    "δ": "write delta(i, j)",
    "Σ": "write sum(k, ...)",
    "∑": "write sum(k, ...)",
    "∂": "write d(p[i], z[j])",
    "≠": "write !=",
    "≤": "write <=",
    "≥": "write >=",
}
#: What may come next, in words, by the name of the terminal; the first that applies is said.
_WORDS = (
    ("NAME", "a name"),
    ("RPAR", ")"),
    ("RSQB", "]"),
    ("COMMA", "a comma"),
    ("EQUAL", "="),
    ("COMPARE", "=="),
    ("COLON", ":"),
    ("LPAR", "("),
    ("SIGN", "an operator"),
    ("$END", "the end of the line"),
)


@cache
def _grammar() -> Lark:
    text = (files("symderiv.notation") / "grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", start=list(_STARTS), propagate_positions=True)


def parse(source: Source, start: str, begin: int, text: str) -> Node:
    """The syntax tree of `text`, which stands at the offset `begin` of `source`.

    Raises
    ------
    NotationError
        If the text does not follow the grammar, or is nested too deeply.
    """
    _check_brackets(source, begin, text)
    try:
        tree = _grammar().parse(text, start=start)
    except UnexpectedCharacters as error:
        place = error.pos_in_stream or 0
        found = text[place]
        message = _NOT_YET.get(found) or _INSTEAD.get(found)
        if message is None:
            raise source.error(begin + place, unexpected(found)) from None
        raise source.error(begin + place, f"unexpected {found}: {message}") from None
    except UnexpectedToken as error:
        raise _unexpected(source, begin, text, error) from None
    except UnexpectedEOF:
        raise source.error(begin + len(text), "the line ends too early") from None
    if isinstance(tree, Token):  # a rule that is one token alone
        tree = Tree("name", [tree])
    _check_depth(source, begin, tree)
    return tree


def start_of(node: Node | Token) -> int:
    """Where a node begins, counted from the beginning of the parsed text."""
    if isinstance(node, Token):
        return node.start_pos or 0
    return 0 if node.meta.empty else node.meta.start_pos


def near(word: str, known: list[str]) -> str:
    """A hint that names what may have been meant, or nothing: ``; did you mean ...?``."""
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(set(known)), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _check_brackets(source: Source, begin: int, text: str) -> None:
    open_brackets: list[int] = []
    for offset, letter in enumerate(text):
        if letter in _CLOSING:
            open_brackets.append(offset)
            if len(open_brackets) > MAX_NESTING:
                raise source.error(
                    begin + offset,
                    f"brackets are nested more than {MAX_NESTING} deep: define parts by name",
                )
        elif letter in _CLOSING.values():
            if not open_brackets:
                raise source.error(begin + offset, f"this {letter} closes nothing")
            opened = text[open_brackets.pop()]
            if _CLOSING[opened] != letter:
                raise source.error(begin + offset, f"expected {_CLOSING[opened]} here, found {letter}")
    if open_brackets:
        raise source.error(begin + open_brackets[-1], f"this {text[open_brackets[-1]]} is never closed")


def _check_depth(source: Source, begin: int, tree: Node) -> None:
    todo: list[tuple[Node | Token, int]] = [(tree, 1)]
    while todo:
        node, depth = todo.pop()
        if isinstance(node, Token):
            if node.type == "NAME" and len(node) > MAX_NAME:
                raise source.error(
                    begin + start_of(node),
                    f"this name has more than {MAX_NAME} characters: shorten it",
                )
            continue
        if depth > MAX_NESTING:
            message = f"operations are nested more than {MAX_NESTING} deep: define parts by name"
            raise source.error(begin + start_of(node), message)
        todo.extend((child, depth + 1) for child in node.children if child is not None)


def _unexpected(source: Source, begin: int, text: str, error: UnexpectedToken) -> Exception:
    token = error.token
    accepted = set(error.accepts or error.expected)
    if token.type == "$END":
        offset, found = begin + len(text.rstrip()), "the end"
    else:
        offset, found = begin + start_of(token), quoted(str(token))
    if "NUMBER" in accepted:
        expected = "a value"
    elif "SIGN" in accepted:
        expected = "an operator"
        closing = [word for kind, word in _WORDS[1:6] if kind in accepted]
        if closing:
            expected += f" or {' or '.join(closing)}"
        elif "$END" in accepted:
            expected += " or the end of the line"
    elif not accepted:  # the text was complete before this
        expected = "an operator or the end of the line"
    else:
        expected = " or ".join(word for kind, word in _WORDS if kind in accepted) or "something else"
    hint = ""
    if token.type == "EQUAL" and "COMPARE" in accepted:
        hint = " (an equation is written with ==)"
    elif token.type in ("NAME", "NUMBER", "LPAR") and "TIMES" in accepted:
        hint = " (write * between factors)"
    return source.error(offset, f"expected {expected}, found {found}{hint}")
