"""Products of matrices in C: at sizes around those of its tiles, strips and chunks, and with faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symderiv.kernels.c_library import NoCompilerError, compiler, narrowed_c
from symderiv.kernels.registry import TARGETS
from symderiv.kernels.specification import functions_of
from tests.kernels.emitted import load, module, own, problem, source


def has_compiler() -> bool:
    try:
        compiler()
    except NoCompilerError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_compiler(), reason="there is no C compiler")

#: Samples, inputs, outputs: one of each, around a tile, a strip and DEPTH, both ways round, few products.
SIZES = [
    (1, 1, 1), (2, 3, 4), (1, 300, 9), (3, 2100, 2), (5, 300, 33), (97, 257, 31), (300, 37, 3), (3, 40, 300),
    (9, 130, 70), (300, 90, 20), (100, 64, 96), (203, 260, 150),
]  # fmt: skip


def differs(functions: Any, size: tuple[int, int, int], dtype: str) -> float:
    """The largest error of a linear layer and its gradients, in eps of the largest entry."""
    samples, inputs, outputs = size
    draw = np.random.default_rng(9)
    values = {
        "W": draw.standard_normal((outputs, inputs)).astype(dtype),
        "b": np.zeros(outputs, dtype),
        "x": draw.standard_normal((samples, inputs)).astype(dtype),
        "g": draw.standard_normal((samples, outputs)).astype(dtype),
    }
    W, x, g = (values[name].astype(np.float64) for name in ("W", "x", "g"))
    rights = {"linear_layer": (x @ W.T,), "linear_layer_vjp": (g.T @ x, g.sum(axis=0), g @ W)}
    worst = 0.0
    for name, right in rights.items():
        spec = next(each for each in functions_of(problem("linear_layer")) if each.name == name)
        results = getattr(functions, name)(*(values[each.name] for each in spec.arguments))
        for got, entries in zip(results if len(right) > 1 else [results], right, strict=True):
            with np.errstate(over="ignore"):  # after a fault
                error = np.max(np.abs(got - entries)) / np.max(np.abs(entries)) / np.finfo(dtype).eps
            worst = float(np.fmax(worst, np.nan_to_num(error, nan=np.inf)))
    return worst


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_products_are_right_at_any_size(size: tuple[int, int, int], dtype: str) -> None:
    assert differs(module("linear_layer", "c"), size, dtype) < 40


def broken(right: str, wrong: str, dtype: str) -> Any:
    """The functions of a linear layer that are looked at, for one dtype, with something else in its text."""
    text = source("linear_layer", "c")
    assert right in text
    text = narrowed_c(text.replace(right, wrong), ("linear_layer", "linear_layer_vjp"), (dtype,))
    return TARGETS["c"].load(text, "broken", functions_of(problem("linear_layer")))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("begin > 0", "0"),  # only the last terms
        ("i + r < rows ? i + r : rows - 1", "i"),  # one row of a tile for all
        (" + j * product_column;", ";"),  # every strip at the first
        ("row / TILE * left_tile", "row / TILE"),  # tiles of the left matrix that overlap
        ("right + j : strips", "right : strips"),  # the first strip in place of each that is not copied
        ("strips + (j - start) * terms", "strips"),  # the last strip in place of each that is copied
        ("(columns, rows, terms, right,", "(columns, rows, terms - 1, right,"),  # a term less, if transposed
        ("? f64_total(lanes) : 0", "? lanes[0] : 0"),  # one lane of a sum
        ("i * left_row + l * left_term", "i * left_row + l"),  # copied terms from side by side
    ],
)
def test_a_fault_in_the_product_shows(right: str, wrong: str) -> None:
    functions = broken(right, wrong, "float64")
    assert not max(differs(functions, size, "float64") for size in SIZES) < 40


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bytes_of_a_vector", [None, 16, 32, 64])
def test_products_are_right_whatever_a_vector_holds(bytes_of_a_vector: int | None, dtype: str) -> None:
    """With the widths that processors have, and where the compiler has no vectors."""
    if bytes_of_a_vector is None:
        functions = broken("#ifdef VECTOR_BYTES", "#if 0", dtype)
    else:
        functions = broken("vector_size(VECTOR_BYTES)", f"vector_size({bytes_of_a_vector})", dtype)
    assert max(differs(functions, size, dtype) for size in SIZES) < 40


def test_long_sums_lose_little() -> None:
    """Terms are added up by parts, with one product of two vectors as with many."""
    draw = np.random.default_rng(4)
    for samples, outputs in ((1, 1), (1, 30), (30, 40)):
        x = draw.uniform(1, 2, (samples, 100_000)).astype("float32")
        W = draw.uniform(1, 2, (outputs, 100_000)).astype("float32")
        spec = next(each for each in functions_of(problem("linear_layer")) if each.name == "linear_layer")
        values = {"x": x, "W": W, "b": np.zeros(outputs, "float32")}
        got = module("linear_layer", "c").linear_layer(*(values[each.name] for each in spec.arguments))
        right = x.astype(np.float64) @ W.T.astype(np.float64)
        assert np.max(np.abs(got - right) / right) < 16 * np.finfo("float32").eps


#: The letter of many products is the last of both matrices: nothing lies side by side.
APART = """
index b : B
index i : M
index j : N
index l : K
input x[M, K, B], w[K, N, B]
y[b, i, j] = sum(l, x[i, l, b] * w[l, j, b])
derive d(y[b, i, j], x[i, l, b])
"""


@pytest.mark.parametrize(
    "size", [(1, 1, 1), (3, 9, 20), (50, 7, 90), (9, 70, 40), (40, 300, 120), (200, 90, 3)]
)
def test_matrices_whose_numbers_lie_apart(size: tuple[int, int, int]) -> None:
    rows, terms, columns = size
    draw = np.random.default_rng(2)
    x, w = draw.standard_normal((rows, terms, 3)), draw.standard_normal((terms, columns, 3))
    got = load(own("apart", APART), "c", "apart").apart(x, w)
    np.testing.assert_allclose(got, np.einsum("ilb,ljb->bij", x, w), atol=1e-12 * terms)
