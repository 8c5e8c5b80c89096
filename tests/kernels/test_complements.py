"""What is left of 1, and exponentials in branches that are not taken: emitted without loss of digits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symderiv import catalog
from symderiv.kernels import complements
from symderiv.kernels.complements import rewrite_complements
from symderiv.kernels.emit import compile_function
from symderiv.kernels.errors import KernelError
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text

PROBLEM = read_problem("input x, c\ny = x", "complements")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("exp(x) - 1", "expm1(x)"),
        ("1 - exp(x)", "-expm1(x)"),
        ("c + exp(x) - 1", "expm1(x) + c"),
        ("1 - erf(x)", "erfc(x)"),
        ("1 + erf(x)", "erfc(-x)"),
        ("erf(x) - 1", "-erfc(x)"),
        ("exp(x) + 1", "exp(x) + 1"),
        ("exp(x) - 2", "exp(x) - 2"),
        ("where(x > 0, x, exp(x))", "where(x > 0, x, exp(min(x, 0)))"),
        ("where(x < c, exp(x), exp(-x))", "where(x < c, exp(min(x, c)), exp(min(-x, -c)))"),
        ("where(x > 0, exp(x), 1)", "where(x > 0, exp(x), 1)"),
    ],
)
def test_rewrites(before: str, after: str) -> None:
    assert to_text(rewrite_complements(parse_expression(before, PROBLEM), {})) == after


def test_a_wrong_rewrite_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complements, "_complement", lambda node: node.terms[0])
    with pytest.raises(KernelError, match="changed the value"):
        rewrite_complements(parse_expression("exp(x) - 1", PROBLEM), {})


def test_exponential_linear_units_far_out_and_near_zero() -> None:
    elu = compile_function(catalog.load("elu"), "numpy", "elu")
    x = np.array([1e4, -1e4, -1e-12, 1e-12])
    with np.errstate(all="raise", under="ignore"):
        got = elu(x, 1.0)
    assert list(got) == [1e4, -1.0, math.expm1(-1e-12), 1e-12]


def test_the_tail_of_the_gaussian_unit_keeps_its_digits() -> None:
    gelu = compile_function(catalog.load("gelu"), "numpy", "gelu")
    (got,) = gelu(np.array([-10.0]))
    assert got == pytest.approx(-10 * 0.5 * math.erfc(10 / math.sqrt(2)), rel=1e-14)
    assert got < 0


def test_the_slope_of_the_focal_loss_keeps_its_digits() -> None:
    slope = compile_function(catalog.load("focal_loss"), "numpy", "focal_loss_value_and_gradient")
    _, gradient = slope(np.array([40.0]), np.array([1.0]), 2.0)
    q = 1 / (1 + math.exp(40.0))
    # log p is -q (1 + q / 2 + ...), so that 2 p log p + p - 1 is -3 q to first order.
    assert gradient[0] == pytest.approx(-3 * q**3, rel=1e-12)
