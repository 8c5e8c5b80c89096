"""Exponentials over a sum that they are no terms of: the slope by a weight, odds, what a mask leaves out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np
import pytest

from symderiv.expression.nodes import Expression
from symderiv.kernels import groups, stabilise, totals
from symderiv.kernels.emit import emit
from symderiv.kernels.errors import KernelError
from symderiv.kernels.groups import Use
from symderiv.kernels.reference import error_of
from symderiv.kernels.verify import verify
from tests.kernels.emitted import dtypes_of, load, own

TARGETS = ("numpy", "numba", "c")
HEAD = "index i, j, k : K\ninput z[K]\nbatch z\n"
WEIGHED = "index i, j, k : K\ninput z[K], w[K], c\nbatch z\n"
LABELLED = "index i, j, k : K\ninput z[K]\nlabel y : K\nbatch z, y\n"
BY_WEIGHT = "derive d(p[i], z[j])\nderive d(p[i], w[j])\n"
PROBLEMS = {
    "logarithm, by its weights": WEIGHED
    + "loss L\nL = log(sum(k, w[k] * exp(z[k])))\nderive d(L, z[i])\nderive d(L, w[i])\n",
    "with a constant": WEIGHED + "loss L\nL = log(c^2 + sum(k, w[k] * exp(z[k])))\nderive d(L, z[i])\n"
    "derive d(L, w[i])\nderive d(L, c)\n",
    "share, by its weights": WEIGHED + "p[i] = w[i] * exp(z[i]) / sum(k, w[k] * exp(z[k]))\n" + BY_WEIGHT,
    "share with a constant": WEIGHED
    + "p[i] = w[i] * exp(z[i]) / (c^2 + sum(k, w[k] * exp(z[k])))\n"
    + f"{BY_WEIGHT}derive d(p[i], c)\n",
    "share under a name": WEIGHED + "e[i] = w[i] * exp(z[i])\np[i] = e[i] / sum(k, e[k])\n" + BY_WEIGHT,
    "second derivatives": "index i, j, k : K\ninput z[K], v[K]\nbatch z, v\nloss L\n"
    "L = sum(k, v[k] * exp(z[k])) / (1 + sum(k, exp(z[k])))\nderive d(L, z[i])\nderive d(L, z[i], z[j])\n",
    "odds": HEAD + "p[i] = exp(z[i]) / sum(k != i, exp(z[k]))\nderive d(p[i], z[j])\n",
    "odds with one term more": HEAD
    + "p[i] = exp(z[i]) / (1 + sum(k != i, exp(z[k])))\nupstream L(p)\nderive d(L, z[i])\n",
    "what a mask leaves out": LABELLED + "p[i] = exp(z[i]) / sum(k != y, exp(z[k]))\nderive d(p[i], z[j])\n",
    "one sum over another": "index i, j, k : K\ninput z[K], a[K]\nbatch z, a\n"
    "p = sum(i, exp(a[i])) / sum(k, exp(z[k]))\nderive d(p, z[j])\nderive d(p, a[j])\n",
    "other scores": "index i, j, k : K\ninput z[K], a[K]\nbatch z, a\n"
    "p[i] = exp(a[i]) / sum(k, exp(z[k]))\nderive d(p[i], z[j])\nderive d(p[i], a[j])\n",
    "over a square": LABELLED
    + "p[i] = where(i != y, exp(2 * z[i]), 0) / sum(k != y, exp(z[k]))^2\nderive d(p[i], z[j])\n",
    "of one's own class": "index i, j, k : N\nindex c : C\ninput z[N]\nlabel g[N] : C\n"
    "p[i] = exp(z[i]) / sum(k, where(g[k] == g[i], exp(z[k]), 0))\nderive d(p[i], z[j])\n",
}
MARGIN = LABELLED + "loss L\nL = log(1 + sum(k != y, exp(z[k] - z[y])))\nderive d(L, z[i])\n"


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    ("name", "target"),
    [
        *((name, "numpy") for name in PROBLEMS),
        ("share, by its weights", "c"),
        ("odds with one term more", "c"),
        ("share, by its weights", "numba"),
    ],
)
def test_verified_at_large_scores(name: str, target: str) -> None:
    checks = verify(own("beside", PROBLEMS[name]), target, large=False, dtypes=dtypes_of(target))
    assert [str(check) for check in checks if not check.ok] == []
    functions = {check.function for check in checks}
    assert {check.function for check in checks if check.kind.startswith("near 1e4")} == functions


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_odds_are_infinite_where_they_are_too_large_only(target: str, dtype: type) -> None:
    p = load(own("odds", PROBLEMS["odds"]), target).odds
    with np.errstate(over="ignore"):
        for scores, expected in (
            ([1e4, 1e4, -1e4], [1, 1, 0]),
            ([-1e4, -1e4, -1e4], [0.5, 0.5, 0.5]),
            ([0, 0, 1e4], [0, 0, math.inf]),
            ([-1e4, -1e4 + 1, -2e4], [math.exp(-1), math.e, 0]),
        ):
            np.testing.assert_allclose(p(np.array(scores, dtype)), expected, rtol=1e-6)


def spoilt(name: str) -> set[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = verify(own("spoilt", PROBLEMS[name]), "numpy", large=False)
    return {check.function.removeprefix("spoilt") for check in checks if not check.ok}


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("logarithm, by its weights", {"_value_and_gradient"}),
        ("share with a constant", {"_jacobian_w", "_vjp", "_jvp"}),
        ("odds", {""}),
        ("of one's own class", {""}),
    ],
)
def test_exponentials_that_are_no_terms_are_found_wrong_as_they_are(
    name: str, functions: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stabilise.Stabiliser, "_beside_totals", lambda self, node: None)
    assert functions <= spoilt(name)


def test_sums_of_different_degrees_are_found_wrong_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stabilise.Stabiliser, "_multiplied_out", lambda self, node: None)
    assert spoilt("over a square") == {"_jacobian_z", "_vjp", "_jvp"}


def test_a_total_with_all_signs_turned_is_that_total(monkeypatch: pytest.MonkeyPatch) -> None:
    made = own("turned", PROBLEMS["second derivatives"])
    exponentials = emit(made).count("np.exp(")
    monkeypatch.setattr(stabilise, "with_signs_before", lambda node: node)
    assert emit(made).count("np.exp(") > exponentials
    monkeypatch.setattr(stabilise.Stabiliser, "_multiplied_out", lambda self, node: None)
    assert spoilt("second derivatives") == {"_hvp"}


def test_exponentials_that_are_not_shifted_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = groups.Groups.less

    def wrong(self: groups.Groups, power: Expression, counts: Mapping[Use, int]) -> Expression:
        return right(self, power, dict.fromkeys(counts, 2))

    monkeypatch.setattr(groups.Groups, "less", wrong)
    for name in ("odds", "share, by its weights"):
        with pytest.raises(KernelError, match="changed the value"):
            emit(own("wrong", PROBLEMS[name]))


# -- 1 and what is small --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_log_of_one_and_little_keeps_its_digits(target: str, dtype: type) -> None:
    losses = load(own("margin", MARGIN), target).margin
    eps = float(np.finfo(dtype).eps)
    for scores, label, expected in (
        ([0, -60, -61], 0, math.log1p(math.exp(-60) + math.exp(-61))),
        ([1e4, 1e4 - 30, -1e4], 0, math.log1p(math.exp(-30))),
        ([0, 0, 0], 1, math.log(3)),
        ([0, 5, -5], 0, math.log(1 + math.exp(5) + math.exp(-5))),
        ([0, 1e4, 1e4], 0, 1e4 + math.log(2)),
        ([1e4, -1e4, -1e4], 0, 0.0),
        ([3.0], 0, 0.0),
    ):
        found = losses(np.array([scores], dtype), np.array([label]), reduction="none")
        # The exponent -60 is rounded, so that its exponential is off by 60 eps.
        np.testing.assert_allclose(found, [expected], rtol=100 * eps)


def test_with_its_logarithm_as_of_any_sum_the_digits_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals.Group, "is_one_and_more", False)
    losses = load(own("absolute", MARGIN), "numpy").absolute
    assert losses(np.array([[0.0, -60.0, -61.0]]), np.array([0]), reduction="none") == [0.0]


# -- verification ---------------------------------------------------------------------------


def test_large_references_are_met_by_themselves_or_by_infinity() -> None:
    """Beyond 1e50 a reference may stand for infinity, but need not."""
    largest = float(np.finfo(np.float64).max)
    assert error_of(1e200, 1e200, largest)[0] == 0
    assert error_of(math.inf, 1e200, largest)[0] == 0
    assert error_of(2e200, 10**200, largest)[0] > 1e199
    assert error_of(-math.inf, 10**200, largest)[0] == math.inf
    assert error_of(1e300, 10**400, largest)[0] == math.inf
    assert error_of(math.inf, 10**400, largest)[0] == 0


def test_what_is_made_of_a_saved_value_out_of_range_is_not_judged() -> None:
    checks = verify(own("odds", PROBLEMS["odds with one term more"]), "numpy", large=False)
    judged = {(check.function, check.dtype) for check in checks if check.kind.startswith("up to 1e4")}
    assert ("odds", "float32") in judged
    assert ("odds_gradient", "float32") not in judged
