"""Assumptions in words: read, used by the calculus and the prover, met by counterexamples."""

from __future__ import annotations

import pytest

from symderiv.calculus import derive_all
from symderiv.expression.canonical import same
from symderiv.kernels.emit import emit
from symderiv.kernels.verify import verify_source
from symderiv.notation.reader import parse_assumption, parse_equation, parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Assumption
from symderiv.proof import prove

PROBLEM = read_problem(
    """
index i, j, k : K
index b : B
input A[K, K], x[K], t[K], s, y, w, T[B, K]
assume A symmetric
assume t one_hot
assume s > 0
assume y in {0, 1}
assume w in {-1, 1}
assume i != j
assume T one_hot
q = sum(i, j, x[i] * A[i, j] * x[j])
p[k] = exp(x[k]) / sum(j, exp(x[j]))
L = -sum(k, t[k] * log(p[k]))
derive d(q, x[k])
derive d(L, x[k])
""",
    "assumed",
)


def test_what_is_read() -> None:
    assert [f"{to_text(each.left)} == {to_text(each.right)}" for each in PROBLEM.assumptions] == [
        "A[i, j] == A[j, i]",
        "t[i] * t[j] == t[i] * delta(i, j)",
        "sum(i, t[i]) == 1",
        "where(s > 0, 1, 0) == 1",
        "y^2 == y",
        "w^2 == 1",
        "delta(i, j) == 0",
        "T[b, i] * T[b, j] == T[b, i] * delta(i, j)",
        "sum(i, T[b, i]) == 1",
    ]


def test_the_calculus_uses_them() -> None:
    quadratic, loss = derive_all(PROBLEM)
    assert same(quadratic.form, parse_expression("2 * sum(j, A[k, j] * x[j])", PROBLEM))
    assert same(loss.form, parse_expression("p[k] - t[k]", PROBLEM))
    assert to_text(quadratic.assumptions[0].left) == "A[i, j]"


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("d(q, x[k])", "2 * sum(j, A[k, j] * x[j])", "proved"),
        ("d(q, x[k])", "sum(j, A[k, j] * x[j])", "refuted"),
        ("t[k]^2", "t[k]", "proved"),
        ("t[i] * t[k]", "t[i] * delta(i, k)", "proved"),
        ("sum(k, t[k]^3)", "1", "proved"),
        ("t[k]", "delta(k, 1)", "refuted"),
        ("T[b, i] * T[b, k]", "T[b, k] * delta(i, k)", "proved"),
        ("log(s^2)", "2 * log(s)", "proved"),
        ("abs(s)", "s", "proved"),
        ("sqrt(s^2)", "s", "proved"),
        ("s", "1", "refuted"),
        ("y^3 - y", "0", "proved"),
        ("y", "0", "refuted"),
        ("w^4", "w^2", "proved"),
        ("w^3", "1", "refuted"),
        ("w", "-1", "refuted"),
        ("y", "1", "refuted"),
        ("y * x[k]", "x[k]", "refuted"),
        ("delta(i, j) * x[i]", "0", "proved"),
    ],
)
def test_the_prover_uses_them(left: str, right: str, kind: str) -> None:
    one, other = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(one, other, PROBLEM, PROBLEM.assumptions).kind == kind


NOT_NEGATIVE = read_problem(
    "index k : K\ninput x, v[K], s\nassume x >= 0\nassume v[k] >= 0\nassume s > 0\nq = x\n", "nonnegative"
)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("sqrt(x^2)", "x", "proved"),
        ("abs(x * s)", "x * s", "proved"),
        ("sum(k, relu(v[k]))", "sum(k, v[k])", "proved"),
        ("sqrt(x)^2", "x", "proved"),
        ("max(x, -x)", "x", "proved"),
        ("step(x)", "1", "refuted"),
        ("sign(x)", "1", "refuted"),
        ("sqrt(x^2)", "-x", "refuted"),
        ("max(k, v[k])", "sum(k, v[k])", "refuted"),
    ],
)
def test_what_is_not_negative_is_a_square(left: str, right: str, kind: str) -> None:
    one, other = (parse_expression(side, NOT_NEGATIVE) for side in (left, right))
    assert prove(one, other, NOT_NEGATIVE, NOT_NEGATIVE.assumptions).kind == kind


@pytest.mark.parametrize(("left", "right"), [("t[k]^2", "t[k]"), ("abs(s)", "s"), ("y^2", "y")])
def test_without_them_nothing_is_assumed(left: str, right: str) -> None:
    one, other = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(one, other, PROBLEM).kind == "refuted"


def test_sums_within_sums_over_a_symmetric_matrix_come_to_an_end() -> None:
    text = "index i, j : K\ninput A[K, K], x[K]\nassume A symmetric\nq = sum(i, j, x[i] * A[i, j] * x[j])\n"
    problem = read_problem(text + "derive d(q, x[j])", "quadratic")
    checks = verify_source(problem, "numpy", emit(problem, "numpy"), large=False)
    assert checks


@pytest.mark.parametrize(
    ("given", "left", "right"),
    [
        (["t[i] * t[j] == t[i] * delta(i, j)"], "sum(k, t[k])", "1"),  # all may be 0
        (["t[i] * t[j] == t[i] * delta(i, j)", "sum(k, a[k]) == 1"], "sum(k, t[k])", "1"),
        (["t[i] * t[j] == a[i] * delta(i, j)"], "sum(k, t[k])", "1"),
        (["t[k]^2 == 4"], "t[k]^2", "1"),
        (["t[k]^2 == 1"], "t[k]^2", "t[k]"),
        (["t[k]^2 == t[k]"], "t[k]^2", "1"),
        (["t[k]^2 == a[k]"], "t[k]^2", "t[k]"),
        (["sum(k, t[k]) == t[1]"], "sum(k, t[k])", "1"),
        (["sum(k, t[k]) == x"], "sum(k, t[k])", "1"),
        (["sum(k, t[k]) == 0"], "sum(k, a[k] * t[k])", "0"),
        (["sum(k, t[k]^2) == 4"], "sum(k, t[k]^2)", "1"),
        (["sum(k, t[k]^2) == 1"], "sum(k, t[k])", "1"),
        (["sum(k, t[k]) == 1"], "sum(k, t[k]^2)", "1"),
        (["sum(k, A[k, k]) == 1"], "sum(k, A[i, k])", "1"),
        (["sum(k, A[i, k]) == 1"], "sum(k, A[k, i])", "1"),
        (["sum(k != 1, t[k]) == 1"], "sum(k, t[k])", "1"),
        (["A[i, i] == 1"], "A[i, j]", "1"),
        (["A[i, j] == -A[j, i]"], "A[i, j]", "A[j, i]"),
        (["A[i, j] == A[j, i]"], "A[i, j]", "-A[j, i]"),
        (["t[k] == a[k] + t[1]"], "t[k]", "a[k]"),
        (["t[k] == a[i]"], "t[k]", "a[k] + x"),
        (["t[k] > 0"], "abs(a[k])", "a[k]"),
        (["t[k] > x"], "abs(t[k])", "t[k]"),
        (["t[k] < 0"], "abs(t[k])", "t[k]"),
        (["t[1] > 0"], "abs(t[k])", "t[k]"),
        (["A[k, k] > 0"], "abs(A[i, k])", "A[i, k]"),
    ],
)
def test_they_are_not_taken_for_others(given: list[str], left: str, right: str) -> None:
    problem = read_problem("index i, j, k : K\ninput A[K, K], t[K], a[K], x\ng = x\n", "near")
    assumptions = [
        Assumption(*parse_equation(text, problem)) if "==" in text else parse_assumption(text, problem)[0]
        for text in given
    ]
    one, other = (parse_expression(side, problem) for side in (left, right))
    assert prove(one, other, problem, assumptions).kind != "proved"
