"""Counterexamples: the smallest sizes first, small numbers, exact where that can be, and always true ones."""

from fractions import Fraction

import pytest

from symderiv import catalog
from symderiv.expression.nodes import Index, Sum
from symderiv.expression.oracle import Oracle, OracleError
from symderiv.notation.reader import parse_assumption, parse_equation, parse_expression, read_problem
from symderiv.problem import Assumption
from symderiv.proof import counterexample, prove
from symderiv.proof.trial_values import EXACT

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


@pytest.mark.parametrize(
    ("left", "right", "assumptions", "kind"),
    [
        ("x - c", "1", ["c == x"], "refuted"),
        ("x - c", "1", ["x == c + 1"], "proved"),
        ("abs(x - c)", "c - x", ["x > c"], "refuted"),
        ("abs(x - c)", "x - c", ["x >= c"], "undecided"),
        ("abs(z[k] - a[k])", "a[k] - z[k]", ["z[k] > a[k]"], "refuted"),
        ("sum(k, a[k])", "2 * sum(k, t[k])", ["a[k] == t[k]"], "refuted"),
        ("sum(k, a[k]^2)", "sum(k, t[k] * z[k])", ["a[k] == t[k]", "t[k] == z[k]"], "proved"),
        ("sum(k, t[k]^2)", "1", ["t[k] >= 0", "sum(k, t[k]) == 1"], "refuted"),
        ("sum(k, abs(t[k]))", "1", ["sum(k, t[k]) == 1", "t[k] >= 0"], "undecided"),
        ("sum(k, t[k]^3)", "1", ["sum(k, t[k]^2) == 1"], "refuted"),
        ("sum(k, t[k]^3)", "0", ["sum(k, t[k]) == 0"], "refuted"),
        ("x^2", "x", ["x >= 0", "x <= 1"], "refuted"),
        ("abs(x) + abs(1 - x)", "1", ["x >= 0", "x <= 1"], "undecided"),
        ("max(x, max(c, 3))", "x", ["x > c", "c > 3"], "undecided"),
    ],
)
def test_values_meet_assumptions_entry_by_entry(
    left: str, right: str, assumptions: list[str], kind: str
) -> None:
    given = [parse_assumption(each, PROBLEM)[0] for each in assumptions]
    verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM, given)
    assert verdict.kind == kind
    assert verdict.met
    assert verdict.points > 4 or kind != "undecided"


@pytest.mark.parametrize(
    ("left", "right", "assumptions", "kind"),
    [
        ("x", "1", ["exp(x) == 7"], "undecided"),
        ("x", "1", ["x > c", "c > x"], "undecided"),
        ("abs(x)", "x", ["x > 0", "x == -3"], "proved"),
        ("x", "4", ["x == 3", "x == 4"], "proved"),
    ],
)
def test_it_is_said_where_no_values_meet_the_assumptions(
    left: str, right: str, assumptions: list[str], kind: str
) -> None:
    given = [parse_assumption(each, PROBLEM)[0] for each in assumptions]
    verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM, given)
    assert (verdict.kind, verdict.met, verdict.points) == (kind, False, 0)
    assert "it may contradict itself" in verdict.caution()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("step(x) + step(-x)", "1"),
        ("where(x == 3, 1, 0)", "0"),
        ("where(x * c == 1000, 1, 0)", "0"),
        ("step(a[i] - a[j])", "1 - step(a[j] - a[i]) - delta(i, j)"),
        ("sum(k, where(a[k] == max(j, a[j]), 1, 0))", "1"),
        ("sign(x)^2", "1"),
        ("relu(x - 1000)", "0"),
        ("d(relu(x - 1000), x)", "0"),
        ("where(a[i] == a[j], 1, 0)", "delta(i, j)"),
        ("max(x, c) * where(x == c, 0, 1)", "max(x, c)"),
        ("a[y] * a[k]", "a[k]^2"),
        ("max(k, 0 * a[k])", "1"),
        ("sqrt(-x)^4", "x * abs(x)"),
        ("log(x - 1000)", "log(x - 1000)^3"),
        ("log(x - 1) + log(5/4 - x)", "log(x - 1) + 2 * log(5/4 - x)"),
        ("sqrt(x - 1) * sqrt(-c - 2)", "sqrt((x - 1) * (-c - 2)) + x * c"),
        ("log(x * (1 - x))", "log(x)"),
        ("exp(exp(exp(30 * x))) * sqrt(x^2)", "exp(exp(exp(30 * x))) * x"),
    ],
)
def test_points_that_chance_does_not_meet(left: str, right: str) -> None:
    assert found(left, right)


def test_only_points_with_finite_values_on_both_sides_agree() -> None:
    def points(left: str, right: str) -> int:
        return prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM).points

    assert points("gamma(x + 1)", "x * gamma(x)") > 0
    assert points("gamma(1 + exp(exp(3 + x^2)))", "gamma(exp(exp(3 + x^2))) * exp(exp(3 + x^2))") == 0
    assert points("log(-1 - x^2)", "sqrt(-1 - x^2)") == 0
    assert points("exp(exp(exp(exp(9 + x^2))))", "2 * exp(exp(exp(exp(9 + x^2))))") == 0


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("d(relu(x), x)", "where(x >= 0, 1, 0)"),
        ("d(abs(x - 1), x)", "where(x >= 1, 1, -1)"),
        ("d(step(x) + step(-x), x)", "0"),
        ("d(max(x, c), x)", "step(x - c)"),
        ("d(max(k, a[k]), a[j])", "prod(k != j, step(a[j] - a[k]))"),
        ("d(d(relu(x) * abs(x), x), x)", "2 * step(x)"),
        ("step(x)", "where(x > 0, 1, 0)"),
        ("relu(x)", "x * step(x)"),
        ("sign(x - c)", "step(x - c) - step(c - x)"),
        ("max(x, c) + min(x, c)", "x + c"),
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


def test_a_letter_may_range_over_an_axis_that_no_array_has() -> None:
    new = Sum(Index("s", "S"), parse_expression("x", PROBLEM))
    verdict = prove(new, parse_expression("x", PROBLEM), PROBLEM)
    assert verdict.kind == "refuted"
    assert verdict.counterexample["sizes"] == {"S": 2}


def test_natural_numbers_stay_natural() -> None:
    problem = read_problem("input g, x\nassume g natural\nq = g", "natural")
    for left, right in (("g^2", "g"), ("g", "2"), ("g * x", "3 * x"), ("1 / g", "1")):
        sides = [parse_expression(side, problem) for side in (left, right)]
        found = prove(*sides, problem, problem.assumptions)
        assert found.kind == "refuted"
        value = Fraction(str(found.counterexample["values"]["g"]))
        assert value.denominator == 1
        assert value > 0


def test_exact_values_of_functions() -> None:
    oracle = Oracle({}, {"x": {(): Fraction(4, 9)}}, (), {}, EXACT)
    for text, value in (
        ("exp(0 * x) + cos(0 * x) + sin(0 * x)", Fraction(2)),
        ("sqrt(x) + log(9 * x / 4)", Fraction(2, 3)),
        ("cosh(x - 4 / 9) - tanh(x - 4 / 9)", Fraction(1)),
    ):
        assert oracle.evaluate(parse_expression(text, X)) == value
    for text in ("exp(x)", "log(x)", "log(x - 4 / 9)", "sqrt(2 * x)", "sqrt(-x)", "sin(x)"):
        with pytest.raises(OracleError):
            oracle.evaluate(parse_expression(text, X))


X = read_problem("input x\nq = x", "one number")
