"""One entry written out for given sizes: a plain symbol for every entry of every array.

Nothing indexed is left (``z_1``, ``W_{2,1}``, counted from 1), so SymPy's ordinary differentiation can
be trusted with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product as places
from typing import Any

import sympy

from symderiv.expression.matrices import DETERMINANT, INVERSE, determinant_of, matrix_behind
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
from symderiv.expression.traverse import compared_values
from symderiv.notation.sympy_bridge.functions import BridgeError, Step, apply_function
from symderiv.problem import Problem

#: Places counted from 0, one for each index.
Place = tuple[int, ...]

#: The largest matrix whose inverse is written out by minors.
MAX_MINORS = 4
_INDEX_TESTS = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


def symbol_name(array: str, place: Place) -> str:
    """How an entry is called when it is a plain symbol: ``z_1``, ``W_{2,1}``; a scalar by its name."""
    if not place:
        return array
    numbers = ",".join(str(spot + 1) for spot in place)
    return f"{array}_{numbers}" if len(place) == 1 else f"{array}_{{{numbers}}}"


class Expander:
    """Writes entries out for given sizes.

    Parameters
    ----------
    problem
        Where the definitions stand.
    sizes
        The number of places on each axis.
    labels
        For each label, its places by place, all counted from 0; a scalar label sits at ``()``. A
        label without places stays a symbol y, its δ's ``KroneckerDelta(k, y)`` with places from 1.
    keep
        The definitions that are not expanded: their entries stay symbols.
    extra
        Further arrays with their axes, such as a cotangent.

    Attributes
    ----------
    entries
        For each symbol that was used: the array and the place (from 0) that it stands for. A
        derivative of an unspecified function has the name ``dL_dy`` for its array.
    """

    def __init__(
        self,
        problem: Problem,
        sizes: Mapping[str, int],
        labels: Mapping[str, Mapping[Place, int]] | None = None,
        keep: Iterable[str] = (),
    ) -> None:
        self.problem = problem
        self.sizes = dict(sizes)
        self.labels = {name: dict(table) for name, table in (labels or {}).items()}
        self.keep = frozenset(keep)
        self.entries: dict[Any, tuple[str, Place]] = {}
        self._memory: dict[tuple[str, Place], Any] = {}
        self._slopes: dict[tuple[Any, Any], Any] = {}

    def size(self, axis: str) -> int:
        """The size of an axis."""
        if axis not in self.sizes:
            raise BridgeError(f"the axis {axis} has no size here; expected one of {sorted(self.sizes)}")
        return self.sizes[axis]

    def spots(self, name: str) -> tuple[Place, ...]:
        """Every place of an array, in C order."""
        axes = self.problem.axes_of(name)
        return tuple(places(*(range(self.size(axis)) for axis in axes)))

    def symbol(self, array: str, place: Place) -> Any:
        """The plain symbol of an entry."""
        symbol = sympy.Symbol(symbol_name(array, place))
        self.entries[symbol] = (array, place)
        return symbol

    def upstream_symbol(self, name: str, array: str, spots: Sequence[Place]) -> Any:
        """The symbol of a derivative of an unspecified function; the order of `spots` is immaterial."""
        ordered = sorted(spots)
        order = f"d{len(ordered)}" if len(ordered) > 1 else "d"
        return self.symbol(f"{order}{name}_d{array}", tuple(spot for place in ordered for spot in place))

    def entry(self, name: str, place: Place) -> Any:
        """One entry: a symbol for an input, the expanded body for a definition."""
        key = (name, place)
        if key not in self._memory:
            definition = None if name in self.keep else self.problem.definition(name)
            made = matrix_behind(name)
            if made is not None:
                self._memory[key] = self._of_matrix(*made, place)
            elif definition is None:
                self._memory[key] = self.symbol(name, place)
            else:
                env = dict(zip(definition.indices, place, strict=True))
                self._memory[key] = self.expression(definition.body, env)
        return self._memory[key]

    def _of_matrix(self, kind: str, matrix: str, place: Place) -> Any:
        """An entry of an inverse by minors, or a determinant; leading places tell matrices apart."""
        ahead = place[:-2] if kind == INVERSE else place
        size = self.size(self.problem.axes_of(matrix)[-1])
        if size > MAX_MINORS:
            raise BridgeError(f"an inverse is written out up to size {MAX_MINORS}, found {size}: choose less")
        whole = sympy.Matrix(size, size, lambda row, column: self.entry(matrix, (*ahead, row, column)))
        key = (determinant_of(matrix), ahead)
        if key not in self._memory:
            self._memory[key] = whole.det(method="berkowitz").expand()
        if kind == DETERMINANT:
            return self._memory[key]
        row, column = place[-2:]
        minor = sympy.Integer(1) if size == 1 else whole.cofactor(column, row, method="berkowitz").expand()
        return minor / self._memory[key]

    def place(self, term: IndexTerm, env: Mapping[Index, int]) -> int:
        """The place, from 0, that an index term stands for."""
        match term:
            case Index(name, axis):
                if term not in env:
                    raise BridgeError(f"the index {name} over {axis} has no place here")
                return env[term]
            case Position(value, axis):
                if not 1 <= value <= self.size(axis):
                    raise BridgeError(f"the place {value} is outside the axis {axis} of {self.size(axis)}")
                return value - 1
            case Shift(terms, offset, _):
                return offset - 1 + sum(count * (self.place(inner, env) + 1) for count, inner in terms)
            case Entry(array, indices):
                spot = tuple(self.place(inner, env) for inner in indices)
                if spot not in self.labels.get(array, {}):
                    raise BridgeError(f"the label {array} has no place here")
                return self.labels[array][spot]

    def expression(self, node: Expression, env: Mapping[Index, int]) -> Any:
        """`node` written out, with the places of its free indices, from 0, in `env`."""
        match node:
            case Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Size(axis):
                return sympy.Integer(self.size(axis))
            case Entry(array, indices):
                return self._entry_at(array, indices, (), env)
            case Delta(left, right):
                places_ = [self._place_or_label(term, env) for term in (left, right)]
                if all(isinstance(place, int) for place in places_):
                    return sympy.Integer(int(places_[0] == places_[1]))
                return sympy.KroneckerDelta(
                    *(place + 1 if isinstance(place, int) else place for place in places_)
                )
            case Add(terms):
                return sympy.Add(*(self.expression(term, env) for term in terms))
            case Multiply(factors):
                return sympy.Mul(*(self.expression(factor, env) for factor in factors))
            case Power(base, exponent):
                return self.expression(base, env) ** self.expression(exponent, env)
            case Call(function, arguments):
                return apply_function(function, [self.expression(part, env) for part in arguments])
            case Sum(index, body, condition):
                return sympy.Add(*self._over(index, body, condition, env))
            case Product(index, body, condition):
                return sympy.Mul(*self._over(index, body, condition, env))
            case Extremum(kind, _, _):
                raise BridgeError(f"a {kind} over an axis has no explicit derivative in SymPy")
            case Where(condition, then, otherwise):
                return self._where(condition, then, otherwise, env)
            case Derivative(of, by):
                return self.derivative(of, by, env)

    def _place_or_label(self, term: IndexTerm, env: Mapping[Index, int]) -> Any:
        """The place of an index term, or the symbol of a label that was given none."""
        if isinstance(term, Entry) and term.array not in self.labels:
            spot = tuple(self.place(inner, env) for inner in term.indices)
            return sympy.Symbol(symbol_name(term.array, spot), integer=True)
        if isinstance(term, Shift) and any(
            isinstance(inner, Entry) and inner.array not in self.labels for _, inner in term.terms
        ):
            raise BridgeError("a label that is shifted must have a place")
        return self.place(term, env)

    def _entry_at(
        self, array: str, terms: tuple[IndexTerm, ...], done: Place, env: Mapping[Index, int]
    ) -> Any:
        """One entry; at a label that was given no place, the sum of δ's times the entries."""
        if not terms:
            return self.entry(array, done)
        place = self._place_or_label(terms[0], env)
        if isinstance(terms[0], Shift) and not 0 <= place < self.size(terms[0].axis):
            return sympy.Integer(0)  # an entry outside of its array
        if isinstance(place, int):
            return self._entry_at(array, terms[1:], (*done, place), env)
        axis = self.problem.axes_of(array)[len(done)]
        return sympy.Add(
            *(
                sympy.KroneckerDelta(spot + 1, place) * self._entry_at(array, terms[1:], (*done, spot), env)
                for spot in range(self.size(axis))
            )
        )

    def _over(
        self, index: Index, body: Expression, condition: Compare | None, env: Mapping[Index, int]
    ) -> list[Any]:
        values = []
        for place in range(self.size(index.axis)):
            inner = {**env, index: place}
            if condition is None or self.holds(condition, inner):
                values.append(self.expression(body, inner))
        return values

    def holds(self, condition: Compare, env: Mapping[Index, int]) -> bool:
        """Whether a condition on places holds."""
        if compared_values(condition):
            raise BridgeError("a sum may be restricted by indices only, found a condition on values")
        if isinstance(condition.right, Size):
            assert isinstance(condition.left, PlaceTerm | Entry)
            return 0 <= self.place(condition.left, env) < self.size(condition.right.axis)
        left, right = (
            self.place(side, env) if isinstance(side, PlaceTerm | Entry) else 0
            for side in (condition.left, condition.right)
        )
        return bool(_INDEX_TESTS[condition.operator](left, right))

    def _where(
        self, condition: Compare, then: Expression, otherwise: Expression, env: Mapping[Index, int]
    ) -> Any:
        values = compared_values(condition)
        if not values:
            return self.expression(then if self.holds(condition, env) else otherwise, env)
        left, right = (self.expression(value, env) for value in values)
        met: Any
        match condition.operator:
            case ">":
                met = Step(left - right)
            case "<":
                met = Step(right - left)
            case ">=":
                met = 1 - Step(right - left)
            case "<=":
                met = 1 - Step(left - right)
            case operator:
                raise BridgeError(f"expected an order between values (< <= > >=), found {operator}")
        first, second = self.expression(then, env), self.expression(otherwise, env)
        return second + met * (first - second)

    def derivative(self, of: Expression, by: Sequence[Entry], env: Mapping[Index, int]) -> Any:
        """What SymPy's ``diff`` gives for `of` by each entry of `by`.

        Through an unspecified function L(y) the chain rule is written out with a symbol for each
        ∂L/∂y_k (and each second derivative), and SymPy differentiates the entries of y.
        """
        spots = [tuple(self.place(term, env) for term in entry.indices) for entry in by]
        for entry, spot in zip(by, spots, strict=True):
            for term, place in zip(entry.indices, spot, strict=True):
                if isinstance(term, Shift) and not 0 <= place < self.size(term.axis):
                    return sympy.Integer(0)  # nothing depends on an entry that is not there
        if isinstance(of, Entry) and (unspecified := self.problem.upstream_of(of.array)):
            if all(entry.array == unspecified.of for entry in by):
                return self.upstream_symbol(unspecified.name, unspecified.of, spots)
            variables = [self._variable(entry.array, spot) for entry, spot in zip(by, spots, strict=True)]
            return self._through(unspecified.name, unspecified.of, variables)
        value = self.expression(of, env)
        for entry, spot in zip(by, spots, strict=True):
            value = self._slope(value, self._variable(entry.array, spot))
        return value

    def _variable(self, array: str, place: Place) -> Any:
        variable = self.entry(array, place)
        if not variable.is_Symbol:
            raise BridgeError(f"{array} is differentiated by, so its definition must be kept, not expanded")
        return variable

    def _slope(self, value: Any, variable: Any) -> Any:
        key = (value, variable)
        if key not in self._slopes:
            self._slopes[key] = sympy.diff(value, variable)
        return self._slopes[key]

    def _through(self, name: str, array: str, variables: Sequence[Any]) -> Any:
        inner = [(spot, self.entry(array, spot)) for spot in self.spots(array)]
        if len(variables) == 1:
            terms = [
                self.upstream_symbol(name, array, [spot]) * self._slope(value, variables[0])
                for spot, value in inner
            ]
            return sympy.Add(*terms)
        if len(variables) != 2:
            raise BridgeError(f"expected at most two derivatives of {name}, found {len(variables)}")
        first, second = variables
        total = []
        for spot, value in inner:
            twice = self._slope(self._slope(value, first), second)
            total.append(self.upstream_symbol(name, array, [spot]) * twice)
            for other, more in inner:
                bend = self.upstream_symbol(name, array, [spot, other])
                total.append(bend * self._slope(value, first) * self._slope(more, second))
        return sympy.Add(*total)


def explicit(
    expression: Expression,
    problem: Problem,
    sizes: Mapping[str, int],
    places: Mapping[Index, int] | None = None,
    *,
    labels: Mapping[str, Mapping[Place, int]] | None = None,
    keep: Iterable[str] = (),
) -> Any:
    """One entry of `expression` as a SymPy expression without indices.

    Parameters
    ----------
    expression
        Any tree; derivatives in it are taken by SymPy.
    problem
        Where the definitions stand.
    sizes
        The number of places on each axis.
    places
        The place of each free index, counted from 1 as in the symbols' names.
    labels
        For each label, its places by place, all counted from 0.
    keep
        The definitions that stay symbols; all others are expanded to the inputs.

    Raises
    ------
    BridgeError
        If a part has no explicit form, or a size or place is missing.
    """
    spots = {index: place - 1 for index, place in (places or {}).items()}
    return Expander(problem, sizes, labels, keep).expression(expression, spots)


def as_array(entries: Any, axes: int) -> Any:
    """Nested lists of SymPy entries as SymPy holds them.

    Parameters
    ----------
    entries
        One expression, or lists nested `axes` deep.
    axes
        How many axes there are.

    Returns
    -------
    sympy object
        An expression for none, a column for one, a ``Matrix`` for two, an array for more.
    """
    if not axes:
        return entries
    return sympy.Matrix(entries) if axes <= 2 else sympy.ImmutableDenseNDimArray(entries)
