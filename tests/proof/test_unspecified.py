"""Derivatives of unspecified functions, by the chain rule and nothing else."""

from __future__ import annotations

import pytest

from symderiv.notation.reader import parse_expression, read_problem
from symderiv.proof import prove

PROBLEM = read_problem(
    """
index i, j, k, l : K
input z[K], x
p[i] = exp(z[i]) / sum(k, exp(z[k]))
upstream L(p)
""",
    "any_loss",
)
HESSIAN = (
    "sum(k, sum(l, d(L, p[k], p[l]) * d(p[k], z[i]) * d(p[l], z[j])))"
    " + sum(k, d(L, p[k]) * d(p[k], z[i], z[j]))"
)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("d(L, z[j])", "p[j] * (d(L, p[j]) - sum(k, d(L, p[k]) * p[k]))", "proved"),
        ("d(L^2, z[j])", "2 * L * d(L, z[j])", "proved"),
        ("d(2 * L, z[j])", "0", "refuted"),
        ("d(L, z[i], z[j])", "d(L, z[j], z[i])", "proved"),
        ("d(L, z[i], z[j])", HESSIAN, "proved"),
        ("d(L, z[i], z[j])", HESSIAN.split(" + ", maxsplit=1)[0], "refuted"),
        ("d(L, z[i], z[j])", HESSIAN.replace("p[l], z[j]", "p[l], z[i]"), "refuted"),
        ("sum(j, d(L, z[i], z[j]))", "0", "proved"),
        ("d(L, p[k], p[l])", "d(L, p[l], p[k])", "proved"),
        ("d(L, p[k], p[l])", "d(L, p[k]) * d(L, p[l])", "refuted"),
        ("d(d(L, p[i]), z[j])", "sum(k, d(L, p[i], p[k]) * d(p[k], z[j]))", "proved"),
        ("d(exp(L), z[i], z[j])", "exp(L) * (d(L, z[i], z[j]) + d(L, z[i]) * d(L, z[j]))", "proved"),
        ("d(L, p[i], p[j], p[k])", "d(L, p[k], p[i], p[j])", "proved"),
        ("sum(l, d(d(L, p[i], p[j]), z[l]))", "0", "proved"),
    ],
)
def test_the_chain_rule(left: str, right: str, kind: str) -> None:
    verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM)
    assert verdict.kind == kind, verdict


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("d(f(x^2), x)", "2 * x * f'(x^2)", "proved"),
        ("d(f(x^2), x)", "f'(x^2)", "refuted"),
        ("d(f(x * y) * h(f(x)), x)", "y * f'(x * y) * h(f(x)) + f(x * y) * h'(f(x)) * f'(x)", "proved"),
        ("d(f(x * y), x, y)", "f'(x * y) + x * y * f''(x * y)", "proved"),
        ("d(f(x * y), x, y)", "f''(x * y)", "refuted"),
    ],
)
def test_of_what_is_computed(left: str, right: str, kind: str) -> None:
    problem = read_problem("input x, y\nfunction f\nfunction h\nq = x", "any_functions")
    assert prove(parse_expression(left, problem), parse_expression(right, problem), problem).kind == kind
