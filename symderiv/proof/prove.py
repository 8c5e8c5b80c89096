"""Is one expression equal to another for every size? A proof, a counterexample, or neither."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import subtract
from symderiv.expression.nodes import Expression
from symderiv.problem import Assumption, Problem
from symderiv.proof.counterexample import counterexample
from symderiv.proof.expand import ProofError, held, in_inputs
from symderiv.proof.normal import Normal
from symderiv.proof.verdict import Verdict


def prove(
    left: Expression,
    right: Expression,
    problem: Problem,
    assumptions: Sequence[Assumption] = (),
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
) -> Verdict:
    """Judge ``left = right`` in the names of `problem`.

    Parameters
    ----------
    left, right
        The two sides; they may hold derivatives.
    assumptions
        Equations that may be used: a sum over an axis on the left, anything on the right.
    extra
        Further arrays, such as a cotangent, with their axes.

    Returns
    -------
    Verdict
        ``proved`` means: equal for every size of every axis, by normal form. ``refuted`` comes with
        numbers (exact, or 30 digits) that meet the assumptions. Numbers alone never prove.
    """
    try:
        # With the variables of derivatives kept as names where that is sound: shorter, and for all values.
        for holding in dict.fromkeys((held((left, right), problem), frozenset[str]())):
            a, b = (in_inputs(side, problem, holding) for side in (left, right))
            if Normal().is_zero(subtract(a, b)):
                return Verdict("proved", "normal form")
            equations = {canonical(each.left): each.right for each in assumptions}
            if equations and Normal(equations).is_zero(subtract(a, b)):
                return Verdict("proved", "normal form", tuple(assumptions))
    except ProofError as error:
        reason = f"no normal form: {error}"
    else:
        reason = "the normal forms differ"
    found = counterexample(left, right, problem, extra, assumptions=assumptions)
    return Verdict("undecided", reason) if found is None else Verdict("refuted", reason, (), found)
