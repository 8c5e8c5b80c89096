"""Matrix notation is read into index notation by the shapes that are declared."""

from __future__ import annotations

import pytest

from symderiv.expression.nodes import Index
from symderiv.notation.reader import parse_expression
from symderiv.notation.tex import parse_latex_chain
from symderiv.proof import prove
from tests.notation.tex_problem import PROBLEM

#: A formula, the letters that its open places get, and the text of one entry.
MATRICES = {
    r"W^T u": ("i", "sum(a, W[a, i] * u[a])"),
    r"W^\top u": ("i", "sum(a, W[a, i] * u[a])"),
    r"W^{\mathsf T} u": ("i", "sum(a, W[a, i] * u[a])"),
    r"\mathbf{W} \mathbf{x}": ("a", "sum(i, W[a, i] * x[i])"),
    r"x^T p": ("", "sum(i, x[i] * p[i])"),
    r"x^T A x": ("", "sum(i, j, x[i] * A[i, j] * x[j])"),
    r"u^T W x": ("", "sum(a, i, u[a] * W[a, i] * x[i])"),
    r"x^T A p^T p": ("i", "sum(j, x[j] * A[j, i]) * sum(j, p[j]^2)"),
    r"p p^T": ("ij", "p[i] * p[j]"),
    r"p p^T x": ("i", "p[i] * sum(j, p[j] * x[j])"),
    r"\mathrm{diag}(p) - p p^T": ("ij", "p[i] * delta(i, j) - p[i] * p[j]"),
    r"(diag(p) - p p^T) x": ("i", "p[i] * x[i] - p[i] * sum(j, p[j] * x[j])"),
    r"s A + A^T": ("ij", "s * A[i, j] + A[j, i]"),
    r"A + \mu I": ("ij", "A[i, j] + mu * delta(i, j)"),
    r"(A - \mu I_K) x": ("i", "sum(j, A[i, j] * x[j]) - mu * x[i]"),
    r"\mathrm{tr}(A)": ("", "sum(i, A[i, i])"),
    r"\operatorname{tr}(A^T A)": ("", "sum(i, j, A[j, i] * A[j, i])"),
    r"\|x\|^2": ("", "sum(i, x[i]^2)"),
    r"||x - p||_2^2": ("", "sum(i, (x[i] - p[i])^2)"),
    r"\|A\|_F^2": ("", "sum(i, j, A[i, j]^2)"),
    r"\|x\|": ("", "sqrt(sum(i, x[i]^2))"),
    r"\langle x, p \rangle": ("", "sum(i, x[i] * p[i])"),
    r"x \cdot p": ("", "sum(i, x[i] * p[i])"),
    r"x \odot p": ("i", "x[i] * p[i]"),
    r"e^x \odot (1 - p)": ("i", "exp(x[i]) * (1 - p[i])"),
    r"\mathbf{1}^T x": ("", "sum(i, x[i])"),
    r"x - \mathbf 1": ("i", "x[i] - 1"),
    r"W \mathbf 1": ("a", "sum(i, W[a, i])"),
    r"\operatorname{softmax}(z)": ("i", "exp(z[i]) / sum(k, exp(z[k]))"),
    r"\operatorname{softmax}(W^T u)_l": (
        "",
        "exp(sum(a, W[a, l] * u[a])) / sum(k, exp(sum(a, W[a, k] * u[a])))",
    ),
    r"\operatorname{logsumexp}(z)": ("", "log(sum(k, exp(z[k])))"),
    r"(x - p)_l": ("", "x[l] - p[l]"),
    r"(A x)_l": ("", "sum(j, A[l, j] * x[j])"),
    r"A_i^T x": ("", "sum(j, A[i, j] * x[j])"),
    r"\frac{\partial L}{\partial z}": ("i", "d(L, z[i])"),
    r"\nabla_A s": ("ij", "d(s, A[i, j])"),
    r"\frac{\partial p}{\partial z}": ("ij", "d(p[i], z[j])"),
    r"\sum_a u_a W_a": ("i", "sum(a, u[a] * W[a, i])"),
    r"\max(0, x)": ("i", "max(0, x[i])"),
}


@pytest.mark.parametrize(("latex", "letters", "text"), [(key, *value) for key, value in MATRICES.items()])
def test_matrices(latex: str, letters: str, text: str) -> None:
    chain = parse_latex_chain(latex, PROBLEM)
    assert "".join(index.name for index in chain.open) == letters
    assert prove(chain.sides[0], parse_expression(text, PROBLEM), PROBLEM).kind == "proved"


def test_sides_of_a_chain_share_their_letters() -> None:
    chain = parse_latex_chain(r"\frac{\partial L}{\partial z} = p - x = x - p", PROBLEM)
    assert chain.open == (Index("i", "K"),)
    assert chain.sides[1] == parse_expression("p[i] - x[i]", PROBLEM)
