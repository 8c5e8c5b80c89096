"""Powers in compiled targets: within 1 eps in float32, whole ones multiplied out, and the edges of pow."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from symderiv.kernels.emit import emit, load_source
from tests.kernels.emitted import load, own

PROBLEM = "index i : K\ninput x[K], v[K]\ny[i] = x[i]^v[i]\n"
WHOLE = "index i : K\ninput x[K]\ny[i] = x[i]^4 + x[i]^6/2 + x[i]^7/3 + x[i]^9/5 + x[i]^(-5)\n"
COMPILED = ["numba", "c"]


@cache
def power(target: str) -> Any:
    return load(own("power", PROBLEM), target).power


@pytest.mark.parametrize("target", COMPILED)
def test_error_in_float32(target: str) -> None:
    source = np.random.default_rng(2)
    base = np.exp(source.uniform(-25, 25, 100_000)).astype(np.float32)
    exponent = source.uniform(-3.4, 3.4, base.size).astype(np.float32)
    exact = np.power(base.astype(np.float64), exponent.astype(np.float64))
    error = np.abs(power(target)(base, exponent) / exact - 1) / np.finfo(np.float32).eps
    assert 0.4 < error[(exact > 1.2e-38) & (exact < 3.4e38)].max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", COMPILED)
def test_edges(target: str, dtype: type) -> None:
    edges = [0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 2**24 + 2, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e30]
    base, exponent = (each.ravel() for each in np.meshgrid(*[np.array(edges, dtype)] * 2))
    with np.errstate(all="ignore"):
        expected = np.power(base, exponent)
        found = power(target)(base, exponent)
    np.testing.assert_allclose(found, expected, rtol=2 * float(np.finfo(dtype).eps))
    below = expected < 0
    assert below.any()
    assert np.array_equal(np.signbit(found[below]), below[below])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", COMPILED)
def test_whole_powers(target: str, dtype: type) -> None:
    x = np.random.default_rng(4).uniform(-2, 2, 400).astype(dtype)
    x = x[np.abs(x) > 0.3]
    wide = x.astype(np.float64)
    expected = wide**4 + wide**6 / 2 + wide**7 / 3 + wide**9 / 5 + wide**-5.0
    scale = (
        np.abs(wide) ** 4 + wide**6 / 2 + np.abs(wide) ** 7 / 3 + np.abs(wide) ** 9 / 5 + np.abs(wide) ** -5.0
    )
    found = load(own("powers", WHOLE), target).powers(x)
    assert np.max(np.abs(found - expected) / scale) < 6 * np.finfo(dtype).eps


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("if v == np.float32(0) else size", "if v == np.float32(7) else size"),
        ("np.int32(odd) << np.int32(31)", "np.int32(odd) << np.int32(30)"),
    ],
)
def test_a_fault_shows_at_the_edges(right: str, wrong: str) -> None:
    text = emit(own("power", PROBLEM), "numba")
    assert right in text
    broken = load_source(text.replace(right, wrong), "broken").power
    base = np.array([np.nan, -1, -3, -0.5, -1e30, 0], np.float32)
    exponent = np.array([0, np.inf, 3, 0.5, 0.5, 0], np.float32)
    with np.errstate(all="ignore"):
        assert not np.allclose(broken(base, exponent), np.power(base, exponent), equal_nan=True)
