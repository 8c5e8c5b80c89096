"""Formulas over whole arrays, as NumPy code: axes put in order, broadcast, looked up at labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from symderiv.expression.construct import coefficient_and_rest, factors_of
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    Multiply,
    PlaceTerm,
    Position,
    Power,
    Shift,
    Size,
    Where,
)
from symderiv.expression.shifts import is_within
from symderiv.expression.traverse import compared_values
from symderiv.kernels.errors import KernelError
from symderiv.kernels.formula import (
    ATOM,
    PRODUCT,
    SIGN,
    SUM,
    Formula,
    Piece,
    decimal,
    is_constant,
    is_negative,
    is_short,
)
from symderiv.kernels.names import NameTable
from symderiv.kernels.python_functions import FUNCTION_IN_NUMPY, HELPERS, constant_value


class Arrays:
    """What the arrays of one function are called, and how their entries are looked up.

    Parameters
    ----------
    names
        The file's name for each array, and for each axis under ``"size of X"``.
    labels
        The arrays that hold places rather than numbers.
    """

    def __init__(self, names: NameTable, labels: Sequence[str]) -> None:
        self.names = names
        self.labels = frozenset(labels)
        self.helpers: set[str] = set()

    def places(self, entry: Entry) -> tuple[str, tuple[Index, ...]]:
        """A subscript with labels in it, and the letters of what it selects."""
        labels = [term for term in entry.indices if isinstance(term, Entry)]
        rows = tuple(dict.fromkeys(index for label in labels for index in free_indices(label)))
        plain = all(label.indices == rows for label in labels)
        if not plain or (len(rows) > 1 and any(term in rows for term in entry.indices)):
            return self._every_place(entry)
        subscripts: list[str] = []
        advanced: list[int] = []
        letters: list[Index] = []
        for number, term in enumerate(entry.indices):
            if isinstance(term, Index) and term not in rows:
                subscripts.append(":")
                letters.append(term)
                continue
            if not advanced:
                letters += rows
            advanced.append(number)
            if isinstance(term, Index):
                subscripts.append(f"np.arange({self.size(term.axis)})")
            elif isinstance(term, Position):
                subscripts.append(str(term.value - 1))
            elif isinstance(term, Shift):
                raise KernelError("A result with a Kronecker delta at a shifted index cannot be emitted.")
            else:
                subscripts.append(self.names[term.array])
        if advanced and advanced[-1] - advanced[0] + 1 != len(advanced):
            return self._every_place(entry)  # NumPy would move the axes of labels that stand apart
        return ", ".join(subscripts), tuple(letters)

    def _every_place(self, entry: Entry) -> tuple[str, tuple[Index, ...]]:
        """A subscript with an array of places for each axis, broadcast against each other."""
        letters = tuple(dict.fromkeys(free_indices(entry)))
        formula = ArrayFormula(self, letters)
        return ", ".join(formula.place(term) for term in entry.indices), letters

    def moved(self, entry: Entry) -> tuple[str, tuple[Index, ...]]:
        """An entry such as x[b, i + 1], x[b, i + k] or x[b, i - k] as an array, and its letters.

        Nothing for any other.
        """
        shifts = [number for number, term in enumerate(entry.indices) if isinstance(term, Shift)]
        others = plain_letters(entry)
        if len(shifts) != 1 or len(others) != len(entry.indices) - 1:
            return "", ()
        (axis,) = shifts
        shift = entry.indices[axis]
        assert isinstance(shift, Shift)
        terms = [term for _, term in shift.terms if isinstance(term, Index)]
        counts = [count for count, _ in shift.terms]
        letters = (*others[:axis], *terms[:1], *others[axis:], *terms[1:])
        if len(terms) != len(counts) or len(set(letters)) != len(letters):
            return "", ()
        given = f"{self.names[entry.array]}, {axis}, {shift.offset - 1 + sum(counts)}"
        sizes = ", ".join(self.size(term.axis) for term in terms)
        match counts:
            case [1]:
                self.helpers.add("shifted")
                return f"_shifted({given}, {sizes})", letters
            case [1, 1 | -1 as turn]:
                self.helpers.update(("windows", "shifted"))
                return f"_windows({given}, {turn}, {sizes})", letters
        return "", ()

    def size(self, axis: str) -> str:
        """The name of an axis' size."""
        return self.names[f"size of {axis}"]


class ArrayFormula(Formula):
    """Formulas over whole arrays whose axes stand in the order `order`."""

    def __init__(self, arrays: Arrays, order: tuple[Index, ...]) -> None:
        self.arrays, self.order = arrays, order

    def piece(self, node: Expression) -> Piece:
        """As elsewhere, and a choice between two constants is one of the arrays' dtype."""
        if isinstance(node, Where):
            return self.where(node.condition, *self.branches(node))
        return super().piece(node)

    def branches(self, node: Where) -> tuple[str, str]:
        """Both values of a choice. Two Python numbers would make an array of integers, or of float64."""
        then, otherwise = self.text(node.then), self.text(node.otherwise)
        both_constant = is_constant(node.then) and is_constant(node.otherwise)
        return (f"dtype.type({then})" if both_constant else then), otherwise

    def product(self, node: Multiply) -> Piece:
        """A product: factors over the same axes are multiplied first, as they make the smaller array."""
        coefficient, rest = coefficient_and_rest(node)
        groups: dict[frozenset[Index], list[Expression]] = {}
        for factor in factors_of(rest):
            groups.setdefault(frozenset(free_indices(factor)), []).append(factor)
        divided = any(isinstance(each, Power) and is_negative(each.exponent) for each in factors_of(rest))
        apart = [each for each in groups if each and each != frozenset(free_indices(node))]
        if abs(coefficient) != 1 or divided or len(apart) < 2 or all(len(groups[each]) < 2 for each in apart):
            return super().product(node)
        parts = [
            self.text(group[0], SIGN) if len(group) == 1 else f"({self.product(Multiply(tuple(group)))[0]})"
            for group in groups.values()
        ]
        return ("-" if coefficient < 0 else "") + " * ".join(parts), PRODUCT

    def entry(self, node: Entry) -> str:
        """The array, its axes put in order and broadcast against the others."""
        text = self.arrays.names[node.array]
        if any(isinstance(term, Shift) for term in node.indices):
            text, letters = self.arrays.moved(node)
            if text:
                return self.aligned(text, letters)
            text = self.arrays.names[node.array]
            letters = tuple(dict.fromkeys(free_indices(node)))
            formula = ArrayFormula(self.arrays, letters)
            self.arrays.helpers.add("entries")
            places = ", ".join(formula.place(term) for term in node.indices)
            return self.aligned(f"_entries({text}, {places})", letters)
        if all(isinstance(term, Index) for term in node.indices):
            letters = plain_letters(node)
        else:
            subscript, letters = self.arrays.places(node)
            text = f"{text}[{subscript}]"
        return self.aligned(text, letters)

    def aligned(self, text: str, letters: tuple[Index, ...]) -> str:
        """`text`, an array over `letters`, as an array over the axes of this formula."""
        if len(set(letters)) != len(letters):
            names = einsum_letters(letters)
            distinct = tuple(dict.fromkeys(letters))
            spelled = "".join(names[index] for index in letters)
            text = f'np.einsum("{spelled}->{"".join(names[index] for index in distinct)}", {text})'
            letters = distinct
        wanted = tuple(index for index in self.order if index in letters)
        if len(wanted) != len(letters):
            raise KernelError("An entry has an index that the array it is part of does not have.")
        if wanted != letters:
            turned = tuple(letters.index(index) for index in wanted)
            text = f"{text}.T" if len(letters) == 2 else f"{text}.transpose{turned}"
        if not wanted:
            return text
        start = self.order.index(wanted[0])
        subscript = [":" if index in letters else "None" for index in self.order[start:]]
        return text if "None" not in subscript else f"{text}[{', '.join(subscript)}]"

    def letter(self, index: Index) -> str:
        """The places, from 0, that a letter runs over."""
        return self.aligned(f"np.arange({self.arrays.size(index.axis)})", (index,))

    def delta(self, node: Delta) -> str:
        """A comparison of places, in the dtype of the arrays."""
        return f"({self.place(node.left)} == {self.place(node.right)}).astype(dtype)"

    def size(self, axis: str) -> str:
        """The size of an axis, a Python integer."""
        return self.arrays.size(axis)

    def literal(self, value: Fraction) -> Piece:
        """A Python number, which takes on the dtype of the arrays."""
        if value < 0:
            return f"-{decimal(-value)}", SUM
        return decimal(value), ATOM if is_short(value) else PRODUCT

    def constant(self, node: Expression, text: str) -> Piece:
        """A constant as a Python number, so that float32 stays float32."""
        return constant_value(node, self.size), ATOM

    def function(self, name: str, arguments: list[str]) -> Piece:
        """A NumPy function, or a helper of the module."""
        if name == "log_ratio":
            u, m, log_s = arguments
            return f"(({u} - {m}) - {log_s})", ATOM
        if name == "minus_infinity":
            return "-np.inf", SUM
        if name in HELPERS:
            self.arrays.helpers.add(name)
            return f"_{name}({', '.join(arguments)})", ATOM
        if name in FUNCTION_IN_NUMPY:
            return f"np.{FUNCTION_IN_NUMPY[name]}({', '.join(arguments)})", ATOM
        raise KernelError(f"The function {name} cannot be emitted.")

    def where(self, condition: Compare, then: str, otherwise: str) -> Piece:
        """A choice entry by entry."""
        return f"np.where({self.condition(condition)}, {then}, {otherwise})", ATOM

    def condition(self, condition: Compare) -> str:
        """A comparison of values or of places."""
        if is_within(condition):
            assert isinstance(condition.left, PlaceTerm | Entry)
            assert isinstance(condition.right, Size)
            letter, size = _moved_letter(condition.left), self.size(condition.right.axis)
            if letter is not None:
                assert isinstance(condition.left, Shift)
                self.arrays.helpers.add("inside")
                count = self.size(letter.axis)
                return self.aligned(f"_inside({condition.left.offset}, {count}, {size})", (letter,))
            place = self.place(condition.left)
            return f"({place} >= 0) & ({place} < {size})"
        values = compared_values(condition)
        if values and not self._compares_labels(condition):
            left, right = (self.text(value, SUM) for value in values)
        else:
            sides = (condition.left, condition.right)
            left, right = (self.place(side) if isinstance(side, PlaceTerm | Entry) else "" for side in sides)
        return f"{left} {condition.operator} {right}"

    def _compares_labels(self, condition: Compare) -> bool:
        return any(
            isinstance(side, Entry) and side.array in self.arrays.labels
            for side in (condition.left, condition.right)
        )


def _moved_letter(term: object) -> Index | None:
    """The i of a place i + 1 or i - 2; None for any other."""
    match term:
        case Shift(((1, Index() as letter),), _, _):
            return letter
    return None


def plain_letters(entry: Entry) -> tuple[Index, ...]:
    """The letters among an entry's indices."""
    return tuple(term for term in entry.indices if isinstance(term, Index))


def letters_of(entry: Entry) -> tuple[Index, ...]:
    """The letters of an entry's axes; empty where one is no letter or stands twice."""
    found = plain_letters(entry)
    return found if len(set(found)) == len(entry.indices) else ()


def einsum_letters(indices: Sequence[Index]) -> Mapping[Index, str]:
    """A letter for each index: its own where that is one free letter."""
    given: dict[Index, str] = {}
    for index in dict.fromkeys(indices):
        own = index.name if len(index.name) == 1 and index.name.isascii() and index.name.isalpha() else ""
        letters = [own, *"abcdefghijklmnopqrstuvwxyz"]
        given[index] = next(each for each in letters if each and each not in given.values())
    return given
