"""Reads problem files (``.sd``) and single expressions.

A file is a list of lines, each a definition ``name[indices] = expression`` or a keyword and what it
declares. A line that begins with white space continues the one before it; ``#`` begins a comment
(in ``title``, ``about`` and ``source`` lines only at the beginning of a line). Definitions may
stand in any order and be used before they are made, but not in a circle.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lark import Token

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Definition, Derivative, Expression, Index
from symderiv.notation.errors import NotationError, Source, quoted
from symderiv.notation.expression_parser import Builder
from symderiv.notation.names import Names
from symderiv.notation.syntax import MAX_TEXT, Node, near, parse, start_of
from symderiv.problem import Assumption, Expectation, Input, Problem, Upstream, names_in

#: Lines that hold plain words.
TEXT_KEYWORDS = ("title", "about", "source")
#: Every keyword that a line can begin with.
KEYWORDS = (
    *TEXT_KEYWORDS, "index", "input", "label", "upstream", "batch", "loss", "assume", "expect", "derive",
)  # fmt: skip
_NOT_YET = {
    "function": "unspecified functions (function f) are not supported yet",
    "let": "no 'let' is needed here: write the definition alone",
    "symbol": "'symbol' lines belong to LaTeX documents: name the input directly",
}
_FIRST_WORD = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)[ \t]*(\Z|[^ \t])", re.ASCII)


def read_problem(text: str, name: str, path: str | None = None) -> Problem:
    """Read a problem file.

    Parameters
    ----------
    text
        The text of the file.
    name
        What the problem is called.
    path
        Where the text came from, for error messages; `name` by default.

    Returns
    -------
    Problem
        The problem. Its `letters` are the declared ones.

    Raises
    ------
    NotationError
        At the first thing that is not understood: with its line, its column and a caret.
    """
    source = _source(text, path if path is not None else name)
    return _Reader(source, name).read()


def parse_expression(text: str, problem: Problem, path: str = "expression") -> Expression:
    """Read one expression in the names of `problem`.

    Letters that the problem does not know get their axes from the arrays that they index. Any letter
    may be free; a sum's letter must differ from the free ones.

    Raises
    ------
    NotationError
        If the text is not an expression in these names.
    """
    source = _source(text, path)
    if not text.strip():
        raise source.error(0, "expected an expression, found nothing")
    tree = parse(source, "expression", 0, text)
    names = Names.of_problem(problem)
    builder = Builder(names, source, 0)
    names.infer(tree, builder.error)
    result = builder.value(tree)
    builder.finish()
    return result


def parse_equation(text: str, problem: Problem, path: str = "equation") -> tuple[Expression, Expression]:
    """Read ``left == right`` in the names of `problem`; raises as :func:`parse_expression`."""
    source = _source(text, path)
    if not text.strip():
        raise source.error(0, "expected an equation, found nothing")
    tree = parse(source, "equation", 0, text)
    names = Names.of_problem(problem)
    builder = Builder(names, source, 0)
    names.infer(tree, builder.error)
    equation = _equation(builder, tree)
    builder.finish()
    return equation.left, equation.right


def _source(text: str, path: str) -> Source:
    source = Source(text, path)
    if len(text) > MAX_TEXT:
        raise source.error(0, f"this text has more than {MAX_TEXT} characters: split it")
    return source


@dataclass(frozen=True)
class _Line:
    """One line with its continuations: `text` stands at the offset `begin` of the file."""

    keyword: str
    begin: int
    text: str
    head: int


@dataclass(frozen=True)
class _Left:
    """The left side of a definition, and the syntax of its right side."""

    name: str
    letters: list[Token]
    body: Node
    line: _Line


_Handler: TypeAlias = Callable[["_Reader", _Line], None]


class _Reader:
    """Reads one file: declarations and left sides first, then everything that uses them."""

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name
        self.names = Names()
        self.words: dict[str, str] = {}
        self.letters: list[Index] = []
        self.batched: list[str] = []
        self.loss: tuple[_Line, str] | None = None
        self.lefts: list[_Left] = []

    def read(self) -> Problem:
        lines = self._lines()
        for line in lines:
            handler = _DECLARATIONS.get(line.keyword)
            if handler:
                handler(self, line)
        for line in lines:
            if line.keyword == "":
                self._left_side(line)
        for line in lines:
            if line.keyword in _AFTER_DEFINITIONS:
                _AFTER_DEFINITIONS[line.keyword](self, line)
        if not self.lefts and not self.names.upstream:
            raise self.source.error(0, "nothing is defined: expected a line such as p[i] = exp(z[i])")
        later = [
            (line, self._syntax(line)) for line in lines if line.keyword in ("assume", "expect", "derive")
        ]
        self._infer(later)
        definitions = tuple(self._definition(left) for left in self.lefts)
        self._check_cycles(definitions)
        problem = Problem(
            name=self.name,
            title=self.words.get("title", ""),
            about=self.words.get("about", ""),
            source=self.words.get("source", ""),
            letters=tuple(self.letters),
            inputs=tuple(self.names.inputs.values()),
            definitions=definitions,
            upstream=tuple(self.names.upstream.values()),
            assumptions=tuple(self._assumption(*each) for each in later if each[0].keyword == "assume"),
            expectations=tuple(self._expectation(*each) for each in later if each[0].keyword != "assume"),
            batched=tuple(self.batched),
            loss=self.loss is not None,
        )
        self._check_loss(problem)
        return problem

    # --- lines ---------------------------------------------------------------------------------

    def _lines(self) -> list[_Line]:
        pieces: list[tuple[int, str]] = []
        offset = 0
        for raw in self.source.text.split("\n"):
            stripped = raw.lstrip()
            if stripped and not stripped.startswith("#"):
                if raw[0] in " \t" and pieces:
                    begin, before = pieces[-1]
                    gap = offset - begin - len(before)
                    pieces[-1] = (begin, before + "\n" + " " * (gap - 1) + raw)
                else:
                    pieces.append((offset, raw))
            offset += len(raw) + 1
        return [self._line(begin, text) for begin, text in pieces]

    def _line(self, begin: int, text: str) -> _Line:
        indent = len(text) - len(text.lstrip())
        match = _FIRST_WORD.match(text, indent)
        word, following = match.groups() if match else ("", "")
        if word in KEYWORDS and following not in ("=", "["):
            start = indent + len(word)
            body = text[start:] if word in TEXT_KEYWORDS else _without_comments(text[start:])
            if not body.strip():
                raise self.source.error(begin + start, f"expected something after {word}")
            return _Line(word, begin + start, body, begin + indent)
        if following and (following.isalpha() or following == "_"):
            if word in _NOT_YET:
                raise self.source.error(begin + indent, _NOT_YET[word])
            known = near(word, list(KEYWORDS))
            raise self.source.error(
                begin + indent,
                f"expected a definition (name[i] = ...) or a keyword, found {quoted(word)}{known}",
            )
        return _Line("", begin + indent, _without_comments(text[indent:]), begin + indent)

    def _tree(self, line: _Line, start: str) -> Node:
        return parse(self.source, start, line.begin, line.text)

    def _error_at(self, line: _Line) -> Callable[[Node | Token, str], NotationError]:
        return lambda where, message: self.source.error(line.begin + start_of(where), message)

    def _new_name(self, line: _Line, token: Token, purpose: str) -> str:
        kind = self.names.kind(str(token))
        if kind:
            raise self._error_at(line)(token, f"{token} is already {kind}: choose another name for {purpose}")
        return str(token)

    # --- declarations --------------------------------------------------------------------------

    def _text(self, line: _Line) -> None:
        if line.keyword in self.words:
            raise self.source.error(line.head, f"a second {line.keyword} line: one is enough")
        self.words[line.keyword] = " ".join(line.text.split())

    def _axis(self, line: _Line, token: Token) -> str:
        kind = self.names.kind(str(token))
        if kind and kind != "an axis":
            raise self._error_at(line)(token, f"{token} is already {kind}: choose another name for the axis")
        self.names.axes.setdefault(str(token))
        return str(token)

    def _index(self, line: _Line) -> None:
        tree = self._tree(line, "index_line")
        axis = self._axis(line, _last_token(tree))
        for token in _tokens(tree.children[0]):
            self._new_name(line, token, "the index")
            self.names.declare_letter(str(token), axis)
            self.letters.append(Index(str(token), axis))

    def _arrays(self, line: _Line, arrays: list[Node], label_of: str | None) -> None:
        for array in arrays:
            name_token, *brackets = [child for child in array.children if child is not None]
            axes = tuple(self._axis(line, token) for token in _tokens(brackets[0])) if brackets else ()
            assert isinstance(name_token, Token)
            name = self._new_name(line, name_token, "the input")
            self.names.inputs[name] = Input(name, axes, label_of)

    def _input(self, line: _Line) -> None:
        self._arrays(line, _nodes(self._tree(line, "input_line")), None)

    def _label(self, line: _Line) -> None:
        tree = self._tree(line, "label_line")
        self._arrays(line, _nodes(tree), self._axis(line, _last_token(tree)))

    def _upstream(self, line: _Line) -> None:
        tree = self._tree(line, "upstream_line")
        name, argument = (token for token in tree.children if isinstance(token, Token))
        self._new_name(line, name, "the function")
        if not self.names.is_value(str(argument)) or self.names.is_label(str(argument)):
            raise self._error_at(line)(
                argument, f"{argument} is not an array here: expected an input or a definition"
            )
        self.names.upstream[str(name)] = Upstream(str(name), str(argument))

    def _batch(self, line: _Line) -> None:
        for token in _tokens(self._tree(line, "name_list")):
            if str(token) not in self.names.inputs:
                hint = near(str(token), list(self.names.inputs))
                raise self._error_at(line)(
                    token, f"{token} is not an input: only inputs carry a batch axis{hint}"
                )
            if str(token) in self.batched:
                raise self._error_at(line)(token, f"{token} is named twice")
            self.batched.append(str(token))

    def _loss(self, line: _Line) -> None:
        tokens = _tokens(self._tree(line, "name_list"))
        if len(tokens) != 1 or self.loss is not None:
            raise self.source.error(line.head, "expected one loss")
        self.loss = (line, str(tokens[0]))

    def _check_loss(self, problem: Problem) -> None:
        if self.loss is None:
            return
        line, name = self.loss
        where = line.begin + len(line.text) - len(line.text.lstrip())
        if name != problem.output():
            raise self.source.error(where, f"the loss must be the output, which is {problem.output()}")
        if problem.axes_of(name):
            raise self.source.error(where, f"a loss is a single number, but {name} has indices")

    # --- definitions ---------------------------------------------------------------------------

    def _left_side(self, line: _Line) -> None:
        tree = self._tree(line, "definition")
        left, body = _nodes(tree)
        error = self._error_at(line)
        if left.data not in ("name", "entry"):
            raise error(left, "expected a name with distinct index letters on the left of =")
        name_token, *parts = left.children
        assert isinstance(name_token, Token)
        kind = self.names.kind(str(name_token))
        if kind == "a definition":
            raise error(left, f"{name_token} is already defined: every name is defined once")
        name = self._new_name(line, name_token, "the definition")
        letters: list[Token] = []
        for part in parts:
            if isinstance(part, Token) or part.data != "name":
                raise error(part, "expected an index letter on the left of =")
            token = part.children[0]
            assert isinstance(token, Token)
            if any(token == other for other in letters):
                raise error(token, f"the index {token} stands twice on the left side: use distinct letters")
            letters.append(token)
        self.names.definitions[name] = len(letters)
        self.lefts.append(_Left(name, letters, body, line))

    def _infer(self, later: list[tuple[_Line, Node]]) -> None:
        for left in self.lefts:
            for token in left.letters:
                if not self.names.is_letter(str(token)):
                    kind = self.names.kind(str(token))
                    raise self._error_at(left.line)(token, f"{token} is {kind}: expected an index letter")
            self.names.note_left_side(left.name, left.letters, self._error_at(left.line))
        for left in self.lefts:
            self.names.infer(left.body, self._error_at(left.line))
        for line, tree in later:
            self.names.infer(tree, self._error_at(line))

    def _definition(self, left: _Left) -> Definition:
        indices = []
        for token in left.letters:
            axis = self.names.letter_axis(str(token))
            if axis is None:
                raise self._error_at(left.line)(
                    token,
                    f"the axis of the index {token} is not known from its use: add a line 'index {token} : K'",
                )
            indices.append(Index(str(token), axis))
        builder = Builder(self.names, self.source, left.line.begin, [str(token) for token in left.letters])
        body = builder.value(left.body)
        builder.finish()
        return Definition(left.name, tuple(indices), body)

    def _check_cycles(self, definitions: tuple[Definition, ...]) -> None:
        uses = {each.name: sorted(names_in(each.body)) for each in definitions}
        uses |= {each.name: [each.of] for each in self.names.upstream.values()}
        settled: set[str] = set()
        for start in uses:
            way: list[str] = []
            todo: list[tuple[str, bool]] = [(start, False)]
            while todo:
                name, leaving = todo.pop()
                if leaving:
                    settled.add(way.pop())
                elif name in way:
                    circle = [*way[way.index(name) :], name]
                    raise self._cycle(circle)
                elif name in uses and name not in settled:
                    way.append(name)
                    todo.append((name, True))
                    todo.extend((used, False) for used in uses[name])

    def _cycle(self, circle: list[str]) -> NotationError:
        at = next(left.line.begin for left in self.lefts if left.name in circle)
        if len(circle) == 2:
            return self.source.error(at, f"{circle[0]} is defined by itself")
        return self.source.error(at, f"these definitions need each other: {' needs '.join(circle)}")

    # --- assumptions and expectations ----------------------------------------------------------

    def _syntax(self, line: _Line) -> Node:
        start = {"assume": "equation", "expect": "expectation", "derive": "expression"}[line.keyword]
        return self._tree(line, start)

    def _assumption(self, line: _Line, tree: Node) -> Assumption:
        builder = Builder(self.names, self.source, line.begin)
        assumption = _equation(builder, tree)
        builder.finish()
        return assumption

    def _expectation(self, line: _Line, tree: Node) -> Expectation:
        if line.keyword == "derive":
            builder = Builder(self.names, self.source, line.begin)
            derivative = self._derivative(builder, tree)
            builder.finish()
            return Expectation(derivative)
        equation, *assuming = _nodes(tree)
        left, _, right = equation.children
        _check_equals(self._error_at(line), equation)
        assert not isinstance(left, Token) and not isinstance(right, Token)
        builder = Builder(self.names, self.source, line.begin)
        derivative = self._derivative(builder, left)
        builder.finish()
        free = [index.name for index in free_indices(derivative)]
        builder = Builder(self.names, self.source, line.begin, free)
        form = builder.value(right)
        builder.finish()
        assumptions = []
        for each in assuming:
            builder = Builder(self.names, self.source, line.begin)
            assumptions.append(_equation(builder, each))
            builder.finish()
        return Expectation(derivative, form, tuple(assumptions))

    def _derivative(self, builder: Builder, tree: Node) -> Derivative:
        value = builder.value(tree)
        if not isinstance(value, Derivative):
            raise builder.error(tree, "expected a derivative such as d(p[i], z[j])")
        return value


_DECLARATIONS: dict[str, _Handler] = {
    **dict.fromkeys(TEXT_KEYWORDS, _Reader._text),
    "index": _Reader._index,
    "input": _Reader._input,
    "label": _Reader._label,
}
_AFTER_DEFINITIONS: dict[str, _Handler] = {
    "upstream": _Reader._upstream,
    "batch": _Reader._batch,
    "loss": _Reader._loss,
}


def _equation(builder: Builder, tree: Node) -> Assumption:
    _check_equals(builder.error, tree)
    left, _, right = tree.children
    assert not isinstance(left, Token) and not isinstance(right, Token)
    return Assumption(builder.value(left), builder.value(right))


def _check_equals(error: Callable[[Node | Token, str], NotationError], tree: Node) -> None:
    sign = tree.children[1]
    if sign != "==":
        assert isinstance(sign, Token)
        raise error(
            sign, f"expected == in an equation, found {sign} (other conditions are not supported yet)"
        )


def _without_comments(text: str) -> str:
    """The text with every comment replaced by spaces, so that places stay where they are."""
    return re.sub(r"#[^\n]*", lambda match: " " * len(match[0]), text)


def _nodes(tree: Node) -> list[Node]:
    return [child for child in tree.children if child is not None and not isinstance(child, Token)]


def _tokens(tree: Node | Token) -> list[Token]:
    assert not isinstance(tree, Token)
    return [child for child in tree.children if isinstance(child, Token)]


def _last_token(tree: Node) -> Token:
    token = tree.children[-1]
    assert isinstance(token, Token)
    return token
