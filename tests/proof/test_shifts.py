"""Equations with shifted indices: proved with their bounds, refuted without them."""

from __future__ import annotations

import pytest

from symderiv.notation.reader import parse_equation, read_problem
from symderiv.proof import prove
from tests.oracles import differences, generic_oracle

PROBLEM = read_problem(
    """
index i, a : M
index k, l : K
index j, m, n : N
index o : O
index c : C
input x[N], w[K], W[O, C, K], X[C, N], v[N], b[K], u[M]
label q : N
Y[i] = sum(k, w[k] * x[i + k])
Z[o, i] = sum(c, k, W[o, c, k] * X[c, i + k])
V = sum(j, (x[j + 1] - x[j])^2)
A[k] = sum(j, x[j] * x[j + k])
D[j] = x[j] - x[j - 1]
upstream L(Y)
""",
    "shifts",
)
TRUE = (
    "d(Y[i], x[j]) == w[j - i]",
    "d(Y[i], w[k]) == x[i + k]",
    "d(L, w[k]) == sum(i, d(L, Y[i]) * x[i + k])",
    "d(L, x[j]) == sum(k, d(L, Y[j - k]) * w[k])",
    "d(L, x[j]) == sum(i, d(L, Y[i]) * w[j - i])",
    "d(Z[o, i], X[c, j]) == W[o, c, j - i]",
    "d(V, x[j]) == 2 * where(j - 1 in N, x[j] - x[j - 1], 0) - 2 * where(j + 1 in N, x[j + 1] - x[j], 0)",
    "d(A[k], x[m]) == x[m + k] + x[m - k]",
    "d(D[j], x[m]) == delta(j, m) - delta(j - 1, m)",
    "sum(i, u[i] * w[j - i]) == sum(k, u[j - k] * w[k])",
    "sum(i, k, u[i] * w[k] * x[i + k]) == sum(j, k, x[j] * w[k] * u[j - k])",
    "sum(i, k, u[i] * w[k] * x[i + k]) == sum(j, i, x[j] * u[i] * w[j - i])",
    "sum(j, x[j + 1] * v[j]) == sum(j, x[j] * v[j - 1])",
    "sum(j, log(x[j + 1]) * v[j]) == sum(j, where(j - 1 in N, log(x[j]) * v[j - 1], 0))",
    "sum(j, x[j + 1] / x[j + 1]) == sum(j if j + 1 in N, 1)",
    "sum(j if j + 1 in N, 1) == sum(j if j - 1 in N, 1)",
    "sum(k if i + k in N, 1) == sum(j if j - i in K, 1)",
    "sum(j, x[j + 1] * x[j] * x[j - 1]) == sum(j, x[j] * x[j - 1] * x[j - 2])",
    "sum(j, (x[j + 1] - 2 * x[j] + x[j - 1])^2) == sum(j, (x[j + 2] - 2 * x[j + 1] + x[j])^2)",
    "sum(k, delta(k + i, j) * b[k] * w[k]) == b[j - i] * w[j - i]",
    "sum(j, sum(k, x[j + k] * w[k])^2) == sum(j, k, l, x[j + k] * x[j + l] * w[k] * w[l])",
    "sum(j != m - 1, x[j]) == sum(j, x[j]) - x[m - 1]",
    "delta(j + 1, q) * x[j] == delta(j + 1, q) * x[q - 1]",
    "where(j + 1 in N, 1, 0) * where(j + 2 in N, 1, 0) == where(j + 2 in N, 1, 0)",
    "where(j + 1 in N, exp(x[j + 1]), 0) == where(j + 1 in N, 1, 0) * exp(where(j + 1 in N, x[j + 1], 0))",
    # The outer bound says that the inner place exists too.
    "where(j + 1 in N, exp(x[j + 1]), 0) * v[j + 2]"
    " == where(j + 2 in N, where(j + 1 in N, exp(x[j + 1]) * v[j + 2], 0), 0)",
    "sum(k, delta(2 * k, i) * b[k]) == sum(l, delta(2 * l, i) * b[l])",
)
FALSE = (
    "d(L, x[j]) == sum(k, d(L, Y[j + k]) * w[k])",
    "d(L, x[j]) == sum(k, d(L, Y[j - k + 1]) * w[k])",
    "d(Y[i], x[j]) == w[i - j]",
    # The bounds left out.
    "d(V, x[j]) == 2 * (x[j] - x[j - 1]) - 2 * (x[j + 1] - x[j])",
    "d(V, x[j]) == 4 * x[j] - 2 * x[j - 1] - 2 * x[j + 1]",
    "sum(j, x[j + 1] / x[j + 1]) == sum(j, 1)",
    "sum(j, x[j + 1] + v[j]) == sum(j, x[j + 1]) + sum(j, v[j])",
    "sum(j, exp(x[j + 1])) == sum(j, exp(x[j]))",
    "sum(j, x[j + 1] * v[j + 1]) == sum(j, x[j] * v[j])",
    "sum(k, delta(k + i, j)) == 1",
    # The bound is a factor outside of the functions that it is known in.
    "where(j + 1 in N, exp(x[j + 1]), 0) == exp(where(j + 1 in N, x[j + 1], 0))",
    "where(j + 1 in N, exp(x[j + 1]) * v[j], 0) == v[j] * exp(where(j + 1 in N, x[j + 1], 0))",
    "sum(m, where(j + 1 in N, 1, 0) * tanh(v[m] + where(j + 1 in N, x[j + 1], 0)))"
    " == sum(m, tanh(v[m] + where(j + 1 in N, x[j + 1], 0)))",
    "where(j + 1 in N, 1, 0) == 1",
    "where(j + 1 in N, 1, 0) / (9 / 4 - where(j + 1 in N, 1, 0) / 4) == 1 / 2",
    "d(D[j], x[j - 1]) == -1",
)


@pytest.mark.parametrize("text", TRUE)
def test_what_is_true_is_proved(text: str) -> None:
    left, right = parse_equation(text, PROBLEM)
    assert prove(left, right, PROBLEM).kind == "proved"
    for sizes in SIZES:
        assert differences(generic_oracle(PROBLEM, sizes), left, right) == []


@pytest.mark.parametrize("text", FALSE)
def test_what_is_false_is_not_proved(text: str) -> None:
    left, right = parse_equation(text, PROBLEM)
    assert prove(left, right, PROBLEM).kind != "proved"
    assert any(differences(generic_oracle(PROBLEM, sizes), left, right) for sizes in SIZES)


#: Where all windows fit, where some do, and where most entries are outside.
SIZES = (
    {"N": 6, "K": 2, "M": 4, "O": 1, "C": 2},
    {"N": 3, "K": 3, "M": 4, "O": 2, "C": 1},
    {"N": 1, "K": 2, "M": 3, "O": 1, "C": 1},
)
