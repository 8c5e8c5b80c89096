"""What was found about claims: as text for a terminal, as LaTeX, and as plain data."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symderiv.documents.fragments import Row, ShowsItself, equation, right_row, table
from symderiv.expression.traverse import has_derivative
from symderiv.notation.latex import to_latex
from symderiv.notation.tex.guesses import LAST_OF_CASES
from symderiv.notation.text import condition_to_text, to_text
from symderiv.notation.typed import Typed
from symderiv.problem import Assumption, Problem
from symderiv.proof.judge import KINDS, Judged, judge, restricted

#: How many digits of a number are shown to a person.
_DIGITS = 10
#: What a proof rests on is told in lines of at most so many columns.
_WIDTH = 100


@dataclass(frozen=True)
class Proof(ShowsItself):
    """What was found about every ``=`` of a formula.

    Attributes
    ----------
    problem
        The names that the formula speaks of.
    claims
        Each ``=`` that claims something, in order.
    notes
        What was chosen where the formula can be read in another way, in sentences.
    """

    problem: Problem
    claims: tuple[Judged, ...]
    notes: tuple[str, ...] = ()

    @property
    def worst(self) -> Judged:
        """The claim with the worst verdict, the first of several."""
        return min(self.claims, key=lambda claim: KINDS.index(claim.kind))

    @property
    def verdict(self) -> str:
        """``proved``, ``conditional``, ``refuted`` or ``undecided``: the worst of all claims."""
        return self.worst.kind

    @property
    def method(self) -> str:
        """How the claim with the worst verdict was judged."""
        return (self.worst.under or self.worst.verdict).method

    @property
    def condition(self) -> str | None:
        """The assumption that would make a conditional claim true, in text notation."""
        return self.worst.condition or None

    @property
    def counterexample(self) -> Mapping[str, Any] | None:
        """Sizes, places, values of the inputs and both sides, where there is one."""
        return self.worst.verdict.counterexample or None

    def __bool__(self) -> bool:
        """Whether every claim is proved."""
        return self.verdict == "proved"

    def __repr__(self) -> str:
        claims = "; ".join(
            f"{each.kind}: {to_text(each.left)} = {to_text(each.right)}" for each in self.claims
        )
        return f"<{claims}>"

    def __str__(self) -> str:
        lines = [line for claim in self.claims for line in _claim_text(claim)]
        reasons = dict.fromkeys((claim.under or claim.verdict).because for claim in self.claims)
        lines += [line for reason in reasons for line in textwrap.wrap(reason, _WIDTH)]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        rows = [_claim_row(claim, self.problem) for claim in self.claims]
        return table(_summary([claim.kind for claim in self.claims]), rows)

    def _repr_latex_(self) -> str:
        rows = [
            f"{to_latex(claim.left, self.problem)} &= {to_latex(claim.right, self.problem)} "
            rf"&& \text{{{claim.kind}}}"
            for claim in self.claims
        ]
        return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the worst claim's verdict, method, condition and counterexample, and every claim."""
        worst = _claim_data(self.worst)
        return {
            **{key: worst[key] for key in ("verdict", "method", "condition", "counterexample", "rests_on")},
            "claims": [_claim_data(claim) for claim in self.claims],
            "notes": list(self.notes),
        }


def proof_of(typed: Typed, sizes: Mapping[str, int] | None = None) -> Proof:
    """Judge every claim of a formula, for given sizes or for every size; there must be at least one."""
    opened = any(guess.message == LAST_OF_CASES for guess in typed.guesses)
    claims = [
        judge(
            statement.sides[one], statement.sides[other], typed.problem, statement.conditions,
            sizes=sizes, away=opened or any(map(has_derivative, statement.sides)),
        )
        for statement in typed.statements
        for one, other in statement.claims()
    ]  # fmt: skip
    return Proof(typed.problem, tuple(claims), tuple(guess.message for guess in typed.guesses))


def _claim_text(claim: Judged) -> list[str]:
    where = ", ".join(map(condition_to_text, claim.conditions))
    lines = [
        f"{claim.kind}: {to_text(claim.left)} = {to_text(claim.right)}"
        + (f"  where {where}" if where else "")
    ]
    verdict = claim.under or claim.verdict
    if claim.condition:
        lines.append(f"  true under {claim.condition}, which is not assumed")
    if verdict.kind == "proved":
        sizes = ", ".join(f"{axis} = {size}" for axis, size in verdict.sizes.items())
        lines.append(f"  by {verdict.method}, for {sizes or 'every size'}")
        stated = [_spelled(each) for each in verdict.rests_on]
        if stated:
            lines.append(f"  assuming {' and '.join(stated)}")
        if verdict.domain:
            lines.append(f"  where {' and '.join(verdict.domain)}")
    if claim.verdict.counterexample:
        lines += _counterexample_text(claim.verdict.counterexample, bool(claim.condition))
    if verdict.kind == "undecided":
        lines.append(f"  {verdict.method}; no counterexample was found")
        if verdict.points:
            lines.append(
                f"  both sides agree at {verdict.points} points to {verdict.digits} digits, which is no proof"
            )
        elif verdict.met:
            lines.append("  no point was found at which both sides have a value")
    if verdict.caution():
        lines.append(f"  {verdict.caution()}")
    return lines


def _summary(kinds: list[str]) -> str:
    """How many claims have which verdict: 2 claims: 1 refuted, 1 proved."""
    counts = [f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds]
    return f"{len(kinds)} claim{'' if len(kinds) == 1 else 's'}: {', '.join(counts)}"


def _claim_row(claim: Judged, problem: Problem) -> Row:
    """A claim for a page; where it is refuted, the mistake and a right side, if they are found."""
    from symderiv.check.judge import mistake

    said, *told = (line.strip() for line in _claim_text(claim))
    row = Row(claim.kind, equation(claim.left, claim.right, problem), said, told)
    if claim.kind != "refuted":
        return row
    sides = restricted(claim.left, claim.right, claim.conditions)
    found, form = mistake(problem, *sides, problem.assumptions, away=any(map(has_derivative, sides)))
    if found.word != "unknown":
        told.append(f"diagnosis: {found.word}" + (f" ({found.detail})" if found.detail else ""))
    return row if form is None else right_row(row, form, problem)


def counterexample_spots(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where a counterexample stands: each size, input and letter with its value."""
    values = ((name, _listed(value)) for name, value in found["values"].items())
    return [
        (name, str(value)) for name, value in (*found["sizes"].items(), *values, *found["places"].items())
    ]


def counterexample_sides(found: Mapping[str, Any]) -> tuple[str, str]:
    """What both sides are there."""
    left, right = _short(found["left"], found["right"])
    return _about(left), _about(right)


def _counterexample_text(found: Mapping[str, Any], without: bool) -> list[str]:
    where = ", ".join(f"{name} = {value}" for name, value in counterexample_spots(found))
    left, right = counterexample_sides(found)
    return [
        f"  {'without it, for example' if without else 'smallest counterexample'}: {where}".rstrip(": "),
        f"    left side   {left}",
        f"    right side  {right}",
    ]


def _about(number: str) -> str:
    return f"about {number}" if "." in number or "e" in number else number


def _listed(value: Any) -> str:
    return value if isinstance(value, str) else f"({', '.join(map(_listed, value))})"


def _short(left: str, right: str) -> tuple[str, str]:
    """Two numbers with few digits, but as many as it takes to tell them apart."""
    if "/" in left + right or max(len(left), len(right)) <= _DIGITS:
        return left, right
    shortened = tuple(f"{float(side):.{_DIGITS}g}" for side in (left, right))
    return (left, right) if shortened[0] == shortened[1] else (shortened[0], shortened[1])


def _claim_data(claim: Judged) -> dict[str, Any]:
    verdict = claim.under or claim.verdict
    return {
        "left": to_text(claim.left),
        "right": to_text(claim.right),
        "where": [condition_to_text(each) for each in claim.conditions],
        "verdict": claim.kind,
        "method": verdict.method,
        "condition": claim.condition or None,
        "counterexample": dict(claim.verdict.counterexample) or None,
        "rests_on": [_spelled(each) for each in verdict.rests_on],
        "because": verdict.because,
        "domain": list(verdict.domain),
        "points": verdict.points,
        "digits": verdict.digits,
        "met": verdict.met,
    }


def _spelled(assumption: Assumption) -> str:
    return f"{to_text(assumption.left)} == {to_text(assumption.right)}"
