"""Shifted indices: their arithmetic, and what they mean, against NumPy and by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from symderiv.expression.nodes import Entry, Index, IndexTerm, Position, Shift
from symderiv.expression.oracle import FRACTIONS, Oracle
from symderiv.expression.shifts import difference, shifted, solved
from symderiv.notation.reader import parse_expression, read_problem

I = Index("i", "N")  # noqa: E741
J, K, M = Index("j", "N"), Index("k", "K"), Index("m", "M")
Y = Entry("y")


def test_equal_places_are_equal_trees() -> None:
    assert shifted([(1, K), (1, I)], 0, "N") == shifted([(1, I), (1, K)], 0, "N")
    assert shifted([(1, shifted([(1, I), (1, K)], -1, "N")), (-1, K)], 1, "N") == I
    assert shifted([(2, I), (-1, I)], 0, "N") == I
    assert shifted([(1, Position(3, "K")), (1, I)], -3, "N") == I
    # A letter of another axis may lie outside of this one, and so may a number.
    assert isinstance(shifted([(1, K)], 0, "N"), Shift)
    assert isinstance(shifted([], 2, "N"), Shift)


def test_differences() -> None:
    assert difference(shifted([(1, I), (1, K)], 2, "N"), shifted([(1, K), (1, I)], -1, "N")) == 3
    assert difference(I, J) is None
    assert difference(Position(2, "N"), Position(5, "N")) == -3


@pytest.mark.parametrize(
    ("left", "right", "letter", "found"),
    [
        (shifted([(1, I), (1, K)], 0, "N"), J, K, shifted([(1, J), (-1, I)], 0, "K")),
        (shifted([(1, I), (-1, K)], 1, "N"), J, K, shifted([(1, I), (-1, J)], 1, "K")),
        (shifted([(1, I)], 1, "N"), J, I, shifted([(1, J)], -1, "N")),
        (shifted([(1, I)], 1, "N"), shifted([(1, J)], 1, "N"), I, J),
        (shifted([(1, M)], 0, "N"), J, M, shifted([(1, J)], 0, "M")),
        (shifted([(1, I), (2, K)], 0, "N"), J, K, None),
        (shifted([(1, I), (1, K)], 0, "N"), shifted([(1, K)], 0, "N"), K, None),
        (I, Y, I, Y),
        (shifted([(1, I)], 1, "N"), Y, I, shifted([(1, Y)], -1, "N")),
    ],
)
def test_solving(left: IndexTerm, right: IndexTerm, letter: Index, found: IndexTerm | None) -> None:
    assert solved(left, right, letter) == found


PROBLEM = read_problem(
    """
index i, j, l : N
index k : K
index m : M
input x[N], w[K], c
y[m] = sum(k, w[k] * x[m + k])
valid[m] = sum(k, w[k] * x[m + k - 1])
causal[i] = sum(k, w[k] * x[i - k + 1])
total_variation = sum(i, (x[i + 1] - x[i])^2)
step[i] = x[i] - x[i - 1]
auto[k] = sum(i, x[i] * x[i + k])
""".replace("step[", "steps["),
    "shifts",
)


def oracle(sizes: dict[str, int]) -> tuple[Oracle, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x, w = rng.integers(-9, 9, sizes["N"]), rng.integers(-9, 9, sizes["K"])
    arrays = {
        "x": {(n,): Fraction(int(value)) for n, value in enumerate(x)},
        "w": {(n,): Fraction(int(value)) for n, value in enumerate(w)},
        "c": {(): Fraction(7)},
    }
    return Oracle(sizes, arrays, PROBLEM.definitions, {}, FRACTIONS), x, w


def values(at: Oracle, name: str, size: int) -> list[int]:
    return [int(at.entry(name, (place,))) for place in range(size)]


@pytest.mark.parametrize(
    "sizes", [{"N": 7, "K": 3, "M": 5}, {"N": 1, "K": 4, "M": 2}, {"N": 2, "K": 1, "M": 9}]
)
def test_the_meaning_is_numpys(sizes: dict[str, int]) -> None:
    at, x, w = oracle(sizes)
    n, k, m = sizes["N"], sizes["K"], sizes["M"]
    padded = np.concatenate([x, np.zeros(m + k + 1, dtype=int)])
    assert values(at, "y", m) == [int(w @ padded[place + 1 : place + 1 + k]) for place in range(m)]
    if m == n - k + 1:
        assert values(at, "valid", m) == np.correlate(x, w, mode="valid").tolist()
    assert values(at, "causal", n) == np.convolve(x, w)[:n].tolist()
    assert values(at, "steps", n) == np.diff(x, prepend=0).tolist()
    assert int(at.entry("total_variation", ())) == int(np.sum(np.diff(x) ** 2))
    assert values(at, "auto", k) == [int(x[: max(n - lag, 0)] @ x[lag:]) for lag in range(1, k + 1)]


def test_where_nothing_exists_everything_is_zero() -> None:
    at, _, _ = oracle({"N": 1, "K": 2, "M": 2})
    assert values(at, "y", 2) == [0, 0]
    for text in ("d(y[m], x[j])", "d(y[m], w[k])", "x[i + 5]", "d(y[m - 3], w[k])", "d(y[m], x[j - 1])"):
        node = parse_expression(text, PROBLEM)
        env = {I: 0, J: 0, K: 1, M: 1}
        assert at.evaluate(node, env) == 0


def test_derivatives_by_hand() -> None:
    sizes = {"N": 5, "K": 3, "M": 4}
    at, _, w = oracle(sizes)
    node = parse_expression("d(y[m], x[j])", PROBLEM)
    for place, spot in product(range(4), range(5)):
        lag = (spot + 1) - (place + 1)  # x_j stands in y_m with w_{j - m}, places counted from 1
        expected = int(w[lag - 1]) if 1 <= lag <= 3 else 0
        assert at.evaluate(node, {M: place, J: spot}) == expected


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("sum(i, x[i + 1] + x[i])", "sum(i if i + 1 in N, x[i + 1] + x[i])"),
        ("sum(i, (x[i + 1] - x[i])^2)", "sum(i, where(i + 1 in N, (x[i + 1] - x[i])^2, 0))"),
        ("sum(i, exp(x[i - 2]))", "sum(i if i - 2 in N, exp(x[i - 2]))"),
        ("sum(i, c / x[i + 1])", "sum(i, where(i + 1 in N, c / x[i + 1], 0))"),
        (
            "sum(i, (x[i + 1] - 2 * x[i] + x[i - 1])^2)",
            "sum(i, where(i + 1 in N, where(i - 1 in N, (x[i + 1] - 2 * x[i] + x[i - 1])^2, 0), 0))",
        ),
        # In a product, counting the entry as 0 leaves the term out: no condition is needed.
        ("sum(k, w[k] * x[i + k])", "sum(k if i + k in N, w[k] * x[i + k])"),
        ("sum(k, w[k] * x[i + k]^2 / (1 + c^2))", "sum(k if i + k in N, w[k] * x[i + k]^2 / (1 + c^2))"),
        (
            "exp(sum(k, w[k] * sum(l, x[l] * x[l + k])))",
            "exp(sum(k, w[k] * sum(l if l + k in N, x[l] * x[l + k])))",
        ),
    ],
)
def test_a_sum_skips_what_does_not_exist(short: str, long: str) -> None:
    left, right = (parse_expression(text, PROBLEM) for text in (short, long))
    for n, k in ((1, 1), (2, 3), (5, 2)):
        rng = np.random.default_rng(n)
        tables = {
            name: dict(np.ndenumerate(rng.uniform(0.5, 2, size))) for name, size in (("x", n), ("w", k))
        }
        at = Oracle({"N": n, "K": k, "M": 1}, {**tables, "c": {(): 0.3}}, PROBLEM.definitions)
        for place in range(n):
            assert at.evaluate(left, {I: place}) == pytest.approx(at.evaluate(right, {I: place}), rel=1e-14)
