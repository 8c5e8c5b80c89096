"""Mutation testing: ``python -m tests.mutation --rooms calculus proof --count 100 --seed 1``.

A mutant is the source of one module with one small change: a comparison or an operator turned, a constant
moved, a condition negated or left out, two arguments swapped, a value returned as None. Each is judged by the
quick tests of its room, in a process forked from a warm one; tests that fail, or run out of time, kill it.
The report names every survivor, and the score with its 95 % interval (Wilson).
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.abc
import importlib.util
import math
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = Path(__file__).parents[1] / "symderiv"
#: The tests that judge a room's mutants, the telling ones first.
JUDGES = {
    "calculus": (
        "tests/calculus/test_rules.py", "tests/calculus/test_known_forms.py", "tests/calculus/test_kinks.py",
        "tests/calculus/test_backward.py", "tests/calculus/test_shifts.py",
    ),
    "proof": (
        "tests/proof/test_prove.py", "tests/proof/test_counterexample.py", "tests/proof/test_assumptions.py",
        "tests/proof/test_certificate.py", "tests/proof/test_prove_labels.py", "tests/proof/test_shifts.py",
        "tests/proof/test_symmetric.py", "tests/proof/test_unspecified.py", "tests/proof/test_kinks.py",
    ),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one module: where it is, what it was and what it is now."""

    module: str
    line: int
    before: str
    after: str
    source: str


#: A module, the number of a node in it, and the number of a way to change that node.
Spot = tuple[Path, int, int]


def spots(path: Path) -> Iterator[Spot]:
    """Where and how a module can be changed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = _annotations(tree)
    for place, node in enumerate(ast.walk(tree)):
        if id(node) not in silent:
            for way in range(len(_changes(tree, node))):
                yield path, place, way


def mutant_at(spot: Spot) -> Mutant:
    """The module with that change."""
    path, place, way = spot
    tree = ast.parse(path.read_text(encoding="utf-8"))
    node = list(ast.walk(tree))[place]
    assert isinstance(node, ast.expr | ast.stmt)
    line, before = node.lineno, ast.unparse(node)
    _changes(tree, node)[way]()
    ast.fix_missing_locations(tree)
    after = ast.unparse(node)
    after = "(left out)" if after == before else after
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return Mutant(module, line, before.split("\n")[0], after.split("\n")[0], ast.unparse(tree))


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


def _changes(tree: ast.AST, node: ast.AST) -> list[Callable[[], None]]:
    """The ways to change a node in its tree."""
    options: list[Callable[[], None]] = []
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            options = [lambda: setattr(node, "ops", [_COMPARISONS[type(op)]()])]
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            options = [lambda: setattr(node, "op", _OPERATORS[type(op)]())]
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            options = [lambda: setattr(node, "op", other)]
            options += [
                lambda place=place: setattr(node, "values", [*values[:place], *values[place + 1 :]])
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


def _put(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Let `new` stand where `old` does."""

    class Changer(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else super().generic_visit(node)

    Changer().visit(tree)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> Any:
        if name != self.mutant.module:
            return None
        file = PACKAGE.parent / Path(*name.split(".")).with_suffix(".py")
        return importlib.util.spec_from_file_location(name, file, loader=self)

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.source, f"<mutant of {self.mutant.module}>", "exec"), module.__dict__)


def killed_by(mutant: Mutant | None, tests: tuple[str, ...], seconds: int) -> str:
    """What kills a mutant: ``tests`` or ``time``; empty where it survives. Runs in a process of its own."""
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        status = 97
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            if mutant is not None:
                sys.meta_path.insert(0, _Finder(mutant))
            import pytest

            status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
        finally:
            os._exit(status)
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            break
        if time.perf_counter() - began > 20 * seconds:  # waiting for something, and not computing
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        time.sleep(0.05)
    code = os.waitstatus_to_exitcode(status)
    return "" if code == 0 else "time" if code < 0 else "tests"


def wilson(part: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z = 1.96
    share, spread = part / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return middle - half, middle + half


def main() -> int:
    """Judge a sample of mutants, and print the survivors and the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Mutation testing.")
    parser.add_argument("--rooms", nargs="+", choices=JUDGES, default=list(JUDGES))
    parser.add_argument("--count", type=int, default=100, help="how many mutants of each room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--seconds", type=int, default=40, help="processor seconds for the tests of one mutant"
    )
    parser.add_argument("--only", help="only modules whose name holds this word")
    options = parser.parse_args()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    import hypothesis  # noqa: F401  (whatever is no part of the package is imported once, for all)
    import lark  # noqa: F401
    import mpmath  # noqa: F401
    import pytest  # noqa: F401
    import sympy  # noqa: F401

    rng = random.Random(options.seed)
    for room in options.rooms:
        everything = [
            spot
            for path in sorted((PACKAGE / room).rglob("*.py"))
            if options.only is None or options.only in path.stem
            for spot in spots(path)
        ]
        if killed_by(None, JUDGES[room], 10 * options.seconds):
            print(f"{room}: the tests fail without any mutant")
            return 1
        sample = rng.sample(everything, min(options.count, len(everything)))
        survivors = 0
        for number, spot in enumerate(sample, 1):
            mutant = mutant_at(spot)
            killed = killed_by(mutant, JUDGES[room], options.seconds)
            if not killed:
                survivors += 1
                print(
                    f"SURVIVED {mutant.module}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True
                )
            if number % 10 == 0:
                print(f"  {room}: {number} judged, {survivors} survived", flush=True)
        low, high = wilson(len(sample) - survivors, len(sample))
        print(
            f"{room}: {len(sample)} of {len(everything)} mutants judged, {len(sample) - survivors} killed: "
            f"{(len(sample) - survivors) / len(sample):.0%} (95 %: {low:.0%} to {high:.0%})",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
