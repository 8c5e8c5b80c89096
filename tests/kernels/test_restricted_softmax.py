"""Softmax over part of an axis: the largest exponent of that part is subtracted, and no other."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from symderiv.expression.construct import subtract
from symderiv.expression.functions import call
from symderiv.expression.nodes import MINUS_ONE, ONE, ZERO, Compare, Entry, Index, Power, Sum, Where
from symderiv.kernels.emit import emit
from symderiv.kernels.errors import KernelError
from symderiv.kernels.rewrite_check import same_value
from symderiv.kernels.verify import verify
from tests.kernels.emitted import dtypes_of, load, module, own

TARGETS = ("numpy", "numba", "c")
HEAD = """
index m, n, k : M
input S[M, M]
batch S
"""
SPELLINGS = {
    "sum over m only": "P[m, n] = where(n <= m, exp(S[m, n]), 0) / sum(k <= m, exp(S[m, k]))",
    "both by where": "P[m, n] = where(n <= m, exp(S[m, n]), 0) / sum(k, where(k <= m, exp(S[m, k]), 0))",
    "share inside where": "P[m, n] = where(n <= m, exp(S[m, n]) / sum(k <= m, exp(S[m, k])), 0)",
    "turned round": "P[m, n] = where(m >= n, exp(S[m, n]), 0) / sum(k <= m, exp(S[m, k]))",
}


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def masked_softmax(scores: np.ndarray) -> np.ndarray:
    """Row by row, in float64, by the definition: math.exp of differences within the part."""
    out = np.zeros(scores.shape)
    for m, row in enumerate(np.asarray(scores, float)):
        part = [math.exp(each - max(row[: m + 1])) for each in row[: m + 1]]
        out[m, : m + 1] = [each / math.fsum(part) for each in part]
    return out


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_takes_extreme_scores(spelling: str, target: str) -> None:
    p = load(own("masked", HEAD + spelling), target, "masked").masked
    rng = np.random.default_rng(3)
    near = 1e4 + rng.normal(0, 3, (4, 4))
    for scores in (near, -near, near - 1e4):
        np.testing.assert_allclose(p(scores), masked_softmax(scores), rtol=1e-9)
    # What is masked has no say, whatever it is: without the restriction, row 0 would be all 0.
    masked = np.where(np.tri(4, dtype=bool), near - 1e4, 1e30)
    np.testing.assert_allclose(p(masked), masked_softmax(masked), rtol=1e-12)
    infinite = np.where(np.tri(4, dtype=bool), near - 1e4, np.inf)
    infinite[2, 1] = -np.inf
    np.testing.assert_allclose(p(infinite), masked_softmax(infinite), rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_a_restricted_log_sum(target: str) -> None:
    text = "index i, k : K\ninput z[K]\nbatch z\nL[i] = log(sum(k < i, exp(z[k])))"
    function = load(own("before", text), target).before
    z = np.array([1e4, 1e4 - 1, -1e4, 3e4])
    first = math.log1p(math.exp(-1)) + 1e4
    # Nothing comes before the first place, and the logarithm of 0 is -inf.
    np.testing.assert_allclose(function(z), [-np.inf, 1e4, first, first], rtol=1e-14)


@pytest.mark.parametrize("target", TARGETS)
def test_log_of_a_restricted_share(target: str) -> None:
    text = HEAD + SPELLINGS["sum over m only"] + "\nL[m] = log(P[m, m])"
    function = load(own("last", text), target).last
    scores = np.array([[5.0, 1e4], [3e4, 0.0]])
    np.testing.assert_allclose(function(scores), [0, -3e4], rtol=1e-14)


@pytest.mark.parametrize("target", TARGETS)
def test_an_average_over_the_others(target: str) -> None:
    text = """index i, k : K
input z[K], w[K]
a[i] = sum(k != i, exp(z[k]) * w[k]) / sum(k != i, exp(z[k]))"""
    function = load(own("others", text), target).others
    z, w = np.array([1e4, 1e4 + 1, -2e4]), np.array([2.0, 3.0, 5.0])
    share = math.e / (1 + math.e)
    np.testing.assert_allclose(function(z, w), [3, 2, 2 + share], rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_a_log_sum_over_the_other_labels(target: str) -> None:
    text = """index k : K
input z[K]
label y : K
batch z, y
loss L
L = log(sum(k != y, exp(z[k]))) - z[y]"""
    function = load(own("margin", text), target).margin
    z = np.array([[1e4, 1e4 + 1, 1e4 + 2], [3.0, 1e4, 1e4]])
    losses = function(z, np.array([0, 2]), reduction="none")
    np.testing.assert_allclose(losses, [math.log(math.e + math.e**2), 0], rtol=1e-12, atol=1e-12)


def test_a_rewrite_to_infinity_or_nan_is_no_rewrite() -> None:
    nothing = call("minus_infinity")
    z = Entry("z")
    assert not same_value(z, nothing, {}, {})
    assert not same_value(nothing, z, {}, {})
    assert not same_value(z, subtract(nothing, nothing), {}, {})
    assert same_value(nothing, nothing, {}, {})
    # What has no value at any size can be compared with nothing.
    assert not same_value(Power(ZERO, MINUS_ONE), z, {}, {})


@pytest.mark.parametrize("target", TARGETS)
def test_the_gradients_agree_with_the_oracle(target: str) -> None:
    text = HEAD + SPELLINGS["sum over m only"] + "\nupstream L(P)\nderive d(L, S[m, n])"
    checks = verify(own("masked_loss", text), target, large=False, dtypes=dtypes_of(target))
    kinds = {check.kind for check in checks}
    assert kinds >= {"ties", "up to 1e4", "near 1e4", "some -inf"}
    assert [str(check) for check in checks if not check.ok] == []


@pytest.mark.parametrize("target", TARGETS)
def test_causal_attention(target: str) -> None:
    kernels = module("causal_attention", target)
    rng = np.random.default_rng(7)
    Q, K, V, g = (rng.normal(size=(5, 3)) for _ in range(4))

    def output(Q: np.ndarray, K: np.ndarray, V: np.ndarray) -> np.ndarray:
        return masked_softmax(Q @ K.T / math.sqrt(3)) @ V

    for large in (1.0, 1e4):
        np.testing.assert_allclose(
            kernels.causal_attention(large * Q, K, V), output(large * Q, K, V), rtol=1e-9
        )
    step = 1e-6
    for place, found in enumerate(kernels.causal_attention_gradient(Q, K, V, g)):
        inputs = [Q, K, V]
        # In the order dV, dQ, dK.
        which = (2, 0, 1)[place]
        for spot in [(0, 0), (2, 1), (4, 2)]:
            above, below = inputs.copy(), inputs.copy()
            above[which], below[which] = inputs[which].copy(), inputs[which].copy()
            above[which][spot] += step
            below[which][spot] -= step
            slope = np.sum(g * (output(*above) - output(*below))) / (2 * step)
            assert found[spot] == pytest.approx(slope, rel=1e-6, abs=1e-8)
    assert all(np.isfinite(each).all() for each in kernels.causal_attention_gradient(1e4 * Q, K, V, g))
    # No place sees a later one: the last key and value count for the last query only.
    later = kernels.causal_attention(Q, np.r_[K[:4], K[:1]], np.r_[V[:4], V[:1]])
    np.testing.assert_array_equal(later[:4], kernels.causal_attention(Q, K, V)[:4])


MASKED = """
index i, j, k : K
input z[K], w[K], T
batch z
"""
CONDITIONS = ("w[{}] > 0", "w[{}] >= 1/2", "0 < w[{}]", "w[{}] != 0", "w[{}] == 1")


def masked_by(condition: str, term: str) -> str:
    """A softmax with a mask, each of its terms chosen by a condition."""
    share, total = (term.replace("_", letter) for letter in "ik")
    first, second = condition.format("i"), condition.format("k")
    whole = f"where({first}, {share}, 0) / sum(k, where({second}, {total}, 0))"
    return f"{MASKED}p[i] = {whole}\nderive d(p[i], z[j])\n"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("term", ["exp(z[_] / T)", "w[_] * exp(z[_] / T)"], ids=["plain", "weighed"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_mask_by_any_comparison_takes_extreme_scores(condition: str, term: str, target: str) -> None:
    p = load(own("masked", masked_by(condition, term)), target, "masked").masked
    w = np.array([1.0, 0.0, 1.0, 1.0])
    for left_out in (0.0, 1e30, np.inf, np.nan):
        z = np.array([[800.0, left_out, 799.0, -900.0], [-1e4, left_out, -1e4, -np.inf]])
        power = np.exp(np.where(w == 1, z, -np.inf) / 0.5 - np.max(z[:, w == 1] / 0.5, axis=1, keepdims=True))
        np.testing.assert_allclose(p(z, w, 0.5), power / power.sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("term", ["exp(z[_] / T)", "w[_] * exp(z[_] / T)"], ids=["plain", "weighed"])
def test_its_derivatives_are_right_as_well(term: str) -> None:
    checks = verify(own("masked", masked_by("w[{}] > 0", term)), "numpy")
    assert len(checks) > 100
    assert [each for each in checks if not each.ok] == []


def test_weights_that_are_left_within_a_condition_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With where(c, w exp(u), 0) as it is, exp(u) is a term of no sum."""
    from symderiv.kernels import groups, stabilise

    for module_of in (groups, stabilise):
        monkeypatch.setattr(module_of, "with_powers_apart", lambda node, _: node)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = verify(own("masked", masked_by("w[{}] > 0", "w[_] * exp(z[_] / T)")), "numpy")
    assert not all(each.ok for each in checks)


MASKED_BY_A_LABEL = """
index i, k : K
input z[K]
label y : K
batch z, y
p[i] = where(i <= y, exp(z[i]), 0) / sum(k, where(k <= y, exp(z[k]), 0))
upstream L(p)
derive d(L, z[i])
"""


@pytest.mark.parametrize("target", TARGETS)
def test_a_mask_that_a_label_tells(target: str) -> None:
    """As of sequences of several lengths: the label is their last place."""
    made = own("lengths", MASKED_BY_A_LABEL)
    p = load(made, target).lengths
    z = np.array([[1e4, 1e4 + 1, 3e4], [5.0, 1e4, 1e4], [0.0, 0.0, 0.0]])
    share = math.e / (1 + math.e)
    expected = [[1 - share, share, 0], [1, 0, 0], [1 / 3, 1 / 3, 1 / 3]]
    np.testing.assert_allclose(p(z, np.array([1, 0, 2])), expected, rtol=1e-9)
    checks = verify(made, target, large=False, dtypes=dtypes_of(target))
    assert [str(check) for check in checks if not check.ok] == []
    assert {check.kind for check in checks} >= {"ties", "up to 1e4", "near 1e4"}


def test_rewrites_are_compared_where_a_label_tells_and_where_there_is_a_value() -> None:
    place, other = Index("i", "K"), Index("k", "K")
    label, z = Entry("y", ()), Entry("z", (place,))
    told = Where(Compare("<=", place, label), z, ZERO)
    assert same_value(told, Where(Compare(">=", label, place), z, ZERO), {}, {})
    assert not same_value(told, Where(Compare("<", place, label), z, ZERO), {}, {})
    assert not same_value(told, z, {}, {})
    # At the first place the sum is empty, at all others it is not.
    empty = Power(Sum(other, ONE, Compare("<", other, place)), MINUS_ONE)
    assert same_value(empty, Power(Sum(other, ONE, Compare(">", place, other)), MINUS_ONE), {}, {})
    assert not same_value(empty, Power(Sum(other, ONE, Compare("<=", other, place)), MINUS_ONE), {}, {})
    assert not same_value(z, empty, {}, {})


def test_what_has_no_value_anywhere_says_so() -> None:
    """Of the smallest weight the sum is empty, at every size, and each gradient needs all shares."""
    text = """
index i, j : N
input x[N], w[N], v[N]
K[i, j] = where(w[i] > w[j], exp(x[i] - x[j]), 0)
y[i] = sum(j, K[i, j] * v[j]) / sum(j, K[i, j])
upstream L(y)
derive d(L, x[i])
"""
    with pytest.raises(KernelError, match="no value at any place"):
        emit(own("nowhere", text))
