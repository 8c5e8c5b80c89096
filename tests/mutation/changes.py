"""Mutants: the source of one module with one small change.

A comparison or an operator turned, a constant moved, a condition negated or left out, two arguments swapped,
a value returned as None, a statement left out.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "symderiv"
#: The rooms whose source is changed.
ROOMS = ("calculus", "proof")
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """Where and how a module can be changed: the number of a node in it, and of a way to change that node."""

    module: str
    node: int
    way: int

    @property
    def file(self) -> Path:
        return ROOT / Path(*self.module.split(".")).with_suffix(".py")


@dataclass(frozen=True)
class Mutant:
    """One change of one module: where it is, what it was and what it is now."""

    spot: Spot
    function: str
    #: The lines that run where the change is, the narrowest first: of the part, its statement, its function.
    lines: tuple[tuple[int, int], ...]
    before: str
    after: str
    tree: ast.Module
    #: Whether nothing was changed: two arguments swapped that are one.
    same: bool


def digest(file: Path) -> str:
    """What a file holds, in a few characters."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


@cache
def _source(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def spots(room: str) -> Iterator[Spot]:
    """Where and how the modules of a room can be changed."""
    for path in sorted((PACKAGE / room).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.name == "__init__.py":  # holds no code, and its module has another name
            continue
        tree = ast.parse(_source(path))
        silent = _annotations(tree)
        for place, node in enumerate(ast.walk(tree)):
            if id(node) not in silent:
                for way in range(len(_changes(tree, node))):
                    yield Spot(module, place, way)


def mutant_at(spot: Spot) -> Mutant:
    """The module with that change."""
    tree = ast.parse(_source(spot.file))
    node = list(ast.walk(tree))[spot.node]
    assert isinstance(node, ast.expr | ast.stmt)
    around = _around(tree, node)
    function = ".".join(each.name for each in around if isinstance(each, ast.FunctionDef | ast.ClassDef))
    statement = next(each for each in reversed(around) if isinstance(each, ast.stmt))
    outer = next((each for each in around if isinstance(each, ast.FunctionDef)), statement)
    lines = (_header(node), _header(statement), (outer.lineno, outer.lineno))
    before, dumped = ast.unparse(node), ast.dump(tree)
    there = _changes(tree, node)[spot.way]() or node
    ast.fix_missing_locations(tree)
    after = "(left out)" if isinstance(there, ast.Pass) else ast.unparse(there)
    return Mutant(spot, function, lines, _short(before), _short(after), tree, ast.dump(tree) == dumped)


def _short(text: str) -> str:
    first, *more = text.split("\n")
    return f"{first} ..." if more else first


def _around(tree: ast.AST, node: ast.AST) -> list[ast.AST]:
    """The nodes around a node, the outermost first, and itself."""
    parents = {id(child): each for each in ast.walk(tree) for child in ast.iter_child_nodes(each)}
    chain = [node]
    while id(chain[-1]) in parents:
        chain.append(parents[id(chain[-1])])
    return chain[::-1]


def _header(node: ast.expr | ast.stmt) -> tuple[int, int]:
    """The lines of a node; of a statement with a body, those before the body."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return node.lineno, max(node.lineno, body[0].lineno - 1)
    return node.lineno, node.end_lineno or node.lineno


def _annotations(tree: ast.AST) -> set[int]:
    """The nodes that only say of what type something is, or what a function is for."""
    found: set[int] = set()
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if (part := getattr(node, name, None)) is not None:
                found.update(id(each) for each in ast.walk(part))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            found.update(id(each) for each in ast.walk(node))
    return found


def _changes(tree: ast.AST, node: ast.AST) -> list[Callable[[], ast.AST | None]]:
    """The ways to change a node in its tree; each says what stands there then, if it is another node."""
    options: list[Callable[[], ast.AST | None]] = []
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            options = [lambda: setattr(node, "ops", [_COMPARISONS[type(op)]()])]
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            options = [lambda: setattr(node, "op", _OPERATORS[type(op)]())]
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            options = [lambda: setattr(node, "op", other)]
            options += [
                lambda rest=(*values[:place], *values[place + 1 :]): (
                    setattr(node, "values", list(rest)) if len(rest) > 1 else _put(tree, node, rest[0])
                )
                for place in range(min(len(values), 4))
            ]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            options = [lambda: _put(tree, node, operand)]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            options = [lambda: _put(tree, node, operand)]
        case ast.Constant(value=bool(value)):
            options = [lambda: setattr(node, "value", not value)]
        case ast.Constant(value=int(value)):
            options = [lambda: setattr(node, "value", value + 1)]
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            options = [lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), test))]
            if isinstance(node, ast.If):
                options.append(lambda: setattr(node, "test", ast.Constant(False)))
        case ast.Return(value=value) if value is not None and not _is_none(value):
            options = [lambda: setattr(node, "value", ast.Constant(None))]
        case ast.Call(args=[first, second, *rest]) if not isinstance(first, ast.Starred) and not isinstance(
            second, ast.Starred
        ):
            options = [lambda: setattr(node, "args", [second, first, *rest])]
        case ast.Expr(value=ast.Call()) | ast.Continue() | ast.Break() | ast.AugAssign():
            options = [lambda: _put(tree, node, ast.Pass())]
    return options


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _put(tree: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """Let `new` stand where `old` does."""

    class Changer(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else super().generic_visit(node)

    Changer().visit(tree)
    return new
