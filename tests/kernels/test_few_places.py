"""An axis of few places: each loop over it is one step, which leaves out what is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features

from symderiv.kernels.blocks import FEW_BYTES, ROWS
from symderiv.kernels.emit import emit
from symderiv.kernels.loading import load_source
from symderiv.kernels.verify import verify_source
from symderiv.notation.reader import read_problem
from tests.kernels.emitted import module, problem, source

HAS_MASKS = bool(get_host_cpu_features().get("avx2", False))
SOURCE = np.random.default_rng(5)
#: Functions by blocks of samples and row by row, with exponentials, labels, and sums only.
FUNCTIONS = [
    ("softmax", "softmax", "z"),
    ("softmax", "softmax_vjp", "zz"),
    ("cross_entropy_label", "cross_entropy_label_value_and_gradient", "zy"),
    ("layer_norm", "layer_norm", "ze"),
    ("layer_norm", "layer_norm_vjp", "zez"),
    ("rms_norm", "rms_norm_vjp", "zez"),
    ("squared_loss", "squared_loss_value_and_gradient", "zz"),
]


def given(kinds: str, samples: int, places: int, dtype: str) -> Iterator[Any]:
    for kind in kinds:
        if kind == "z":
            yield SOURCE.normal(0, 2, (samples, places)).astype(dtype)
        else:
            yield SOURCE.integers(0, places, samples) if kind == "y" else 1e-5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "function", "kinds"), FUNCTIONS, ids=[each[1] for each in FUNCTIONS])
def test_the_same_as_numpy_for_every_number_of_places(
    name: str, function: str, kinds: str, dtype: str
) -> None:
    """And nothing beside the result is written: a mask that is too long would write into the next row."""
    emitted, reference = getattr(module(name, "numba"), function), getattr(module(name), function)
    for places in range(1, 19):
        for samples in (1, 31, ROWS, 70):
            arguments = list(given(kinds, samples, places, dtype))
            around = np.full(samples * places + 64, 7.5, dtype)
            out = around[32:-32].reshape(samples, places)
            found, right = emitted(*arguments, out=out), reference(*arguments)
            for one, other in zip(_each(found), _each(right), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-5)
            assert (around[:32] == 7.5).all()
            assert (around[-32:] == 7.5).all()


def _each(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("places", [3, 10, 15])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
def test_a_row_knows_nothing_of_the_next(places: int, bad: float) -> None:
    """A vector of a row reaches into the next ones."""
    z = SOURCE.normal(0, 2, (64, places)).astype("float32")
    softmax, norm = module("softmax", "numba"), module("layer_norm", "numba")
    p, x_hat = softmax.softmax(z), norm.layer_norm(z, 1e-5)
    z[1::2] = bad
    np.testing.assert_array_equal(softmax.softmax(z)[::2], p[::2])
    np.testing.assert_array_equal(norm.layer_norm(z, 1e-5)[::2], x_hat[::2])


def test_which_kernels_are_told() -> None:
    """Those whose loops are sums and the like; what takes long would be done for what is left out, too."""

    def told(text: str) -> set[str]:
        return set(re.findall(r"^def _(\w+)\([^)]*few=None", text, re.MULTILINE))

    assert told(source("softmax", "numba")) == {
        "softmax_kernel_by_blocks",
        "softmax_vjp_kernel",
        "softmax_jvp_kernel",
    }
    assert told(source("nll_probabilities", "numba")) == set()  # a logarithm of each sample, not in blocks
    assert told(source("focal_loss", "numba")) == set()
    assert told(emit(problem("softmax"), "numba", {"K": 10})) == set()  # LLVM knows it already
    assert told(source("sigmoid", "numba")) == set()


def test_what_a_result_holds_for_now_has_memory_of_its_own() -> None:
    """What is written by a mask is not read in the same loop, nor by the next row."""
    text = source("softmax", "numba").split("def _softmax_kernel_by_blocks(")[1].split("\n\n\n")[0]
    assert "each_out = _on_stack(all_out, (32, K))" in text
    assert "out[row, i] = scale * each_out[row, i]" in text
    assert "for now" not in text
    assert f"_SAMPLES, _BYTES = {ROWS}, {FEW_BYTES}" in source("softmax", "numba")


@pytest.mark.skipif(not HAS_MASKS, reason="a processor without AVX2")
def test_each_loop_over_few_places_is_one_step() -> None:
    made: Any = load_source(source("rms_norm", "numba"), "few_steps")
    for places in (10, 40):
        made.rms_norm(np.ones((64, places), np.float32), 1e-5)
    code = made._rms_norm_kernel_by_blocks.inspect_asm()
    few = next(text for signature, text in code.items() if "bool" in str(signature))
    other = next(text for signature, text in code.items() if "bool" not in str(signature))
    masked = re.compile(r"vmovups\s.*\{%k\d\}|vmaskmovps")
    assert len(masked.findall(few)) >= 2
    assert not masked.findall(other)
    ir = made._rms_norm_kernel_by_blocks.inspect_llvm()
    for signature, text in ir.items():
        heads = [line for line in text.splitlines() if line.startswith("define") and "by_blocks" in line]
        marked = re.findall(r"ptr noalias [\w() ]*%arg\.(\w+)\.4", heads[0])
        assert marked == (["all_x", "all_out"] if "bool" in str(signature) else [])


def test_without_such_vectors_all_is_as_for_more_places() -> None:
    text = source("softmax", "numba")
    line = '_FEW = 15 if get_host_cpu_features().get("avx2", False) else 0'
    assert text.count(line) == 1
    made: Any = load_source(text.replace(line, "_FEW = 0"), "no_masks")
    z = SOURCE.normal(0, 2, (64, 10))
    # Taken all the same, the other way would see no place at all.
    np.testing.assert_allclose(made.softmax(z), module("softmax").softmax(z), rtol=1e-12)


def test_verification_takes_both_ways() -> None:
    """A block that leaves the last place out, of few and of more, is found."""
    text = "index i, k : K\ninput x[K]\nbatch x\ny[i] = x[i] / sqrt(1 + sum(k, x[k] * x[k]))\n"
    read = read_problem(text, "unit_length")
    text = emit(read, "numba")
    line = "K = all_x.shape[1] if few is None else all_x.shape[1] & _FEW"
    assert text.count(line) == 1

    def sizes_that_fail(text: str) -> set[int]:
        checks = verify_source(read, "numba", text, dtypes=("float32",))
        assert {each.sizes["K"] for each in checks if each.sizes.get("B", 0) >= ROWS} == {3, 17}
        return {each.sizes["K"] for each in checks if not each.ok}

    assert sizes_that_fail(text) == set()
    assert sizes_that_fail(text.replace(line, line.replace("shape[1] if", "shape[1] - 1 if"))) == {17}
    assert sizes_that_fail(text.replace(line, line.replace("& _FEW", "- 1 & _FEW"))) == {3}
