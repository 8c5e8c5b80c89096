"""Gives names the shapes that their places ask for."""

from __future__ import annotations

from abc import abstractmethod

from symderiv.notation.names import RESERVED
from symderiv.notation.tex.axes import AxisClash, Slot
from symderiv.notation.tex.letters import LetterFinder
from symderiv.notation.tex.shape import Shape, bare, deciding, is_capital, is_minus_one
from symderiv.notation.tex.syntax import (
    Applied,
    Bound,
    Bracket,
    Called,
    Differentiated,
    Factors,
    Name,
    Part,
    Raised,
    Ratio,
    Syntax,
    Terms,
    Transposed,
    Unit,
)
from symderiv.notation.tex.uses import plain

#: Functions of a square matrix.
SQUARE = frozenset({"tr", "det", "logdet"})


class ShapePlaces(LetterFinder):
    """Lets names have shapes: what each place says is in the class built on this one."""

    @abstractmethod
    def _split(self, name: Name) -> tuple[str, tuple[Unit, ...]]:
        """A written name as a name and its indices."""

    @abstractmethod
    def _shape(self, node: Part) -> Shape | None:
        """The shape of a value as far as it is known; None where nothing is known of it."""

    @abstractmethod
    def _shape_of_name(self, name: Name) -> Shape | None:
        """The shape of a name as far as it is known."""

    # --- what a place asks for -------------------------------------------------------------------

    def _need(self, node: Syntax, square: bool = False) -> Shape | None:
        """The shape of what must be an array; the letters tell a vector from a matrix."""
        shape = self._shape(node)
        if shape is not None:
            if square and len(shape.slots) == 2:
                self._tie_quietly(*shape.slots)
            return shape
        name = deciding(node)
        if name is None:
            return None
        self._by_letter(name, square)
        return self._shape(node)

    def _by_letter(self, name: Name, square: bool) -> None:
        """Let a name be a matrix or a vector, as its letter tells."""
        rank = 2 if is_capital(name) or square else 1
        slots = tuple(self._new_slot(name, place) for place in range(rank))
        if square:
            self._tie_quietly(*slots)
        self._assign(name, Shape(slots))

    def _assign(self, node: Syntax, shape: Shape) -> None:
        """Let what nothing is known of have a shape that its place asks for."""
        match node:
            case Name():
                spelled, units = self._split(node)
                if shape.is_array and spelled not in self.ranks and self._can_be_array(node):
                    self._set(spelled, len(units) + len(shape.slots), node)
                    mine = self._shape_of_name(node)
                    if mine is not None:
                        self._same(mine, shape)
            case Terms(_, terms):
                for _, term in terms:
                    if self._shape(term) is None:
                        self._assign(term, shape)
            case Bracket(_, "(" | "[" | "{" | "\\{", (inside,)):
                self._assign(inside, shape)
            case Ratio(_, above, _) | Factors(_, (("", above), ("/", _))):
                self._assign(above, shape)
            case Factors(_, factors) if all(sign in ("⊙", "⊘") for sign, _ in factors[1:]):
                for _, factor in factors:
                    if self._shape(factor) is None:
                        self._assign(factor, shape)
            case Factors():
                name = deciding(node)
                if name is None or len(shape.slots) != (2 if is_capital(name) else 1):
                    return
                if any(
                    is_capital(factor) for _, factor in node.factors[:-1]
                ):  # X W has the columns of W alone
                    own = Shape((self._new_slot(name, 0), *shape.slots[1:]))
                else:
                    own = shape
                self._assign(name, own)
                found = self._shape(node)
                if found is not None:
                    self._same(found, shape)
            case Transposed(_, base):
                self._assign(base, Shape(shape.slots[::-1]))
            case Raised(_, base, exponent) if is_minus_one(exponent) and len(shape.slots) == 2:
                self._assign(base, shape)
            case Applied(_, function, (argument,)) if function not in ("logsumexp", "diag", *SQUARE):
                self._assign(argument, shape)
            case Called(_, name, _) if not name.primes:
                self._assign(name, shape)
            case Bound(_, "sum", _, body):
                self._assign(body, shape)
            case Differentiated(_, of, (by,)) if self._shape(of) is not None or not self.patient:
                if len(shape.slots) == 2 and self._shape(of) is None and all(map(_is_small, (of, by))):
                    self._assign(of, Shape(shape.slots[:1]))  # the Jacobian of two vectors
                own = self._shape(of) or Shape()
                self._same(own, Shape(shape.slots[: len(own.slots)]))
                self._assign(by, Shape(shape.slots[len(own.slots) :]))
            case _:
                return

    def _can_be_array(self, name: Name) -> bool:
        spelled, _ = self._split(name)
        return not (
            spelled in RESERVED
            or spelled in self.held
            or spelled in self.known.arrays
            or spelled in self.known.axes
            or self._is_letter(name)
            or name.names in (("e",), ("I",))
        )

    def _set(self, spelled: str, rank: int, where: Name | int) -> None:
        if spelled not in self.ranks and rank <= 2:
            self.ranks[spelled] = rank
            self.shaped.setdefault(spelled, where if isinstance(where, int) else where.at)

    def _new_slot(self, node: Syntax, place: int) -> Slot:
        """A slot of its own, for an axis of something that a name will get."""
        name = bare(node)
        spelled = plain(name) if name is not None else f"#{node.at}"
        return ("shape", spelled, place)

    def _same(self, one: Shape, other: Shape) -> None:
        if len(one.slots) == len(other.slots):
            for first, second in zip(one.slots, other.slots, strict=True):
                self._tie_quietly(first, second)

    def _tie_quietly(self, one: Slot, other: Slot) -> None:
        """Let two axes be one; where they are known to differ, the reader names both shapes later."""
        try:
            joined = self.table.tie(one, other)
        except AxisClash:
            return
        for kind, name, _ in (one, other):
            if joined and kind == "array" and name not in self.shaped:
                self.joined.add(name)


def _is_small(node: Syntax) -> bool:
    """Whether something is a name with a small letter, as vectors have."""
    return isinstance(node, Name) and not is_capital(node) and not node.word
