"""Maxima and minima of computed values: the place where they are taken is found exactly."""

from __future__ import annotations

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.errors import KernelError
from symderiv.kernels.registry import TARGETS
from symderiv.kernels.verify import DTYPES, verify
from tests.kernels.emitted import load, own

MARGIN = """
index i, k : K
input z[K]
label y : K
L = max(k, z[k] + 1 - delta(k, y)) - z[y]
derive d(L, z[i])
"""

BATCHED_MARGIN = """
index i, k : K
input z[K], T
label y : K
batch z, y
loss L
m = max(k, z[k] / T + 1 - delta(k, y))
L = m - z[y]
derive d(L, z[i])
"""

TWICE = """
index a : N
index k : K
input A[N, K], x
L = max(a, max(k, A[a, k] * x)) + min(k, A[1, k] * x + 3)
derive d(L, A[b, j])
"""


@pytest.mark.parametrize("target", TARGETS)
def test_margin_of_one_sample(target: str) -> None:
    """0.3 + 1 - 1 is not 0.3 in floating point, and still the place of the maximum is found."""
    module = load(own("extrema", MARGIN), target)
    rng = np.random.default_rng(11)
    assert module.extrema_gradient_z(np.array([0.3, -5.0]), np.int64(0)).tolist() == [0, 0]
    for _ in range(200):
        z, y = rng.normal(size=3), rng.integers(3)
        u = z + 1 - np.eye(3)[y]
        expected = np.eye(3)[np.argmax(u)] - np.eye(3)[y]
        assert module.extrema_gradient_z(z, y).tolist() == expected.tolist()


@pytest.mark.parametrize("text", [MARGIN, BATCHED_MARGIN, TWICE])
@pytest.mark.parametrize("target", TARGETS)
def test_extrema_are_right(text: str, target: str) -> None:
    dtypes = ("float64",) if target == "numba" else DTYPES  # each is compiled by itself
    checks = verify(own("extrema", text), target, large=False, dtypes=dtypes)
    assert checks
    assert not [str(check) for check in checks if not check.ok]


def test_comparison_that_could_not_hold_is_refused() -> None:
    text = "input z[K], c\ny = where(c == max(k, z[k] + 1), c^2, c)\nderive d(y, c)\n"
    with pytest.raises(KernelError, match="A max over k can be compared for equality only with"):
        emit(own("never", text))
