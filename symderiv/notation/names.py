"""What each name of a problem stands for, and which axis each index letter ranges over.

A letter ranges over one axis in a whole problem. Its axis is declared (``index i : K``), or
follows from the arrays that it indexes, through definitions too. Letters and the index places of
definitions are tied together as they are met; the first contradiction is an error at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lark import Token, Tree

from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, WITHOUT_DERIVATIVE
from symderiv.notation.syntax import Node, near
from symderiv.problem import Input, Problem, Upstream

#: Words that cannot name an array, an axis or an index.
RESERVED = frozenset(
    {
        *FUNCTIONS,
        *WITHOUT_DERIVATIVE,
        *OF_TWO_VALUES,
        "sum",
        "prod",
        "delta",
        "where",
        "pi",
        "if",
        "in",
        "assuming",
    }
)
#: Called with a piece of syntax and a sentence; gives the error to raise.
ErrorAt: TypeAlias = Callable[[Node | Token, str], Exception]
#: A letter, or an index place of a definition: what an axis is found for.
_Slot: TypeAlias = tuple[str, str, int]


@dataclass
class Names:
    """The names of a problem, as they are collected."""

    inputs: dict[str, Input] = field(default_factory=dict)
    definitions: dict[str, int] = field(default_factory=dict)  # name and number of indices
    upstream: dict[str, Upstream] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)  # name and number of arguments, 0 until used
    axes: dict[str, None] = field(default_factory=dict)
    _leader: dict[_Slot, _Slot] = field(default_factory=dict)
    _axis: dict[_Slot, str] = field(default_factory=dict)
    #: Letters that stand in a place only shifted by a number: on that axis, if nothing else is said.
    _beside: dict[str, _Slot | str] = field(default_factory=dict)

    @classmethod
    def of_problem(cls, problem: Problem) -> Names:
        """The names of a finished problem."""
        names = cls()
        names.inputs = {given.name: given for given in problem.inputs}
        names.upstream = {each.name: each for each in problem.upstream}
        names.functions = {each.name: each.arity for each in problem.functions}
        names.axes = dict.fromkeys(problem.axes)
        for letter in problem.letters:
            names._axis[("letter", letter.name, 0)] = letter.axis
        for definition in problem.definitions:
            names.definitions[definition.name] = len(definition.indices)
            for place, index in enumerate(definition.indices):
                names._axis[("array", definition.name, place)] = index.axis
                names._axis.setdefault(("letter", index.name, 0), index.axis)
        return names

    def is_value(self, name: str) -> bool:
        """Whether `name` is an array or scalar: an input, a definition or an unspecified function."""
        return name in self.inputs or name in self.definitions or name in self.upstream

    def is_label(self, name: str) -> bool:
        """Whether `name` holds places on an axis instead of numbers."""
        return name in self.inputs and self.inputs[name].label_of is not None

    def is_letter(self, name: str) -> bool:
        """Whether `name` can be an index letter: it is declared as one or stands for nothing else."""
        return not (self.is_value(name) or name in self.functions or name in self.axes or name in RESERVED)

    def kind(self, name: str) -> str:
        """What a name already is, in words; empty if it is free."""
        if name in RESERVED:
            return "a reserved word"
        if name in self.axes:
            return "an axis"
        if self.is_label(name):
            return "a label"
        if name in self.inputs:
            return "an input"
        if name in self.definitions:
            return "a definition"
        if name in self.upstream or name in self.functions:
            return "an unspecified function"
        if ("letter", name, 0) in self._axis:
            return "an index"
        return ""

    def count(self, name: str) -> int:
        """How many indices an array has."""
        if name in self.inputs:
            return len(self.inputs[name].axes)
        return self.definitions.get(name, 0)

    def suggestions(self, word: str) -> str:
        """A hint with the names near to an unknown one."""
        return near(word, [*self.inputs, *self.definitions, *self.upstream, *self.functions, *self.axes])

    def no_array(self, name: str) -> str:
        """The sentence for a name with brackets that is not an array."""
        kind = self.kind(name)
        if kind:
            return f"{name} is {kind}, not an array"
        return f"{name} is not declared or defined{self.suggestions(name)}"

    def declare_letter(self, letter: str, axis: str) -> None:
        """Say that `letter` ranges over `axis`."""
        self._axis[("letter", letter, 0)] = axis

    def letters_on(self, axis: str) -> list[str]:
        """The letters that are known to range over an axis, in order."""
        return [slot[1] for slot in self._axis if slot[0] == "letter" and self._axis[slot] == axis]

    def letter_axis(self, letter: str) -> str | None:
        """The axis of a letter, as far as it is known; ``k_1`` ranges as ``k`` where nothing else is said."""
        found = self._axis.get(self._find(("letter", letter, 0)))
        stem, _, number = letter.rpartition("_")
        if found is None and stem and number.isdecimal():
            return self._axis.get(self._find(("letter", stem, 0)))
        if found is None and letter in self._beside:
            beside = self._beside[letter]
            return beside if isinstance(beside, str) else self._axis.get(self._find(beside))
        return found

    def place_axis(self, array: str, place: int) -> str | None:
        """The axis of one index place of an array."""
        if array in self.inputs:
            return self.inputs[array].axes[place]
        return self._axis.get(self._find(("array", array, place)))

    def declared_letters(self) -> frozenset[str]:
        """The letters whose axis is known."""
        return frozenset(name for kind, name, _ in self._axis if kind == "letter")

    def tie_label(self, label: str, array: str, place: int) -> None:
        """Say that the places which `label` holds are on the axis of an index place of an array."""
        self._tie(("letter", label, 0), self._slot(array, place))

    def tie_place(self, array: str, place: int, axis: str) -> None:
        """Say that an index place of an array is on an axis."""
        self._tie(("array", array, place), axis)

    def tie_square(self, matrix: str) -> None:
        """Say that both index places of a matrix are on one axis."""
        self._tie(("array", matrix, 0), ("array", matrix, 1))

    def name_axes(self, arrays: Mapping[str, int], letters: Iterable[str], fresh: Iterator[str]) -> None:
        """Give an axis to every index place of `arrays` and to every letter that has none yet."""
        slots: list[_Slot] = [
            ("array", name, place) for name, rank in arrays.items() for place in range(rank)
        ]
        slots += [("letter", letter, 0) for letter in letters]
        for leader in map(self._find, slots):
            if leader not in self._axis:
                self._axis[leader] = next(fresh)
        self.axes.update(dict.fromkeys(self._axis.values()))

    def make_input(self, name: str, rank: int, label_of: str | None = None) -> None:
        """Turn a name whose index places have been tied into an input."""
        axes = tuple(self.place_axis(name, place) or "" for place in range(rank))
        self.definitions.pop(name, None)
        self.inputs[name] = Input(name, axes, label_of)

    def _find(self, slot: _Slot) -> _Slot:
        while slot in self._leader:
            slot = self._leader[slot]
        return slot

    def _slot(self, array: str, place: int) -> _Slot | str:
        if array in self.inputs:
            return self.inputs[array].axes[place]
        return ("array", array, place)

    def _tie(self, one: _Slot, other: _Slot | str) -> tuple[str, str] | None:
        """Say that two have one axis; the two axes if they have not."""
        first = self._find(one)
        if isinstance(other, str):
            axis = self._axis.setdefault(first, other)
            return None if axis == other else (axis, other)
        second = self._find(other)
        if first == second:
            return None
        mine, theirs = self._axis.get(first), self._axis.get(second)
        if mine is not None and theirs is not None:
            return None if mine == theirs else (mine, theirs)
        if mine is None:
            first, second = second, first
        self._leader[second] = first  # `first` keeps its axis, if it has one
        return None

    def note_left_side(self, name: str, letters: list[Token], error_at: ErrorAt) -> None:
        """Tie the letters on the left of a definition to its index places."""
        for place, letter in enumerate(letters):
            clash = self._tie(("letter", str(letter), 0), ("array", name, place))
            if clash:
                raise error_at(letter, _clash(str(letter), *clash))

    def infer(self, tree: Node, error_at: ErrorAt) -> None:
        """Tie the letters of an expression to the axes of the places where they stand."""
        for node in _walk(tree):
            if node.data == "entry":
                array = str(node.children[0])
                places = node.children[1:]
                if not self.is_value(array):
                    raise error_at(node, self.no_array(array))
                if len(places) == self.count(array):
                    for place, part in enumerate(places):
                        self._tie_part(part, self._slot(array, place), error_at)
            elif node.data == "matrix_entry":
                self._tie_inverse(node, error_at)
            elif node.data == "call" and str(node.children[0]) == "delta" and len(node.children) == 3:
                self._tie_pair(node.children[1], node.children[2], error_at)
            elif node.data == "comparison":
                self._tie_pair(node.children[0], node.children[2], error_at)
            elif node.data == "filtered":
                self._tie_pair(node.children[1], node.children[3], error_at)

    def _tie_inverse(self, node: Node, error_at: ErrorAt) -> None:
        """The indices of ``inv(A)[i, j]`` range over the axes of A, columns first."""
        called, *parts = node.children
        (argument, *more) = called.children[1:] if isinstance(called, Tree) else (None,)
        if more or not isinstance(argument, Tree) or argument.data != "name":
            return
        name = str(argument.children[0])
        square = self.is_value(name) and self.count(name) == 2 and (
            self.place_axis(name, 0) in (None, self.place_axis(name, 1)) or not self.place_axis(name, 1)
        )  # fmt: skip
        if square and len(parts) == 2:
            for place, part in enumerate(parts):
                self._tie_part(part, self._slot(name, 1 - place), error_at)

    def _letter_of(self, part: Node | Token) -> str | None:
        if isinstance(part, Token) or part.data != "name":
            return None
        name = str(part.children[0])
        return name if self.is_letter(name) else None

    def _tie_part(self, part: Node | Token, slot: _Slot | str, error_at: ErrorAt) -> None:
        letter = self._letter_of(part)
        if letter is not None:
            clash = self._tie(("letter", letter, 0), slot)
            if clash:
                raise error_at(part, _clash(letter, *clash))
        elif isinstance(part, Tree) and part.data in ("sum", "signed"):
            terms = [_unsigned(each) for each in (part.children if part.data == "sum" else [part])]
            letters = [name for name in map(self._letter_of, terms) if name is not None]
            if len(letters) == 1 and all(
                isinstance(each, Token) or each.data in ("number", "name") for each in terms
            ):
                self._beside.setdefault(letters[0], slot)

    def _tie_pair(self, left: Node | Token, right: Node | Token, error_at: ErrorAt) -> None:
        for one, other in ((left, right), (right, left)):
            letter = self._letter_of(one)
            if letter is None:
                continue
            second = self._letter_of(other)
            label = self._label_of(other)
            if second is not None:
                self._tie_part(other, ("letter", letter, 0), error_at)
                return
            if label is not None:
                self._tie_part(one, label, error_at)

    def _label_of(self, part: Node | Token) -> str | None:
        if isinstance(part, Token) or part.data not in ("name", "entry"):
            return None
        given = self.inputs.get(str(part.children[0]))
        return given.label_of if given else None


def _clash(letter: str, first: str, second: str) -> str:
    return f"the index {letter} ranges over {first}, but here it is a place on {second}: use another letter"


def _walk(tree: Node) -> Iterator[Node]:
    todo: list[Node | Token | None] = [tree]
    while todo:
        node = todo.pop()
        if node is None or isinstance(node, Token):
            continue
        yield node
        todo.extend(reversed(node.children))


def _unsigned(part: Node | Token) -> Node | Token:
    """A term without the signs before it."""
    while isinstance(part, Tree) and part.data == "signed":
        part = part.children[-1]
    return part
