"""Index places: what stands in a subscript, which axis a letter ranges over, and what conditions compare."""

from __future__ import annotations

from collections.abc import Callable

from symderiv.expression.functions import call
from symderiv.expression.nodes import (
    ONE,
    ZERO,
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
    Where,
)
from symderiv.expression.shifts import shifted
from symderiv.notation.bounds import settle
from symderiv.notation.errors import NotationError, ShapeError, Source, quoted
from symderiv.notation.places import MAX_SHIFT, index_count
from symderiv.notation.tex.arithmetic import sum_of
from symderiv.notation.tex.arrays import Placeholders, Value
from symderiv.notation.tex.scope import Scope, readings
from symderiv.notation.tex.syntax import (
    Bound,
    Called,
    Factors,
    Kronecker,
    Name,
    Numeral,
    Opaque,
    Part,
    Relation,
    Shifted,
    Syntax,
    Terms,
    Unit,
    less_than_size,
    walk,
)

_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


class PlaceReader:
    """Reads index places in one scope."""

    def __init__(self, scope: Scope, source: Source, notes: dict[str, int]) -> None:
        self.scope = scope
        self.source = source
        self.notes = notes
        self.placeholders = Placeholders()
        #: Gives a matrix without a name one, where that may be done: for its inverse or determinant.
        self.define: Callable[[Part, Value], str] | None = None
        #: Where each entry with a shifted index was first written.
        self.shifted: dict[Entry, Part] = {}
        #: Whether what is read stands in a product entry by entry.
        self.entrywise = False

    def error(self, where: Part | int, message: str) -> NotationError:
        """An error at a piece of syntax."""
        return self.source.error(where if isinstance(where, int) else where.at, message)

    def misshapen(self, where: Part | int, message: str) -> ShapeError:
        """The error of arrays whose shapes do not fit."""
        error = self.error(where, message)
        return ShapeError(error.message, error.path, error.line, error.column, error.source_line)

    def note(self, where: Part, sentence: str) -> None:
        """Remember how something was read where another reading is possible."""
        self.notes.setdefault(sentence, where.at)

    # --- which axis a letter ranges over ---------------------------------------------------------

    def infer_letters(self, tree: Part) -> None:
        """Give every letter that is not declared the axis of the first place where it stands."""
        for _ in range(3):  # an equality may pass on what a later place tells
            before = len(self.scope.letters)
            for part in walk(tree):
                self._infer_from(part)
            if len(self.scope.letters) == before:
                break
        for part in walk(tree):
            if isinstance(part, Name):
                self._infer_shifted(part)

    def _infer_shifted(self, name: Name) -> None:
        """A letter that only stands beside a number is on the axis of its place, if nothing says more."""
        found = self.scope.array(name)
        if found is not None and len(found[1]) <= len(self.scope.arrays[found[0]]):
            for unit, axis in zip(found[1], self.scope.arrays[found[0]], strict=False):
                if isinstance(unit, Shifted) and len(unit.names()) == 1:
                    self._set(unit.names()[0], axis)

    def _infer_from(self, part: Part) -> None:
        match part:
            case Name():
                found = self.scope.array(part)
                if found is not None and len(found[1]) <= len(self.scope.arrays[found[0]]):
                    for unit, axis in zip(found[1], self.scope.arrays[found[0]], strict=False):
                        self._set(unit, axis)
            case Called(_, name, arguments):
                found = self.scope.array(name)
                if found is not None and len(arguments) == len(self.scope.arrays[found[0]]):
                    for argument, axis in zip(arguments, self.scope.arrays[found[0]], strict=True):
                        if isinstance(argument, Name):
                            self._set(argument, axis)
            case Kronecker(_, left, right) | Relation(_, _, Name() as left, Name() as right):
                for one, other in ((left, right), (right, left)):
                    known = self.axis_of(other)
                    if known is not None:
                        self._set(one, known)
            case Bound(_, _, over, _):
                for ranging in over:
                    short = less_than_size(ranging.last)
                    last = short[0] if short is not None else ranging.last
                    if isinstance(last, Name):
                        size = self.scope.axis(last)
                        if size is not None:
                            self._set(ranging.letter, size)

    def _set(self, unit: Unit, axis: str) -> None:
        if isinstance(unit, Name) and self.scope.letter(unit) is None:
            name = self.letter_name(unit)
            if name not in self.scope.arrays and name not in self.scope.axes:
                self.scope.letters[name] = axis

    @staticmethod
    def letter_name(unit: Name) -> str:
        """What an undeclared letter is called: with all that is attached to it."""
        return next(iter(readings(unit)))[0]

    def axis_of(self, node: object) -> str | None:
        """The axis that an index letter, a label or the first letter of a shifted index is on, or None."""
        if isinstance(node, Shifted):
            return self.axis_of(node.value)
        if isinstance(node, Terms):
            terms = [term for _, term in node.terms if not isinstance(term, Numeral)]
            inner = [term.factors[-1][1] if isinstance(term, Factors) else term for term in terms]
            axes = [self.axis_of(term) for term in inner]
            return axes[0] if axes and all(axis is not None for axis in axes) else None
        if not isinstance(node, Name):
            return None
        found = self.scope.array(node)
        if found is not None:
            return self.scope.labels.get(found[0])
        letter = self.scope.letter(node)
        return None if letter is None else self.scope.letters[letter]

    def _common_axis(self, left: object, right: object) -> str | None:
        """The axis of two places that are compared: that of the one which is no shift."""
        first, second = (right, left) if isinstance(left, Terms | Shifted) else (left, right)
        return self.axis_of(first) or self.axis_of(second)

    # --- index terms ---------------------------------------------------------------------------

    def place(self, unit: Syntax, axis: str | None) -> IndexTerm:
        """The place on `axis` (None: not known from outside) that a subscript names."""
        match unit:
            case Numeral(_, text):
                if axis is None:
                    raise self.error(unit, f"it is not known which axis the place {quoted(text)} is on")
                if not text.isdecimal() or len(text) > 9 or int(text) < 1:
                    raise self.error(unit, f"expected a place counted from 1, found {quoted(text)}")
                return Position(int(text), axis)
            case Name():
                return self._named_place(unit, axis)
            case Shifted(_, _, value):
                return self.place(value, axis)
            case Terms() | Factors():
                return self._shift(unit, axis)
            case Opaque(_, text):
                raise self.error(
                    unit,
                    f"the index {text} is not supported yet: expected a letter, a place or a label",
                )
            case _:
                raise self.error(unit, "expected an index letter, a place such as 1, or a label")

    def _shift(self, unit: Terms | Factors, axis: str | None) -> IndexTerm:
        """A sum of letters, each perhaps some whole number of times, and of whole numbers."""
        if axis is None:
            raise self.error(unit, "it is not known which axis this shifted index is on")
        parts: list[tuple[int, IndexTerm]] = []
        offset = 0
        for minus, term in unit.terms if isinstance(unit, Terms) else ((False, unit),):
            count, inner = -1 if minus else 1, term
            if isinstance(inner, Factors) and len(inner.factors) == 2:
                (_, number), (operator, inner) = inner.factors
                if operator not in ("", "*", "×"):
                    raise self.error(term, "expected an index letter, or a whole number of times one")
                count *= self._whole(number)
            if isinstance(inner, Numeral):
                offset += count * self._whole(inner)
            else:
                parts.append((count, self.place(inner, None)))
        return shifted(parts, offset, axis)

    def _whole(self, unit: Syntax) -> int:
        if not isinstance(unit, Numeral) or not unit.text.isdecimal() or int(unit.text[:9]) > MAX_SHIFT:
            raise self.error(unit, f"expected a whole number up to {MAX_SHIFT} in an index")
        return int(unit.text)

    def _named_place(self, unit: Name, axis: str | None) -> IndexTerm:
        found = self.scope.array(unit)
        if found is not None:
            name = found[0]
            label_axis = self.scope.labels.get(name)
            if label_axis is None:
                raise self.error(
                    unit, f"{name} is {self.scope.kind(name)} and cannot be an index: only labels can"
                )
            if axis is not None and label_axis != axis:
                raise self.error(
                    unit, f"the label {name} is a place on {label_axis}, but this index is on {axis}"
                )
            return self.entry(unit, *found)
        letter = self.scope.letter(unit)
        if letter is None:
            name = self.letter_name(unit)
            if name in self.scope.axes:
                raise self.error(unit, f"{name} is a size and cannot be an index: use an index letter")
            raise self.error(unit, f"the axis of the index {name} is not known from its use: declare it")
        own = self.scope.letters[letter]
        if axis is not None and own != axis:
            raise self.error(unit, f"the index {letter} ranges over {own}, but this index is on {axis}")
        return Index(letter, own)

    def entry(self, where: Part, array: str, units: tuple[Syntax, ...]) -> Entry:
        """The entry of an array at the places that its subscripts name."""
        axes = self.scope.arrays[array]
        if len(units) != len(axes):
            raise self.error(
                where, f"{array} needs {index_count(len(axes))}, found {index_count(len(units))}"
            )
        entry = Entry(array, tuple(self.place(unit, axis) for unit, axis in zip(units, axes, strict=True)))
        if any(isinstance(term, Shift) for term in entry.indices):
            if array in self.scope.labels:
                raise self.error(where, f"the label {array} cannot be taken at a shifted index")
            self.shifted.setdefault(entry, where)
        return entry

    def settled(self, side: Expression, where: Part) -> Expression:
        """`side`, which stands at `where`, with the bounds of shifted indices written into it."""
        return settle(side, lambda entry, why: self.error(self.shifted.get(entry, where), why))

    def kronecker(self, node: Kronecker) -> Expression:
        """Kronecker's delta."""
        axis = self._common_axis(node.left, node.right)
        return Delta(self.place(node.left, axis), self.place(node.right, axis))

    # --- conditions ----------------------------------------------------------------------------

    def compare(self, node: Relation) -> Compare:
        """A condition between places, where either side is a place, or else between values."""
        if node.operator == "both":
            raise self.error(
                node.right, "a condition with two signs is understood in cases only: give one at a time"
            )
        axis = self._common_axis(node.left, node.right)
        if node.operator in ("in", "notin"):
            return self._membership(node, axis)
        if node.operator == "within":
            return self._within(node)
        if axis is None:
            return Compare(node.operator, self.number(node.left), self.number(node.right))
        return Compare(node.operator, self.place(node.left, axis), self.place(node.right, axis))

    def _within(self, node: Relation) -> Compare:
        r"""``1 \le i + k \le N``: the place is one of the axis."""
        axis = self.scope.axis(node.right) if isinstance(node.right, Name) else None
        if axis is None:
            raise self.error(node.right, "expected the size of an axis as the upper bound of an index")
        own = self.axis_of(node.left)
        place = self.place(node.left, axis if isinstance(node.left, Terms | Factors | Numeral) else None)
        if isinstance(place, Index) and own != axis:
            place = shifted([(1, place)], 0, axis)
        return Compare("in", place, Size(axis))

    def _membership(self, node: Relation, axis: str | None) -> Compare:
        r"""``i \in S``, where S is an array that is positive at the places of the set."""
        found = self.scope.array(node.right) if isinstance(node.right, Name) else None
        if found is None or found[1] or self.scope.arrays[found[0]] != (axis,):
            raise self.error(
                node.right, "a set is understood as an array of marks only: declare one with this axis"
            )
        marked = Entry(found[0], (self.place(node.left, axis),))
        return Compare(">" if node.operator == "in" else "<=", marked, ZERO)

    def number(self, node: Syntax) -> Expression:
        """The value of a node, which must be a number and not an array."""
        raise NotImplementedError

    def value(self, node: Syntax) -> Value:
        """The value of a node."""
        raise NotImplementedError


def indicator(condition: Compare) -> Expression:
    """1 where a condition holds, else 0, in the form that the calculus knows best."""
    left, right = condition.left, condition.right
    places = isinstance(left, PlaceTerm) or isinstance(right, PlaceTerm)
    if places and condition.operator in ("==", "!="):
        assert isinstance(left, PlaceTerm | Entry)
        assert isinstance(right, PlaceTerm | Entry)
        same = Delta(left, right)
        return same if condition.operator == "==" else sum_of(((False, ONE), (True, same)))
    if not isinstance(left, PlaceTerm) and not isinstance(right, PlaceTerm):
        if condition.operator == ">" and right == ZERO:
            return call("step", left)
        if condition.operator == "<" and left == ZERO:
            return call("step", right)
        if condition.operator == ">":
            return call("step", sum_of(((False, left), (True, right))))
    return Where(condition, ONE, ZERO)


def complementary(one: Compare, other: Compare) -> bool:
    """Whether exactly one of two conditions holds, whatever the values."""
    opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}[one.operator]
    if (other.left, other.right) == (one.left, one.right):
        return other.operator == opposite
    if (other.left, other.right) == (one.right, one.left):
        return _MIRRORED[other.operator] == opposite
    return False
