"""What the declaring lines of a problem file say: letters, inputs, labels, functions, batch and loss."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from lark import Token

from symderiv.expression.nodes import Index
from symderiv.notation.errors import NotationError, Source, described
from symderiv.notation.lines import TEXT_KEYWORDS, Line
from symderiv.notation.names import Names
from symderiv.notation.syntax import Node, near, parse, start_of
from symderiv.problem import Input, Problem, Upstream

#: Unicode categories of what steers a terminal, turns the direction of print, or is half a character.
_STEERING = ("Cc", "Cf", "Cs")


class Declarations:
    """Collects the names of a file and everything that is said about them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names = Names()
        self.words: dict[str, str] = {}
        self.letters: list[Index] = []
        self.batched: list[str] = []
        self.loss: tuple[Line, str] | None = None

    def read(self, lines: list[Line], after_definitions: bool) -> None:
        """Read the declaring lines: those that name inputs, or those that speak of definitions too."""
        table = _AFTER_DEFINITIONS if after_definitions else _DECLARATIONS
        for line in lines:
            if line.keyword in table:
                table[line.keyword](self, line)

    def tree(self, line: Line, start: str) -> Node:
        """The syntax tree of a line."""
        return parse(self.source, start, line.begin, line.text)

    def error_at(self, line: Line) -> Callable[[Node | Token, str], NotationError]:
        """A maker of errors at pieces of syntax of one line."""
        return lambda where, message: self.source.error(line.begin + start_of(where), message)

    def new_name(self, line: Line, token: Token, purpose: str) -> str:
        """A name that nothing else has, or an error that says what has it."""
        kind = self.names.kind(str(token))
        if kind:
            raise self.error_at(line)(token, f"{token} is {kind} already: choose another name for {purpose}")
        return str(token)

    def _text(self, line: Line) -> None:
        if line.keyword in self.words:
            raise self.source.error(line.head, f"a second {line.keyword} line: one is enough")
        for place, letter in enumerate(line.text):
            if unicodedata.category(letter) in _STEERING and not letter.isspace():
                found = described(letter)
                raise self.source.error(
                    line.begin + place, f"expected letters that print, found {found}: delete it"
                )
        self.words[line.keyword] = " ".join(line.text.split())

    def _axis(self, line: Line, token: Token) -> str:
        kind = self.names.kind(str(token))
        if kind and kind != "an axis":
            raise self.error_at(line)(token, f"{token} is {kind} already: choose another name for the axis")
        self.names.axes.setdefault(str(token))
        return str(token)

    def _index(self, line: Line) -> None:
        tree = self.tree(line, "index_line")
        axis = self._axis(line, _last_token(tree))
        for token in tokens_of(tree.children[0]):
            self.new_name(line, token, "the index")
            self.names.declare_letter(str(token), axis)
            self.letters.append(Index(str(token), axis))

    def _arrays(self, line: Line, arrays: list[Node], label_of: str | None) -> None:
        for array in arrays:
            name_token, *brackets = [child for child in array.children if child is not None]
            axes = tuple(self._axis(line, token) for token in tokens_of(brackets[0])) if brackets else ()
            assert isinstance(name_token, Token)
            name = self.new_name(line, name_token, "the input")
            self.names.inputs[name] = Input(name, axes, label_of)

    def _input(self, line: Line) -> None:
        self._arrays(line, nodes_of(self.tree(line, "input_line")), None)

    def _label(self, line: Line) -> None:
        tree = self.tree(line, "label_line")
        self._arrays(line, nodes_of(tree), self._axis(line, _last_token(tree)))

    def _upstream(self, line: Line) -> None:
        tree = self.tree(line, "upstream_line")
        name, argument = (token for token in tree.children if isinstance(token, Token))
        self.new_name(line, name, "the function")
        if not self.names.is_value(str(argument)) or self.names.is_label(str(argument)):
            raise self.error_at(line)(
                argument, f"{argument} is not an array here: expected an input or a definition"
            )
        self.names.upstream[str(name)] = Upstream(str(name), str(argument))

    def _function(self, line: Line) -> None:
        for token in tokens_of(self.tree(line, "name_list")):
            self.names.functions[self.new_name(line, token, "the function")] = 0

    def _batch(self, line: Line) -> None:
        for token in tokens_of(self.tree(line, "name_list")):
            if str(token) not in self.names.inputs:
                hint = near(str(token), list(self.names.inputs))
                raise self.error_at(line)(token, f"{token} is not an input: only inputs can be batched{hint}")
            if str(token) in self.batched:
                raise self.error_at(line)(token, f"{token} is named twice")
            self.batched.append(str(token))

    def _loss(self, line: Line) -> None:
        tokens = tokens_of(self.tree(line, "name_list"))
        if len(tokens) != 1 or self.loss is not None:
            raise self.source.error(line.head, "expected one loss")
        self.loss = (line, str(tokens[0]))

    def check_loss(self, problem: Problem) -> None:
        """Raise an error if the loss is not the output, or not a single number."""
        if self.loss is None:
            return
        line, name = self.loss
        where = line.begin + len(line.text) - len(line.text.lstrip())
        if name != problem.output():
            raise self.source.error(where, f"the loss must be the output, which is {problem.output()}")
        if problem.axes_of(name):
            raise self.source.error(where, f"a loss is a single number, but {name} has indices")


_Handler: TypeAlias = Callable[[Declarations, Line], None]
_DECLARATIONS: dict[str, _Handler] = {
    **dict.fromkeys(TEXT_KEYWORDS, Declarations._text),
    "index": Declarations._index,
    "input": Declarations._input,
    "label": Declarations._label,
    "function": Declarations._function,
}
_AFTER_DEFINITIONS: dict[str, _Handler] = {
    "upstream": Declarations._upstream,
    "batch": Declarations._batch,
    "loss": Declarations._loss,
}


def nodes_of(tree: Node) -> list[Node]:
    """The children that are nodes."""
    return [child for child in tree.children if child is not None and not isinstance(child, Token)]


def tokens_of(tree: Node | Token) -> list[Token]:
    """The children that are tokens."""
    assert not isinstance(tree, Token)
    return [child for child in tree.children if isinstance(child, Token)]


def _last_token(tree: Node) -> Token:
    token = tree.children[-1]
    assert isinstance(token, Token)
    return token
