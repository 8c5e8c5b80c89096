"""Problems that people bring along, whose parts meet as in no file of the catalogue."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symderiv.kernels.emit import emit
from tests.kernels.emitted import load, own

TARGETS = ("numpy", "numba", "c")

CLIPPED = """
index n : N
input l[N], o[N], A[N], e
r[n] = exp(l[n] - o[n])
L = -sum(n, min(r[n] * A[n], min(max(r[n], 1 - e), 1 + e) * A[n])) / N
derive d(L, l[n])
"""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_choice_between_constants_has_the_dtype_of_the_arrays(dtype: type) -> None:
    gradient = load(own("clipped", CLIPPED), "numpy").clipped_gradient_l
    rng = np.random.default_rng(5)
    new, old, advantage = rng.normal(size=(3, 40)).astype(dtype)
    ratio = np.exp(new.astype(float) - old)
    kept = ((advantage > 0) & (ratio <= 1.2)) | ((advantage <= 0) & (ratio >= 0.8))
    found = gradient(new, old, advantage, 0.2)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, -ratio * advantage * kept / 40, rtol=1e-5)


def test_what_is_said_of_an_array_goes_with_it() -> None:
    """Exponentials by rows and by columns: in C, those by columns become a local variable."""
    text = """
index a, b : N
input s[N, N]
L = sum(a, log(sum(b, exp(s[a, b])))) + sum(a, log(sum(b, exp(s[b, a]))))
derive d(L, s[a, b])
"""
    source = emit(own("both_ways", text), "c")
    notes = [line.strip() for line in source.splitlines() if "between 0 and 1, and at least one" in line]
    assert notes
    assert all("[" not in note for note in notes if note.startswith("/* e_2"))


CONTRASTIVE = """
index a, b : N
index d : D
input u[N, D], v[N, D], T
s[a, b] = sum(d, u[a, d] * v[b, d]) / T
L = -sum(a, s[a, a] - log(sum(b, exp(s[a, b]))) + s[a, a] - log(sum(b, exp(s[b, a]))))
derive d(L, T)
"""


@pytest.mark.parametrize("target", TARGETS)
def test_an_exponential_belongs_to_the_sum_that_divides_it(target: str) -> None:
    """Softmax by rows and by columns of the same scores, far beyond what exp takes."""
    gradient = load(own("contrastive", CONTRASTIVE), target, "contrastive_gradient_T").contrastive_gradient_T
    rng = np.random.default_rng(6)
    u, v = 1e4 * rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    s = u @ v.T / 0.5
    by_rows = np.exp(s - s.max(1, keepdims=True))
    by_columns = np.exp(s - s.max(0))
    slope = by_rows / by_rows.sum(1, keepdims=True) + by_columns / by_columns.sum(0) - 2 * np.eye(5)
    np.testing.assert_allclose(gradient(u, v, 0.5), -(slope * s).sum() / 0.5, rtol=1e-12)


def test_a_rewrite_is_checked_where_a_formula_has_a_value() -> None:
    """At one class 1 - p is 0, which has no power; generic x are above 1, where log(1 - x) has no value."""
    focal = """
index k, j : K
input z[K], g
label y : K
batch z, y
loss L
p[k] = exp(z[k]) / sum(j, exp(z[j]))
L = -(1 - p[y])^g * log(p[y])
derive d(L, z[k])
"""
    function = load(own("focal", focal), "numpy").focal
    z = np.array([1.0, 2.0, 0.5])
    p = np.exp(z) / np.exp(z).sum()
    assert function(z, 1.5, np.array(1)) == pytest.approx(-((1 - p[1]) ** 1.5) * np.log(p[1]), rel=1e-14)
    inside = "index k : K\ninput z[K], x\nL = log(1 - x) + log(sum(k, exp(z[k])))"
    function = load(own("inside", inside), "numpy").inside
    assert function(z, 0.75) == pytest.approx(np.log(0.25) + np.log(np.exp(z).sum()), rel=1e-14)


@pytest.mark.parametrize("target", TARGETS)
def test_the_gradient_of_a_scalar_has_the_shape_of_the_variable(target: str) -> None:
    text = (
        "index i : N\nindex j : M\ninput W[N, M], x[N]\ns = sum(i, j, x[i] * W[i, j]^2)\nderive d(s, W[i, j])"
    )
    functions = load(own("shaped", text), target, "shaped_gradient_W", "shaped_vjp")
    W, x = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(functions.shaped_gradient_W(W, x), 2 * x[:, None] * W)
    np.testing.assert_array_equal(functions.shaped_vjp(W, x, 0.5), x[:, None] * W)


MASKED = """
index n, m, k : N
input h[N], R[N, N]
L = sum(n, log(sum(m, R[n, m] * exp(h[m]))))
derive d(L, h[k])
"""


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_mask_leaves_out_has_no_say(target: str) -> None:
    """Sums under a mask that is an array: its zeros stand beside scores that outweigh all others."""
    functions = load(own("under_mask", MASKED), target, "under_mask", "under_mask_gradient_h")
    h = np.array([-1e4, 3e4, 1e4, 1e4 + 1])
    R = np.array([[1.0, 0, 0, 0], [0, 0.5, 0, 2], [0, 0, 2, 1], [3, 0, 1, 0]])
    scores = np.where(R > 0, h + np.log(np.where(R > 0, R, 1)), -np.inf)
    largest = scores.max(1, keepdims=True)
    total = np.exp(scores - largest).sum(1, keepdims=True)
    np.testing.assert_allclose(functions.under_mask(h, R), (largest + np.log(total)).sum(), rtol=1e-14)
    shares = np.exp(scores - largest) / total
    np.testing.assert_allclose(functions.under_mask_gradient_h(h, R), shares.sum(0), rtol=1e-12)
    assert functions.under_mask(h, 0 * R) == -np.inf


@pytest.mark.parametrize("target", TARGETS)
def test_softmax_under_a_mask(target: str) -> None:
    text = "index k, j : K\ninput z[K], m[K]\nbatch z, m\np[k] = m[k] * exp(z[k]) / sum(j, m[j] * exp(z[j]))"
    p = load(own("under", text), target, "under").under
    z, m = np.array([[1e4, 2e4, 1e4 + 1], [0.0, 1.0, 2.0]]), np.array([[1.0, 0, 1], [2.0, 0, 1]])
    other = 1 / (1 + np.exp(1)), 2 / (2 + np.exp(2))
    np.testing.assert_allclose(p(z, m), [[w, 0, 1 - w] for w in other], rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_a_sum_that_goes_where_a_label_says(target: str) -> None:
    """The score of the player that a game names: no two terms need go to the same place."""
    text = """
index g : G
index k : K
input r[K], s[G]
label a[G] : K
L = sum(g, softplus(s[g] - r[a[g]]))
derive d(L, r[k])
"""
    gradient = load(own("games", text), target, "games_gradient_r").games_gradient_r
    rng = np.random.default_rng(8)
    r, s, a = rng.normal(size=4), rng.normal(size=300), rng.integers(0, 3, 300)
    slopes = np.zeros(4)
    np.add.at(slopes, a, -1 / (1 + np.exp(r[a] - s)))
    np.testing.assert_allclose(gradient(r, s, a), slopes, rtol=1e-12)


COUNTS = """
index n : N
input y[N], m[N], r
L = sum(n, m[n] - y[n] * log(m[n]) + log(gamma(y[n] + 1)) - r * log(gamma(r + y[n])))
derive d(L, y[n])
"""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_counts_may_be_larger_than_gamma_takes(target: str, dtype: type) -> None:
    functions = load(own("counts", COUNTS), target)
    y = np.array([0.0, 0.5, 3, 7.25, 12, 300, 4000], dtype)
    m, r = np.full(7, 2.5, dtype), 0.75
    terms = [
        2.5 - v * mpmath.log(2.5) + mpmath.loggamma(v + 1) - r * mpmath.loggamma(r + v) for v in map(float, y)
    ]
    slopes = [-mpmath.log(2.5) + mpmath.digamma(v + 1) - r * mpmath.digamma(r + v) for v in map(float, y)]
    near = {"rtol": 30 * float(np.finfo(dtype).eps)}
    np.testing.assert_allclose(functions.counts(y, m, r), float(sum(terms)), **near)
    np.testing.assert_allclose(functions.counts_gradient_y(y, m, r), [float(each) for each in slopes], **near)


@pytest.mark.parametrize("target", TARGETS)
def test_gamma_and_its_slopes_left_of_zero(target: str) -> None:
    text = "index n : N\ninput x[N]\nbatch x\ny[n] = log(gamma(x[n]))\nderive d(y[n], x[n])"
    functions = load(own("left", text), target, "left", "left_vjp")
    x = np.array([[-1.5, -3.25, -0.5, 1.4616321449683623, 1e-3, 30.0]])
    values = [float(mpmath.log(g)) if (g := mpmath.gamma(v)) > 0 else np.nan for v in x[0]]
    np.testing.assert_allclose(functions.left(x)[0], values, rtol=1e-13)
    slopes = [float(mpmath.digamma(v)) for v in x[0]]
    np.testing.assert_allclose(functions.left_vjp(x, np.ones((1, 6)))[0], slopes, rtol=1e-13, atol=2e-15)


SUPERVISED = """
index i, j, a : N
index d : D
input Z[N, D], T, M[N, N]
s[i, j] = sum(d, Z[i, d] * Z[j, d]) / T
L = -sum(i, sum(j != i, M[i, j] * (s[i, j] - log(sum(a != i, exp(s[i, a]))))) / sum(j != i, M[i, j])) / N
derive d(L, Z[i, d])
"""


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_sum_leaves_out_may_overflow(target: str) -> None:
    """A sample is most like itself: exp of that score is far larger than all that the sum has."""
    made = load(own("supervised", SUPERVISED), target)
    rng = np.random.default_rng(8)
    samples, features, temperature = 40, 24, 0.3  # so many that products of matrices are stages
    z, z_dot = 30 * rng.normal(size=(2, samples, features))
    weights = rng.uniform(0.5, 1.5, (samples, samples))
    others = 1 - np.eye(samples)
    s = z @ z.T / temperature - 1e300 * np.eye(samples)
    exponential = np.exp(s - s.max(1, keepdims=True))
    weights *= others
    slope = exponential / exponential.sum(1, keepdims=True) - weights / weights.sum(1, keepdims=True)
    expected = (slope + slope.T) @ z / (samples * temperature)
    given = (z, temperature, weights)
    np.testing.assert_allclose(made.supervised_gradient_Z(*given), expected, rtol=1e-9, atol=1e-12)
    found = made.supervised_jvp(*given, z_dot)
    np.testing.assert_allclose(found, (expected * z_dot).sum(), rtol=1e-9)


TWO_WAYS = """
index i, j, k : N
index c : C
input X[N, C], Y[N, C]
loss L
S[i, j] = sum(c, X[i, c] * Y[j, c])
p[i, j] = exp(S[i, j]) / sum(k, exp(S[i, k]))
q[i, j] = exp(S[i, j]) / sum(k, exp(S[k, j]))
L = -(sum(i, log(p[i, i])) + sum(i, log(q[i, i])))
derive d(L, X[i, c])
"""


@pytest.mark.parametrize("target", TARGETS)
def test_shares_of_rows_and_of_columns(target: str) -> None:
    """In NumPy, the shares of the columns are put into the memory of the scores."""
    made = load(own("two_ways", TWO_WAYS), target)
    x, y = np.random.default_rng(9).normal(size=(2, 40, 6))
    s = x @ y.T
    p, q = (np.exp(s - s.max(axis, keepdims=True)) for axis in (1, 0))
    p, q = p / p.sum(1, keepdims=True), q / q.sum(0, keepdims=True)
    value, dX = made.two_ways_value_and_gradient(x, y)
    np.testing.assert_allclose(value, -np.log(np.diag(p) * np.diag(q)).sum(), rtol=1e-12)
    np.testing.assert_allclose(dX, (p + q - 2 * np.eye(40)) @ y, rtol=1e-10, atol=1e-12)
