"""A problem: axes, inputs, definitions, assumptions, and the derivatives it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from symderiv.expression.indices import all_letters, rename
from symderiv.expression.matrices import INVERSE, matrix_behind
from symderiv.expression.nodes import (
    ZERO,
    Compare,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import conditions_of, shifted
from symderiv.expression.traverse import compared_values, map_children, walk

#: Letters that people use for indices, in the order in which they are taken when more are needed.
USUAL_LETTERS = tuple("klmnrsquvijabcdefgh")


@dataclass(frozen=True, slots=True)
class Input:
    """A given array. A label array holds places on the axis `label_of` instead of numbers."""

    name: str
    axes: tuple[str, ...] = ()
    label_of: str | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """An unspecified, differentiable scalar function `name` of the array `of`."""

    name: str
    of: str


@dataclass(frozen=True, slots=True)
class Function:
    """An unspecified, differentiable function of so many numbers (0: it is used nowhere yet)."""

    name: str
    arity: int = 1


@dataclass(frozen=True, slots=True)
class Assumption:
    """An equation that may be used where a result says so: Σ_k t_k = 1."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Expectation:
    """A derivative that the problem is about, and the form it is known to take.

    `form` is ``None`` where the file only asks for the derivative. `assuming` is empty, or the
    assumptions under which the form holds.
    """

    derivative: Derivative
    form: Expression | None = None
    assuming: tuple[Assumption, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Everything that an ``.sd`` file says.

    Attributes
    ----------
    name, title, about, source
        What the problem is called, in one word, in a heading, in a sentence; where it stands.
    letters
        The declared index letters, in order, each with its axis.
    inputs, definitions, upstream, functions, assumptions, expectations
        In the order of the file.
    batched
        The inputs that carry a batch axis in emitted code (one sample each along it).
    loss
        Whether the output is a loss, which emitted code reduces over the batch (mean or sum).
    """

    name: str
    title: str = ""
    about: str = ""
    source: str = ""
    letters: tuple[Index, ...] = ()
    inputs: tuple[Input, ...] = ()
    definitions: tuple[Definition, ...] = ()
    upstream: tuple[Upstream, ...] = ()
    functions: tuple[Function, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    batched: tuple[str, ...] = ()
    loss: bool = False
    _definition_of: dict[str, Definition] = field(init=False, repr=False, compare=False, hash=False)

    _letters_of: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False, hash=False)

    def _repr_latex_(self) -> str:
        from symderiv.notation.shown import problem_latex

        return problem_latex(self)

    def _repr_html_(self) -> str:
        from symderiv.notation.shown import problem_html

        return problem_html(self)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_definition_of", {each.name: each for each in self.definitions})
        object.__setattr__(self, "_letters_of", self._all_letters_of())

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of all axes, in order of first use."""
        found: dict[str, None] = {}
        for given in self.inputs:
            found.update(dict.fromkeys(given.axes))
            if given.label_of:
                found.setdefault(given.label_of)
        for index in self.letters:
            found.setdefault(index.axis)
        for definition in self.definitions:
            found.update(dict.fromkeys(index.axis for index in definition.indices))
        return tuple(found)

    def idle_axes(self) -> tuple[str, ...]:
        """The axes that only declared letters name: no input, definition or derivative knows them."""
        trees = [each.body for each in self.definitions]
        trees += [side for each in self.assumptions for side in (each.left, each.right)]
        trees += [each.derivative for each in self.expectations]
        busy = {axis for given in self.inputs for axis in (*given.axes, given.label_of)}
        busy |= {index.axis for each in self.definitions for index in each.indices}
        for tree in trees:
            for _, part in walk(tree):
                if isinstance(part, Size):
                    busy.add(part.axis)
                elif isinstance(part, Sum | Product | Extremum):
                    busy.add(part.index.axis)
                elif isinstance(part, Delta):
                    busy |= {term.axis for term in (part.left, part.right) if not isinstance(term, Entry)}
        return tuple(axis for axis in self.axes if axis not in busy)

    def definition(self, name: str) -> Definition | None:
        """The definition of `name`, or None for an input or an unknown name."""
        return self._definition_of.get(name)

    def input(self, name: str) -> Input | None:
        """The input called `name`, or None."""
        return next((given for given in self.inputs if given.name == name), None)

    def upstream_of(self, name: str) -> Upstream | None:
        """The unspecified function called `name`, or None."""
        return next((each for each in self.upstream if each.name == name), None)

    def axes_of(self, name: str) -> tuple[str, ...]:
        """The axes of an input, a definition or an unspecified function.

        Raises
        ------
        KeyError
            If there is no such name.
        """
        given = self.input(name)
        if given:
            return given.axes
        definition = self.definition(name)
        if definition:
            return tuple(index.axis for index in definition.indices)
        if self.upstream_of(name):
            return ()
        made = matrix_behind(name)
        if made is not None:
            axes = self.axes_of(made[1])
            return axes if made[0] == INVERSE else axes[:-2]
        raise KeyError(name)

    def letters_of(self, axis: str) -> tuple[str, ...]:
        """The letters for an axis: declared ones, those in use, then spare ones of the usual kind.

        Spare letters are shared out between the axes, and none is also the name of an array.
        """
        return self._letters_of.get(axis, ())

    def _all_letters_of(self) -> dict[str, tuple[str, ...]]:
        used: list[Index] = list(self.letters)
        for each in self.definitions:
            used += each.indices
            used += [part.index for _, part in walk(each.body) if isinstance(part, Sum | Product | Extremum)]
        taken = self._names() | {index.name for index in used}
        spare = [letter for letter in USUAL_LETTERS if letter not in taken]
        axes = self.axes
        return {
            axis: tuple(dict.fromkeys(index.name for index in used if index.axis == axis))
            + tuple(spare[place :: len(axes)])
            for place, axis in enumerate(axes)
        }

    def _names(self) -> set[str]:
        return (
            {each.name for each in self.inputs}
            | {each.name for each in self.definitions}
            | {each.name for each in self.upstream}
            | {each.name for each in self.functions}
        )

    def output(self) -> str:
        """What the problem computes: the last definition that no other uses, or an unspecified function."""
        if self.upstream:
            return self.upstream[-1].name
        used = {name for each in self.definitions for name in names_in(each.body)}
        return next(each.name for each in reversed(self.definitions) if each.name not in used)

    def directly_uses(self, name: str) -> frozenset[str]:
        """The names in the body of a definition (or the argument of an unspecified function)."""
        definition = self.definition(name)
        if definition:
            return frozenset(names_in(definition.body))
        unspecified = self.upstream_of(name)
        return frozenset({unspecified.of}) if unspecified else frozenset()

    def depends(self, node: Expression, name: str, holding: Iterable[str] = ()) -> bool:
        """Whether `node` depends on the array `name`, through definitions too.

        The definitions named in `holding` are taken as given, not looked into.
        """
        held = set(holding)
        seen: set[str] = set()
        todo = set(names_in(node))
        while todo:
            current = todo.pop()
            if current == name:
                return True
            if current in seen or current in held:
                continue
            seen.add(current)
            todo |= self.directly_uses(current)
        return False

    def batch(self, axis: str = "B", letter: str = "b") -> Problem:
        """The same problem for a batch: `batched` inputs, and all that is made of them, along `axis`.

        Assumptions are kept for each sample; expectations speak of one sample and are dropped.
        """
        if not self.batched:
            return self
        taken = self.all_letters() | self._names()
        free = [each for each in (letter, "n", "s", "r", *USUAL_LETTERS) if each not in taken]
        axis, letter = _unused(axis, set(self.axes)), free[0] if free else _unused(letter, taken)
        index = Index(letter, axis)
        moved = set(self.batched)
        for definition in self.definitions:
            if any(self.depends(definition.body, name) for name in self.batched):
                moved.add(definition.name)
        inputs = tuple(
            replace(given, axes=(axis, *given.axes)) if given.name in moved else given
            for given in self.inputs
        )
        definitions = tuple(
            Definition(
                each.name,
                (index, *each.indices) if each.name in moved else each.indices,
                along(each.body, index, moved),
            )
            for each in self.definitions
        )
        assumptions = tuple(
            Assumption(along(each.left, index, moved), along(each.right, index, moved))
            for each in self.assumptions
        )
        return replace(
            self, inputs=inputs, definitions=definitions, assumptions=assumptions, expectations=(),
            batched=(), letters=(index, *self.letters),
        )  # fmt: skip

    def all_letters(self) -> set[str]:
        """Every index letter of the problem, free or bound."""
        letters = {index.name for index in self.letters}
        for definition in self.definitions:
            letters |= {index.name for index in definition.indices} | all_letters(definition.body)
        return letters


def along(node: Expression, index: Index, names: set[str]) -> Expression:
    """`node` with `index` put first on every entry of an array in `names`."""

    def term_along(term: IndexTerm) -> IndexTerm:
        match term:
            case Entry():
                return entry_along(term)
            case Shift(terms, offset, axis):
                return shifted([(count, term_along(inner)) for count, inner in terms], offset, axis)
            case _:
                return term

    def entry_along(entry: Entry) -> Entry:
        indices = tuple(term_along(term) for term in entry.indices)
        made = matrix_behind(entry.array)
        moved = (entry.array if made is None else made[1]) in names
        return Entry(entry.array, (index, *indices) if moved else indices)

    def condition_along(condition: Compare) -> Compare:
        # Values that are compared are children and come with the rest; labels are not.
        if compared_values(condition):
            return condition
        sides = [
            term_along(side) if isinstance(side, Entry | Shift) else side
            for side in (condition.left, condition.right)
        ]
        return Compare(condition.operator, sides[0], sides[1])

    match node:
        case Entry():
            return entry_along(node)
        case Delta(left, right):
            return Delta(term_along(left), term_along(right))
        case Derivative(of, by):
            return Derivative(along(of, index, names), tuple(entry_along(entry) for entry in by))
    node = map_children(node, lambda child: along(child, index, names))
    match node:
        case Sum(letter, body, Compare() as condition):
            return Sum(letter, body, condition_along(condition))
        case Product(letter, body, Compare() as condition):
            return Product(letter, body, condition_along(condition))
        case Where(condition, then, otherwise):
            return Where(condition_along(condition), then, otherwise)
        case _:
            return node


_SIZE = re.compile(r"size_([1-9][0-9]{0,3})")


def axis_of_size(size: int) -> str:
    """The name of an axis that has a given size: size_3."""
    return f"size_{size}"


def given_sizes(problem: Problem) -> dict[str, int]:
    """The axes of a problem that have a given size by their names."""
    return {axis: int(match[1]) for axis in problem.axes if (match := _SIZE.fullmatch(axis))}


@lru_cache(maxsize=32768)
def names_in(node: Expression) -> frozenset[str]:
    """The arrays that a tree mentions, those in label positions and derivatives included.

    With the inverse or the determinant of a matrix, that matrix is mentioned too.
    """
    found: set[str] = set()

    def note(term: IndexTerm) -> None:
        if isinstance(term, Entry):
            found.add(term.array)
            made = matrix_behind(term.array)
            if made is not None:
                found.add(made[1])
            for inner in term.indices:
                note(inner)
        elif isinstance(term, Shift):
            for _, part in term.terms:
                note(part)

    for _, part in walk(node):
        if isinstance(part, Entry):
            note(part)
        elif isinstance(part, Delta):
            note(part.left)
            note(part.right)
        elif isinstance(part, Derivative):
            for entry in part.by:
                note(entry)
        elif isinstance(part, Sum | Product | Where) and part.condition is not None:
            for side in (part.condition.left, part.condition.right):
                if isinstance(side, Entry | Shift):
                    note(side)
    return frozenset(found)


def unfold(definition: Definition, entry: Entry) -> Expression:
    """The body of `definition` at the places that `entry` names; 0 where they are not on their axes."""
    body = rename(definition.body, dict(zip(definition.indices, entry.indices, strict=True)))
    for condition in reversed(conditions_of(entry.indices)):
        body = Where(condition, body, ZERO)
    return body


def _unused(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        candidate = f"{name}{number}"
        number += 1
    return candidate
