"""What the names of a formula stand for: arrays, labels, index letters, sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from symderiv.expression.unspecified import Slope
from symderiv.notation.errors import Source
from symderiv.notation.syntax import near
from symderiv.notation.tex.cursor import Shared, Vocabulary, split
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.syntax import Name, Numeral, Opaque, Shifted, Unit
from symderiv.notation.tex.tokens import Token
from symderiv.problem import Problem


def _no(_name: str, _other: str) -> bool:
    return False


@dataclass
class Scope:
    """The declared names.

    Attributes
    ----------
    arrays
        The axes of every input, definition and unspecified function.
    labels
        The axis that the places of a label are on; labels are in `arrays` too.
    upstream
        What each unspecified function is a function of.
    functions
        Definitions without indices and unspecified functions: what may be written ``L(w)``.
    applied
        Definitions of whole arrays that are written with what they are made of, ``f(x) = A x``.
    unspecified
        The unspecified functions of numbers, and how many arguments each takes.
    given
        The inputs, in order.
    letters
        The axis of each index letter.
    axes
        The names of the sizes.
    aliases
        Further names of sizes, and the sizes that they mean.
    numbers
        The sizes that stand in formulas as numbers.
    rows
        Vectors that stand as rows in matrix notation, and with them all others on their axes.
    steps
        The letters that count steps: h_t and h_{t-1} are names of their own.
    wide
        Whether a logarithm without brackets is one of all the factors after it.
    depends
        Whether the first name is made of the second.
    """

    arrays: dict[str, tuple[str, ...]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    upstream: dict[str, str] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)
    unspecified: dict[str, int] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    letters: dict[str, str] = field(default_factory=dict)
    axes: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    steps: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    wide: bool = False
    depends: Callable[[str, str], bool] = _no

    @classmethod
    def of_problem(cls, problem: Problem) -> Scope:
        """The names of a problem."""
        scope = cls(axes=set(problem.axes), given=tuple(given.name for given in problem.inputs))
        for given in problem.inputs:
            scope.arrays[given.name] = given.axes
            if given.label_of is not None:
                scope.labels[given.name] = given.label_of
        for definition in problem.definitions:
            scope.arrays[definition.name] = tuple(index.axis for index in definition.indices)
            if not definition.indices:
                scope.functions.add(definition.name)
        for each in problem.upstream:
            scope.arrays[each.name] = ()
            scope.upstream[each.name] = each.of
            scope.functions.add(each.name)
        scope.unspecified = {each.name: each.arity for each in problem.functions}
        scope.letters = {letter.name: letter.axis for letter in problem.letters}
        for definition in problem.definitions:
            for index in definition.indices:
                scope.letters.setdefault(index.name, index.axis)
        bodies = {name: problem.directly_uses(name) for name in scope.arrays}

        def depends(name: str, other: str) -> bool:
            seen, todo = set(), [name]
            while todo:
                for used in bodies.get(todo.pop(), ()):
                    if used == other:
                        return True
                    if used not in seen:
                        seen.add(used)
                        todo.append(used)
            return False

        scope.depends = depends
        return scope

    def stands_as_row(self, axis: str) -> bool:
        """Whether the vectors on an axis stand as rows."""
        return any(self.arrays.get(name, ()) == (axis,) for name in self.rows)

    def declares(self, name: str) -> bool:
        """Whether a name is declared as anything."""
        return any(name in each for each in (self.arrays, self.letters, self.axes, self.unspecified))

    def declared(self) -> frozenset[str]:
        """Every declared name."""
        return frozenset({*self.arrays, *self.letters, *self.axes, *self.unspecified})

    def matrices(self) -> frozenset[str]:
        """The declared arrays with axes, but for labels."""
        return frozenset(name for name, axes in self.arrays.items() if axes and name not in self.labels)

    def kind(self, name: str) -> str:
        """What a declared name is, in words; empty for an unknown one."""
        if name in self.labels:
            return "a label"
        if name in self.upstream or name in self.unspecified:
            return "an unspecified function"
        if name in self.arrays:
            return "an array" if self.arrays[name] else "a number"
        if name in self.axes:
            return "a size"
        return "an index" if name in self.letters else ""

    def array(self, name: Name) -> tuple[str, tuple[Unit, ...]] | None:
        """The array that a written name means, and the subscripts that are its indices.

        A name that takes in its subscripts wins over an entry, an entry with all its indices over one
        with some of them missing.
        """
        found: tuple[str, tuple[Unit, ...]] | None = None
        for spelled, indices in readings(name):
            if spelled not in self.arrays:
                continue
            count = len(self.arrays[spelled])
            if len(indices) == count or (name.units and not indices):
                return spelled, indices
            digits = _spread(indices, count)
            if digits is not None:
                return spelled, digits
            if found is None or (len(found[1]) > len(self.arrays[found[0]]) and len(indices) < count):
                found = spelled, indices
        return found

    def letter(self, unit: Unit) -> str | None:
        """The declared index letter that a subscript is, or None."""
        if isinstance(unit, Name):
            for spelled, rest in readings(unit):
                if not rest and spelled in self.letters and spelled not in self.arrays:
                    return spelled
        return None

    def axis(self, name: Name) -> str | None:
        """The size that a name is, or None."""
        for spelled, rest in readings(name):
            if not rest and spelled in self.aliases:
                return self.aliases[spelled]
            if not rest and spelled in self.axes and spelled not in self.arrays:
                return spelled
        return None

    def suggestions(self, word: str) -> str:
        """A hint with the names near to an unknown one."""
        return near(word, [*self.arrays, *self.axes])

    def slope(self, name: Name) -> Slope | None:
        """The unspecified function, or slope of one (``f'``, ``g''_{12}``), that a name means, or None."""
        bare = replace(name, primes=0)
        spellings = [(bare, (0,) * name.primes)]
        last = name.units[-1] if name.units else None
        if isinstance(last, Numeral) and name.primes and name.primes <= len(last.text):
            own, digits = last.text[: -name.primes], last.text[-name.primes :]
            by = tuple(sorted(int(digit) - 1 for digit in digits))
            rest = (*name.units[:-1], replace(last, text=own)) if own else name.units[:-1]
            if "0" not in digits:
                spellings.insert(0, (replace(bare, units=rest), by))
        for spelling, by in spellings:
            for spelled, rest in readings(spelling):
                if not rest and spelled in self.unspecified:
                    return Slope(spelled, by)
        return None

    def calls(self, name: Name, inside: Sequence[Token]) -> bool:
        """Whether a name and the bracket after it are an entry ``p(a)`` or a value ``L(w)``."""
        if self.slope(name) is not None:
            return True
        found = self.array(name)
        if found is None and name.primes:
            found = self.array(replace(name, primes=0))
            if found is None or found[0] not in self.functions:
                return False
        if found is None or found[1]:
            return False
        array = found[0]
        chunks = split(inside, (",", ";"))
        if array in self.functions:
            return all(self._is_argument(array, chunk) for chunk in chunks)
        if len(self.arrays[array]) != len(chunks):
            return False
        return bool(self.arrays[array]) and all(
            len(chunk) == 1 and chunk[0].kind in ("letter", "number") and chunk[0].text not in self.axes
            and (chunk[0].text not in self.arrays or chunk[0].text in self.labels)
            for chunk in chunks
        )  # fmt: skip

    def _is_argument(self, function: str, tokens: Sequence[Token]) -> bool:
        """Whether the tokens are one name that the function depends on."""
        if not tokens or tokens[0].kind not in ("letter", "word", "command"):
            return False
        parser = NameParser(tokens, Shared(_EMPTY, Vocabulary(self.declared(), steps=self.steps)))
        if not parser.starts_name():
            return False
        name = parser.name()
        if not parser.at_end:
            return False
        found = self.array(name)
        return found is not None and not found[1] and (
            self.depends(function, found[0]) or self.upstream.get(function) == found[0]
        )  # fmt: skip


#: Subscripts that can be part of a name, at most; further ones are indices.
MAX_IN_NAME = 24


def readings(name: Name) -> Iterator[tuple[str, tuple[Unit, ...]]]:
    """Every way to split a written name into a name and indices; the longest name first."""
    marks = "_star" * name.star + "_prime" * name.primes
    if not name.units and name.tag is None:
        for base in name.names:
            yield base + marks, ()
        return
    for count in range(min(len(name.units), MAX_IN_NAME), -1, -1):
        tail = _spelled_units(name.units[:count]) if count else [""]
        rest = name.units[count:]
        for base in name.names:
            for end in tail:
                stems = _with_tail(base, end)
                for stem in stems:
                    if name.tag is None:
                        yield stem + marks, rest
                        continue
                    for spelled in _spelled_units((name.tag,)):
                        for tagged in _with_tail(stem, spelled):
                            yield tagged + marks, rest
                    yield stem + marks, (name.tag, *rest)
        if count == len(name.units):
            yield from _nested_readings(name, marks)


def _nested_readings(name: Name, marks: str) -> Iterator[tuple[str, tuple[Unit, ...]]]:
    """The readings in which the indices hang on the last subscript: those of x_c in ``x_{c_{kl}}``."""
    last = name.units[-1] if name.units else None
    if not isinstance(last, Name) or not last.units or name.tag is not None:
        return
    for end in _spelled_units((*name.units[:-1], replace(last, units=()))):
        for base in name.names:
            for stem in _with_tail(base, end):
                yield stem + marks, last.units


def _with_tail(base: str, tail: str) -> tuple[str, ...]:
    if not tail:
        return (base,)
    return (f"{base}_{tail}", f"{base}{tail}") if tail.isdecimal() else (f"{base}_{tail}",)


def _spelled_units(units: Sequence[Unit]) -> list[str]:
    """The spellings of subscripts that belong to a name: run together, or with underscores."""
    words: list[str] = []
    for unit in units:
        match unit:
            case Numeral(_, text):
                words.append(text)
            case Name():
                words.append(next(iter(readings(unit)))[0])
            case Opaque() | Shifted():
                return []
    together = ["".join(words)]
    return together if len(words) == 1 else [*together, "_".join(words)]


def _spread(indices: tuple[Unit, ...], count: int) -> tuple[Unit, ...] | None:
    """The digits of ``a_{11}`` as the two places of an array with two axes."""
    if len(indices) == 1 and isinstance(indices[0], Numeral) and count > 1 and len(indices[0].text) == count:
        at = indices[0].at
        return tuple(Numeral(at, digit) for digit in indices[0].text)
    return None


_EMPTY = Source("", "name")  # names are read from tokens here; no text is needed
