"""The order of a formula in an axis, which the certificate rests on, beside what it is by definition."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations, product

import pytest

from symderiv.expression.oracle import Oracle
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.proof.point import Setting, Work
from symderiv.proof.reach import order_in
from symderiv.proof.trial_values import EXACT

PROBLEM = read_problem(
    "index i, j, k, l, r : K\nindex u, w : N\ninput a[K], b[K], M[K, K], A[N, K], x, y\ng = x", "orders"
)
SIZE = 6

#: Formulas without letters, and what is left when their denominators and roots are cleared.
CLEARED = [
    ("x", "x"),
    ("K", "K"),
    ("sum(k, a[k])", "sum(k, a[k])"),
    ("K * sum(k, a[k])", "K * sum(k, a[k])"),
    ("x * y * sum(k, a[k])^3", "sum(k, a[k])^3"),
    ("sum(k, a[k])^2 + K", "sum(k, a[k])^2 + K"),
    ("sum(k, a[k]^3) + x", "sum(k, a[k]^3)"),
    ("sum(k, a[k] * sum(l, M[k, l] * sum(r, M[l, r])))", "sum(k, sum(l, sum(r, a[k] * M[k, l] * M[l, r])))"),
    ("sum(k, a[k] / (1 + a[k]^2))", "sum(k, a[k] / (1 + a[k]^2))"),
    ("sum(k != 1, a[k])", "sum(k, a[k]) - a[1]"),
    ("where(x > 0, sum(k, a[k])^2, K)", "sum(k, a[k])^2"),
    ("where(x > 0, K, sum(k, a[k])^2)", "sum(k, a[k])^2"),
    ("1 / sum(k, a[k])", "1"),
    ("x + 1 / sum(k, a[k])", "x * sum(k, a[k]) + 1"),
    ("K / sum(k, a[k])^2 + 1 / sum(k, a[k])", "K + sum(k, a[k])"),
    ("1 / sum(k, a[k]) + 1 / sum(k, b[k])", "sum(k, a[k]) + sum(k, b[k])"),
    ("x + 1 / sum(k, a[k]) + 1 / sum(k, b[k])^2", "x * sum(k, a[k]) * sum(k, b[k])^2"),
    ("x + 1 / (sum(k, a[k]) * sum(k, b[k]))", "x * sum(k, a[k]) * sum(k, b[k])"),
    ("(x + 1 / sum(k, a[k]))^2 * K", "K * (x * sum(k, a[k]) + 1)^2"),
    ("sum(k, b[k] / sum(l, a[l]))", "sum(k, b[k])"),
    ("1 + sum(k, b[k] / sum(l, a[l])^2)", "sum(l, a[l])^2 + sum(k, b[k])"),
    ("1 / (1 + 1 / sum(k, a[k])^2)", "sum(k, a[k])^2"),
    ("1 / (1 / sum(k, a[k])^3 + K)", "sum(k, a[k])^3"),
]
#: Square roots count half.
ROOTS = [
    ("sqrt(sum(k, a[k]^2))", 1),
    ("sqrt(sum(k, a[k]^2))^3", 2),
    ("sum(k, a[k]^2)^(3/2)", 2),
    ("sqrt(sum(k, a[k]^2)) * sqrt(sum(k, b[k]^2))", 1),
    ("sqrt(sum(k, a[k]^2)) * sum(k, b[k])", 2),
    ("sum(k, a[k]^2)^(-1/2)", 0),
    ("x + K * sum(k, a[k]^2)^(-1/2)", 1),
    ("x + sum(k, a[k]^2)^(-1/2)", 1),
    ("sqrt(1 / sum(k, a[k]^2) + 1)", 1),
    ("sqrt(1 / sum(k, a[k]^2) + K) + x", 2),
]


def value(text: str, places: tuple[int, ...]) -> Fraction:
    """The value of a formula, of all the places on K the given ones alone left; there are two on N."""
    rng = random.Random(7)
    tables = {}
    for given in PROBLEM.inputs:
        every = product(*(range(SIZE) if axis == "K" else range(2) for axis in given.axes))
        table = {spot: Fraction(rng.randint(2, 99), 7) for spot in every}
        left = product(*(places if axis == "K" else (0, 1) for axis in given.axes))
        renumbered = product(*(range(len(places) if axis == "K" else 2) for axis in given.axes))
        tables[given.name] = {new: table[old] for new, old in zip(renumbered, left, strict=True)}
    oracle = Oracle({"K": len(places), "N": 2}, tables, (), {}, EXACT)
    return Fraction(oracle.evaluate(parse_expression(text, PROBLEM)))


def by_definition(text: str) -> int:
    """The most places, besides the first, whose values a formula brings together: by a Möbius transform."""
    others = range(1, SIZE)
    most = 0
    for count in range(SIZE):
        spots = tuple(others)[:count]
        total = sum(
            (-1) ** size * value(text, (0, *some))
            for size in range(count + 1)
            for some in combinations(spots, size)
        )
        most = count if total else most
    return most


def order(text: str) -> int:
    return order_in(parse_expression(text, PROBLEM), "K", Setting({"N": 2}), Work(10_000))


@pytest.mark.parametrize(("formula", "cleared"), CLEARED)
def test_it_is_what_it_is_by_definition(formula: str, cleared: str) -> None:
    assert order(formula) == by_definition(cleared)


@pytest.mark.parametrize(("formula", "expected"), ROOTS)
def test_roots_count_half(formula: str, expected: int) -> None:
    assert order(formula) == expected


def test_axes_that_are_written_out() -> None:
    """A sum over an axis of two places has two terms, whose denominators differ."""
    assert order("sum(u, 1 / sum(k, A[u, k]))") == by_definition("sum(k, A[1, k]) + sum(k, A[2, k])")
    assert order("x + sum(u, 1 / sum(k, A[u, k]))") == by_definition("sum(k, A[1, k]) * sum(k, A[2, k])")
    assert order("x + sum(u, 1 / sum(k, a[k] + b[k]))") == 1
