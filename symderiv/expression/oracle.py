"""The oracle: what a tree means, evaluated entry by entry over any kind of number.

It is slow and direct on purpose. Rules, steps, kernels and hand-written formulas are judged by it,
and it shares no code with the engine: a derivative is evaluated by dual numbers (forward mode),
never by a rule table of the calculus.

A kind of number is an :class:`Arithmetic`: floats, 50-digit floats, exact fractions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache, partial, reduce
from itertools import product as places
from typing import Any, Literal, TypeAlias

from symderiv.expression.dual import Dual, eliminated, plus, primal, reciprocal, split, times, whole_power
from symderiv.expression.matrices import DETERMINANT, INVERSE, matrix_behind
from symderiv.expression.nodes import (
    COMPARISONS,
    Add,
    Call,
    Compare,
    Definition,
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
from symderiv.expression.unspecified import is_unspecified, polynomial

#: A value of the arithmetic in use, or a dual number over it.
Value: TypeAlias = Any
#: Values of one array by place, counted from 0; a scalar sits at ``()``.
Table: TypeAlias = Mapping[tuple[int, ...], Value]


class OracleError(ValueError):
    """A tree that has no value here: a name without one, a place outside its axis."""


@dataclass(frozen=True)
class Arithmetic:
    """A kind of number: how to make one from a fraction, and its functions of one argument."""

    name: str
    from_fraction: Callable[[Fraction], Value]
    functions: Mapping[str, Callable[[Value], Value]]
    pi: Value


def _polygamma(order: int) -> Callable[[float], float]:
    """The derivatives of log Γ, which Python's own mathematics does not have."""

    def apply(u: float) -> float:
        from mpmath import fp

        return float(fp.psi(order, u))

    return apply


def _float_functions() -> dict[str, Callable[[Value], Value]]:
    return {
        "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos,
        "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh,
        "erf": math.erf, "gamma": math.gamma, "digamma": _polygamma(0), "trigamma": _polygamma(1),
    }  # fmt: skip


FLOATS = Arithmetic("float", lambda value: value.numerator / value.denominator, _float_functions(), math.pi)
#: Exact rational arithmetic: no transcendental functions.
FRACTIONS = Arithmetic("fraction", lambda value: value, {}, None)


#: Functions that would take all memory far out, and the bits of what they may be taken of.
_FAST, _LARGEST = ("exp", "sin", "cos", "tan", "sinh", "cosh", "gamma"), 5000


@cache
def multiprecision(digits: int = 50) -> Arithmetic:
    """Arithmetic with `digits` significant decimal digits (mpmath, in a context of its own)."""
    from mpmath import MPContext

    context = MPContext()
    context.dps = digits
    names = ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "gamma")

    def real(name: str) -> Callable[[Value], Value]:
        function = getattr(context, name)

        def apply(u: Value) -> Value:
            if name in _FAST and context.isfinite(u) and context.mag(u) > _LARGEST:
                raise OracleError(f"{name} has a value here that is too large, or too many digits")
            value = function(u)
            if isinstance(value, context.mpc):
                raise OracleError(f"{name} of a negative number has no real value")
            if not context.isfinite(value):
                raise OracleError(f"{name} has no value here")
            return value

        # A series of thousands of terms in thousands of digits, and the same few values again and again.
        return lru_cache(maxsize=2048)(apply) if name == "erf" else apply

    return Arithmetic(
        f"{digits} digits",
        # The same few literals again and again, and each is a division in many digits.
        lru_cache(maxsize=2048)(lambda value: context.mpf(value.numerator) / value.denominator),
        {
            **{name: real(name) for name in names},
            "digamma": context.digamma,
            "trigamma": partial(context.psi, 1),
        },
        +context.pi,
    )


class Oracle:
    """Evaluates trees for given sizes, arrays and definitions.

    Parameters
    ----------
    sizes
        The number of places on each axis.
    arrays
        For each input, its values by place, places counted from 0. Values of labels are places,
        counted from 0.
    definitions
        The named intermediates, in any order.
    upstream
        For each unspecified scalar function, such as the L of ``upstream L(y)``: the name of the
        array it is a function of, and the function, from that array's values (in C order) to its
        value. It must use only ``+`` and ``*`` of the :class:`Scalar` wrappers it is given.
    arithmetic
        The kind of number.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        arrays: Mapping[str, Table],
        definitions: Sequence[Definition] = (),
        upstream: Mapping[str, tuple[str, Callable[[Sequence[Scalar]], Scalar]]] | None = None,
        arithmetic: Arithmetic = FLOATS,
    ) -> None:
        self.sizes = dict(sizes)
        self.arrays = {name: dict(table) for name, table in arrays.items()}
        self.definitions = {definition.name: definition for definition in definitions}
        self.upstream = dict(upstream or {})
        self.arithmetic = arithmetic
        self._memory: dict[tuple[str, tuple[int, ...]], Value] = {}
        self._moved: dict[tuple[str, tuple[int, ...]], Oracle] = {}
        self._tags = 0
        self._units = [arithmetic.from_fraction(Fraction(value)) for value in (0, 1)]

    def evaluate(self, node: Expression, places_of: Mapping[Index, int] | None = None) -> Value:
        """The value of `node`; `places_of` gives the place of each free index, from 0."""
        return self._value(node, dict(places_of or {}))

    def table(self, node: Expression, indices: Sequence[Index]) -> dict[tuple[int, ...], Value]:
        """The value of `node` at every place of `indices`."""
        ranges = [range(self.size(index.axis)) for index in indices]
        return {
            place: self.evaluate(node, dict(zip(indices, place, strict=True))) for place in places(*ranges)
        }

    def size(self, axis: str) -> int:
        """The size of an axis."""
        if axis not in self.sizes:
            raise OracleError(f"the axis {axis} has no size here")
        return self.sizes[axis]

    def entry(self, name: str, place: tuple[int, ...]) -> Value:
        """The value of one entry of an input, a definition or an unspecified function."""
        table = self.arrays.get(name)
        if table is not None:
            try:
                return table[place]
            except KeyError:
                raise OracleError(f"{name} has no entry at place {place}") from None
        key = (name, place)
        if key not in self._memory:
            self._memory[key] = self._worked_out(name, place)
        return self._memory[key]

    def _worked_out(self, name: str, place: tuple[int, ...]) -> Value:
        """The value of an entry that no array holds."""
        if name in self.definitions:
            definition = self.definitions[name]
            return self._value(definition.body, dict(zip(definition.indices, place, strict=True)))
        if name in self.upstream:
            return self._unspecified(name)
        if matrix_behind(name) is not None:
            self._of_matrix(name, place)
            if (name, place) in self._memory:
                return self._memory[name, place]
        raise OracleError(f"{name} has no value here")

    def _of_matrix(self, name: str, place: tuple[int, ...]) -> None:
        """Remember the determinant of a matrix or all of its inverse; leading places tell matrices apart."""
        kind, matrix = matrix_behind(name) or ("", "")
        ahead = place[:-2] if kind == INVERSE else place
        size = self._matrix_size(matrix)
        rows = [[self.entry(matrix, (*ahead, row, column)) for column in range(size)] for row in range(size)]
        zero, one = self._units
        determinant, inverse = eliminated(rows, one, zero)
        if determinant is None:
            raise OracleError(f"{matrix} is singular here, where its determinant is differentiated")
        if kind == DETERMINANT:
            self._memory[name, place] = determinant
            return
        if inverse is None:
            raise OracleError(f"{matrix} has no inverse here: it is singular")
        for row, values in enumerate(inverse):
            for column, value in enumerate(values):
                self._memory[name, (*ahead, row, column)] = value

    def _matrix_size(self, matrix: str) -> int:
        if matrix in self.arrays:
            return 1 + max((place[-1] for place in self.arrays[matrix]), default=-1)
        if matrix in self.definitions:
            return self.size(self.definitions[matrix].indices[-1].axis)
        raise OracleError(f"{matrix} has no value here")

    def _unspecified(self, name: str) -> Value:
        array, function = self.upstream[name]
        if array in self.definitions:
            axes = [index.axis for index in self.definitions[array].indices]
            spots = list(places(*(range(self.size(axis)) for axis in axes)))
        else:
            spots = sorted(self.arrays[array])
        return function([Scalar(self.entry(array, spot)) for spot in spots]).value

    def place(self, term: IndexTerm, env: Mapping[Index, int]) -> int:
        """The place, from 0, that an index term stands for."""
        match term:
            case Index():
                if term not in env:
                    raise OracleError(f"the index {term.name} has no place here")
                return env[term]
            case Position(value, _):
                return value - 1
            case Shift(terms, offset, _):
                return offset - 1 + sum(count * (self.place(inner, env) + 1) for count, inner in terms)
            case Entry(array, indices):
                return int(primal(self.entry(array, tuple(self.place(inner, env) for inner in indices))))

    def _spot(self, indices: Sequence[IndexTerm], env: Mapping[Index, int]) -> tuple[int, ...] | None:
        """The place of an entry; None where a shifted index leads out of its axis."""
        known: Mapping[Any, int] = env
        try:  # letters alone, as nearly always
            return tuple([known[term] for term in indices])
        except KeyError:
            pass
        spot = tuple(self.place(term, env) for term in indices)
        for term, place in zip(indices, spot, strict=True):
            if isinstance(term, Shift) and not 0 <= place < self.size(term.axis):
                return None
        return spot

    def _value(self, node: Expression, env: dict[Index, int]) -> Value:
        match node:
            case Entry(array, indices):
                spot = self._spot(indices, env)
                return self._fold(plus, 0, []) if spot is None else self.entry(array, spot)
            case Multiply(factors):
                return self._fold(times, 1, [self._value(factor, env) for factor in factors])
            case Number(value):
                return self.arithmetic.from_fraction(value)
            case Size(axis):
                return self.arithmetic.from_fraction(Fraction(self.size(axis)))
            case Delta(left, right):
                return self._units[self.place(left, env) == self.place(right, env)]
            case Add(terms):
                return self._fold(plus, 0, [self._value(term, env) for term in terms])
            case Power(base, exponent):
                return self._power(base, exponent, env)
            case Call(function, arguments):
                return self._call(function, [self._value(part, env) for part in arguments])
            case Sum(index, body, condition):
                return self._fold(plus, 0, self._over(index, body, condition, env))
            case Product(index, body, condition):
                return self._fold(times, 1, self._over(index, body, condition, env))
            case Extremum(kind, index, body):
                values = self._over(index, body, None, env)
                return (max if kind == "max" else min)(values, key=primal)
            case Where(condition, then, otherwise):
                return self._value(then if self._holds(condition, env) else otherwise, env)
            case Derivative(of, by):
                return self._derivative(of, by, env)

    def _fold(
        self, operation: Callable[[Value, Value], Value], start: Literal[0, 1], values: list[Value]
    ) -> Value:
        if len(values) < 2:
            return operation(self._units[start], values[0]) if values else self._units[start]
        return reduce(operation, values)

    def _over(
        self, index: Index, body: Expression, condition: Compare | None, env: dict[Index, int]
    ) -> list[Value]:
        values, inner = [], dict(env)
        for place in range(self.size(index.axis)):
            inner[index] = place
            if condition is None or self._holds(condition, inner):
                values.append(self._value(body, inner))
        return values

    def _holds(self, condition: Compare, env: dict[Index, int]) -> bool:
        values = compared_values(condition)
        if values:
            left, right = (primal(self._value(value, env)) for value in values)
        elif isinstance(condition.right, Size):
            assert isinstance(condition.left, PlaceTerm | Entry)
            return 0 <= self.place(condition.left, env) < self.size(condition.right.axis)
        else:
            sides = (condition.left, condition.right)
            left, right = (
                self.place(side, env) if isinstance(side, PlaceTerm | Entry) else side for side in sides
            )
        return COMPARISONS[condition.operator](left, right)

    def _power(self, base: Expression, exponent: Expression, env: dict[Index, int]) -> Value:
        value = self._value(base, env)
        if isinstance(exponent, Number) and exponent.value.denominator == 1:
            return self._fold(times, 1, [whole_power(value, int(exponent.value))])
        if exponent == Number(Fraction(1, 2)):
            return self._call("sqrt", [value])
        return self._call("exp", [times(self._value(exponent, env), self._call("log", [value]))])

    def _call(self, name: str, arguments: list[Value]) -> Value:
        if name == "pi":
            if self.arithmetic.pi is None:
                raise OracleError("pi has no value here")
            return self.arithmetic.pi
        if name in ("max", "min") and len(arguments) == 2:
            return (max if name == "max" else min)(arguments, key=primal)
        if is_unspecified(name):
            return self._polynomial(name, arguments)
        (argument,) = arguments
        if isinstance(argument, Dual):
            value = self._call(name, [argument.value])
            slope = self._slope(name, argument.value, value)
            return Dual(value, times(slope, argument.slope), argument.tag)
        return self._plain(name, argument)

    def _polynomial(self, name: str, arguments: list[Value]) -> Value:
        """An unspecified function: a polynomial without pattern that its name stands for."""
        terms = []
        for powers, coefficient in polynomial(name, len(arguments)):
            raised = [whole_power(value, power) for value, power in zip(arguments, powers, strict=True)]
            terms.append(self._fold(times, 1, [self.arithmetic.from_fraction(coefficient), *raised]))
        return self._fold(plus, 0, terms)

    def _plain(self, name: str, u: Value) -> Value:
        one = self._units[1]
        match name:
            case "sigmoid":
                return one / (one + self._plain("exp", -u))
            case "softplus":
                return self._plain("log", one + self._plain("exp", u))
            case "relu":
                return u if u > 0 else u * 0
            case "abs":
                return abs(u)
            case "step":
                return one if u > 0 else u * 0
            case "sign":
                return one if u > 0 else (-one if u < 0 else u * 0)
        if name not in self.arithmetic.functions:
            raise OracleError(f"{name} is not known in {self.arithmetic.name} arithmetic")
        return self.arithmetic.functions[name](u)

    def _slope(self, name: str, u: Value, value: Value) -> Value:
        """The derivative of a function at `u`, given its `value` there; `u` may be dual."""
        match name:
            case "exp":
                return value
            case "log":
                return reciprocal(u)
            case "sqrt":
                return reciprocal(times(2, value))
            case "sin":
                return self._call("cos", [u])
            case "cos":
                return times(-1, self._call("sin", [u]))
            case "tan":
                return plus(1, times(value, value))
            case "sinh":
                return self._call("cosh", [u])
            case "cosh":
                return self._call("sinh", [u])
            case "tanh":
                return plus(1, times(-1, times(value, value)))
            case "erf":
                scale = times(2, reciprocal(self._call("sqrt", [self.arithmetic.pi])))
                return times(scale, self._call("exp", [times(-1, times(u, u))]))
            case "gamma":
                return times(value, self._call("digamma", [u]))
            case "digamma":
                return self._call("trigamma", [u])
            case "sigmoid":
                return times(value, plus(1, times(-1, value)))
            case "softplus":
                return self._call("sigmoid", [u])
            case "relu":
                return self._call("step", [u])
            case "abs":
                return self._call("sign", [u])
            case "step" | "sign":
                return 0
        raise OracleError(f"the derivative of {name} is not known")

    def _derivative(self, of: Expression, by: tuple[Entry, ...], env: dict[Index, int]) -> Value:
        if not by:
            return self._value(of, env)
        # In turn: the last is outermost. That matters where a name and what it is built from both vary.
        last, rest = by[-1], by[:-1]
        place = self._spot(last.indices, env)
        if place is None:
            return self._fold(plus, 0, [])  # nothing depends on an entry that is not there
        inner = self._with_variable(last.array, place)
        value = inner._value(Derivative(of, rest) if rest else of, env)
        return split(value, inner._tags)[1] if isinstance(value, Dual) else self._fold(plus, 0, [])

    def _with_variable(self, name: str, place: tuple[int, ...]) -> Oracle:
        """An oracle in which one entry moves: that of an input, or of a definition held as variable.

        Its tag is newer than those of what moves here already; what moves in it gets a newer one yet.
        It is kept, with the entries it has worked out, since derivatives by the same entry are many.
        """
        if (name, place) in self._moved:
            return self._moved[name, place]
        if name in self.arrays:
            table = dict(self.arrays[name])
        elif name in self.definitions:
            axes = [index.axis for index in self.definitions[name].indices]
            spots = places(*(range(self.size(axis)) for axis in axes))
            table = {spot: self.entry(name, spot) for spot in spots}
        else:
            raise OracleError(f"{name} has no value here")
        if place not in table:
            raise OracleError(f"{name} has no entry at place {place}")
        one = self._units[1]
        tag = self._tags + 1
        table[place] = Dual(table[place], one, tag)
        inner = self._with_arrays({**self.arrays, name: table})
        inner._tags = tag
        self._moved[name, place] = inner
        return inner

    def _with_arrays(self, arrays: Mapping[str, Table]) -> Oracle:
        """An oracle of the same formulas, which knows no entry of theirs yet."""
        definitions = tuple(self.definitions.values())
        return Oracle(self.sizes, arrays, definitions, self.upstream, self.arithmetic)


@dataclass(frozen=True)
class Scalar:
    """A value with ``+`` and ``*``, in which an unspecified function can be written for a trial."""

    value: Value

    def __add__(self, other: Scalar | int) -> Scalar:
        return Scalar(plus(self.value, other.value if isinstance(other, Scalar) else other))

    def __mul__(self, other: Scalar | int) -> Scalar:
        return Scalar(times(self.value, other.value if isinstance(other, Scalar) else other))

    __radd__ = __add__
    __rmul__ = __mul__
