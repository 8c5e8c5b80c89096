"""Whole derivations: the forms, every step by the oracle, contractions, cases, faults."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest

from symderiv import catalog
from symderiv.calculus import (
    CalculusError,
    Contraction,
    Derivation,
    Engine,
    cases,
    contract,
    derive,
    derive_all,
)
from symderiv.calculus import engine as engine_module
from symderiv.calculus.derivation import LEVELS, merge
from symderiv.expression.canonical import same
from symderiv.expression.construct import negate
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative, Entry, Index, Sum
from symderiv.expression.oracle import Oracle
from symderiv.expression.traverse import walk
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from tests.oracles import agree, differences, generic_oracle, generic_oracles, sizes_to_try

DERIVATIONS = [
    pytest.param(problem, expectation, id=f"{problem.name}: {to_text(expectation.derivative)}")
    for problem in (catalog.load(name) for name in catalog.names())
    for expectation in problem.expectations
]


def entry(text: str, problem: Problem) -> Entry:
    found = parse_expression(text, problem)
    assert isinstance(found, Entry)
    return found


def derive_text(problem: Problem, text: str) -> Derivation:
    derivative = parse_expression(text, problem)
    assert isinstance(derivative, Derivative)
    assert isinstance(derivative.of, Entry)
    return derive(problem, derivative.of, derivative.by)


def wrong_steps(derivation: Derivation, sizes: dict[str, int], seen: set[str] | None = None) -> list[str]:
    """The steps whose two sides differ by the oracle, lemmas included (each judged once)."""
    seen = set() if seen is None else seen
    letters = free_indices(derivation.start)
    found = [
        f"{step.rule.name}: {to_text(step.before)} != {to_text(step.after)}"
        for oracle in generic_oracles(derivation.problem, sizes, extra=derivation.extra)
        for step in derivation.steps
        if differences(oracle, step.before, step.after, letters)
    ]
    for lemma in derivation.lemmas:
        if repr(lemma.start) not in seen:
            seen.add(repr(lemma.start))
            found += wrong_steps(lemma, sizes, seen)
    return found


@pytest.mark.parametrize(("problem", "expectation"), DERIVATIONS)
def test_reaches_the_form_that_the_file_states(problem: Problem, expectation) -> None:
    derivation = derive(problem, expectation.derivative.of, expectation.derivative.by)
    if expectation.form is None:
        pytest.fail("the file states no form for this derivative")
    reached = derivation.form if expectation.assuming else derivation.result
    assert same(reached, expectation.form), f"{to_text(reached)} is not {to_text(expectation.form)}"
    if expectation.assuming:
        assert derivation.assumptions == expectation.assuming


@pytest.mark.parametrize(("problem", "expectation"), DERIVATIONS)
def test_every_step_is_true(problem: Problem, expectation) -> None:
    derivation = derive(problem, expectation.derivative.of, expectation.derivative.by)
    assert derivation.steps[0].before == derivation.start
    assert derivation.steps[-1].after == derivation.result
    for earlier, later in pairwise(derivation.steps):
        assert earlier.after == later.before
    # Over four axes the last sizes alone have thousands of entries.
    for sizes in sizes_to_try(problem)[: 3 if len(problem.axes) < 4 else 2]:
        assert wrong_steps(derivation, sizes) == []
        if derivation.assumed_result is not None:
            oracle = generic_oracle(problem, sizes, normalised=["t"])
            assert differences(oracle, derivation.start, derivation.assumed_result) == []


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_tells_the_whole_way(level: str) -> None:
    for name in catalog.names():
        for derivation in derive_all(catalog.load(name)):
            shown = derivation.shown(level)
            assert shown[0].before == derivation.start
            assert shown[-1].after == derivation.result
            for earlier, later in pairwise(shown):
                assert earlier.after == later.before
            assert len(shown) <= len(derivation.steps)


@pytest.mark.parametrize("name", catalog.names())
def test_results_keep_no_derivative_of_a_known_name(name: str) -> None:
    problem = catalog.load(name)
    for derivation in derive_all(problem):
        left = [part for _, part in walk(derivation.result) if isinstance(part, Derivative)]
        given = {each.name for each in problem.upstream}
        assert all(isinstance(part.of, Entry) and part.of.array in given for part in left)


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("kind", ["vjp", "jvp"])
@pytest.mark.parametrize("name", [name for name in catalog.names() if not catalog.load(name).upstream])
def test_contractions_are_true(name: str, kind: str, batched: bool) -> None:
    problem = catalog.load(name)
    original = problem
    problem = problem.batch() if batched else problem
    wanted = {
        (each.derivative.of.array, each.derivative.by[0].array)
        for each in original.expectations
        if len(each.derivative.by) == 1
    }
    for output, variable in sorted(wanted):
        of, (by,) = Engine(problem).generic(output, (variable,))
        derivation = contract(problem, Contraction(kind, of, by))
        for sizes in sizes_to_try(problem)[:2]:
            assert wrong_steps(derivation, sizes) == []


def test_hessian_vector_product() -> None:
    problem = catalog.load("cross_entropy")
    derivation = contract(problem, Contraction("hvp", Entry("L"), entry("z[i]", problem)))
    expected = "p[i] * (v[i] - sum(j, p[j] * v[j])) * sum(k, t[k])"
    assert same(derivation.result, with_array(problem, expected, "v"))
    # Over four axes the last sizes alone have thousands of entries.
    for sizes in sizes_to_try(problem)[: 3 if len(problem.axes) < 4 else 2]:
        assert wrong_steps(derivation, sizes) == []


def with_array(problem: Problem, text: str, *names: str) -> object:
    """Parse `text` where further arrays over K are known."""
    from symderiv.problem import Input

    more = tuple(Input(name, ("K",)) for name in names)
    return parse_expression(text, replace(problem, inputs=(*problem.inputs, *more)))


def test_the_softmax_vjp_has_no_double_index() -> None:
    problem = catalog.load("softmax")
    derivation = contract(problem, Contraction("vjp", entry("p[i]", problem), entry("z[j]", problem)))
    assert same(derivation.result, with_array(problem, "p[j] * (g[j] - sum(i, g[i] * p[i]))", "g"))


def test_the_cotangent_steps_aside_for_an_input_of_its_name() -> None:
    problem = read_problem("input g[K]\nq[i] = exp(g[i]) / sum(k, exp(g[k]))", "clash")
    (of, (by,)) = Engine(problem).generic("q", ("g",))
    derivation = contract(problem, Contraction("vjp", of, by))
    assert derivation.extra == (("g_tilde", ("K",)),)
    assert wrong_steps(derivation, {"K": 3}) == []


def test_cases_of_the_softmax() -> None:
    problem = catalog.load("softmax")
    equal, different = cases(derive_text(problem, "d(p[i], z[j])"))
    assert equal.equal
    assert same(equal.value, parse_expression("p[i] * (1 - p[i])", problem))
    assert not different.equal
    assert same(different.value, parse_expression("-p[i] * p[j]", problem))


def test_cases_with_a_label() -> None:
    problem = catalog.load("cross_entropy_label")
    equal, different = cases(derive_text(problem, "d(L, z[j])"))
    assert same(equal.value, parse_expression("p[y] - 1", problem))
    assert same(different.value, parse_expression("p[j]", problem))


def test_a_summed_letter_never_captures_the_variable() -> None:
    """∂/∂x_k of Σ_k x_k² is 2 x_k: the letter of the sum is not that of the variable."""
    problem = read_problem("input x[K]\nq = sum(k, x[k]^2)", "capture")
    k = Index("k", "K")
    derivation = derive(problem, Entry("q"), (Entry("x", (k,)),))
    assert same(derivation.result, parse_expression("2 * x[k]", problem))


def test_the_letters_of_the_result_are_clear_of_the_free_ones() -> None:
    problem = catalog.load("softmax_any_loss")
    k = Index("k", "K")
    derivation = derive(problem, Entry("L"), (Entry("z", (k,)),))
    bound = [part.index for _, part in walk(derivation.result) if isinstance(part, Sum)]
    assert bound
    assert k not in bound


def test_an_array_that_is_the_same_everywhere_leaves_no_letter_behind() -> None:
    problem = read_problem("index i, j, k : K\ninput z[K]\nu[i] = sqrt(sum(k, exp(z[k])))", "constant_array")
    derivation = derive_text(problem, "d(u[i], z[j])")
    assert set(free_indices(derivation.result)) <= {Index("i", "K"), Index("j", "K")}
    assert wrong_steps(derivation, {"K": 3}) == []


WIDER = read_problem(
    """
index i, j, k, l : K
input z[K], c, W[K, K]
y[i] = exp(z[i]) / sum(k, exp(z[k]))
upstream L(y)
q = prod(k, z[k])
m = max(k, z[k] * c)
r[i] = max(z[i], c)
v[i] = where(z[i] > 1, z[i]^2, c * z[i])
a[i] = sum(k, W[i, k] * relu(z[k]))
u = prod(k, 1 + exp(-z[k])) / c
w[i] = y[i] - max(k, y[k])
s = sum(k, max(l, W[k, l] * z[l]))
""",
    "wider",
)


@pytest.mark.parametrize(
    ("derivative", "form"),
    [
        ("d(q, z[j])", "prod(i != j, z[i])"),
        ("d(m, z[j])", "c * where(c * z[j] == max(k, c * z[k]), 1, 0)"),
        ("d(m, c)", None),
        ("d(r[i], z[j])", "delta(i, j) * where(z[i] >= c, 1, 0)"),
        ("d(r[i], c)", "where(z[i] >= c, 0, 1)"),
        ("d(v[i], z[j])", "delta(i, j) * where(z[i] > 1, 2 * z[i], c)"),
        ("d(a[i], z[j])", "W[i, j] * step(z[j])"),
        ("d(u, z[j])", None),
        ("d(w[i], z[j])", None),
        ("d(s, z[j])", None),
        ("d(s, W[i, j])", None),
        ("d(L, z[i], z[j])", None),
    ],
)
def test_products_extrema_branches_and_second_derivatives(derivative: str, form: str | None) -> None:
    derivation = derive_text(WIDER, derivative)
    for sizes in ({"K": 1}, {"K": 3}):
        assert wrong_steps(derivation, sizes) == []
    if form is not None:
        assert same(derivation.result, parse_expression(form, WIDER)), to_text(derivation.result)


def test_an_unspecified_loss_reached_in_two_ways() -> None:
    problem = read_problem(
        """
index q, r, s : T
input x[T]
S[q, r] = x[q] * x[r]
O[q] = sum(r, S[q, r] * x[r])
upstream L(O)
""",
        "two_ways",
    )
    derivation = derive_text(problem, "d(L, x[q])")
    for sizes in ({"T": 1}, {"T": 3}):
        assert wrong_steps(derivation, sizes) == []


@pytest.mark.parametrize("exponent", ["2/3", "-2/3", "1/2", "3/2", "-3/2", "2", "-1"])
def test_powers_of_a_sum(exponent: str) -> None:
    problem = read_problem(f"index k : K\ninput x[K]\nL = sum(k, x[k]^2)^({exponent})", "power_of_a_sum")
    derivation = derive_text(problem, "d(L, x[k])")
    for sizes in ({"K": 1}, {"K": 3}):
        assert wrong_steps(derivation, sizes) == []


def test_labels_in_conditions_get_the_batch_axis() -> None:
    problem = read_problem(
        """
index i, k : K
input z[K]
label y : K
batch z, y
L = sum(k != y, relu(1 + z[k] - z[y])) + sum(k, where(k == y, z[k], 2))
""",
        "hinge",
    )
    batched = problem.batch()
    axis = batched.letters[0].axis
    single = generic_oracle(batched, {axis: 3, "K": 4})
    values = [single.entry("L", (sample,)) for sample in range(3)]
    for sample in range(3):
        alone = {
            "z": {(k,): single.entry("z", (sample, k)) for k in range(4)},
            "y": {(): single.entry("y", (sample,))},
        }
        oracle = Oracle({"K": 4}, alone, problem.definitions, {}, single.arithmetic)
        assert agree(oracle.entry("L", ()), values[sample])


@pytest.mark.parametrize("condition", ["k", "k != 1", "k < i", "k if x[k] > c"])
@pytest.mark.parametrize("order", ["x[j]", "x[j], x[l]"])
def test_restricted_products_are_differentiated_twice(condition: str, order: str) -> None:
    problem = read_problem(
        f"index i, j, k, l : K\ninput x[K], c\nq[i] = prod({condition}, c + x[k]^2)", "product"
    )
    derivation = derive_text(problem, f"d(q[i], {order})")
    # Over four axes the last sizes alone have thousands of entries.
    for sizes in sizes_to_try(problem)[: 3 if len(problem.axes) < 4 else 2]:
        assert wrong_steps(derivation, sizes) == []


def test_what_no_rule_differentiates_is_said_so() -> None:
    problem = read_problem("input s\nf = trigamma(s)", "gamma")
    with pytest.raises(CalculusError, match="the derivative of trigamma is not known"):
        derive_text(problem, "d(f, s)")


def test_a_name_is_not_held_fixed_after_what_it_is_built_from() -> None:
    problem = catalog.load("cross_entropy")
    with pytest.raises(CalculusError, match=r"p depends on z .* differentiate by p first"):
        derive_text(problem, "d(L, z[i], p[j])")
    derivation = derive_text(problem, "d(L, p[i], z[j])")  # the slope by p, and how z moves that
    # Over four axes the last sizes alone have thousands of entries.
    for sizes in sizes_to_try(problem)[: 3 if len(problem.axes) < 4 else 2]:
        assert wrong_steps(derivation, sizes) == []


@pytest.mark.parametrize(
    "text",
    [
        "f[i] = sum(k, where(i <= k, x[k], 2))",  # at i = k after sifting
        "f[i] = x[i] * max(k, 2 * x[i])",  # the same at every place
        "f[i] = prod(k != i, x[k]) + sum(k < i, x[k]) * x[i]",
    ],
)
def test_conditions_and_extrema_that_say_nothing(text: str) -> None:
    problem = read_problem(f"index i, j, k : K\ninput x[K]\n{text}", "settled")
    for asked in ("d(f[i], x[j])", "d(f[i], x[i])", "d(f[1], x[1])"):
        derivation = derive_text(problem, asked)
        for sizes in sizes_to_try(problem):
            assert wrong_steps(derivation, sizes) == []
        assert "1 <= 1" not in to_text(derivation.result)


def test_a_batched_layer_sums_over_the_batch() -> None:
    problem = catalog.load("softmax_layer").batch()
    of, (by,) = Engine(problem).generic("h", ("W",))
    derivation = contract(problem, Contraction("vjp", of, by))
    axes = [part.index.axis for _, part in walk(derivation.result) if isinstance(part, Sum)]
    assert axes.count("B") == 1
    for sizes in ({"B": 3, "N": 2, "K": 4}, {"B": 1, "N": 1, "K": 1}):
        assert wrong_steps(derivation, sizes) == []


@pytest.mark.parametrize(
    "name", [each.name for table in ("DIFFERENTIATE", "SIMPLIFY", "RECOGNISE", "FACTOR")
             for each in getattr(engine_module, table) if each.name in
             {"independent entries", "quotient rule", "derivative of a function", "sifting", "recognise",
              "expand over delta", "factor out", "pull out"}]
)  # fmt: skip
def test_a_corrupted_rule_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the sign of one rule turned, the check of every step names that rule."""

    def corrupt(table):
        def turned(rule):
            def apply(node, context):
                after = rule.apply(node, context)
                return None if after is None else negate(after)

            return replace(rule, apply=apply) if rule.name == name else rule

        return engine_module._Table(
            {kind: tuple(turned(each) for each in rules) for kind, rules in table.by_kind.items()}
        )

    for attribute in ("_DIFFERENTIATE", "_LOCAL", "_SIMPLIFY", "_NAME", "_REARRANGE", "_FACTOR"):
        monkeypatch.setattr(engine_module, attribute, corrupt(getattr(engine_module, attribute)))
    monkeypatch.setattr(engine_module, "MAX_STEPS", 60)
    steps = []
    record = Engine._record

    def watched(self, *arguments):
        whole = record(self, *arguments)
        steps.append(arguments[-1][-1])
        return whole

    monkeypatch.setattr(Engine, "_record", watched)
    problem = catalog.load("cross_entropy")
    with suppress(ValueError):  # a wrong sign may also run in a circle until the engine gives up
        derive_text(problem, "d(L, z[j])")
    oracle = generic_oracle(problem, {"K": 3})
    letters = (Index("i", "K"), Index("j", "K"), Index("k", "K"))
    guilty = {step.rule.name for step in steps if differences(oracle, step.before, step.after, letters)}
    assert name in guilty


def test_a_deep_chain_of_layers_is_one_nest_of_sums() -> None:
    """Each layer adds one sum to the gradient; nothing is multiplied out on the way."""
    depth = 10
    lines = ["index i, j, k, l : K", "input x[K], t[K]"]
    for place in range(1, depth + 1):
        below = f"h{place - 1}" if place > 1 else "x"
        lines.append(f"input W{place}[K, K]")
        lines.append(f"z{place}[i] = sum(k, W{place}[i, k] * {below}[k])")
        lines.append(f"h{place}[i] = tanh(z{place}[i])")
    lines.append(f"L = sum(k, (h{depth}[k] - t[k])^2) / 2")
    problem = read_problem("\n".join(lines), "layers")
    derivation = derive_text(problem, "d(L, W1[i, j])")
    sums = [part for _, part in walk(derivation.result) if isinstance(part, Sum)]
    assert len(sums) == depth - 1
    oracle = generic_oracle(problem, {"K": 1})
    assert differences(oracle, derivation.start, derivation.result) == []


def test_a_tangent_is_told_from_an_entry_in_print() -> None:
    """With v taken, the tangent is not called v_1: print would show it as the first entry of v."""
    from symderiv.notation.latex import to_latex

    problem = read_problem(
        "index i, j : K\ninput x[K], s\nv[i] = x[i]^2\nh = v[1] * exp(s * v[1])", "tangent"
    )
    derivation = contract(problem, Contraction("jvp", Entry("h"), Entry("s")))
    assert derivation.extra == (("v_tilde", ()),)
    assert r"\tilde{v}" in to_latex(derivation.result, problem)


@pytest.mark.parametrize("level", LEVELS)
def test_finer_steps_are_merged_into_one_line(level: str) -> None:
    for derivation in derive_all(catalog.load("cross_entropy")):
        steps = derivation.steps
        lines = merge(steps, level)
        assert (lines[0].before, lines[-1].after) == (steps[0].before, steps[-1].after)
        assert all(one.after == other.before for one, other in pairwise(lines))
        finer = [LEVELS.index(line.level) > LEVELS.index(level) for line in lines]
        assert not any(one and other for one, other in pairwise(finer))
        own = {step.rule.name for step in steps if LEVELS.index(step.level) <= LEVELS.index(level)}
        assert own <= {line.rule.name for line in lines}
