"""Claims under conditions, what they rest on, and derivations judged by form and by steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symderiv import catalog
from symderiv.calculus import derive_all
from symderiv.calculus.backward import backward
from symderiv.expression.construct import add, negate
from symderiv.expression.nodes import ONE, ZERO, Compare, Entry, Index
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.proof.derived import Proofs
from symderiv.proof.judge import Judged, judge
from symderiv.proof.stages import prove_stage, verdict_of

PROBLEM = read_problem(
    """
index i, j, k : K
input z[K], t[K], a[K], x
label y : K
assume sum(k, t[k]) == 1
assume x > 0
p[i] = exp(z[i]) / sum(k, exp(z[k]))
L = -sum(k, t[k] * log(p[k]))
""",
    "claims",
)
FIRST, SECOND, LABEL = Index("i", "K"), Index("j", "K"), Entry("y")
A_I, X = Entry("a", (FIRST,)), Entry("x")


def judged(left: str, right: str, *conditions: Compare, missing: bool = False, given: int = 2) -> Judged:
    problem = replace(PROBLEM, assumptions=PROBLEM.assumptions[:given])
    sides = [parse_expression(side, problem) for side in (left, right)]
    return judge(*sides, problem, conditions, missing=missing)


@pytest.mark.parametrize(
    ("left", "right", "condition", "kind"),
    [
        ("d(p[i], z[j])", "-p[i] * p[j]", Compare("!=", FIRST, SECOND), "proved"),
        ("d(p[i], z[j])", "-p[i] * p[j]", Compare("==", FIRST, SECOND), "refuted"),
        ("d(p[i], z[j])", "p[i] * (1 - p[j])", Compare("==", FIRST, SECOND), "proved"),
        ("d(p[i], z[j])", "p[i] * (1 - p[j])", Compare("!=", FIRST, SECOND), "refuted"),
        ("delta(i, y)", "1", Compare("==", FIRST, LABEL), "proved"),
        ("delta(i, y)", "1", Compare("!=", FIRST, LABEL), "refuted"),
        ("delta(i, y)", "0", Compare("!=", LABEL, FIRST), "proved"),
        ("delta(i, y)", "0", Compare("==", LABEL, FIRST), "refuted"),
        ("a[i]", "a[y]", Compare("==", LABEL, FIRST), "proved"),
        ("sum(k < i, a[k])", "0", Compare("<", FIRST, SECOND), "refuted"),
        ("where(i < j, a[i], x)", "a[i]", Compare("<", FIRST, SECOND), "proved"),
        ("where(i < j, a[i], x)", "a[i]", Compare("<=", FIRST, SECOND), "refuted"),
        ("abs(a[i])", "a[i]", Compare(">", A_I, ZERO), "proved"),
        ("abs(a[i])", "a[i]", Compare(">=", A_I, ZERO), "proved"),
        ("abs(a[i])", "a[i]", Compare("<", A_I, ZERO), "refuted"),
        ("abs(a[i])", "a[i]", Compare("!=", A_I, ZERO), "refuted"),
        ("abs(a[i])", "a[i]", Compare("==", A_I, ZERO), "proved"),
    ],
)
def test_under_a_condition(left: str, right: str, condition: Compare, kind: str) -> None:
    found = judged(left, right, condition)
    assert (found.kind, found.conditions) == (kind, (condition,))
    assert found.verdict.met


def test_what_holds_nowhere_is_said_to_claim_nothing() -> None:
    for condition in (Compare("!=", FIRST, FIRST), Compare("<", X, ZERO)):
        found = judged("a[i]", "a[i] + 1", condition)
        assert (found.kind, found.verdict.met) == ("proved", False)


def test_as_few_assumptions_as_needed_are_named() -> None:
    total, positive = PROBLEM.assumptions
    for left, right, needed in (
        ("sum(k, t[k])", "1", (total,)),
        ("sqrt(x^2)", "x", (positive,)),
        ("sqrt(x^2) * sum(k, t[k])", "x", (total, positive)),
        ("x + sum(k, t[k] * x)", "x * (1 + sum(k, t[k]))", ()),
    ):
        found = judged(left, right)
        assert (found.kind, found.verdict.rests_on) == ("proved", needed)
    assert judged("sqrt(x^2)", "x", given=1).kind == "refuted"


def test_an_assumption_that_is_missing_is_named() -> None:
    claim = "d(L, z[j])", "p[j] - t[j]"
    assert judged(*claim).kind == "proved"
    assert judged(*claim, given=0).kind == "refuted"
    found = judged(*claim, given=0, missing=True)
    assert (found.kind, found.condition) == ("conditional", "sum(k, t[k]) == 1")
    assert found.verdict.kind == "refuted"
    assert found.under is not None
    assert found.under.kind == "proved"
    assert judged("d(p[i], z[j])", "-p[i] * p[j]", missing=True).condition == "i != j"
    assert judged("d(p[i], z[j])", "p[i] * (1 - p[j])", missing=True).condition == "i == j"
    # Equal entries or a size of 1 are no assumption: the claim is false.
    assert judged("sum(k, a[k]) / K", "a[i]", missing=True).kind == "refuted"
    # Under i = j this would say that 0 is 0, which is no claim.
    assert judged("a[i] * (1 - delta(i, j))", "a[j] * (1 - delta(i, j)) * 2", missing=True).kind == "refuted"


def test_derivations_are_judged_by_form_and_by_steps() -> None:
    every = derive_all(catalog.load("cross_entropy"))
    derivation = next(each for each in every if each.assumed_result is not None)
    proofs = Proofs()
    general, special = proofs.forms(derivation)
    assert (general.kind, general.rests_on) == ("proved", ())
    assert (special.kind, special.rests_on) == ("proved", derivation.assumptions)
    steps = proofs.steps(derivation)
    assert len(steps) == len(derivation.steps) + len(derivation.assumed_steps)
    assert {each.kind for each in steps} == {"proved"}
    assert proofs.forms(derivation)[0] is general
    assert proofs.steps(derivation) is steps
    # What is wrong is found out, in the form and in the one step.
    assert derivation.assumed_result is not None
    wrong = replace(derivation, assumed_result=add(derivation.assumed_result, ONE))
    assert [each.kind for each in Proofs().forms(wrong)] == ["proved", "refuted"]
    wrong = replace(derivation, result=negate(derivation.result), assumed_result=None)
    assert [each.kind for each in Proofs().forms(wrong)] == ["refuted"]
    last = replace(derivation.steps[-1], after=negate(derivation.steps[-1].after))
    wrong = replace(derivation, steps=(*derivation.steps[:-1], last))
    assert [each.kind for each in Proofs().steps(wrong)].count("refuted") == 1


def test_lines_of_a_backward_pass_are_judged_with_all_that_they_rest_on() -> None:
    found = backward(catalog.load("cross_entropy"))
    assumed = 0
    for stage in found.stages:
        verdicts = prove_stage(stage, found)
        assert {each.kind for each in verdicts} <= {"proved"}
        for place, part in enumerate(stage.parts):
            wrong = [replace(part, result=negate(part.result))]
            if part.assumed_result is not None:
                assumed += 1
                wrong.append(replace(part, assumed_result=negate(part.assumed_result)))
            for each in wrong:
                bad = replace(stage, parts=(*stage.parts[:place], each, *stage.parts[place + 1 :]))
                assert "refuted" in {verdict.kind for verdict in prove_stage(bad, found)}
                last = verdict_of(bad, found)
                assert last is not None
                assert last.kind == "refuted"
    assert assumed
