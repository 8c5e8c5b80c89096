"""Is one expression equal to another for every size? A proof, a counterexample, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import subtract
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Expression
from symderiv.expression.oracle import Oracle, OracleError, multiprecision
from symderiv.problem import Assumption, Problem
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
        For ``refuted``: the sizes, the place of each free letter from 1, and both sides.
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
        numbers (30 digits). Numbers alone never prove.
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
    if assumptions:
        return Verdict("undecided", reason)
    found = counterexample(left, right, problem, extra)
    return Verdict("undecided", reason) if found is None else Verdict("refuted", reason, (), found)


def counterexample(
    left: Expression,
    right: Expression,
    problem: Problem,
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
    digits: int = 30,
) -> dict[str, object] | None:
    """The smallest sizes and the first place where two sides differ, or None where none was found.

    Tries sizes up to 3 per axis (all axes alike, then different) at generic fractions: positive ones
    first, then of both signs. A place where one side has no real value does not count.
    """
    if problem.upstream:
        return None
    arithmetic = multiprecision(digits)
    letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    axes = problem.axes
    trials = [
        dict.fromkeys(axes, 1),
        dict.fromkeys(axes, 2),
        {axis: 2 + spot % 2 for spot, axis in enumerate(axes)},
    ]
    for sizes, signs in product(trials, (False, True)):
        arrays = _generic(problem, sizes, extra, arithmetic, signs)
        oracle = Oracle(sizes, arrays, problem.definitions, {}, arithmetic)
        for place in product(*(range(sizes[letter.axis]) for letter in letters)):
            env = dict(zip(letters, place, strict=True))
            try:
                a, b = oracle.evaluate(left, env), oracle.evaluate(right, env)
            except (OracleError, ZeroDivisionError, ValueError):
                continue
            if abs(a - b) * 10 ** (digits - 8) > abs(a) + abs(b) + 1:
                where = {letter.name: spot + 1 for letter, spot in env.items()}
                return {"sizes": sizes, "places": where, "left": str(a), "right": str(b)}
    return None


def _generic(
    problem: Problem,
    sizes: Mapping[str, int],
    extra: Sequence[tuple[str, tuple[str, ...]]],
    arithmetic: Any,
    signs: bool,
) -> dict[str, dict[tuple[int, ...], Any]]:
    """Values without pattern: fractions with prime numerators over a prime, of both signs if asked."""
    primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83]
    arrays: dict[str, dict[tuple[int, ...], Any]] = {}
    used = 0
    wanted = [(given.name, given.axes, given.label_of) for given in problem.inputs]
    for name, axes, label_of in [*wanted, *((name, axes, None) for name, axes in extra)]:
        table: dict[tuple[int, ...], Any] = {}
        for place in product(*(range(sizes[axis]) for axis in axes)):
            if label_of is not None:
                table[place] = used % sizes[label_of]
            else:
                numerator = primes[used % len(primes)] + 89 * (used // len(primes))
                if signs and used % 3 != 1:
                    numerator = -numerator
                table[place] = arithmetic.from_fraction(Fraction(numerator, 19))
            used += 1
        arrays[name] = table
    return arrays
