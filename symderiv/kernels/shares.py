"""Shares exp(u_i) / Σ_k exp(u_k) and their names: one name for each, however often it is spelled out."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symderiv.expression.construct import multiply, power
from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Definition, Entry, Expression, Index, IndexTerm, Shift, Sum
from symderiv.expression.traverse import walk
from symderiv.kernels.matching import match
from symderiv.kernels.monomial import Monomial, exponents_of
from symderiv.problem import Problem


@dataclass(frozen=True)
class _Share:
    """name[indices] = exp(u_i) / total, where the total is Σ_k exp(u_k) and `letter`, an index, is the i."""

    name: str
    indices: tuple[Index, ...]
    letter: Index
    total: Sum

    def at(self, total: Sum, place: IndexTerm) -> Entry | None:
        """The entry that is the share of `place` in `total`; None where it is a share of another sum."""
        found: dict[Index, IndexTerm] = {}
        if not match(self.total, total, set(self.indices) - {self.letter}, found):
            return None
        return Entry(self.name, tuple(place if each == self.letter else found[each] for each in self.indices))


@dataclass
class Shares:
    """The shares that a problem names, and those that get names here.

    Attributes
    ----------
    problem
        The problem that is rewritten.
    names
        The names of all shares.
    new
        The definitions of those that the problem does not name.
    """

    problem: Problem
    names: set[str] = field(default_factory=set)
    new: list[Definition] = field(default_factory=list)
    _known: list[_Share] = field(default_factory=list)

    def note(self, definition: Definition, found: Monomial) -> Expression | None:
        """The body of a definition in the one spelling, where it is the share of one of its letters."""
        if len(found.factors) != 1 or not found.exponent:
            return None
        ((count, total),) = found.factors.values()
        u = exponents_of(total)
        if count != -1 or u is None or not isinstance(total, Sum):
            return None
        free = set(free_indices(total))
        letters = [each for each in definition.indices if each not in free]
        if len(letters) != 1 or len(definition.indices) != len(free) + 1:
            return None
        (letter,) = letters
        if letter.axis != total.index.axis:
            return None
        top = rename(u, {total.index: letter})
        whole = Monomial()
        whole.add_exponent(top, Fraction(1))
        if whole.exponent != found.exponent:
            return None
        self._known.append(_Share(definition.name, definition.indices, letter, total))
        self.names.add(definition.name)
        return multiply(call("exp", top), power(total, -1))

    def take(self, found: Monomial, total: Sum) -> Expression | None:
        """Take exp(u_i) out of a product, for a place i; the share that it is of `total`."""
        u = exponents_of(total)
        for place in _places(found, total.index.axis) if u is not None else ():
            assert u is not None
            part = Monomial()
            part.add_exponent(rename(u, {total.index: place}), Fraction(1))
            if part.exponent and found.holds(part):
                found.multiplied(part, -1)
                return self._entry(total, u, place)
        return None

    def _entry(self, total: Sum, u: Expression, place: IndexTerm) -> Entry:
        for each in self._known:
            entry = each.at(total, place)
            if entry is not None:
                return entry
        free = tuple(free_indices(total))
        letter, name = self._letter(total.index, free), self._name("p")
        body = multiply(call("exp", rename(u, {total.index: letter})), power(total, -1))
        self.new.append(Definition(name, (*free, letter), body))
        self._known.append(_Share(name, (*free, letter), letter, total))
        self.names.add(name)
        return Entry(name, (*free, place))

    def _letter(self, index: Index, free: tuple[Index, ...]) -> Index:
        taken = {each.name for each in free} | {index.name}
        names = (*self.problem.letters_of(index.axis), *(f"{index.name}{n}" for n in range(1, 9)))
        return next(Index(name, index.axis) for name in names if name not in taken)

    def _name(self, wanted: str) -> str:
        problem = self.problem
        taken = self.names | problem._names() | problem.all_letters() | set(problem.axes)
        name, count = wanted, 2
        while name in taken:
            name, count = f"{wanted}_{count}", count + 1
        return name


def _places(found: Monomial, axis: str) -> list[IndexTerm]:
    """The places on an axis that exponents of a product speak of."""
    places: dict[IndexTerm, None] = {}
    for _, u in found.exponent.values():
        for index in free_indices(u):
            if index.axis == axis:
                places.setdefault(index)
        for _, part in walk(u):
            if isinstance(part, Entry):
                for term in part.indices:
                    if not isinstance(term, Index | Shift):
                        places.setdefault(term)
    return list(places)


__all__ = ["Shares"]
