"""Normal forms mean what they are forms of: what the tests of this room write, and more that is rarely met.

A rule of the normal form that is wrong lets false equations pass and may let every true one pass as well;
here it is seen by its value.
"""

from __future__ import annotations

import pytest

from symderiv.expression.indices import free_indices
from symderiv.expression.oracle import OracleError
from symderiv.notation.reader import parse_expression
from symderiv.notation.text import to_text
from symderiv.proof import Normal, ProofError
from symderiv.proof.expand import in_inputs
from tests.oracles import agree, generic_oracle
from tests.proof import identities, test_laws, test_prove, test_prove_labels, test_shifts

#: Formulas in the names of the laws, for the ways that no law above leads through.
MORE = """
log(12 / 35)
log(8 * exp(c) / 9)
log(x^2 / 12)
sqrt(12 / 5)
sqrt(18 * pi * K^3)
sqrt(8 * exp(c))
(72 / 5)^(1/2) + (8 / 3)^(3/2)
delta(i, j) * delta(k, l) * a[j] * b[l]
delta(i, j) * delta(j, k) * delta(k, l) * a[l]
sum(k, delta(i, k) * delta(k, j) * a[k])
sum(k != i, sum(l != k, a[k] * b[l]))
sum(k == i, a[k] * b[k])
where(i == j, a[i], b[j]) + where(i != j, x, y)
where(i < j, a[i], where(i >= k, b[k], c))
where(x >= y, where(y < c, x, c), y^2)
sign(2 * x - 2 * y) * step(3 * y - 3 * x) + step(-x * y^3)
step(x * y) * step(-2 * x^3 / y) + sign(x^2 * y) + sign(-x / y^2)
max(x - y, 2 * y - c) * min(3 * x, -y)
max(k, -2 * a[k] * c^2 - b[i]) + min(k, c - 3 * a[k])
prod(k, -2 * a[k]^2 / b[k]) + prod(k != i, a[k])
exp(2 * x - y + sum(k, a[k] * c)) * exp(-x)^3
exp(2 * log(a[i] * x) - log(y)) + exp(sum(k, 2 * log(a[k])))
(exp(x) + exp(-x))^(-2) * (1 - exp(2 * x))^3
(2 * x * a[i] + 4 * x * b[i])^(-3) * x^5
(x + y)^4 - (x - y)^4
(1 + exp(c))^x * (1 + exp(c))^(2 * y)
sinh(x) * cosh(x - y) + tanh(2 * x) * sigmoid(y) - softplus(x - y)
sum(k, sum(l, A[k, l] * a[k]) * b[k]) * sum(l, a[l])
sum(k, 3 * x) + sum(k, sum(l, a[k])) - sum(k, sum(l, x * y))
K * sum(k, c) - sum(i, a[i] * K / 2)
d(sum(k, a[k]^2 * b[k]) / sum(k, a[k] * exp(b[k])), a[j])
d(max(x, y^2) * abs(x - y) + relu(c - x), x)
d(prod(k, a[k]) * exp(sum(k, A[k, k] * a[k])), a[j])
d(log(sum(k, exp(A[i, k] * a[k]))), a[j], A[j, l])
d(sum(k, sum(l, a[k] * A[k, l] * a[l])), a[i], a[j])
d(sqrt(x^2 + y) * x^y * sin(x / y) + erf(x * y), x)
"""
#: The same in the names of the shifts.
SHIFTED = """
delta(j + 1, j) * x[j] + delta(j + 2, j + 2) * v[j]
sum(j, delta(j - 1, m) * x[j] * v[j + 1])
sum(j, delta(j + 1, j) * x[j]) + sum(j, delta(j + 1, j + 1) * x[j])
delta(2 * j, 2 * m + 1) * x[j] + delta(3 - j, m) * v[m]
sum(k, delta(2 * k, i) * b[k]^2) - sum(k, delta(k + 1, 2) * w[k])
where(j + 1 in N, x[j + 1], 2) * where(j - 2 in N, 1, 3) + x[j + 1] * x[j - 1]
sum(j, x[j + 1] * v[j - 1]) * sum(k, w[k] * b[k + 1])
sum(m != j + 1, x[m] * v[m - 1]) + sum(m == j - 1, x[m])
d(sum(j, x[j]^2 * x[j + 1] * v[j - 1]), x[m])
"""
#: The same in the names of labels.
LABELLED = """
delta(y[b], u[b]) * sum(k != y[b], z[b, k] * p[b, k])
delta(y[b], u[b]) * prod(k != u[b], z[b, k]) + delta(i, y[b]) * where(i == u[b], z[b, i], 2)
delta(y[a], y[b]) * where(i < y[a], z[a, i], z[b, y[b]]) * delta(i, u[a])
delta(a, f[b]) * delta(b, f[a]) * z[f[b], i] * p[a, y[f[b]]]
sum(k, delta(k, y[b]) * delta(k, u[b]) * z[b, k]) - sum(k == y[b], z[b, k]^2)
sum(a if y[a] == y[b], z[a, i]) - sum(a if y[a] != u[b], z[a, i])
d(L, z[b, i]) + d(p[a, i], z[b, k]) * delta(i, y[a])
"""
PAIRS = (
    (test_laws.PROBLEM, test_laws.pairs(test_laws.LAWS) + test_laws.pairs(test_laws.FALSE)),
    (identities.PROBLEM, identities.pairs(identities.KNOWN) + identities.pairs(identities.BEYOND)),
    (test_prove.PROBLEM, test_prove.TRUE + test_prove.FALSE + test_prove.NEVER),
    (test_shifts.PROBLEM, [each.split(" == ") for each in test_shifts.TRUE + test_shifts.FALSE]),
)
FORMULAS = [
    *((test_laws.PROBLEM, each) for each in MORE.strip().splitlines()),
    *((test_prove_labels.PROBLEM, each) for each in LABELLED.strip().splitlines()),
    *((test_shifts.PROBLEM, each) for each in SHIFTED.strip().splitlines()),
    *dict.fromkeys((problem, side) for problem, pairs in PAIRS for pair in pairs for side in pair),
]
SIZES = (
    {"K": 1, "N": 2, "C": 2, "M": 2, "O": 1, "B": 1},
    {"K": 2, "N": 1, "C": 3, "M": 3, "O": 2, "B": 2},
    {"K": 4, "N": 5, "C": 1, "M": 2, "O": 1, "B": 3},
)


@pytest.mark.parametrize("part", range(4))
def test_they_mean_the_same(part: int) -> None:
    compared = 0
    for problem, text in FORMULAS[part::4]:
        oracles = [
            generic_oracle(problem, sizes, seed, signs=(1, -1) if seed % 2 else (1,))
            for seed, sizes in enumerate(SIZES)
        ]
        before = parse_expression(text, problem)
        try:
            after = Normal().of(in_inputs(before, problem))
        except ProofError:  # such as a division by zero
            continue
        letters = free_indices(before)
        for oracle in oracles:
            for turn in range(3):
                env = {
                    letter: (turn + place * (turn < 2)) % oracle.size(letter.axis)
                    for place, letter in enumerate(letters)
                }
                try:
                    values = oracle.evaluate(before, env), oracle.evaluate(after, env)
                except (OracleError, ZeroDivisionError, ValueError):
                    continue  # claimed where both have a value
                compared += 1
                assert agree(*values), (text, to_text(after), values)
    assert compared > 4 * len(FORMULAS) / 4
