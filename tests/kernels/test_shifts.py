"""Emitted convolutions against NumPy's own, and against finite differences."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest

from symderiv import parse
from symderiv.kernels.emit import emit
from symderiv.kernels.verify import loaded
from tests.kernels.emitted import module, source


@pytest.mark.parametrize(("n", "k"), [(9, 3), (3, 3), (2, 5), (1, 1)])
def test_convolution_is_numpys_correlation(n: int, k: int) -> None:
    rng = np.random.default_rng(7)
    x, w = rng.normal(size=(4, n)), rng.normal(size=k)
    # Places count from 1: y[i] is w[1] x[i + 1] + w[2] x[i + 2] + ...
    padded = np.concatenate([x[:, 1:], np.zeros((4, k))], axis=1)
    expected = np.array([np.correlate(row, w, mode="valid")[:n] for row in padded])
    for target in ("numpy", "numba"):
        found = module("convolution", target).convolution(x, w)
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("n", "k"), [(9, 3), (2, 5)])
def test_gradients_are_finite_differences(n: int, k: int) -> None:
    rng = np.random.default_rng(8)
    x, w, g = rng.normal(size=(2, n)), rng.normal(size=k), rng.normal(size=(2, n))
    made = module("convolution")

    def loss(x: np.ndarray, w: np.ndarray) -> float:
        return float(np.sum(g * made.convolution(x, w)))

    dw, dx = made.convolution_gradient(x, w, g)
    for found, at, change in (
        (dw, w, lambda step: (x, w + step)),
        (dx, x, lambda step: (x + step, w)),
    ):
        for place in np.ndindex(at.shape):
            step = np.zeros(at.shape)
            step[place] = 1e-3  # the loss is linear in each: no error but that of rounding
            slope = (loss(*change(step)) - loss(*change(-step))) / 2e-3
            assert found[place] == pytest.approx(slope, abs=1e-10)


def test_loops_run_over_the_window_only() -> None:
    """No test stands inside of the loops: they begin and end where the entries exist."""
    code = source("convolution", "numba")
    head = r"for k in range\(max\(0, .*\), min\(K, .*\)\):\n"
    # Places are cast, or the compiler asks at each entry whether they are negative, and makes no vectors.
    assert re.search(head + r" +total \+= w\[_place\(k\)\] \* x\[row, _place\(i \+ k \+ 1\)\]\n", code)
    assert " if 0 <= " not in code


def test_dtype_is_kept() -> None:
    x, w = np.ones((1, 4), dtype=np.float32), np.ones(2, dtype=np.float32)
    for target in ("numpy", "numba"):
        assert module("convolution", target).convolution(x, w).dtype == np.float32


def test_no_array_over_places_and_shifts() -> None:
    """Windows are views: 20 000 places times 200 shifts would be 32 MB, and places of them as much again."""
    made = module("convolution")
    x, w = np.ones((1, 20_000)), np.ones(200)
    made.convolution_gradient(x, w, x)
    tracemalloc.start()
    y = made.convolution(x, w)
    made.convolution_gradient(x, w, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert y[0, 0] == 200
    assert peak < 2_000_000


def test_shifts_by_a_number_are_slices() -> None:
    """A gather over a million places takes 60 times as long, and the places 8 MB."""
    rough = parse(
        "index i : K\ninput x[K]\nL = sum(i, (x[i + 1] - x[i])^2) + sum(i, x[i - 2] * x[i])\nloss L",
        name="rough",
    )
    code = emit(rough, "numpy")
    assert "np.arange" not in code
    x = np.random.default_rng(5).standard_normal(50)
    right = (np.diff(x) ** 2).sum() + (x[2:] * x[:-2]).sum()
    for size, expected in ((50, right), (2, (x[1] - x[0]) ** 2), (1, 0.0)):
        assert loaded(rough, "numpy", code).rough(x[:size]) == pytest.approx(expected, rel=1e-13)
