"""What is printed reads back as the same tree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings

from symderiv import catalog
from symderiv.expression.canonical import same
from symderiv.expression.nodes import Add, Entry, Expression, Index, Multiply, Number, Power, Sum
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import definition_to_text, to_text
from tests.notation.trees import PROBLEM, expressions, has_zero_division


@settings(max_examples=400, deadline=None)
@given(expressions())
def test_every_tree_reads_back(tree: Expression) -> None:
    assume(not has_zero_division(tree))
    text = to_text(tree)
    assert same(parse_expression(text, PROBLEM), tree), text


@settings(max_examples=100, deadline=None)
@given(expressions())
def test_printing_settles(tree: Expression) -> None:
    """What was read is printed the way it was read."""
    assume(not has_zero_division(tree))
    once = to_text(parse_expression(to_text(tree), PROBLEM))
    assert to_text(parse_expression(once, PROBLEM)) == once


@pytest.mark.parametrize("name", catalog.names())
def test_catalogue_reads_back(name: str) -> None:
    problem = catalog.load(name)
    trees = [definition.body for definition in problem.definitions]
    for expectation in problem.expectations:
        trees += [expectation.derivative, expectation.form]
    for assumption in problem.assumptions:
        trees += [assumption.left, assumption.right]
    for tree in trees:
        assert same(parse_expression(to_text(tree), problem), tree)


WRITTEN = (
    "p[i] * (delta(i, j) - p[j])",
    "-x[j] / p[j]",
    "d(G, p[k])",
    "d(p[i], z[j], z[k])",
    "p[k] * (d(G, p[k]) - sum(j, d(G, p[j]) * p[j]))",
    "1 - x[i]",
    "-(x[i] + 1) - (s - 2)",
    "x[i] / (s * t)",
    "x[i] / s^2",
    "x[i]^(1/2)",
    "x[i]^(-s)",
    "-x[i]^2",
    "(-x[i])^2",
    "2^s^t",
    "(2^s)^t",
    "3/2 * x[i]",
    "x[i] / (3 * s)",
    "(s + t) / (s - t)",
    "s / (t / x[i])",
    "s / t / (1 / x[i]^2)",
    "s / t / (-x[i]^2)^(-1)",
    "s / (t - 2) / (-x[i] / K)",
    "2 * s / (t * x[i]) / (1 / x[j]^2) / (1 / x[k])",
    "1 / K",
    "-1 / s",
    "sum(k, W[a, k] * x[k])",
    "sum(a, k, W[a, k] * x[k])",
    "sum(k != i, x[k])",
    "sum(k if x[k] > 0, x[k])",
    "sum(k, l < k, x[k] * x[l])",
    "prod(k, x[k])",
    "max(k, x[k]) + max(s, t)",
    "min(k, x[k]) * min(s, t)",
    "delta(k, y) * z[y] * p[q[a]]",
    "delta(i, 1) + x[2]",
    "where(i == y, s, t)",
    "where(x[i] >= 0, x[i], 0)",
    "step(x[i]) * gamma(s) + 2 * pi",
    "exp(-x[i]^2 / 2)",
    "sum(k, z[k] * x[i + k - 1])",
    "x[i] - x[i - 1] + W[a + 2, i - j + 3]",
    "x[-new + 3]",
    "x[a + 0] + x[-i + 3] + x[i + 2 * k] + x[k + y]",
    "delta(i, j + k) * delta(i + 1, k)",
    "where(i + 1 in K, log(x[i + 1]), 0)",
    "sum(k if i - k in K, 1 / x[i - k])",
    "sum(k != i - 1, x[k])",
)


@pytest.mark.parametrize("text", WRITTEN)
def test_prints_as_people_write(text: str) -> None:
    assert to_text(parse_expression(text, PROBLEM)) == text.replace("exp(-x[i]^2 / 2)", "exp(-1/2 * x[i]^2)")


SPELLINGS = (
    ("a0 ** 2", "a0^2"),
    ("a0*-b0", "-a0 * b0"),
    ("--a0", "a0"),
    ("+a0", "a0"),
    ("0.25 * a0", "1/4 * a0"),
    (".5", "1/2"),
    ("1e-3", "1/1000"),
    ("a0 / b0 / c0", "a0 / (b0 * c0)"),
    ("a0 / b0 / (-b0 / c0) / 3", "a0 / (3 * b0) / (-b0 / c0)"),
    ("a0 / b0 * c0", "a0 * c0 / b0"),
    ("a0 - (b0 - c0)", "a0 - (b0 - c0)"),
    ("2^3", "8"),
    ("1 + 2", "3"),
    ("((a0))", "a0"),
)


@pytest.mark.parametrize(
    ("text", "printed"), [("x[(2 + 3) * i]", "x[5 * i + 0]"), ("x[(1 - 3) * i + 2 * i + i - 1]", "x[i - 1]")]
)
def test_numbers_in_front_of_a_letter_are_added_up(text: str, printed: str) -> None:
    assert to_text(parse_expression(text, PROBLEM)) == printed


@pytest.mark.parametrize(("text", "printed"), SPELLINGS)
def test_spellings(text: str, printed: str) -> None:
    problem = read_problem("input a0, b0, c0\nf = a0", "spellings")
    assert to_text(parse_expression(text, problem)) == printed


def test_difference_and_quotient_are_built_from_the_nodes() -> None:
    s, t = Entry("s"), Entry("t")
    minus_one = Number(Fraction(-1))
    assert parse_expression("s - t", PROBLEM) == Add((s, Multiply((minus_one, t))))
    assert parse_expression("s / t", PROBLEM) == Multiply((s, Power(t, minus_one)))


def test_a_bound_letter_that_is_free_too_is_renamed() -> None:
    k = Index("k", "K")
    tree = Multiply((Entry("x", (k,)), Sum(k, Entry("z", (k,)))))
    assert to_text(tree) == "x[k] * sum(k_1, z[k_1])"
    assert same(parse_expression(to_text(tree), PROBLEM), tree)


def test_definition_as_a_line() -> None:
    problem = catalog.load("softmax")
    assert definition_to_text(problem.definitions[0]) == "p[i] = exp(z[i]) / sum(k, exp(z[k]))"
