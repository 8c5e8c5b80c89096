"""Derivatives of convolutions, differences and lagged products: their forms, exact at every bound."""

from __future__ import annotations

import pytest

from symderiv.calculus import Contraction, contract, derive_all
from symderiv.expression.canonical import canonical
from symderiv.expression.nodes import Entry
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from symderiv.proof import prove
from tests.oracles import differences, generic_oracle

HEAD = """
index i, a : M
index k, l : K
index j, m, n : N
index o : O
index c : C
input x[N], w[K], W[O, C, K], X[C, N], b[K]
"""
#: Where all windows fit, where some do, and where most entries are outside.
SIZES = (
    {"N": 6, "K": 2, "M": 4, "O": 1, "C": 2},
    {"N": 3, "K": 3, "M": 2, "O": 2, "C": 1},
    {"N": 1, "K": 2, "M": 3, "O": 1, "C": 1},
)
CONVOLUTION = "y[i] = sum(k, w[k] * x[i + k])\nupstream L(y)"
CHANNELS = "y[o, i] = sum(c, k, W[o, c, k] * X[c, i + k])\nupstream L(y)"
VARIATION = "V = sum(j, (x[j + 1] - x[j])^2)"
LAGGED = "A[k] = sum(j, x[j] * x[j + k])\nupstream L(A)"
STEPS = "D[j] = x[j] - x[j - 1]\nupstream L(D)"
LAYER = "h[i] = tanh(sum(k, w[k] * x[i + k - 1]))\nupstream L(h)"
CAUSAL = "y[j] = sum(k, w[k] * x[j - k + 1])\nS = sum(j, y[j]^2)"
CURVED = "T = sum(j, exp(x[j + 1] - x[j]) * x[j])"
FORMS = [
    (CONVOLUTION, "d(y[i], x[j])", "w[j - i]"),
    (CONVOLUTION, "d(y[i], w[k])", "x[i + k]"),
    (CONVOLUTION, "d(L, w[k])", "sum(i, d(L, y[i]) * x[i + k])"),
    (CONVOLUTION, "d(L, x[j])", "sum(k, d(L, y[j - k]) * w[k])"),
    (CHANNELS, "d(y[o, i], X[c, j])", "W[o, c, j - i]"),
    (CHANNELS, "d(L, W[o, c, k])", "sum(i, d(L, y[o, i]) * X[c, i + k])"),
    (CHANNELS, "d(L, X[c, j])", "sum(o, k, d(L, y[o, j - k]) * W[o, c, k])"),
    (
        VARIATION,
        "d(V, x[j])",
        "2 * (where(j - 1 in N, x[j] - x[j - 1], 0) - where(j + 1 in N, x[j + 1] - x[j], 0))",
    ),
    (
        VARIATION,
        "d(V, x[j], x[m])",
        "2 * (where(j - 1 in N, delta(j, m) - delta(j - 1, m), 0)"
        " - where(j + 1 in N, delta(j + 1, m) - delta(j, m), 0))",
    ),
    (LAGGED, "d(A[k], x[m])", "x[m - k] + x[m + k]"),
    (
        LAGGED,
        "d(L, x[m])",
        "sum(k, d(L, A[k]) * (where(m - k in N, x[m - k], 0) + where(m + k in N, x[m + k], 0)))",
    ),
    (STEPS, "d(D[j], x[m])", "delta(j, m) - delta(j - 1, m)"),
    (STEPS, "d(L, x[m])", "d(L, D[m]) - d(L, D[m + 1])"),
    (LAYER, "d(L, w[k])", "sum(i, d(L, h[i]) * x[i + k - 1] * (1 - h[i]^2))"),
    (LAYER, "d(L, x[j])", "sum(k, d(L, h[j - k + 1]) * w[k] * (1 - h[j - k + 1]^2))"),
    (CAUSAL, "d(S, w[k])", "2 * sum(j, x[j - k + 1] * y[j])"),
    (CAUSAL, "d(S, w[k], w[l])", "2 * sum(j, x[j - k + 1] * x[j - l + 1])"),
    (
        CURVED,
        "d(T, x[m])",
        "where(m - 1 in N, x[m - 1] * exp(x[m] - x[m - 1]), 0) + where(m + 1 in N, exp(x[m + 1] - x[m]), 0)"
        " - where(m + 1 in N, x[m] * exp(x[m + 1] - x[m]), 0)",
    ),
]


def read(body: str, wanted: str) -> Problem:
    return read_problem(f"{HEAD}{body}\nderive {wanted}", "shifts")


@pytest.mark.parametrize(("body", "wanted", "form"), FORMS, ids=[each[1] for each in FORMS])
def test_forms(body: str, wanted: str, form: str) -> None:
    problem = read(body, wanted)
    (derivation,) = derive_all(problem)
    expected = parse_expression(form, problem)
    assert to_text(canonical(derivation.form)) == to_text(canonical(expected)), to_text(derivation.form)
    # What is printed means what was derived, also to a reader who leaves out terms of sums.
    read_back = parse_expression(to_text(derivation.form), problem)
    assert prove(derivation.start, derivation.form, problem).kind == "proved"
    for sizes in SIZES:
        oracle = generic_oracle(problem, sizes)
        assert differences(oracle, derivation.start, derivation.form) == []
        assert differences(oracle, read_back, derivation.form) == []
        for step in derivation.steps:
            assert differences(oracle, step.before, step.after) == [], step.rule.name


@pytest.mark.parametrize(
    "body",
    [
        CONVOLUTION.split("\n", maxsplit=1)[0],
        STEPS.split("\n", maxsplit=1)[0],
        LAYER.split("\n", maxsplit=1)[0],
    ],
)
@pytest.mark.parametrize("kind", ["vjp", "jvp"])
def test_products_with_a_derivative(body: str, kind: str) -> None:
    problem = read(body, f"d({body.partition(' =')[0]}, x[n])")
    (expectation,) = problem.expectations
    of, by = expectation.derivative.of, expectation.derivative.by[0]
    assert isinstance(of, Entry)
    derivation = contract(problem, Contraction(kind, of, by))
    for sizes in SIZES:
        oracle = generic_oracle(problem, sizes, extra=derivation.extra)
        assert differences(oracle, derivation.start, derivation.result) == []


def test_a_derivative_by_an_entry_that_may_not_exist() -> None:
    problem = read(CONVOLUTION, "d(y[i], x[j - 1])")
    (derivation,) = derive_all(problem)
    for sizes in SIZES:
        assert differences(generic_oracle(problem, sizes), derivation.start, derivation.form) == []
