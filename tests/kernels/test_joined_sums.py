"""Products over several letters: one sum, and one product of matrices where the letters lie together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.matrix_products import MatrixProduct, matrix_product
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify_source
from tests.kernels.emitted import load, own

#: For each problem what it is, in einsum's letters, the rows, columns, terms and leading letters of its
#: one product of matrices (nothing where it is none), and the sizes of its axes.
PROBLEMS: dict[str, tuple[str, str, str]] = {
    "columns": ("a[M, L], b[L, N, K]", "il,ljk->ijk", "i jk l "),
    "terms": ("a[M, L, N], b[L, N, K]", "ilj,ljk->ik", "i k lj "),
    "rows": ("a[M, N, L], b[K, L]", "ijl,kl->ijk", "ij k l "),
    "apart": ("a[M, L, N], b[L, K]", "ilj,lk->ijk", "j k l i"),
    "heads": ("a[M, N, L], b[K, N, L]", "ijl,kjl->jik", "i k l j"),
    "turned": ("a[L, N, M], b[L, N, K]", "lji,ljk->ki", "k i lj "),
    "crossed": ("a[M, L, N], b[N, L, K]", "ilj,jlk->ik", ""),
    "inside": ("a[M, L], b[N, L, K]", "il,jlk->jik", "i k l j"),
}
SIZES = {"M": 5, "L": 7, "N": 3, "K": 4}
LARGE = {"M": 41, "L": 37, "N": 35, "K": 39}


def made(name: str) -> Any:
    arrays, letters, _ = PROBLEMS[name]
    given, result = letters.split("->")
    first, second = given.split(",")
    summed = [each for each in first if each not in result]
    over = ", ".join(summed)
    a, b = (f"{array}[{', '.join(one)}]" for array, one in zip("ab", (first, second), strict=True))
    text = "".join(f"index {letter} : {axis}\n" for letter, axis in zip("iljk", "MLNK", strict=True))
    text += f"input {arrays}\nc[{', '.join(result)}] = sum({over}, {a} * {b})\n"
    return own(name, text)


def product_of(name: str) -> MatrixProduct | None:
    (spec,) = [each for each in functions_of(made(name)) if each.name == name]
    (statement,) = lower_function(spec).statements  # no array between
    return matrix_product(statement)


@pytest.mark.parametrize("name", PROBLEMS)
def test_letters_that_lie_together_are_one_axis(name: str) -> None:
    product = product_of(name)
    found = (
        ""
        if product is None
        else " ".join(
            "".join(index.name for index in group)
            for group in (product.rows, product.columns, product.summed, product.leading)
        )
    )
    assert found == PROBLEMS[name][2]


def arguments(name: str, sizes: dict[str, int]) -> list[np.ndarray]:
    source = np.random.default_rng(3)
    axes = dict(zip("iljk", "MLNK", strict=True))
    given = PROBLEMS[name][1].split("->")[0].split(",")
    return [source.standard_normal([sizes[axes[letter]] for letter in each]) for each in given]


@pytest.mark.parametrize("target", ["numpy", "numba", "c"])
@pytest.mark.parametrize("name", ["columns", "terms", "apart", "turned", "crossed"])
def test_values(name: str, target: str) -> None:
    function = getattr(load(made(name), target), name)
    for sizes in (SIZES, LARGE):
        given = arguments(name, sizes)
        wanted = np.einsum(PROBLEMS[name][1], *given)
        np.testing.assert_allclose(function(*given), wanted, rtol=1e-12, atol=1e-12)
        if target != "c":
            out = np.full(wanted.shape, np.nan)
            assert function(*given, out=out) is out
            np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-12)


SEQUENCES = """
index t : T
index i : N
index j : M
input W[M, N], x[T, N]
batch x
loss L
h[t, j] = tanh(sum(i, W[j, i] * x[t, i]))
L = sum(t, sum(j, h[t, j]^2))
derive d(L, W[j, i])
"""


def test_the_gradient_of_shared_weights_is_one_product_over_samples_and_places() -> None:
    problem = own("sequences", SEQUENCES)
    (spec,) = [each for each in functions_of(problem) if each.name == "sequences_value_and_gradient"]
    products = [each for each in map(matrix_product, lower_function(spec).statements) if each is not None]
    assert [[index.axis for index in each.summed] for each in products][-1] == ["B", "T"]
    source = emit(problem, "numpy")
    assert all(check.ok for check in verify_source(problem, "numpy", source, large=False))
