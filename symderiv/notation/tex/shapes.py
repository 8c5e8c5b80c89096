r"""The shapes of names in matrix notation that nobody declared: ``W^T x`` makes W a matrix and x a vector.

Only signs that nothing but an array can have begin the inference: a transposition, a norm, an inner
product, a trace, an inverse, a bold letter, an array that is known already. From there shapes spread over
sums, products and equations. Where a sign leaves open whether a name is a vector or a matrix, its letter
tells: a capital is a matrix. Every shape that is found so is told as a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symderiv.notation.tex.axes import Slot
from symderiv.notation.tex.calls import rebuilt
from symderiv.notation.tex.shape import NUMBER, Shape, bare, deciding, is_capital, is_minus_one, times_sign
from symderiv.notation.tex.shape_places import SQUARE, ShapePlaces
from symderiv.notation.tex.syntax import (
    Applied,
    Array,
    Bound,
    Bracket,
    Called,
    Cases,
    Differentiated,
    Factors,
    Indicator,
    Kronecker,
    Name,
    Numeral,
    Opaque,
    Part,
    Raised,
    Ranging,
    Ratio,
    Relation,
    Root,
    Subscripted,
    Syntax,
    Terms,
    Transposed,
    Unit,
    walk,
)
from symderiv.notation.tex.uses import names_in_subscripts, plain

#: How often the equations are gone through: what one tells may help another.
_ROUNDS = 5


class ShapeFinder(ShapePlaces):
    """Finds the shapes of names by the signs around them."""

    def _find_shapes(self) -> None:
        """Go through the equations until they tell nothing new.

        In ``z = X w + b`` the b may be a number or a vector: where an equation gives the derivative by it as
        a sum of numbers, it is a number.
        """
        summed = {
            self._split(name)[0]: side
            for each in self.parsed
            for name in _differentiated_by(each.sides[:1])
            for side in each.sides[1:]
            if any(isinstance(part, Bound) and part.kind == "sum" for part in walk(side))
        }
        self.held |= summed.keys() - self.ranks.keys()
        self.patient = True
        self._go_round()
        self.patient = False
        self._go_round()
        if self.held:
            for name in self.held:
                if self._is_single_number(summed[name]):
                    self.ranks[name] = 0
            self.held.clear()
            self._go_round()
        if self._widened():
            self._go_round()

    def _is_single_number(self, side: Syntax) -> bool:
        """Whether a value is a number, and one and the same for all places."""
        bound = {plain(part.letter) for part in walk(side) if isinstance(part, Ranging)}
        free = {plain(unit) for unit in names_in_subscripts(side) if self._is_letter(unit)} - bound
        return not free and self._shape(side) == NUMBER

    def _go_round(self) -> None:
        for _ in range(_ROUNDS):
            before = dict(self.ranks)
            for number, each in enumerate(self.parsed):
                shapes = self._shapes_of_sides(number, each.sides)
                shaped = next((shape for shape in shapes if shape is not None and shape.is_array), None)
                if shaped is None:
                    continue
                for place, (side, shape) in enumerate(zip(each.sides, shapes, strict=True)):
                    self.current = (number, place)
                    self._same(shaped, shape) if shape is not None else self._assign(side, shaped)
            if self.ranks == before:
                return

    def _widened(self) -> bool:
        """Whether some definitions turn out to be of arrays of vectors, when all shapes are known."""
        before = dict(self.ranks)
        for number, each in enumerate(self.parsed):
            if len(each.sides) > 1 and not each.continues:
                self.current = (number, 1)
                shape = self._shape(each.sides[1])
                if shape is not None:
                    self._widen(each.sides[0], each.sides[1], shape)
        return self.ranks != before

    def _shapes_of_sides(self, number: int, sides: Sequence[Syntax]) -> list[Shape | None]:
        """The shapes of the sides of an equation; a bold name left of it is what stands on the right."""
        found: list[Shape | None] = [None] * len(sides)
        for place in (*range(1, len(sides)), 0):
            self.current = (number, place)
            side = sides[place]
            arrays = [shape for shape in found if shape is not None and shape.is_array]
            if place == 0 and arrays and isinstance(side, Name) and side.bold and not side.units:
                self._assign(side, arrays[0])
            found[place] = self._shape(side)
        return found

    def _widen(self, left: Syntax, right: Syntax, shape: Shape) -> None:
        r"""In ``o_i = \sum_j a_{ij} v_j`` with vectors v_j, each o_i is a vector as well."""
        if not isinstance(left, Name) or not left.units or not shape.is_array:
            return
        spelled, units = self._split(left)
        inside = {plain(unit) for unit in names_in_subscripts(right)}
        own = [plain(unit) for unit in units if isinstance(unit, Name) and self._is_letter(unit)]
        rank = len(units) + len(shape.slots)
        if spelled in self.known.arrays or len(own) != len(units) or not set(own) <= inside or rank > 2:
            return
        if units and self.ranks.get(spelled) == len(units):
            self.ranks[spelled] = rank
            self.shaped.setdefault(spelled, left.at)

    # --- what a value tells ----------------------------------------------------------------------

    def _shape(self, node: Part) -> Shape | None:
        """The shape of a value as far as it is known; None where nothing is known of it."""
        match node:
            case Name():
                return self._shape_of_name(node)
            case Terms(_, terms):
                return self._shape_of_sum([term for _, term in terms])
            case Factors(_, factors):
                return self._shape_of_product(factors)
            case Transposed(_, base):
                return self._transposed(base)
            case Raised(_, base, exponent):
                return self._shape_of_power(base, exponent)
            case Ratio(_, above, below):
                self._shape(below)
                return self._shape(above)
            case Root(_, _, body):
                return self._shape(body)
            case Bracket(_, "||", (inside,)):
                self._need(inside)
                return NUMBER
            case Bracket(_, "<", (left, right)):
                first, second = self._need(left), self._need(right)
                if first is not None and second is not None:
                    self._same(first, second)
                return NUMBER
            case Bracket(_, "|", (inside,)):
                shape = self._shape(inside)
                if shape is not None and len(shape.slots) == 2:
                    self._tie_quietly(*shape.slots)
                return NUMBER
            case Bracket(_, _, (inside,)):
                return self._shape(inside)
            case Bound(_, _, over, body):
                for ranging in over:
                    if ranging.condition is not None:
                        self._shape(ranging.condition)
                return self._shape(body)
            case Array(_, letters, body):
                self._shape(body)
                return Shape(tuple(self.letter_slot(plain(letter)) for letter in letters))
            case Subscripted(_, base, units):
                return self._shape_of_entry(base, units)
            case Applied():
                return self._shape_of_function(node)
            case Called(_, name, arguments):
                entrywise = name.primes or self.known.slope(name) is not None
                return self._shape_of_sum(arguments) if entrywise else self._shape_of_name(name)
            case Differentiated(_, of, by):
                return self._shape_of_derivative(of, by)
            case Cases(_, rows):
                for row in rows:
                    for part in (*row.sides[1:], *([row.condition] if row.condition else [])):
                        self._shape(part)
                return self._shape_of_sum([row.sides[0] for row in rows])
            case Indicator(_, Relation(_, "<" | ">" | "<=" | ">=", left, right)):
                return self._shape_of_sum([left, right])
            case Indicator(_, condition):
                self._shape(condition)
                return NUMBER
            case Relation(_, _, left, right):
                self._shape(left)
                self._shape(right)
                return None
            case Numeral() | Kronecker():
                return NUMBER
            case _:
                return None

    def _shape_of_name(self, name: Name) -> Shape | None:
        if name.names == ("1",):
            return Shape(kind="ones")
        if self._is_identity(name):
            return Shape(kind="identity")
        spelled, units = self._split(name)
        if spelled in self.ranks:
            missing = range(len(units), self.ranks[spelled])
            whole = [place for place, unit in enumerate(units) if isinstance(unit, Opaque) and unit.is_whole]
            slots: tuple[Slot, ...] = tuple(("array", spelled, place) for place in (*whole, *missing))
            one = len(slots) == 1 < self.ranks[spelled]
            return Shape(slots, row=one and (whole == [len(units) - 1] or spelled in self.known.rows))
        if self.known.axis(name) is not None or spelled == "pi":
            return NUMBER
        if name.bold and not units and self._can_be_array(name):
            self._by_letter(name, square=False)
            return self._shape_of_name(replace(name, bold=False))
        return None

    def _is_identity(self, name: Name) -> bool:
        own = name.names == ("I",) and "I" not in self.ranks and len(name.units) < 2
        return own and (any(rank > 1 for rank in self.ranks.values()) or self.beside_turned)

    def _shape_of_sum(self, terms: Sequence[Syntax]) -> Shape | None:
        shapes = [self._shape(term) for term in terms]
        shaped = next((shape for shape in shapes if shape is not None and shape.is_array), None)
        if shaped is None:
            return None if None in shapes else NUMBER
        for term, shape in zip(terms, shapes, strict=True):
            if shape is None:
                self._assign(term, shaped)
            else:
                self._same(shaped, shape)
        return shaped

    def _shape_of_product(self, factors: Sequence[tuple[str, Syntax]]) -> Shape | None:
        total: Shape | None = NUMBER
        before: Syntax | None = None  # a factor that nothing is known of yet
        unknown = later = False
        for place, (sign, factor) in enumerate(factors):
            shape = self._shape(factor)
            if sign == "/":
                continue
            if shape is None and total is not None and total.kind:
                shape = self._need(factor)
            elif shape is None and total is not None and total.is_array:
                shape = self._after_array(total, sign, factor, last=place == len(factors) - 1)
            if shape is None:
                unknown, before = True, factor
                later = later or isinstance(factor, Transposed)  # of a vector: a number with the next factor
                if total is not None and total.is_array:
                    waits = self.patient and not total.is_column and sign in ("", "*")
                    later = later or waits or self._is_held(factor)
                continue
            if before is not None and self.patient and shape.is_array and shape.row and sign in ("", "*"):
                later = True
            if before is not None and sign in ("⊙", "⊘") and shape.is_array:
                self._assign(before, shape)
            if before is not None and shape.is_array and is_capital(before) and not shape.row:
                self._assign(before, Shape((self._new_slot(before, 0), shape.slots[0])))
                shape = self._times(self._shape(before) or NUMBER, shape, sign)
            before = None
            total = self._outer_with_ones(total or NUMBER, shape, factor) or self._times(
                total or NUMBER, shape, sign
            )
        if later:  # x^T w is a number if w turns out to be a vector, v x^T a matrix
            return None
        return None if unknown and total is not None and not (total.is_array or total.kind) else total

    def _is_held(self, factor: Syntax) -> bool:
        """Whether it is not yet asked if a factor is an array."""
        name = bare(factor)
        return name is not None and self._split(name)[0] in self.held

    @staticmethod
    def _outer_with_ones(left: Shape, right: Shape, factor: Syntax) -> Shape | None:
        """The shape of ``1 b^T`` and ``b 1^T``, one axis of which follows from what they stand with."""
        ones: Slot = ("shape", f"#{factor.at}", 0)
        if left.kind == "ones" and not left.row and right.row and right.is_array:
            return Shape((ones, *right.slots))
        if right.kind == "ones" and right.row and left.is_column:
            return Shape((*left.slots, ones))
        return None

    def _after_array(self, total: Shape, sign: str, factor: Syntax, last: bool) -> Shape | None:
        """What a factor of which nothing is known must be after an array."""
        if sign in ("⊙", "⊘"):
            self._assign(factor, total)
        elif not total.is_column and bare(factor) is not None:
            if is_capital(factor):
                self._assign(factor, Shape((total.slots[-1], self._new_slot(factor, 1))))
            else:
                self._assign(factor, Shape((total.slots[-1],)))
        elif last and not total.is_column and not self.patient:
            name = deciding(factor)
            if name is not None:
                columns = (self._new_slot(name, 1),) if is_capital(name) else ()
                self._assign(factor, Shape((total.slots[-1], *columns)))
        return self._shape(factor)

    def _times(self, left: Shape, right: Shape, sign: str) -> Shape:
        """The shape of a product, as the reader takes it; the axes that meet are one."""
        if left.kind or right.kind:
            return times_sign(left, right)
        if not left.is_array or not right.is_array:
            return left if left.is_array else right
        if sign in ("⊙", "⊘") or (sign == "×" and left.is_column and right.is_column):
            self._same(left, right)
            return left
        if left.is_column and right.row:
            return Shape((*left.slots, *right.slots))
        if left.is_column or right.row:
            if len(left.slots) == len(right.slots) == 1:
                self._same(left, right)
                return NUMBER
            return left
        self._tie_quietly(left.slots[-1], right.slots[0])
        rest = (*left.slots[:-1], *right.slots[1:])
        return Shape(rest, row=len(left.slots) == 1 and bool(rest))

    def _transposed(self, base: Syntax) -> Shape | None:
        name = bare(base)
        if isinstance(name, Name) and self._shape(name) is None:
            spelled, units = self._split(name)
            if units:  # w_j^T: a row for each j
                self._set(spelled, len(units) + 1, name)
        shape = self._need(base)
        if isinstance(base, Numeral) and base.text == "1":
            return Shape(row=True, kind="ones")
        if shape is None or not shape.is_array:
            return replace(shape, row=not shape.row) if shape is not None and shape.kind else shape
        return replace(shape, row=not shape.row) if len(shape.slots) == 1 else Shape(shape.slots[::-1])

    def _shape_of_power(self, base: Syntax, exponent: Syntax) -> Shape | None:
        if self._is_transposition(exponent):
            if self._stands_alone("T"):
                shape = self._shape(base)
                return self._transposed(base) if shape is not None and shape.is_array else shape
            return self._transposed(base)
        above = self._shape(exponent)
        if isinstance(base, Name) and base.names == ("e",) and not base.units:
            return above
        shape = self._shape(base)
        if shape is None or not shape.is_array:
            return shape
        if is_minus_one(exponent) and len(shape.slots) == 2:
            self._tie_quietly(*shape.slots)
            return shape
        return NUMBER

    @staticmethod
    def _is_transposition(exponent: Syntax) -> bool:
        return isinstance(exponent, Name) and exponent.names == ("T",) and not exponent.units

    def _shape_of_entry(self, base: Syntax, units: Sequence[Unit]) -> Shape:
        shape = self._shape(base)
        if isinstance(base, Bracket) and base.sign == "||":
            return NUMBER
        places = tuple(
            self.letter_slot(plain(unit))
            for unit in units
            if isinstance(unit, Name) and self._is_letter(unit)
        )
        if len(places) == len(units):
            if shape is None:
                self._assign(base, Shape(places))
            elif len(shape.slots) == len(places):
                self._same(shape, Shape(places))
        return NUMBER

    def _shape_of_function(self, node: Applied) -> Shape | None:
        if node.function in ("KL", "CE"):
            first, second = (self._need(argument) for argument in node.arguments)
            if first is not None and second is not None:
                self._same(first, second)
            return NUMBER
        if not node.arguments:
            return None
        if node.function in ("softmax", "logsumexp", "diag", *SQUARE):
            argument = node.arguments[0]
            if node.function == "diag":
                argument = _without_powers(argument)
            shape = self._need(argument, square=node.function in SQUARE)
            if shape is None or node.function == "softmax" or not shape.is_array:
                return shape
            if node.function == "diag":
                if len(shape.slots) == 1:
                    return Shape((shape.slots[0], shape.slots[0]))
                self._tie_quietly(*shape.slots[:2])
                return Shape(shape.slots[:1])
            return Shape(shape.slots[:-1]) if node.function == "logsumexp" else NUMBER
        return self._shape_of_sum(node.arguments)

    def _shape_of_derivative(self, of: Syntax, by: Sequence[Syntax]) -> Shape | None:
        shapes = [self._shape(of), *(self._shape(each) for each in by)]
        if any(shape is None for shape in shapes[1:]):
            return None
        return Shape(tuple(slot for shape in shapes if shape is not None for slot in shape.slots))


def _differentiated_by(sides: Sequence[Syntax]) -> list[Name]:
    """The bare name that a derivative which is all of a side is taken by."""
    return [
        by
        for side in sides
        if isinstance(side, Differentiated) and len(side.by) == 1
        and isinstance(by := side.by[0], Name) and not by.units and not by.bold
    ]  # fmt: skip


def _without_powers(node: Any) -> Any:
    """The argument of ``diag(1 - h^2)``, where powers are those of the entries: they change no shape."""
    if isinstance(node, Raised) and isinstance(node.exponent, Numeral):
        return _without_powers(node.base)
    return rebuilt(node, _without_powers)
