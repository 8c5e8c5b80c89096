"""Reads problem files (``.sd``) and single expressions.

A file is a list of lines, each a definition ``name[indices] = expression`` or a keyword and what it
declares. A line that begins with white space continues the one before it; ``#`` begins a comment
(in ``title``, ``about`` and ``source`` lines only at the beginning of a line). Definitions may
stand in any order and be used before they are made, but not in a circle.

The inverse of a matrix A is written ``inv(A)[i, j]``, its determinant ``det(A)``, and the logarithm of that
``logdet(A)``; what is inverted must have a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lark import Token

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Definition, Derivative, Entry, Expression, Index
from symderiv.notation.assumptions import Property, assumptions_of, condition, property_of
from symderiv.notation.declarations import Declarations, nodes_of
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.expression_parser import Builder
from symderiv.notation.lines import Line, lines_of
from symderiv.notation.names import Names
from symderiv.notation.syntax import MAX_TEXT, Node, parse
from symderiv.problem import Assumption, Expectation, Function, Problem, names_in

#: Lines that are read when all names are known, and what they hold.
_LATER = {"assume": "equation", "expect": "expectation", "derive": "expression"}


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
    return ProblemReader(source, name).read()


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
    result = builder.whole(tree)
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


def parse_assumption(text: str, problem: Problem, path: str = "assumption") -> tuple[Assumption, ...]:
    """Read what may be assumed, such as ``t one_hot`` or ``x > 0``; raises as :func:`parse_expression`."""
    source = _source(text, path)
    if not text.strip():
        raise source.error(0, "expected an assumption, found nothing")
    names = Names.of_problem(problem)
    said = property_of(text)
    if said is not None:
        return assumptions_of(said, names, source, 0)
    tree = parse(source, "equation", 0, text)
    builder = Builder(names, source, 0)
    names.infer(tree, builder.error)
    found = _equation(builder, tree) if tree.children[1] == "==" else condition(builder.condition(tree))
    builder.finish()
    return (found,)


def _source(text: str, path: str) -> Source:
    source = Source(text, path)
    if len(text) > MAX_TEXT:
        raise source.error(0, f"this text has more than {MAX_TEXT} characters: split it")
    return source


@dataclass(frozen=True)
class _Left:
    """The left side of a definition, and the syntax of its right side."""

    name: str
    letters: list[Token]
    body: Node
    line: Line


class ProblemReader:
    """Reads one file: declarations and left sides first, then everything that uses them."""

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name
        self.said = Declarations(source)
        self.names = self.said.names
        self.lefts: list[_Left] = []

    def read(self) -> Problem:
        """The problem that the source states."""
        return self.read_lines(lines_of(self.source))

    def read_lines(self, lines: list[Line]) -> Problem:
        """The problem that some lines of the source state."""
        self.said.read(lines, after_definitions=False)
        for line in lines:
            if line.keyword == "":
                self._left_side(line)
        self.said.read(lines, after_definitions=True)
        self.check_defined()
        later = [
            (line, self._syntax(line)) for line in lines if line.keyword in _LATER and not _property(line)
        ]
        self.infer(later)
        definitions = tuple(self._definition(left) for left in self.lefts)
        self._check_cycles(definitions)
        problem = Problem(
            name=self.name,
            title=self.said.words.get("title", ""),
            about=self.said.words.get("about", ""),
            source=self.said.words.get("source", ""),
            letters=tuple(self.said.letters),
            inputs=tuple(self.names.inputs.values()),
            definitions=definitions,
            upstream=tuple(self.names.upstream.values()),
            functions=tuple(Function(name, arity) for name, arity in self.names.functions.items()),
            assumptions=self._assumptions(lines, later),
            expectations=tuple(self._expectation(*each) for each in later if each[0].keyword != "assume"),
            batched=tuple(self.said.batched),
            loss=self.said.loss is not None,
        )
        self.said.check_loss(problem)
        return problem

    # --- definitions ---------------------------------------------------------------------------

    def _left_side(self, line: Line) -> None:
        tree = self.said.tree(line, "definition")
        left, body = nodes_of(tree)
        error = self.said.error_at(line)
        if left.data not in ("name", "entry"):
            raise error(left, "expected a name with distinct index letters on the left of =, such as p[i]")
        name_token, *parts = left.children
        assert isinstance(name_token, Token)
        kind = self.names.kind(str(name_token))
        if kind == "a definition":
            raise error(left, f"{name_token} is already defined: every name is defined once")
        name = self.said.new_name(line, name_token, "the definition")
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

    def check_defined(self) -> None:
        """Raise an error where the source defines nothing."""
        if not self.lefts and not self.names.upstream:
            raise self.source.error(0, "nothing is defined: expected a line such as p[i] = exp(z[i])")

    def infer(self, later: list[tuple[Line, Node]]) -> None:
        """Find the axis of every letter from where it stands, in definitions and in `later` lines."""
        for left in self.lefts:
            for token in left.letters:
                if not self.names.is_letter(str(token)):
                    kind = self.names.kind(str(token))
                    raise self.said.error_at(left.line)(token, f"{token} is {kind}: expected an index letter")
            self.names.note_left_side(left.name, left.letters, self.said.error_at(left.line))
        for left in self.lefts:
            self.names.infer(left.body, self.said.error_at(left.line))
        for line, tree in later:
            self.names.infer(tree, self.said.error_at(line))

    def _definition(self, left: _Left) -> Definition:
        indices = []
        for token in left.letters:
            axis = self.names.letter_axis(str(token))
            if axis is None:
                raise self.said.error_at(left.line)(
                    token,
                    f"the axis of {token} is not known from its use: add a line 'index {token} : K'",
                )
            indices.append(Index(str(token), axis))
        builder = Builder(self.names, self.source, left.line.begin, [str(token) for token in left.letters])
        body = builder.whole(left.body)
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
        shown = circle if len(circle) <= 6 else [*circle[:4], "...", circle[-1]]
        return self.source.error(at, f"these definitions need each other: {' needs '.join(shown)}")

    # --- assumptions and expectations ----------------------------------------------------------

    def _syntax(self, line: Line) -> Node:
        return self.said.tree(line, _LATER[line.keyword])

    def _assumptions(self, lines: list[Line], later: list[tuple[Line, Node]]) -> tuple[Assumption, ...]:
        trees = {line.begin: tree for line, tree in later if line.keyword == "assume"}
        found: list[Assumption] = []
        for line in lines:
            said = _property(line)
            if said is not None:
                found += assumptions_of(said, self.names, self.source, line.begin)
            elif line.begin in trees:
                found.append(self._assumption(line, trees[line.begin]))
        return tuple(found)

    def _assumption(self, line: Line, tree: Node) -> Assumption:
        builder = Builder(self.names, self.source, line.begin)
        if tree.children[1] == "==":
            assumption = _equation(builder, tree)
        else:
            assumption = condition(builder.condition(tree))
        builder.finish()
        return assumption

    def _expectation(self, line: Line, tree: Node) -> Expectation:
        if line.keyword == "derive":
            builder = Builder(self.names, self.source, line.begin)
            derivative = self._derivative(builder, tree)
            builder.finish()
            return Expectation(derivative)
        equation, *assuming = nodes_of(tree)
        left, _, right = equation.children
        _check_equals(self.said.error_at(line), equation)
        assert not isinstance(left, Token)
        assert not isinstance(right, Token)
        builder = Builder(self.names, self.source, line.begin)
        derivative = self._derivative(builder, left)
        builder.finish()
        free = [index.name for index in free_indices(derivative)]
        builder = Builder(self.names, self.source, line.begin, free)
        form = builder.whole(right)
        builder.finish()
        assumptions = []
        for each in assuming:
            builder = Builder(self.names, self.source, line.begin)
            assumptions.append(_equation(builder, each))
            builder.finish()
        return Expectation(derivative, form, tuple(assumptions))

    def _derivative(self, builder: Builder, tree: Node) -> Derivative:
        value = builder.whole(tree)
        if not isinstance(value, Derivative):
            raise builder.error(tree, "expected a derivative such as d(p[i], z[j])")
        if not isinstance(value.of, Entry):
            raise builder.error(tree, "only a name can be differentiated here: define the expression")
        return value


def _property(line: Line) -> Property | None:
    """The property of an array that a line assumes, if it is such a line."""
    return property_of(line.text) if line.keyword == "assume" else None


def _equation(builder: Builder, tree: Node) -> Assumption:
    _check_equals(builder.error, tree)
    left, _, right = tree.children
    assert not isinstance(left, Token)
    assert not isinstance(right, Token)
    return Assumption(builder.whole(left), builder.whole(right))


def _check_equals(error: Callable[[Node | Token, str], NotationError], tree: Node) -> None:
    sign = tree.children[1]
    if sign != "==":
        assert isinstance(sign, Token)
        raise error(sign, f"expected ==, found {sign}")
