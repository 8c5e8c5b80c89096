"""One formula inside loops, in C: entries at places, helpers of the file, literals of one dtype."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symderiv.expression.construct import coefficient_and_rest, factors_of, multiply
from symderiv.expression.nodes import (
    Add,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    PlaceTerm,
    Power,
    Shift,
    Size,
    Where,
)
from symderiv.expression.shifts import is_within
from symderiv.expression.traverse import compared_values, walk
from symderiv.kernels.chunk_shares import CHUNK_AT
from symderiv.kernels.errors import KernelError
from symderiv.kernels.formula import ATOM, SUM, Formula, Piece
from symderiv.kernels.loop_program import AT_LEAST_LOWEST
from symderiv.kernels.names import NameTable

#: Functions of math.h, by our name.
_IN_MATH = {name: name for name in ("sqrt", "sin", "cos", "tan", "sinh", "cosh")} | {
    "gamma": "tgamma",
    "abs": "fabs",
}
#: Those that constants may be made of, once for a call and in double.
_IN_CONSTANTS = _IN_MATH | {name: name for name in ("log", "tanh", "erf", "erfc", "expm1")}
#: Functions that the file brings along, a template each, and what they rest on.
_HELPERS = {
    "exp": ("add_product", "e_near_zero"), "exp_of_negative": ("add_product", "e_near_zero"),
    "sigmoid": ("add_product", "e_near_zero", "exp_of_negative"),
    "softplus": ("add_product", "e_near_zero", "exp_of_negative"),
    "expm1": ("add_product",), "tanh": ("add_product", "expm1"), "erf": ("add_product", "expm1"),
    "erfc": ("add_product", "e_near_zero", "exp_of_negative"),
    "power": ("add_product", "e_near_zero", "exp", "log"),
    "log": ("add_product",), "log_gamma": (), "digamma": (), "relu": (), "step": (), "sign": (),
    "largest": ("larger",), "smallest": ("smaller",), AT_LEAST_LOWEST: (),
}  # fmt: skip
_POWERS = {2: "square", 3: "cube"}
#: The exponents of what is multiplied or divided out.
_WHOLE = frozenset(Number(Fraction(sign * each)) for each in (1, *_POWERS) for sign in (1, -1))
_CHOICES = {"max": "larger", "min": "smaller"}


@dataclass(frozen=True)
class Dtype:
    """A floating-point type: in C, in NumPy, in names, and what ends its literals and library functions."""

    c: str
    numpy: str
    short: str
    suffix: str


FLOAT = Dtype("float", "float32", "f32", "f")
DOUBLE = Dtype("double", "float64", "f64", "")


class CFormula(Formula):
    """Formulas of one entry, inside the loops over its letters.

    Parameters
    ----------
    names
        The file's name for each array, and for each axis under ``"size of X"``.
    dtype
        The type of all numbers.
    axes
        For each array, the axes of its storage.
    labels
        The arrays that hold places rather than numbers.
    pointers
        The results without axes: arrays of one number.
    rows
        The letter of the samples.
    sizes
        The axes whose size is known beforehand.
    """

    def __init__(  # noqa: PLR0917 (what a formula may mention)
        self,
        names: NameTable,
        dtype: Dtype,
        axes: Mapping[str, tuple[str, ...]],
        labels: frozenset[str],
        pointers: frozenset[str],
        rows: Index | None,
        sizes: Mapping[str, int],
    ) -> None:
        self.names, self.dtype, self.axes, self.rows, self.sizes = names, dtype, axes, rows, sizes
        self.labels, self.pointers = labels, pointers
        self.helpers: set[str] = set()
        self.inside: frozenset[Shift] = frozenset()  # shifted places that are known to exist
        #: While samples are worked on together: which of them, behind each number or buffer of a sample.
        self.beside: Mapping[str, str] = {}
        #: While rows stand side by side: the blocks that their entries have been copied to.
        self.blocks: Mapping[str, str] = {}

    # -- places -----------------------------------------------------------------------------

    def letter(self, index: Index) -> str:
        """The loop variable of an index; that of the samples is called row."""
        if index == self.rows:
            return "row"
        return self.names.give(f"index {index.name} over {index.axis}", index.name)

    def size_name(self, axis: str) -> str:
        """What an axis' size is called."""
        return self.names[f"size of {axis}"]

    def places(self, axis: str) -> str:
        """The size of an axis: its name, or the number where that is known beforehand."""
        return str(self.sizes[axis]) if axis in self.sizes else self.size_name(axis)

    def label(self, node: Entry) -> str:
        """The value of a label, as a place; or the chunk of a place."""
        if node.array == CHUNK_AT:
            return f"{self.place(node.indices[0])} / places"
        return f"(ptrdiff_t){self.stored(node)}"

    def stored(self, node: Entry) -> str:
        """An entry's place in memory, row-major; or a local variable, or an argument that is a number."""
        if node.array in self.blocks:
            return f"{self.blocks[node.array]}[{self.place(node.indices[1])}][lane]"
        name = self.names[node.array]
        beside = self.beside.get(node.array, "")
        if not node.indices:
            return f"{name}[0]" if node.array in self.pointers else f"{name}{beside}"
        places = [self.place(term) for term in node.indices]
        text = places[0]
        for place, axis in zip(places[1:], self.axes[node.array][1:], strict=True):
            inner = f"({text})" if " " in text else text
            text = f"{inner} * {self.places(axis)} + {_added(place)}"
        return f"{name}[{text}]{beside}"

    # -- what formulas are made of ----------------------------------------------------------

    def entry(self, node: Entry) -> str:
        """One entry, and 0 where a shifted place does not exist."""
        text = self.stored(node)
        inside = [
            f"{self.place(term)} >= 0 && {self.place(term)} < {self.places(term.axis)}"
            for term in node.indices
            if isinstance(term, Shift) and term not in self.inside
        ]
        return f"({' && '.join(inside)} ? {text} : {self.number(Fraction(0))})" if inside else text

    def number(self, value: Fraction) -> str:
        """A literal of the dtype, where a decimal is exact; else a quotient of two."""
        nearest = value.numerator / value.denominator
        if Fraction(repr(nearest)) == value:
            return f"{nearest!r}{self.dtype.suffix}"
        above, below = (f"{float(each)!r}{self.dtype.suffix}" for each in value.as_integer_ratio())
        return f"({above} / {below})"

    def delta(self, node: Delta) -> str:
        """A comparison of places."""
        one, zero = self.number(Fraction(1)), self.number(Fraction(0))
        return f"({self.place(node.left)} == {self.place(node.right)} ? {one} : {zero})"

    def size(self, axis: str) -> str:
        """The size of an axis as a number."""
        return f"({self.dtype.c}){self.places(axis)}"

    def literal(self, value: Fraction) -> Piece:
        """A number."""
        return (self.number(value), ATOM) if value >= 0 else (f"-{self.number(-value)}", SUM)

    def constant(self, node: Expression, text: str) -> Piece:
        """A formula of numbers and sizes, worked out in double."""
        inside = _constant(node, self.places)
        return (f"({self.dtype.c})({inside})" if self.dtype is FLOAT else f"({inside})"), ATOM

    def whole_power(self, base: Expression, exponent: int) -> Piece:
        """A base to a whole power: multiplied out where it is small, else by a helper."""
        if exponent in _POWERS:
            return self.helper(_POWERS[exponent], [self.text(base)]), ATOM
        for factor, name in _POWERS.items():
            if exponent % factor == 0 and exponent // factor in _POWERS:
                inner = self.helper(_POWERS[exponent // factor], [self.text(base)])
                return self.helper(name, [inner]), ATOM
        return self.helper("power", [self.text(base), self.number(Fraction(exponent))]), ATOM

    def power(self, base: Expression, exponent: Expression) -> Piece:
        """A base to any other power, by a helper of the file."""
        return self.helper("power", [self.text(base), self.text(exponent)]), ATOM

    def function(self, name: str, arguments: list[str]) -> Piece:
        """A function of math.h, or a helper of the file."""
        if name == "log_ratio":  # in just this order: u and m may be huge, their difference is not
            u, m, log_s = arguments
            return f"(({u} - {m}) - {log_s})", ATOM
        if name == "minus_infinity":
            return "-INFINITY", SUM
        if name in _IN_MATH:
            return f"{_IN_MATH[name]}{self.dtype.suffix}({', '.join(arguments)})", ATOM
        if name in _HELPERS:
            return self.helper(name, arguments), ATOM
        if name in _CHOICES and len(arguments) == 2:
            return self.helper(_CHOICES[name], arguments), ATOM
        raise KernelError(f"The function {name} cannot be emitted.")

    def helper(self, name: str, arguments: list[str]) -> str:
        """The call of a helper of the file."""
        self.helpers |= {name, *_HELPERS.get(name, ())}
        return f"{self.dtype.short}_{name}({', '.join(arguments)})"

    def added(self, target: str, value: Expression) -> str:
        """One term more in a sum; a product is added in one operation where there is one for that."""
        factors = list(factors_of(value))
        if isinstance(value, Power) and value.exponent == Number(Fraction(2)):
            factors = [value.base, value.base]
        dear = any(isinstance(part, Call) for each in factors for _, part in walk(each))
        plain = all(not isinstance(each, Number) and not _is_divisor(each) for each in factors)
        if len(factors) < 2 or dear or not plain:
            return f"{target} += {self.text(value)};"
        rest = self.text(multiply(*factors[:-1]))
        return f"{target} = {self.helper('add_product', [rest, self.text(factors[-1]), target])};"

    def piece(self, node: Expression) -> Piece:
        """As elsewhere; of two values that vectors can hold, both are worked out before one is chosen."""
        if not isinstance(node, Where) or is_within(node.condition):
            return super().piece(node)
        if in_library(node.then) or in_library(node.otherwise) or is_plain(node):
            return super().piece(node)
        values = [self.text(node.then), self.text(node.otherwise)]
        return self.helper("choice", [self._compared(node.condition), *values]), ATOM

    def where(self, condition: Compare, then: str, otherwise: str) -> Piece:
        """A choice between two values."""
        if is_within(condition):
            assert isinstance(condition.left, PlaceTerm | Entry)
            assert isinstance(condition.right, Size)
            place, size = self.place(condition.left), self.places(condition.right.axis)
            return f"({place} >= 0 && {place} < {size} ? {then} : {otherwise})", ATOM
        return f"({self._compared(condition)} ? {then} : {otherwise})", ATOM

    def _compared(self, condition: Compare) -> str:
        values = compared_values(condition)
        sides = (condition.left, condition.right)
        if values and not any(isinstance(side, Entry) and side.array in self.labels for side in sides):
            left, right = (self.text(value, SUM) for value in values)
        else:
            left, right = (self.place(side) if isinstance(side, PlaceTerm | Entry) else "" for side in sides)
        return f"{left} {condition.operator} {right}"

    def assigned(self, target: str, node: Expression) -> list[str]:
        """An assignment; a long sum has a line for each term."""
        lines = super().assigned(target, node)
        if len(lines) == 1:
            return [f"{lines[0]};"]
        return [*lines[:-1], ");"]


def _is_divisor(node: Expression) -> bool:
    return isinstance(node, Power) and coefficient_and_rest(node.exponent)[0] < 0


def in_library(node: Expression) -> bool:
    """Whether something in a formula is worked out by math.h, number by number and not in vectors."""
    for _, part in walk(node):
        if isinstance(part, Call) and part.function in _IN_MATH and part.function != "abs":
            return True
        if isinstance(part, Power) and part.exponent not in _WHOLE:
            return True
    return False


def is_plain(node: Where) -> bool:
    """Whether both values of a choice are numbers or entries, for which nothing is to be worked out."""
    return all(isinstance(value, Number | Entry) for value in (node.then, node.otherwise))


def _added(place: str) -> str:
    return f"({place})" if place.startswith("-") else place


def _constant(node: Expression, size: Callable[[str], str]) -> str:
    """A formula without arrays, in C and in double."""
    match node:
        case Number(value):
            above = f"{float(value.numerator)!r}"
            text = above if value.denominator == 1 else f"({above} / {float(value.denominator)!r})"
            return f"({text})" if value < 0 and value.denominator == 1 else text
        case Size(axis):
            return f"(double){size(axis)}"
        case Call("pi", ()):
            return "3.141592653589793"
        case Call("exp", (argument,)):
            return f"exp({_constant(argument, size)})"
        case Call(name, (argument,)) if name in _IN_CONSTANTS:
            return f"{_IN_CONSTANTS[name]}({_constant(argument, size)})"
        case Power(base, exponent):
            if exponent == Number(Fraction(1, 2)):
                return f"sqrt({_constant(base, size)})"
            if coefficient_and_rest(exponent)[0] < 0:
                negated = multiply(Number(Fraction(-1)), exponent)
                return f"(1.0 / {_constant(Power(base, negated), size)})"
            if exponent == Number(Fraction(1)):
                return _constant(base, size)
            return f"pow({_constant(base, size)}, {_constant(exponent, size)})"
        case Add(terms):
            return f"({' + '.join(_constant(term, size) for term in terms)})"
        case Multiply(factors):
            return f"({' * '.join(_constant(factor, size) for factor in factors)})"
    raise KernelError(f"A constant with {type(node).__name__.lower()} in it cannot be emitted.")


__all__ = ["DOUBLE", "FLOAT", "CFormula", "Dtype", "in_library"]
