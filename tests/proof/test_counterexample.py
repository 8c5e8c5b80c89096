"""Counterexamples: the smallest sizes first, small numbers, exact where that can be, and always true ones."""

from fractions import Fraction

import pytest

from symderiv import catalog
from symderiv.notation.reader import parse_equation, parse_expression, read_problem
from symderiv.problem import Assumption
from symderiv.proof import counterexample, prove

PROBLEM = read_problem(
    """
index i, j, k : K
index n : N
input z[K], a[K], t[K], x, c, W[N, K]
label y : K
p[i] = exp(z[i]) / sum(k, exp(z[k]))
L = -sum(k, t[k] * log(p[k]))
""",
    "identities",
)


def found(left: str, right: str, *assumptions: str) -> dict:
    given = [Assumption(*parse_equation(each, PROBLEM)) for each in assumptions]
    sides = (parse_expression(side, PROBLEM) for side in (left, right))
    return counterexample(*sides, PROBLEM, assumptions=given) or {}


def test_it_is_exact_and_as_small_as_can_be() -> None:
    assert found("(sum(k, a[k]))^2", "sum(k, a[k]^2)") == {
        "sizes": {"K": 2}, "places": {}, "values": {"a": ["1", "2"]},
        "left": "9", "right": "5", "exact": True,
    }  # fmt: skip


def test_a_function_is_met_where_its_value_is_rational() -> None:
    assert found("d(p[i], z[j])", "p[i] * (delta(i, j) + p[j])") == {
        "sizes": {"K": 1}, "places": {"i": 1, "j": 1}, "values": {"z": ["0"]},
        "left": "0", "right": "2", "exact": True,
    }  # fmt: skip


def test_digits_where_no_rational_value_is_at_hand() -> None:
    result = found("log(1 + x)", "x")
    assert (result["values"], result["exact"]) == ({"x": "1"}, False)
    assert (result["left"], result["right"]) == ("0.69314718055994530942", "1")


@pytest.mark.parametrize(
    ("left", "right", "sizes"),
    [
        ("K * x", "x", {"K": 2}),
        ("sum(k, a[k])", "a[i]", {"K": 2}),
        ("a[y]", "a[i]", {"K": 2}),
        ("sum(n, W[n, k])", "W[n, k]", {"K": 1, "N": 2}),
        ("sum(k, W[n, k])", "W[n, k]", {"K": 2, "N": 1}),
        ("K * (K - 1) * (K - 2) * x", "0", {"K": 3}),
    ],
)
def test_the_smallest_sizes_come_first(left: str, right: str, sizes: dict[str, int]) -> None:
    assert found(left, right)["sizes"] == sizes


def test_axes_and_inputs_that_do_not_matter_are_left_out() -> None:
    result = found("x", "2 * x")
    assert result["values"] == {"x": "1"}


def test_values_meet_the_assumptions() -> None:
    result = found("d(L, z[j])", "t[j] - p[j]", "sum(k, t[k]) == 1")
    assert sum(Fraction(each) for each in result["values"]["t"]) == 1
    assert found("d(L, z[j])", "p[j] - t[j]", "sum(k, t[k]) == 1") == {}
    assert found("sum(k, t[k])", "3", "sum(k, t[k]) == 1")["left"] == "1"


def test_values_that_miss_an_assumption_do_not_count() -> None:
    """c = x is met by none of the values that are tried, so nothing is said."""
    assert found("x - c", "1", "c == x") == {}
    verdict = prove(
        parse_expression("x - c", PROBLEM), parse_expression("1", PROBLEM), PROBLEM,
        [Assumption(*parse_equation("c == x", PROBLEM))],
    )  # fmt: skip
    assert verdict.kind == "undecided"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("d(relu(x), x)", "where(x >= 0, 1, 0)"),
        ("d(abs(x - 1), x)", "where(x >= 1, 1, -1)"),
        ("step(x) + step(-x)", "1"),
        ("x^2 / x", "x"),
        ("log(exp(x))", "x"),
        ("sqrt(x) * sqrt(x)", "x"),
    ],
)
def test_kinks_and_poles_refute_nothing(left: str, right: str) -> None:
    assert found(left, right) == {}


@pytest.mark.parametrize("name", catalog.names())
def test_what_the_catalogue_states_has_none(name: str) -> None:
    problem = catalog.load(name)
    for each in problem.expectations:
        if each.form is not None:
            assert counterexample(each.derivative, each.form, problem, assumptions=each.assuming) is None


def test_an_unspecified_function_gets_slopes_of_its_own() -> None:
    problem = catalog.load("softmax_any_loss")
    left = parse_expression("d(L, z[k])", problem)
    wrong = parse_expression("y[k] * (d(L, y[k]) - d(L, y[k]) * y[k])", problem)
    found = counterexample(left, wrong, problem)
    assert found is not None
    assert found["sizes"] == {"K": 2}
    assert set(found["values"]) == {"z", "d(L, y)"}
    right = parse_expression("y[k] * (d(L, y[k]) - sum(i, d(L, y[i]) * y[i]))", problem)
    assert counterexample(left, right, problem) is None


def test_a_curved_function_tells_second_derivatives_apart() -> None:
    problem = read_problem("index i : K\\ninput y[K]\\nupstream L(y)\\n".replace("\\n", "\n"), "any")
    second = parse_expression("d(L, y[i], y[i])", problem)
    found = counterexample(second, parse_expression("0", problem), problem)
    assert found is not None
    assert "u + u^2" in found["values"]["L"]
