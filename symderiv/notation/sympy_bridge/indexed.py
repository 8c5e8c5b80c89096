"""Expressions with their indices, as ``Sum``, ``IndexedBase`` and ``KroneckerDelta``, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from symderiv.expression.nodes import (
    Add,
    Call,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Multiply,
    Number,
    PlaceTerm,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import is_within, linear, shifted
from symderiv.expression.traverse import compared_values
from symderiv.notation.sympy_bridge.functions import BridgeError, apply_function
from symderiv.notation.text import distinct_letters
from symderiv.problem import Problem


def to_sympy(expression: Expression) -> Any:
    """`expression` with its indices: ``Sum`` from 1 to the axis' size, ``IndexedBase``, ``KroneckerDelta``.

    An entry at a shifted index, ``x[i + k]``, is exported as it stands; where it is outside of its array it
    counts as 0, which SymPy does not know.

    Raises
    ------
    BridgeError
        For a part that SymPy cannot say with indices (a maximum over an axis).
    """
    # SymPy folds a condition out of a sum even where the sum binds a letter that is bound outside as well.
    return _exported(distinct_letters(expression))


def _exported(expression: Expression) -> Any:
    match expression:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Size(axis):
            return sympy.Symbol(axis, integer=True, positive=True)
        case Entry(array, indices):
            if not indices:
                return sympy.Symbol(array)
            return sympy.IndexedBase(array)[tuple(_indexed(term) for term in indices)]
        case Delta(left, right):
            return sympy.KroneckerDelta(_indexed(left), _indexed(right))
        case Add(terms):
            return sympy.Add(*(_exported(term) for term in terms))
        case Multiply(factors):
            return sympy.Mul(*(_exported(factor) for factor in factors))
        case Power(base, exponent):
            return _exported(base) ** _exported(exponent)
        case Call(function, arguments):
            return apply_function(function, [_exported(part) for part in arguments])
        case Sum(index, body, condition):
            inner = _exported(body)
            if condition is not None:
                inner = sympy.Piecewise((inner, _condition(condition)), (0, True))
            return sympy.Sum(inner, (_indexed(index), 1, _exported(Size(index.axis))))
        case Product(index, body, condition):
            inner = _exported(body)
            if condition is not None:
                inner = sympy.Piecewise((inner, _condition(condition)), (1, True))
            return sympy.Product(inner, (_indexed(index), 1, _exported(Size(index.axis))))
        case Extremum(kind, index, _):
            raise BridgeError(f"SymPy has no {kind} over an index, found one over {index.name}")
        case Where(condition, then, otherwise):
            return sympy.Piecewise((_exported(then), _condition(condition)), (_exported(otherwise), True))
        case Derivative(of, by):
            return sympy.Derivative(_exported(of), *(_exported(entry) for entry in by))


def _indexed(term: IndexTerm) -> Any:
    match term:
        case Index(name, _):
            return sympy.Symbol(name, integer=True)
        case Position(value, _):
            return sympy.Integer(value)
        case Shift(terms, offset, _):
            return sympy.Add(*(count * _indexed(inner) for count, inner in terms), offset)
        case Entry(array, indices):
            if not indices:
                return sympy.Symbol(array, integer=True)
            return sympy.IndexedBase(array, integer=True)[tuple(_indexed(inner) for inner in indices)]


def _condition(condition: Compare) -> Any:
    relations = {
        "<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge, "==": sympy.Eq, "!=": sympy.Ne,
    }  # fmt: skip
    values = compared_values(condition)
    if values:
        return relations[condition.operator](_exported(values[0]), _exported(values[1]))
    if is_within(condition):
        assert isinstance(condition.left, PlaceTerm | Entry)
        assert isinstance(condition.right, Size)
        place = _indexed(condition.left)
        return sympy.And(sympy.Ge(place, 1), sympy.Le(place, _exported(condition.right)))
    sides = [
        _indexed(side) if isinstance(side, PlaceTerm | Entry) else _exported(side)
        for side in (condition.left, condition.right)
    ]
    return relations[condition.operator](*sides)


#: SymPy's names for functions that the notation has under another name, or the same.
_FUNCTIONS = {
    name: name for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "gamma", "sign")
} | {"Abs": "abs", "Max": "max", "Min": "min", "Step": "step", "Heaviside": "step"}
_RELATIONS = {
    "StrictLessThan": "<", "LessThan": "<=", "StrictGreaterThan": ">", "GreaterThan": ">=",
    "Equality": "==", "Unequality": "!=",
}  # fmt: skip


def from_sympy(expression: Any, problem: Problem) -> Expression:
    """A SymPy expression in ``Indexed``, ``Sum``, ``Product`` and ``KroneckerDelta`` as a tree.

    Parameters
    ----------
    expression
        The expression. Array names are those of `problem`; sums run from 1 to a symbol with the
        name of an axis. An index letter's axis is known from the arrays that it stands in, the sum
        that binds it, or the letters that the problem declares.
    problem
        Where arrays, axes and letters are declared.

    Raises
    ------
    BridgeError
        If a part has no counterpart, or the axis of an index is not known.
    """
    return _Reader(expression, problem).read(expression)


def _size(first: Any, last: Any) -> str:
    """The size of the axis that a sum runs over whole: from 1 to n, or from 0 to n - 1."""
    return str(last if first == 1 else last + 1 if first == 0 else "")


class _Reader:
    """Reads one SymPy expression."""

    def __init__(self, expression: Any, problem: Problem) -> None:
        self.problem = problem
        self.letters: dict[str, Index] = {index.name: index for index in problem.letters}
        for part in sympy.preorder_traversal(expression):
            if isinstance(part, sympy.Indexed):
                axes = self._axes(str(part.base.label), len(part.indices))
                for term, axis in zip(part.indices, axes, strict=True):
                    if term.is_Symbol and not self._is_label(term):
                        self.letters[term.name] = Index(term.name, axis)
            elif isinstance(part, sympy.Sum | sympy.Product):
                for letter, first, last in part.limits:
                    if _size(first, last) in problem.axes:
                        self.letters[letter.name] = Index(letter.name, _size(first, last))

    def _axes(self, array: str, count: int) -> tuple[str, ...]:
        try:
            axes = self.problem.axes_of(array)
        except KeyError:
            raise BridgeError(f"expected an array of {self.problem.name}, found {array}") from None
        if len(axes) != count:
            raise BridgeError(f"expected {len(axes)} indices on {array}, found {count}")
        return axes

    def _term(self, term: Any, axis: str | None = None) -> IndexTerm:
        if term.is_Symbol and term.name in self.letters:
            return self.letters[term.name]
        if self._is_label(term):
            return Entry(str(term))
        if term.is_Integer and axis is not None:
            return Position(int(term), axis)
        if term.is_Add or term.is_Mul:
            if axis is None:
                raise BridgeError(f"expected an index whose axis is known, found {term}")
            return self._shift(term, axis)
        raise BridgeError(f"expected an index whose axis is known, found {term}")

    def _shift(self, term: Any, axis: str) -> IndexTerm:
        """A sum of letters, each some whole number of times, and of a number."""
        parts: list[tuple[int, IndexTerm]] = []
        offset = 0
        for part in sympy.Add.make_args(term):
            count, rest = part.as_coeff_Mul()
            if not count.is_Integer:
                raise BridgeError(f"expected whole numbers in an index, found {term}")
            if rest == 1:
                offset += int(count)
            else:
                parts.append((int(count), self._term(rest)))
        return shifted(parts, offset, axis)

    def _is_label(self, term: Any) -> bool:
        given = self.problem.input(str(term)) if term.is_Symbol else None
        return given is not None and given.label_of is not None

    def _pair(self, first: Any, second: Any) -> tuple[IndexTerm, IndexTerm]:
        plain = [each.name for each in (first, second) if getattr(each, "name", "") in self.letters]
        inside = [symbol.name for each in (first, second) for symbol in sorted(each.free_symbols, key=str)]
        axes = [self.letters[name].axis for name in (*plain, *inside) if name in self.letters]
        axis = axes[0] if axes else None
        return self._term(first, axis), self._term(second, axis)

    def read(self, node: Any) -> Expression:
        """One node."""
        if node.is_Rational:
            return Number(Fraction(int(node.p), int(node.q)))
        if node.is_Symbol:
            if node.name in self.problem.axes:
                return Size(node.name)
            self._axes(node.name, 0)
            return Entry(node.name)
        if isinstance(node, sympy.Indexed):
            array = str(node.base.label)
            axes = self._axes(array, len(node.indices))
            return Entry(array, tuple(map(self._term, node.indices, axes)))
        if isinstance(node, sympy.KroneckerDelta):
            return Delta(*self._pair(*node.args[:2]))
        if node.is_Add:
            return Add(tuple(self.read(term) for term in node.args))
        if node.is_Mul:
            return Multiply(tuple(self.read(factor) for factor in node.args))
        if node.is_Pow:
            base, exponent = node.args
            if base == sympy.E:
                return Call("exp", (self.read(exponent),))
            if exponent == sympy.Rational(1, 2):
                return Call("sqrt", (self.read(base),))
            return Power(self.read(base), self.read(exponent))
        if node == sympy.pi:
            return Call("pi", ())
        if node == sympy.E:
            return Call("exp", (Number(Fraction(1)),))
        if isinstance(node, sympy.Sum | sympy.Product):
            return self._binder(node)
        if isinstance(node, sympy.Piecewise):
            return self._piecewise(node.args)
        if isinstance(node, sympy.Derivative):
            return self._derivative(node)
        name = _FUNCTIONS.get(node.func.__name__)
        if name is None and node.func == sympy.polygamma and node.args[0] in (0, 1):
            return Call(("digamma", "trigamma")[int(node.args[0])], (self.read(node.args[1]),))
        if name is None:
            raise BridgeError(f"expected an expression that the notation has, found {node}")
        return Call(name, tuple(self.read(part) for part in node.args[: 2 if name in ("max", "min") else 1]))

    def _binder(self, node: Any) -> Expression:
        body = node.function
        condition = None
        if isinstance(body, sympy.Piecewise) and len(body.args) == 2 and body.args[1][1] == sympy.true:
            empty = 0 if isinstance(node, sympy.Sum) else 1
            if body.args[1][0] == empty and len(node.limits) == 1:
                body, condition = body.args[0][0], self._condition(body.args[0][1])
        tree = self.read(body)
        kind = Sum if isinstance(node, sympy.Sum) else Product
        for letter, first, last in node.limits:
            size = _size(first, last)
            if size not in self.problem.axes:
                raise BridgeError(
                    f"expected a sum from 1 to an axis' size (or from 0 to one less), found {first} to {last}"
                )
            tree = kind(Index(letter.name, size), tree, condition)
        return tree

    def _piecewise(self, cases: Sequence[Any]) -> Expression:
        (then, condition), *rest = cases
        if condition == sympy.true:
            return self.read(then)
        if not rest:
            raise BridgeError(f"expected a last case for all that is left, found none after {condition}")
        return Where(self._condition(condition), self.read(then), self._piecewise(rest))

    def _condition(self, condition: Any) -> Compare:
        if isinstance(condition, sympy.And):
            return self._within(condition)
        operator = _RELATIONS.get(condition.func.__name__)
        if operator is None:
            raise BridgeError(f"expected one comparison, found {condition}")
        sides = condition.args
        if any(self._is_place(side) for side in sides):
            return Compare(operator, *self._pair(*sides))
        return Compare(operator, self.read(sides[0]), self.read(sides[1]))

    def _is_place(self, side: Any) -> bool:
        """Whether one side of a comparison is an index: a letter, or a sum with one."""
        return any(symbol.name in self.letters for symbol in side.free_symbols) and not side.has(
            sympy.Indexed
        )

    def _within(self, condition: Any) -> Compare:
        """1 <= i + k <= N, in whichever way SymPy has turned its two sides: the place is one of the axis."""
        sides = [part.gts - part.lts for part in condition.args if isinstance(part, sympy.Ge | sympy.Le)]
        for high in sides if len(sides) == len(condition.args) == 2 else ():
            for symbol in high.free_symbols:
                place = sympy.expand(symbol - high)  # of N - (i + k) >= 0
                fits = any(sympy.expand(low - place + 1) == 0 for low in sides if low is not high)
                if symbol.name in self.problem.axes and symbol not in place.free_symbols and fits:
                    found = self._term(place, symbol.name)
                    if linear(found)[0]:
                        found = shifted([(1, found)], 0, symbol.name)
                    return Compare("in", found, Size(symbol.name))
        raise BridgeError(f"expected one comparison or 1 <= i + k <= N, found {condition}")

    def _derivative(self, node: Any) -> Expression:
        by = []
        for variable, count in node.variable_count:
            entry = self.read(variable)
            if not isinstance(entry, Entry):
                raise BridgeError(f"expected a derivative by entries, found one by {variable}")
            by += [entry] * int(count)
        return Derivative(self.read(node.expr), tuple(by))
