"""Scores that are compared with their mean: large ones lose no digits."""

from __future__ import annotations

import numpy as np
import pytest

from symderiv import catalog
from symderiv.kernels import centred
from symderiv.kernels.emit import compile_function, emit
from symderiv.kernels.errors import KernelError
from symderiv.notation.reader import read_problem


def test_the_slope_by_temperature_of_large_scores() -> None:
    """In float32 near 10^4 the slope is as exact as for the same scores near 0."""
    forward = compile_function(catalog.load("softmax_temperature"), "numpy", "softmax_temperature")
    slope = compile_function(catalog.load("softmax_temperature"), "numpy", "softmax_temperature_jacobian_T")
    scores = (10_000 + np.random.default_rng(3).normal(0, 3, 6)).astype(np.float32)
    exact = scores.astype(np.float64) - float(scores.max())
    p = np.exp(exact / 2) / np.exp(exact / 2).sum()
    wanted = p * ((exact * p).sum() - exact) / 4
    got = slope(scores, np.float32(2), forward(scores, np.float32(2)))
    assert np.abs(np.ravel(got) - wanted).max() < 4e-6 * np.abs(wanted).max()


@pytest.mark.parametrize(
    "formula",
    [
        "sum(k, z[k] * w[k]) - z[i]",  # w does not add up to 1
        "sum(k, z[k] * p[k]) - 2 * z[i]",
        "sum(k, z[k] * p[k]) + z[i]",
    ],
)
def test_other_differences_are_left_alone(formula: str) -> None:
    text = f"""
index i, k : K
input z[K], w[K]
p[i] = exp(z[i]) / sum(k, exp(z[k]))
y[i] = {formula}
"""
    assert "z_max" not in emit(read_problem(text, "other"), "numpy")


def test_a_wrong_total_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centred, "_adds_up", lambda share, index: True)
    text = """
index i, k : K
input z[K]
p[i] = 2 * exp(z[i]) / sum(k, exp(z[k]))
y[i] = sum(k, z[k] * p[k]) - z[i]
"""
    with pytest.raises(KernelError, match="changed the value"):
        emit(read_problem(text, "wrong"), "numpy")
