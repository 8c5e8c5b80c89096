"""Numba kernels of long and of short rows: past the caches, and by blocks of samples."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.loading import load_source
from symderiv.kernels.loop_program import Loop
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.numba_streams import Streamed, streamed, written_only
from symderiv.kernels.schedule import schedule
from symderiv.kernels.specification import functions_of
from symderiv.notation.reader import read_problem
from symderiv.problem import Problem
from tests.kernels.emitted import problem

#: More bytes than the caches are taken for, in rows that begin everywhere within a line of memory.
SAMPLES, PLACES = 811, 2603


def last_pass(text: Problem, function: str) -> Streamed | None:
    """What the last pass of a function is by parts of rows."""
    spec = next(each for each in functions_of(text) if each.name == function)
    found = schedule(lower_function(spec))
    (rows,) = found.body
    assert isinstance(rows, Loop)
    return streamed([each for each in rows.body if isinstance(each, Loop)][-1], written_only(found))


def test_a_pass_that_only_stores_a_result_goes_past_the_caches() -> None:
    parts = last_pass(problem("softmax"), "softmax_vjp")
    assert parts is not None
    assert parts.stored == "@dz"
    assert {row.array for row in parts.rows.values()} == {"@dz", "p", "g"}
    assert all(len(row.indices) == 1 for row in parts.rows.values())


#: It compares the places that it stores.
COMPARING = """
index i : K
input x[K]
label c : K
batch x, c
y[i] = x[i] * (x[i] - delta(i, c))
"""


def test_what_does_more_than_storing_does_not() -> None:
    # The exponentials are kept in the result's row, and read again.
    assert last_pass(problem("softmax"), "softmax") is None
    assert last_pass(read_problem(COMPARING, "comparing"), "comparing") is None
    assert last_pass(problem("gelu"), "gelu") is None  # the work takes longer than the memory


#: One function of each kind, so that little is compiled.
KERNELS = """
index i, k : K
input x[K]
input g[K]
batch x, g
y[i] = g[i] * (x[i] - sum(k, x[k] * g[k]) / K)
"""


@pytest.fixture(scope="module")
def module() -> ModuleType:
    return load_source(emit(read_problem(KERNELS, "weighted"), "numba"), "weighted")


def inputs(samples: int, places: int, dtype: str) -> tuple[Any, Any]:
    source = np.random.default_rng(7)
    x, g = source.normal(size=(2, samples, places)).astype(dtype)
    return x, g


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shift", [0, 4, 5, 40])
def test_large_results_are_those_of_the_samples_alone(module: ModuleType, dtype: str, shift: int) -> None:
    x, g = inputs(SAMPLES, PLACES, dtype)
    # So many bytes on, in memory that may be written to nowhere else; its numbers may lie across two lines.
    guarded = np.full(x.nbytes + shift + 64, 7, np.uint8)
    out = np.frombuffer(guarded, dtype, x.size, shift).reshape(x.shape)
    assert out.nbytes > module._CACHED
    module.weighted(x, g, out)
    alone = np.stack([module.weighted(*each) for each in zip(x, g, strict=True)])
    wide = np.float64(g) * (x - np.sum(np.float64(x) * g, axis=1, keepdims=True) / PLACES)
    np.testing.assert_allclose(out, wide, rtol=0, atol=60 * np.finfo(dtype).eps)
    np.testing.assert_allclose(out, alone, rtol=0, atol=8 * np.finfo(dtype).eps)
    assert np.all(guarded[:shift] == 7)
    assert np.all(guarded[-64:] == 7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_of_short_samples_are_those_of_the_samples_alone(module: ModuleType, dtype: str) -> None:
    assert hasattr(module, "_weighted_kernel_by_blocks")
    x, g = inputs(70, 10, dtype)  # two blocks, and a rest
    alone = np.stack([module.weighted(*each) for each in zip(x, g, strict=True)])
    np.testing.assert_allclose(module.weighted(x, g), alone, rtol=0, atol=8 * np.finfo(dtype).eps)
