"""What the prover proves, what it refutes, and that no false equation is ever proved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest

from symderiv import catalog
from symderiv.build.job import products
from symderiv.calculus import Derivation, Engine, derive_all
from symderiv.expression.canonical import same
from symderiv.expression.construct import add, multiply, negate, number
from symderiv.expression.nodes import Add, Delta, Entry, Expression, Index, Multiply, Number, Sum
from symderiv.expression.oracle import Oracle, OracleError
from symderiv.expression.traverse import replace_at, walk
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from symderiv.proof import Normal, prove
from tests.oracles import differences, generic_oracle

PROBLEM = read_problem(
    """
index i, j, k, l : K
input z[K], a[K], t[K], x, c, m
p[i] = exp(z[i]) / sum(k, exp(z[k]))
""",
    "identities",
)

TRUE = [
    ("log(p[i])", "z[i] - log(sum(k, exp(z[k])))"),
    ("exp(z[i] + c) / sum(k, exp(z[k] + c))", "p[i]"),
    ("exp(z[i] - m) / sum(k, exp(z[k] - m))", "p[i]"),
    ("m + log(sum(k, exp(z[k] - m)))", "log(sum(k, exp(z[k])))"),
    ("sum(k, p[k])", "1"),
    ("sum(i, p[i] * (delta(i, j) - p[j]))", "0"),
    ("sum(j, p[i] * (delta(i, j) - p[j]))", "0"),
    ("p[i] * (delta(i, j) - p[j])", "p[j] * (delta(i, j) - p[i])"),
    ("d(sigmoid(x), x)", "sigmoid(x) * (1 - sigmoid(x))"),
    ("d(sigmoid(x), x)", "exp(-x) / (1 + exp(-x))^2"),
    ("d(softplus(x), x)", "sigmoid(x)"),
    ("d(tanh(x), x)", "1 - tanh(x)^2"),
    ("d(tanh(x), x)", "4 / (exp(x) + exp(-x))^2"),
    ("sigmoid(-x)", "1 - sigmoid(x)"),
    ("softplus(x) - softplus(-x)", "x"),
    ("(sum(k, a[k]))^2", "sum(k, sum(l, a[k] * a[l]))"),
    ("sum(k != i, a[k])", "sum(k, a[k]) - a[i]"),
    ("sum(k < i, c * a[k] + t[k])", "sum(k < i, t[k]) + c * sum(k < i, a[k])"),
    ("max(k, 2 * x)", "2 * x"),
    ("sum(k, (a[k] - c)^2)", "sum(k, a[k]^2) - 2 * c * sum(k, a[k]) + K * c^2"),
    ("1 / sqrt(x)", "sqrt(x) / x"),
    ("a[i] / (a[i] + c) + c / (a[i] + c)", "1"),
    ("d(p[i], z[j])", "p[i] * (delta(i, j) - p[j])"),
    ("relu(x)", "step(x) * x"),
    ("log(exp(z[i])^2)", "2 * z[i]"),
    ("log(x^3)", "3 * log(x)"),
    ("log(x^4)", "2 * log(x^2)"),
    ("d(log(x^2), x)", "2 / x"),
    ("exp(log(x))", "x"),
    ("(1 + exp(x))^c * (1 + exp(x))^m", "(1 + exp(x))^(c + m)"),
    ("(x^c)^2 * x^m", "x^(2 * c + m)"),
    ("where(relu(x) > 0, c, m)", "where(x > 0, c, m)"),
    ("where(max(x, 0) != 0, c, m)", "where(x > 0, c, m)"),
    ("step(max(0, x)) * c", "step(x) * c"),
]
FALSE = [
    ("log(p[i])", "z[i] + log(sum(k, exp(z[k])))"),
    ("exp(z[i] - m) / sum(k, exp(z[k]))", "p[i]"),
    ("sum(k, p[k])", "K"),
    ("p[i] * (delta(i, j) - p[j])", "p[j] * (delta(i, j) - p[j])"),
    ("p[i] * (delta(i, j) - p[j])", "p[i] * (1 - p[j])"),
    ("d(sigmoid(x), x)", "sigmoid(x) * (1 + sigmoid(x))"),
    ("d(tanh(x), x)", "1 + tanh(x)^2"),
    ("d(sum(k, a[k]^2), a[j])", "sum(k, 2 * a[k])"),
    ("sum(k, a[k] * t[k])", "sum(k, a[k]) * sum(k, t[k])"),
    ("(sum(k, a[k]))^2", "sum(k, a[k]^2)"),
    ("sum(k != i, a[k])", "sum(k, a[k])"),
    ("sqrt(x^2 + c^2)", "x + c"),
    ("exp(log(x^2) / 2)", "x"),
    ("exp(log(sum(k, a[k])^4) / 4)", "sum(k, a[k])"),
    ("log(x^2)", "2 * log(x) + c - c + 1"),
]
#: True for positive numbers only, where one side may have no real value for others: never proved.
NEVER = [
    ("(x^2)^c", "x^(2 * c)"),
    ("(x^c)^m", "x^(c * m)"),
    ("(x^2)^(K / 2)", "x^K"),
    ("(x^2)^(1/2)", "x"),
    ("(x^2)^(3/2)", "x^3"),
    ("(x^2)^(1/3)", "x^(2/3)"),
    ("1 / delta(i, j)", "delta(i, j)"),
    ("sqrt(x^2)", "x"),
    ("exp(c * log(x^2))", "x^(2 * c)"),
    ("(x^2 + x^2 * c)^(1/4)", "x^(1/2) * (1 + c)^(1/4)"),
    ("sum(k, delta(k, 2))", "1"),
    ("exp(log(x^2) / 2)", "x"),
    ("where(x > 0, log(x), 0) + (x^2)^c", "where(x > 0, log(x), 0) + x^(2 * c)"),
    ("abs(x)", "x"),
    ("where(relu(x) >= 0, c, m)", "where(x >= 0, c, m)"),
    ("where(min(x, 0) != 0, c, m)", "where(x > 0, c, m)"),
    ("where(max(x, c) > 0, c, m)", "where(x > 0, c, m)"),
]


@pytest.mark.parametrize(("left", "right"), TRUE)
def test_true_identities_are_proved_for_every_size(left: str, right: str) -> None:
    verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM)
    assert verdict.kind == "proved", verdict


@pytest.mark.parametrize(("left", "right"), FALSE)
def test_false_ones_are_refuted_with_numbers(left: str, right: str) -> None:
    verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM)
    assert verdict.kind == "refuted", verdict
    assert verdict.counterexample["left"] != verdict.counterexample["right"]
    assert verdict.counterexample["sizes"]


@pytest.mark.parametrize(("left", "right"), NEVER)
def test_what_holds_for_some_signs_or_sizes_only_is_not_proved(left: str, right: str) -> None:
    verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM)
    assert verdict.kind != "proved", verdict


def test_a_form_that_is_wrong_for_negative_sums_is_refuted() -> None:
    problem = read_problem(
        "index k : K\ninput x[K]\nr = exp(log(sum(k, x[k])^2) / 2)", "absolute_value_in_disguise"
    )
    verdict = prove(parse_expression("d(r, x[k])", problem), parse_expression("1", problem), problem)
    assert verdict.kind == "refuted"


def test_an_equation_true_at_one_size_only_is_refuted_at_the_next() -> None:
    verdict = prove(parse_expression("sum(k, a[k])", PROBLEM), parse_expression("K * a[i]", PROBLEM), PROBLEM)
    assert verdict.kind == "refuted"
    assert verdict.counterexample["sizes"] == {"K": 2}


def test_an_assumption_is_named_where_it_is_needed_only() -> None:
    problem = catalog.load("cross_entropy")
    left = parse_expression("d(L, z[j])", problem)
    under = prove(left, parse_expression("p[j] - t[j]", problem), problem, problem.assumptions)
    assert (under.kind, under.rests_on) == ("proved", problem.assumptions)
    assert under.met
    general = parse_expression("p[j] * sum(k, t[k]) - t[j]", problem)
    assert prove(left, general, problem, problem.assumptions).rests_on == ()
    assert prove(left, parse_expression("p[j] - t[j]", problem), problem).kind == "refuted"


def steps_of(derivation: Derivation, seen: set[str]) -> Iterator[tuple[Derivation, object, tuple]]:
    for step in derivation.steps:
        yield derivation, step, ()
    for step in derivation.assumed_steps:
        yield derivation, step, derivation.assumptions
    for lemma in derivation.lemmas:
        if repr(lemma.start) not in seen:
            seen.add(repr(lemma.start))
            yield from steps_of(lemma, seen)


@pytest.mark.parametrize("name", catalog.names())
def test_every_result_and_every_step_of_the_catalogue_is_proved(name: str) -> None:
    problem = catalog.load(name)
    seen: set[str] = set()
    derivations = list(derive_all(problem))
    for derivation in (*derivations, *products(Engine(problem), derivations)):
        verdict = prove(derivation.start, derivation.result, problem, extra=derivation.extra)
        assert verdict.kind == "proved", to_text(derivation.start)
        if derivation.assumed_result is not None:
            verdict = prove(
                derivation.start, derivation.assumed_result, problem, derivation.assumptions, derivation.extra
            )
            assert (verdict.kind, verdict.rests_on) == ("proved", derivation.assumptions)
        for owner, step, assumptions in steps_of(derivation, seen):
            verdict = prove(step.before, step.after, problem, assumptions, owner.extra)
            assert verdict.kind == "proved", (step.rule.name, to_text(step.before), to_text(step.after))


def mutants(form: Expression) -> Iterator[Expression]:
    """The form changed in one place: a sign, a factor, an index, a delta, a sum."""
    yield negate(form)
    yield multiply(number(2), form)
    for path, part in walk(form):
        match part:
            case Delta(left, Index() as right):
                yield replace_at(form, path, number(0))
                yield replace_at(form, path, number(1))
                if isinstance(left, Index):
                    yield replace_at(form, path, Delta(left, Index("l", right.axis)))
            case Add(terms):
                for place in range(len(terms)):
                    yield replace_at(form, path, add(*terms[:place], *terms[place + 1 :]))
                    turned = (*terms[:place], negate(terms[place]), *terms[place + 1 :])
                    yield replace_at(form, path, add(*turned))
            case Multiply(factors):
                for place, factor in enumerate(factors):
                    if not isinstance(factor, Number):
                        rest = (*factors[:place], *factors[place + 1 :])
                        yield replace_at(form, path, multiply(*rest))
            case Sum(_, body):
                yield replace_at(form, path, body)
            case Entry(array, (Index() as first, *others)):
                moved = Index("l", first.axis)
                yield replace_at(form, path, Entry(array, (moved, *others)))


def differs(oracle: Oracle, form: Expression, mutant: Expression) -> bool:
    """Whether the oracle tells a mutant from the form; one without a value (a log of -2) is left out."""
    try:
        return bool(differences(oracle, form, mutant))
    except (OracleError, ZeroDivisionError):
        return False


def with_letter(problem: Problem, axis: str) -> Problem:
    return replace(problem, letters=(*problem.letters, Index("l", axis)))


#: How many mutants of a problem's forms are judged, over the number of its definitions.
MUTANTS = 36


@pytest.mark.parametrize("name", catalog.names())
def test_no_mutant_of_a_form_is_proved(name: str) -> None:
    """Each mutant that the oracle tells from the form must not be proved, and most are refuted."""
    problem = catalog.load(name)
    sizes = {axis: 3 - place % 2 for place, axis in enumerate(problem.axes)}
    oracle = generic_oracle(problem, sizes)
    judged = refuted = 0
    found = [
        (derivation, mutant)
        for derivation in derive_all(problem)
        for mutant in mutants(derivation.result)
        if not same(mutant, derivation.result)
    ]
    # The longer the chain of definitions, the longer each judgement takes: a sample has to do.
    every = max(1, len(found) * len(problem.definitions) // MUTANTS)
    for derivation, mutant in islice(found, 0, None, every):
        if not differs(oracle, derivation.start, mutant):
            continue
        judged += 1
        verdict = prove(derivation.start, mutant, problem)
        assert verdict.kind != "proved", to_text(mutant)
        refuted += verdict.kind == "refuted"
    assert judged >= 2
    if not problem.upstream:
        assert refuted == judged


@pytest.mark.parametrize("name", ["lstm_cell", "gru_cell"])
def test_no_mutant_of_a_step_is_proved(name: str) -> None:
    problem = catalog.load(name)
    oracle = generic_oracle(problem, {"H": 2, "D": 1})
    seen: set[str] = set()
    steps = [step for each in derive_all(problem) for _, step, _ in steps_of(each, seen)]
    judged = 0
    for place, step in enumerate(islice(steps, 3, None, len(steps) // 8)):
        found = [*mutants(step.after)]
        mutant = found[place * 5 % len(found)]
        if differs(oracle, step.before, mutant):
            judged += 1
            assert prove(step.before, mutant, problem).kind != "proved", to_text(mutant)
    assert judged >= 5


def test_the_normal_form_ignores_order_and_letters() -> None:
    first = parse_expression("sum(k, a[k] * t[k]) * c + z[i] * c", PROBLEM)
    second = parse_expression("c * (z[i] + sum(l, t[l] * a[l]))", PROBLEM)
    assert Normal().of(first) == Normal().of(second)


@pytest.mark.parametrize(
    ("right", "kind"), [("d(L, z[j])", "proved"), ("2 * d(L, z[j])", "refuted"), ("0", "refuted")]
)
def test_a_name_is_held_fixed_only_in_the_derivative_by_it(right: str, kind: str) -> None:
    """Beside dL/dp_k, where p is the variable, p still depends on z in dp_k/dz_j."""
    problem = catalog.load("cross_entropy")
    left = parse_expression("sum(k, d(L, p[k]) * d(p[k], z[j]))", problem)
    assert prove(left, parse_expression(right, problem), problem).kind == kind


CHAIN = read_problem(
    """
index i, j, k, l : K
input W[K, K], x[K], b
s[i] = sigmoid(sum(k, W[i, k] * x[k]))
q[i] = b * s[i]
p[i] = exp(q[i]) / sum(k, exp(q[k]))
y[i] = s[i + 1] + 1
upstream L(q)
""",
    "chain",
)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        # The letters of a body are not those of the sum that it stands in.
        ("d(sum(k, x[k] * s[k]), x[j])", "s[j] + sum(k, x[k] * s[k] * (1 - s[k]) * W[k, j])", "proved"),
        ("d(sum(k, x[k] * s[k]), x[j])", "s[j] + sum(k, x[k] * s[j] * (1 - s[j]) * W[k, j])", "refuted"),
        ("d(s[i], W[j, k])", "delta(i, j) * s[i] * (1 - s[i]) * x[k]", "proved"),
        ("d(s[i], W[j, k])", "delta(i, j) * s[k] * (1 - s[k]) * x[k]", "refuted"),
        # A sum that is 1 is no 1 where its terms are the variables.
        ("d(sum(k, p[k]), q[j])", "0", "proved"),
        ("d(sum(k, p[k]), p[j])", "1", "proved"),
        ("d(sum(k, p[k]), p[j])", "0", "refuted"),
        # A name depends on what it is made of, in a derivative of a derivative too.
        ("d(s[i], q[j])", "0", "proved"),
        ("d(q[i], s[j])", "b * delta(i, j)", "proved"),
        ("d(d(q[i]^2, q[j]), b)", "2 * delta(i, j) * s[i]", "proved"),
        ("d(d(q[i]^2, q[j]), b)", "0", "refuted"),
        ("d(q[i]^2, b, q[j])", "0", "proved"),
        ("d(L, s[i])", "b * d(L, q[i])", "proved"),
        ("d(L, b)", "sum(k, d(L, q[k]) * q[k]) / b", "proved"),
        ("d(L, b)", "sum(k, d(L, q[k]) * p[k]) / b", "refuted"),
        # What is true of these names is not true of any, and what is made of them alone is no less.
        ("q[i] * s[j]", "q[j] * s[i]", "proved"),
        ("q[i] * p[j]", "q[j] * p[i]", "refuted"),
        # A shifted entry is 0 outside of its array, whatever its definition would give there.
        ("y[i + 1]", "where(i + 1 in K, s[i + 2] + 1, 0)", "proved"),
        ("sum(i, y[i + 1])", "sum(i, s[i + 2] + 1)", "refuted"),
    ],
)
def test_names_stand_for_what_they_are_defined_to_be(left: str, right: str, kind: str) -> None:
    sides = (parse_expression(side, CHAIN) for side in (left, right))
    assert prove(*sides, CHAIN).kind == kind


def test_derivatives_are_taken_in_turn() -> None:
    problem = read_problem("input x\np = x^2\nL = x * p^2", "in_turn")
    slope = parse_expression("d(L, p, x)", problem)
    # L_p = 2 x p is 2 x^3 in x alone; with x first and p then, x L_p is 2 p.
    assert prove(slope, parse_expression("6 * x^2", problem), problem).kind == "proved"
    assert prove(slope, parse_expression("2 * p", problem), problem).kind == "refuted"
    turned = parse_expression("d(L, x, p)", problem)
    assert prove(turned, parse_expression("2 * p", problem), problem).kind == "proved"


def test_the_slope_of_an_unspecified_function_is_no_constant() -> None:
    problem = read_problem("index i, j : K\ninput z[K]\ny[i] = z[i]^2\nupstream L(y)", "unspecified")
    curved = parse_expression("d(d(L, y[i]), z[j])", problem)
    assert prove(curved, parse_expression("0", problem), problem).kind == "refuted"


def test_roots_of_roots_come_to_an_end() -> None:
    problem = read_problem("input x\nf = x", "roots")
    slope = parse_expression("d((x^(1/2))^(1/2), x)", problem)
    right = parse_expression("(x^(1/2))^(1/2) / (4 * x)", problem)
    assert prove(slope, right, problem).kind != "refuted"
    assert prove(slope, slope, problem).kind == "proved"


def test_a_proof_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symderiv.proof.normal.ring.MAX_WORK", 20)
    monkeypatch.setattr("symderiv.proof.certificate.WORK_LIMIT", 3)
    left, right = (parse_expression(each, PROBLEM) for each in ("(a[i] + z[i] + x)^6", "(x + z[i] + a[i])^6"))
    verdict = prove(left, right, PROBLEM)
    assert verdict.kind == "undecided"
    assert "more than 20 products" in verdict.method
    assert "more than 3 steps" in verdict.method


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("where(i == j, a[i], 0)", "delta(i, j) * a[j]"),
        ("where(i != j, z[i], a[j])", "where(i == j, a[i], z[i])"),
        ("where(i == j, p[i] * (1 - p[i]), -p[i] * p[j])", "d(p[i], z[j])"),
        ("where(2 * x > 2 * c, 1, 0)", "step(x - c)"),
        ("where(x >= c, a[i], 0)", "where(c > x, 0, a[i])"),
        ("where(exp(x) * c > 0, 1, 0)", "step(c)"),
        ("where(x == c, 1, 0)", "where(3 * c - 3 * x == 0, 1, 0)"),
        ("where(x != c, 1, 0)", "1 - where(c == x, 1, 0)"),
    ],
)
def test_conditions_come_down_to_deltas_and_signs(left: str, right: str) -> None:
    assert prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM).kind == "proved"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("where(i == j, a[i], 0)", "delta(i, j) * z[j]"),
        ("where(x >= c, 1, 0)", "where(x > c, 1, 0)"),
        ("where(x > c, 1, 0)", "where(c > x, 1, 0)"),
        ("where(x * c > 0, 1, 0)", "step(x)"),
        ("step(0 * x)", "1"),
    ],
)
def test_other_conditions_are_not_taken_for_the_same(left: str, right: str) -> None:
    assert prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM).kind != "proved"


def test_undecided_says_at_how_many_points_the_sides_agreed() -> None:
    verdict = prove(
        parse_expression("gamma(x + 1)", PROBLEM), parse_expression("x * gamma(x)", PROBLEM), PROBLEM
    )
    assert verdict.kind == "undecided"
    assert verdict.points >= 5
    assert verdict.digits == 22


def test_large_numbers_that_cancel_are_no_counterexample() -> None:
    """In 30 digits, e^(1000 x) + 1 minus e^(1000 x) is not 1; no counterexample may rest on that."""
    left = parse_expression("gamma(x + 1) + (exp(1000 * (x + 1)) + 1 - exp(1000 * x) * exp(1000))", PROBLEM)
    right = parse_expression("x * gamma(x) + 1", PROBLEM)
    assert prove(left, right, PROBLEM).kind != "refuted"


@pytest.mark.parametrize(
    ("left", "right"), [("(x - c)^20", "(c - x)^20"), ("d((x + 1)^20, x)", "20 * (x + 1)^19")]
)
def test_high_powers_of_brackets_come_to_an_end(left: str, right: str) -> None:
    sides = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(*sides, PROBLEM).kind != "refuted"
    wrong = (parse_expression(side, PROBLEM) for side in (left, f"2 * ({right})"))
    assert prove(*wrong, PROBLEM).kind == "refuted"
