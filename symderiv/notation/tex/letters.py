"""Which letters of undeclared formulas are index letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.axes import AxisTable, Slot
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import (
    Called,
    Kronecker,
    Name,
    Numeral,
    Part,
    Raised,
    Ranging,
    Ratio,
    Relation,
    Shifted,
    Terms,
    Transposed,
    Unit,
    walk,
)
from symderiv.notation.tex.uses import names_in_subscripts, plain, value_names


class LetterFinder:
    """Finds the index letters of some equations."""

    def __init__(self, source: Source, parsed: Sequence[Parsed], known: Scope, notes: dict[str, int]) -> None:
        self.source = source
        self.notes = notes
        self.parsed = parsed
        self.known = known
        self.index_letters: dict[str, None] = {}
        self.ranks: dict[str, int] = {name: len(axes) for name, axes in known.arrays.items()}
        self.table = AxisTable(known.arrays)
        self.labels: dict[str, tuple[str, int]] = {}  # the array and the place of it that a label names
        self.order: dict[str, None] = {}
        self.fixed: set[str] = set()  # letters that are labels
        self.shaped: dict[str, int] = {}  # names whose shape was found from matrix notation, and where
        self.first_use: dict[str, int] = {}
        self.patient = False  # whether what may be told by another equation is left open
        self.held: set[str] = set()  # names of which it is not yet asked whether they are arrays
        self.joined: set[str] = set()  # other names, some axes of which are one for it
        self.whole: set[str] = set()  # names with subscripts that are defined as one name
        self.marks: set[str] = set()  # letters in subscripts that tell names apart and index nothing
        self.aliases: dict[str, str] = {}  # further names of declared axes
        self.bounds: set[str] = set()  # axes that are named by the bound of a sum
        self.current = (0, 0)  # the equation that is looked at, and the side: letters belong to them
        self._own_letters: dict[tuple[int, int], frozenset[str]] = {}
        # Names that are defined as functions: f(x) = ...; f' is then no name of its own.
        self.from_zero = any(
            isinstance(part, Ranging) and isinstance(part.first, Numeral) and part.first.text == "0"
            for each in parsed
            for root in each.parts()
            for part in walk(root)
        )
        self.functions = {
            plain(each.sides[0].name)
            for each in parsed
            if isinstance(each.sides[0], Called) and not each.sides[0].name.primes
        } | set(_of_one_number(parsed))

    def error(self, where: Part | int, message: str) -> NotationError:
        """An error at a piece of syntax."""
        return self.source.error(where if isinstance(where, int) else where.at, message)

    def letter_slot(self, name: str) -> Slot:
        """The slot of a letter: it may change its axis with the equation, a summed one with the side."""
        number, place = self.current
        if name in self.own_letters(number, place):
            return ("letter", f"{name} in {place}", number)
        return ("letter", name, number)

    def own_letters(self, number: int, place: int) -> frozenset[str]:
        """The letters that are summed in a side of an equation and do not stand on its left."""
        key = (number, place)
        if key not in self._own_letters:
            parts = self.parsed[number].parts()
            left = {plain(unit) for unit in names_in_subscripts(parts[0])} if parts else set()
            bound = {
                plain(part.letter)
                for root in parts[place : place + 1]
                for part in walk(root)
                if isinstance(part, Ranging)
            }
            self._own_letters[key] = frozenset(bound - left) if len(parts) > 2 and place else frozenset()
        return self._own_letters[key]

    @cached_property
    def beside_turned(self) -> bool:
        """Whether I stands in a sum beside a term with a transposition: I - y y^T makes it the identity."""
        sums = (part for each in self.parsed for side in each.sides for part in walk(side))
        return any(
            any(_is_one(term) for _, term in part.terms) and any(map(_is_turned, walk(part)))
            for part in sums
            if isinstance(part, Terms)
        )

    # --- letters -------------------------------------------------------------------------------

    def _stands_alone(self, name: str) -> bool:
        """Whether a name is used as a number somewhere other than in a power."""
        for each in self.parsed:
            for side in each.sides:
                powers = {
                    id(part)
                    for raised in walk(side)
                    if isinstance(raised, Raised)
                    for part in _alone(raised.exponent)
                }
                if any(name == found.names[0] and id(found) not in powers for found in value_names(side)):
                    return True
        return False

    def _find_letters(self, roots: Sequence[Part]) -> None:
        self._find_marks(roots)
        for root in roots:
            for part in walk(root):
                match part:
                    case Ranging(_, letter):
                        self._add_letter(letter)
                    case Kronecker(_, Name() as one, Name() as other):
                        for unit in (one, other):
                            if not unit.units and self._in_a_left_side(plain(unit)):
                                self._add_letter(unit)
        numbers = {
            plain(name)
            for root in roots
            if not isinstance(root, Relation)
            for name in value_names(root, with_places=False)
            if not name.units
        }
        for each in self.parsed:
            inside = {plain(unit) for side in each.sides[1:] for unit in names_in_subscripts(side)}
            left = each.sides[0]
            candidates = list(names_in_subscripts(left))
            if isinstance(left, Called):
                candidates += [argument for argument in left.arguments if isinstance(argument, Name)]
            for candidate in candidates:
                if plain(candidate) in inside and plain(candidate) not in numbers:
                    self._add_letter(candidate)
        for root in roots:
            for part in walk(root):
                if isinstance(part, Relation):
                    self._add_compared(part.left, part.right)

    def _find_marks(self, roots: Sequence[Part]) -> None:
        """The letters that declared names take in, as the t of h_t, and that nothing runs over."""
        bound = {plain(part.letter) for root in roots for part in walk(root) if isinstance(part, Ranging)}
        for root in roots:
            for part in walk(root):
                found = self.known.array(part) if isinstance(part, Name) and part.units else None
                if found is None or not isinstance(part, Name):
                    continue
                own = part.units[: len(part.units) - len(found[1])]
                letters = {plain(unit) for unit in own if isinstance(unit, Name) and not unit.units}
                self.marks |= {each for each in letters if len(each) == 1} - bound - self.known.letters.keys()
        for each in self.parsed:  # the A and B of E_A = f(R_A, R_B) are no places: nothing runs over B
            left, right = (
                {plain(unit) for side in sides for unit in names_in_subscripts(side)}
                for sides in (each.sides[:1], each.sides[1:])
            )
            open_ = {letter for letter in right - bound if len(letter) == 1 and letter.isupper()}
            open_ -= self.known.letters.keys() | self.known.arrays.keys()
            if open_ & left and open_ - left:
                self.marks |= open_

    def _add_compared(self, left: Part, right: Part) -> None:
        """The letters of ``i = j``, where one of them is known to be one."""
        if not (isinstance(left, Name) and isinstance(right, Name)) or left.units or right.units:
            return
        if plain(left) in self.index_letters or plain(right) in self.index_letters:
            for each in (left, right):
                if self._in_a_left_side(plain(each)):
                    self._add_letter(each)

    def _in_a_left_side(self, letter: str) -> bool:
        """Whether a letter is a subscript on the left of an equation, which then holds for each of it."""
        return letter in self._left_letters

    @cached_property
    def _left_letters(self) -> frozenset[str]:
        return frozenset(plain(unit) for each in self.parsed for unit in names_in_subscripts(each.sides[0]))

    def _add_letter(self, unit: Name) -> None:
        name = plain(unit)
        if name not in self.known.arrays and name not in self.known.axes and name not in self.marks:
            self.index_letters.setdefault(name)

    def _is_letter(self, unit: Unit) -> bool:
        if isinstance(unit, Shifted):
            return bool(unit.names()) and all(map(self._is_letter, unit.names()))
        if not isinstance(unit, Name):
            return False
        name = plain(unit)
        return name in self.index_letters or name in self.known.letters


def _of_one_number(parsed: Sequence[Parsed]) -> Iterator[str]:
    r"""The names that are defined by one other number alone, ``y = \sin^2 x``: y' is then their slope."""
    for each in parsed:
        left = each.sides[0]
        if isinstance(left, Name) and not left.units and not left.primes and len(each.sides) > 1:
            inside = {plain(name) for name in value_names(each.sides[1]) if name.names[0] != "pi"}
            if len(inside) == 1 and plain(left) not in inside and not any(names_in_subscripts(each.sides[1])):
                yield plain(left)


def _alone(exponent: Part) -> tuple[Part, ...]:
    """An exponent, and what it is the negative of."""
    match exponent:
        case Terms(_, ((True, term),)):
            return (exponent, term)
        case _:
            return (exponent,)


def _is_one(node: Part) -> bool:
    """Whether a term is I, or I by a number."""
    match node:
        case Name(_, ("I",), ()):
            return True
        case Ratio(_, above, _):
            return _is_one(above)
        case _:
            return False


def _is_turned(node: Part) -> bool:
    return isinstance(node, Transposed) or (
        isinstance(node, Raised) and isinstance(node.exponent, Name) and node.exponent.names == ("T",)
    )
