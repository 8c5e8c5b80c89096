"""Claims as people state them: under conditions, and perhaps true only under a missing assumption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symderiv.expression.canonical import same
from symderiv.expression.construct import multiply, subtract
from symderiv.expression.indices import free_indices, fresh_index, rename
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    PlaceTerm,
    Sum,
    Where,
)
from symderiv.expression.traverse import compared_values, walk
from symderiv.problem import Assumption, Problem
from symderiv.proof.counterexample import can_be_met
from symderiv.proof.prove import prove
from symderiv.proof.trial import reachable
from symderiv.proof.verdict import Verdict

#: Verdicts, from the worst to the best.
KINDS = ("refuted", "conditional", "undecided", "proved")


@dataclass(frozen=True)
class Judged:
    """One ``=`` and what was found about it.

    Attributes
    ----------
    left, right
        Its two sides.
    conditions
        Where it is claimed, if not everywhere.
    kind
        ``proved``, ``conditional``, ``refuted`` or ``undecided``. Conditional: refuted as it stands, and
        proved under `condition`, which is nowhere stated.
    verdict
        What the prover said of it as it stands.
    condition
        For ``conditional``: the assumption that is missing.
    under
        For ``conditional``: what the prover said of it under that assumption.
    """

    left: Expression
    right: Expression
    conditions: tuple[Compare, ...]
    kind: str
    verdict: Verdict
    condition: Assumption | Compare | None = None
    under: Verdict | None = None


def judge(
    left: Expression,
    right: Expression,
    problem: Problem,
    conditions: Sequence[Compare] = (),
    *,
    missing: bool = True,
    sizes: Mapping[str, int] | None = None,
    away: bool = False,
) -> Judged:
    """Judge ``left = right`` where `conditions` hold, under the assumptions of `problem`.

    Parameters
    ----------
    missing
        Whether an assumption is looked for that would make a refuted equation true: a sum of an input over
        an axis that is 1, or two free letters that differ, or that are the same.
    sizes
        The sizes for which it is claimed; for every size of an axis that is not named.
    away
        Whether it is claimed away from kinks only: see :func:`~symderiv.proof.prove.prove`.
    """
    given = tuple(conditions)
    verdict = _prove(left, right, problem, given, sizes=sizes, away=away)
    if verdict.kind == "proved":
        least = _least(left, right, problem, given, verdict=verdict, sizes=sizes, away=away)
        verdict = replace(least, met=verdict.met and _is_somewhere(left, right, problem, given, sizes))
    if verdict.kind == "refuted" and missing:
        for assumption in _sums(left, right, problem):
            under = _prove(left, right, problem, given, sizes=sizes, away=away, more=(assumption,))
            if under.kind == "proved":
                return Judged(left, right, given, "conditional", verdict, assumption, under)
        for condition in _places(left, right, given):
            under = _prove(left, right, problem, (*given, condition), sizes=sizes, away=away)
            if under.kind == "proved":
                return Judged(left, right, given, "conditional", verdict, condition, under)
    return Judged(left, right, given, verdict.kind, verdict)


def _is_somewhere(
    left: Expression,
    right: Expression,
    problem: Problem,
    conditions: Sequence[Compare],
    sizes: Mapping[str, int] | None,
) -> bool:
    """Whether values were found for which the conditions hold somewhere: else nothing is claimed."""
    if not conditions:
        return True
    left, right = restricted(left, conditions), restricted(right, conditions)
    return can_be_met(left, right, problem, problem.assumptions, conditions, fixed=sizes)


def _prove(
    left: Expression,
    right: Expression,
    problem: Problem,
    conditions: Sequence[Compare],
    *,
    sizes: Mapping[str, int] | None,
    away: bool,
    more: Sequence[Assumption] = (),
) -> Verdict:
    left, right = restricted(left, conditions), restricted(right, conditions)
    return prove(left, right, problem, (*problem.assumptions, *more), sizes=sizes, away=away)


def restricted(side: Expression, conditions: Sequence[Compare]) -> Expression:
    """`side` where the conditions hold, and zero elsewhere."""
    for condition in conditions:
        left, right = condition.left, condition.right
        places = not compared_values(condition)
        if places and condition.operator in ("==", "!="):
            assert isinstance(left, PlaceTerm | Entry)
            assert isinstance(right, PlaceTerm | Entry)
            equal = Delta(left, right)
            side = multiply(equal if condition.operator == "==" else subtract(ONE, equal), side)
        else:
            side = Where(condition, side, ZERO)
    return side


def _least(
    left: Expression,
    right: Expression,
    problem: Problem,
    conditions: Sequence[Compare],
    *,
    verdict: Verdict,
    sizes: Mapping[str, int] | None,
    away: bool,
) -> Verdict:
    """The same proof with as few of the assumptions as one at a time can show to be needed."""
    needed = verdict.rests_on
    for assumption in verdict.rests_on if len(verdict.rests_on) > 1 else ():
        fewer = tuple(each for each in needed if each != assumption)
        again = _prove(left, right, replace(problem, assumptions=fewer), conditions, sizes=sizes, away=away)
        if again.kind == "proved":
            verdict, needed = again, fewer
    return verdict


def _sums(left: Expression, right: Expression, problem: Problem) -> Iterator[Assumption]:
    """Σ_k t_k = 1 for each input in play, over its last axis."""
    used = reachable((left, right), problem)
    bodies = (left, right, *(each.body for each in problem.definitions))
    summed = [part.index for body in bodies for _, part in walk(body) if isinstance(part, Sum)]
    for given in problem.inputs:
        if given.name not in used or not given.axes or given.label_of is not None:
            continue
        letters: list[Index] = []
        for axis in given.axes:
            usual = [index.name for index in summed if index.axis == axis]
            taken = {letter.name for letter in letters}
            letters.append(fresh_index(axis, taken, [*usual, *problem.letters_of(axis)]))
        yield Assumption(Sum(letters[-1], Entry(given.name, tuple(letters))), ONE)


def _places(left: Expression, right: Expression, conditions: Sequence[Compare]) -> Iterator[Compare]:
    """i ≠ j, and then i = j, for every two free letters of one axis."""
    letters = sorted({*free_indices(left), *free_indices(right)}, key=lambda letter: letter.name)
    taken = {(each.left, each.right) for each in conditions} | {
        (each.right, each.left) for each in conditions
    }
    pairs = [
        (one, other)
        for place, one in enumerate(letters)
        for other in letters[place + 1 :]
        if one.axis == other.axis and (one, other) not in taken
    ]
    yield from (Compare("!=", one, other) for one, other in pairs)
    for one, other in pairs:
        # What is the same equation twice on the diagonal, such as W_ij = W_ji, is not worth saying.
        if not same(rename(left, {other: one}), rename(right, {other: one})):
            yield Compare("==", one, other)
