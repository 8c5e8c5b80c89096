r"""Finds the problem that formulas speak of where nobody declared it: arrays, their axes, index letters.

A subscript letter is an index if something is summed over it, or if it stands on the left of an equation
and in a subscript on its right; any other is part of the name (``p_t``), or a label where the name is an
array elsewhere (``-\log p_y``). The upper bound of a sum names its axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from symderiv.expression.nodes import Index
from symderiv.notation.errors import Source
from symderiv.notation.tex.array_finder import ArrayFinder
from symderiv.notation.tex.axes import AxisClash, Slot
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.sizes import differentiated_by, divided_sums
from symderiv.notation.tex.syntax import (
    Array,
    Called,
    Name,
    Numeral,
    Ranging,
    walk,
)
from symderiv.notation.tex.uses import (
    names_in_subscripts,
    plain,
    value_names,
)
from symderiv.problem import axis_of_size


@dataclass
class Defined:
    """A definition that was found: its name, its letters or arguments, and the number of its equation."""

    name: str
    letters: tuple[str, ...]
    equation: int
    arguments: tuple[Name, ...] = ()


@dataclass
class Found:
    """What was inferred: a scope to read in, and what has to be declared for it."""

    scope: Scope
    inputs: list[str] = field(default_factory=list)
    letters: list[Index] = field(default_factory=list)
    definitions: list[Defined] = field(default_factory=list)
    uses: dict[str, set[str]] = field(default_factory=dict)
    letters_in: list[list[dict[str, str]]] = field(default_factory=list)  # the axes of the letters, by side
    relabelled: list[str] = field(default_factory=list)  # declared inputs that turn out to be labels


def infer(source: Source, parsed: Sequence[Parsed], known: Scope, notes: dict[str, int]) -> Found:
    """Find the names that `parsed` uses beyond those of `known`; what is guessed is added to `notes`.

    Raises
    ------
    NotationError
        Where no single reading is left: a letter over two axes, matrix notation without shapes.
    """
    return _Inference(source, parsed, known, notes).run()


class _Inference(ArrayFinder):
    """One run over the equations of a display."""

    def run(self) -> Found:
        numbered = [
            ((number, place), part)
            for number, each in enumerate(self.parsed)
            for place, part in enumerate(each.parts())
        ]
        roots = [root for _, root in numbered]
        self._find_letters(roots)
        self._find_whole_names()
        self._make_labels(self._definitions())
        self.ranks = {name: len(axes) for name, axes in self.known.arrays.items()}
        self._find_ranks_by_indices([name for root in roots for name in value_names(root)])
        self._find_shapes()
        definitions = self._definitions()
        values = [
            (spot, name)
            for spot, root in numbered
            for name in value_names(root)
            if not self._is_letter(name) and not self._is_sign(name)
        ]
        for _, name in values:
            self._find_rank(name)
        for root in roots:
            self._find_vectors(root)
        for each in self.parsed:
            self._add_places_of(each.sides[0])
        for self.current, name in values:
            self._use(name)
        for self.current, root in numbered:
            self._tie_letters(root)
        return self._result(definitions)

    # --- definitions ---------------------------------------------------------------------------

    def _definitions(self) -> list[Defined]:
        """The definitions; an equation that says backwards what another defines is a claim."""
        found: dict[str, Defined] = {}
        uses: dict[str, set[str]] = {}
        for number, each in enumerate(self.parsed):
            defined = self._definition(number, each)
            if defined is None or defined.name in found:
                continue
            names = {self._split(part)[0] for part in value_names(each.sides[1])}
            if not self._reaches(names, defined.name, uses):
                found[defined.name] = defined
                uses[defined.name] = names
        return list(found.values())

    @staticmethod
    def _reaches(names: set[str], wanted: str, uses: Mapping[str, set[str]]) -> bool:
        """Whether some names are made of another by what is defined so far."""
        seen: set[str] = set()
        todo = [*names]
        while todo:
            name = todo.pop()
            if name == wanted:
                return True
            if name not in seen:
                seen.add(name)
                todo.extend(uses.get(name, ()))
        return False

    def _definition(self, number: int, each: Parsed) -> Defined | None:
        """The definition that an equation is, if it is one."""
        left = each.sides[0]
        if len(each.sides) < 2 or each.continues or each.conditions:
            return None
        if isinstance(left, Called) and all(isinstance(part, Name) for part in left.arguments):
            arguments = tuple(part for part in left.arguments if isinstance(part, Name))
            name = plain(left.name)
            if left.name.primes:
                return None
            if all(self._is_letter(argument) for argument in arguments):
                letters = tuple(plain(argument) for argument in arguments)
                return self._new(name, letters, number, each)
            defined = self._new(name, (), number, each)
            return defined and Defined(name, (), number, arguments)
        if not isinstance(left, Name) or (left.primes and plain(replace(left, primes=0)) in self.functions):
            return None
        name, units = self._split(left)
        if not all(self._is_letter(unit) for unit in units):
            return None
        letters = tuple(plain(unit) for unit in units if isinstance(unit, Name))
        return self._new(name, letters, number, each) if len(set(letters)) == len(letters) else None

    def _new(self, name: str, letters: tuple[str, ...], number: int, each: Parsed) -> Defined | None:
        if name in self.known.arrays or name == "1":  # a row of ones has its meaning
            return None
        own = [part for side in each.sides[1:2] for part in value_names(side)]
        if any(self._split(part)[0] == name for part in own):
            return None
        self.ranks.setdefault(name, len(letters))
        for place, letter in enumerate(letters):
            self.current = (number, 0)
            self._tie(self.letter_slot(letter), ("array", name, place), each.sides[0])
        return Defined(name, letters, number)

    def _make_labels(self, definitions: Sequence[Defined]) -> bool:
        """Letters that are free in a definition are labels: fixed places. Whether there are any."""
        bound = {
            plain(part.letter)
            for each in self.parsed
            for side in each.sides
            for part in walk(side)
            if isinstance(part, Ranging)
        } | {
            plain(letter)
            for each in self.parsed
            for side in each.sides
            for part in walk(side)
            if isinstance(part, Array)
            for letter in part.letters
        }
        changed = False
        for each in definitions:
            for unit in names_in_subscripts(self.parsed[each.equation].sides[1]):
                letter = plain(unit)
                if letter in each.letters or letter in bound or letter not in self.index_letters:
                    continue
                del self.index_letters[letter]
                self.fixed.add(letter)
                changed = True
        return changed

    def _find_whole_names(self) -> None:
        """Names with a subscript that stand alone on a left side, whose right side does not have it."""
        for each in self.parsed:
            left = each.sides[0]
            if not isinstance(left, Name) or not left.units or len(each.sides) < 2 or each.continues:
                continue
            right = {plain(unit) for side in each.sides[1:] for unit in names_in_subscripts(side)}
            right -= self.marks
            own = [plain(unit) for unit in left.units if isinstance(unit, Name)]
            if len(own) == len(left.units) and not any(
                unit in right or unit in self.index_letters or unit in self.known.letters for unit in own
            ):
                self.whole.add(plain(left))

    # --- the result ----------------------------------------------------------------------------

    def _join_sides(self) -> None:
        """A letter that is summed in several sides ranges over one axis, unless that cannot be."""
        for number, each in enumerate(self.parsed):
            for place in range(len(each.parts())):
                self.current = (number, place)
                for letter in sorted(self.own_letters(number, place)):
                    slot = self.letter_slot(letter)
                    try:
                        self.table.tie(("letter", letter, number), slot)
                    except AxisClash:
                        here, there = self.table.axis(slot), self.table.axis(("letter", letter, number))
                        where = each.spans[min(place, len(each.spans) - 1)][0]
                        self.notes.setdefault(
                            f"{letter} is summed over {here} here and over {there} elsewhere", where
                        )

    def _name_by_numbers(self) -> None:
        r"""Axes that every sum over them takes from 1 to the same number, as in ``\sum_{i=1}^3``."""
        bounds: dict[Slot, set[int]] = {}
        for number, each in enumerate(self.parsed):
            for place, root in enumerate(each.parts()):
                self.current = (number, place)
                for part in walk(root):
                    if isinstance(part, Ranging):
                        slot = self.table.leader(self.letter_slot(plain(part.letter)))
                        last = part.last
                        whole = isinstance(last, Numeral) and last.text.isdecimal() and len(last.text) < 4
                        one = part.first is None or (
                            isinstance(part.first, Numeral) and part.first.text == "1"
                        )
                        if last is not None or not one:
                            size = int(last.text) if whole and one and isinstance(last, Numeral) else 0
                            bounds.setdefault(slot, set()).add(size)
        for slot, found in bounds.items():
            if len(found) == 1 and 0 not in found and self.table.name_of(slot) is None:
                self.table.name(slot, axis_of_size(*found))

    def _name_by_divisors(self, definitions: Sequence[Defined]) -> None:
        r"""Axes over which sums are divided by a name that is nothing else: ``\frac{1}{N} \sum_i x_i``."""
        taken = {each.name for each in definitions} | {*self.known.arrays, *self.known.axes, *self.labels}
        taken |= {*self.fixed, *self.index_letters, *self.aliases, *self.known.functions, *self.functions}
        taken |= {*self.known.unspecified, *self.known.given, *self.table.axes_named()}
        meant: dict[str, dict[Slot | None, int]] = {}
        for number, each in enumerate(self.parsed):
            for place, root in enumerate(each.parts()):
                self.current = (number, place)
                taken |= {plain(name) for name in differentiated_by(root)}
                for name, over in divided_sums(root):
                    slot = self.table.leader(self.letter_slot(plain(over.letter))) if over else None
                    meant.setdefault(plain(name), {}).setdefault(slot, name.at)
        for one, slots in meant.items():
            others = {slot for other, slots in meant.items() if other != one for slot in slots}
            if (
                one in taken
                or self.ranks.get(one)
                or any(slot and self.table.name_of(slot) for slot in slots)
            ):
                continue
            slot, at = next(iter(slots.items()))
            if slot is None or len(slots) > 1 or slot in others:
                self.notes.setdefault(f"{one} is read as a number: it may be the size of several axes", at)
            else:
                self.table.name(slot, one)
                self.order.pop(one, None)
                self.notes.setdefault(f"{one} is read as the size of the axis that is summed over", at)

    def _declared_letters(self) -> None:
        """Give every letter its declared axis, but in equations where it stands on another."""
        for number, each in enumerate(self.parsed):
            for place, (letter, axis) in product(range(len(each.parts())), self.known.letters.items()):
                self.current = (number, place)
                slot = self.letter_slot(letter)
                if not self.table.has(slot):
                    continue
                try:
                    self.table.name(slot, axis)
                except AxisClash:
                    where = each.spans[min(place, len(each.spans) - 1)][0]
                    own = self.table.axis(slot)
                    self.notes.setdefault(
                        f"{letter} ranges over {own} here, though it is declared to range over {axis}", where
                    )

    def _result(self, definitions: list[Defined]) -> Found:
        self._join_sides()
        self._declared_letters()
        self._name_by_divisors(definitions)
        axes = self.table.axes_named()
        for name, rank in self.ranks.items():
            for place in range(rank):
                self.table.touch(("array", name, place))
        self._name_by_numbers()
        self.table.name_the_rest(taken={*self.order, *self.index_letters, *axes, *self.known.axes})
        known = self.known
        scope = replace(
            known,
            arrays=dict(known.arrays),
            labels=dict(known.labels),
            functions=set(known.functions),
            applied=set(known.applied),
            letters=dict(known.letters),
            axes=set(known.axes),
            aliases=self.aliases,
            numbers=self._numbers(),
        )
        found = Found(scope, definitions=definitions)
        for number, each_parsed in enumerate(self.parsed):
            sides = [self._letters_of(scope, number, place) for place in range(len(each_parsed.parts()))]
            found.letters_in.append(sides)
        found.letters += [Index(*each) for each in scope.letters.items() if each[0] not in known.letters]
        defined = {each.name for each in definitions}
        for each in definitions:
            body = self.parsed[each.equation].sides[1]
            found.uses[each.name] = {self._split(part)[0] for part in value_names(body)}
        for name in self.order:
            if name in self.labels and name in known.given and name not in known.labels:
                self._read_as_label(name, scope)
                found.relabelled.append(name)
            if name in scope.arrays or name in scope.axes or name in axes or name in self.aliases:
                continue
            self._note_shape(name)
            scope.arrays[name] = tuple(
                self.table.axis(("array", name, place)) for place in range(self.ranks[name])
            )
            scope.axes |= set(scope.arrays[name])
            if name in self.labels:
                scope.labels[name] = self.table.axis(("label", name, 0))
                sentence = f"{name} holds labels: places on {scope.labels[name]}"
                self.notes.setdefault(sentence, self.first_use.get(name, 0))
            if name not in defined:
                found.inputs.append(name)
        for each in definitions:
            letters = found.letters_in[each.equation][0]
            scope.arrays.setdefault(each.name, tuple(letters[letter] for letter in each.letters))
            if not scope.arrays[each.name]:
                scope.functions.add(each.name)
            elif each.arguments:
                scope.applied.add(each.name)
        for name in found.inputs:
            if name in scope.labels and self._is_number_too(name, with_places=False):
                where = next(
                    part.at for each in self.parsed for side in each.sides for part in value_names(side)
                    if self._split(part)[0] == name
                )  # fmt: skip
                raise self.error(
                    where, f"{name} is a place in one formula and a number in another: declare it"
                )
        return found

    def _numbers(self) -> set[str]:
        """The names that stand as values somewhere other than in the bounds of a sum."""
        parts = [part for each in self.parsed for side in each.sides for part in walk(side)]
        bounds = [each.last for each in parts if isinstance(each, Ranging) and each.last is not None]
        inside = {id(part) for bound in bounds for part in walk(bound)}
        names = [name for each in self.parsed for side in each.sides for name in value_names(side)]
        return {plain(name) for name in names if id(name) not in inside}

    def _letters_of(self, scope: Scope, number: int, place: int) -> dict[str, str]:
        """The axes of the letters of one side; the scope gets to know them too."""
        self.current = (number, place)
        mine = dict(self.known.letters)
        for letter in {**self.known.letters, **self.index_letters}:
            slot = self.letter_slot(letter)
            if self.table.has(slot):
                mine[letter] = self.table.axis(slot)
                scope.axes.add(mine[letter])
                scope.letters.setdefault(letter, mine[letter])
        return mine

    def _note_shape(self, name: str) -> None:
        """Tell the shape of a name that was found from matrix notation."""
        axes = [self.table.axis(("array", name, place)) for place in range(self.ranks[name])]
        if name in self.shaped or (name in self.joined and len(set(axes)) < len(axes)):
            kind = "a vector" if len(axes) == 1 else "a matrix"
            where = self.shaped.get(name, self.first_use.get(name, 0))
            self.notes.setdefault(f"{name} is read as {kind} of size {'×'.join(axes)}", where)

    def _read_as_label(self, name: str, scope: Scope) -> None:
        """A declared input that stands in subscripts holds places, not numbers."""
        axis = self.table.axis(("label", name, 0))
        scope.labels[name] = axis
        where = next(
            (
                unit.at for each in self.parsed for side in each.sides for unit in names_in_subscripts(side)
                if self._split(unit)[0] == name
            ),
            0,
        )  # fmt: skip
        if self._is_number_too(name, with_places=False):
            raise self.error(where, f"{name} is a place here and a number elsewhere: declare it as a label")
        self.notes.setdefault(f"{name} holds labels: places on {axis}", where)

    def _is_number_too(self, name: str, with_places: bool = True) -> bool:
        return any(
            self._split(part)[0] == name
            for each in self.parsed
            for side in each.sides
            for part in value_names(side, with_places)
            if not self._is_letter(part)
        )
