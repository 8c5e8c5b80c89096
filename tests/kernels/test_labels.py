"""Labels with indices of their own: lookups, what is added at places, several labels on one index."""

from __future__ import annotations

import re

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.verify import verify_source
from symderiv.notation.reader import read_problem
from tests.kernels.emitted import load

PROBLEMS = {
    "lookup": """
        input E[V, D]
        label y[T] : V
        o[t, d] = E[y[t], d]
        upstream L(o)
        expect d(L, E[v, d]) == sum(t, delta(v, y[t]) * d(L, o[t, d]))
    """,
    "lookup_of_a_sample": """
        input E[V, D], w[D]
        label y[T] : V
        batch y
        o[t, d] = E[y[t], d] * w[d]
        derive d(o[t, d], E[v, c])
        derive d(o[t, d], w[c])
    """,
    "lookup_in_rows": """
        input E[V, D], w[B, T]
        label y[B, T] : V
        o[b, d] = sum(t, w[b, t] * E[y[b, t], d])
        upstream L(o)
        expect d(L, E[v, d]) == sum(b, t, delta(v, y[b, t]) * w[b, t] * d(L, o[b, d]))
    """,
    "mean_over_rows": """
        index b : B
        index i, j, k : K
        input z[B, K]
        label y[B] : K
        loss L
        p[b, i] = exp(z[b, i]) / sum(k, exp(z[b, k]))
        L = -sum(b, log(p[b, y[b]])) / B
        expect d(L, z[b, k]) == (p[b, k] - delta(k, y[b])) / B
        derive d(L, z[b, k], z[c, l])
    """,
    "last_layer_over_rows": """
        index b : B
        index i, j, k : K
        input x[B, N], W[N, K], c[K]
        label y[B] : K
        loss L
        z[b, k] = sum(n, x[b, n] * W[n, k]) + c[k]
        p[b, i] = exp(z[b, i]) / sum(k, exp(z[b, k]))
        L = -sum(b, log(p[b, y[b]])) / B
        expect d(L, W[n, k]) == sum(b, x[b, n] * (p[b, k] - delta(k, y[b]))) / B
        derive d(L, c[k])
    """,
    "two_labels": """
        index i, j, k : K
        input z[K]
        label y : K
        label u : K
        batch z, y, u
        loss L
        p[i] = exp(z[i]) / sum(k, exp(z[k]))
        L = -log(p[y]) - p[y] * p[u]
        derive d(L, z[j])
        derive d(L, z[i], z[j])
    """,
    "edges": """
        index i, j : N
        input x[N], w[M]
        label a[M] : N
        label c[M] : N
        loss L
        L = sum(m, w[m] * (x[a[m]] - x[c[m]])^2)
        derive d(L, x[i])
        derive d(L, w[m])
        derive d(L, x[i], x[j])
    """,
    "same_class": """
        index a, b : B
        input z[B]
        label y[B] : K
        loss L
        L = sum(a, b, delta(y[a], y[b]) * (z[a] - z[b])^4)
        derive d(L, z[a])
    """,
    "chosen_by_class": """
        index b : B
        index k : K
        input z[B, K], eps
        label y[B] : K
        q[b, k] = where(k == y[b], (1 - eps) * z[b, k], eps * z[b, k]^2)
        derive d(q[b, k], z[b, l])
        derive d(q[b, k], eps)
    """,
    "histogram": """
        input w[M], h_0[N, K]
        label a[M] : N
        label c[M] : K
        h[i, k] = h_0[i, k] + sum(m, delta(i, a[m]) * delta(k, c[m]) * w[m]^2)
        derive d(h[i, k], w[m])
    """,
    "labels_apart": """
        input x[N, D, K], w[M, D]
        label a[M] : N
        label c[M] : K
        o[m, d] = x[a[m], d, c[m]] * w[m, d]
        derive d(o[m, d], x[i, e, k])
        derive d(o[m, d], w[l, e])
    """,
    "label_of_a_label": """
        input x[N]
        label a[M] : N
        label c[L] : M
        o[l] = x[a[c[l]]]^2
        derive d(o[l], x[i])
    """,
    "diagonal_and_label": """
        index i, j : K
        input x[K]
        label y : K
        batch x, y
        f[i] = x[i] * x[y]
        derive d(f[i], x[j])
    """,
}


@pytest.mark.parametrize("target", ["numpy", "numba"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_labels_with_indices_are_emitted_and_right(name: str, target: str) -> None:
    problem = read_problem("\n".join(line.strip() for line in PROBLEMS[name].split("\n")), name)
    dtypes = ["float32", "float64"] if target == "numpy" else ["float64"]
    checks = verify_source(problem, target, emit(problem, target), dtypes=dtypes, large=False)
    assert checks
    assert not [str(check) for check in checks if not check.ok]


def test_a_lookup_costs_no_array_over_places_and_tokens() -> None:
    """A token that comes twice is added twice, and no array of V times T is made on the way."""
    problem = read_problem(PROBLEMS["lookup"].replace("\n        ", "\n"), "lookup")
    for target in ("numpy", "numba"):
        source = emit(problem, target)
        gradient = load(problem, target).lookup_gradient
        table, tokens = np.zeros((5, 2)), np.array([4, 1, 4])
        found = gradient(table, tokens, np.array([[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]]))
        assert found.tolist() == [[0, 0], [3, 4], [0, 0], [0, 0], [11, 22]]
        assert "arange(V)" not in source
        assert "(V, T)" not in source


def test_a_label_is_read_before_the_loop_that_it_is_for() -> None:
    problem = read_problem(PROBLEMS["lookup"].replace("\n        ", "\n"), "lookup")
    source = emit(problem, "numba")
    assert "            dE[at, d] += dL_do[t, d]\n" in source
    lookup = load(problem, "numba")
    E, y, g = np.zeros((3, 8), np.float32), np.array([1, 1, 0, 1]), np.ones((4, 8), np.float32)
    np.testing.assert_array_equal(lookup.lookup_gradient(E, y, g), np.float32([[1], [3], [0]]) + E)
    # Read again for each number, it would keep the loop from being done on vectors.
    kernel = lookup._lookup_gradient_kernel
    kernel(E, y, g, E)
    *_, compiled = kernel.inspect_llvm().values()
    assert re.search(r"fadd .*<\d+ x float>", compiled)


@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_labels_outside_of_their_axis_are_refused(target: str) -> None:
    problem = read_problem(PROBLEMS["lookup"].replace("\n        ", "\n"), "lookup")
    lookup = load(problem, target).lookup
    for tokens in ([0, 5], [-1, 0]):
        with pytest.raises(ValueError, match="y: expected labels from 0 to 4, found"):
            lookup(np.zeros((5, 2)), np.array(tokens))
    with pytest.raises(ValueError, match=r"y: expected integers \(labels\), found float64"):
        lookup(np.zeros((5, 2)), np.array([0.0, 1.0]))
