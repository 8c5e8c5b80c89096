"""The oracle against values worked out by hand or by another library."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest

from symderiv.expression.dual import eliminated
from symderiv.expression.functions import FUNCTIONS, call
from symderiv.expression.nodes import Derivative, Entry, Index
from symderiv.expression.oracle import FRACTIONS, Oracle, OracleError, multiprecision
from symderiv.notation.reader import parse_expression, read_problem

PROBLEM = read_problem(
    "index i, j, k : K\ninput x[K], W[N, K], s\nlabel y : K\nq[i] = x[i]^2 * sum(k, x[k])", "oracle"
)
ARRAYS = {
    "x": {(0,): Fraction(1, 2), (1,): Fraction(3), (2,): Fraction(-2)},
    "W": {(n, k): Fraction(n + 1, k + 1) for n in range(2) for k in range(3)},
    "s": {(): Fraction(5)},
    "y": {(): 1},
}
ORACLE = Oracle({"K": 3, "N": 2}, ARRAYS, PROBLEM.definitions, {}, FRACTIONS)
I = Index("i", "K")  # noqa: E741


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sum(k, x[k])", Fraction(3, 2)),
        ("sum(k != y, x[k])", Fraction(-3, 2)),
        ("prod(k, x[k])", Fraction(-3)),
        ("max(k, x[k])", Fraction(3)),
        ("min(k, x[k])", Fraction(-2)),
        ("max(s, 7)", Fraction(7)),
        ("x[y]", Fraction(3)),
        ("sum(k, delta(k, y) * x[k])", Fraction(3)),
        ("K", Fraction(3)),
        ("where(s > 4, 1, 2)", Fraction(1)),
        ("step(s)", Fraction(1)),
        ("sum(n, sum(k, W[n, k]))", 3 * Fraction(11, 6)),
        ("d(sum(k, x[k]^3), x[y])", Fraction(27)),
        ("d(q[y], x[y])", 2 * Fraction(3) * Fraction(3, 2) + 9),
        ("d(q[y], x[y], x[y])", 2 * Fraction(3, 2) + 4 * Fraction(3)),
        ("2^-3", Fraction(1, 8)),
    ],
)
def test_exact_values(text: str, value: Fraction) -> None:
    assert ORACLE.evaluate(parse_expression(text, PROBLEM)) == value


def test_a_defined_name_as_variable_holds_what_it_is_built_from() -> None:
    node = parse_expression("d(sum(k, q[k] * x[k]), q[y])", PROBLEM)
    assert ORACLE.evaluate(node) == 3


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_slopes_of_the_oracle_are_those_of_mpmath_and_of_the_table(name: str) -> None:
    """Three ways to the same number: dual numbers, mpmath's differences, the table's tree."""
    arithmetic = multiprecision(40)
    u = arithmetic.from_fraction(Fraction(7, 10))
    oracle = Oracle({}, {"u": {(): u}}, (), {}, arithmetic)
    node = call(name, Entry("u"))
    slope = oracle.evaluate(Derivative(node, (Entry("u"),)))
    table = oracle.evaluate(FUNCTIONS[name].derivative(Entry("u")))
    assert abs(slope - table) < mpmath.mpf(10) ** -36

    def value(at: object) -> object:
        return Oracle({}, {"u": {(): at}}, (), {}, arithmetic).evaluate(node)

    step = arithmetic.from_fraction(Fraction(1, 10**12))
    difference = (value(u + step) - value(u - step)) / (2 * step)
    assert abs(slope - difference) < mpmath.mpf(10) ** -20


def test_second_derivatives_by_nested_duals() -> None:
    arithmetic = multiprecision(40)
    oracle = Oracle({}, {"u": {(): arithmetic.from_fraction(Fraction(1, 3))}}, (), {}, arithmetic)
    u = Entry("u")
    value = oracle.evaluate(Derivative(call("exp", call("sin", u)), (u, u)))
    x = mpmath.mpf(1) / 3
    expected = math.exp(math.sin(x)) * (math.cos(x) ** 2 - math.sin(x))
    assert abs(float(value) - expected) < 1e-14


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Entry("nothing"), "nothing has no value"),
        (Entry("x", (I,)), "the index i has no place"),
        (parse_expression("sum(n, W[n, y])", PROBLEM), "N has no size"),
        (call("exp", Entry("s")), "exp is not known in fraction arithmetic"),
    ],
)
def test_what_has_no_value_is_an_error_that_says_so(node: object, words: str) -> None:
    oracle = Oracle({"K": 3}, ARRAYS, PROBLEM.definitions, {}, FRACTIONS)
    with pytest.raises(OracleError, match=words):
        oracle.evaluate(node)  # type: ignore[arg-type]


def test_far_values_of_functions_are_refused_and_infinities_keep_theirs() -> None:
    exp = multiprecision().functions["exp"]
    minus_infinity = multiprecision().from_fraction(Fraction(-1)) * float("inf")
    assert exp(minus_infinity) == 0
    with pytest.raises(OracleError, match="too large"):
        exp(multiprecision().from_fraction(Fraction(2) ** 6000))


def test_a_product_that_is_singular_has_no_inverse_in_floating_point_numbers_either() -> None:
    rows = [[0.1, 0.7], [0.3, 0.2], [0.9, 0.4]]  # of rank 2: a pivot of its Gram matrix is 0 but for rounding
    gram = [[sum(a * b for a, b in zip(row, other, strict=True)) for other in rows] for row in rows]
    assert eliminated(gram, 1.0, 0.0) == (0.0, None)
    assert eliminated([row[:2] for row in gram[:2]], 1.0, 0.0)[1] is not None
