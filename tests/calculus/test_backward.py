"""The backward pass: its lines are true by the oracle, few, and of the size of the problem."""

from __future__ import annotations

from dataclasses import replace

import pytest

import symderiv as sd
from symderiv import catalog
from symderiv.calculus import CalculusError, Engine
from symderiv.calculus.backward import Backward, backward
from symderiv.calculus.blocks import MAX_BLOCK
from symderiv.expression.construct import multiply, negate
from symderiv.expression.nodes import Definition, Derivative, Entry, Index, Sum
from symderiv.expression.traverse import count_nodes
from symderiv.notation.reader import read_problem
from symderiv.problem import Input, Problem
from symderiv.proof.stages import prove_stage
from tests.oracles import differences, generic_oracle, sizes_to_try

NETWORK = """
index i, k : K
index j    : H
index m    : D
input x[D], W1[H, D], b1[H], W2[K, H], b2[K], t[K]
loss L
z1[j] = sum(m, W1[j, m] * x[m]) + b1[j]
h[j]  = tanh(z1[j])
z2[i] = sum(j, W2[i, j] * h[j]) + b2[i]
p[i]  = exp(z2[i]) / sum(k, exp(z2[k]))
L     = -sum(k, t[k] * log(p[k]))
assume sum(k, t[k]) == 1
derive d(L, W1[j, m])
derive d(L, b1[j])
derive d(L, W2[i, j])
derive d(L, b2[i])
derive d(L, x[m])
"""
#: An input that is used in several places, and an intermediate that is used twice.
TWICE = """
index i, j : N
input x[N], A[N, N], c
u[i] = sum(j, A[i, j] * x[j])
v[i] = sin(u[i]) * x[i]
s    = sum(i, u[i] * v[i]^2) + c * sum(i, x[i])
f    = exp(s / 100) + s^2
"""
TWO_UPSTREAM = """
index i : N
input x[N], w[N]
c[i] = tanh(w[i] * x[i])
h[i] = c[i] * x[i]
upstream L(h)
upstream M(c)
"""


def with_lines(found: Backward, assuming: bool) -> Problem:
    """The problem with the lines as definitions, and what they are lines for as `total`."""
    problem, output = found.problem, found.output
    lines, inputs = [], list(problem.inputs)
    for stage in found.stages:
        letters = tuple(term for term in stage.cotangent.indices if isinstance(term, Index))
        if stage.parts or stage.given is not None:
            body = stage.form if assuming else stage.result
            lines.append(Definition(stage.cotangent.array, letters, body))
        else:
            inputs.append(Input(stage.cotangent.array, problem.axes_of(stage.array.array)))
    if output.indices and not problem.upstream:
        body = multiply(Entry(f"{output.array}_bar", output.indices), output)
        for letter in reversed(output.indices):
            assert isinstance(letter, Index)
            body = Sum(letter, body)
        lines.append(Definition("total", (), body))
    return replace(problem, inputs=tuple(inputs), definitions=(*problem.definitions, *lines))


def total_of(found: Backward) -> Entry:
    if found.problem.upstream:
        return Entry(found.problem.upstream[0].name)
    return Entry("total") if found.output.indices else found.output


def wrong(found: Backward, assuming: bool = False) -> list[str]:
    """The cotangents that are not the derivatives they should be, at some size."""
    problem = with_lines(found, assuming)
    bad = []
    for sizes in sizes_to_try(problem)[1:2]:
        oracle = generic_oracle(problem, sizes, normalised=["t"] if assuming else ())
        for stage in found.stages:
            slope = Derivative(total_of(found), (stage.array,))
            if differences(oracle, stage.cotangent, slope):
                bad.append(stage.cotangent.array)
            # The comparison can fail: zeros aside, the opposite sign is wrong.
            assert differences(oracle, negate(stage.cotangent), slope)
    return bad


def test_a_network() -> None:
    result = sd.backward(read_problem(NETWORK, "network"))
    assert result.forms == {
        "z2_bar[i]": "p[i] - t[i]",
        "W2_bar[i, j]": "z2_bar[i] * h[j]",
        "b2_bar[i]": "z2_bar[i]",
        "z1_bar[j]": "(1 - h[j]^2) * sum(i, z2_bar[i] * W2[i, j])",
        "x_bar[m]": "sum(j, z1_bar[j] * W1[j, m])",
        "W1_bar[j, m]": "z1_bar[j] * x[m]",
        "b1_bar[j]": "z1_bar[j]",
    }
    assert result.proved
    assert wrong(result.passed, assuming=True) == []
    assert wrong(result.passed) == []


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize(
    "name",
    ["attention_head", "batch_norm", "cross_entropy_label", "entropy", "layer_norm_affine", "softmax_layer"],
)
def test_problems_of_the_catalogue(name: str, every: bool) -> None:
    found = backward(catalog.load(name), every=every)
    assert wrong(found) == []
    assert all(each.kind == "proved" for stage in found.stages for each in prove_stage(stage, found))


@pytest.mark.parametrize("every", [False, True])
def test_what_is_used_twice(every: bool) -> None:
    found = backward(read_problem(TWICE, "twice"), every=every)
    assert wrong(found) == []
    assert {"x", "A", "c"} < {stage.array.array for stage in found.stages}


def test_every_intermediate_has_its_line() -> None:
    found = backward(catalog.load("layer_norm"), every=True)
    assert [stage.array.array for stage in found.stages] == ["x_hat", "sigma", "v", "mu", "x"]
    together = backward(catalog.load("layer_norm"))
    assert [stage.array.array for stage in together.stages] == ["x_hat", "x"]


def test_two_unspecified_functions_add_up() -> None:
    result = sd.backward(read_problem(TWO_UPSTREAM, "two"))
    assert result.forms["c_bar[i]"] in ("d(M, c[i]) + h_bar[i] * x[i]", "h_bar[i] * x[i] + d(M, c[i])")
    assert result.forms["w_bar[i]"] == "c_bar[i] * x[i] * (1 - c[i]^2)"
    assert result.proved


def deep(layers: int) -> Problem:
    text = ["index n, m : N", "input x[N], t[N]", "loss L"]
    for layer in range(1, layers + 1):
        before = f"h{layer - 1}" if layer > 1 else "x"
        text += [
            f"input W{layer}[N, N]",
            f"z{layer}[n] = sum(m, W{layer}[n, m] * {before}[m])",
            f"h{layer}[n] = tanh(z{layer}[n])",
        ]
    text.append(f"L = 1/2 * sum(n, (h{layers}[n] - t[n])^2)")
    return read_problem("\n".join(text), "deep")


def test_the_work_grows_with_the_depth_alone() -> None:
    """Each layer has lines of the same length, and its derivations as many steps."""
    found = backward(deep(16))
    steps = {stage.array.array: sum(len(part.steps) for part in stage.parts) for stage in found.stages}
    nodes = {stage.array.array: count_nodes(stage.form) for stage in found.stages}
    for layer in range(3, 16):
        assert steps[f"W{layer}"] == steps["W2"]
        assert nodes[f"W{layer}"] == nodes["W2"]
        assert steps[f"z{layer - 1}"] == steps["z2"]
        assert nodes[f"z{layer - 1}"] == nodes["z2"]
    assert len(found.stages) == 2 * 16 + 2


def test_a_shallow_network_of_that_kind_is_true() -> None:
    assert wrong(backward(deep(2))) == []


@pytest.mark.parametrize(("name", "said"), [("q", "expected one of x, W, b"), ("t", "found 't'")])
def test_a_name_that_is_not_there(name: str, said: str) -> None:
    with pytest.raises(CalculusError, match=said):
        backward(catalog.load("softmax_layer"), [name])


def test_what_the_output_does_not_depend_on() -> None:
    problem = read_problem("input x, y\nf = x^2\ng = y * x", "two")
    with pytest.raises(CalculusError, match="does not depend on y"):
        backward(replace(problem, definitions=problem.definitions[:1]), ["y"])


def test_documents() -> None:
    result = sd.backward("softmax_layer_cross_entropy")
    assert "z_bar[k] = h[k] - t[k]" in result.text()
    assert "4 lines, each proved for every size." in result.text()
    assert r"\bar{W}_{ji} = \frac{\partial L}{\partial W_{ji}} &= \bar{z}_i x_j" in result.latex()
    assert r"Backwards, under $\sum_{k} t_k = 1$:" in result.markdown()
    data = result.data()
    assert [stage["verdict"] for stage in data["stages"]] == ["proved"] * 4
    assert data["blocks"] == [["h", "L"], ["z"]]
    given = sd.backward("layer_norm")
    assert given.passed.seeds == (("x_hat_bar", ("K",)),)
    assert "x_hat_bar[i] is given" in given.text()
    assert given.data()["stages"][0]["verdict"] == "given"


def test_what_has_to_be_given_is_told() -> None:
    """The cotangent of an output; not where a loss that depends on it is named."""
    text = "index i, k : K\ninput z[K]\np[i] = exp(z[i]) / sum(k, exp(z[k]))\n"
    assert backward(read_problem(text, "plain")).seeds == (("p_bar", ("K",)),)
    assert backward(read_problem(f"{text}upstream L(p)\n", "with a loss")).seeds == ()


def test_long_chains_are_taken_in_blocks_that_can_be_read_and_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    derived = []
    contract = Engine.contract
    monkeypatch.setattr(
        Engine, "contract", lambda self, asked: derived.append(asked) or contract(self, asked)
    )

    def passed(length: int) -> tuple[Backward, int]:
        lines = [f"y{k + 1}[i] = exp(y{k}[i]) + y{k}[i]" for k in range(length - 1)]
        derived.clear()
        return backward(read_problem("\n".join(["input x[K]", "y0[i] = exp(x[i])", *lines]), "chain")), len(
            derived
        )

    (short, few), (long, many) = passed(2 * MAX_BLOCK), passed(4 * MAX_BLOCK)
    assert [len(each) for each in short.blocks] == [MAX_BLOCK] * 2
    assert [len(each) for each in long.blocks] == [MAX_BLOCK] * 4
    assert many - few == few  # the work grows with the number of definitions
    assert [each.kind for stage in short.stages for each in prove_stage(stage, short)] == ["proved"] * 2
