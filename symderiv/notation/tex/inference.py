r"""Finds the problem that formulas speak of where nobody declared it: arrays, their axes, index letters.

A subscript letter is an index if something is summed over it, or if it stands on the left of an equation
and in a subscript on its right; any other is part of the name (``p_t``), or a label where the name is an
array elsewhere (``-\log p_y``). The upper bound of a sum names its axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from symderiv.expression.nodes import Index
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.names import RESERVED
from symderiv.notation.tex.axes import AxisClash, AxisTable, Slot
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope, readings
from symderiv.notation.tex.syntax import (
    Applied,
    Bound,
    Bracket,
    Called,
    Kronecker,
    Name,
    Numeral,
    Opaque,
    Part,
    Raised,
    Ranging,
    Relation,
    Subscripted,
    Transposed,
    Unit,
    parts_of,
    walk,
)

_ARRAY_FUNCTIONS = frozenset({"softmax", "logsumexp", "diag", "tr"})


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
    letters_in: list[dict[str, str]] = field(default_factory=list)  # the axes of the letters of each equation


def plain(name: Name) -> str:
    """The name that is written, with everything that is attached to it."""
    spelled = [reading for reading, rest in readings(name) if not rest] or [name.names[0]]
    return next((each for each in spelled if each not in RESERVED), spelled[0])


def infer(source: Source, parsed: Sequence[Parsed], known: Scope) -> Found:
    """Find the names that `parsed` uses beyond those of `known`.

    Raises
    ------
    NotationError
        Where no single reading is left: a letter over two axes, matrix notation without shapes.
    """
    return _Inference(source, parsed, known).run()


class _Inference:
    """One run over the equations of a display."""

    def __init__(self, source: Source, parsed: Sequence[Parsed], known: Scope) -> None:
        self.source = source
        self.parsed = parsed
        self.known = known
        self.index_letters: dict[str, None] = {}
        self.ranks: dict[str, int] = {name: len(axes) for name, axes in known.arrays.items()}
        self.table = AxisTable(known.arrays, known.letters)
        self.labels: dict[str, tuple[str, int]] = {}  # the array and the place of it that a label names
        self.order: dict[str, None] = {}
        self.fixed: set[str] = set()  # letters that are labels
        self.current = 0  # the number of the equation that is looked at: letters belong to one
        # Names that are defined as functions: f(x) = ...; f' is then no name of its own.
        self.functions = {
            plain(each.sides[0].name)
            for each in parsed
            if isinstance(each.sides[0], Called) and not each.sides[0].name.primes
        }

    def error(self, where: Part | int, message: str) -> NotationError:
        return self.source.error(where if isinstance(where, int) else where.at, message)

    def run(self) -> Found:
        numbered = [(number, part) for number, each in enumerate(self.parsed) for part in each.parts()]
        roots = [root for _, root in numbered]
        for root in roots:
            self._refuse_matrices(root)
        self._find_letters(roots)
        definitions = self._definitions()
        if self._make_labels(definitions):
            self.ranks = {name: len(axes) for name, axes in self.known.arrays.items()}
            definitions = self._definitions()
        values = [
            (number, name)
            for number, root in numbered
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

    # --- letters -------------------------------------------------------------------------------

    def _refuse_matrices(self, root: Part) -> None:
        for part in walk(root):
            matrix = isinstance(part, Transposed) or (isinstance(part, Bracket) and part.sign in ("||", "<"))
            if isinstance(part, Raised) and isinstance(part.exponent, Name) and part.exponent.names == ("T",):
                matrix = "T" not in self.known.arrays and not self._stands_alone("T")
            if isinstance(part, Applied) and part.function in _ARRAY_FUNCTIONS:
                matrix = _vector_argument(part) is None
            if matrix and not self.known.arrays:
                raise self.error(
                    part, "matrix notation needs declared shapes: give indices, or declare the arrays"
                )

    def _stands_alone(self, name: str) -> bool:
        """Whether a name is used as a number somewhere other than in a power."""
        for each in self.parsed:
            for side in each.sides:
                powers = {id(part.exponent) for part in walk(side) if isinstance(part, Raised)}
                if any(name == found.names[0] and id(found) not in powers for found in value_names(side)):
                    return True
        return False

    def _find_letters(self, roots: Sequence[Part]) -> None:
        for root in roots:
            for part in walk(root):
                match part:
                    case Ranging(_, letter):
                        self._add_letter(letter)
                    case Kronecker(_, Name() as left, Name() as right):
                        for unit in (left, right):
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

    def _add_places_of(self, left: Part) -> None:
        """The letters on a left side such as dp_i/dz_j that stand for places of arrays."""
        for name in value_names(left):
            spelled, units = self._split(name)
            if units and self.ranks.get(spelled) == len(units):
                for unit in units:
                    if isinstance(unit, Name) and not unit.units and plain(unit) not in self.fixed:
                        self._add_letter(unit)

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
        return any(
            letter == plain(unit)
            for each in self.parsed
            for unit in subscripts(each.sides[0])
            if isinstance(unit, Name)
        )

    def _add_letter(self, unit: Name) -> None:
        name = plain(unit)
        if name not in self.known.arrays and name not in self.known.axes:
            self.index_letters.setdefault(name)

    def _is_letter(self, unit: Unit) -> bool:
        return isinstance(unit, Name) and plain(unit) in {**self.index_letters, **self.known.letters}

    # --- definitions ---------------------------------------------------------------------------

    def _definitions(self) -> list[Defined]:
        found: list[Defined] = []
        for number, each in enumerate(self.parsed):
            defined = self._definition(number, each)
            if defined is not None and defined.name not in {other.name for other in found}:
                found.append(defined)
        return found

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
        if not isinstance(left, Name) or left.primes:
            return None
        name, units = self._split(left)
        if not all(self._is_letter(unit) for unit in units):
            return None
        letters = tuple(plain(unit) for unit in units if isinstance(unit, Name))
        return self._new(name, letters, number, each) if len(set(letters)) == len(letters) else None

    def _new(self, name: str, letters: tuple[str, ...], number: int, each: Parsed) -> Defined | None:
        if name in self.known.arrays:
            return None
        own = [part for side in each.sides[1:2] for part in value_names(side)]
        if any(self._split(part)[0] == name for part in own):
            return None
        self.ranks.setdefault(name, len(letters))
        for place, letter in enumerate(letters):
            self.current = number
            self._tie(self._letter(letter), ("array", name, place), each.sides[0])
        return Defined(name, letters, number)

    def _make_labels(self, definitions: Sequence[Defined]) -> bool:
        """Letters that are free in a definition are labels: fixed places. Whether there are any."""
        bound = {
            plain(part.letter)
            for each in self.parsed
            for side in each.sides
            for part in walk(side)
            if isinstance(part, Ranging)
        }
        changed = False
        for each in definitions:
            for unit in subscripts(self.parsed[each.equation].sides[1]):
                if not isinstance(unit, Name):
                    continue
                letter = plain(unit)
                if letter in each.letters or letter in bound or letter not in self.index_letters:
                    continue
                del self.index_letters[letter]
                self.fixed.add(letter)
                changed = True
        return changed

    # --- arrays --------------------------------------------------------------------------------

    def _split(self, name: Name) -> tuple[str, tuple[Unit, ...]]:
        """A written name as a name and its indices: the last subscripts that are index letters."""
        found = self.known.array(name)
        if found is not None:
            return found
        if name.primes and plain(replace(name, primes=0)) in self.functions:
            return plain(replace(name, primes=0)), ()
        count = len(name.units)
        for spelled, rest in readings(name):
            if spelled in RESERVED and len(name.names) > 1:
                continue
            same = self.ranks.get(spelled)
            if rest and same == len(rest) and not any(isinstance(unit, Opaque) for unit in rest):
                return spelled, rest
        while count and self._is_letter(name.units[count - 1]):
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

    def _letter(self, name: str) -> Slot:
        """The slot of a letter: a letter that is not declared may change its axis with the equation."""
        return ("letter", name, -1 if name in self.known.letters else self.current)

    def _is_sign(self, name: Name) -> bool:
        """Whether a name is a sign of matrix notation: the identity, or the T of a transposition."""
        if name.names == ("I",):
            return any(len(axes) > 1 for axes in self.known.arrays.values())
        matrices = any(self.known.arrays.values())
        return name.names == ("T",) and not name.units and matrices and not self._stands_alone("T")

    def _find_vectors(self, root: Part) -> None:
        """``softmax(x)``: x is a vector."""
        for part in walk(root):
            if isinstance(part, Applied):
                vector = _vector_argument(part)
                if vector is not None and plain(vector) not in self.known.arrays:
                    self.ranks.setdefault(plain(vector), 1)

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
        if units and len(units) != self.ranks[spelled] and spelled not in self.known.arrays:
            raise self.error(
                name, f"{spelled} has {self.ranks[spelled]} indices elsewhere, but {len(units)} here"
            )
        for place, unit in enumerate(units):
            slot = ("array", spelled, place)
            if isinstance(unit, Name) and self._is_letter(unit):
                self._tie(self._letter(plain(unit)), slot, unit)
            elif isinstance(unit, Name):
                self._label(unit, slot)

    def _label(self, unit: Name, slot: tuple[str, str, int]) -> None:
        """A subscript that is no index letter, of an array: the place that a label names."""
        spelled, units = self._split(unit)
        self.ranks.setdefault(spelled, len(units))
        self.order.setdefault(spelled)
        self.table.tie(("label", spelled, 0), slot)
        self.labels.setdefault(spelled, (slot[1], slot[2]))
        for place, inner in enumerate(units):
            if isinstance(inner, Name):
                self._tie(self._letter(plain(inner)), ("array", spelled, place), unit)

    def _tie(self, one: tuple[str, str, int], other: tuple[str, str, int], where: Part) -> None:
        try:
            self.table.tie(one, other)
        except AxisClash as clash:
            raise self.error(where, str(clash)) from None

    def _tie_letters(self, root: Part) -> None:
        for part in walk(root):
            match part:
                case Kronecker(_, Name() as left, Name() as right) | Relation(
                    _, _, Name() as left, Name() as right
                ):
                    if self._is_letter(left) and self._is_letter(right):
                        self._tie(self._letter(plain(left)), self._letter(plain(right)), part)
                        continue
                    letter, other = (left, right) if self._is_letter(left) else (right, left)
                    label = isinstance(part, Kronecker) or plain(other) in self.labels
                    if self._is_letter(letter) and label:
                        self._label(other, self._letter(plain(letter)))
                case Subscripted(_, Applied() as applied, (Name() as unit,)):
                    vector = _vector_argument(applied)
                    if vector is not None and self._is_letter(unit):
                        self._tie(self._letter(plain(unit)), ("array", self._split(vector)[0], 0), unit)
                case Bound(_, _, over, _):
                    for ranging in over:
                        self._tie_bound(ranging)

    def _tie_bound(self, ranging: Ranging) -> None:
        last = ranging.last
        if isinstance(last, Name) and not last.primes and self._split(last)[0] not in self.known.arrays:
            try:
                self.table.name(self._letter(plain(ranging.letter)), plain(last))
            except AxisClash as clash:
                raise self.error(last, str(clash)) from None
            self.order.pop(plain(last), None)

    # --- the result ----------------------------------------------------------------------------

    def _result(self, definitions: list[Defined]) -> Found:
        axes = self.table.axes_named()
        for name, rank in self.ranks.items():
            for place in range(rank):
                self.table.touch(("array", name, place))
        self.table.name_the_rest(taken={*self.order, *self.index_letters, *axes, *self.known.axes})
        known = self.known
        scope = replace(
            known,
            arrays=dict(known.arrays),
            labels=dict(known.labels),
            functions=set(known.functions),
            letters=dict(known.letters),
            axes=set(known.axes),
        )
        found = Found(scope, definitions=definitions)
        for number in range(len(self.parsed)):
            self.current = number
            mine = dict(known.letters)
            for letter in self.index_letters:
                if self.table.has(self._letter(letter)):
                    mine[letter] = self.table.axis(self._letter(letter))
                    scope.axes.add(mine[letter])
                    scope.letters.setdefault(letter, mine[letter])
            found.letters_in.append(mine)
        found.letters += [Index(*each) for each in scope.letters.items() if each[0] not in known.letters]
        defined = {each.name for each in definitions}
        for each in definitions:
            body = self.parsed[each.equation].sides[1]
            found.uses[each.name] = {self._split(part)[0] for part in value_names(body)}
        for name in self.order:
            if name in scope.arrays or name in scope.axes or name in axes:
                continue
            scope.arrays[name] = tuple(
                self.table.axis(("array", name, place)) for place in range(self.ranks[name])
            )
            scope.axes |= set(scope.arrays[name])
            if name in self.labels:
                scope.labels[name] = self.table.axis(("label", name, 0))
            if name not in defined:
                found.inputs.append(name)
        for each in definitions:
            letters = found.letters_in[each.equation]
            scope.arrays.setdefault(each.name, tuple(letters[letter] for letter in each.letters))
            if not each.letters:
                scope.functions.add(each.name)
        for name in found.inputs:
            if name in scope.labels and self._is_number_too(name):
                where = next(
                    part.at for each in self.parsed for side in each.sides for part in value_names(side)
                    if self._split(part)[0] == name
                )  # fmt: skip
                raise self.error(
                    where, f"{name} is a place in one formula and a number in another: declare it"
                )
        return found

    def _is_number_too(self, name: str) -> bool:
        return any(
            self._split(part)[0] == name
            for each in self.parsed
            for side in each.sides
            for part in value_names(side)
            if not self._is_letter(part)
        )


def value_names(node: Part, with_places: bool = True) -> Iterator[Name]:
    """The names in `node` that stand for values: no subscripts, no letters of sums.

    Without places, the names that are compared or that a call is made with are left out too.
    """
    todo: list[Part] = [node]
    while todo:
        part = todo.pop()
        match part:
            case Name():
                if part.names != ("1",) and not (part.names == ("e",) and not part.units):
                    yield part
            case Kronecker() | Opaque() | Numeral():
                continue
            case Relation() | Called() if not with_places:
                inside = (part.left, part.right) if isinstance(part, Relation) else part.arguments
                todo.extend(each for each in inside if not isinstance(each, Name))
            case Raised(_, Name(_, ("e",)) as base, exponent) if not base.units:
                todo.append(exponent)
            case Subscripted(_, base, _):
                todo.append(base)
            case Ranging(_, _, first, last, condition):
                todo += [each for each in (condition, last, first) if each is not None]
            case _:
                todo.extend(reversed(list(parts_of(part))))


def names_in_subscripts(node: Part) -> Iterator[Name]:
    """The names among :func:`subscripts`."""
    return (unit for unit in subscripts(node) if isinstance(unit, Name))


def _vector_argument(node: Applied) -> Name | None:
    """The bare name in ``softmax(x)``, or None."""
    (argument, *rest) = node.arguments or (None,)
    bare = isinstance(argument, Name) and not argument.units and argument.tag is None and not rest
    return (
        argument
        if bare and node.function in ("softmax", "logsumexp") and isinstance(argument, Name)
        else None
    )


def subscripts(node: Part) -> Iterator[Unit]:
    """The subscripts in `node`, and the letters of its deltas and calls."""
    for part in walk(node):
        match part:
            case Name(_, _, units, tag):
                yield from units
                if tag is not None:
                    yield tag
            case Kronecker(_, left, right):
                yield from (left, right)
            case Subscripted(_, _, units):
                yield from units
            case _:
                continue
