"""The worked example of the article that this project grew out of, number by number.

x and W are its own. It prints h rounded; the digits of its matrices are cut off, each entry at as
many digits as are shown (one entry of its first table for the layer, 0.0810, shows a digit less).
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest

from symderiv.calculus import derive_all
from symderiv.calculus.derivation import Derivation
from symderiv.catalog import load
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative, Expression, Index
from symderiv.expression.oracle import Oracle
from symderiv.kernels.emit import emit, load_source
from symderiv.notation.reader import read_problem
from symderiv.notation.text import to_text
from symderiv.witness import witness

PROBLEM = read_problem(
    """
title Softmax layer without a bias
index k, t, i : K
index j       : N
input W[N, K], x[N]

z[k] = sum(j, W[j, k] * x[j])
h[t] = exp(z[t]) / sum(k, exp(z[k]))

derive d(h[t], z[i])
derive d(z[k], W[j, i])
derive d(h[t], W[j, i])
""",
    "first_article",
)
SIZES = {"K": 5, "N": 3}
X = np.array([0.1, 0.5, 0.4])
W = np.array([[0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.7, 0.8, 0.9, 0.1], [0.11, 0.12, 0.13, 0.14, 0.15]])

PRINTED_H = "0.19091352 0.20353145 0.21698333 0.23132428 0.15724743"
PRINTED_H_BY_Z = """
 0.154465 -0.038856 -0.041425 -0.044162 -0.030020
-0.038856 0.162106 -0.044162 -0.047081 -0.032004
-0.041425 -0.044162 0.1699015 -0.050193 -0.034120
-0.044162 -0.047081 -0.050193 0.177813 -0.036375
-0.030020 -0.032004 -0.034120 -0.036375 0.132520
"""
PRINTED_Z_BY_W = """
0.1 0. 0. 0. 0.
0.5 0. 0. 0. 0.
0.4 0. 0. 0. 0.
0. 0.1 0. 0. 0.
0. 0.5 0. 0. 0.
0. 0.4 0. 0. 0.
0. 0. 0.1 0. 0.
0. 0. 0.5 0. 0.
0. 0. 0.4 0. 0.
0. 0. 0. 0.1 0.
0. 0. 0. 0.5 0.
0. 0. 0. 0.4 0.
0. 0. 0. 0. 0.1
0. 0. 0. 0. 0.5
0. 0. 0. 0. 0.4
"""
PRINTED_H_BY_W = """
 0.01544 0.07723 0.06178 -0.00388 -0.01942 -0.01554 -0.00414 -0.02071 -0.01657
-0.00441 -0.02208 -0.01766 -0.00300 -0.01501 -0.01200
-0.00388 -0.01942 -0.01554 0.01621 0.0810 0.06484 -0.00441 -0.02208 -0.01766
-0.00470 -0.02354 -0.01883 -0.00320 -0.01600 -0.01280
-0.00414 -0.02071 -0.01657 -0.00441 -0.02208 -0.01766 0.01699 0.08495 0.06796
-0.00501 -0.02509 -0.02007 -0.00341 -0.01706 -0.01364
-0.00441 -0.02208 -0.01766 -0.00470 -0.02354 -0.01883 -0.00501 -0.02509 -0.02007
 0.01778 0.08890 0.07112 -0.00363 -0.01818 -0.01455
-0.00300 -0.01501 -0.01200 -0.00320 -0.01600 -0.01280 -0.00341 -0.01706 -0.01364
-0.00363 -0.01818 -0.01455 0.01325 0.06626 0.05300
"""
#: The same entry in the article's second table, where it has all its digits.
PRINTED_WITH_ALL_DIGITS = "0.08105"


def table(printed: str, *shape: int) -> np.ndarray:
    return np.reshape(np.array(printed.split()), shape)


def differs(value: float, printed: str, rounding: str) -> bool:
    """Whether `value`, shown with as many decimals as `printed` has, reads otherwise."""
    shown = Decimal(printed)
    return Decimal(float(value)).quantize(shown, rounding=rounding) != shown


def assert_prints_as(values: np.ndarray, printed: np.ndarray, rounding: str = ROUND_DOWN) -> None:
    assert values.shape == printed.shape
    wrong = [
        (place, values[place], text)
        for place, text in np.ndenumerate(printed)
        if differs(values[place], str(text), rounding)
    ]
    assert not wrong


PRINTED = {
    "d(h[t], z[i])": table(PRINTED_H_BY_Z, 5, 5),
    "d(z[k], W[j, i])": table(PRINTED_Z_BY_W, 15, 5).T,
    "d(h[t], W[j, i])": table(PRINTED_H_BY_W, 5, 15),
}
DERIVATIONS = {to_text(each.start): each for each in derive_all(PROBLEM)}


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(SIZES, {"x": dict(np.ndenumerate(X)), "W": dict(np.ndenumerate(W))}, PROBLEM.definitions)


def by_columns(oracle: Oracle, tree: Expression, row: Index, columns: tuple[Index, ...]) -> np.ndarray:
    """The entries of `tree`: W[j, i] stands in column i·N + j."""
    found = oracle.table(tree, (row, *columns[::-1]))
    return np.array(list(found.values())).reshape(SIZES[row.axis], -1)


def letters(derivation: Derivation) -> tuple[Index, tuple[Index, ...]]:
    assert isinstance(derivation.start, Derivative)
    (row,) = free_indices(derivation.start.of)
    return row, free_indices(derivation.start.by[0])


def test_the_printed_tables_are_whole() -> None:
    assert DERIVATIONS.keys() == PRINTED.keys()
    assert PRINTED["d(h[t], W[j, i])"][1, 4] == PRINTED_WITH_ALL_DIGITS[:-1]


def test_the_hypothesis_by_the_oracle(oracle: Oracle) -> None:
    values = np.array([oracle.entry("h", (place,)) for place in range(5)])
    assert_prints_as(values, table(PRINTED_H, 5), ROUND_HALF_EVEN)


@pytest.mark.parametrize("start", PRINTED)
def test_by_the_oracle(start: str, oracle: Oracle) -> None:
    """Differentiated by dual numbers, entry by entry."""
    derivation = DERIVATIONS[start]
    assert_prints_as(by_columns(oracle, derivation.start, *letters(derivation)), PRINTED[start])


@pytest.mark.parametrize("start", PRINTED)
def test_by_the_derived_form(start: str, oracle: Oracle) -> None:
    derivation = DERIVATIONS[start]
    assert_prints_as(by_columns(oracle, derivation.result, *letters(derivation)), PRINTED[start])


@pytest.mark.parametrize("start", PRINTED)
def test_by_sympy(start: str) -> None:
    explicit = witness(DERIVATIONS[start], SIZES)
    assert explicit.agrees, explicit.faults
    values = explicit.values({"x": X, "W": W, "z": W.T @ X})
    assert_prints_as(values, PRINTED[start])


def test_the_entry_that_lost_a_digit() -> None:
    values = witness(DERIVATIONS["d(h[t], W[j, i])"], SIZES).values({"x": X, "W": W})
    assert not differs(values[1, 4], PRINTED_WITH_ALL_DIGITS, ROUND_DOWN)


@pytest.mark.parametrize("start", PRINTED)
def test_the_comparison_notices_the_last_digit(start: str) -> None:
    """One unit in the last printed place of any entry is seen."""
    exact = PRINTED[start]
    values = witness(DERIVATIONS[start], SIZES).values({"x": X, "W": W, "z": W.T @ X})
    for place, text in np.ndenumerate(exact):
        unit = 10.0 ** -len(str(text).partition(".")[2])
        assert differs(values[place] + 1.5 * unit, str(text), ROUND_DOWN)


TARGETS = ["numpy", "numba"]


@pytest.mark.parametrize("target", TARGETS)
def test_the_layer_by_the_emitted_kernel(target: str) -> None:
    module = load_source(emit(PROBLEM, target), "first_article")
    h = module.first_article(W, X)
    assert_prints_as(h, table(PRINTED_H, 5), ROUND_HALF_EVEN)
    assert_prints_as(module.first_article_jacobian_W(X, h), PRINTED["d(h[t], W[j, i])"])


@pytest.mark.parametrize("target", TARGETS)
def test_softmax_by_the_emitted_kernel(target: str) -> None:
    module = load_source(emit(load("softmax"), target), "softmax")
    p = module.softmax(W.T @ X)
    assert_prints_as(p, table(PRINTED_H, 5), ROUND_HALF_EVEN)
    assert_prints_as(module.softmax_jacobian_z(p), PRINTED["d(h[t], z[i])"])
