"""A number that nothing declares or defines and that is differentiated is any differentiable function."""

from __future__ import annotations

import re

import pytest

from symderiv.documents.explanation import explain
from symderiv.documents.verdicts import proof_of
from symderiv.notation.errors import NotationError
from symderiv.notation.typed import Said, not_depending, problem_of, read_typed

SOFTMAX = "p[i] = exp(z[i]) / sum(k, exp(z[k]))"
CHAIN = "d(L, z[k]) = p[k] * (d(L, p[k]) - sum(j, d(L, p[j]) * p[j]))"
TEX_CHAIN = (
    r"\frac{\partial L}{\partial z_k} = p_k (\frac{\partial L}{\partial p_k}"
    r" - \sum_j \frac{\partial L}{\partial p_j} p_j)"
)


@pytest.mark.parametrize(
    ("formula", "lets", "verdict"),
    [
        ("d(L, x) = 0", (), "refuted"),
        (r"\frac{\partial L}{\partial x_i} = 0", (), "refuted"),
        ("d(L^2, x) = 2 * L * d(L, x)", (), "proved"),
        ("d(L, x[i], x[j]) = d(L, x[j], x[i])", (), "proved"),
        ("d(a * x, x) = a", (), "proved"),
        (CHAIN, (SOFTMAX,), "proved"),
        (CHAIN.replace(" - ", " + "), (SOFTMAX,), "refuted"),
        (f"{SOFTMAX}; {CHAIN}", (), "proved"),
        (TEX_CHAIN, (SOFTMAX,), "proved"),
        (TEX_CHAIN.replace(" - ", " + "), (SOFTMAX,), "refuted"),
        ("d(L, z[k]) = p[k] * (g[k] - sum(j, g[j] * p[j]))", (SOFTMAX, "g[k] = d(L, p[k])"), "proved"),
        ("input L, x; d(L, x) = 0", (), "proved"),
    ],
)
def test_verdict(formula: str, lets: tuple[str, ...], verdict: str) -> None:
    typed = read_typed(formula, said=Said(lets=lets))
    assert not not_depending(typed)
    assert proof_of(typed).verdict == verdict


def test_a_declared_number_is_a_constant() -> None:
    proof = proof_of(read_typed("d(L, x) = 0", said=Said(inputs=("L",))))
    assert (proof.verdict, proof.notes) == ("proved", ())


def test_it_is_a_function_of_what_is_made_of_all_others() -> None:
    typed = read_typed(CHAIN, said=Said(lets=(SOFTMAX,)))
    assert [(each.name, each.of) for each in typed.problem.upstream] == [("L", "p")]
    assert "  L     any differentiable function of p\n" in str(explain(typed))
    assert "note: L is nowhere defined: it is any differentiable function of p;" in str(explain(typed))
    asked = f"{SOFTMAX}; d(L, p[k]); d(L, z[k])"
    assert problem_of(read_typed(asked), asked).output() == "L"


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("d(L, x) = d(L, y)", "nothing that is written makes L depend on x"),
        ("d(y[i], x[j]) = 0", "nothing that is written makes y[i] depend on x[j]"),
        ("p = L * x; d(L, p) = 0", "nothing that is written makes L depend on p"),
    ],
)
def test_what_depends_on_nothing_is_not_judged(formula: str, told: str) -> None:
    assert told in not_depending(read_typed(formula))
    asked = f"q = 1; {formula}"
    with pytest.raises(NotationError, match=re.escape(told)):
        problem_of(read_typed(asked), asked)
