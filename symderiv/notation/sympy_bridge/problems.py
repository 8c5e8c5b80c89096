"""A problem from SymPy expressions: arrays, axes and letters are found from how they are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sympy

from symderiv.expression.nodes import Definition, Index
from symderiv.notation.sympy_bridge.functions import BridgeError
from symderiv.notation.sympy_bridge.indexed import from_sympy
from symderiv.notation.tex.axes import AxisClash, AxisTable
from symderiv.problem import Input, Problem


def problem_from_sympy(expression: Any, name: str = "problem", output: str = "f") -> Problem:
    """A problem that defines what some SymPy expressions say.

    Parameters
    ----------
    expression
        An expression, an equation ``Eq(p[i], ...)`` that defines a name, or a list of these.
    name
        What the problem is called.
    output
        The name that an expression without one gets; its letters are the free ones, in alphabetical order.

    Raises
    ------
    BridgeError
        If a part has no counterpart, a letter ranges over two axes, or a name is defined twice.
    """
    several = list(expression) if isinstance(expression, Sequence) else [expression]
    return _Finder([_definition(each, output) for each in several]).problem(name)


def _definition(given: Any, output: str) -> tuple[str, tuple[Any, ...], Any]:
    """The name, the index letters and the body of a definition."""
    if isinstance(given, sympy.Eq):
        left, body = given.args
        if isinstance(left, sympy.Indexed) and all(term.is_Symbol for term in left.indices):
            return str(left.base.label), tuple(left.indices), body
        if left.is_Symbol:
            return left.name, (), body
        raise BridgeError(f"expected a name with index letters on the left of an equation, found {left}")
    if not isinstance(given, sympy.Expr):
        raise BridgeError(f"expected an expression or an equation, found {given}")
    return output, tuple(sorted(_letters(given) - _bound(given), key=str)), given


def _places(body: Any) -> Iterator[Any]:
    for part in sympy.preorder_traversal(body):
        if isinstance(part, sympy.Indexed):
            yield from part.indices
        elif isinstance(part, sympy.KroneckerDelta):
            yield from part.args[:2]


def _letters(body: Any) -> set[Any]:
    return {term for term in _places(body) if term.is_Symbol} | _bound(body)


def _bound(body: Any) -> set[Any]:
    binders = [part for part in sympy.preorder_traversal(body) if isinstance(part, sympy.Sum | sympy.Product)]
    return {limit[0] for binder in binders for limit in binder.limits}


class _Finder:
    """Ties letters to index places, and places to axes."""

    def __init__(self, definitions: list[tuple[str, tuple[Any, ...], Any]]) -> None:
        self.definitions = definitions
        self.table = AxisTable({})
        self.ranks: dict[str, int] = {}
        self.letters: dict[str, None] = {}
        self.sizes: dict[str, None] = {}

    def problem(self, name: str) -> Problem:
        """The problem that the definitions make."""
        for defined, indices, body in self.definitions:
            if self.ranks.setdefault(defined, len(indices)) != len(indices):
                raise BridgeError(
                    f"expected {self.ranks[defined]} indices on {defined}, found {len(indices)}"
                )
            self._tie(defined, indices)
            self._look(body)
        names = [defined for defined, _, _ in self.definitions]
        if len(set(names)) < len(names):
            raise BridgeError(f"expected each name to be defined once, found {', '.join(names)}")
        numbers = {
            symbol.name: 0 for _, _, body in self.definitions for symbol in sorted(body.free_symbols, key=str)
            if symbol.is_Symbol and not isinstance(symbol, sympy.Indexed)
            and symbol.name not in {**self.ranks, **self.letters, **self.sizes}
        }  # fmt: skip
        self.ranks.update(numbers)
        self.table.name_the_rest({*self.ranks, *self.letters})
        inputs = tuple(
            Input(array, tuple(self.table.axis(("array", array, place)) for place in range(rank)))
            for array, rank in self.ranks.items()
            if array not in names
        )
        letters = tuple(Index(letter, self.table.axis(("letter", letter, 0))) for letter in self.letters)
        # Bodies are read in the names of everything, the definitions as arrays of their own.
        known = {given.name: given for given in inputs}
        heads = {
            defined: tuple(
                Index(str(letter), self.table.axis(("letter", str(letter), 0))) for letter in indices
            )
            for defined, indices, _ in self.definitions
        }
        stated = [Input(defined, tuple(index.axis for index in head)) for defined, head in heads.items()]
        scope = Problem(name, letters=letters, inputs=(*known.values(), *stated))
        bodies = tuple(
            Definition(defined, heads[defined], from_sympy(body, scope))
            for defined, _, body in self.definitions
        )
        return replace(scope, inputs=inputs, definitions=bodies)

    def _look(self, body: Any) -> None:
        for part in sympy.preorder_traversal(body):
            if isinstance(part, sympy.Indexed):
                array = str(part.base.label)
                if self.ranks.setdefault(array, len(part.indices)) != len(part.indices):
                    raise BridgeError(
                        f"expected {self.ranks[array]} indices on {array}, found {len(part.indices)}"
                    )
                self._tie(array, part.indices)
            elif isinstance(part, sympy.KroneckerDelta):
                one, other = part.args[:2]
                if one.is_Symbol and other.is_Symbol:
                    self._letter(one)
                    self._letter(other)
                    self._tied(("letter", one.name, 0), ("letter", other.name, 0))
            elif isinstance(part, sympy.Sum | sympy.Product):
                for letter, first, last in part.limits:
                    size = last if first == 1 else last + 1 if first == 0 else None
                    if size is None or not size.is_Symbol:
                        raise BridgeError(f"expected a sum over a whole axis, found {first} to {last}")
                    self._letter(letter)
                    self.sizes.setdefault(size.name)
                    try:
                        self.table.name(("letter", letter.name, 0), size.name)
                    except AxisClash as clash:
                        raise BridgeError(str(clash)) from None

    def _letter(self, letter: Any) -> None:
        self.letters.setdefault(letter.name)
        self.table.touch(("letter", letter.name, 0))

    def _tie(self, array: str, indices: Sequence[Any]) -> None:
        for place, term in enumerate(indices):
            self.table.touch(("array", array, place))
            if term.is_Symbol:
                self._letter(term)
                self._tied(("letter", term.name, 0), ("array", array, place))

    def _tied(self, one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
        try:
            self.table.tie(one, other)
        except AxisClash as clash:
            raise BridgeError(str(clash)) from None
