"""Numba kernels of long and of short rows: past the caches, and by blocks of samples."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.loading import load_source
from symderiv.kernels.loop_program import Loop, nodes
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.numba_streams import Streamed, streamed, written_only
from symderiv.kernels.schedule import schedule
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify_source
from symderiv.notation.reader import read_problem
from symderiv.problem import Problem
from tests.kernels.emitted import problem

#: More bytes than the caches are taken for, in rows that begin everywhere within a line of memory.
SAMPLES, PLACES = 811, 2603


def last_pass(text: Problem, function: str) -> Streamed | None:
    """What the last pass of a function is by parts of rows; of passes in a loop, the innermost."""
    spec = next(each for each in functions_of(text) if each.name == function)
    found = schedule(lower_function(spec))
    (rows,) = found.body
    assert isinstance(rows, Loop)
    last = [each for each in nodes(rows.body) if isinstance(each, Loop)][-1]
    return streamed(last, written_only(found))


def test_a_pass_that_only_stores_a_result_goes_past_the_caches() -> None:
    parts = last_pass(problem("softmax"), "softmax_vjp")
    assert parts is not None
    assert parts.stored == "@dz"
    assert {row.array for row in parts.rows.values()} == {"@dz", "p", "g"}
    assert all(len(row.indices) == 1 for row in parts.rows.values())
    assert parts.reads


def test_what_only_writes_goes_past_the_caches_where_it_would_fill_them() -> None:
    parts = last_pass(problem("softmax"), "softmax_jacobian_z")
    assert parts is not None
    assert not parts.reads
    source = emit(problem("softmax"), "numba")
    assert "_is_streamed(out, parts, _FILLED)" in source
    softmax = load_source(source, "softmax")
    p = np.random.default_rng(3).random(4099, np.float32)  # rows begin everywhere within a line of memory
    out = softmax.softmax_jacobian_z(p)
    assert out.nbytes > softmax._FILLED
    some = np.append(np.arange(0, 4099, 97), 4098)
    right = -p[some, None] * p
    right[np.arange(some.size), some] = p[some] * (1 - p[some])
    np.testing.assert_allclose(out[some], right, rtol=1e-6)


#: It compares the places that it stores.
COMPARING = """
index i : K
input x[K]
label c : K
batch x, c
y[i] = x[i] * (x[i] - delta(i, c))
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("places", [515, 1024, 1301])  # a last step of a few numbers, whole steps
def test_what_only_writes_is_written_in_steps(dtype: str, places: int) -> None:
    softmax = load_source(emit(problem("softmax"), "numba"), "softmax")
    p = np.random.default_rng(4).random((2, places)).astype(dtype)
    guarded = np.full(2 * places**2 + 64, 7, dtype)
    out = guarded[:-64].reshape(2, places, places)
    assert softmax._is_fetched(out)
    assert not softmax._is_streamed(out, 1, softmax._FILLED)
    softmax.softmax_jacobian_z(p, out)
    right = p[:, :, None] * (np.eye(places, dtype=dtype) - p[:, None, :])
    np.testing.assert_allclose(out, right, rtol=1e-6)
    assert np.all(guarded[-64:] == 7)


def test_steps_that_write_wrong_places_are_found() -> None:
    given = problem("softmax")
    code = emit(given, "numba")
    right, wrong = (
        "out_part, p_part = out[row, i, begin:end]",
        "out_part, p_part = out[row, i, 0:end - begin]",
    )
    assert right in code
    at = code.index(right, code.index("elif long_out:"))
    checks = verify_source(
        given, "numba", code[:at] + code[at:].replace(right, wrong, 1), large=False, dtypes=("float32",),
        only=("softmax_jacobian_z",),
    )  # fmt: skip
    assert [check for check in checks if not check.ok and check.kind.endswith("by chunks")]


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
@pytest.mark.parametrize("bytes_of_a_sample", [80, 400])  # two blocks and a rest; blocks of fewer samples
def test_blocks_of_short_samples_are_those_of_the_samples_alone(
    module: ModuleType, dtype: str, bytes_of_a_sample: int
) -> None:
    assert hasattr(module, "_weighted_kernel_by_blocks")
    x, g = inputs(70, bytes_of_a_sample // np.dtype(dtype).itemsize, dtype)
    alone = np.stack([module.weighted(*each) for each in zip(x, g, strict=True)])
    np.testing.assert_allclose(module.weighted(x, g), alone, rtol=0, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("way", ["_softmax_kernel", "_softmax_kernel_by_chunks"])
def test_a_row_is_divided_by_its_sum_once(way: str) -> None:
    softmax = load_source(emit(problem("softmax"), "numba"), "softmax")
    z = np.random.default_rng(2).standard_normal((2, 1500)).astype(np.float32)
    kernel = getattr(softmax, way)
    kernel(z, np.empty_like(z))
    (compiled,) = kernel.inspect_llvm().values()
    assert re.search(r"fmul .*<\d+ x float>", compiled)  # vectors there are
    assert not re.search(r"fdiv .*<\d+ x float>", compiled)


def test_what_surrounds_a_pass_says_what_may_be_divided_by() -> None:
    # sigma, a square root, is set outside of the loop over i
    source = emit(problem("layer_norm"), "numba")
    nest = source.split("def _layer_norm_jacobian_x_kernel")[1].split("\n\n\n")[0]
    (inner,) = [line for line in nest.splitlines() if line.strip().startswith("out[row, i, j] = ")]
    assert "/" not in inner


def test_long_sums_lose_few_digits(module: ModuleType) -> None:
    assert "x_part, g_part = x[row, begin : begin + 1024], g[row, begin : begin + 1024]" in emit(
        read_problem(KERNELS, "weighted"), "numba"
    )
    # The mean of equal numbers is each of them. Rounded one way at each step, it is off by 81 eps here, and
    # by 1295 where each vector adds up all of its terms.
    x = np.full(1 << 20, 0.1, np.float32)
    lost = np.abs(module.weighted(x, np.ones_like(x))).max() / 0.1
    assert lost < 200 * np.finfo(np.float32).eps
