"""Emitted modules, made and loaded once for all tests: compiling is what takes time."""

from __future__ import annotations

from functools import cache
from typing import Any

from symderiv import catalog
from symderiv.kernels import verify
from symderiv.kernels.emit import emit
from symderiv.kernels.registry import TARGETS
from symderiv.kernels.verify import loaded
from symderiv.notation.reader import read_problem
from symderiv.problem import Problem

#: All that is loaded stays: a module that one test has compiled takes another one seconds to compile again.
verify._KEPT = 400

#: The targets whose files are Python modules.
PYTHON = [name for name, target in TARGETS.items() if target.suffix == ".py"]


def load(made: Problem, target: str, *functions: str) -> Any:
    """The functions of a problem, emitted for a target and loaded; verification uses them again.

    Where some are named, no other is compiled, nor can be called.
    """
    text, narrowed = emit(made, target), TARGETS[target].narrowed
    return loaded(made, target, narrowed(text, functions, verify.DTYPES) if functions and narrowed else text)


@cache
def problem(name: str) -> Problem:
    return catalog.load(name)


@cache
def source(name: str, target: str) -> str:
    return emit(problem(name), target)


@cache
def module(name: str, target: str = "numpy") -> Any:
    return loaded(problem(name), target, source(name, target))


def dtypes_of(target: str) -> tuple[str, ...]:
    """Those to verify: Numba compiles one text for each, which takes seconds, so one of them will do."""
    return ("float32",) if target == "numba" else verify.DTYPES


def own(name: str, text: str) -> Problem:
    """A user's problem."""
    return read_problem(text, name)


#: Problems that no file of the catalogue resembles: other functions, axes and names.
OWN = {
    "logistic": """
index j : N
input w[N], x[N], c, t
batch x, t
loss L
z = sum(j, w[j] * x[j]) + c
L = softplus(z) - t * z
derive d(L, w[j])
derive d(L, c)
""",
    "attention": """
index i : Q
index j, k : K
index c : C
index a : D
input q[Q, D], kk[K, D], V[K, C]
batch q, kk, V
S[i, j] = sum(a, q[i, a] * kk[j, a]) / sqrt(D)
P[i, j] = exp(S[i, j]) / sum(k, exp(S[i, k]))
O[i, c] = sum(k, P[i, k] * V[k, c])
upstream L(O)
derive d(L, q[i, a])
derive d(L, kk[j, a])
derive d(L, V[k, c])
""",
    "hostile": '''
title """; import os #
about Ends \\""" a docstring \\ here.
index i, k : K
index j : np
input class[K, np], lambda[np], out[np], row[K]
batch lambda, out
real[i] = sum(j, class[i, j] * lambda[j] * out[j]) + row[i]
derive d(real[i], class[k, j])
derive d(real[i], lambda[j])
''',
    "two_layers": """
index h : H
index j : N
index k : K
input W[N, H], U[H, K], x[N]
batch x
a[h] = relu(sum(j, W[j, h] * x[j]))
y[k] = tanh(sum(h, U[h, k] * a[h]))
derive d(y[k], U[h, k])
derive d(y[k], x[j])
derive d(y[k], W[j, h])
""",
    "gelu": """
index i, j : K
input x[K]
batch x
y[i] = x[i] * (1 + erf(x[i] / sqrt(2))) / 2
derive d(y[i], x[j])
""",
    "quadratic_form": """
index i, j : K
input A[K, K], x[K]
f = sum(i, sum(j, x[i] * A[i, j] * x[j]))
derive d(f, x[i])
derive d(f, A[i, j])
""",
    "divergence": """
index i, k : K
input z[K], t[K]
batch z, t
loss L
p[i] = exp(z[i]) / sum(k, exp(z[k]))
L = sum(k, t[k] * (log(t[k]) - log(p[k])))
derive d(L, z[i])
""",
    "weighted_mean": """
index i, k : K
input z[K], v[K]
batch z, v
m = sum(k, exp(z[k]) * v[k]) / sum(k, exp(z[k]))
derive d(m, z[i])
derive d(m, v[i])
""",
    "pooled": """
index t, u : T
index h : H
input x[T, H], v[H]
e[t] = sum(h, v[h] * x[t, h])
a[t] = exp(e[t]) / sum(u, exp(e[u]))
o[h] = sum(t, a[t] * x[t, h])
s = sum(h, o[h]^2) / 2
derive d(s, v[h])
derive d(s, x[t, h])
""",
    "channels": """
index o : O
index c : C
index k : K
index i, j : N
input x[C, N], W[O, C, K], b[O]
batch x
y[o, i] = sum(c, k, W[o, c, k] * x[c, i + k - 1]) + b[o]
upstream L(y)
derive d(L, W[o, c, k])
derive d(L, x[c, j])
derive d(L, b[o])
""",
    "total_variation": """
index i, j : N
input x[N]
batch x
loss V
V = sum(i, (x[i + 1] - x[i])^2)
derive d(V, x[j])
derive d(V, x[i], x[j])
""",
    "causal": """
index i, j : N
index k, l : K
input x[N], w[K], v[K]
batch x
h[i] = tanh(sum(k, w[k] * x[i - k + 1]))
y[i] = sum(k, v[k] * h[i - k + 1])
upstream L(y)
derive d(L, x[j])
derive d(L, w[k])
derive d(L, v[k])
""",
    "own_output_axis": """
index i, a : M
index j : N
index k : K
input x[N], w[K], b[M]
batch x
y[i] = sum(k, w[k] * x[i + k - 1]) + b[i]
derive d(y[i], x[j])
derive d(y[i], w[k])
derive d(y[i], b[a])
""",
    "autocorrelation": """
index i, j : N
index k : K
input x[N], t[K]
batch x
a[k] = sum(i, x[i] * x[i + k])
S = sum(k, (a[k] - t[k])^2)
derive d(S, x[j])
""",
    "branches": """
index i, k : K
input z[K], c
batch z
y[i] = where(z[i] > c, z[i] * z[i], sigmoid(z[i])) + sum(k != i, z[k]) + step(z[i])
derive d(y[i], z[k])
""",
}
