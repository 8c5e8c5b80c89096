"""Reading the δ-form off the entries: one pattern where indices agree, another where they do not.

The entries are compared with each other, not with the form that the index calculus found: each must
be the first of its pattern with the places renamed. Only then is that first entry written with
letters, and the two patterns joined by a Kronecker delta.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symderiv.expression.indices import fresh_index, mentions, rename
from symderiv.expression.nodes import Call, Delta, Derivative, Entry, Expression, Index, Sum
from symderiv.witness.field import Field
from symderiv.witness.laurent import Coefficient, Polynomial, add, multiply, power, scale, substitute
from symderiv.witness.trees import LABEL_DELTA, product_tree, sum_tree

#: The place, from 0, of each letter.
Places = Mapping[Index, int]
#: Which letters of one axis agree: a tuple of groups.
Partition = tuple[tuple[Index, ...], ...]


@dataclass(frozen=True)
class Pattern:
    """What the entries with one pattern of equal indices have in common.

    `form` is None where the entries follow one pattern that could not be written with letters.
    """

    groups: Partition
    form: Expression | None


def partition(places: Places) -> Partition:
    """Which letters stand at the same place of the same axis, in the order of `places`."""
    groups: dict[tuple[str, int], list[Index]] = {}
    for letter, place in places.items():
        groups.setdefault((letter.axis, place), []).append(letter)
    return tuple(tuple(group) for group in groups.values())


def renaming(old: Places, new: Places, sizes: Mapping[str, int]) -> dict[str, list[int]]:
    """For each axis a permutation of its places that takes `old` to `new`."""
    moves: dict[str, list[int]] = {}
    for axis in {letter.axis for letter in old}:
        sent = {old[letter]: new[letter] for letter in old if letter.axis == axis}
        free = [place for place in range(sizes[axis]) if place not in sent.values()]
        rest = iter(free)
        moves[axis] = [sent[place] if place in sent else next(rest) for place in range(sizes[axis])]
    return moves


class Renamer:
    """Applies a permutation of places to elements."""

    def __init__(
        self, field: Field, axes: Mapping[str, tuple[str, ...]], moves: Mapping[str, list[int]]
    ) -> None:
        self.field, self.axes, self.moves = field, axes, moves
        self._memory: dict[int, Polynomial] = {}

    def element(self, polynomial: Polynomial) -> Polynomial:
        """The element with its places renamed."""
        numbers = {number for monomial in polynomial for number, _ in monomial}
        return substitute(polynomial, {number: self._image(number) for number in numbers})

    def _image(self, number: int) -> Polynomial:
        if number not in self._memory:
            self._memory[number] = self._made(number)
        return self._memory[number]

    def _made(self, number: int) -> Polynomial:
        made, field = self.field.generators[number], self.field
        match made.kind:
            case "entry":
                axes = self.axes[made.name]
                spots = [
                    self.moves[axes[at % len(axes)]][place] if axes[at % len(axes)] in self.moves else place
                    for at, place in enumerate(made.content)
                ]
                width = max(1, len(axes))
                if len(spots) > width:  # second derivatives of an unspecified function: order is immaterial
                    pairs = sorted(tuple(spots[at : at + width]) for at in range(0, len(spots), width))
                    spots = [spot for pair in pairs for spot in pair]
                return field.entry(made.name, tuple(spots))
            case "sum":
                return field.single(self.element(made.content))
            case "exp":
                return field.exponential(self.element(made.content))
            case "log":
                return field.logarithm(self.element(made.content))
            case "root":
                return field.root(self.element(made.content), made.degree)
            case "function":
                return field.function(made.name, self.element(made.content))
            case _:
                return {((number, 1),): 1}


class Lettered:
    """Elements in generators that are trees with letters; equal trees are one generator."""

    def __init__(self) -> None:
        self.trees: list[Expression] = []
        self._numbers: dict[Expression, int] = {}

    def generator(self, tree: Expression) -> Polynomial:
        """The generator of a tree."""
        if tree not in self._numbers:
            self._numbers[tree] = len(self.trees)
            self.trees.append(tree)
        return {((self._numbers[tree], 1),): 1}

    def tree(self, polynomial: Polynomial) -> Expression:
        """The tree of an element."""
        return sum_tree(polynomial, self.trees.__getitem__)


class Reader:
    """Writes one entry with letters in the place of numbers.

    Parameters
    ----------
    field
        Where the entries live.
    axes
        The axes of every array.
    upstream
        For each symbol of a derivative ``dL_dy``: the function and the array.
    sizes
        The number of places on each axis.
    preferred
        The letters to use for sums, for each axis.
    """

    def __init__(
        self,
        field: Field,
        axes: Mapping[str, tuple[str, ...]],
        upstream: Mapping[str, tuple[str, str]],
        sizes: Mapping[str, int],
        preferred: Mapping[str, Sequence[str]],
    ) -> None:
        self.field, self.axes, self.upstream, self.sizes = field, axes, upstream, sizes
        self.preferred = preferred
        self.lettered = Lettered()

    def read(self, polynomial: Polynomial, places: Places, names: Mapping[Index, Index]) -> Polynomial | None:
        """The lettered element of one entry; None where what is left is no sum over one letter.

        `names` gives the letter to write for each letter of `places`.
        """
        self._letters: dict[tuple[str, int], Index] = {}
        for letter, place in places.items():
            self._letters.setdefault((letter.axis, place), names[letter])
        taken = {letter.name for letter in names.values()}
        groups: dict[tuple[tuple[tuple[Expression, int], ...], Index | None], list[Coefficient]] = {}
        for monomial, coefficient in polynomial.items():
            left = {spot for number, _ in monomial for spot in self._left_over(number)}
            if len(left) > 1:
                return None
            dummy = None
            spelled = dict(self._letters)
            for axis, place in left:
                dummy = fresh_index(axis, taken, [*self.preferred.get(axis, ()), "k", "l", "m", "n"])
                spelled[axis, place] = dummy
            factors = []
            for number, exponent in monomial:
                tree = self._spell(number, spelled)
                if tree is None:
                    return None
                factors.append((tree, exponent))
            key = (tuple(sorted(factors, key=repr)), dummy)
            groups.setdefault(key, []).append(coefficient)
        total: list[Polynomial] = []
        for (factors_, dummy), coefficients in groups.items():
            if dummy is None:
                total.append(self._product(factors_, sum(coefficients, Fraction(0))))
                continue
            special = {place for axis, place in self._letters if axis == dummy.axis}
            if len(set(coefficients)) > 1 or len(coefficients) != self.sizes[dummy.axis] - len(special):
                return None
            inside = [each for each in factors_ if mentions(each[0], dummy)]
            outside = [each for each in factors_ if not mentions(each[0], dummy)]
            body = product_tree(
                1,
                tuple((at, exponent) for at, (_, exponent) in enumerate(inside)),
                lambda at, inside=inside: inside[at][0],  # type: ignore[misc]
            )
            whole = self.lettered.generator(Sum(dummy, body))
            parts = [whole]
            for (axis, _), letter in self._letters.items():
                if axis == dummy.axis:
                    at_letter = [(rename(tree, {dummy: letter}), exponent) for tree, exponent in inside]
                    parts.append(self._product(at_letter, -1))
            total.append(multiply(self._product(outside, coefficients[0]), add(parts)))
        return add(total)

    def _product(self, factors: Sequence[tuple[Expression, int]], coefficient: Coefficient) -> Polynomial:
        result: Polynomial = scale({(): 1}, coefficient)
        for tree, exponent in factors:
            result = multiply(result, power(self.lettered.generator(tree), exponent))
        return result

    def _left_over(self, number: int) -> set[tuple[str, int]]:
        made = self.field.generators[number]
        if made.kind == "log" and len(made.content) == 1:
            return {spot for ((inner, _),) in made.content for spot in self._left_over(inner)}
        if made.kind != "entry":
            return set()
        axes = self.axes[made.name]
        spots = {(axes[at % len(axes)], place) for at, place in enumerate(made.content)}
        return {spot for spot in spots if spot not in self._letters}

    def _spell(self, number: int, letters: Mapping[tuple[str, int], Index]) -> Expression | None:
        made = self.field.generators[number]
        if made.kind == "log":
            (monomial,) = made.content
            ((inner, _),) = monomial
            argument = self._spell(inner, letters)
            return None if argument is None else Call("log", (argument,))
        if made.kind != "entry":
            return None
        axes = self.axes[made.name]
        indices = tuple(letters[axes[at % len(axes)], place] for at, place in enumerate(made.content))
        if made.name.startswith(LABEL_DELTA):
            return Delta(indices[0], Entry(made.name.removeprefix(LABEL_DELTA)))
        if made.name in self.upstream:
            name, array = self.upstream[made.name]
            width = max(1, len(axes))
            by = tuple(Entry(array, indices[at : at + width]) for at in range(0, max(1, len(indices)), width))
            return Derivative(Entry(name), by)
        return Entry(made.name, indices)


def joined(reader: Reader, same: Polynomial, apart: Polynomial, pair: tuple[Index, Index]) -> Polynomial:
    """apart + δ_ij (same − apart at j = i): one form for both patterns."""
    first, second = pair
    lettered = reader.lettered
    numbers = {number for monomial in apart for number, _ in monomial}
    together = substitute(
        apart,
        {number: lettered.generator(rename(lettered.trees[number], {second: first})) for number in numbers},
    )
    jump = add((same, scale(together, -1)))
    delta = lettered.generator(Delta(first, second))
    return add((multiply(delta, jump), apart))
