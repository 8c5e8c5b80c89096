"""One search for a counterexample: what is judged, the values that are tried, both sides at each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Call,
    Compare,
    Delta,
    Derivative,
    Expression,
    Index,
    Number,
    Where,
)
from symderiv.expression.oracle import Arithmetic, Oracle, Scalar, multiprecision
from symderiv.expression.traverse import compared_values, walk
from symderiv.problem import Assumption, Problem, Upstream, names_in
from symderiv.proof.kinks import edges_of, gaps_of, is_partial, meeting, on_a_kink
from symderiv.proof.met import met
from symderiv.proof.trial_values import EXACT, NO_VALUE, Array, Table, nudged, trials

#: Functions with rational values of rational numbers.
_RATIONAL = frozenset({"sqrt", "relu", "abs", "step", "sign", "max", "min"})
#: How many of the numbers that a formula holds all entries are made equal to.
_MOST_CONSTANTS = 4


@dataclass(frozen=True)
class Difference:
    """Where two sides differ, and what they are there."""

    values: Mapping[str, Table]
    place: tuple[int, ...]
    left: str
    right: str
    exact: bool
    curved: bool


@dataclass
class Trial:
    """What is judged, and how its two sides are evaluated."""

    left: Expression
    right: Expression
    problem: Problem
    letters: tuple[Index, ...]
    assumptions: tuple[Assumption, ...]
    digits: int
    wanted: Sequence[Array]
    used: Collection[str]
    away: bool | None

    def __post_init__(self) -> None:
        self.real = multiprecision(self.digits)
        self.finer = [multiprecision(times * self.digits) for times in (3, 9)]
        self.scale = 10 ** (self.digits - 8)
        #: The points at which both sides agree: sizes, values by number, places.
        self.agreed: set[tuple[object, ...]] = set()
        #: Whether the sides agree in any number that is not 0.
        self.something = False
        #: Whether any values met the assumptions.
        self.met = False
        parts = [self.left, self.right]
        parts += [each.body for each in self.problem.definitions if each.name in self.used]
        nodes = [part for tree in parts for _, part in walk(tree)]
        self.gaps, self.edges = gaps_of(parts), edges_of(parts)
        if self.away is None:
            self.away = any(isinstance(part, Derivative) for part in nodes)
        functions = {part.function for part in nodes if isinstance(part, Call)}
        self.exact = not functions & {"pi", "gamma", "digamma", "trigamma", "erf"}
        partial = [part for part in nodes if is_partial(part)]
        self.partial = reachable(partial, self.problem)
        transcendental = [part for part in nodes if isinstance(part, Call) and part.function not in _RATIONAL]
        self.inside = reachable(transcendental, self.problem)
        numbers = {part.value for part in nodes if isinstance(part, Number)}
        self.constants = [Fraction(0), *sorted(numbers - {0}, key=lambda value: (abs(value), value))]
        self.labels = frozenset(name for name, _, label_of in self.wanted if label_of is not None)

    @property
    def points(self) -> int:
        """At how many points both sides agree."""
        return len(self.agreed)

    def at(self, sizes: Mapping[str, int]) -> Difference | None:
        """The first difference at these sizes: exact if any of the trials shows one exactly."""
        values = self._values(sizes)
        for curved in (False, True) if self.problem.upstream else (False,):
            for arithmetic in (EXACT, self.real) if self.exact else (self.real,):
                for number, each in enumerate(values):
                    found = self._difference(arithmetic, each, sizes, curved, number)
                    if found is not None:
                        return found
        return None

    def _values(self, sizes: Mapping[str, int]) -> list[dict[str, Table]]:
        """The values to try at these sizes, changed so that they meet the assumptions where they can be."""
        on_kinks = bool(self.gaps) and not self.away
        plain = list(
            trials(
                self.wanted,
                sizes,
                zeros=self.inside,
                constants=self.constants[: 1 + _MOST_CONSTANTS] if on_kinks else (),
                kinks=bool(self.gaps),
                partial=self.partial,
            )
        )
        reals = [name for name, _, label_of in self.wanted if label_of is None and name in self.used]
        bases = plain[0], plain[-1]
        for gaps, on in ((self.gaps, on_kinks), (self.edges, False)):
            for values in bases:
                plain += meeting(
                    gaps, values, reals, lambda changed: self._oracle(EXACT, changed, sizes, False), on=on
                )
        found = (met(values, self.assumptions, sizes, self.labels) for values in plain)
        return [values for values in found if values is not None]

    def _apart(self, a: Any, b: Any) -> bool:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return a != b
        return bool(abs(a - b) * self.scale > abs(a) + abs(b) + 1)

    def _difference(
        self,
        arithmetic: Arithmetic,
        values: Mapping[str, Table],
        sizes: Mapping[str, int],
        curved: bool,
        number: int,
    ) -> Difference | None:
        """The first place where the sides differ at these values, in one kind of numbers."""
        oracle = self._oracle(arithmetic, values, sizes, curved)
        if not self._meets(oracle):
            return None
        self.met = self.met or any(True for _ in self._places(oracle))
        if self.away and on_a_kink(
            self.gaps, oracle, lambda: self._oracle(arithmetic, nudged(values), sizes, curved), self._apart
        ):
            return None
        for env in self._places(oracle):
            place = tuple(env.values())
            pair = self._sides(oracle, env)
            if pair is None:
                continue
            if not self._apart(*pair):
                if abs(pair[0]) < _LARGEST:
                    self.agreed.add((*sizes.items(), number, curved, place))
                    self.something = self.something or self._apart(pair[0], 0 * pair[0])
                continue
            if arithmetic is not EXACT:
                pair = self._settled(pair, values, sizes, curved, env)
                if pair is None:
                    continue
            left, right = (self._text(side) for side in pair)
            return Difference(values, place, left, right, arithmetic is EXACT, curved)
        return None

    def can_be_met(self, sizes: Mapping[str, int], conditions: Sequence[Compare]) -> bool:
        """Whether some of the values meet the assumptions, and the conditions at some place."""
        indicators = [Where(each, ONE, ZERO) for each in conditions]
        for values in self._values(sizes):
            oracle = self._oracle(self.real, values, sizes, False)
            if not self._meets(oracle):
                continue
            for env in self._places(oracle):
                try:
                    if all(oracle.evaluate(each, env) == 1 for each in indicators):
                        return True
                except NO_VALUE:
                    continue
        return False

    def _meets(self, oracle: Oracle) -> bool:
        """Whether the values meet the assumptions on arrays."""
        try:
            return all(self._holds(each, oracle) for each in self.assumptions if not of_letters(each))
        except NO_VALUE:
            return False

    def _places(self, oracle: Oracle) -> Iterator[dict[Index, int]]:
        """The places of the letters that meet the assumptions on these."""
        for place in product(*(range(oracle.sizes[letter.axis]) for letter in self.letters)):
            env = dict(zip(self.letters, place, strict=True))
            if all(self._allowed(each, oracle, env) for each in self.assumptions if of_letters(each)):
                yield env

    def _settled(
        self,
        pair: tuple[Any, Any],
        values: Mapping[str, Table],
        sizes: Mapping[str, int],
        curved: bool,
        env: Mapping[Index, int],
    ) -> tuple[Any, Any] | None:
        """Two sides that differ with more digits as well; None where rounding alone makes the difference.

        Large numbers that cancel leave noise, and noise changes with the number of digits.
        """
        for arithmetic in self.finer:
            finer = self._sides(self._oracle(arithmetic, values, sizes, curved), env)
            if finer is None:
                return None
            change = max(abs(new - old) for new, old in zip(finer, pair, strict=True))
            if change * _STEADY < abs(finer[0] - finer[1]):
                return finer if self._apart(*finer) else None
            pair = finer
        return None

    @staticmethod
    def _allowed(assumption: Assumption, oracle: Oracle, env: Mapping[Index, int]) -> bool:
        """Whether the places of an equation's letters meet an assumption on them, as i != j."""
        if not set(free_indices(assumption.left)) <= set(env):
            return True
        same = oracle.evaluate(assumption.left, env) == oracle.evaluate(assumption.right, env)
        return bool(same)

    def _oracle(
        self, arithmetic: Arithmetic, values: Mapping[str, Table], sizes: Mapping[str, int], curved: bool
    ) -> Oracle:
        arrays = {
            name: {
                place: int(value) if self._is_label(name) else arithmetic.from_fraction(value)
                for place, value in table.items()
            }
            for name, table in values.items()
        }
        functions = {
            each.name: (each.of, _function(list(arrays[slopes_of(each)].values()), curved))
            for each in self.problem.upstream
        }
        return Oracle(sizes, arrays, self.problem.definitions, functions, arithmetic)

    def _sides(self, oracle: Oracle, env: Mapping[Index, int]) -> tuple[Any, Any] | None:
        """Both sides, or None where one has no finite real value."""
        try:
            a, b = oracle.evaluate(self.left, env), oracle.evaluate(self.right, env)
        except NO_VALUE:
            return None
        return (a, b) if abs(a) + abs(b) < _INFINITY else None  # false for infinities and for nan

    def _holds(self, assumption: Assumption, oracle: Oracle) -> bool:
        letters = tuple(dict.fromkeys((*free_indices(assumption.left), *free_indices(assumption.right))))
        ours, theirs = (oracle.table(side, letters) for side in (assumption.left, assumption.right))
        return not any(self._apart(ours[place], theirs[place]) for place in ours)

    def _text(self, value: Any) -> str:
        """A fraction as it is; of digits those that are beyond doubt."""
        if isinstance(value, Fraction | int):
            return str(value)
        if abs(value) * self.scale < 1:
            return "0"
        return str(value.context.nstr(value, self.digits - 10)).removesuffix(".0")

    def _is_label(self, name: str) -> bool:
        given = self.problem.input(name)
        return given is not None and given.label_of is not None


_INFINITY = float("inf")
#: Numbers beyond this agree in so many digits whatever is added to them: that says nothing.
_LARGEST = 10**100
#: A difference counts where more digits change the sides by less than this part of it.
_STEADY = 10**6


def slopes_of(upstream: Upstream) -> str:
    """The name of the slopes of an unspecified function in a table of values."""
    return f"d({upstream.name}, {upstream.of})"


def _function(coefficients: Sequence[Any], curved: bool) -> Callable[[Sequence[Scalar]], Scalar]:
    """Σ c·y, or u + u² of it, for the values of an array in C order."""

    def value(entries: Sequence[Scalar]) -> Scalar:
        total = Scalar(0 * coefficients[0])
        for coefficient, entry in zip(coefficients, entries, strict=True):
            total = total + Scalar(coefficient) * entry
        return total + total * total if curved else total

    return value


def reachable(parts: Sequence[Expression], problem: Problem) -> set[str]:
    """The names that some trees depend on, through definitions too."""
    seen: set[str] = set()
    todo = [name for part in parts for name in names_in(part)]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += problem.directly_uses(name)
    return seen


def of_letters(assumption: Assumption) -> bool:
    """Whether an assumption is of the letters of an equation, i != j, and not of the values of arrays."""
    match assumption.left:
        case Delta():
            return True
        case Where(condition, _, _):
            return not compared_values(condition)
        case _:
            return False
