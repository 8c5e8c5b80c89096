"""Inverses and determinants: their meaning by the oracle, in text and LaTeX, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symderiv.expression.oracle import FRACTIONS, Oracle, OracleError
from symderiv.kernels.errors import KernelError
from symderiv.kernels.specification import functions_of
from symderiv.notation.errors import NotationError
from symderiv.notation.latex import to_latex
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import names_in
from symderiv.proof import prove
from tests.oracles import differences, generic_oracle

PROBLEM = read_problem(
    """
index i, j, k, l : n
input A[n, n], W[n, m], x[n], s
S[i, j] = A[i, j] + s * delta(i, j)
f = sum(i, sum(j, x[i] * inv(S)[i, j] * x[j]))
""",
    "matrices",
)
#: What is true of every matrix that has an inverse.
LAWS = [
    ("sum(k, inv(A)[i, k] * A[k, j])", "delta(i, j)"),
    ("sum(k, A[i, k] * inv(A)[k, j])", "delta(i, j)"),
    ("sum(k, sum(l, inv(A)[i, k] * A[k, l] * x[l]))", "x[i]"),
    ("d(inv(A)[i, j], A[k, l])", "-inv(A)[i, k] * inv(A)[l, j]"),
    ("d(det(A), A[k, l])", "det(A) * inv(A)[l, k]"),
    ("d(log(det(A)^2), A[k, l])", "2 * inv(A)[l, k]"),
    ("d(inv(S)[i, j], s)", "-sum(k, inv(S)[i, k] * inv(S)[k, j])"),
    ("d(det(S), s)", "det(S) * sum(k, inv(S)[k, k])"),
    ("sum(k, inv(S)[i, k] * S[k, j])", "delta(i, j)"),
    ("sum(k, S[i, k] * sum(j, inv(S)[k, j] * x[j]))", "x[i]"),
    ("d(f, S[k, l])", "-sum(i, x[i] * inv(S)[i, k]) * sum(j, inv(S)[l, j] * x[j])"),
    (
        "d(d(det(A), A[i, j]), A[k, l])",
        "det(A) * (inv(A)[j, i] * inv(A)[l, k] - inv(A)[j, k] * inv(A)[l, i])",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), LAWS)
def test_laws_are_proved_and_true(left: str, right: str) -> None:
    one, other = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(one, other, PROBLEM).kind == "proved"
    for size in (1, 2, 3):
        oracle = generic_oracle(PROBLEM, {"n": size, "m": 2}, seed=size)
        assert differences(oracle, one, other) == []


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("d(inv(A)[i, j], A[k, l])", "-inv(A)[i, l] * inv(A)[k, j]"),
        ("sum(k, inv(A)[i, k] * A[j, k])", "delta(i, j)"),
        ("d(det(A), A[k, l])", "det(A) * inv(A)[k, l]"),
        ("inv(A)[i, j]", "inv(A)[j, i]"),
    ],
)
def test_a_swapped_index_is_refuted(left: str, right: str) -> None:
    one, other = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(one, other, PROBLEM).kind == "refuted"


def test_elimination_is_exact_and_changes_rows_where_it_must() -> None:
    table = {(0, 0): Fraction(0), (0, 1): Fraction(2), (1, 0): Fraction(3), (1, 1): Fraction(1)}
    oracle = Oracle({"n": 2}, {"A": table}, (), {}, FRACTIONS)
    assert oracle.entry("det(A)", ()) == -6
    inverse = [[oracle.entry("inv(A)", (row, column)) for column in range(2)] for row in range(2)]
    assert inverse == [[Fraction(-1, 6), Fraction(1, 3)], [Fraction(1, 2), 0]]


def test_a_singular_matrix_has_no_inverse() -> None:
    table = {place: Fraction(1) for place in ((0, 0), (0, 1), (1, 0), (1, 1))}
    oracle = Oracle({"n": 2}, {"A": table}, (), {}, FRACTIONS)
    assert oracle.entry("det(A)", ()) == 0
    with pytest.raises(OracleError, match="A has no inverse here: it is singular"):
        oracle.entry("inv(A)", (0, 0))


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("inv(A)[i, j]", r"\left(A^{-1}\right)_{ij}"),
        ("det(A)^2", r"\det\left(A\right)^{2}"),
        ("log(det(A))", r"\log \det\left(A\right)"),
    ],
)
def test_text_and_latex(text: str, latex: str) -> None:
    node = parse_expression(text, PROBLEM)
    assert to_text(node) == text
    assert to_latex(node, PROBLEM) == latex
    assert "A" in names_in(node)


def test_a_batch_has_an_inverse_for_each_sample() -> None:
    single = read_problem(
        "input A[n, n], x[n]\nbatch A\ny[i] = sum(j, inv(A)[i, j] * x[j]) * det(A)", "batched"
    )
    definition = single.batch().definitions[0]
    assert to_text(definition.body) == "sum(j, inv(A)[b, i, j] * x[j]) * det(A)[b]"
    tables = {
        "A": {(sample, row, column): Fraction(1 + 2 * sample + (row == column)) for sample in range(2)
              for row in range(2) for column in range(2)},
        "x": {(0,): Fraction(1), (1,): Fraction(2)},
    }  # fmt: skip
    oracle = Oracle({"n": 2, "B": 2}, tables, single.batch().definitions, {}, FRACTIONS)
    for sample in range(2):
        alone = {place[1:]: value for place, value in tables["A"].items() if place[0] == sample}
        one = Oracle({"n": 2}, {**tables, "A": alone}, single.definitions, {}, FRACTIONS)
        assert [oracle.entry("y", (sample, row)) for row in range(2)] == [
            one.entry("y", (row,)) for row in range(2)
        ]


REFUSED = [
    ("inv(‸W)[i, j]", "inv needs a square matrix, found W[n, m]"),
    ("inv(‸s)[i, j]", "inv needs a square matrix, found s, a number"),
    ("inv(‸Q)[i, j]", "Q is not declared or defined"),
    ("‸inv(A)", "the inverse of a matrix needs indices here: inv(A)[i, j]"),
    ("‸inv(A)[i]", "inv(A) needs 2 indices, found 1 index"),
    ("‸inv(A * 2)[i, j]", "inv needs the name of a matrix"),
    ("‸exp(A)[i, j]", "only the inverse of a matrix"),
    ("det(‸x)", "det needs a square matrix, found x[n]"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "sentence"), REFUSED)
def test_what_is_refused(marked: str, sentence: str) -> None:
    before, after = marked.split("‸")
    with pytest.raises(NotationError) as caught:
        parse_expression(before + after, PROBLEM)
    assert sentence in caught.value.message
    assert caught.value.column == len(before) + 1


def test_no_module_is_emitted() -> None:
    with pytest.raises(KernelError, match=r"f needs inv\(S\): no module inverts matrices yet"):
        functions_of(PROBLEM)
