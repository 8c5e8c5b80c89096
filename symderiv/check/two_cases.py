"""The two cases of a derivative, in words: one formula for i = j and another for i ≠ j.

``∂p_i/∂z_j = p_i (1 - p_j)`` alone is false, and right on the diagonal only. Beside another formula for the
same derivative that is right where i ≠ j it is one of two cases, and its condition is i = j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.check.content import Claim
from symderiv.check.limits import SECONDS_PER_CLAIM, OutOfTimeError, time_limit
from symderiv.check.verdicts import Judgement
from symderiv.expression.canonical import same
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Compare, Expression, Index
from symderiv.problem import Assumption
from symderiv.proof import Verdict, prove
from symderiv.proof.judge import restricted


def with_other_case(found: Sequence[Judgement], assumptions: tuple[Assumption, ...]) -> list[Judgement]:
    """The judgements, those that are right as the other case of one under ``i != j`` conditional too."""
    cases = [
        (each.claim, pair)
        for each in found
        if each.claim is not None and (pair := _different(each)) is not None
    ]
    return [_as_case(each, cases, assumptions) for each in found] if cases else list(found)


def _different(judgement: Judgement) -> tuple[Index, Index] | None:
    """The two letters that a claim is true for only where they differ."""
    if judgement.verdict != "conditional" or judgement.claim is None or " != " not in judgement.condition:
        return None
    names = judgement.condition.split(" != ")
    letters = [index for index in _letters(judgement.claim) if index.name in names]
    return (letters[0], letters[1]) if len(letters) == 2 else None


def _letters(claim: Claim) -> tuple[Index, ...]:
    return tuple(dict.fromkeys((*free_indices(claim.left), *free_indices(claim.right))))


def _begins(claim: Claim) -> Expression:
    return claim.left if claim.first is None else claim.first


def _as_case(
    judgement: Judgement,
    cases: Sequence[tuple[Claim, tuple[Index, Index]]],
    assumptions: tuple[Assumption, ...],
) -> Judgement:
    claim = judgement.claim
    if judgement.verdict != "refuted" or claim is None:
        return judgement
    for other, (one, two) in cases:
        if other.chain == claim.chain or not same(_begins(other), _begins(claim)):
            continue
        if not {one, two} <= {*_letters(claim), *free_indices(_begins(claim))}:
            continue
        together = Compare("==", *sorted((one, two), key=lambda index: index.name))
        verdict = _proved(claim, (*claim.conditions, together), assumptions)
        if verdict is not None and verdict.kind == "proved":
            condition = f"{min(one.name, two.name)} == {max(one.name, two.name)}"
            return replace(
                judgement, verdict="conditional", message=f"true under {condition}",
                method=verdict.method, condition=condition,
                diagnosis=None, right_form=None, end_is_right=None,
            )  # fmt: skip
    return judgement


def _proved(
    claim: Claim, conditions: tuple[Compare, ...], assumptions: tuple[Assumption, ...]
) -> Verdict | None:
    try:
        with time_limit(SECONDS_PER_CLAIM):
            return prove(
                *restricted(claim.left, claim.right, conditions), claim.problem, assumptions, away=claim.away
            )
    except OutOfTimeError:
        return None
