"""A mutant in place of its module where everything is imported: the code of its functions is changed."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutation.changes import Mutant

#: The functions that there are, by their code.
Functions = dict[CodeType, list[FunctionType]]
#: CO_OPTIMIZED: the code of a function, and not of a module or a class.
_FUNCTION = 0x1


def functions(files: frozenset[str]) -> Functions:
    """Every function of those files that is alive."""
    found: Functions = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename in files:
            found.setdefault(each.__code__, []).append(each)
    return found


def swaps(mutant: Mutant, alive: Functions) -> list[tuple[FunctionType, CodeType]] | None:
    """The functions that a mutant changes, with their new code; None where that is not all that it changes.

    The module's own lines, a class body, a default or a decorator have run already: such a mutant has to be
    imported afresh.
    """
    found: list[tuple[FunctionType, CodeType]] = []
    for old, new in _changed(_unchanged(mutant.spot.file), _compiled(mutant)):
        if not old.co_flags & _FUNCTION or old not in alive or old.co_freevars != new.co_freevars:
            return None
        found.extend(
            (function, code) for before, code in _within(old, new) for function in alive.get(before, ())
        )
    return found


def _within(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """A function that differs, and those inside of it: closures made at import are alive already."""
    yield old, new
    parts = [[each for each in code.co_consts if isinstance(each, CodeType)] for code in (old, new)]
    for before, after in zip(*parts, strict=False):
        if before != after and before.co_name == after.co_name and before.co_freevars == after.co_freevars:
            yield from _within(before, after)


@cache
def _unchanged(file: Path) -> CodeType:
    return compile(file.read_text(encoding="utf-8"), str(file), "exec")


def _compiled(mutant: Mutant) -> CodeType:
    return compile(mutant.tree, str(mutant.spot.file), "exec")


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The outermost functions that differ; where a module or a class differs itself, that."""
    if old == new:
        return
    parts = [[each for each in code.co_consts if isinstance(each, CodeType)] for code in (old, new)]
    if old.co_flags & _FUNCTION or _own(old) != _own(new) or len(parts[0]) != len(parts[1]):
        yield old, new
        return
    for before, after in zip(*parts, strict=True):
        yield from _changed(before, after)


def _own(code: CodeType) -> tuple[Any, ...]:
    """What a code holds besides the code within it."""
    constants = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return code.co_code, code.co_names, code.co_varnames, constants


def import_afresh(mutant: Mutant) -> None:
    """Forget the package and its tests, and let the mutant be imported in place of its module."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("symderiv", "tests") and not name.startswith("tests.mutation"):
            del sys.modules[name]
    sys.meta_path.insert(0, _Finder(mutant))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> Any:
        if name != self.mutant.spot.module:
            return None
        file: Path = self.mutant.spot.file
        return importlib.util.spec_from_file_location(name, file, loader=self)

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(_compiled(self.mutant), module.__dict__)
