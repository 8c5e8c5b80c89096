"""Random well-formed problems: axes, inputs, chains of definitions, and a derivative to ask for.

Every value is real at the generic points of the tests, where inputs are positive: logarithms, roots
and broken powers are taken of positive expressions only, and nothing grows faster than one
exponential of a polynomial. Ties of an extremum, where a derivative does not exist, are avoided by
giving each of its entries an input of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

from hypothesis import strategies as st

from symderiv.expression.construct import add, divide, multiply, negate, number, power, subtract
from symderiv.expression.functions import PI, call
from symderiv.expression.indices import fresh_index
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Call,
    Compare,
    Definition,
    Delta,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Position,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import walk
from symderiv.problem import Input, Problem, Upstream

LETTERS = {"K": ("i", "j", "k", "l", "m"), "N": ("a", "b", "c", "e"), "M": ("r", "q", "n", "u")}
#: Functions that are smooth everywhere and bounded by a polynomial.
TAME = ("sin", "cos", "tanh", "erf", "sigmoid", "softplus")
#: Functions that grow like an exponential.
STEEP = ("exp", "sinh", "cosh")
#: Functions with a kink, or flat but for one.
KINKED = ("relu", "abs", "step", "sign")
#: Functions of positive values.
OF_POSITIVE = ("log", "sqrt", "gamma")
ORDERS = ("<", "<=", ">", ">=", "==", "!=")


class Draw(Protocol):
    """Draws one value of a strategy."""

    def __call__(self, strategy: st.SearchStrategy[Any]) -> Any: ...


@dataclass(frozen=True)
class Array:
    """A named array: its axes, and what is known of its values."""

    name: str
    axes: tuple[str, ...]
    positive: bool
    steep: bool = False


@dataclass
class Grower:
    """Grows expressions over the arrays that there are so far."""

    draw: Draw
    axes: tuple[str, ...]
    arrays: list[Array]
    labels: list[Input]
    letters: list[Index] = field(default_factory=list)
    steep: bool = False

    def pick(self, options: Any) -> Any:
        """One of several things."""
        return self.draw(st.sampled_from(options))

    def chance(self, one_in: int) -> bool:
        """True once in `one_in` times."""
        return bool(self.draw(st.integers(1, one_in)) == 1)

    # --- index places --------------------------------------------------------------------------

    def place(self, axis: str) -> IndexTerm:
        """A letter in scope; rarely a label or the first place."""
        fitting: list[IndexTerm] = [index for index in self.letters if index.axis == axis]
        if not fitting or self.chance(12):
            fitting = [*fitting, Position(1, axis)]
            for label in self.labels:
                if label.label_of == axis:
                    inside = tuple(self.place(inner) for inner in label.axes)
                    fitting.append(Entry(label.name, inside))
        return self.pick(fitting)  # type: ignore[no-any-return]

    def entry(self, positive: bool, of: tuple[Array, ...] = ()) -> Expression:
        """An entry of an array, at places in scope."""
        fitting = [each for each in of or self.arrays if each.positive or not positive]
        if self.steep:
            fitting = [each for each in fitting if not each.steep]
        if not fitting:
            return ONE
        array = self.pick(fitting)
        return Entry(array.name, tuple(self.place(axis) for axis in array.axes))

    def bound(self) -> Index:
        """A letter that is not in scope."""
        axis = self.pick(self.axes)
        return fresh_index(axis, {index.name for index in self.letters}, LETTERS[axis])

    # --- expressions ---------------------------------------------------------------------------

    def leaf(self, positive: bool) -> Expression:
        """Something without parts."""
        kind = self.draw(st.integers(0, 11))
        if kind <= 7:
            return self.entry(positive)
        if kind == 8:
            return number(Fraction(self.draw(st.integers(1, 7)), self.pick((1, 1, 2, 3))))
        if kind == 9:
            return Size(self.pick(self.axes))
        if kind == 10 and not positive and self.letters:
            left = self.pick(self.letters)
            return Delta(left, self.place(left.axis))
        if kind == 11 and self.chance(3):
            return PI
        return self.entry(positive)

    def value(self, depth: int) -> Expression:
        """Any real expression."""
        if depth <= 0 or self.chance(6):
            return self.leaf(positive=False)
        kind = self.draw(st.integers(0, 15))
        less = depth - 1
        match kind:
            case 0 | 1:
                return add(*(self.value(less) for _ in range(self.pick((2, 2, 3)))))
            case 2:
                return subtract(self.value(less), self.value(less))
            case 3 | 4:
                return multiply(*(self.value(less) for _ in range(self.pick((2, 2, 3)))))
            case 5:
                return divide(self.value(less), self.positive(less))
            case 6:
                return power(self.value(less), self.pick((2, 2, 3)))
            case 7:
                return call(self.pick(TAME), self.value(less))
            case 8:
                return self.steeply(less)
            case 9:
                return call("log", self.positive(less))
            case 10 | 11:
                return self.over_an_axis(less, positive=False)
            case 12:
                return Where(self.condition(less), self.value(less), self.value(less))
            case 13:
                if self.chance(2):
                    return call(self.pick(("max", "min")), self.value(less), self.value(less))
                return call(self.pick(KINKED), self.value(less))
            case 14:
                return negate(self.value(less))
            case _:
                return self.positive(depth)

    def positive(self, depth: int) -> Expression:
        """An expression that is positive at the generic points."""
        if depth <= 0 or self.chance(6):
            return self.leaf(positive=True)
        less = depth - 1
        match self.draw(st.integers(0, 12)):
            case 0:
                return add(self.positive(less), self.positive(less))
            case 1:
                return multiply(self.positive(less), self.positive(less))
            case 2:
                return divide(self.positive(less), self.positive(less))
            case 3:
                return add(power(self.value(less), 2), number(self.pick((1, 2))))
            case 4 if not self.steep:
                return call("exp", self.tame(less))
            case 4 | 5:
                return call(self.pick(("sigmoid", "softplus")), self.value(less))
            case 6:
                return call("sqrt", self.positive(less))
            case 7:
                exponent = self.pick((-2, -1, 2, Fraction(1, 2), Fraction(-1, 2), Fraction(2, 3)))
                return power(self.positive(less), number(exponent))
            case 8 if not self.steep:
                return power(self.positive(less), self.tame(0))
            case 9 | 10:
                return self.over_an_axis(less, positive=True)
            case 11:
                return Where(self.condition(less), self.positive(less), self.positive(less))
            case _:
                return call("gamma", number(Fraction(5, 2))) if self.chance(8) else self.softmax()

    def tame(self, depth: int) -> Expression:
        """An exponent: nothing steep inside."""
        before, self.steep = self.steep, True
        inside = self.value(min(depth, 1))
        self.steep = before
        return inside

    def steeply(self, depth: int) -> Expression:
        if self.steep:
            return call(self.pick(TAME), self.value(depth))
        return call(self.pick(STEEP), self.tame(depth))

    def over_an_axis(self, depth: int, positive: bool) -> Expression:
        """A sum, a product or an extremum, restricted or not."""
        index = self.bound()
        around = tuple(self.letters)
        condition = self.restriction(index) if self.chance(4) else None
        self.letters.append(index)
        kind = self.draw(st.integers(0, 9))
        grow = self.positive if positive else self.value
        if kind <= 6 or self.steep:
            # An empty sum is zero: not positive.
            restricted = None if positive else condition
            made: Expression = Sum(index, grow(depth), restricted)
        elif kind <= 8:
            made = Product(index, grow(min(depth, 1)), condition)
        else:
            made = Extremum(self.pick(("max", "min")), index, self._without_ties(index, positive))
        self.letters = list(around)
        return made

    def _without_ties(self, index: Index, positive: bool) -> Expression:
        own = [each for each in self.arrays if index.axis in each.axes and each.name in "xzAWB"]
        if not own:
            return ONE if positive else ZERO
        array = self.pick(own)
        places = tuple(index if axis == index.axis else self.place(axis) for axis in array.axes)
        entry: Expression = Entry(array.name, places)
        return call("exp", entry) if self.chance(3) else multiply(entry, number(self.pick((1, 2))))

    def restriction(self, index: Index) -> Compare | None:
        """A condition on a letter that is about to be bound."""
        if self.chance(3):
            self.letters.append(index)
            condition = Compare(self.pick(("<", ">")), self.leaf(False), self.leaf(False))
            self.letters.pop()
            return condition
        others = [each for each in self.letters if each.axis == index.axis]
        if not others:
            return None
        return Compare(self.pick(ORDERS), index, self.pick(others))

    def condition(self, depth: int) -> Compare:
        """A condition between values, or between places."""
        if self.letters and self.chance(3):
            left = self.pick(self.letters)
            return Compare(self.pick(ORDERS), left, self.place(left.axis))
        return Compare(self.pick(("<", ">", "<=", ">=")), self.value(min(depth, 1)), self.value(0))

    def softmax(self) -> Expression:
        """A share of exponentials, as in softmax."""
        vectors = [each for each in self.arrays if each.axes and not each.steep]
        if not vectors or self.steep:
            return self.leaf(positive=True)
        array = self.pick(vectors)
        here = tuple(self.place(axis) for axis in array.axes)
        axis = array.axes[-1]
        letter = fresh_index(axis, {index.name for index in self.letters}, LETTERS[axis])
        total = Sum(letter, call("exp", Entry(array.name, (*here[:-1], letter))))
        return divide(call("exp", Entry(array.name, here)), total)


def _is_steep(body: Expression, arrays: list[Array]) -> bool:
    steep = {each.name for each in arrays if each.steep}
    return any(
        (isinstance(part, Call) and part.function in STEEP)
        or (isinstance(part, Entry) and part.array in steep)
        for _, part in walk(body)
    )


@dataclass(frozen=True)
class Trial:
    """A problem, and a derivative of it to ask for."""

    problem: Problem
    of: Entry
    by: tuple[Entry, ...]


def _inputs(draw: Draw, axes: tuple[str, ...]) -> list[Array]:
    one = st.sampled_from(axes)
    found = [Array("x", (draw(one),), True)]
    for name, rank in (("z", 1), ("A", 2), ("s", 0), ("W", 2), ("t", 1)):
        if draw(st.integers(0, 2)) == 0:
            found.append(Array(name, tuple(draw(one) for _ in range(rank)), True))
    return found


@st.composite
def problems(draw: Any, depth: int = 3, longest: int = 4) -> Problem:
    """A problem of 1 to 3 axes and 1 to `longest` definitions, each of a body up to `depth` deep."""
    axes = ("K", "N", "M")[: draw(st.sampled_from((1, 1, 2, 2, 3)))]
    arrays = _inputs(draw, axes)
    inputs = [Input(each.name, each.axes) for each in arrays]
    labels = []
    if draw(st.integers(0, 3)) == 0:
        labels.append(Input("y", (), draw(st.sampled_from(axes))))
    definitions: list[Definition] = []
    names = draw(st.permutations(("p", "h", "v", "L")))
    for name in names[: draw(st.integers(1, longest))]:
        rank = draw(st.sampled_from((0, 1, 1, 1, 2)))
        letters: list[Index] = []
        for _ in range(rank):
            axis = draw(st.sampled_from(axes))
            letters.append(fresh_index(axis, {index.name for index in letters}, LETTERS[axis]))
        grower = Grower(draw, axes, arrays, labels, list(letters))
        positive = draw(st.booleans())
        share = letters and draw(st.integers(0, 4)) == 0
        if share:
            body, positive = grower.softmax(), True
        else:
            body = grower.positive(depth) if positive else grower.value(depth)
        if definitions and draw(st.integers(0, 3)) > 0:  # a chain rather than strangers
            last = arrays[-1]
            link = Entry(last.name, tuple(grower.place(axis) for axis in last.axes))
            body = multiply(body, link) if draw(st.booleans()) else add(body, link)
            positive = positive and last.positive
        definitions.append(Definition(name, tuple(letters), body))
        arrays.append(
            Array(
                name, tuple(index.axis for index in letters), positive, not share and _is_steep(body, arrays)
            )
        )
    upstream = (Upstream("G", definitions[-1].name),) if draw(st.integers(0, 5)) == 0 else ()
    letters_of = tuple(Index(letter, axis) for axis in axes for letter in LETTERS[axis])
    return Problem(
        "trial", letters=letters_of, inputs=(*inputs, *labels), definitions=tuple(definitions),
        upstream=upstream,
    )  # fmt: skip


@st.composite
def trials(draw: Any, depth: int = 3, longest: int = 4) -> Trial:
    """A problem, its output or another name of it, and entries to differentiate by."""
    problem = draw(problems(depth, longest))
    names = [each.name for each in problem.definitions]
    output = problem.output() if draw(st.integers(0, 2)) else draw(st.sampled_from(names))
    order = draw(st.sampled_from((1, 1, 1, 2)))
    variables = [each.name for each in problem.inputs if each.label_of is None]
    variables += [name for name in names[:-1] if name != output and names.index(name) < _rank(names, output)]
    taken: set[str] = set()
    of = Entry(output, tuple(_places(problem, output, taken)))
    by = []
    for _ in range(order):
        name = draw(st.sampled_from(variables))
        by.append(Entry(name, tuple(_places(problem, name, taken))))
    if draw(st.integers(0, 4)) == 0:
        by = [_coinciding(draw, entry, of) for entry in by]
    return Trial(problem, of, tuple(by))


def _rank(names: list[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _places(problem: Problem, name: str, taken: set[str]) -> list[Index]:
    found = []
    for axis in problem.axes_of(name):
        letter = fresh_index(axis, taken, LETTERS[axis])
        taken.add(letter.name)
        found.append(letter)
    return found


def _coinciding(draw: Draw, entry: Entry, of: Entry) -> Entry:
    """The entry with some letters replaced by those of the output, or by a fixed place."""
    terms: list[IndexTerm] = []
    for term in entry.indices:
        assert isinstance(term, Index)
        same = [other for other in of.indices if isinstance(other, Index) and other.axis == term.axis]
        terms.append(draw(st.sampled_from([term, Position(1, term.axis), *same])))
    return replace(entry, indices=tuple(terms))
