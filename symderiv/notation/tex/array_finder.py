"""Finds the arrays of undeclared formulas: how many indices they have, and which of them are on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from symderiv.notation.names import RESERVED
from symderiv.notation.tex.axes import AxisClash
from symderiv.notation.tex.scope import readings
from symderiv.notation.tex.shapes import ShapeFinder
from symderiv.notation.tex.syntax import (
    Applied,
    Bound,
    Indicator,
    Kronecker,
    Name,
    Numeral,
    Opaque,
    Part,
    Ranging,
    Relation,
    Shifted,
    Subscripted,
    Terms,
    Unit,
    less_than_size,
    walk,
)
from symderiv.notation.tex.uses import (
    after_rows,
    plain,
    transposed_name,
    value_names,
    vector_argument,
)


class ArrayFinder(ShapeFinder):
    """Finds arrays, labels and the ties between their axes."""

    # --- arrays --------------------------------------------------------------------------------

    def _split(self, name: Name) -> tuple[str, tuple[Unit, ...]]:
        """A written name as a name and its indices: the last subscripts that are index letters."""
        found = self.known.array(name)
        if found is not None:
            return found
        if plain(name) in self.whole or self._is_apart(name):
            return plain(name), ()
        if name.primes and plain(replace(name, primes=0)) in self.functions:
            return plain(replace(name, primes=0)), ()
        count = len(name.units)
        for spelled, rest in readings(name):
            if spelled in RESERVED and len(name.names) > 1:
                continue
            same = self.ranks.get(spelled)
            part = spelled in self.shaped and same is not None and 0 < len(rest) < same
            if rest and (same == len(rest) or part) and not any(map(_is_unknown, rest)):
                return spelled, rest
        if name.tag is not None and all(map(self._is_letter, (name.tag, *name.units))):
            return plain(replace(name, units=(), tag=None)), (name.tag, *name.units)
        while count and (self._is_letter(name.units[count - 1]) or _is_whole(name.units[count - 1])):
            count -= 1
        rest = name.units[count:]
        for spelled, others in readings(name):
            if (
                len(others) == len(rest)
                and others == rest
                and not (spelled in RESERVED and len(name.names) > 1)
            ):
                return spelled, rest
        return plain(name), ()

    def _is_apart(self, name: Name) -> bool:
        r"""Whether a name is the w_0 beside w_1, w_2, ...: no sum begins with 0, so it is no entry."""
        last = name.units[-1] if name.units else None
        return isinstance(last, Numeral) and last.text == "0" and len(name.units) == 1 and not self.from_zero

    def _is_sign(self, name: Name) -> bool:
        """Whether a name is a sign of matrix notation: the identity, or the T of a transposition."""
        if name.names == ("I",):
            return "I" not in self.ranks and (
                any(rank > 1 for rank in self.ranks.values()) or self.beside_turned
            )
        matrices = any(self.ranks.values())
        return name.names == ("T",) and not name.units and matrices and not self._stands_alone("T")

    def _find_vectors(self, root: Part) -> None:
        """``softmax(x)``: x is a vector."""
        for part in walk(root):
            if isinstance(part, Applied):
                vector = vector_argument(part)
                if vector is not None and plain(vector) not in self.known.arrays:
                    self.ranks.setdefault(plain(vector), 1)

    def _add_places_of(self, left: Part) -> None:
        """The letters on a left side such as dp_i/dz_j that stand for places of arrays."""
        for name in value_names(left):
            spelled, units = self._split(name)
            if units and self.ranks.get(spelled) == len(units):
                for unit in units:
                    for letter in unit.names() if isinstance(unit, Shifted) else (unit,):
                        if isinstance(letter, Name) and not letter.units and plain(letter) not in self.fixed:
                            self._add_letter(letter)

    def _find_ranks_by_indices(self, names: Sequence[Name]) -> None:
        """The ranks of names that always stand with as many index letters, or sometimes with none."""
        counts: dict[str, list[int]] = {}
        names = [name for name in names if not self._is_letter(name)]
        whole = {  # f_{yk} says that f has two indices: then f_{tk} with a label t is an entry of f too
            (name.names[0], len(name.units)): name
            for name in names
            if len(name.units) > 1 and all(map(self._is_letter, name.units))
        }
        for name in names:
            partly = (
                name.units and self._is_letter(name.units[-1]) and not all(map(self._is_letter, name.units))
            )
            if partly and (name.names[0], len(name.units)) in whole and name.tag is None:
                continue
            spelled, units = self._split(name)
            if units and all(self._is_letter(unit) for unit in units) and spelled not in RESERVED:
                counts.setdefault(spelled, []).append(len(units))
        rows = {
            self._split(base)[0]
            for each in self.parsed for side in each.sides for part in walk(side)
            if (base := transposed_name(part)) is not None and (base.units or base.tag is not None)
        }  # fmt: skip
        vectors: dict[str, int] = {}  # arrays of vectors whose entries stand somewhere too, as x_{ij}
        for each in self.parsed:
            for side in each.sides:
                for name in after_rows(side):  # w^T x_i is a product of vectors, with an x for each i
                    spelled, units = self._split(name)
                    most = max(counts.get(spelled, [0]))
                    if len(units) == most:
                        rows.add(spelled)
                    elif len(units) == most - 1:
                        vectors.setdefault(spelled, name.at)
        self._find_rows_of_sums(counts, vectors)
        for spelled, found in counts.items():
            if spelled in rows or spelled in self.known.arrays:
                continue
            if spelled in vectors and spelled not in self.ranks:
                self._set(spelled, max(found), vectors[spelled])
            self.ranks.setdefault(spelled, found[0])

    def _find_rows_of_sums(self, counts: dict[str, list[int]], vectors: dict[str, int]) -> None:
        """In ``p_n = softmax(W x_n)`` beside a p_{nk} p_n is a vector, and y_n in ``p_n - y_n`` is too."""

        def partial(node: Part) -> Name | None:
            found = self._split(node) if isinstance(node, Name) else None
            most = max(counts.get(found[0], [0])) if found is not None else 0
            return node if isinstance(node, Name) and found and 0 < len(found[1]) == most - 1 else None

        for each in self.parsed:
            name = partial(each.sides[0])
            right = each.sides[1] if len(each.sides) > 1 else None
            if name is not None and isinstance(right, Applied) and right.function == "softmax":
                vectors.setdefault(self._split(name)[0], name.at)
        sums = [part for each in self.parsed for side in each.sides for part in walk(side)]
        for part in sums:
            names = [partial(term) for _, term in part.terms] if isinstance(part, Terms) else []
            if any(name is not None and self._split(name)[0] in vectors for name in names):
                for name in filter(None, names):
                    vectors.setdefault(self._split(name)[0], name.at)

    def _find_rank(self, name: Name) -> None:
        spelled, units = self._split(name)
        if spelled in self.known.arrays or spelled in RESERVED:
            return
        if units and all(self._is_letter(unit) for unit in units):
            self.ranks.setdefault(spelled, len(units))

    def _use(self, name: Name) -> None:
        spelled, units = self._split(name)
        if spelled in RESERVED and spelled not in self.ranks:
            if spelled == "pi" and not name.units:
                return
            raise self.error(name, f"{spelled} is a reserved word in the notation: use another name")
        self.ranks.setdefault(spelled, len(units))
        self.order.setdefault(spelled)
        self.first_use.setdefault(spelled, name.at)
        self._note_decoration(name, spelled, units)
        partial = spelled in self.shaped and len(units) < self.ranks[spelled]
        if units and len(units) != self.ranks[spelled] and not partial and spelled not in self.known.arrays:
            raise self.error(
                name, f"{spelled} has {self.ranks[spelled]} indices elsewhere, but {len(units)} here"
            )
        for place, unit in enumerate(units):
            slot = ("array", spelled, place)
            if isinstance(unit, Shifted):
                for letter in unit.names():
                    self.table.touch(self.letter_slot(plain(letter)))
            elif isinstance(unit, Name) and self._is_letter(unit):
                self._tie(self.letter_slot(plain(unit)), slot, unit)
            elif isinstance(unit, Name):
                self._label(unit, slot)

    def _note_decoration(self, name: Name, spelled: str, units: tuple[Unit, ...]) -> None:
        """Say it where a subscript is read as a part of the name: it may be meant as an index."""
        own = name.units[: len(name.units) - len(units)]
        letters = [unit for unit in own if isinstance(unit, Name) and not unit.word]
        if letters and spelled not in self.known.arrays:
            self.notes.setdefault(f"{spelled} is read as one name: its subscript is no index", name.at)

    def _label(self, unit: Name, slot: tuple[str, str, int]) -> None:
        """A subscript that is no index letter, of an array: the place that a label names."""
        spelled, units = self._split(unit)
        self.ranks.setdefault(spelled, len(units))
        self.order.setdefault(spelled)
        self.first_use.setdefault(spelled, unit.at)
        if spelled in self.known.labels:  # the axis that is declared for it
            with suppress(AxisClash):
                self.table.name(("label", spelled, 0), self.known.labels[spelled])
        self._tie(("label", spelled, 0), slot, unit)
        self.labels.setdefault(spelled, (slot[1], slot[2]))
        for place, inner in enumerate(units):
            if isinstance(inner, Name):
                self._tie(self.letter_slot(plain(inner)), ("array", spelled, place), unit)

    def _tie(self, one: tuple[str, str, int], other: tuple[str, str, int], where: Part) -> None:
        try:
            self.table.tie(one, other)
        except AxisClash as clash:
            raise self.error(where, str(clash)) from None

    def _tie_letters(self, root: Part) -> None:
        marked = {id(part.condition) for part in walk(root) if isinstance(part, Indicator)}
        for part in walk(root):
            match part:
                case Kronecker(_, Name() as left, Name() as right) | Relation(
                    _, "==" | "!=" | "<" | ">" | "<=" | ">=", Name() as left, Name() as right
                ):
                    if self._is_letter(left) and self._is_letter(right):
                        self._tie(self.letter_slot(plain(left)), self.letter_slot(plain(right)), part)
                        continue
                    letter, other = (left, right) if self._is_letter(left) else (right, left)
                    label = (
                        plain(other) in self.labels
                        or isinstance(part, Kronecker)
                        or (
                            (part.operator in ("==", "!=") or id(part) in marked)
                            and not self._is_value(other)
                        )
                    )
                    if self._is_letter(letter) and label:
                        self._label(other, self.letter_slot(plain(letter)))
                case Subscripted(_, Applied() as applied, (Name() as unit,)):
                    vector = vector_argument(applied)
                    if vector is not None and self._is_letter(unit):
                        self._tie(self.letter_slot(plain(unit)), ("array", self._split(vector)[0], 0), unit)
                case Bound(_, _, over, _):
                    for ranging in over:
                        self._tie_bound(ranging)
                case Relation(_, "in" | "notin", Name() as left, Name() as right):
                    self._tie_set(left, right)

    def _is_value(self, name: Name) -> bool:
        """Whether a name stands for a number somewhere, rather than being compared with an index only."""
        spelled = self._split(name)[0]
        return spelled in self.known.axes or any(
            self._split(found)[0] == spelled
            for each in self.parsed
            for side in each.sides
            for found in value_names(side, with_places=False)
            if not self._is_letter(found)
        )

    def _tie_set(self, letter: Name, places: Name) -> None:
        r"""``i \in S``: a set of places is an array that is positive where it has them."""
        name = plain(places)
        if not self._is_letter(letter) or name in self.known.axes or name in self.aliases:
            return
        self.ranks.setdefault(name, 1)
        self.order.setdefault(name)
        self._tie(self.letter_slot(plain(letter)), ("array", name, 0), places)
        if name not in self.known.arrays:
            self.notes.setdefault(
                f"{name} is read as a set of places: those where {name} is positive", places.at
            )

    def _tie_bound(self, ranging: Ranging) -> None:
        short = less_than_size(ranging.last)
        last = ranging.last if short is None else short[0]
        if isinstance(last, Name) and not last.primes and self._split(last)[0] not in self.known.arrays:
            slot, name = self.letter_slot(plain(ranging.letter)), plain(last)
            own = self.table.name_of(slot)
            if own in self.known.axes and name not in {
                *self.known.axes,
                *self.aliases,
                *self.table.axes_named(),
            }:
                if own in self.aliases.values() or own in self.bounds:
                    raise self.error(last, f"{plain(ranging.letter)} ranges over {own}, not up to {name}")
                self.aliases[name] = own
                self.notes.setdefault(
                    f"{name} is read as another name of {own}, the size of this axis", last.at
                )
            elif self.aliases.get(name, name) != name and own == self.aliases[name]:
                pass
            else:
                try:
                    self.table.name(slot, name)
                except AxisClash as clash:
                    raise self.error(last, str(clash)) from None
                self.bounds.add(name)
            self.order.pop(name, None)


def _is_unknown(unit: Unit) -> bool:
    """Whether a subscript is neither a name, a place nor a whole axis."""
    return isinstance(unit, Opaque) and not unit.is_whole


def _is_whole(unit: Unit) -> bool:
    return isinstance(unit, Opaque) and unit.is_whole
