"""Extreme scores, and the rewrites that make them safe."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest

from symderiv.expression.construct import add, multiply, negate, number
from symderiv.expression.functions import call
from symderiv.expression.nodes import Definition, Entry, Index, Sum
from symderiv.expression.oracle import Oracle, multiprecision
from symderiv.kernels import logistic, lowering
from symderiv.kernels.emit import emit
from symderiv.kernels.errors import KernelError
from symderiv.kernels.rewrite_check import same_value
from symderiv.kernels.stabilise import Stabiliser
from symderiv.kernels.verify import verify
from tests.kernels.emitted import dtypes_of, load, module, own, problem

TARGETS = ("numpy", "numba", "c")
HUGE = np.float32(3e38)
PLACE, K = Index("i", "K"), Index("k", "K")
Z_I, Z_K = Entry("z", (PLACE,)), Entry("z", (K,))
TOTAL = Sum(K, call("exp", Z_K))


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def reference(name: str, array: str, values: list[float]) -> list[float]:
    """The definition's value by the oracle, in 50 digits, of one sample."""
    digits = multiprecision(50)
    table = {(place,): digits.from_fraction(Fraction(value)) for place, value in enumerate(values)}
    oracle = Oracle({"K": len(values)}, {"z": table}, problem(name).definitions, None, digits)
    return [float(oracle.entry(array, (place,))) for place in range(len(values))]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "scores",
    [
        [HUGE, -HUGE, 0.0],
        [-HUGE, -HUGE, -HUGE],
        [HUGE, HUGE, HUGE],
        [1e4, 1e4, -1e4],
        [7.0],
        [88.0, 89.0, 90.0],
    ],
    ids=str,
)
def test_any_finite_scores(target: str, scores: list[float]) -> None:
    z = np.array(scores, np.float32)
    p = module("softmax", target).softmax(z)
    np.testing.assert_allclose(p, reference("softmax", "p", [float(each) for each in z]), rtol=1e-5)
    value = module("cross_entropy_label", target).cross_entropy_label(z, np.int64(0))
    assert float(value) == pytest.approx(-math.log(p[0]) if p[0] else math.inf, rel=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_scores_of_minus_infinity(target: str) -> None:
    z = np.array([[0.5, -np.inf, 1.5], [-np.inf, -np.inf, 2.0]])
    p = module("softmax", target).softmax(z)
    assert p[0, 1] == 0
    assert p[1].tolist() == [0, 0, 1]
    t = np.array([[0.25, 0, 0.75], [0, 0, 1.0]])
    value, dz = module("cross_entropy", target).cross_entropy_value_and_gradient(z, t, reduction="sum")
    expected = math.log(1 + math.e) - 0.75
    assert value == pytest.approx(expected)
    np.testing.assert_allclose(dz, p - t)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scores", [[-np.inf, -np.inf], [np.inf, 0.0], [np.nan, 0.0]], ids=str)
def test_what_has_no_value_is_nan(target: str, scores: list[float]) -> None:
    good = np.array([0.0, 1.0])
    for rows in (2, 35):  # one by one, and in a block of them
        z = np.array([scores, *[good] * (rows - 1)])
        p = module("softmax", target).softmax(z)
        assert np.isnan(p[0]).all()
        assert np.isfinite(p[1:]).all()
        y = np.zeros(rows, np.intp)
        losses = module("cross_entropy_label", target).cross_entropy_label(z, y, reduction="none")
        assert np.isnan(losses[0])
        assert np.isfinite(losses[1:]).all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", [3, 17, 100])
def test_one_nan_anywhere_makes_its_sample_nan_and_no_other(target: str, size: int) -> None:
    """Maxima may take anything for NaN; what is made of the sample may not."""
    rng = np.random.default_rng(size)
    z = rng.normal(size=(35, size))
    spoilt = {row: int(rng.integers(size)) for row in (0, 1, 13, 31, 32, 34)} | {7: 0, 8: size - 1}
    for row, place in spoilt.items():
        z[row, place] = np.nan
    expected = np.zeros(35, bool)
    expected[list(spoilt)] = True
    p = module("softmax", target).softmax(z)
    assert (np.isnan(p) == expected[:, None]).all()
    losses = module("cross_entropy_label", target).cross_entropy_label(
        z, np.zeros(35, np.intp), reduction="none"
    )
    assert (np.isnan(losses) == expected).all()


def stabiliser() -> Stabiliser:
    return Stabiliser({}, {"z"})


def test_logarithm_of_sum_is_shifted() -> None:
    rewriter = stabiliser()
    assert rewriter.rewrite(call("log", TOTAL)) != call("log", TOTAL)
    assert {"m", "e", "s", "log_s"} <= set(rewriter.added)


def test_what_does_not_cancel_goes_into_the_exponential() -> None:
    """exp(z_i) · S is not a share: e^m does not cancel. It is s · exp(z_i + m), finite where S may not be."""
    found = stabiliser().rewrite(multiply(call("exp", Z_I), TOTAL))
    assert found == multiply(Entry("s"), call("exp", add(Z_I, Entry("m"))))


def test_wrong_rewrite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rewriter = stabiliser()
    right = Stabiliser._log

    def wrong(self: Stabiliser, node: object) -> object:
        found = right(self, node)  # type: ignore[arg-type]
        return multiply(number(2), found) if found is not None else None

    monkeypatch.setattr(Stabiliser, "_log", wrong)
    with pytest.raises(KernelError, match="changed the value"):
        rewriter.rewrite(call("log", TOTAL))


def test_check_of_rewrites_sees_a_lost_term() -> None:
    definitions = {"s": Definition("s", (), TOTAL)}
    assert same_value(call("log", TOTAL), call("log", Entry("s")), definitions, definitions)
    shorter = Sum(K, call("exp", multiply(number(2), Z_K)))
    assert not same_value(call("log", TOTAL), call("log", shorter), definitions, definitions)


# -- logarithms of sigmoids -----------------------------------------------------------------

#: Binary cross-entropy, with the sigmoid as it is and under a name.
DIRECT = """
index k : K
input z[K], t[K]
batch z, t
loss L
L = -sum(k, t[k] * log(sigmoid(z[k])) + (1 - t[k]) * log(1 - sigmoid(z[k])))
derive d(L, z[k])
"""
NAMED = """
index i, j, k : K
input z[K], t[K]
batch z, t
loss L
p[i] = sigmoid(z[i])
L = -sum(k, t[k] * log(p[k]) + (1 - t[k]) * log(1 - p[k]))
derive d(L, z[k])
derive d(L, z[i], z[j])
"""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("text", [DIRECT, NAMED], ids=["direct", "named"])
def test_binary_cross_entropy_of_large_scores(text: str, target: str, dtype: type) -> None:
    both = load(own("bce", text), target).bce_value_and_gradient
    for z, t, value, slope in (
        (38.0, 0, 38.0, 1.0),
        (-1000.0, 1, 1000.0, -1.0),
        (1000.0, 1, 0.0, 0.0),
        (-1e4, 0, 0.0, 0.0),
        (1e4, 0.25, 7500.0, 0.75),
    ):
        got, gradient = both(np.array([[z]], dtype), np.array([[t]], dtype))
        assert got.dtype == gradient.dtype == dtype
        assert float(got) == pytest.approx(value, rel=1e-6)
        assert gradient[0, 0] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("text", [DIRECT, NAMED], ids=["direct", "named"])
def test_binary_cross_entropy_is_verified_where_it_saturates(text: str, target: str) -> None:
    checks = verify(own("bce", text), target, large=False, dtypes=dtypes_of(target))
    assert not [str(check) for check in checks if not check.ok]
    assert {"near ±1e2", "near ±1e3"} <= {check.kind.split(",")[0] for check in checks}


def test_verification_finds_logarithms_that_are_not_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowering, "rewrite_logistic", lambda node, definitions: node)
    for number_, text in enumerate((DIRECT, NAMED)):
        checks = verify(own(f"unstable_{number_}", text), "numpy", large=False)
        found = {(check.function, check.dtype) for check in checks if not check.ok and "near" in check.kind}
        assert {(f"unstable_{number_}", "float32"), (f"unstable_{number_}", "float64")} <= found


def test_wrong_rewrite_of_a_sigmoid_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "negate", lambda node: node)
    with pytest.raises(KernelError, match="changed the value"):
        logistic.rewrite_logistic(call("log", call("sigmoid", Z_I)), {})


#: The density of a value that tanh has squashed, as of policies with bounded actions.
SQUASHED = """
index i : N
input x[N]
batch x
loss L
a[i] = tanh(x[i])
L = sum(i, log(1 - a[i]^2))
derive d(L, x[i])
"""


@pytest.mark.parametrize("target", TARGETS)
def test_the_logarithm_of_the_slope_of_tanh(target: str) -> None:
    made = own("squashed", SQUASHED)
    both = load(made, target).squashed_value_and_gradient
    for dtype in (np.float32, np.float64):
        for x, value, slope in ((20.0, math.log(4) - 40, -2), (-1e4, math.log(4) - 2e4, 2), (0.0, 0, 0)):
            got, gradient = both(np.array([[x]], dtype))
            assert float(got) == pytest.approx(value, rel=1e-6, abs=1e-6)
            assert gradient[0, 0] == pytest.approx(slope)
    checks = verify(made, target, large=False, dtypes=dtypes_of(target))
    assert not [str(check) for check in checks if not check.ok]
    assert {"near ±1e2", "near ±1e3"} <= {check.kind.split(",")[0] for check in checks}


def test_verification_finds_the_slope_of_tanh_that_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowering, "rewrite_logistic", lambda node, definitions: node)
    checks = verify(own("flat", SQUASHED), "numpy", large=False)
    assert {check.dtype for check in checks if not check.ok and "near" in check.kind} == {
        "float32",
        "float64",
    }


def test_a_wrong_logarithm_of_that_slope_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "_log_of_slope", lambda u: negate(call("softplus", u)))
    with pytest.raises(KernelError, match="changed the value"):
        emit(own("wrong", SQUASHED))


# -- what docstrings promise ----------------------------------------------------------------

SAFE = "Any finite exponents are safe"


def test_safety_is_promised_where_all_exponents_are_shifted() -> None:
    for name in ("softmax", "cross_entropy_label", "softmax_temperature", "logsumexp"):
        assert SAFE in getattr(module(name), name).__doc__


@pytest.mark.parametrize(
    "formula",
    [
        "exp(x[i])",
        "log(x[i]) + exp(x[i]) / sum(k, exp(x[k]))",
        "exp(x[i]) * sum(k, exp(x[k]))",
        "where(x[i] > 0, x[i]^2, 0)",
        "cosh(x[i])",
    ],
)
def test_safety_is_not_promised_elsewhere(formula: str) -> None:
    text = f"index i, j, k : K\ninput x[K]\ny[i] = {formula}\nderive d(y[i], x[j])\n"
    for target in TARGETS:
        source = emit(own("unsafe", text), target)
        ends = ("#ifdef __cplusplus", "unsafe_f64(") if target == "c" else ("\ndef unsafe(", "\ndef unsafe_")
        forward = source[source.index(ends[0]) : source.index(ends[1])]
        assert "Any finite" not in forward
        assert "Any finite values" not in source
