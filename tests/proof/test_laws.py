"""Laws of signs, extrema, products and matrices: what they prove, and what looks like them and is false."""

from __future__ import annotations

import pytest

from symderiv.expression.construct import multiply
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Entry, Expression, Index, Sum
from symderiv.expression.oracle import OracleError
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.problem import Problem
from symderiv.proof import Normal, prove
from tests.oracles import agree, generic_oracle
from tests.proof.mutation import mutants

PROBLEM = read_problem(
    """
index i, j, k, l : K
input z[K], a[K], b[K], A[K, K], x, y, c
q[i] = z[i]
""",
    "laws",
)
LAWS = """
sqrt(x^2) = abs(x)
sqrt((x + y)^2) = abs(x + y)
sqrt((x - 2 * y + c)^2) = abs(c + x - 2 * y)
log(12) = 2 * log(2) + log(3)
log(2 * x / 9) = log(2) - 2 * log(3) + log(x)
log(sqrt(x)) = log(x) / 2
delta(i, j) * delta(k, l) * a[j] * b[l] = delta(i, j) * delta(k, l) * a[i] * b[k]
sqrt(x^2 * exp(c)) = abs(x) * sqrt(exp(c))
sqrt(x^4) = x^2
(x^2)^(1/2) = abs(x)
(x + y)^(1/2) * sqrt(x + y) = x + y
sum(k, a[k] * exp(-x^2 / 2)) = exp(-x^2 / 2) * sum(k, a[k])
sqrt(4 * x^2 * y^2) = 2 * abs(x) * abs(y)
abs(x)^2 = x^2
abs(x + y)^2 = (x + y)^2
abs(x)^3 = abs(x) * x^2
abs(x) = x * sign(x)
abs(x - y) = abs(y - x)
abs(x * y) = abs(x) * abs(y)
abs(1 + x^2) = 1 + x^2
sign(-x) = -sign(x)
sign(x * y) = sign(x) * sign(y)
sign(x)^3 = sign(x)
(2 * x * y)^K = 2^K * x^K * y^K
relu(x) + relu(-x) = abs(x)
relu(-x) = relu(x) - x
max(x, 0) = relu(x)
max(x, y) + min(x, y) = x + y
max(x, y) * min(x, y) = x * y
max(x, y) - min(x, y) = abs(x - y)
max(x, y) = max(y, x)
max(x, y) = (x + y + abs(x - y)) / 2
max(2 * x, 2 * y) = 2 * max(x, y)
max(x + c, y + c) = max(x, y) + c
max(-x, -y) = -min(x, y)
max(exp(c) * x, exp(c) * y) = exp(c) * max(x, y)
max(k, 2 * a[k] + c) = 2 * max(l, a[l]) + c
max(k, a[k] * exp(c) - b[i]) = exp(c) * max(k, a[k]) - b[i]
max(k, a[k] * c^2) = c^2 * max(k, a[k])
max(k, -a[k]) = -min(k, a[k])
min(k, c - a[k] / 3) = c - max(k, a[k]) / 3
max(k, max(l, a[l]) + b[k]) = max(k, a[k]) + max(k, b[k])
max(k, exp(a[k])) = exp(max(k, a[k]))
min(k, 2 * exp(c - a[k]) * exp(b[k]) * x^2) = 2 * x^2 * exp(c - max(k, a[k] - b[k]))
x / abs(x) = abs(x) / x
x^2 / abs(x)^3 = 1 / abs(x)
1 / (y * abs(x - y)) = sign(x - y) / (y * (x - y))
log(x^2) = 2 * log(abs(x))
log(exp(c) * abs(x - y)) = c + log((x - y)^2) / 2
where(x > c, a[i], 0) + where(x <= c, a[i], 0) = a[i]
where(x > c, a[i], b[i]) = where(x <= c, b[i], a[i])
where(x > c, 1, 0) + where(x < c, 1, 0) = 1 - where(x == c, 1, 0)
where(x == c, x^2, 0) = where(x == c, c^2, 0)
where(x * y == 0, x * y, 1) = 1 - where(x * y == 0, 1, 0)
step(x^2 * y) = step(y) * (1 - where(x == 0, 1, 0))
prod(k, a[k] * b[k]) = prod(k, a[k]) * prod(k, b[k])
prod(k, 2 * a[k]) = 2^K * prod(k, a[k])
prod(k, a[k]^3 / b[k]) = prod(l, a[l])^3 / prod(l, b[l])
prod(i, prod(j, A[i, j])) = prod(j, prod(i, A[i, j]))
prod(i, prod(j, a[i] * b[j])) = prod(i, a[i])^K * prod(j, b[j])^K
prod(k, exp(a[k])) = exp(sum(k, a[k]))
log(prod(k, exp(a[k]) * b[k])) = sum(k, a[k]) + sum(k, log(b[k]))
exp(sum(k, log(a[k]))) = prod(k, a[k])
"""
#: False at single points, for some signs, or beyond the smallest sizes only.
FALSE = """
sqrt(x^2) = x
sqrt(x^4) = abs(x)
sqrt((x + y)^2) = x + y
sign(x)^2 = 1
(2 * x * y)^c = 2^c * x^c * y^K
sign(x^2) = 1
step(x^2) = 1
step(sqrt(x) * c) = step(c)
step(x) + step(-x) = 1
abs(x + y) = abs(x) + abs(y)
abs(c - x^2) = c - x^2
max(c * x, c * y) = c * max(x, y)
max(x, y) = max(x, -y)
max(-x, -y) = -max(x, y)
max(k, c * a[k]) = c * max(k, a[k])
max(k, -a[k]) = -max(k, a[k])
max(k, a[k] + b[k]) = max(k, a[k]) + max(k, b[k])
max(k, a[k] * b[i]) = b[i] * max(k, a[k])
max(k, c * exp(a[k])) = c * exp(max(k, a[k]))
max(k, exp(-a[k])) = exp(-max(k, a[k]))
max(k, -exp(a[k])) = -exp(max(k, a[k]))
max(k, sin(a[k])) = exp(max(k, a[k]))
max(k, exp(a[k]) * b[k]) = exp(max(k, a[k])) * max(k, b[k])
max(k, exp(a[k]) + exp(b[k])) = exp(max(k, a[k])) + exp(max(k, b[k]))
x / abs(x) = 1
x^2 / abs(x)^2 = sign(x)
1 / (sign(x) + 2) = sign(x) + 2
log(abs(x)) = abs(log(x))
log(12) = 3 * log(2) + log(3)
delta(i, j) * delta(k, l) * a[j] = delta(i, j) * a[i]
log(abs(x) + c) = log(x^2) / 2 + c
where(x > c, a[i], 0) + where(x < c, a[i], 0) = a[i]
where(x == c, x * y, 0) = where(x == c, x * c, 0)
where(x * y == 0, x, 0) = 0
prod(k, a[k] + b[k]) = prod(k, a[k]) + prod(k, b[k])
prod(k, 2 * a[k]) = 2 * prod(k, a[k])
prod(k, -a[k]) = -prod(k, a[k])
prod(k, c) = c
prod(i, prod(j, a[i] * b[j])) = prod(i, a[i]) * prod(j, b[j])
prod(i, prod(j, A[i, j])) = prod(i, prod(j, A[j, j]))
prod(k, exp(a[k])) = exp(K * a[i])
"""
MATRICES = read_problem(
    """
index i, j, k, l, m : N
index r, s : R
input A[N, N], B[N, N], C[N, N], T[N, R], U[R, N], S[R, N, N], c
M[i, j] = sum(k, A[i, k] * B[k, j])
P[i, j] = sum(k, A[i, k] * sum(l, B[k, l] * C[l, j]))
V[i, j] = sum(k, A[k, i] * inv(B)[k, j])
W[i, j] = 2 * c * A[i, j]
G[i, j] = sum(r, T[i, r] * U[r, j])
H[r, i, j] = sum(k, S[r, i, k] * A[k, j])
E[i, j] = A[i, j] + B[i, j]
Q[i, j] = sum(k, A[i, k] * A[k, j])
""",
    "matrices",
)
OF_MATRICES = """
inv(M)[i, j] = sum(k, inv(B)[i, k] * inv(A)[k, j])
inv(P)[i, j] = sum(k, sum(l, inv(C)[i, k] * inv(B)[k, l] * inv(A)[l, j]))
inv(V)[i, j] = sum(k, B[i, k] * inv(A)[j, k])
inv(W)[i, j] = inv(A)[i, j] / (2 * c)
inv(Q)[i, j] = sum(k, inv(A)[i, k] * inv(A)[k, j])
sum(j, inv(M)[i, j] * A[j, k]) = inv(B)[i, k]
det(M) = det(A) * det(B)
det(V) = det(A) / det(B)
det(W) = (2 * c)^N * det(A)
"""
NOT_OF_MATRICES = """
inv(M)[i, j] = sum(k, inv(A)[i, k] * inv(B)[k, j])
inv(M)[i, j] = sum(k, inv(B)[k, i] * inv(A)[k, j])
inv(P)[i, j] = sum(k, sum(l, inv(C)[i, k] * inv(A)[k, l] * inv(B)[l, j]))
inv(V)[i, j] = sum(k, B[i, k] * inv(A)[k, j])
inv(W)[i, j] = 2 * c * inv(A)[i, j]
inv(E)[i, j] = inv(A)[i, j] + inv(B)[i, j]
det(E) = det(A) + det(B)
det(W) = 2 * c * det(A)
det(G) = 0
"""
SIZES = ({"K": 1}, {"K": 2}, {"K": 3})
ORACLES = [generic_oracle(PROBLEM, sizes, seed, signs=(1, -1)) for seed in (1, 2, 3) for sizes in SIZES]


def pairs(text: str) -> list[tuple[str, str]]:
    sides = [line.split(" = ") for line in text.strip().splitlines()]
    return [(left, right) for left, right in sides]


def sides(left: str, right: str, problem: Problem) -> tuple[Expression, Expression]:
    return parse_expression(left, problem), parse_expression(right, problem)


def differs(left: Expression, right: Expression) -> bool:
    """Whether two sides differ at some point where both have a value."""
    letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    for oracle in ORACLES:
        for spot in range(oracle.size("K")):
            env = {letter: (spot + place) % oracle.size("K") for place, letter in enumerate(letters)}
            try:
                values = oracle.evaluate(left, env), oracle.evaluate(right, env)
            except (OracleError, ZeroDivisionError, ValueError):
                continue
            if not agree(*values):
                return True
    return False


@pytest.mark.parametrize(("left", "right"), pairs(LAWS))
def test_laws_are_proved_by_the_normal_form_and_their_mutants_are_not(left: str, right: str) -> None:
    first, second = sides(left, right, PROBLEM)
    assert not differs(first, second)
    assert prove(first, second, PROBLEM).method == "normal form"
    for mutant in mutants(second):
        if differs(first, mutant):
            try:
                assert Normal().of(first) != Normal().of(mutant)
            except ValueError:
                continue  # no normal form, no proof


@pytest.mark.parametrize(("left", "right"), pairs(FALSE))
def test_what_looks_like_them_is_not_proved(left: str, right: str) -> None:
    assert prove(*sides(left, right, PROBLEM), PROBLEM).kind != "proved"


@pytest.mark.parametrize(("left", "right"), pairs(OF_MATRICES))
def test_products_of_matrices_are_inverted_factor_by_factor(left: str, right: str) -> None:
    assert prove(*sides(left, right, MATRICES), MATRICES).kind == "proved"


@pytest.mark.parametrize(("left", "right"), pairs(NOT_OF_MATRICES))
def test_other_inverses_are_refuted(left: str, right: str) -> None:
    assert prove(*sides(left, right, MATRICES), MATRICES).kind == "refuted"


def test_the_letters_before_a_matrix_stay_with_it() -> None:
    i, j, r = Index("i", "N"), Index("j", "N"), Index("r", "R")
    k = Index("k", "N")
    left = Entry("inv(H)", (r, i, j))
    first, second = Entry("inv(A)", (i, k)), Entry("inv(S)", (r, k, j))
    assert prove(left, Sum(k, multiply(first, second)), MATRICES).kind == "proved"
    turned = Entry("inv(S)", (r, i, k)), Entry("inv(A)", (k, j))
    assert prove(left, Sum(k, multiply(*turned)), MATRICES).kind == "refuted"
