"""Index places: what stands between the brackets of an entry, and which letters are in scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from lark import Token

from symderiv.expression.nodes import Entry, Index, IndexTerm, Number, Position, Shift
from symderiv.expression.shifts import shifted
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.names import Names
from symderiv.notation.syntax import Node, start_of

#: The most digits of a number as written, and the largest power of ten in one such as 1e-8.
MAX_DIGITS = 200
#: The largest whole number by which an index may be shifted.
MAX_SHIFT = 1_000_000
SUMS = ("sum", "signed", "product")
_NO_PLACE = "expected an index: a letter, a place such as 1, a label, or a sum of them such as i + k - 1"


class PlaceBuilder:
    """Builds the expressions of one line.

    Parameters
    ----------
    names
        What the names stand for; the axes of the letters must have been inferred.
    source, begin
        The text and where in it the line begins: for the places of errors.
    left
        The letters on the left side of the line, which are free in it. None where any may be.
    """

    def __init__(self, names: Names, source: Source, begin: int, left: Iterable[str] | None = None) -> None:
        self.names = names
        self.source = source
        self.begin = begin
        self.left = None if left is None else set(left)
        self.bound: list[str] = []
        self.free: set[str] = set(left or ())
        self.binders: list[tuple[str, Node | Token]] = []
        #: Where each entry with a shifted index was first written.
        self.shifted: dict[Entry, Node] = {}

    def error(self, where: Node | Token, message: str) -> NotationError:
        """An error at a piece of syntax."""
        return self.source.error(self.begin + start_of(where), message)

    def finish(self) -> None:
        """Check the line as a whole: no sum may use a letter that is free in the same line."""
        for letter, where in self.binders:
            if letter in self.free:
                raise self.shadowing(letter, where)

    def index(self, node: Node, axis: str | None) -> IndexTerm:
        """The index term of a node that stands for a place on `axis` (None: not known from outside)."""
        if node.data == "number":
            return self._position(as_token(node.children[0]), axis)
        if node.data in SUMS:
            return self._shift(node, axis)
        if node.data not in ("name", "entry"):
            raise self.error(node, _NO_PLACE)
        name = str(node.children[0])
        if self.names.is_label(name):
            label_axis = self.names.inputs[name].label_of
            if axis is not None and label_axis != axis:
                raise self.error(
                    node, f"the label {name} is a place on {label_axis}, but this index is on {axis}"
                )
            return self.entry(node)
        if node.data == "entry":
            raise self.error(node, f"{name} cannot be an index: only labels can (label {name} : K)")
        if not self.names.is_letter(name):
            kind = self.names.kind(name)
            raise self.error(node, f"{name} is {kind} and cannot be an index: use an index letter")
        found = self.names.letter_axis(name)
        if found is None:
            raise self.no_axis(name, node)
        if axis is not None and found != axis:
            raise self.error(node, f"the index {name} ranges over {found}, but this index is on {axis}")
        if name not in self.bound:
            if self.left is not None and name not in self.left:
                raise self.error(
                    node, f"the index {name} is neither summed nor on the left side: sum over it or rename it"
                )
            self.free.add(name)
        return Index(name, found)

    def entry(self, node: Node) -> Entry:
        """The entry of an array that a node names, brackets and all."""
        names = self.names
        name, parts = str(node.children[0]), node.children[1:]
        if not names.is_value(name):
            raise self.error(node, names.no_array(name))
        count = names.count(name)
        if len(parts) != count:
            raise self.error(node, f"{name} needs {index_count(count)}, found {index_count(len(parts))}")
        axes = [names.place_axis(name, place) for place in range(count)]
        entry = Entry(name, tuple(self.index(as_tree(part), axes[at]) for at, part in enumerate(parts)))
        if any(isinstance(term, Shift) for term in entry.indices):
            if names.is_label(name):
                raise self.error(node, f"the label {name} cannot be taken at a shifted index")
            self.shifted.setdefault(entry, node)
        return entry

    def _shift(self, node: Node, axis: str | None) -> IndexTerm:
        """A sum of letters, labels and whole numbers, each letter perhaps some whole number of times."""
        if axis is None:
            raise self.error(node, "it is not known which axis this shifted index is on")
        parts: list[tuple[int, IndexTerm]] = []
        offset = 0
        for times, part in self._summands(node):
            if part.data == "number":
                offset += times * self._whole(as_token(part.children[0]))
                continue
            count, inner = times, part
            if part.data == "product":
                if len(part.children) != 3 or part.children[1] != "*":
                    raise self.error(part, _NO_PLACE)
                total = 0
                for sign, first in self._summands(as_tree(part.children[0])):
                    if first.data != "number":
                        raise self.error(
                            first, "expected a whole number in front of a letter, as in x[i + 2 * k]"
                        )
                    total += sign * self._whole(as_token(first.children[0]))
                count *= total
                inner = as_tree(part.children[2])
            if inner.data not in ("name", "entry"):
                raise self.error(inner, _NO_PLACE)
            parts.append((count, self.index(inner, None)))
        place = shifted(parts, offset, axis)
        numbers = (place.offset, *(times for times, _ in place.terms)) if isinstance(place, Shift) else ()
        if any(abs(each) > MAX_SHIFT for each in numbers):
            raise self.error(node, f"expected whole numbers up to {MAX_SHIFT} in an index, found larger ones")
        return place

    def _summands(self, node: Node) -> Iterator[tuple[int, Node]]:
        """What a sum adds up, each with its sign."""
        if node.data not in ("sum", "signed"):
            yield 1, node
            return
        sign = 1
        for child in node.children:
            if isinstance(child, Token):
                before = sign if node.data == "signed" else 1  # --k is k; in a sum each sign is new
                sign = -before if child == "-" else before
            else:
                yield from ((sign * times, part) for times, part in self._summands(as_tree(child)))

    def _whole(self, token: Token) -> int:
        number = self.number(token).value
        if number.denominator != 1 or abs(number) > MAX_SHIFT:
            raise self.error(token, f"expected a whole number up to {MAX_SHIFT} in an index, found {token}")
        return int(number)

    def _position(self, token: Token, axis: str | None) -> Position:
        number = self.number(token)
        if number.value.denominator != 1 or number.value < 1:
            raise self.error(token, f"expected a place counted from 1, found {token}")
        if axis is None:
            raise self.error(token, f"it is not known which axis the place {token} is on")
        return Position(int(number.value), axis)

    def number(self, token: Token) -> Number:
        """The exact value of a number as written; decimals are read as fractions."""
        mantissa, _, exponent = str(token).lower().partition("e")
        if len(mantissa) > MAX_DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > MAX_DIGITS:
            raise self.error(token, f"this number is too long: at most {MAX_DIGITS} digits are allowed")
        return Number(Fraction(str(token).rstrip(".") if not exponent else str(token)))

    def axis_of(self, node: Node) -> str | None:
        """The axis of an index term, if the node can be one; of a shifted one, that of its first letter."""
        if node.data in SUMS:
            parts = [part for _, part in self._summands(node) if part.data != "number"]
            parts = [as_tree(part.children[-1]) if part.data == "product" else part for part in parts]
            axes = [self.axis_of(part) for part in parts]
            return axes[0] if axes and all(axis is not None for axis in axes) else None
        if node.data not in ("name", "entry"):
            return None
        name = str(node.children[0])
        if self.names.is_label(name):
            return self.names.inputs[name].label_of
        if node.data == "name" and self.names.is_letter(name):
            return self.names.letter_axis(name)
        return None

    def common_axis(self, left: Node, right: Node) -> str | None:
        """The axis of two places that are compared: that of the one which is no shift."""
        first, second = (right, left) if left.data in SUMS else (left, right)
        return self.axis_of(first) or self.axis_of(second)

    def compared(self, left: Node, right: Node, axis: str | None) -> tuple[IndexTerm, IndexTerm]:
        """Two places on one axis, of which one at least depends on a letter or a label."""
        first, second = self.index(left, axis), self.index(right, axis)
        if all(
            isinstance(each, Position) or (isinstance(each, Shift) and not each.terms)
            for each in (first, second)
        ):
            raise self.error(
                left,
                "expected a letter in one of the two places, found numbers only: "
                "write 1 or 0 for what is always or never so",
            )
        return first, second

    def shadowing(self, letter: str, where: Node | Token) -> NotationError:
        """The error of a sum that takes a letter which already has a meaning at its place."""
        return self.error(
            where, f"the index {letter} is already in use around this sum: give the sum a letter of its own"
        )

    def no_axis(self, letter: str, where: Node | Token) -> NotationError:
        """The error of a letter whose axis cannot be found."""
        return self.error(
            where,
            f"the axis of {letter} is not known from its use: add a line 'index {letter} : K'",
        )


def index_count(count: int) -> str:
    """A number of indices in words."""
    return "no index" if count == 0 else "1 index" if count == 1 else f"{count} indices"


def as_tree(child: object) -> Node:
    """A child that the grammar says is a node."""
    assert not isinstance(child, Token)
    return child  # type: ignore[return-value]


def as_token(child: object) -> Token:
    """A child that the grammar says is a token."""
    assert isinstance(child, Token)
    return child
