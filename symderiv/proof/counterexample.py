"""The smallest counterexample to an equation: sizes, the values of the inputs, and both sides in numbers.

Sizes are tried from 1 up. At each, small whole numbers and zeros come first, in exact rational
arithmetic where both sides have a rational value there, then generic fractions in many digits, and for a
formula with kinks or steps points on them and on both sides of them. Numbers can refute an equation and
never prove it, so a coincidence costs a trial and nothing else; but a claim about a derivative is made
away from kinks, and a point on one does not count for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Compare, Expression, Extremum, Product, Size, Sum
from symderiv.expression.traverse import walk
from symderiv.problem import Assumption, Input, Problem, Upstream
from symderiv.proof.trial import Trial, reachable, slopes_of
from symderiv.proof.trial_values import Array, growing_sizes, nested


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
        Equations that the values must meet: those that say what one array is, or in which order two stand,
        are brought about; where another does not happen to hold, the values do not count.
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
    """A counterexample, if one was found, and what was tried.

    Attributes
    ----------
    found
        The counterexample.
    points
        At how many points both sides have a finite value, the same on both.
    met
        Whether any values were found that meet the assumptions.
    something
        Whether the sides agree in any number that is not 0.
    """

    found: dict[str, object] | None
    points: int
    met: bool
    something: bool


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
    away: bool | None = None,
) -> Search:
    """Look for a counterexample: see :func:`counterexample`.

    Parameters
    ----------
    more
        Further sizes of axes to try, after the small ones.
    away
        Whether it is claimed away from kinks only; by itself, whether there is a derivative in it.
    """
    further = tuple(Input(name, axes) for name, axes in extra)
    problem = replace(problem, inputs=(*problem.inputs, *further))
    setting = _Setting.of(left, right, problem, assumptions)
    trial = setting.trial(digits, away)
    unspecified = [each for each in problem.upstream if each.name in setting.used]
    growing = [*growing_sizes(setting.axes, fixed or {})]
    growing += [{**{axis: each.get(axis, 2) for axis in setting.axes}, **(fixed or {})} for each in more]
    for sizes in growing:
        found = trial.at({**dict.fromkeys(problem.axes, 1), **sizes})
        if found is None:
            continue
        spots = zip(trial.letters, found.place, strict=True)
        values = {
            name: nested(found.values[name], label_of is not None)
            for name, _, label_of in setting.wanted
            if name in setting.used
        }
        curved = {each.name: f"u + u^2, u = {_linear(each)}" for each in unspecified if found.curved}
        told: dict[str, object] = {
            "sizes": sizes,
            "places": {letter.name: spot + 1 for letter, spot in spots},
            "values": {**values, **curved},
            "left": found.left,
            "right": found.right,
            "exact": found.exact,
        }
        return Search(told, trial.points, True, trial.something)
    return Search(None, trial.points, trial.met, trial.something)


def can_be_met(
    left: Expression,
    right: Expression,
    problem: Problem,
    assumptions: Sequence[Assumption],
    conditions: Sequence[Compare] = (),
    *,
    fixed: Mapping[str, int] | None = None,
) -> bool:
    """Whether values were found that meet all assumptions, and a place at which all conditions hold.

    The sides are those of an equation that is claimed under them; what they are worth does not matter.
    """
    setting = _Setting.of(left, right, problem, assumptions)
    trial = setting.trial(30, None)
    sizes = ({**dict.fromkeys(problem.axes, 1), **each} for each in growing_sizes(setting.axes, fixed or {}))
    return any(trial.can_be_met(each, conditions) for each in sizes)


@dataclass(frozen=True)
class _Setting:
    """What is judged, with the arrays that matter first, and the sizes at which it is tried."""

    left: Expression
    right: Expression
    problem: Problem
    assumptions: tuple[Assumption, ...]
    wanted: list[Array]
    used: set[str]
    axes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        left: Expression,
        right: Expression,
        problem: Problem,
        assumptions: Sequence[Assumption],
    ) -> _Setting:
        """The setting of one search; the parameters are those of :func:`search`."""
        wanted: list[Array] = [(given.name, given.axes, given.label_of) for given in problem.inputs]
        wanted += [(slopes_of(each), problem.axes_of(each.of), None) for each in problem.upstream]
        trees = (left, right, *(side for each in assumptions for side in (each.left, each.right)))
        used = reachable(trees, problem)
        used |= {slopes_of(each) for each in problem.upstream if each.name in used}
        wanted.sort(key=lambda array: array[0] not in used)  # those that matter take the smallest numbers
        axes = _axes_in_play(trees, problem, used)
        return cls(left, right, problem, tuple(assumptions), wanted, used, axes)

    def trial(self, digits: int, away: bool | None) -> Trial:
        """What evaluates both sides."""
        letters = sorted(
            {*free_indices(self.left), *free_indices(self.right)},
            key=lambda letter: (letter.name, letter.axis),
        )
        return Trial(
            self.left, self.right, self.problem, tuple(letters), self.assumptions, digits, self.wanted,
            self.used, away,
        )  # fmt: skip


def _linear(upstream: Upstream) -> str:
    return f"the sum of c * {upstream.of} with the numbers c under {slopes_of(upstream)}"


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
    new = sorted(found.difference(problem.axes))  # a letter may range over an axis that no array has
    return (*(axis for axis in problem.axes if axis in found), *new) or problem.axes


def _is_known(name: str, problem: Problem) -> bool:
    return problem.input(name) is not None or problem.definition(name) is not None
