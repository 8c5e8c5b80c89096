"""Every rule of the table: its example fires, gives what it says, and is true by the oracle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symderiv.calculus import RULES, Engine, Rule
from symderiv.calculus.assume import ASSUME
from symderiv.calculus.context import Context
from symderiv.calculus.derivation import LEVELS
from symderiv.calculus.tidy import Arranger
from symderiv.expression.canonical import same
from symderiv.expression.construct import negate
from symderiv.expression.nodes import Expression
from symderiv.expression.traverse import walk
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
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
