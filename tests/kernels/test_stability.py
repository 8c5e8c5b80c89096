"""Extreme scores, and the rewrites that make them safe."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest

from symderiv.expression.construct import multiply, number
from symderiv.expression.functions import call
from symderiv.expression.nodes import Definition, Entry, Index, Sum
from symderiv.expression.oracle import Oracle, multiprecision
from symderiv.kernels.errors import KernelError
from symderiv.kernels.rewrite_check import same_value
from symderiv.kernels.stabilise import Stabiliser
from tests.kernels.emitted import module, problem

TARGETS = ("numpy", "numba")
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
    p = module("softmax", target).softmax(np.array([scores, good]))
    assert np.isnan(p[0]).all()
    assert np.isfinite(p[1]).all()


def stabiliser() -> Stabiliser:
    return Stabiliser({}, {"z"})


def test_logarithm_of_sum_is_shifted() -> None:
    rewriter = stabiliser()
    assert rewriter.rewrite(call("log", TOTAL)) != call("log", TOTAL)
    assert {"m", "e", "s", "log_s"} <= set(rewriter.added)


def test_degree_must_be_zero() -> None:
    """exp(z_i) · S is not a share: e^m would not cancel, so it is left alone."""
    tree = multiply(call("exp", Z_I), TOTAL)
    assert stabiliser().rewrite(tree) == tree


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
