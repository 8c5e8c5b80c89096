"""The smallest counterexample to an equation: sizes, the values of the inputs, and both sides in numbers.

Sizes are tried from 1 up. At each, small whole numbers and zeros come first, in exact rational
arithmetic where both sides have a rational value there, then generic fractions in many digits.
Numbers can refute an equation and never prove it, so a coincidence costs a trial and nothing else;
but where a formula has kinks, small numbers could meet one, and only generic fractions are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Call,
    Compare,
    Delta,
    Expression,
    Extremum,
    Index,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.oracle import Arithmetic, Oracle, Scalar, multiprecision
from symderiv.expression.traverse import compared_values, walk
from symderiv.problem import Assumption, Problem, Upstream, names_in
from symderiv.proof.trial_values import EXACT, NO_VALUE, Array, Table, growing_sizes, nested, trials

_WITH_KINKS = frozenset({"relu", "abs", "step", "sign", "max", "min"})


def counterexample(
    left: Expression,
    right: Expression,
    problem: Problem,
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
    *,
    digits: int = 30,
    assumptions: Sequence[Assumption] = (),
    fixed: Mapping[str, int] | None = None,
) -> dict[str, object] | None:
    """The smallest sizes and values, and the first place, where two sides differ; None where none was found.

    Parameters
    ----------
    left, right
        The two sides, in the names of `problem`.
    extra
        Further arrays, such as a cotangent, with their axes.
    digits
        The precision where no exact value is at hand.
    assumptions
        Equations that the values must meet. Sums of an input over an axis are met by scaling; where
        another does not happen to hold, the values do not count.
    fixed
        The sizes of axes that are not to vary.

    Returns
    -------
    dict or None
        ``sizes`` (axis to size), ``places`` (free letter to place, from 1), ``values`` (the inputs that
        matter, as nested lists of fractions in text; a label's places count from 1), ``left`` and
        ``right`` (the two sides in text) and ``exact`` (whether these are exact).

    Notes
    -----
    A place where one side has no real value does not count. An unspecified function L of an array y is
    taken to be Σ c·y first, and u + u² of that u then: ``values`` has its c under the name ``d(L, y)``,
    or says which function it is under the name ``L``.
    """
    return search(left, right, problem, extra, digits=digits, assumptions=assumptions, fixed=fixed).found


@dataclass(frozen=True)
class Search:
    """A counterexample, if one was found, and at how many points both sides were compared."""

    found: dict[str, object] | None
    points: int


def search(
    left: Expression,
    right: Expression,
    problem: Problem,
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
    *,
    digits: int = 30,
    assumptions: Sequence[Assumption] = (),
    fixed: Mapping[str, int] | None = None,
    more: Sequence[Mapping[str, int]] = (),
) -> Search:
    """Look for a counterexample: see :func:`counterexample`.

    Parameters
    ----------
    more
        Further sizes of axes to try, after the small ones.
    """
    letters = tuple(
        sorted({*free_indices(left), *free_indices(right)}, key=lambda letter: (letter.name, letter.axis))
    )
    wanted: list[Array] = [(given.name, given.axes, given.label_of) for given in problem.inputs]
    wanted += [(name, axes, None) for name, axes in extra]
    wanted += [(slopes(each), problem.axes_of(each.of), None) for each in problem.upstream]
    trees = (left, right, *(side for each in assumptions for side in (each.left, each.right)))
    used = reachable(trees, problem)
    used |= {slopes(each) for each in problem.upstream if each.name in used}
    wanted.sort(key=lambda array: array[0] not in used)  # those that matter take the smallest numbers
    unspecified = [each for each in problem.upstream if each.name in used]
    trial = _Search(left, right, problem, letters, tuple(assumptions), digits)
    axes = _axes_in_play(trees, problem, used)
    growing = [*growing_sizes(axes, fixed or {})]
    growing += [{**{axis: each.get(axis, 2) for axis in axes}, **(fixed or {})} for each in more]
    for sizes in growing:
        everywhere = {**dict.fromkeys(problem.axes, 1), **sizes}
        found = trial.at(everywhere, trials(wanted, everywhere, trial.inside, trial.kinks, assumptions))
        if found is not None:
            return Search(
                {
                    "sizes": sizes,
                    "places": {
                        letter.name: spot + 1 for letter, spot in zip(letters, found.place, strict=True)
                    },
                    "values": {
                        **{
                            name: nested(found.values[name], label_of is not None)
                            for name, _, label_of in wanted
                            if name in used
                        },
                        **(
                            {each.name: f"u + u^2, u = {_linear(each)}" for each in unspecified}
                            if found.curved
                            else {}
                        ),
                    },
                    "left": found.left,
                    "right": found.right,
                    "exact": found.exact,
                },
                trial.compared,
            )
    return Search(None, trial.compared)


@dataclass(frozen=True)
class _Difference:
    """Where two sides differ, and what they are there."""

    values: Mapping[str, Table]
    place: tuple[int, ...]
    left: str
    right: str
    exact: bool
    curved: bool


@dataclass
class _Search:
    """What is judged, and how its two sides are evaluated."""

    left: Expression
    right: Expression
    problem: Problem
    letters: tuple[Index, ...]
    assumptions: tuple[Assumption, ...]
    digits: int

    def __post_init__(self) -> None:
        self.real = multiprecision(self.digits)
        self.finer = [multiprecision(times * self.digits) for times in (3, 9)]
        #: At how many places both sides had a value.
        self.compared = 0
        self.scale = 10 ** (self.digits - 8)
        parts = [self.left, self.right]
        parts += [each.body for each in self.problem.definitions]
        nodes = [part for tree in parts for _, part in walk(tree)]
        self.kinks = any(_has_kink(part) for part in nodes)
        irrational = {part.function for part in nodes if isinstance(part, Call)}
        self.exact = not irrational & {"pi", "gamma", "digamma", "trigamma", "erf"}
        transcendental = [
            part for part in nodes if isinstance(part, Call) and part.function not in ("sqrt", *_WITH_KINKS)
        ]
        self.inside = reachable(transcendental, self.problem)

    def at(self, sizes: Mapping[str, int], trials: Sequence[Mapping[str, Table]]) -> _Difference | None:
        """The first difference at these sizes: exact if any of the trials shows one exactly."""
        for curved in (False, True) if self.problem.upstream else (False,):
            for arithmetic in (EXACT, self.real) if self.exact else (self.real,):
                for values in trials:
                    found = self._difference(arithmetic, values, sizes, curved)
                    if found is not None:
                        return found
        return None

    def _apart(self, a: Any, b: Any) -> bool:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return a != b
        return bool(abs(a - b) * self.scale > abs(a) + abs(b) + 1)

    def _difference(
        self, arithmetic: Arithmetic, values: Mapping[str, Table], sizes: Mapping[str, int], curved: bool
    ) -> _Difference | None:
        """The first place where the sides differ at these values, in one kind of numbers."""
        oracle = self._oracle(arithmetic, values, sizes, curved)
        try:
            if not all(self._holds(each, oracle) for each in self.assumptions if not _of_letters(each)):
                return None
        except NO_VALUE:
            return None
        for place in product(*(range(sizes[letter.axis]) for letter in self.letters)):
            env = dict(zip(self.letters, place, strict=True))
            if not all(self._allowed(each, oracle, env) for each in self.assumptions if _of_letters(each)):
                continue
            pair = self._sides(oracle, env)
            if pair is None:
                continue
            self.compared += 1
            if not self._apart(*pair):
                continue
            if arithmetic is not EXACT:
                pair = self._settled(pair, values, sizes, curved, env)
                if pair is None:
                    continue
            left, right = (self._text(side) for side in pair)
            return _Difference(values, place, left, right, arithmetic is EXACT, curved)
        return None

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
            each.name: (each.of, _function(list(arrays[slopes(each)].values()), curved))
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
#: A difference counts where more digits change the sides by less than this part of it.
_STEADY = 10**6


def slopes(upstream: Upstream) -> str:
    """The name of the slopes of an unspecified function in a table of values."""
    return f"d({upstream.name}, {upstream.of})"


def _linear(upstream: Upstream) -> str:
    return f"the sum of c * {upstream.of} with the numbers c under {slopes(upstream)}"


def _function(coefficients: Sequence[Any], curved: bool) -> Callable[[Sequence[Scalar]], Scalar]:
    """Σ c·y, or u + u² of it, for the values of an array in C order."""

    def value(entries: Sequence[Scalar]) -> Scalar:
        total = Scalar(0 * coefficients[0])
        for coefficient, entry in zip(coefficients, entries, strict=True):
            total = total + Scalar(coefficient) * entry
        return total + total * total if curved else total

    return value


def _has_kink(node: Expression) -> bool:
    match node:
        case Call(function, _):
            return function in _WITH_KINKS
        case Extremum():
            return True
        case Where(Compare() as condition, _, _):
            return bool(compared_values(condition))
        case _:
            return False


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


def _axes_in_play(trees: Sequence[Expression], problem: Problem, used: Collection[str]) -> tuple[str, ...]:
    """The axes whose sizes can matter, in the order of the problem; any other stays at 1."""
    found: set[str] = set()
    for name in used:
        found.update(problem.axes_of(name) if _is_known(name, problem) else ())
        given = problem.input(name)
        if given is not None and given.label_of:
            found.add(given.label_of)
    bodies = [each.body for each in problem.definitions if each.name in used]
    for tree in (*trees, *bodies):
        found.update(index.axis for index in free_indices(tree))
        for _, part in walk(tree):
            if isinstance(part, Size):
                found.add(part.axis)
            elif isinstance(part, Sum | Product | Extremum):
                found.add(part.index.axis)
    return tuple(axis for axis in problem.axes if axis in found) or problem.axes


def _is_known(name: str, problem: Problem) -> bool:
    return problem.input(name) is not None or problem.definition(name) is not None


def _of_letters(assumption: Assumption) -> bool:
    """Whether an assumption is of the letters of an equation, i != j, and not of the values of arrays."""
    return isinstance(assumption.left, Delta)
