"""Products of matrices among statements: what is found, what is not, and which way the operands lie."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symderiv.expression.construct import multiply
from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.matrix_products import MatrixProduct, matrix_product
from symderiv.kernels.program import Statement
from symderiv.kernels.specification import functions_of
from tests.kernels.emitted import problem


def found(name: str, function: str) -> list[MatrixProduct]:
    """The products of one function of the catalogue."""
    spec = next(each for each in functions_of(problem(name)) if each.name == function)
    statements = lower_function(spec).statements
    return [each for each in map(matrix_product, statements) if each is not None]


@pytest.mark.parametrize(
    ("name", "function", "count"),
    [
        ("softmax_layer_cross_entropy", "softmax_layer_cross_entropy_value_and_gradient", 3),
        ("two_layer_network", "two_layer_network_value_and_gradient", 6),
        ("attention_head", "attention_head_gradient", 5),
        ("lstm_cell", "lstm_cell_gradient", 24),
        ("softmax", "softmax_jacobian_z", 0),
        ("embedding", "embedding_gradient", 0),  # a scatter
        ("convolution", "convolution_gradient", 0),  # shifted places
        ("softmax_layer", "softmax_layer_jacobian_W", 0),  # an outer product, nothing summed
    ],
)
def test_products_of_a_function(name: str, function: str, count: int) -> None:
    products = found(name, function)
    assert len(products) == count
    for each in products:
        assert np.allclose(by_matmul(each), by_definition(each))


def operands(product: MatrixProduct) -> tuple[list[np.ndarray], list[list[int]]]:
    """Two arrays for a product, and the numbers of their letters."""
    numbers = {letter: place for place, letter in enumerate(product.letters)}
    source = np.random.default_rng(len(numbers))
    entries = [product.left, product.right]
    letters = [[numbers[term] for term in each.indices if isinstance(term, Index)] for each in entries]
    return [source.standard_normal([2 + number for number in each]) for each in letters], letters


def by_definition(product: MatrixProduct) -> np.ndarray:
    (left, right), (first, second) = operands(product)
    target = list(range(len(product.target.indices)))
    return np.asarray(np.einsum(left, first, right, second, target))


def by_matmul(product: MatrixProduct) -> np.ndarray:
    """The product as one of matrices, the letters of a group as one axis."""
    sides = []
    for array, entry in zip(operands(product)[0], (product.left, product.right), strict=True):
        sizes = dict(zip(entry.indices, array.shape, strict=True))
        shape = [math.prod(sizes[index] for index in group) for group in product.axes(entry)]
        sides.append(array.reshape(shape).transpose(product.order(entry)))
    result = sides[0] @ sides[1]
    numbers = [product.letters.index(index) for index in product.target.indices if isinstance(index, Index)]
    return np.asarray(result.reshape([2 + number for number in numbers]))


def test_the_same_letter_twice_is_no_product() -> None:
    i, j, k = Index("i", "N"), Index("j", "N"), Index("k", "N")
    plain = Statement("c", (i, j), multiply(Entry("a", (i, k)), Entry("b", (k, j))), "sum", k)
    assert matrix_product(plain) is not None
    diagonal = Statement("c", (i, j), multiply(Entry("a", (k, k)), Entry("b", (k, j))), "sum", k)
    assert matrix_product(diagonal) is None
    elementwise = Statement("c", (i, j), multiply(Entry("a", (i, k)), Entry("b", (i, j, k))), "sum", k)
    assert matrix_product(elementwise) is None
    largest = Statement("c", (i, j), multiply(Entry("a", (i, k)), Entry("b", (k, j))), "max", k)
    assert matrix_product(largest) is None
