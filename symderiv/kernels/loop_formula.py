"""One formula inside loops, in Numba's Python: entries at places, helpers of the module, literals."""

from __future__ import annotations

from fractions import Fraction

from symderiv.expression.construct import coefficient_and_rest, multiply
from symderiv.expression.nodes import (
    MINUS_ONE,
    Add,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    PlaceTerm,
    Shift,
    Size,
)
from symderiv.expression.shifts import is_within
from symderiv.expression.traverse import compared_values, walk
from symderiv.kernels.chunk_shares import CHUNK_AT
from symderiv.kernels.errors import KernelError
from symderiv.kernels.formula import ATOM, SUM, Formula, Piece, divisor_of, exact
from symderiv.kernels.loop_program import AT_LEAST_LOWEST, EXP_OF_NEGATIVE
from symderiv.kernels.names import NameTable
from symderiv.kernels.python_functions import FUNCTION_IN_MATH, constant_value

#: Helpers that are given the number 1 in the dtype in use, since a literal would change it.
_GIVEN_ONE = ("sigmoid", "softplus", "relu", "step", "sign")
#: Functions that the module brings along, because those of the C library are not done on vectors or
#: because their grouping matters.
_HELPERS = (
    "exp", "log", "expm1", "tanh", "erf", "erfc", EXP_OF_NEGATIVE, "log_ratio", "minus_log_ratio",
    "log_gamma", "digamma",
)  # fmt: skip
#: exp(u) - 1 of what is not positive.
EXPM1 = "expm1_of_negative"
#: Helpers that do much with each number: vectors of 512 bits pay there (0.6 to 0.95 of the time), while
#: loops of a few instructions gain nothing, or lose a tenth where rows are short.
LONG = frozenset((
    "exp", "log", "expm1", EXPM1, "tanh", "erf", "erfc", EXP_OF_NEGATIVE, "sigmoid", "softplus", "power",
    "log_gamma", "digamma",
))  # fmt: skip
#: The helpers that a helper uses.
_NEEDED = {
    "sigmoid": (EXP_OF_NEGATIVE,), "softplus": (EXP_OF_NEGATIVE,),
    "power": ("exp", "log"), "tanh": (EXPM1,), "erf": (EXPM1,),
    "erfc": (EXP_OF_NEGATIVE,),
}  # fmt: skip


class LoopFormula(Formula):
    """Formulas of one entry, inside the loops over its letters.

    Parameters
    ----------
    names
        The file's name for each array, and for each axis under ``"size of X"``.
    labels
        The arrays that hold places rather than numbers.
    rows
        The letter of the samples.
    """

    def __init__(self, names: NameTable, labels: frozenset[str], rows: Index | None) -> None:
        self.names, self.labels, self.rows = names, labels, rows
        self.helpers: set[str] = set()
        self.inside: frozenset[Shift] = frozenset()  # shifted places that are known to exist
        self.shifting: frozenset[Index] = frozenset()  # the letters of loops over them
        self.read_once: dict[Entry, str] = {}  # labels that a local variable holds

    def use(self, helper: str) -> None:
        """Let the module bring a helper along, and what it needs."""
        self.helpers.update((helper, *_NEEDED.get(helper, ())))

    def letter(self, index: Index) -> str:
        """The loop variable of an index; that of the samples is called row."""
        if index == self.rows:
            return "row"
        return self.names.give(f"index {index.name} over {index.axis}", index.name)

    def places(self, axis: str) -> str:
        """The name of an axis' size, as an integer."""
        return self.names[f"size of {axis}"]

    def piece(self, node: Expression) -> Piece:
        """As elsewhere, but no sign and no sum is left outside of a logarithm of a share.

        There, the compiler may turn -(a - b) into b - a, or c - (a - b) into c + (b - a), with the
        licence of the loops around it, and then regroup what must stay together.
        """
        if isinstance(node, Multiply) and coefficient_and_rest(node)[0] < 0:
            for number, factor in enumerate(node.factors):
                factors = list(node.factors)
                if isinstance(factor, Call) and factor.function == "log_ratio":
                    factors[number] = Call("minus_log_ratio", factor.arguments)
                elif isinstance(factor, Add) and _has_log_ratio(factor):
                    factors[number] = Add(tuple(multiply(MINUS_ONE, term) for term in factor.terms))
                else:
                    continue
                return self.piece(multiply(MINUS_ONE, *factors))
        if isinstance(node, Add) and _has_log_ratio(node):
            self.use("exact_sum")
            first, *others = node.terms
            text = self.text(first)
            for term in others:
                text = f"_exact_sum({text}, {self.text(term)})"
            return text, ATOM
        return super().piece(node)

    def assigned(self, target: str, node: Expression) -> list[str]:
        """The lines of an assignment."""
        if _has_log_ratio(node):
            return [f"{target} = {self.text(node)}"]
        return super().assigned(target, node)

    def kept(self, node: Expression) -> str:
        """A factor of loops; a quotient is divided before them, once."""
        text = self.text(node)
        if not any(isinstance(part, Size | Entry) for _, part in walk(divisor_of(node))):
            return text
        self.use("kept")
        return f"_kept({text})"

    def label(self, node: Entry) -> str:
        """The value of a label, or the chunk of a place."""
        if node.array == CHUNK_AT:
            return f"{self.place(node.indices[0])} // places"
        return self.read_once.get(node) or self.entry(node)

    def entry(self, node: Entry) -> str:
        """One entry of an array, or a local variable."""
        terms = node.indices
        name = self.names[node.array]
        if not terms:
            return name
        text = f"{name}[{', '.join(self._place_read(term) for term in terms)}]"
        inside = [
            f"0 <= {self.place(term)} < {self.places(term.axis)}"
            for term in terms
            if isinstance(term, Shift) and term not in self.inside
        ]
        return f"({text} if {' and '.join(inside)} else real(0))" if inside else text

    def _place_read(self, term: IndexTerm) -> str:
        """A place that is read; the compiler cannot tell by itself that a shifted one is not negative."""
        text = self.place(term)
        if isinstance(term, Shift) or (isinstance(term, Index) and term in self.shifting):
            self.use("place")
            return f"_place({text})"
        return text

    def delta(self, node: Delta) -> str:
        """A comparison of places."""
        return f"(real(1) if {self.place(node.left)} == {self.place(node.right)} else real(0))"

    def size(self, axis: str) -> str:
        """The size of an axis, in the dtype of the arrays."""
        return f"real({self.places(axis)})"

    def literal(self, value: Fraction) -> Piece:
        """A number in the dtype of the arrays."""
        return (
            f"real({exact(abs(value)).strip('()')})" if value >= 0 else f"-real({exact(-value).strip('()')})",
            (ATOM if value >= 0 else SUM),
        )

    def constant(self, node: Expression, text: str) -> Piece:
        """A constant in the dtype of the arrays."""
        return f"real({constant_value(node, self.places)})", ATOM

    def function(self, name: str, arguments: list[str]) -> Piece:
        """A function that Numba compiles, or a helper of the module."""
        if name == "minus_infinity":
            return "real(-np.inf)", ATOM
        if name == AT_LEAST_LOWEST:
            return f"max({arguments[0]}, np.finfo(real).min)", ATOM
        if name in _GIVEN_ONE:
            self.use(name)
            return f"_{name}({', '.join(arguments)}, real(1))", ATOM
        if name in _HELPERS:
            self.use(name)
            return f"_{name}({', '.join(arguments)})", ATOM
        if name in FUNCTION_IN_MATH:
            return f"math.{FUNCTION_IN_MATH[name]}({', '.join(arguments)})", ATOM
        if name in ("abs", "max", "min"):
            return f"{name}({', '.join(arguments)})", ATOM
        raise KernelError(f"The function {name} cannot be emitted.")

    def power(self, base: Expression, exponent: Expression) -> Piece:
        """A base to a power that is no whole number, by a helper of the module."""
        self.use("power")
        return f"_power({self.text(base)}, {self.text(exponent)})", ATOM

    def where(self, condition: Compare, then: str, otherwise: str) -> Piece:
        """A choice between two values."""
        if is_within(condition):
            assert isinstance(condition.left, PlaceTerm | Entry)
            assert isinstance(condition.right, Size)
            place, size = self.place(condition.left), self.places(condition.right.axis)
            return f"({then} if 0 <= {place} < {size} else {otherwise})", ATOM
        values = compared_values(condition)
        sides = (condition.left, condition.right)
        if values and not any(isinstance(side, Entry) and side.array in self.labels for side in sides):
            left, right = (self.text(value, SUM) for value in values)
        else:
            left, right = (self.place(side) if isinstance(side, PlaceTerm | Entry) else "" for side in sides)
        return f"({then} if {left} {condition.operator} {right} else {otherwise})", ATOM


def _has_log_ratio(node: Expression) -> bool:
    """Whether a logarithm of a share is a part of `node`."""
    return any(isinstance(part, Call) and part.function.endswith("log_ratio") for _, part in walk(node))
