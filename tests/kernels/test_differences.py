"""Kernels of distances: sums of differences keep their digits, and arrays keep all of their axes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.verify import verify
from tests.kernels.emitted import dtypes_of, load, own

TARGETS = ("numpy", "numba", "c")
HEAD = """
index i, j, k : N
index d : D
input x[N, D], w[N], v[N], s
batch {batch}
K[i, j] = exp(-sum(d, (x[i, d] - x[j, d])^2))
"""
DENSITY = HEAD.format(batch="x") + "y[i] = where(x[i, 1] > 0, sum(j, K[i, j] * v[j]), 0) + s * w[i]\n"
ENDS = "upstream L(y)\nderive d(L, x[i, d])\nderive d(L, w[i])\nderive d(L, s)\n"
#: Definitions that name more axes than their formulas have.
NARROW = {
    "a choice by a number": ("x", "M[i, j] = where(s > 0, v[j], 0)"),
    "a choice by one of two": ("x, w", "M[i, j] = where(v[i] > 0, 1, 0)"),
    "a choice without axes": ("x", "M[i, j] = where(s > 0, 1, 0) + v[1]"),
    "no sample in it": ("v", "M[i, j] = where(w[i] > 0, v[i], 0)"),
}


def wrong(text: str, target: str) -> list[str]:
    checks = verify(own("rbf", text), target, large=False, dtypes=dtypes_of(target))
    return [str(check) for check in checks if not check.ok]


@pytest.mark.parametrize("target", TARGETS)
def test_the_slope_of_a_density(target: str) -> None:
    assert wrong(DENSITY + ENDS, target) == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_far_points_pull_a_little(target: str, dtype: type) -> None:
    """Σ_j K_ij (x_i - x_j) multiplied out is x_i Σ_j K_ij - Σ_j K_ij x_j: 0, since K_ii = 1 outweighs all."""
    text = "index i, j : N\nindex d : D\ninput x[N, D]\n" + HEAD.splitlines()[-1]
    made = own("far", text + "\nL = sum(i, sum(j, K[i, j]))\nderive d(L, x[i, d])\n")
    found = load(made, target).far_gradient_x(np.array([[1.0, 2.0], [6.0, 2.0]], dtype))
    pull = 4 * 5 * math.exp(-25)
    np.testing.assert_allclose(found, [[pull, 0], [-pull, 0]], rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", NARROW)
def test_an_array_has_all_axes_that_its_definition_names(name: str) -> None:
    batch, mask = NARROW[name]
    text = HEAD.format(batch=batch) + mask + "\ny[i] = s * sum(j, M[i, j] * K[i, j] * w[j])\n"
    assert wrong(text + ENDS, "numpy") == []


def test_a_sum_along_an_axis_that_the_formula_lacks_counts_its_places() -> None:
    text = "index i, j : N\ninput x[N], s\nM[i, j] = where(s > 0, x[i], 0)\ny[j] = sum(i, M[i, j] * x[i])\n"
    made = own("spread", text + "r = sum(i, sum(j, M[i, j]))\nq[j] = y[j] + r\n")
    found = load(made, "numpy").spread(np.array([1.0, 2.0, 4.0]), np.array(1.0))
    np.testing.assert_allclose(found, [42.0, 42.0, 42.0])


def test_a_definition_of_more_axes_than_its_sum() -> None:
    text = "index i, j, k : N\ninput x[N, N], w[N], v[N]\nbatch w\n"
    text += (
        "M[i, j] = sum(k, x[i, k])\ny[i] = sum(j, M[i, j] * w[j]) + v[i]\nupstream L(y)\nderive d(L, w[i])\n"
    )
    for target in TARGETS:
        assert emit(own("sums", text), target)
    assert wrong(text, "numpy") == []
