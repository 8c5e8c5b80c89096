"""Equations that hold for every size, for the prover to prove and for mutants to be made of."""

from __future__ import annotations

from symderiv.notation.reader import read_problem

PROBLEM = read_problem(
    """
index i, j, k, l : K
index n, m, q : N
index c : C
input z[K], a[K], b[K], M[K, K], R[N, N], A[N, K], B[K, C], D[C, N], s[N], t[K], x, y, g, eps
p[i] = exp(z[i]) / sum(k, exp(z[k]))
lse = log(sum(k, exp(z[k])))
mu = sum(k, a[k]) / K
v = sum(k, (a[k] - mu)^2) / K
h[i] = (a[i] - mu) / sqrt(v + eps)
w[i] = (a[i] - mu) / sqrt(v)
r = sqrt(sum(k, a[k]^2) / K + eps)
rn[i] = a[i] / r
H = -sum(k, p[k] * log(p[k]))
u[i] = exp(a[i]) / sum(k, exp(a[k]))
P[n, m] = exp(R[n, m]) / sum(q, exp(R[n, q]))
top = max(k, z[k])
""",
    "identities",
)

#: Everything that people know about softmax, its relatives, normalisations and traces.
KNOWN = """
log(p[i]) = z[i] - lse
exp(z[i] - x) / sum(k, exp(z[k] - x)) = p[i]
exp(z[i] - top) / sum(k, exp(z[k] - top)) = p[i]
top + log(sum(k, exp(z[k] - top))) = lse
z[i] - top - log(sum(k, exp(z[k] - top))) = log(p[i])
d(log(exp(z[i] - x) / sum(k, exp(z[k] - x))), z[j]) = delta(i, j) - p[j]
d(exp(z[i] - x) / sum(k, exp(z[k] - x)), z[j]) = p[i] * (delta(i, j) - p[j])
sum(k, p[k]) = 1
sum(i, d(p[i], z[j])) = 0
sum(j, d(p[i], z[j])) = 0
d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])
p[i] * (delta(i, j) - p[j]) = p[j] * (delta(i, j) - p[i])
d(p[i], z[j], z[l]) = p[i] * ((delta(i, j) - p[j]) * (delta(i, l) - p[l]) - p[j] * (delta(j, l) - p[l]))
d(lse, z[j]) = p[j]
d(lse, z[i], z[j]) = p[i] * (delta(i, j) - p[j])
d(H, z[j]) = -p[j] * (log(p[j]) + H)
H = lse - sum(k, p[k] * z[k])
sum(k, p[k] * log(p[k] / u[k])) = -sum(k, p[k] * log(u[k])) - H
d(sigmoid(x), x) = sigmoid(x) * (1 - sigmoid(x))
sigmoid(x) * (1 - sigmoid(x)) = exp(-x) / (1 + exp(-x))^2
d(softplus(x), x) = sigmoid(x)
d(tanh(x), x) = 1 - tanh(x)^2
1 - tanh(x)^2 = 4 / (exp(x) + exp(-x))^2
1 - tanh(x)^2 = 1 / cosh(x)^2
tanh(x) = 2 * sigmoid(2 * x) - 1
d(h[i], a[j]) = (delta(i, j) - 1 / K - h[i] * h[j] / K) / sqrt(v + eps)
sum(i, d(h[i], a[j])) = 0
sum(j, d(h[i], a[j])) = 0
sum(i, h[i]) = 0
d(rn[i], a[j]) = (delta(i, j) - rn[i] * rn[j] / K) / r
v = sum(k, a[k]^2) / K - mu^2
sum(k != i, a[k]) = sum(k, a[k]) - a[i]
sum(i, sum(j != i, a[i] * b[j])) = sum(i, a[i]) * sum(j, b[j]) - sum(i, a[i] * b[i])
sum(i, sum(j, (a[i] * b[j] - a[j] * b[i])^2)) = 2 * (sum(i, a[i]^2) * sum(j, b[j]^2) - sum(i, a[i] * b[i])^2)
sum(n, sum(k, sum(c, A[n, k] * B[k, c] * D[c, n]))) = sum(k, sum(c, sum(n, B[k, c] * D[c, n] * A[n, k])))
sum(i, sum(j, M[i, j] * M[j, i])) = sum(l, sum(k, M[k, l] * M[l, k]))
sum(i, w[i]^2) = K
d(w[i], a[j]) = (delta(i, j) - 1 / K - w[i] * w[j] / K) / sqrt(v)
sum(m, P[n, m]) = 1
d(P[n, m], R[n, q]) = P[n, m] * (delta(m, q) - P[n, q])
sum(i, a[i]*sum(j, d(p[i], z[j])*b[j])) = sum(i, p[i]*a[i]*b[i]) - sum(i, p[i]*a[i])*sum(j, p[j]*b[j])
sum(i, sum(j, abs(a[i] - a[j]))) = 2 * sum(i, sum(j, relu(a[i] - a[j])))
sum(k, max(a[k], b[k]) + min(a[k], b[k])) = sum(k, a[k]) + sum(k, b[k])
relu(x) - relu(-x) = x
abs(x)^2 = x^2
"""

#: What the normal form alone does not prove.
BEYOND = """
sum(i, h[i] * d(h[i], a[j])) = h[j] * eps / (v + eps)^(3/2)
sum(i, 1 / (1 + h[i]^2)) = K - sum(i, h[i]^2 / (1 + h[i]^2))
sum(k, a[k] / (b[k] + x)) = x * sum(k, a[k] / (b[k] + x)^2) + sum(k, a[k] * b[k] / (b[k] + x)^2)
sum(k, sigmoid(a[k])) + sum(k, sigmoid(-a[k])) = K
sum(k, 1 / (1 + a[k]^2)) = K - sum(k, a[k]^2 / (1 + a[k]^2))
sum(k, 1 / (a[k] * (a[k] + 1))) = sum(k, 1 / a[k]) - sum(k, 1 / (a[k] + 1))
sum(i, a[i] / (a[i] + sum(k, b[k]))) = K - sum(k, b[k]) * sum(i, 1 / (a[i] + sum(k, b[k])))
sum(k, a[k] / (1 + a[k])) / K + sum(k, 1 / (1 + a[k])) / K = 1
sum(k, tanh(a[k])) = 2 * sum(k, sigmoid(2 * a[k])) - K
sum(i, sum(j, 1/(a[i] + b[j]) - 1/(a[i] + b[j] + 1))) = sum(j, sum(i, 1/((a[i] + b[j])*(a[i] + b[j] + 1))))
sum(i, sum(k < i, a[k] * a[i])) = (sum(k, a[k])^2 - sum(k, a[k]^2)) / 2
sum(k < i, a[k]) + sum(k > i, a[k]) = sum(k, a[k]) - a[i]
sum(k != i, 1 / (a[i] - a[k])) = -sum(k != i, 1 / (a[k] - a[i]))
sin(x + y) = sin(x) * cos(y) + cos(x) * sin(y)
sum(k, sin(a[k])^2) = K - sum(k, cos(a[k])^2)
cos(2 * x) = 1 - 2 * sin(x)^2
sin(sum(k, a[k]))^2 + cos(sum(k, a[k]))^2 = 1
sqrt(exp(x)) = exp(x / 2)
erf(-x) = -erf(x)
"""


def pairs(text: str) -> list[tuple[str, str]]:
    """The two sides of each line."""
    sides = [line.split(" = ") for line in text.strip().splitlines()]
    return [(left, right) for left, right in sides]
