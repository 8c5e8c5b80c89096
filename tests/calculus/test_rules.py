"""Every rule of the table: its example fires, gives what it says, and is true by the oracle."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial

import pytest

from symderiv.calculus import RULES, Engine, Rule
from symderiv.calculus.assume import ASSUME
from symderiv.calculus.context import CalculusError, Context
from symderiv.calculus.derivation import LEVELS
from symderiv.calculus.simplify import expanded, expanded_terms
from symderiv.calculus.tidy import Arranger, tidy
from symderiv.expression.canonical import same
from symderiv.expression.construct import negate, terms_of
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Call,
    Compare,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Multiply,
    Number,
    Position,
    Power,
    Product,
    Sum,
    Where,
)
from symderiv.expression.traverse import walk
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Input
from tests.oracles import differences, generic_oracle, sizes_to_try

PROBLEM = read_problem(
    """
index i, j, k : K
index o : M
input z[K], t[K], b[K], g[K], c[K], A[K, K], x
label y : K
input e[M], S[K, K]
u[k] = c[k] * x
w[k] = (1 - x) * t[k] + x / K
q[i] = exp(u[i]) / sum(k, exp(u[k]))
p[i] = exp(z[i]) / sum(k, exp(z[k]))
H = -sum(k, p[k] * log(p[k]))
L = -sum(k, t[k] * log(p[k]))
upstream G(p)
function g_2
assume sum(k, t[k]) == 1
assume S symmetric
""",
    "rules",
)


def context() -> Context:
    engine = Engine(PROBLEM)
    found = Context(PROBLEM, engine.known, engine.contracted, assumptions=PROBLEM.assumptions)
    found.carried = "g"
    return found


def fire(rule: Rule, before: Expression) -> Expression | None:
    """The rule applied at the first node where it fires, the whole tidied as the engine does."""
    from symderiv.expression.traverse import replace_at

    for path, part in walk(before):
        if isinstance(part, rule.on):
            after = rule.apply(part, context())
            if after is not None:
                return Arranger(PROBLEM).arrange(replace_at(before, path, after))
    return None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_example_fires_and_gives_what_it_says(rule: Rule) -> None:
    before = parse_expression(rule.example[0], PROBLEM)
    after = fire(rule, before)
    assert after is not None, f"{rule.name} does not fire on its example"
    expected = Arranger(PROBLEM).arrange(parse_expression(rule.example[1], PROBLEM))
    assert same(after, expected), f"{to_text(after)} is not {to_text(expected)}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_example_is_true_by_the_oracle(rule: Rule) -> None:
    left, right = (parse_expression(side, PROBLEM) for side in rule.example)
    for sizes in sizes_to_try(PROBLEM):
        oracle = generic_oracle(PROBLEM, sizes, normalised=["t"] if rule in ASSUME else ())
        assert differences(oracle, left, right) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_wrong_example_is_noticed(rule: Rule) -> None:
    """The two tests above can fail: with the sign of the result turned, both do."""
    before = parse_expression(rule.example[0], PROBLEM)
    wrong = replace(
        rule,
        apply=lambda node, surroundings: (
            None if (after := rule.apply(node, surroundings)) is None else negate(after)
        ),
    )
    expected = Arranger(PROBLEM).arrange(parse_expression(rule.example[1], PROBLEM))
    after = fire(wrong, before)
    assert after is not None
    if rule.name == "constant":  # minus zero is zero
        return
    assert not same(after, expected)
    oracle = generic_oracle(PROBLEM, sizes_to_try(PROBLEM)[1], normalised=["t"])
    assert differences(oracle, before, after) != []


def test_every_rule_says_what_it_is() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule.law
        assert rule.source
        assert rule.terminates
        assert rule.apply.__doc__
        assert rule.level in LEVELS


#: Formulas that are nearly those of the examples: a condition, a letter, a place or a name is another.
NEARLY = """
sum(k != i, t[k]) + sum(k != y, w[k])
sum(k < i, t[k]) * sum(k, t[k] * z[k]) + sum(k, t[k]^2)
sum(k != j, p[k]) + sum(k, p[k] * t[k]) - sum(k, q[k]) * p[i]
sum(k, sum(l, S[k, l] * z[l])) - sum(k, S[k, j] * sum(l, S[l, k]))
sum(k != i, S[k, j] * z[k]) + sum(k, A[k, j] * S[i, k]) + sum(k, S[k, k])
sum(k, delta(k, i) * delta(k, j) * t[k]) + sum(k != j, delta(k, i) * b[k]) + sum(k != y, delta(k, y))
sum(k == y, t[k] * delta(k, j)) - sum(k == i, b[k] * delta(k, y)) + sum(k > i, w[k]) * sum(k, w[k])
where(i + 1 in K, 2 * t[i + 1], 3 * b[i]) + where(i - 1 in K, -t[i], x) * where(i + 1 in K, 1, 2) - t[i - 1]
sum(k, where(k + 1 in K, 2 * t[k + 1], x) * delta(k, i)) - sum(k, where(k - 1 in K, b[k], 2) * delta(k, j))
sum(k, where(k + 1 in K, t[k + 1] * (delta(k, i) - b[k]), 0)) + sum(k, t[k - 1] * (delta(k + 1, j) - b[k]))
sum(k, where(k + 1 in K, where(k - 1 in K, t[k] * (delta(k, j) - p[j]), 0), 0) * x)
sum(k, x * t[k]) + sum(o, x * e[o]) - sum(o, x * exp(e[o]))
sum(k, x^5 * t[k]) + sum(k, v[k]) * 2 - sum(k != j, v[k]) + sum(k, v[k] * z[k])
sum(k < i, delta(k, j) * z[k]) + sum(k == i, t[k] * b[k]) + sum(k >= y, delta(k, y) * c[k])
delta(i, j) * p[i] * (delta(i, k) - p[k]) + delta(i, y) * p[j] * z[i]
p[i] * (delta(i, j) - p[j]) * z[i] - p[j] * (delta(j, k) - p[i]) * p[i]
exp(z[i]) / sum(k, exp(c[k])) + exp(b[i]) / sum(k, exp(z[k])) + exp(z[i]) / sum(k, exp(2 * z[k]))
exp(2 * z[i]) / sum(k, exp(z[k]))^2 + 1 / sum(k, exp(z[k])) + exp(z[i]) * sum(k, exp(z[k]))
exp(x) / (1 + exp(x)) - exp(x) / (1 + exp(2 * x)) + exp(-x) / (1 + exp(-x))^2 + 1 / (2 + exp(x))
exp(x)^2 / (1 + exp(x)) + exp(x) / (1 + exp(x))^3 + log(1 + exp(-x)) + log(2 + exp(x)) - log(exp(x) + exp(-x))
(exp(x) - exp(-x)) / (exp(x) + exp(-x)) + 2 / (exp(x) + exp(-x)) - (exp(x) + exp(-x)) / 3
1 - p[i] - sum(k != i, p[k]) + 2 * p[i]^2 / p[i] - p[i]^3 / (p[i] * p[j])
log(t[i] / b[i]) + log(p[i]) - log(p[i]^2) + log(sum(k, exp(z[k]))) + log(exp(x) * 2)
sqrt(x^2) + sqrt(x)^2 + sqrt(4 * t[i]) * sqrt(b[j]) / sqrt(t[i]) + (x^3)^(1/3) + x^(1/2) * x^(3/2)
sum(k, sum(l, A[k, l] * t[k])) + sum(k, sum(l, A[l, k] * t[k] * x)) - x * sum(k, sum(l, A[k, l]))
sum(k, t[k] + 2 * b[k] * x - x) + sum(k, K * t[k]) - K * sum(k, 3) + sum(k != i, 1) + sum(k != i, x)
(t[i] - b[i]) * (b[i] - t[i]) - (t[i] - b[i])^2 / (b[i] - t[i]) + (2 * t[i] - 2 * b[i])^3
a_1 / (a_1 + x) + x / (a_1 + x) - 1 / (1 / a_1 + 1 / x) - (a_1 - x) / (a_1^2 - x^2)
where(i == j, t[i], 0) + where(i != j, z[i], z[j]) - where(i < j, 2 * t[i], t[i]) + where(x > 0, x, -x)
where(i == y, t[i], 1) - where(i == j, p[i] * b[j], p[j] * b[i]) + where(x < a_1, where(x < 1, 2, x), 0)
max(k, z[k] + x) - max(k, 2 * z[k]) + max(k, -z[k]) + min(k, x * b[k]) + max(k, x) - max(x, a_1)
prod(k, 2 * t[k]) + prod(k != i, b[k]) - prod(k, t[k] * b[k]^2) + prod(k, x) - prod(k != y, exp(z[k]))
d(p[i], z[j]) * d(q[j], u[i]) + d(p[i] * z[i], z[i]) - d(sum(k, p[k]^2), z[j]) + d(w[i], t[i])
d(H, p[j]) - d(L, z[y]) + d(L, t[i]) + d(G, z[i]) - d(G, p[i]) * d(p[i], z[j]) + d(H * L, z[k])
d(sum(k != i, z[k]^2), z[j]) + d(sum(k < i, t[k] * z[k]), z[j]) - d(sum(k != y, A[k, i] * z[k]), z[y])
d(prod(k, z[k]), z[j]) + d(prod(k != i, z[k]^2), z[j]) + d(max(k, z[k]), z[i]) + d(exp(x)^a_1, x)
d(x^3 * log(x) / sqrt(x + a_1), x) + d(sigmoid(x^2) * tanh(x), x) - d(erf(x) + sin(x) * cos(a_1 * x), x)
d(where(x > a_1, x^2, a_1 * x), x) + d(abs(x) * relu(x - a_1), x) + d(max(x, a_1), x) + d(g_2(x^2), x)
sum(i, g[i] * d(p[i], z[j])) + sum(i, g[i] * d(q[i], x)) - sum(k, d(p[j], z[k]) * g[k])
sum(i, t[i] * d(p[i], z[j])) - sum(k, d(H, z[k]) * g[k])
sum(k, g[j] * d(p[k], z[j])) - sum(k, g[k] * d(p[j], z[k])) + sum(k, g[k] * d(p[k] * x, z[j]))
"""


K, X = Index("k", "K"), Entry("x")
FIRST, SECOND = Position(1, "K"), Position(2, "K")
Z_K = Entry("z", (K,))
#: Derivatives by an entry at a letter that a sum inside has too: it must not be caught there.
SHADOWED = [
    Derivative(make(K, body), (Z_K,))
    for make, body in (
        (Sum, Power(Z_K, Number(Fraction(2)))),
        (Sum, Multiply((Z_K, Entry("t", (K,)), Entry("x")))),
        (Product, Z_K),
        (partial(Sum, condition=Compare("!=", K, Index("i", "K"))), Power(Z_K, Number(Fraction(3)))),
        (partial(Product, condition=Compare("<", K, Index("i", "K"))), Power(Z_K, Number(Fraction(3)))),
        (partial(Extremum, "max"), Z_K),
    )
]


def test_no_rule_changes_a_value() -> None:
    """Each rule at every part of every formula above, and of the examples of all rules."""
    more = Definition("v", (K,), parse_expression("x^5 * t[k]", PROBLEM))
    problem = replace(
        PROBLEM, inputs=(*PROBLEM.inputs, Input("a_1")), definitions=(*PROBLEM.definitions, more)
    )
    formulas = dict.fromkeys(
        [*NEARLY.strip().splitlines(), *(side for rule in RULES for side in rule.example)]
    )
    read = [*(parse_expression(text, problem) for text in formulas), *SHADOWED]
    arranged = [Arranger(problem).arrange(tree) for tree in read]
    parts = dict.fromkeys(part for tree in (*read, *arranged) for _, part in walk(tree))
    engine = Engine(problem)
    oracles = [generic_oracle(problem, sizes, normalised=["t"]) for sizes in sizes_to_try(problem)]
    fired = 0
    for part in parts:
        for rule in RULES:
            if not isinstance(part, rule.on):
                continue
            found = Context(problem, engine.known, engine.contracted, assumptions=problem.assumptions)
            found.carried = "g"
            try:
                after = rule.apply(part, found)
            except CalculusError:  # another rule is meant to come first
                continue
            if after is None:
                continue
            fired += 1
            for oracle in oracles:
                assert differences(oracle, part, after) == [], (rule.name, to_text(part), to_text(after))
    assert fired > 3 * len(RULES)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Power(X, ONE), X),
        (Power(X, ZERO), ONE),
        (Sum(K, ZERO), ZERO),
        (Product(K, ONE), ONE),
        (Product(K, ZERO), Product(K, ZERO)),
        (Extremum("max", K, X), X),
        (Sum(K, Entry("z", (K,)), Compare("==", K, K)), Sum(K, Entry("z", (K,)))),
        (Sum(K, Entry("z", (K,)), Compare("<", K, K)), ZERO),
        (Product(K, Entry("z", (K,)), Compare(">=", K, K)), Product(K, Entry("z", (K,)))),
        (Product(K, Entry("z", (K,)), Compare("!=", K, K)), ONE),
        (Where(Compare("<", FIRST, SECOND), X, ZERO), X),
        (Where(Compare(">=", FIRST, SECOND), X, ZERO), ZERO),
        (Where(Compare("==", FIRST, SECOND), X, ZERO), ZERO),
        (Delta(FIRST, SECOND), ZERO),
        (Delta(SECOND, SECOND), ONE),
        (Call("exp", (ZERO,)), ONE),
        (Call("log", (ONE,)), ZERO),
        (Call("log", (ZERO,)), Call("log", (ZERO,))),
        (Call("exp", (ONE,)), Call("exp", (ONE,))),
    ],
)
def test_what_is_known_is_tidied(before: Expression, after: Expression) -> None:
    assert tidy(before) == after


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("(x + t[i])^3", 4 * 2),
        ("(x + t[i])^(5/2)", 1),
        ("(x + t[i])^(-2)", 1),
        ("(x + t[i]) * (x - b[i]) * z[i]", 4),
        ("sum(k, (x + t[k]) * b[k])", 2),
        ("sum(k != i, (x + t[k])^2 * (1 - b[k]))", 8),
        ("x * sum(k, (x - t[k])^2 - exp(x * (1 + b[k])))", 5),
        ("log((x + t[i]) * (1 + x))", 1),
    ],
)
def test_multiplying_out_changes_no_value(text: str, terms: int) -> None:
    before = parse_expression(text, PROBLEM)
    after = expanded(before)
    assert len(terms_of(after)) <= terms <= expanded_terms(before)
    for sizes in sizes_to_try(PROBLEM):
        assert differences(generic_oracle(PROBLEM, sizes), before, after) == []
