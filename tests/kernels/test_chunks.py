"""Long rows by chunks: the same values as in one piece, whatever stands in which chunk."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symderiv.kernels import chunk_shares
from symderiv.kernels.chunks import chunked, chunked_axes
from symderiv.kernels.emit import emit
from symderiv.kernels.loading import load_source
from symderiv.kernels.loop_program import LoopProgram
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.numba_chunks import limits
from symderiv.kernels.schedule import schedule
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import in_small_chunks
from symderiv.problem import Problem
from tests.kernels.emitted import module as emitted
from tests.kernels.emitted import own, problem, source


def program(text: Problem, function: str) -> LoopProgram:
    spec = next(each for each in functions_of(text) if each.name == function)
    return schedule(lower_function(spec))


#: Everything that exponentials can be needed for: at their places, at a label, with weights, in a power.
OWN = """
index i, k : K
input z[K], w[K], T
label y : K
batch z, w, y
p[i] = exp(z[i] / T) / sum(k, exp(z[k] / T))
q[i] = p[i]^2 * w[i] - p[y] * w[y] + sum(k, w[k]^2 * p[k]) + sum(k, p[k] * w[k])
"""


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("softmax", "softmax"),
        ("log_softmax", "log_softmax"),
        ("logsumexp", "logsumexp_vjp"),
        ("cross_entropy_label", "cross_entropy_label_value_and_gradient"),
        ("label_smoothing", "label_smoothing_value_and_gradient"),
        ("distillation", "distillation_value_and_gradient"),
        ("softmax_temperature", "softmax_temperature"),
        ("entropy", "entropy"),
    ],
)
def test_what_takes_exponentials_behind_a_maximum_is_done_by_chunks(name: str, function: str) -> None:
    found = chunked(program(problem(name), function))
    assert found is not None
    assert len(chunked_axes(found)) == 1


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("softmax", "softmax_vjp"),  # there is no maximum
        ("softmax_temperature", "softmax_temperature_vjp"),  # one that no exponential is taken behind
        ("log_softmax", "log_softmax_jacobian_z"),  # a matrix for each sample takes far longer
    ],
)
def test_what_does_not_is_left_alone(name: str, function: str) -> None:
    assert chunked(program(problem(name), function)) is None


def small(text: str) -> ModuleType:
    """An emitted module whose chunks have 2 numbers in float32 and 1 in float64."""
    return load_source(in_small_chunks(text, "numba"), "small")


@cache
def module(name: str) -> ModuleType:
    return small(source(name, "numba"))


def rows(dtype: str) -> Any:
    """Rows of 7 scores of every kind: what is large or infinite stands in any of the chunks."""
    largest, infinite = 3e38, np.inf
    found = [
        [1, 2, 3, 4, 5, 6, 7],
        [7, 6, 5, 4, 3, 2, 1],
        [-infinite, -infinite, -infinite, 1, 2, -infinite, 0],
        [-infinite, -infinite, -infinite, -infinite, -infinite, -infinite, 3],
        [5, -infinite, -infinite, -infinite, -infinite, -infinite, -infinite],
        [-largest, -largest, 0, largest, -largest, largest, 1],
        [largest, -largest, -largest, -infinite, -largest, -largest, -largest],
        [-largest] * 7,
        [1e4, -1e4, 9999, 0, 9990, 1e4, -1e4],
        [-infinite] * 7,
        [1, 2, infinite, 4, 5, 6, 7],
        [1, 2, 3, 4, 5, 6, infinite],
        [np.nan, 2, 3, 4, 5, 6, 7],
        [1, 2, 3, 4, 5, np.nan, 9],
        [-infinite, -infinite, -infinite, np.nan, -infinite, -infinite, -infinite],
    ]
    return np.array(found, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["softmax", "logsumexp"])
def test_edges_are_those_of_rows_in_one_piece(name: str, dtype: str) -> None:
    z = rows(dtype)
    shape = z.shape if name == "softmax" else z.shape[:1]
    expected, found = np.empty(shape, dtype), np.empty(shape, dtype)
    getattr(module(name), f"_{name}_kernel")(z, expected)
    getattr(module(name), f"_{name}_kernel_by_chunks")(z, found)
    np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps, atol=0)
    bad = [9, 10, 11, 12, 13, 14]
    assert np.isnan(found[bad]).all()
    assert not np.isnan(np.delete(found, bad, axis=0)).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_rows_are_as_near_as_short_ones(dtype: str) -> None:
    plain = emitted("cross_entropy_label", "numba")
    generator = np.random.default_rng(3)
    z = generator.normal(0, 3, (5, 30_001)).astype(dtype)  # the last chunk is a short one
    z[1].sort()  # the largest so far rises in every chunk
    z[2, 12_345] = 900.0
    z[3, :5000] = -np.inf
    assert z[0].nbytes >= plain._LONG_ROW
    y = np.array([0, 30_000, 12_345, 7000, 29_999])
    losses, gradient = np.empty(5, dtype), np.empty_like(z)
    kernel = plain._cross_entropy_label_value_and_gradient_kernel_by_chunks
    kernel(z, y, z.dtype.type(1), losses, gradient)
    less = np.longdouble(z) - np.max(z, axis=1, keepdims=True)
    power = np.exp(less)
    total = power.sum(axis=1)
    expected = power / total[:, None]
    expected[range(5), y] -= 1
    info = np.finfo(dtype)
    loss = np.log(total) - less[range(5), y]
    np.testing.assert_allclose(losses, loss.astype(float), rtol=info.eps, atol=info.eps)
    np.testing.assert_allclose(gradient, expected.astype(float), rtol=40 * info.eps, atol=float(info.tiny))


def both_ways(text: str, name: str) -> tuple[Any, Any]:
    """What the kernels of a user's function make of the same rows, in one piece and by chunks."""
    made = small(text)
    z, w = np.random.default_rng(5).normal(0, 3, (2, 4, 7)).astype("float32")
    found = np.empty((2, 4, 7), "float32")
    for number, kind in enumerate(("kernel", "kernel_by_chunks")):
        getattr(made, f"_{name}_{kind}")(z, w, np.float32(0.5), np.array([0, 6, 3, 2]), found[number])
    return tuple(found)


def test_a_users_own_function_is_the_same_by_chunks() -> None:
    plain, by_chunks = both_ways(emit(own("mixed", OWN), "numba"), "mixed")
    np.testing.assert_allclose(by_chunks, plain, rtol=1e-5, atol=1e-5)


def test_a_share_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With exponentials that are left less the largest of their chunk."""
    monkeypatch.setattr(chunk_shares.Later, "_whole", lambda _, entry, letter: entry)
    plain, by_chunks = both_ways(emit(own("mixed", OWN), "numba"), "mixed")
    assert not np.allclose(by_chunks, plain, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "function", "early"),
    [
        ("softmax", "softmax", True),
        ("cross_entropy_label", "cross_entropy_label", True),  # reads, and writes nothing
        ("cross_entropy_label", "cross_entropy_label_hvp", True),
        ("entropy", "entropy", False),  # keeps exponentials in memory of its own
        ("distillation", "distillation", False),  # so it does with exponents
        ("log_softmax", "log_softmax", False),  # writes its result past the caches
    ],
)
def test_shorter_rows_are_done_by_chunks_where_memory_is_fetched_ahead(
    name: str, function: str, early: bool
) -> None:
    found = chunked(program(problem(name), function))
    assert found is not None
    assert list(limits(found).values()) == [early]


def test_what_a_step_fetches_lies_one_chunk_ahead() -> None:
    """Of what each sample has alone; the arrays of all samples, and those of the kernel, are in a cache."""
    text = emit(own("mixed", OWN), "numba")
    by_chunks = text[text.index("def _mixed_kernel_by_chunks") :]
    assert "for ahead in range(places + first, places + last, line):" in by_chunks
    assert "_fetch(z_part, ahead)" in source("softmax", "numba")
    assert "_fetch_to_write(out_part, ahead)" in source("softmax", "numba")
    weighted = emit(own("weighted", WEIGHTED), "numba")
    assert "_fetch(z_part, ahead)" in weighted
    assert "_fetch(c_part" not in weighted


#: With weights that all samples share.
WEIGHTED = """
index i, k : K
input z[K], c[K]
batch z
p[i] = c[i] * exp(z[i]) / sum(k, c[k] * exp(z[k]))
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1000, 1001, 5120, 8191])
def test_rows_of_some_steps_are_right(dtype: str, size: int) -> None:
    made = emitted("softmax", "numba")
    z = np.random.default_rng(size).normal(0, 3, (3, size)).astype(dtype)
    assert z[0].nbytes >= made._FETCHED_ROW
    found = np.full_like(z, np.nan)
    assert made.softmax(z, out=found) is found
    power = np.exp(np.longdouble(z) - np.max(z, axis=1, keepdims=True))
    expected = (power / power.sum(axis=1, keepdims=True)).astype(float)
    np.testing.assert_allclose(found, expected, rtol=40 * np.finfo(dtype).eps, atol=0)
