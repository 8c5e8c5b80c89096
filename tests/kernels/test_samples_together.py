"""Small samples that are done alone, several together: stacks of products, and each sample's own steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.loading import load_source
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.matrix_products import MatrixProduct
from symderiv.kernels.numba_together import together
from symderiv.kernels.product_stages import staged
from symderiv.kernels.registry import TARGETS
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import other_way, verify_source
from tests.kernels.emitted import load, module, own, problem

LIMITS = TARGETS["numba"].limits

PAIRS = """
index m : M
index n : N
index c : C
input Q[M, C], K[N, C]
batch Q, K
loss L
S[m, n] = sum(c, Q[m, c] * K[n, c])
L = sum(m, log(sum(n, exp(S[m, n]))))
derive d(L, Q[m, c])
"""


def heads(samples: int, places: int = 9, dtype: str = "float64") -> list[np.ndarray]:
    """Queries, keys, values and a cotangent."""
    source = np.random.default_rng(3)
    shapes = [(places, 4), (places + 2, 4), (places + 2, 3), (places, 3)]
    return [source.standard_normal((samples, *shape)).astype(dtype) for shape in shapes]


def test_products_become_those_of_stacks() -> None:
    spec = next(each for each in functions_of(problem("attention_head")) if each.name.endswith("gradient"))
    alone = staged(lower_function(spec))
    assert alone is not None
    several = together(alone)
    assert several is not None
    assert several.over == alone.alone
    assert not several.totals
    products = [each for each in several.inside if isinstance(each, MatrixProduct)]
    assert len(products) == 5
    for each in products:
        assert each.leading == (alone.alone,)
        assert not each.is_shared(each.left)
        assert not each.is_shared(each.right)
    assert together(several) is None


@pytest.mark.parametrize("name", ["attention_head", "causal_attention"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_those_of_each_sample_alone(name: str, dtype: str) -> None:
    """To the last digit, in groups of any number of samples."""
    emitted = module(name, "numba")
    given = heads(11, dtype=dtype)
    if name == "causal_attention":
        given = [each[:, :9] for each in given]
    function = getattr(emitted, f"{name}_gradient")
    with other_way(emitted, {"_FEW_PRODUCTS": 0, "_TOGETHER": 0}):
        alone = function(*given)
    for limit in (2**13, 2**14, 2**20):
        with other_way(emitted, {"_FEW_PRODUCTS": 0, "_TOGETHER": limit}):
            several = function(*given)
        for one, other in zip(alone, several, strict=True):
            np.testing.assert_array_equal(one, other)


def test_small_samples_are_done_together_and_large_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted = module("attention_head", "numba")
    seen: list[int] = []
    real = emitted._attention_head_gradient_together

    def watched(*given: Any) -> None:
        seen.append(given[-1])
        real(*given)

    monkeypatch.setattr(emitted, "_attention_head_gradient_together", watched)
    emitted.attention_head_gradient(*heads(3, 60))
    assert seen == [7]  # so many would fit
    emitted.attention_head_gradient(*heads(3, 200))
    assert seen == [7]


def test_threads_change_no_digit() -> None:
    """The way depends on how large a sample is, not on how many there are in a part."""
    emitted = module("attention_head", "numba")
    given = heads(3000, 45)
    assert given[0].size >= emitted._SHARED
    for one, other in zip(
        emitted.attention_head_gradient(*given),
        emitted.attention_head_gradient(*given, threads=3),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("way", LIMITS)
def test_a_number_of_each_sample_is_written_where_it_belongs(way: str) -> None:
    made = own("pairs", PAIRS)
    emitted = load(made, "numba")
    source = np.random.default_rng(4)
    given = [source.standard_normal((7, *shape)) for shape in ((5, 4), (6, 4))]
    right = load(made, "numpy").pairs(*given, reduction="none")
    with other_way(emitted, LIMITS[way]):
        got = emitted.pairs(*given, reduction="none")
    np.testing.assert_allclose(got, right, rtol=1e-12)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("range(held.stop)", "range(held.stop - 1)"),
        ("losses[start + sample, ...]", "losses[sample, ...]"),
        ("dQ[start + sample]", "dQ[start]"),
        ("np.matmul(e[held], K[here]", "np.matmul(e[held], K[:1]"),
        ("losses[sample, ...]", "losses[0, ...]"),
    ],
)
def test_verification_finds_a_fault(right: str, wrong: str) -> None:
    made = own("pairs", PAIRS)
    source = emit(made, "numba")
    assert right in source
    text, only = source.replace(right, wrong), ("pairs_value_and_gradient",)
    checks = verify_source(made, "numba", text, dtypes=("float64",), only=only)
    assert not all(each.ok for each in checks)
    assert all(each.ok for each in checks if "large" not in each.kind)


def test_a_group_of_other_samples_shows() -> None:
    source = emit(problem("attention_head"), "numba")
    emitted = load_source(source.replace("here = slice(start, start + at_once)", "here = slice(0, at_once)"))
    given = heads(12)
    right = module("attention_head", "numba").attention_head_gradient(*given)
    with other_way(emitted, {"_FEW_PRODUCTS": 0, "_TOGETHER": 2**14}):
        wrong = emitted.attention_head_gradient(*given)
    assert any(not np.allclose(one, other) for one, other in zip(right, wrong, strict=True))
