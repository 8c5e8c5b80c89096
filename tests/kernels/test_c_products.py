"""Products of matrices in C: at sizes around those of its tiles, strips and chunks, and with faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symderiv.kernels.c_library import NoCompilerError, compiler
from symderiv.kernels.registry import TARGETS
from symderiv.kernels.specification import functions_of
from tests.kernels.emitted import module, problem, source


def has_compiler() -> bool:
    try:
        compiler()
    except NoCompilerError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_compiler(), reason="there is no C compiler")

#: Samples, inputs, outputs: one of each, around a strip, TILE and DEPTH, both ways round, few products.
SIZES = [(1, 1, 1), (2, 3, 4), (5, 300, 33), (97, 257, 31), (300, 37, 3), (3, 40, 300), (100, 64, 96)]


def differs(functions: Any, size: tuple[int, int, int], dtype: str) -> float:
    """The largest error of the gradients of a linear layer, in eps of the largest entry."""
    samples, inputs, outputs = size
    draw = np.random.default_rng(9)
    values = {
        "W": draw.standard_normal((outputs, inputs)).astype(dtype),
        "x": draw.standard_normal((samples, inputs)).astype(dtype),
        "g": draw.standard_normal((samples, outputs)).astype(dtype),
    }
    spec = next(each for each in functions_of(problem("linear_layer")) if each.name == "linear_layer_vjp")
    results = functions.linear_layer_vjp(*(values[each.name] for each in spec.arguments))
    W, x, g = (values[name].astype(np.float64) for name in ("W", "x", "g"))
    worst = 0.0
    for got, right in zip(results, (g.T @ x, g.sum(axis=0), g @ W), strict=True):
        worst = max(worst, float(np.max(np.abs(got - right)) / np.max(np.abs(right)) / np.finfo(dtype).eps))
    return worst


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_products_are_right_at_any_size(size: tuple[int, int, int], dtype: str) -> None:
    assert differs(module("linear_layer", "c"), size, dtype) < 40


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(begin ? row[j * product_column] : 0)", "0"),  # only the last chunk of terms
        ("i + r < bottom ? i + r : bottom - 1", "i"),  # one row of a tile for all
        (" + start * product_column", ""),  # every strip at the first
        ("columns - start < F64_WIDE ? columns - start : F64_WIDE", "1"),  # one column of a strip
    ],
)
def test_a_fault_in_the_product_shows(right: str, wrong: str) -> None:
    text = source("linear_layer", "c")
    assert right in text
    made = problem("linear_layer")
    broken = TARGETS["c"].load(text.replace(right, wrong), "broken", functions_of(made))
    worst = [differs(broken, size, "float64") for size in SIZES]
    assert not max(worst) < 40  # far off, or not a number
