"""The certificate: what it proves without the normal form, and what it must not."""

from __future__ import annotations

from contextlib import suppress

import pytest

from symderiv.expression.construct import multiply, number, subtract
from symderiv.expression.nodes import Entry, Index
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.problem import Assumption, Input, Problem
from symderiv.proof import prove
from symderiv.proof.certificate import Certificate, certify
from symderiv.proof.check import NotZero, Refused
from symderiv.proof.expand import ProofError, in_inputs
from symderiv.proof.normal import Normal
from symderiv.proof.point import OutOfWork
from tests.proof.identities import BEYOND, KNOWN, PROBLEM, pairs

SMALL = read_problem(
    "index i, j, k, l, r : K\nindex u, w : N\nindex c : C\n"
    "input a[K], b[K], M[K, K], A[N, C], B[C, N], t[K], x, y\ng = x",
    "small",
)


def certified(left: str, right: str, problem: Problem = SMALL) -> Certificate:
    sides = [in_inputs(parse_expression(side, problem), problem) for side in (left, right)]
    labels = {each.name: (each.axes, each.label_of) for each in problem.inputs if each.label_of}
    return certify(subtract(*sides), labels, ties="d(" not in left + right)


@pytest.mark.parametrize(("left", "right"), pairs(KNOWN) + pairs(BEYOND))
def test_it_proves_without_the_normal_form(left: str, right: str) -> None:
    found = certified(left, right, PROBLEM)
    assert found.error_bits > 400


@pytest.mark.parametrize(("left", "right"), pairs(BEYOND))
def test_the_normal_form_alone_does_not(left: str, right: str) -> None:
    sides = [in_inputs(parse_expression(side, PROBLEM), PROBLEM) for side in (left, right)]
    with suppress(ProofError):  # its way to restricted sums may divide by zero on the diagonal
        assert not Normal().is_zero(subtract(*sides))
    verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM)
    assert verdict.kind == "proved"
    assert "error below 2^-" in verdict.method
    assert "Schwartz-Zippel" in verdict.because


#: Equations that hold at small sizes only, each with the last size at which it does.
SMALL_SIZES = [
    ("K", "1", 1),
    ("(K - 1) * (K - 2)", "0", 2),
    ("(K - 1) * (K - 2) * (K - 3)", "0", 3),
    ("(K - 1) * (K - 2) * (K - 3) * (K - 4)", "0", 4),
    ("a[i]", "a[j]", 1),
    ("sum(k, a[k])^2", "sum(k, a[k]^2)", 1),
    ("sum(k, a[k])^3 - 3 * sum(k, a[k]) * sum(k, a[k]^2) + 2 * sum(k, a[k]^3)", "0", 2),
    (
        "sum(k, a[k])^4 - 6 * sum(k, a[k])^2 * sum(k, a[k]^2) + 3 * sum(k, a[k]^2)^2"
        " + 8 * sum(k, a[k]) * sum(k, a[k]^3) - 6 * sum(k, a[k]^4)",
        "0",
        3,
    ),
    (
        "sum(k, M[i, k] * M[k, j]) - sum(k, M[k, k]) * M[i, j]"
        " + (sum(k, M[k, k])^2 - sum(k, sum(l, M[k, l] * M[l, k]))) / 2 * delta(i, j)",
        "0",
        2,
    ),
    ("delta(i, j) * delta(k, l)", "delta(i, l) * delta(k, j)", 1),
    ("sum(i, sum(j, sum(k, M[i, j] * M[j, k] * (a[i] - a[j]) * (a[j] - a[k]) * (a[k] - a[i]))))", "0", 2),
    ("sum(k != i, a[k]) * sum(k != i, b[k])", "sum(k != i, a[k] * b[k])", 2),
    ("sum(k, a[k]) / K", "a[i]", 1),
    ("sqrt(sum(k, (a[k] - sum(l, a[l]) / K)^2)) * (K - 1) * (K - 2)", "0", 2),
    ("1 / (a[i] + sum(k != i, b[k]))", "1 / a[i]", 1),
    ("sqrt(x + sum(k, a[k]^2))^2", "x + sum(k, a[k])^2", 1),
    (
        "exp(a[i]) / sum(k, exp(a[k])) * sum(k, a[k])",
        "a[i] * exp(a[i] - a[j]) * exp(a[j]) / sum(k, exp(a[k]))",
        1,
    ),
]


@pytest.mark.parametrize(("left", "right", "last"), SMALL_SIZES)
def test_what_holds_at_small_sizes_only_is_refuted_at_the_next(left: str, right: str, last: int) -> None:
    with pytest.raises(NotZero) as error:
        certified(left, right)
    assert error.value.sizes["K"] == last + 1
    verdict = prove(parse_expression(left, SMALL), parse_expression(right, SMALL), SMALL)
    assert verdict.kind == "refuted"
    assert verdict.counterexample["sizes"]["K"] == last + 1
    at_small = prove(parse_expression(left, SMALL), parse_expression(right, SMALL), SMALL, sizes={"K": last})
    assert (at_small.kind, at_small.sizes) == ("proved", {"K": last})
    beyond = prove(
        parse_expression(left, SMALL), parse_expression(right, SMALL), SMALL, sizes={"K": last + 1}
    )
    assert beyond.kind == "refuted"


#: Functions of sums that agree with something simpler at one or two places.
OF_SUMS = [
    ("max(k, a[k])", "sum(k, a[k])"),
    ("max(k, a[k])", "(sum(k, a[k]) + sum(i, sum(j, abs(a[i] - a[j]))) / 2) / 2"),
    ("exp(sum(k, a[k]))", "sum(k, exp(a[k]))"),
    ("exp(sum(k, a[k]))", "(sum(k, exp(a[k]))^2 - sum(k, exp(2 * a[k]))) / 2"),
    ("log(sum(k, exp(a[k])))", "sum(k, a[k])"),
    ("prod(k, a[k])", "(sum(k, a[k])^2 - sum(k, a[k]^2)) / 2"),
    ("sqrt(sum(k, a[k]^2))", "sum(k, a[k])"),
    ("step(sum(k, a[k]))^2", "2 * step(sum(k, a[k]))"),
    ("where(sum(k, a[k]) > x, x, y)^2", "(x + y) * where(sum(k, a[k]) > x, x, y)"),
    (
        "sum(c, A[u, c] * B[c, w]) * sum(c, A[w, c] * B[c, u])",
        "sum(c, A[u, c] * B[c, u]) * sum(c, A[w, c] * B[c, w])",
    ),
]


@pytest.mark.parametrize(("left", "right"), OF_SUMS)
def test_functions_of_sums_are_not_mistaken(left: str, right: str) -> None:
    with pytest.raises(NotZero):
        certified(left, right)
    assert prove(parse_expression(left, SMALL), parse_expression(right, SMALL), SMALL).kind == "refuted"


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("sqrt(x^2)", "x", "refuted"),
        ("sqrt(1 + 2 * x + x^2)", "1 + x", "refuted"),
        ("sqrt(x * y) * sqrt(x)", "x * sqrt(y)", "undecided"),
        ("where(x >= 0, 1, 0)", "step(x)", "refuted"),
        ("step(x) + step(-x)", "1", "refuted"),
        ("sign(x)^2", "1", "refuted"),
        ("where(x * y >= 0, 1, 0)", "where(x * y > 0, 1, 0)", "refuted"),
        ("where(x > y, x, y)", "max(x, y)", "proved"),
        ("d(abs(x), x)^2", "1", "proved"),
        ("gamma(x + 1)", "x * gamma(x)", "undecided"),
        ("log((1 + x) * (1 + y))", "log(1 + x) + log(1 + y)", "proved"),
        ("log(x^2)", "2 * log(x)", "proved"),  # claimed where both have a value
        ("log(x^2)", "log(x * y) + log(x / y)", "undecided"),
        ("log(x^2) + where(x > 0, log(x), 0)", "where(x > 0, 3 * log(x), 2 * log(-x))", "undecided"),
        ("sqrt(x^2)", "x + where(x > 0, log(x), 0) - where(x > 0, log(x), 0)", "refuted"),
        (
            "sum(k, where(k != i, log(a[k]), 0)) + sqrt(a[i]^2)",
            "sum(k, where(k != i, log(a[k]), 0)) + a[i]",
            "refuted",
        ),
        ("prod(k != i, log(a[k])) * (sqrt(a[i]^2) - a[i])", "0", "refuted"),
        # Some entries of an array have a logarithm, and others need not.
        ("sum(k, log(M[k, k])) * (sqrt(M[i, j]^2) - M[i, j])", "0", "undecided"),
        ("sum(k, log(M[i, k])) * (sqrt(M[j, i]^2) - M[j, i])", "0", "refuted"),
        ("log(a[1]) * (sqrt(a[i]^2) - a[i])", "0", "refuted"),
        ("prod(k, log(a[k])) * (sqrt(a[i]^2) - a[i])", "0", "proved"),
        ("1 / (1 / x + 1 / y)", "x * y / (x + y)", "proved"),
    ],
)
def test_signs_and_single_points(left: str, right: str, kind: str) -> None:
    assert prove(parse_expression(left, SMALL), parse_expression(right, SMALL), SMALL).kind == kind


@pytest.mark.parametrize("factor", [2**128 - 159, 2**521 - 1, (2**521 - 1) * (2**128 - 159)])
def test_multiples_of_the_prime_are_not_zero(factor: int) -> None:
    with pytest.raises(ProofError):
        certified(f"{factor} * sum(k, a[k])", "0")
    with pytest.raises(ProofError):
        certified(f"sum(k, exp({factor} * a[k]))", "K")
    assert certified(f"{factor} * sum(k, a[k])", f"sum(k, {factor} * a[k])").error_bits > 400


def test_where_it_holds_is_said() -> None:
    verdict = prove(parse_expression("a[i] * (1 / a[i])", SMALL), parse_expression("1", SMALL), SMALL)
    assert verdict.domain == ("a[i] ≠ 0",)
    slope = prove(parse_expression("d(abs(x), x)^2", SMALL), parse_expression("1", SMALL), SMALL)
    assert slope.domain == ("x ≠ 0",)
    factor = parse_expression("a[i] / (2 * x * (1 + y))", SMALL)
    assert prove(factor, factor, SMALL).domain == ("x ≠ 0", "1 + y ≠ 0")
    spread = "sum(k, (a[k] - sum(l, a[l]) / K)^2) / (K - 1)"
    other = "(sum(k, a[k]^2) - sum(k, a[k])^2 / K) / (K - 1)"
    assert certified(spread, other).smallest == {"K": 2}


def test_a_condition_on_sums_is_0_or_1() -> None:
    for left, right in (
        ("step(sum(k, a[k]))^2", "step(sum(k, a[k]))"),
        (
            "where(sum(k, a[k]) > x, x, y)^2",
            "(x + y) * where(sum(k, a[k]) > x, x, y) - x * y",
        ),
    ):
        assert certified(left, right).hidden == 1


def test_the_probability_of_an_error_is_no_smaller_than_it_is() -> None:
    """By Schwartz and Zippel the degree over the prime, 2^521 - 1, for each point; a bit is 2."""
    assert certified("x", "x").error_bits == 520
    assert certified("(x + y)^16", "x^16 + ((x + y)^16 - x^16)").error_bits == 521 - 4
    # At two sizes, a point each; sizes add nothing to the degree.
    assert certified("sum(k, a[k]^64 + 1)", "K + sum(k, a[k]^64)").error_bits == 521 - 6 - 1
    # Two arguments of degree 8 told apart: at most 2 * 2 pairs of degree 8 + 8, and 1 of the sides.
    assert certified("erf(x^8) + erf(y^8)", "erf(y^8) + erf(x^8)").error_bits == 521 - 7


def test_fixed_places_are_free_ones() -> None:
    assert certified("sum(k, delta(k, 2) * a[k])", "a[2]").smallest == {"K": 2}
    with pytest.raises(ProofError, match="need not have a place 2"):
        certified("sum(k, delta(k, 2))", "1")
    with pytest.raises(NotZero):
        certified("a[1]", "a[2]")


def test_labels_are_free_places() -> None:
    problem = Problem(
        "labels",
        inputs=(Input("z", ("N", "K")), Input("y", ("N",), "K"), Input("e"), Input("one", (), "K")),
        letters=(Index("n", "N"), Index("m", "N"), Index("k", "K"), Index("j", "K")),
    )
    true = [
        ("sum(n, sum(k, delta(k, y[n]) * z[n, k]))", "sum(n, z[n, y[n]])"),
        ("sum(n, z[n, one] / (1 + e))", "sum(n, sum(k, delta(one, k) * z[n, k])) / (1 + e)"),
        ("sum(n, sum(m, delta(y[n], y[m])))", "sum(k, sum(n, delta(k, y[n]))^2)"),
        (
            "sum(n, log(exp(z[n, y[n]]) / sum(k, exp(z[n, k]))))",
            "sum(n, z[n, y[n]]) - sum(n, log(sum(k, exp(z[n, k]))))",
        ),
    ]
    for left, right in true:
        assert certified(left, right, problem).error_bits > 400
    false = [
        ("sum(n, sum(k, delta(k, y[n])))", "K"),
        ("sum(n, sum(m, delta(y[n], y[m])))", "sum(n, 1)"),
        ("sum(n, z[n, y[n]])", "sum(n, z[n, one])"),
    ]
    for left, right in false:
        with pytest.raises(NotZero):
            certified(left, right, problem)


ASSUMED = [
    ("sum(k, t[k])", "1", "sum(k, t[k] * (a[k] - sum(l, t[l] * a[l])))", "0"),
    ("sum(k, t[k])", "1", "sum(k, t[k] * a[k]) / (1 + sum(k, t[k])) * 2", "sum(k, t[k] * a[k])"),
    ("sum(k, t[k])", "1", "1 / sum(k, t[k]) + sum(k, t[k]^2) / sum(k, t[k])^2", "1 + sum(k, t[k]^2)"),
    ("sum(k, t[k])", "0", "sum(k, t[k] * (a[k] + x))", "sum(k, t[k] * a[k])"),
    ("sum(k, t[k])", "y", "sum(k, t[k] * (a[k] + x))", "sum(k, t[k] * a[k]) + x * y"),
    ("sum(k, t[k]^2)", "1", "sum(j, (delta(i, j) - t[i] * t[j]) * t[j])", "0"),
    ("M[i, j]", "M[j, i]", "sum(i, sum(j, M[i, j] * (a[i] - a[j])))", "0"),
    ("M[i, j]", "-M[j, i]", "sum(i, sum(j, M[i, j] * a[i] * a[j])) / (1 + x)", "0"),
    ("b[k]", "a[k]^2", "sum(k, b[k] / (1 + b[k]))", "K - sum(k, 1 / (1 + a[k]^2))"),
]


@pytest.mark.parametrize(("given", "value", "left", "right"), ASSUMED)
def test_assumptions_are_used_and_needed(given: str, value: str, left: str, right: str) -> None:
    assumption = Assumption(parse_expression(given, SMALL), parse_expression(value, SMALL))
    sides = [parse_expression(side, SMALL) for side in (left, right)]
    verdict = prove(*sides, SMALL, (assumption,))
    assert (verdict.kind, verdict.rests_on) == ("proved", (assumption,))
    assert prove(*sides, SMALL).kind == "refuted"


def test_an_assumption_does_not_prove_more_than_it_says() -> None:
    assumption = Assumption(parse_expression("sum(k, t[k])", SMALL), parse_expression("1", SMALL))
    for left, right in (("t[i]", "1 / K"), ("sum(k, t[k]^2)", "1"), ("sum(k, a[k] * t[k])", "sum(k, a[k])")):
        sides = [parse_expression(side, SMALL) for side in (left, right)]
        assert prove(*sides, SMALL, (assumption,)).kind == "refuted"


def test_an_array_written_by_one_that_is_assumed_about_too() -> None:
    """b = a^2 brings in new entries of a, which are as good as any; the sum of a is not used for them."""
    assumptions = [
        Assumption(parse_expression(left, SMALL), parse_expression(right, SMALL))
        for left, right in (("sum(k, a[k])", "1"), ("b[k]", "a[k]"))
    ]
    sides = [
        parse_expression(side, SMALL) for side in ("sum(k, a[k] * x) + sum(k, b[k]^2)", "x + sum(k, b[k]^2)")
    ]
    assert prove(*sides, SMALL, assumptions).kind == "proved"
    wrong = parse_expression("x + 1", SMALL)
    assert prove(sides[0], wrong, SMALL, assumptions).kind != "proved"


def test_work_is_limited() -> None:
    sides = [in_inputs(parse_expression(side, PROBLEM), PROBLEM) for side in pairs(KNOWN)[25]]
    with pytest.raises(OutOfWork, match="more than 50 steps"):
        certify(subtract(*sides), {}, limit=50)


def test_what_has_no_value_is_not_proved() -> None:
    with pytest.raises(Refused):
        certified("1 / (a[i] - a[i])", "1 / (a[i] - a[i])")
    assert prove(Entry("x"), Entry("x"), SMALL).kind == "proved"


def test_shifted_places_are_refused() -> None:
    problem = read_problem("index i, j : N\ninput v[N]\nw[i] = v[i] - v[i - 1]", "differences")
    with pytest.raises(ProofError, match="shifted"):
        certified("w[i]", "v[i] - v[i - 1]", problem)
    sides = [parse_expression(side, problem) for side in ("sum(j, w[j]) / (1 + v[i])", "v[i] / (1 + v[i])")]
    assert prove(*sides, problem).kind != "proved"
    assert prove(*sides, problem, sizes={"N": 3}).kind != "proved"


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("d(max(k, a[k])^2, a[j])", "0", "refuted"),
        ("d(max(k, a[k]), a[j])", "d(max(k, x * a[k]), a[j])", "refuted"),
        ("d(exp(min(k, a[k])), a[j])", "0", "refuted"),
        ("d(x, x) * where(a[j] == max(k, a[k]), 1, 0)", "0", "refuted"),
        ("d(x, x) * where(exp(sum(k, step(a[k]))) == 1, 1, 0)", "0", "refuted"),
        ("d(x, x) * where(prod(k, relu(a[k])) == 0, 1, 0)", "0", "refuted"),
        ("d(max(k, a[k])^2, a[j])", "2 * max(k, a[k]) * where(a[j] == max(k, a[k]), 1, 0)", "proved"),
    ],
)
def test_a_maximum_is_equal_to_one_of_its_values_everywhere(left: str, right: str, kind: str) -> None:
    """Not only at single points, which a claim about a derivative leaves out."""
    assert prove(parse_expression(left, SMALL), parse_expression(right, SMALL), SMALL).kind == kind


@pytest.mark.parametrize(
    ("left", "right", "size", "kind"),
    [
        ("max(k, a[k])", "max(max(a[1], a[2]), a[3])", 3, "proved"),
        ("max(k, a[k])", "max(a[1], a[2])", 3, "refuted"),
        ("min(k, a[k])", "min(a[1], a[2])", 2, "proved"),
        ("min(k, a[k])", "max(a[1], a[2])", 2, "refuted"),
        ("prod(k, a[k])", "a[1] * a[2] * a[3]", 3, "proved"),
        ("prod(k, a[k])", "a[1] * a[2] * a[3]", 4, "refuted"),
        ("prod(k != 2, a[k])", "a[1] * a[3]", 3, "proved"),
        ("prod(k != 2, a[k])", "a[1] * a[2]", 3, "refuted"),
        ("sum(k < 3, a[k]) + K", "a[1] + a[2] + 4", 4, "proved"),
        ("sum(k <= 3, a[k])", "a[1] + a[2]", 4, "refuted"),
        ("where(i < 2, a[i], 0)", "delta(i, 1) * a[1]", 3, "proved"),
        ("where(i < 2, a[i], 0)", "delta(i, 1) * a[1] + delta(i, 2) * a[2]", 3, "refuted"),
    ],
)
def test_at_one_size(left: str, right: str, size: int, kind: str) -> None:
    sides = [parse_expression(side, SMALL) for side in (left, right)]
    verdict = prove(*sides, SMALL, sizes={"K": size})
    assert (verdict.kind, verdict.sizes) == (kind, {"K": size} if kind == "proved" else {})


def test_where_letters_are_compared_by_order() -> None:
    found = certified("sum(k < i, a[k]) + a[i] + sum(k > i, a[k])", "sum(k, a[k])")
    assert found.places == {"K": 2}
    # Two fixed places are two: at i = 1 it is not 2.
    assert certified("sum(k < i, a[k]) * delta(i, 1) * delta(i, 2) * a[1] * a[2]", "0").places == {"K": 4}
    for left, right in (
        ("sum(k < i, a[k])", "sum(k <= i, a[k])"),
        ("sum(k < i, a[k]) * sum(k > i, b[k])", "0"),
        ("where(i < j, a[i] - a[i]^2, 0)", "where(j < i, a[j] - a[j]^2, 0)"),
    ):
        with pytest.raises(NotZero):
            certified(left, right)


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        (
            "(x + y)^2 * sum(k, a[k]) / (K - 2)",
            "(x^2 + 2 * x * y + y^2) * sum(k, a[k]) / (K - 2)",
            "at some sizes",
        ),
        (
            "(x + y) / (K - 1) / (K - 2) / (K - 3)",
            "(1 / (K - 1) / (K - 2) / (K - 3)) * (x + y)^2 / (x + y)",
            "value",
        ),
        (
            "(x + y)^2 / delta(i, j)",
            "(x^2 + 2 * x * y + y^2) / delta(i, j)",
            "only where letters on K coincide",
        ),
        ("(x + y)^2 / step(x)", "(x^2 + 2 * x * y + y^2) / step(x)", "for some signs only"),
    ],
)
def test_what_has_a_value_somewhere_only(left: str, right: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        certified(left, right)


def test_numbers_beyond_the_largest_prime_are_not_checked() -> None:
    sides = [parse_expression(side, SMALL) for side in ("(x + y)^2", "x^2 + 2 * x * y + y^2")]
    with pytest.raises(Refused, match="too large"):
        certify(multiply(number(2**9700), subtract(*sides)), {})
    assert certify(multiply(number(2**9600), subtract(*sides)), {}).error_bits == 520


def test_the_smallest_size_is_told() -> None:
    pair = "(x + y)^2 / (K - 1) / (K - 2)", "(x^2 + 2 * x * y + y^2) / (K - 1) / (K - 2)"
    assert certified(*pair).smallest == {"K": 3}
    verdict = prove(
        *(parse_expression(side, SMALL) for side in ("sum(k, a[k]) / (K - 1)", "sum(l, a[l]) / (K - 1)")),
        SMALL,
    )
    assert "K - 1 ≠ 0" in verdict.domain


def test_rows_and_columns_apart_where_places_of_one_kind_are_compared() -> None:
    share = "sum(j, M[i, j] * a[j] / sum(k, M[i, k] * a[k]))"
    for condition in ("i < l", "i == l", "i != l"):
        weighted = f"sum(i, where({condition}, 1 / (1 + b[i]), 2) * {share})"
        assert certified(weighted, f"sum(i, where({condition}, 1 / (1 + b[i]), 2))").error_bits > 400
        with pytest.raises(NotZero):
            certified(weighted, f"sum(i, where({condition}, 2 / (1 + b[i]), 2))")
