"""What the parameters of a function stand for, and how its result is laid out.

The function is found by reading its file; nothing is run here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from symderiv.check.code.errors import CodeError
from symderiv.check.code.layout import Layout, read_layout
from symderiv.check.code.target import Target, letters_of, names, whole
from symderiv.expression.nodes import Entry, Expression, Index, Size
from symderiv.notation.errors import NotationError, Source, quoted
from symderiv.notation.reader import parse_expression
from symderiv.problem import Problem
from symderiv.system import read_bytes, reason

__all__ = ["CodeError", "Declaration", "Function", "Role", "declare", "find_function"]

#: The longest file that is read, in bytes.
MAX_CODE = 1_000_000
_HEADER = re.compile(r"[ \t]*#[ \t]*symderiv:[ \t]*(\w+)[ \t]*\((.*)\)[ \t]*(?:->[ \t]*(.*?))?[ \t]*")
_LABEL = re.compile(r"\s*(\w+)\s*(?:\[([^\]]*)\])?\s*")


@dataclass(frozen=True)
class Function:
    """A function in a file, as it is written.

    Attributes
    ----------
    path, name, line
        Where it stands.
    parameters
        Each parameter that takes a value, and whether it may be left out.
    positional
        Those that can be given by their place, in order.
    roles, returns
        What a header comment says of them, each in its column of the comment.
    header, header_line
        That comment, and which line of the file it is; empty and 0 where there is none.
    """

    path: Path
    name: str
    line: int
    parameters: Mapping[str, bool]
    positional: tuple[str, ...] = ()
    roles: str = ""
    returns: str = ""
    header: str = ""
    header_line: int = 0


@dataclass(frozen=True)
class Role:
    """What one parameter is given: the value of an expression, or places where it is a label."""

    parameter: str
    value: Expression
    letters: tuple[Index, ...]
    layout: Layout
    label: bool = False


@dataclass(frozen=True)
class Declaration:
    """The roles of all parameters, and the layout of the result."""

    roles: tuple[Role, ...]
    result: Layout


def find_function(text: str) -> Function:
    """The function that ``FILE.py::name`` means.

    Raises
    ------
    CodeError
        If the file cannot be read, is no Python, or has no such function.
    """
    file, separator, name = text.rpartition("::")
    if not (separator and file and name.isidentifier()):
        raise CodeError(f"--code: expected FILE.py::function, found {quoted(text)!r}")
    path = Path(file)
    code = _text_of(path)
    try:
        tree = ast.parse(code, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        told = error.msg if isinstance(error, SyntaxError) else str(error)
        raise CodeError(f"{path}{line}: expected Python, found: {told}") from None
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    if name not in functions:
        there = ", ".join(functions) or "none"
        raise CodeError(f"--code: expected a function of {path} (it has {there}), found {name!r}")
    found = functions[name]
    by_place = tuple(each.arg for each in (*found.args.posonlyargs, *found.args.args))
    read = Function(path, name, found.lineno, _parameters(found), by_place)
    for number, line in enumerate(code.splitlines(), 1):
        match = _HEADER.fullmatch(line)
        if match and match[1] == name:
            roles, returns = (" " * max(0, match.start(part)) + (match[part] or "") for part in (2, 3))
            return replace(read, roles=roles, returns=returns, header=line, header_line=number)
    return read


def _text_of(path: Path) -> str:
    try:
        data = read_bytes(path, MAX_CODE + 1)
    except OSError as error:
        raise CodeError(f"{quoted(str(path), 200)}: cannot read it: {reason(error)}") from None
    if len(data) > MAX_CODE:
        raise CodeError(f"{path}: expected at most {MAX_CODE} bytes, found more")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CodeError(f"{path}: expected UTF-8 text, found other bytes") from None


def _parameters(function: ast.FunctionDef) -> dict[str, bool]:
    given = function.args
    plain = [*given.posonlyargs, *given.args]
    first_default = len(plain) - len(given.defaults)
    found = {each.arg: place >= first_default for place, each in enumerate(plain)}
    for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        found[each.arg] = default is not None
    return found


def declare(function: Function, target: Target, args: str = "", returns: str = "") -> Declaration:
    """The declaration of a function: of the command line, then its header, then equal names.

    Parameters
    ----------
    args
        ``S = p[k], x = x[j] as j 1``: the value of each parameter, and where it is not laid out in the order
        of its letters, how.
    returns
        The layout of the result; the letters of the derivative, in order, if empty.

    Raises
    ------
    CodeError, NotationError
        If a role is not understood, or a parameter has none.
    """
    problem = target.problem
    roles: dict[str, Role] = {}
    comment = (str(function.path), function.header_line, function.header)
    for text, written_in in ((function.roles, comment), (args, ("--args", 1, args))):
        for begin, part in _split(text):
            with _error_in(*written_in):
                role = _role(Source(text, ""), begin, part, function, problem)
                roles[role.parameter] = role
    for name, optional in function.parameters.items():
        if name in roles:
            continue
        value = _by_name(problem, name)
        if value is not None:
            roles[name] = value
        elif not optional:
            raise CodeError(
                f"--args: expected what the parameter {name} of {function.name} stands for in {problem.name} "
                f"({names(problem)}); write, for example, --args '{name} = {problem.inputs[0].name}'"
            )
    written, written_in = function.returns, comment
    if returns.strip():
        written, written_in = returns, ("--returns", 1, returns)
    with _error_in(*written_in):
        result = read_layout(written, target.letters, "") if written.strip() else Layout.plain(target.letters)
    ordered = tuple(roles[name] for name in function.parameters if name in roles)
    return Declaration(ordered, result)


@contextmanager
def _error_in(path: str, line: int, text: str) -> Iterator[None]:
    """Give errors the line that holds what is not understood; their columns are already those of the line."""
    try:
        yield
    except NotationError as error:
        raise NotationError(error.message, path, line, error.column, text) from None


def _split(text: str) -> list[tuple[int, str]]:
    """The parts between commas outside of brackets, each with where it begins."""
    found, depth, begin = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            found.append((begin, text[begin:place]))
            begin = place + 1
    found.append((begin, text[begin:]))
    return [(at, part) for at, part in found if part.strip()]


def _role(source: Source, begin: int, part: str, function: Function, problem: Problem) -> Role:
    name, equals, rest = part.partition("=")
    parameter = name.strip()
    at = begin + len(part) - len(part.lstrip())
    if parameter not in function.parameters:
        known = ", ".join(function.parameters) or "it has none"
        raise source.error(
            at, f"expected a parameter of {function.name} ({known}), found {quoted(parameter)!r}"
        )
    if not equals:
        rest = parameter
    value, arranged, layout = _layout_in(rest)
    start = begin + len(part) - len(rest) if equals else at
    placed_value = " " * start + value  # so that errors have the columns of the whole text
    placed_layout = " " * (start + len(value) + len(arranged)) + layout
    value, layout = value.strip(), layout.strip()
    if not value or (arranged and not layout):
        raise source.error(at, f"expected {parameter} = NAME, such as {parameter} = p[k], found no name")
    role = _by_name(problem, value, parameter) or _label(problem, value, parameter, source, at)
    if role is None:
        expression = parse_expression(placed_value, problem, source.path)
        letters = letters_of(expression)
        role = Role(parameter, expression, letters, Layout.plain(letters))
    if layout:
        placed = read_layout(placed_layout, role.letters, source.path)
        role = Role(parameter, role.value, role.letters, placed, role.label)
    return role


def _layout_in(text: str) -> tuple[str, str, str]:
    """The value and the layout of ``x[j] as j 1``."""
    value, word, layout = re.fullmatch(r"(.*?)(?:(\bas\b)(.*))?", text, re.DOTALL).groups("")  # type: ignore[union-attr]
    return value, word, layout


def _by_name(problem: Problem, name: str, parameter: str = "") -> Role | None:
    """The role of a parameter that is called like a name or an axis of the problem."""
    given = problem.input(name)
    if given is None and problem.definition(name) is None and problem.upstream_of(name) is None:
        return Role(parameter or name, Size(name), (), Layout(())) if name in problem.axes else None
    entry = whole(problem, name)
    letters = letters_of(entry)
    label = given is not None and given.label_of is not None
    return Role(parameter or name, entry, letters, Layout.plain(letters), label)


def _label(problem: Problem, text: str, parameter: str, source: Source, at: int) -> Role | None:
    """A label with its letters: a place, which no expression may be."""
    match = _LABEL.fullmatch(text)
    given = problem.input(match[1]) if match else None
    if match is None or given is None or given.label_of is None:
        return None
    written = [word.strip() for word in (match[2] or "").split(",") if word.strip()]
    if len(written) != len(given.axes) or len(set(written)) != len(written):
        axes = ", ".join(given.axes) or "none"
        raise source.error(at, f"expected one letter for each axis of {given.name} ({axes}), found {text!r}")
    indices = tuple(Index(letter, axis) for letter, axis in zip(written, given.axes, strict=True))
    return Role(parameter, Entry(given.name, indices), indices, Layout.plain(indices), True)
