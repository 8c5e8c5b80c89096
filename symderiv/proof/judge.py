"""Claims as people state them: under conditions, and perhaps true under a missing assumption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symderiv.expression.construct import multiply, subtract
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    PlaceTerm,
    Where,
)
from symderiv.expression.traverse import compared_values
from symderiv.problem import Problem
from symderiv.proof.counterexample import can_be_met
from symderiv.proof.missing import missing_assumption
from symderiv.proof.prove import prove
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
        For ``conditional``: the assumption that is missing, in words.
    under
        For ``conditional``: what the prover said of it under that assumption.
    """

    left: Expression
    right: Expression
    conditions: tuple[Compare, ...]
    kind: str
    verdict: Verdict
    condition: str = ""
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
        Whether an assumption is looked for that would make a refuted equation true.
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
        sides = restricted(left, right, given)
        found = missing_assumption(
            *sides, problem, problem.assumptions, sizes=sizes, away=away, diagonal=True, labels=False
        )
        if found is not None:
            return Judged(left, right, given, "conditional", verdict, found.text, found.verdict)
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
    there = multiply(*(Where(each, ONE, ZERO) for each in conditions))
    return can_be_met(multiply(there, left), right, problem, problem.assumptions, conditions, fixed=sizes)


def _prove(
    left: Expression,
    right: Expression,
    problem: Problem,
    conditions: Sequence[Compare],
    *,
    sizes: Mapping[str, int] | None,
    away: bool,
) -> Verdict:
    sides = restricted(left, right, conditions)
    return prove(*sides, problem, problem.assumptions, sizes=sizes, away=away)


def restricted(
    left: Expression, right: Expression, conditions: Sequence[Compare]
) -> tuple[Expression, Expression]:
    """Both sides where the conditions of a chain hold, 0 elsewhere: equal if and only if the claim holds."""
    for each in conditions:
        one, other = each.left, each.right
        if not compared_values(each) and each.operator in ("==", "!="):
            if each.operator == "==" and isinstance(other, Index):
                assert isinstance(one, PlaceTerm | Entry)
                left, right = (rename(side, {other: one}) for side in (left, right))
                continue
            assert isinstance(one, PlaceTerm | Entry)
            assert isinstance(other, PlaceTerm | Entry)
            together = Delta(one, other)
            factor = together if each.operator == "==" else subtract(ONE, together)
            left, right = multiply(factor, left), multiply(factor, right)
        else:
            left, right = (Where(each, side, ZERO) for side in (left, right))
    return left, right


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
