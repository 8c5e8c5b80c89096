"""How far a sum, an operator, a function or a slash reaches."""

from __future__ import annotations

import pytest

from symderiv.expression.canonical import same
from symderiv.notation.reader import parse_expression
from symderiv.notation.tex import parse_latex
from symderiv.notation.text import to_text
from tests.notation.tex_problem import PROBLEM

SCOPES = {
    r"\sum_k x_k z_k": "sum(k, x[k] * z[k])",
    r"\sum_k x_k \cdot z_k / s": "sum(k, x[k] * z[k] / s)",
    r"\sum_k x_k + s": "sum(k, x[k]) + s",
    r"\sum_k x_k - s": "sum(k, x[k]) - s",
    r"s \sum_k x_k r": "s * sum(k, x[k] * r)",
    r"\left(\sum_k x_k\right) r": "sum(k, x[k]) * r",
    r"[\sum_k x_k] r": "sum(k, x[k]) * r",
    r"\sum_k (x_k + s) r": "sum(k, (x[k] + s) * r)",
    r"\sum_k -\frac{t_k}{p_k} s": "sum(k, -t[k] / p[k] * s)",
    r"\sum_j \sum_k A_{jk} x_k": "sum(j, k, A[j, k] * x[k])",
    r"\sum_j x_j \sum_k A_{jk}": "sum(j, x[j] * sum(k, A[j, k]))",
    r"\frac{\sum_k x_k}{s} r": "sum(k, x[k]) / s * r",
    r"e^{\sum_k x_k} r": "exp(sum(k, x[k])) * r",
    r"\log \sum_k e^{z_k}": "log(sum(k, exp(z[k])))",
    r"\log \sum_k e^{z_k} + s": "log(sum(k, exp(z[k]))) + s",
    r"\log \sum_k e^{z_k} s": "log(sum(k, exp(z[k]) * s))",
    r"-\sum_k t_k \log p_k": "-sum(k, t[k] * log(p[k]))",
    r"\sum_k t_k \log p_k x_k": "sum(k, t[k] * log(p[k]) * x[k])",
    r"\prod_k x_k s": "prod(k, x[k] * s)",
    r"\max_k x_k s": "max(k, x[k] * s)",
    r"\frac{\partial}{\partial s} s r": "d(s * r, s)",
    r"\frac{\partial}{\partial s} s + r": "d(s, s) + r",
    r"\frac{\partial}{\partial s} (s + r) T": "d(s + r, s) * T",
    r"\frac{\partial}{\partial s} -s r": "d(-s * r, s)",
    r"\partial_s s r - T": "d(s * r, s) - T",
    r"\frac{\partial}{\partial s} \left(s^2\right)^3 r": "d(s^6, s) * r",
    r"s - r T / \mu - 1": "s - r * T / mu - 1",
    r"s / r / T": "s / (r * T)",
    r"s / r T": "s / r * T",
    r"-s^2": "-(s^2)",
    r"2^{s^r}": "2^(s^r)",
}


@pytest.mark.parametrize(("latex", "text"), SCOPES.items())
def test_scope(latex: str, text: str) -> None:
    found = parse_latex(latex, PROBLEM)
    assert same(found, parse_expression(text, PROBLEM)), to_text(found)
