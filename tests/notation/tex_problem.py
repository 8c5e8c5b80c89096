"""One problem that the LaTeX tests read their formulas in."""

from __future__ import annotations

from symderiv.notation.reader import read_problem
from symderiv.problem import Problem

TEXT = """
index i, j, k, l, m : K
index a, b, c : N
input x[K], z[K], t[K], u[N], W[N, K], A[K, K], W1[N, K], x_hat[K], x_c[N, K], dP[K, K], std[K]
input s, r, T, mu, eps, v_c, y_prime, g_star, beta
label y : K
label q[N] : K
p[i] = exp(z[i]) / sum(k, exp(z[k]))
o[i] = x[i] / r
L = -log(p[y])
upstream G(o)
"""
PROBLEM: Problem = read_problem(TEXT, "tex")
