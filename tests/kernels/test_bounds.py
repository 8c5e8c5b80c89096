"""Bounds on rounding: where none is known, nothing is blamed for it; what they allow library functions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from symderiv.expression.functions import call
from symderiv.expression.nodes import Entry
from symderiv.kernels import verify as verification
from symderiv.kernels.accuracy import Bounded, ErrorOracle
from symderiv.kernels.checker import Checker
from symderiv.kernels.emit import emit
from symderiv.kernels.meaning import Meaning
from symderiv.kernels.reference import error_of
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import Check, verify, verify_source
from tests.kernels.emitted import load, own

EPS = 2.0**-52


def wrong(checks: list[Check]) -> list[str]:
    return [str(check) for check in checks if not check.ok]


def test_what_is_divided_by_what_may_be_0_has_no_bound() -> None:
    assert (1 / Bounded(0.0)).value == math.inf  # exactly 0, as floating point has it
    assert (1 / Bounded(-0.0)).value == -math.inf
    for vanishing in (Bounded(0.0, 1.0), Bounded(1e-16, 1.0), Bounded(-1e-16, 1.0)):
        unknown = 1 / vanishing
        assert unknown.error == math.inf
        for made in (unknown + Bounded(1.0), Bounded(0.0) * unknown, 0 * unknown, -unknown, 1 / unknown):
            assert made.error == math.inf
        with pytest.raises(ArithmeticError, match="without a bound"):
            max(unknown, Bounded(1.0))
    # A bound that is not to first order only: 1 / x is at most 1 / (4 - 1) of its value off.
    assert (1 / Bounded(4 * EPS, 1.0)).error == pytest.approx(1 / (3 * 4 * EPS**2), rel=1e-6)


@pytest.mark.parametrize("axis", ["z[i]", "z[i] - z[1]"])
def test_the_analysis_of_rounding_is_not_taken_for_an_error_of_the_function(axis: str) -> None:
    made = own(
        "shares",
        f"""
index i, k : K
input z[K]
batch z
p[i] = exp({axis}) / sum(k, exp(z[k] - (z[i] - ({axis}))))
c[i] = 1 / (1 / 2 - p[i]) + 1 / p[i]
""",
    )
    assert not wrong(verify(made, "numpy"))


def test_a_function_of_which_no_bound_is_known_is_not_called_right(monkeypatch: pytest.MonkeyPatch) -> None:
    made = own("sines", "index i : K\ninput x[K]\nbatch x\ny[i] = sin(x[i])\n")
    assert not wrong(verify(made, "numpy"))
    monkeypatch.setattr(Meaning, "bound", lambda *_: math.inf)
    checks = verify(made, "numpy")
    assert [each.detail for each in checks if not each.ok] == [verification._NO_BOUND]
    assert any(str(each).endswith("N(0, 3): no bound is known, ok") for each in checks)
    # What is not finite there is wrong all the same.
    text = emit(made, "numpy").replace("np.sin(x, out=out)", "out[...] = np.nan")
    assert any("is nan" in each for each in wrong(verify_source(made, "numpy", text)))


@pytest.mark.parametrize(
    ("name", "exact", "python"),
    [
        ("log_gamma", mpmath.loggamma, math.lgamma),
        ("gamma", mpmath.gamma, math.gamma),
        ("digamma", mpmath.digamma, None),
    ],
)
def test_bounds_of_gamma_and_of_its_logarithm_hold(name: str, exact: Any, python: Any) -> None:
    digamma = own("slope", "index n : N\ninput x[N]\nbatch x\ny[n] = log(gamma(x[n]))\nderive d(y[n], x[n])")
    module = load(digamma, "numpy")
    # Among them those that were off by most among thousands.
    rough = [-4.65671028119461, 1.467254519969161, 0.9971367107621228, -3.147840578992742, 2.0890493973034614]
    spread = [float(each) for each in np.random.default_rng(5).uniform(-6, 40, 400)]
    places = [each for each in (*rough, *spread) if name != "log_gamma" or each > 0 or 0 < each % 2 < 1]
    found = [python(each) for each in places] if python else module._digamma(np.array(places))
    errors = ErrorOracle({}, {}, (), "float64")
    nearest = 0.0
    for place, value in zip(places, found, strict=True):
        errors.arrays["x"] = {(): errors.kind(place)}
        bound = errors.evaluate(call(name, Entry("x", ()))).error
        with mpmath.workdps(40):
            true = exact(place).real
            off = float(abs(true - mpmath.mpf(float(value)))) / EPS
        assert off <= bound, place
        assert bound <= 100 + 11 * abs(float(true)), place
        nearest = max(nearest, off / bound)
    assert nearest > 0.1  # and are not far from what happens


def test_gamma_that_is_too_large_is_infinite() -> None:
    made = own(
        "large", "index i, k : K\ninput x[K]\nbatch x\ny[i] = gamma(1 + exp(x[i]))\nderive d(y[i], x[k])\n"
    )
    assert not wrong(verify(made, "numpy"))


def test_what_stands_for_infinity_may_be_that_number_too() -> None:
    reference = mpmath.mpf(10) ** 60
    assert error_of(math.inf, reference, 1e308) == (0.0, 1.0)
    assert error_of(1e60, reference, 1e308)[0] < 1e45
    assert error_of(-math.inf, reference, 1e308)[0] == math.inf
    assert error_of(3e38, reference, 3.4e38)[0] == math.inf
    assert Fraction(error_of(2e60, reference, 1e308)[0]) > 10**59


UNUSED = """
index i, k : K
input x[K], w[K]
batch x
loss L
L = sum(i, exp(x[i]))
derive d(L, w[k])
derive d(L, x[k])
"""


@pytest.mark.parametrize("target", ["numpy", "c"])
def test_a_derivative_by_what_the_value_does_not_use_is_verified_to_be_0(target: str) -> None:
    made = own("unused", UNUSED)
    checks = verify(made, target, large=False)
    assert {each.function for each in checks} == {each.name for each in functions_of(made)}
    assert not wrong(checks)


def test_an_axis_over_all_pairs_of_which_there_are_sums_is_less_long() -> None:
    text = "index i, k : K\ninput z[K]\nbatch z\nloss L\nL = sum(i, {})\n"
    for body, longest in {
        "sum(k != i, 1 / (z[i] - z[k])^2)": 100,
        "exp(z[i]) / sum(k, exp(z[k]))": 1000,
    }.items():
        made = own("pairs", text.format(body))
        (spec,) = functions_of(made)
        found = [each.sizes["K"] for each in Checker(made, spec, {}, {}, {}).trials(large=True)]
        assert max(found) == longest
        assert [size for size in found if size > 50]
