"""NumPy modules work on large batches by blocks, and on short rows by columns: the numbers stay the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from symderiv import catalog
from symderiv.kernels.names import identifier
from symderiv.kernels.specification import functions_of
from tests.kernels.emitted import module, problem, source

#: The problems whose short rows are taken by columns; listed, for emitting all at import takes seconds.
BY_COLUMNS = [
    "cross_entropy", "cross_entropy_batch", "cross_entropy_label", "cross_entropy_z_loss", "distillation",
    "entropy", "kl_divergence", "label_smoothing", "label_smoothing_dense", "log_softmax",
    "log_softmax_layer_batch", "logsumexp", "mean_square_error", "policy_gradient", "reinforce", "softmax",
    "softmax_any_loss", "softmax_layer_batch", "softmax_temperature",
]  # fmt: skip
NAMES = [*BY_COLUMNS, "causal_attention", "huber", "layer_norm", "triplet"]
#: Rows of a batch that has several blocks of 1024 columns, or of rows; what is left over is a short one.
SAMPLES = 2100
FEW = 100  # of which no block is made


def _arguments(spec: Any, places: int) -> list[Any]:
    rng = np.random.default_rng(5)
    axes = dict.fromkeys(axis for each in spec.arguments for axis in each.axes)
    sizes = {axis: places + number for number, axis in enumerate(axes)}
    sizes[spec.batch.axis] = SAMPLES
    found = []
    for each in spec.arguments:
        shape = tuple(sizes[axis] for axis in each.axes)
        if each.kind == "label":
            found.append(rng.integers(0, sizes[each.label_of], shape))
        else:
            found.append(rng.uniform(0.2, 1.2, shape) if shape else 0.5)
    return found


def _flat(result: Any) -> list[Any]:
    return [part for each in result for part in _flat(each)] if isinstance(result, tuple) else [result]


def test_all_that_take_columns_are_tried() -> None:
    assert [name for name in catalog.names() if "_by_columns(" in source(name, "numpy")] == BY_COLUMNS


@pytest.mark.parametrize("name", NAMES)
def test_large_batch_is_its_samples(name: str) -> None:
    for spec in functions_of(problem(name)):
        if spec.batch is None or f"_{identifier(spec.name)}_rows(" not in source(name, "numpy"):
            continue
        function = getattr(module(name), identifier(spec.name))
        options = {"reduction": "sum"} if spec.reductions else {}
        arguments = _arguments(spec, 3)
        whole = _flat(function(*arguments, **options))
        parts = []
        for start in range(0, SAMPLES, FEW):
            given = [
                value[start : start + FEW] if each.axes[:1] == (spec.batch.axis,) else value
                for each, value in zip(spec.arguments, arguments, strict=True)
            ]
            parts.append(_flat(function(*given, **options)))
        for place, result in enumerate(whole):
            found = [part[place] for part in parts]
            expected = np.sum(found) if np.ndim(result) == 0 else np.concatenate(found)
            expected = expected * FEW / SAMPLES if spec.reduced == "mean" else expected
            np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-13, err_msg=spec.name)


def test_blocks_are_made_and_columns_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    softmax = module("softmax")
    taken: list[tuple[tuple[int, ...], bool]] = []
    rows = softmax._softmax_rows

    def noted(z: Any, out: Any) -> None:
        taken.append((z.shape, z.flags.f_contiguous and not z.flags.c_contiguous))
        rows(z, out)

    monkeypatch.setattr(softmax, "_softmax_rows", noted)
    softmax.softmax(np.zeros((2100, 7)))
    assert taken == [((1024, 7), True), ((1024, 7), True), ((52, 7), True)]
    taken.clear()
    softmax.softmax(np.zeros((300, 1000)))
    assert sum(shape[0] for shape, _ in taken) == 300
    assert len(taken) > 1
    assert all(shape[0] * 16000 <= softmax._BLOCK and not turned for shape, turned in taken)
    taken.clear()
    softmax.softmax(np.zeros((100, 7)))
    assert taken == [((100, 7), False)]


@pytest.mark.parametrize("size", [5, 40, 2047, 2048, 5000, 100_000])
def test_long_inner_products_lose_nothing(size: int) -> None:
    x = np.random.default_rng(1).uniform(0.5, 1, (3, size)).astype(np.float32)
    found = module("rms_norm")._dot(x, x)
    for row, value in zip(x.astype(float), found, strict=True):
        assert value == pytest.approx(math.fsum(row * row), rel=3 * 2**-23)


def test_results_are_written_into_given_memory_only() -> None:
    """With out= given, a large call makes arrays of one block and no more."""
    import tracemalloc

    z = np.random.default_rng(2).normal(size=(4000, 500)).astype(np.float32)
    out = np.empty_like(z)
    for name, given in (("softmax", (z,)), ("layer_norm", (z, 1e-5))):
        function = getattr(module(name), name)
        function(*given, out=out)
        tracemalloc.start()
        function(*given, out=out)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1 << 18, name
