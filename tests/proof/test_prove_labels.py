"""Labels with indices of their own, several deltas on one place, conditions on places."""

from __future__ import annotations

import pytest

from symderiv.notation.latex import to_latex
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.tex import parse_latex
from symderiv.notation.text import to_text
from symderiv.proof import prove

PROBLEM = read_problem(
    """
index a, b, c : B
index i, j, k : K
input z[B, K]
label y[B] : K
label u[B] : K
label f[B] : B
p[b, i] = exp(z[b, i]) / sum(k, exp(z[b, k]))
L = -sum(b, log(p[b, y[b]])) / B
""",
    "labels",
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("delta(k, y[b]) * p[b, k]", "delta(k, y[b]) * p[b, y[b]]"),
        ("delta(k, y[b]) * delta(k, u[b])", "delta(k, y[b]) * delta(y[b], u[b])"),
        ("delta(y[b], u[b]) * p[b, y[b]]", "delta(y[b], u[b]) * p[b, u[b]]"),
        ("delta(a, b) * p[a, y[a]]", "delta(a, b) * p[b, y[b]]"),
        ("delta(a, f[a]) * z[a, k]", "delta(a, f[a]) * z[f[a], k]"),
        ("delta(y[a], 2) * delta(y[a], 3)", "0"),
        ("where(k == y[b], 1, 0)", "delta(k, y[b])"),
        ("where(k != y[b], p[b, k], 0)", "p[b, k] - delta(k, y[b]) * p[b, k]"),
        ("where(y[a] == y[b], 1, 0)", "delta(y[a], y[b])"),
        ("sum(a if y[a] != y[b], z[a, k])", "sum(a, (1 - delta(y[a], y[b])) * z[a, k])"),
        ("sum(k, delta(k, y[a]) * delta(k, y[b]))", "delta(y[a], y[b])"),
        ("sum(k != y[b], p[b, k])", "1 - p[b, y[b]]"),
        ("d(L, z[b, k])", "where(k == y[b], (p[b, k] - 1) / B, p[b, k] / B)"),
        ("d(sum(a, z[f[a], k]), z[b, j])", "sum(a, delta(f[a], b)) * delta(k, j)"),
    ],
)
def test_equal(left: str, right: str) -> None:
    one, other = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(one, other, PROBLEM).kind == "proved"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("delta(k, y[b]) * p[b, k]", "delta(k, y[b]) * p[b, u[b]]"),
        ("delta(k, y[b]) * delta(k, u[b])", "delta(k, y[b])"),
        ("where(k != y[b], 1, 0)", "delta(k, y[b])"),
        ("where(y[a] == y[b], 1, 0)", "delta(a, b)"),
        ("sum(k, delta(k, y[a]) * delta(k, y[b]))", "delta(a, b)"),
        ("d(L, z[b, k])", "p[b, k] - delta(k, y[b])"),
        ("d(L, z[b, k])", "(p[b, k] - delta(k, u[b])) / B"),
        ("delta(a, f[a]) * z[a, k]", "z[f[a], k]"),
    ],
)
def test_not_equal(left: str, right: str) -> None:
    one, other = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(one, other, PROBLEM).kind == "refuted"


@pytest.mark.parametrize(
    "text",
    [
        "p[b, y[b]]", "delta(k, y[b])", "delta(y[a], y[b])", "delta(3, y[b])", "where(k == y[b], p[b, k], 0)",
        "sum(k != y[b], p[b, k])", "sum(a, delta(y[a], y[b]))", "sum(a, b if y[a] == y[b], p[a, y[b]])",
        "p[b, y[1]]", "z[f[b], y[f[b]]]", "where(y[a] == y[b], 1, 0)",
    ],
)  # fmt: skip
def test_labels_with_indices_are_printed_as_they_are_read(text: str) -> None:
    read = parse_expression(text, PROBLEM)
    assert to_text(read) == text
    assert parse_latex(to_latex(read, PROBLEM), PROBLEM) == read


def test_labels_in_latex_as_people_write_them() -> None:
    for latex, text in ((r"p_{b y_b}", "p[b, y[b]]"), (r"\delta_{k y_b}", "delta(k, y[b])"),
                        (r"\mathbf 1[k = y_b]", "delta(k, y[b])")):  # fmt: skip
        assert to_text(parse_latex(latex, PROBLEM)) == text


def test_labels_on_an_axis_of_known_size() -> None:
    """Beyond the normal form: no certificate covers them there, and none is given."""
    left = "sum(b, z[b, y[b]] / (1 + z[b, y[b]])) + sum(b, 1 / (1 + z[b, y[b]]))"
    for right, everywhere, at_two in (("B", "proved", "undecided"), ("B + 1", "refuted", "refuted")):
        sides = [parse_expression(side, PROBLEM) for side in (left, right)]
        assert prove(*sides, PROBLEM).kind == everywhere
        assert prove(*sides, PROBLEM, sizes={"K": 2}).kind == at_two
        assert prove(*sides, PROBLEM, sizes={"K": 2, "B": 2}).kind == at_two
        assert prove(*sides, PROBLEM, sizes={"B": 2}).kind != ("refuted" if right == "B" else "proved")
