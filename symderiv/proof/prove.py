"""Is one expression equal to another for every size? A proof, a counterexample, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import subtract
from symderiv.expression.nodes import Expression
from symderiv.problem import Assumption, Problem
from symderiv.proof.counterexample import counterexample
from symderiv.proof.expand import ProofError, in_inputs, variables
from symderiv.proof.normal import Normal


@dataclass(frozen=True)
class Verdict:
    """What was found about an equation.

    Attributes
    ----------
    kind
        ``proved``, ``refuted`` or ``undecided``.
    method
        How it was proved, or why there is no answer.
    rests_on
        The assumptions that the proof used.
    counterexample
        For ``refuted``: what :func:`symderiv.proof.counterexample.counterexample` found.
    """

    kind: str
    method: str
    rests_on: tuple[Assumption, ...] = ()
    counterexample: Mapping[str, object] = field(default_factory=dict)

    def where(self) -> str:
        """The counterexample in words, such as `` at K = 1, i = 1: 0.0 against 2.0``; empty without one."""
        found = self.counterexample
        if not found:
            return ""
        sizes, places = found["sizes"], found["places"]
        assert isinstance(sizes, Mapping)
        assert isinstance(places, Mapping)
        spots = ", ".join(f"{name} = {value}" for name, value in (*sizes.items(), *places.items()))
        return f" at {spots}: {found['left']} against {found['right']}"


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
        holding = variables(left, problem) | variables(right, problem)
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
