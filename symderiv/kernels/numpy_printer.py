"""From statements to NumPy: whole arrays, broadcasting, reductions, products of matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from symderiv.expression.construct import factors_of
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    PlaceTerm,
    Position,
    Shift,
    Size,
)
from symderiv.expression.shifts import is_within
from symderiv.expression.traverse import compared_values, walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.formula import ATOM, PRODUCT, SUM, Formula, Piece, decimal, is_short, shifted_place
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.program import Statement
from symderiv.kernels.python_functions import FUNCTION_IN_NUMPY, HELPERS, constant_value
from symderiv.kernels.scatter import Scatter
from symderiv.notation.text import index_to_text

_REDUCE = {"sum": "np.sum", "max": "np.max", "min": "np.min", "prod": "np.prod"}


def print_numpy(lowered: Lowered, names: NameTable, _: str) -> PrintedFunction:
    """The body of one function, as array statements."""
    labels = [argument.name for argument in lowered.spec.arguments if argument.kind == "label"]
    printer = NumpyPrinter(names, labels)
    return PrintedFunction(printer.lines(lowered.statements), helpers=printer.helpers)


class NumpyPrinter:
    """Prints the statements of one function.

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

    def lines(self, statements: Sequence[Statement]) -> list[str]:
        """The lines of code, in order."""
        lines: list[str] = []
        for statement in statements:
            lines += self._statement(statement)
        return lines

    def _statement(self, statement: Statement) -> list[str]:
        name = self.names[statement.name]
        shape = f"[{', '.join(index.axis for index in statement.indices)}]" if statement.indices else "scalar"
        if statement.scatter is not None:
            return self._scattered(statement, statement.scatter, shape)
        code = self._value(statement)
        if not statement.stored:
            why = f": {statement.comment}" if statement.comment else ""
            return [f"{name} = {code}  # {shape}{why}"]
        lines = [f"# {statement.comment}"] if statement.comment and not statement.cases else []
        if statement.reduce:
            lines.append(f"{name}[...] = {code}")
        else:
            lines += ArrayFormula(self, statement.indices).assigned(f"{name}[...]", statement.body)
        for case in statement.cases:
            lines += self._case(statement, name, case.on, case.body)
        return lines

    def _case(
        self, statement: Statement, name: str, on: tuple[tuple[Index, IndexTerm], ...], body: Expression
    ) -> list[str]:
        replaced = dict(on)
        remaining = tuple(index for index in statement.indices if index not in replaced)
        if all(isinstance(place, Index) for place in replaced.values()):
            letters = _einsum_letters(statement.indices)
            spelled = ""
            for index in statement.indices:
                place = replaced.get(index, index)
                assert isinstance(place, Index)
                spelled += letters[place]
            kept = "".join(letters[index] for index in remaining)
            code = ArrayFormula(self, remaining).text(body)
            return [
                f'diagonal = np.einsum("{spelled}->{kept}", {name})  # a view, where '
                + ", ".join(f"{late.name} = {_spelled(early)}" for late, early in on),
                f"diagonal[...] = {code}",
            ]
        target = Entry("", tuple(replaced.get(each, each) for each in statement.indices))
        subscript, letters_of_it = self.places(target)
        code = ArrayFormula(self, letters_of_it).text(body)
        where = " and ".join(f"{index.name} = {_spelled(place)}" for index, place in on)
        return [f"{name}[{subscript}] = {code}  # where {where}"]

    def _scattered(self, statement: Statement, scatter: Scatter, shape: str) -> list[str]:
        """A sum whose terms are added at the places that labels name, those that meet included."""
        name = self.names[statement.name]
        moved = dict(scatter.at)
        inside = {index for label in moved.values() for index in free_indices(label)}
        # Axes that only the values have stay whole, where they come last.
        count = len(statement.indices)
        while count and statement.indices[count - 1] not in {*moved, *inside}:
            count -= 1
        lead = tuple(
            dict.fromkeys((*scatter.over, *(i for i in statement.indices[:count] if i not in moved)))
        )
        places = ArrayFormula(self, _stored_order(lead, (statement.body, *moved.values())))
        subscripts = [places.place(moved.get(index, index)) for index in statement.indices[:count]]
        spelled = subscripts[0] if count == 1 else f"({', '.join(subscripts)})"
        values = ArrayFormula(self, (*places.order, *statement.indices[count:])).text(statement.body)
        sizes = ", ".join(self.size(index.axis) for index in statement.indices)
        start = f"{name}[...] = 0"
        if not statement.stored:
            why = f": {statement.comment}" if statement.comment else ""
            start = f"{name} = np.zeros(({sizes}{',' if len(statement.indices) == 1 else ''}), dtype)"
            start += f"  # {shape}{why}"
        meant = ", ".join(f"{index.name} = {_spelled(label)}" for index, label in scatter.at)
        return [start, f"np.add.at({name}, {spelled}, {values})  # where {meant}"]

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

    def size(self, axis: str) -> str:
        """The name of an axis' size."""
        return self.names[f"size of {axis}"]

    def _value(self, statement: Statement) -> str:
        if not statement.reduce:
            return ArrayFormula(self, statement.indices).text(statement.body)
        assert statement.reduced is not None
        if statement.reduce == "sum":
            contraction = self._contraction(statement)
            if contraction:
                return contraction
        order = _natural_order(statement)
        formula = ArrayFormula(self, order)
        axis = order.index(statement.reduced)
        text = formula.text(statement.body)
        if set(free_indices(statement.body)) != set(order):
            raise KernelError("A sum over an index that its terms do not all have cannot be emitted.")
        last = axis == len(order) - 1
        return f"{_REDUCE[statement.reduce]}({text}, axis={-1 if last else axis})"

    def _contraction(self, statement: Statement) -> str:
        """A sum over a product of two arrays that do not range over the same axes."""
        factors = factors_of(statement.body)
        reduced = statement.reduced
        assert reduced is not None
        if len(factors) < 2 or not all(
            isinstance(each, Entry) and all(isinstance(term, Index) for term in each.indices)
            for each in factors
        ):
            return ""
        entries = [each for each in factors if isinstance(each, Entry)]
        sets = [set(free_indices(each)) for each in entries]
        if any(letters == set(statement.letters) for letters in sets):
            return ""
        if len(entries) == 2 and not (sets[0] & sets[1] - {reduced}):
            product = self._matrix_product(statement, entries[0], entries[1])
            if product:
                return product
        letters = _einsum_letters(statement.letters)
        operands = ",".join("".join(letters[term] for term in _plain(each)) for each in entries)
        result = "".join(letters[index] for index in statement.indices)
        names = ", ".join(self.names[each.array] for each in entries)
        optimize = ", optimize=True" if len(entries) > 2 or len(statement.letters) > 3 else ""
        return f'np.einsum("{operands}->{result}", {names}{optimize})'

    def _matrix_product(self, statement: Statement, left: Entry, right: Entry) -> str:
        reduced = statement.reduced
        own_left = tuple(index for index in _plain(left) if index != reduced)
        own_right = tuple(index for index in _plain(right) if index != reduced)
        if len(own_left) > 1 or len(own_right) > 1 or len(set(_plain(left))) != len(left.indices):
            return ""
        if len(set(_plain(right))) != len(right.indices):
            return ""
        if (*own_left, *own_right) != statement.indices:
            left, right, own_left, own_right = right, left, own_right, own_left
        if (*own_left, *own_right) != statement.indices:
            return ""
        first, second = self.names[left.array], self.names[right.array]
        if len(left.indices) == 2 and left.indices[0] == reduced:
            first += ".T"
        if len(right.indices) == 2 and right.indices[1] == reduced:
            second += ".T"
        return f"{first} @ {second}"


class ArrayFormula(Formula):
    """Formulas over whole arrays whose axes stand in the order `order`."""

    def __init__(self, printer: NumpyPrinter, order: tuple[Index, ...]) -> None:
        self.printer, self.order = printer, order

    def entry(self, node: Entry) -> str:
        """The array, its axes put in order and broadcast against the others."""
        text = self.printer.names[node.array]
        if any(isinstance(term, Shift) for term in node.indices):
            letters = tuple(dict.fromkeys(free_indices(node)))
            formula = ArrayFormula(self.printer, letters)
            self.printer.helpers.add("entries")
            places = ", ".join(formula.place(term) for term in node.indices)
            return self.aligned(f"_entries({text}, {places})", letters)
        if all(isinstance(term, Index) for term in node.indices):
            letters = _plain(node)
        else:
            subscript, letters = self.printer.places(node)
            text = f"{text}[{subscript}]"
        return self.aligned(text, letters)

    def aligned(self, text: str, letters: tuple[Index, ...]) -> str:
        """`text`, an array over `letters`, as an array over the axes of this formula."""
        if len(set(letters)) != len(letters):
            names = _einsum_letters(letters)
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

    def place(self, term: IndexTerm) -> str:
        """The places, from 0, that an index term runs over."""
        match term:
            case Index(_, axis):
                return self.aligned(f"np.arange({self.printer.size(axis)})", (term,))
            case Position(value, _):
                return str(value - 1)
            case Shift():
                return shifted_place(term, self.place)
            case Entry():
                return self.entry(term)

    def delta(self, node: Delta) -> str:
        """A comparison of places, in the dtype of the arrays."""
        return f"({self.place(node.left)} == {self.place(node.right)}).astype(dtype)"

    def size(self, axis: str) -> str:
        """The size of an axis, a Python integer."""
        return self.printer.size(axis)

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
            self.printer.helpers.add(name)
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
            place, size = self.place(condition.left), self.size(condition.right.axis)
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
            isinstance(side, Entry) and side.array in self.printer.labels
            for side in (condition.left, condition.right)
        )


def _plain(entry: Entry) -> tuple[Index, ...]:
    return tuple(term for term in entry.indices if isinstance(term, Index))


def _spelled(term: IndexTerm) -> str:
    match term:
        case Index(name, _):
            return name
        case Position(value, _):
            return str(value)
        case Shift():
            return index_to_text(term)
        case Entry(array, indices):
            inside = ", ".join(_spelled(each) for each in indices)
            return f"{array}[{inside}]" if inside else array


def _einsum_letters(indices: Sequence[Index]) -> Mapping[Index, str]:
    """A letter for each index: its own where that is one free letter."""
    given: dict[Index, str] = {}
    for index in dict.fromkeys(indices):
        own = index.name if len(index.name) == 1 and index.name.isascii() and index.name.isalpha() else ""
        letters = [own, *"abcdefghijklmnopqrstuvwxyz"]
        given[index] = next(each for each in letters if each and each not in given.values())
    return given


def _natural_order(statement: Statement) -> tuple[Index, ...]:
    """The letters of a reduction in the order of its largest array, so that nothing is turned."""
    reduced = statement.reduced
    assert reduced is not None
    usual = (*statement.indices, reduced)
    for _, part in walk(statement.body):
        if isinstance(part, Entry) and set(part.indices) == set(usual) and len(part.indices) == len(usual):
            order = _plain(part)
            if tuple(index for index in order if index != reduced) == statement.indices:
                return order
    return usual


def _stored_order(letters: tuple[Index, ...], bodies: Sequence[Expression]) -> tuple[Index, ...]:
    """The letters in the order of the first array that has them all, so that nothing is turned."""
    for body in bodies:
        for _, part in walk(body):
            if isinstance(part, Entry) and set(letters) <= set(_plain(part)):
                return tuple(dict.fromkeys(index for index in _plain(part) if index in letters))
    return letters
