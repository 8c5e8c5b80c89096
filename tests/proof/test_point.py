"""Values at one point modulo a prime: what is the same has one value there, and what may differ has two."""

from __future__ import annotations

import pytest

from symderiv.expression.nodes import Index
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.proof.point import OutOfWork, Point, Setting, Work
from symderiv.proof.prime_field import Element, PrimeField, Undefined

PROBLEM = read_problem("index i, j, k : K\ninput a[K], x, y\nlabel q : K\ng = x", "points")
#: Two places, where i is the first and j the second: so δ_ij is 0, and δ_iq is 1.
SETTING = Setting({"K": 2}, {Index("i", "K"): 0, Index("j", "K"): 1}, {("q", ()): 0})


def value(text: str, choices: dict[tuple[object, ...], int] | None = None) -> Element:
    point = Point(PrimeField(), SETTING, b"seed", Work(200), choices=choices)
    return point.value(parse_expression(text, PROBLEM))


@pytest.mark.parametrize(
    "text",
    [
        "exp(delta(i, j)) - 1",
        "exp(x)^3 - exp(x)^2 * exp(x)",
        "exp(x + delta(i, j)) - exp(x)",
        "log(1 + delta(i, j))",
        "log(x) + log(1 / x)",
        "log(x / y) + log(y / x)",
        "erf(delta(i, j))",
        "erf(x - y) + erf(y - x)",
        "sin(x + delta(i, j)) - sin(x)",
        "sqrt(delta(i, j))",
        "sqrt(4 / 9) - 2 / 3",
        "sqrt(2)^2 - 2",
        "sqrt(x) * sqrt(x + delta(i, j)) - x",
        "sqrt(sum(k, a[k]))^2 - a[1] - a[2]",
        "x^(1/2) * x^(3/2) - x^2",
        "x^(2/3) - x^(1/3) * (x + delta(i, j))^(1/3)",
        "x^y - (x + delta(i, j))^y",
        "step(delta(i, j)) + sign(delta(i, j))",
        "sign(x - y) + sign(y - x)",
        "where(x < y, 1, 0) - where(y > x, 1, 0)",
        "where(x <= y, 1, 0) + where(y < x, 1, 0) - 1",
        "sum(k != i, a[k]) - a[j]",
        "sum(k < j, a[k]) - a[i]",
        "a[q] - a[i]",
        "a[2] - a[j]",
        "delta(i, q) - 1",
        "delta(i, j) / (x - x * delta(i, q))",  # a δ that is 0 comes first: the rest need not have a value
        "K - 2",
    ],
)
def test_what_is_zero(text: str) -> None:
    assert value(text).is_zero()


@pytest.mark.parametrize(
    "text",
    [
        "exp(x) - 1",
        "exp(x) - exp(y)",
        "exp(2 * x) - exp(x)",
        "log(x)",
        "log(x) - log(y)",
        "log(2) - 1",
        "log(-x) - log(x)",
        "erf(x) - erf(y)",
        "erf(x) + erf(y)",
        "erf(x) - log(x)",
        "sqrt(x) - x",
        "sqrt(x^2) - x",
        "sqrt(x^2) + x",
        "sqrt(x) + sqrt(y) - sqrt(x + y)",
        "sqrt(2) - sqrt(3)",
        "sqrt(2 / 9) - 2 / 3",
        "sqrt(sum(k, a[k])) - sqrt(a[1] + a[2])",  # by spelling: they need not be one at every size
        "x^(1/3) - x^(1/5)",
        "x^y - y^x",
        "a[i] - a[j]",
        "a[q] - a[j]",
        "x - y",
        "sum(k, a[k])",
    ],
)
def test_what_is_not(text: str) -> None:
    assert not value(text).is_zero()


@pytest.mark.parametrize("text", ["1 / delta(i, j)", "log(delta(i, j))", "1 / (sqrt(x) * delta(i, j))"])
def test_what_has_no_value(text: str) -> None:
    with pytest.raises(Undefined):
        value(text)


def test_signs_are_chosen_for_the_difference_and_its_opposite() -> None:
    choices: dict[tuple[object, ...], int] = {}
    first = value("sign(x - y)", choices)
    assert list(choices.values()) == [-1]
    (key,) = choices
    turned = value("sign(x - y)", {key: 1})
    assert {first.value, turned.value} == {1, PrimeField().prime - 1}
    assert value("sign(x - y)", {key: 0}).is_zero()
    assert value("where(x >= y, 1, 0) * where(y >= x, 1, 0)", {key: 0}).value == 1


def test_the_work_is_counted() -> None:
    with pytest.raises(OutOfWork, match="more than 200 steps"):
        value(" + ".join(f"x^{power}" for power in range(2, 300)))
