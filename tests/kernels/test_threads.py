"""Several threads share the samples: the same numbers, and the same complaints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.kernels.emitted import module

SAMPLES = 104869  # many blocks, and a rest: with fewer numbers, one thread does it all
SOURCE = np.random.default_rng(11)
Z = SOURCE.normal(0, 3, (SAMPLES, 5))
Y = SOURCE.integers(0, 5, SAMPLES)


class Watched:
    """A pool that notes what it is given."""

    def __init__(self, pool: Any, handed: list[int]) -> None:
        self.pool, self.handed = pool, handed

    def submit(self, function: Any, part: int) -> Any:
        self.handed.append(part)
        return self.pool.submit(function, part)


@pytest.mark.parametrize("threads", [2, 3, 64])
def test_same_numbers(threads: int) -> None:
    softmax, labels = module("softmax", "numba"), module("cross_entropy_label", "numba")
    out = np.full_like(Z, np.nan)
    np.testing.assert_array_equal(softmax.softmax(Z, out=out, threads=threads), softmax.softmax(Z))
    np.testing.assert_array_equal(softmax.softmax(Z, threads=threads), softmax.softmax(Z))
    value, dz = labels.cross_entropy_label_value_and_gradient(Z, Y)
    got, gradient = labels.cross_entropy_label_value_and_gradient(Z, Y, out=out, threads=threads)
    assert got == value
    np.testing.assert_array_equal(gradient, dz)


def test_large_batches_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made, handed = module("softmax", "numba"), []
    monkeypatch.setattr(made, "_POOL", Watched(made._POOL, handed))
    made.softmax(Z, threads=2)
    made.softmax(Z[:1000], threads=2)
    assert len(handed) == 1


def test_few_samples_and_one() -> None:
    softmax = module("softmax", "numba").softmax
    long = SOURCE.normal(0, 3, (3, 180000))
    np.testing.assert_array_equal(softmax(long, threads=2), softmax(long))
    np.testing.assert_array_equal(softmax(long, np.empty_like(long), threads=2), softmax(long))
    np.testing.assert_array_equal(softmax(Z[:3], threads=8), softmax(Z[:3]))
    np.testing.assert_array_equal(softmax(Z[0], threads=8), softmax(Z[0]))


def test_what_does_not_fit_is_told() -> None:
    vjp = module("softmax", "numba").softmax_vjp
    with pytest.raises(ValueError, match="g: expected 104869 places along B, as p has, found 104870"):
        vjp(Z, np.zeros((104870, 5)), out=np.empty_like(Z), threads=2)
    with pytest.raises(ValueError, match="out: expected memory of its own"):
        vjp(Z, np.ones_like(Z), out=Z, threads=2)
    labels = module("cross_entropy_label", "numba").cross_entropy_label
    with pytest.raises(ValueError, match="y: expected labels from 0 to 4, found 5"):
        labels(Z, np.full(SAMPLES, 5), threads=2)
