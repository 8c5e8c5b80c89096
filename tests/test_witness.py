"""The explicit derivation: SymPy's entries, exactly compared with the index calculus' form."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from symderiv.calculus import contract, derive, derive_all
from symderiv.calculus.derivation import Contraction, Derivation
from symderiv.catalog import load, names
from symderiv.expression.canonical import same
from symderiv.expression.construct import negate
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Delta, Derivative, Entry, Expression, Index, Position
from symderiv.expression.oracle import Oracle, Scalar
from symderiv.expression.traverse import map_children
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.witness import Explicit, WitnessError, witness

I = Index("i", "K")  # noqa: E741
J = Index("j", "K")


FUNCTIONS = """
index i, j : K
input x[K]
{definition}
derive d(f[i], x[j])
"""


def softmax_jacobian() -> Derivation:
    return derive(load("softmax"), Entry("p", (I,)), (Entry("z", (J,)),))


def only(problem_name: str, start: str) -> Derivation:
    (found,) = [each for each in derive_all(load(problem_name)) if to_text(each.start) == start]
    return found


def entries_text(explicit: Explicit) -> list[list[str]]:
    return [[to_text(entry) for entry in row] for row in explicit.entries]


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("name", names())
def test_all_of_the_catalogue_agrees(name: str, size: int) -> None:
    for derivation in derive_all(load(name)):
        axes = derivation.problem.axes
        explicit = witness(derivation, {axis: size if axis == "K" else min(size, 3) for axis in axes})
        assert explicit.agrees, explicit.faults
        assert explicit.checked >= int(np.prod(explicit.shape))
        assert len(explicit.rows) == len(explicit.entries)


def linear(slopes: np.ndarray, values: Sequence[Scalar]) -> Scalar:
    """An L(y) with the derivatives `slopes`."""
    return sum((value * float(slope) for value, slope in zip(values, slopes, strict=True)), values[0] * 0)


@pytest.mark.parametrize("name", names())
def test_entries_are_what_the_oracle_says(name: str) -> None:
    """The trees that are shown, and SymPy's numbers, against the oracle's own derivative."""
    rng = np.random.default_rng(7)
    for derivation in derive_all(load(name)):
        problem = derivation.problem
        sizes = {axis: 3 if axis == "K" else 2 for axis in problem.axes}
        arrays = {}
        for given in problem.inputs:
            shape = tuple(sizes[axis] for axis in given.axes)
            values = rng.uniform(0.2, 1.2, shape)
            # What is shown is the first choice of labels where they have indices of their own.
            arrays[given.name] = np.full(shape, int(not shape)) if given.label_of else values
        if derivation.assumptions:
            arrays["t"] = arrays["t"] / arrays["t"].sum()
        upstream = {}
        for each in problem.upstream:
            slopes = rng.normal(size=tuple(sizes[axis] for axis in problem.axes_of(each.of)))
            arrays[f"d{each.name}_d{each.of}"] = slopes
            upstream[each.name] = (each.of, partial(linear, slopes.ravel()))
        tables = {given.name: dict(np.ndenumerate(arrays[given.name])) for given in problem.inputs}
        oracle = Oracle(sizes, tables, problem.definitions, upstream)
        explicit = witness(derivation, sizes)
        by = derivation.start.by  # type: ignore[union-attr]
        if any(problem.definition(entry.array) for entry in by):
            # The derivative is by a named intermediate: its values are given as well.
            kept = {entry.array for entry in by}
            for array in kept:
                axes = problem.axes_of(array)
                arrays[array] = np.reshape(
                    [oracle.entry(array, spot) for spot in np.ndindex(*(sizes[axis] for axis in axes))],
                    [sizes[axis] for axis in axes],
                )
        numbers = explicit.values(arrays).reshape(len(explicit.rows), -1)
        letters = free_indices(derivation.start)
        for row, line in enumerate(explicit.entries):
            for column, entry in enumerate(line):
                assert oracle.evaluate(entry) == pytest.approx(numbers[row, column], rel=1e-11, abs=1e-12)
        total = sum(oracle.table(derivation.start, letters).values())
        assert numbers.sum() == pytest.approx(total, rel=1e-10, abs=1e-11)


def test_softmax_at_three() -> None:
    explicit = witness(softmax_jacobian(), {"K": 3})
    assert entries_text(explicit) == [
        ["p[1] * (1 - p[1])", "-p[1] * p[2]", "-p[1] * p[3]"],
        ["-p[1] * p[2]", "p[2] * (1 - p[2])", "-p[2] * p[3]"],
        ["-p[1] * p[3]", "-p[2] * p[3]", "p[3] * (1 - p[3])"],
    ]
    assert [to_text(row) for row in explicit.rows] == ["p[1]", "p[2]", "p[3]"]
    assert [to_text(column) for column in explicit.columns] == ["z[1]", "z[2]", "z[3]"]
    assert explicit.shape == (3, 3)
    assert explicit.entries[0][1] == explicit.matrix()[0][1]
    assert "agree exactly in all 9" in explicit.to_text()


@pytest.mark.parametrize(
    ("name", "start", "form"),
    [
        ("softmax", "d(p[i], z[j])", "p[i] * (delta(i, j) - p[j])"),
        ("log_softmax", "d(l[i], z[j])", "delta(i, j) - p[j]"),
        ("cross_entropy", "d(L, z[j])", "p[j] - t[j]"),
        ("cross_entropy", "d(L, z[i], z[j])", "p[i] * (delta(i, j) - p[j])"),
        ("cross_entropy_label", "d(L, z[j])", "p[j] - delta(j, y)"),
        ("entropy", "d(H, z[j])", "-p[j] * (log(p[j]) + H)"),
        ("softmax_layer", "d(h[t], W[j, i])", "x[j] * h[t] * (delta(t, i) - h[i])"),
        ("softmax_layer", "d(h[t], x[j])", "h[t] * (W[j, t] - sum(i, h[i] * W[j, i]))"),
        ("softmax_any_loss", "d(L, z[k])", "y[k] * (d(L, y[k]) - sum(j, d(L, y[j]) * y[j]))"),
    ],
)
def test_the_form_is_read_off_the_entries(name: str, start: str, form: str) -> None:
    derivation = only(name, start)
    explicit = witness(derivation, {axis: 4 if axis == "K" else 3 for axis in derivation.problem.axes})
    assert explicit.pattern_form is not None
    assert same(explicit.pattern_form, parse_expression(form, derivation.problem))


def test_reading_does_not_look_at_the_form() -> None:
    """With a wrong form the entries and what is read off them stay SymPy's."""
    right = softmax_jacobian()
    wrong = replace(right, result=parse_expression("p[j] * z[i]", right.problem))
    first, second = witness(right, {"K": 4}), witness(wrong, {"K": 4})
    assert not second.agrees
    assert first.entries == second.entries
    assert first.pattern_form == second.pattern_form


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize(
    ("form", "where", "count"),
    [
        ("p[i] * (delta(i, j) + p[j])", "d(p[1], z[1])", "all"),
        ("-p[i] * p[j]", "d(p[1], z[1])", "diagonal"),
        ("p[i] * (delta(i, j) - p[i])", "d(p[1], z[2])", "off"),
        ("p[i] * delta(i, j)", "d(p[1], z[1])", "all"),
    ],
    ids=["sign", "dropped delta", "swapped index", "dropped term"],
)
def test_a_wrong_form_is_found_and_the_entry_named(form: str, where: str, count: str, size: int) -> None:
    derivation = softmax_jacobian()
    faulty = replace(derivation, result=parse_expression(form, derivation.problem))
    explicit = witness(faulty, {"K": size})
    assert not explicit.agrees
    assert explicit.faults[0].startswith(f"{where}: SymPy gives ")
    assert len(explicit.faults) == {"all": size**2, "diagonal": size, "off": size**2 - size}[count]
    assert "no exact proof" not in explicit.faults[0]
    assert where in explicit.to_text()


@pytest.mark.parametrize("name", [name for name in names() if name != "softmax"])
def test_a_wrong_sign_is_found_anywhere(name: str) -> None:
    for derivation in derive_all(load(name)):
        faulty = replace(derivation, result=negate(derivation.result))
        explicit = witness(faulty, dict.fromkeys(derivation.problem.axes, 2))
        assert not explicit.agrees
        assert explicit.faults


def _without_deltas(node: Expression) -> Expression:
    from symderiv.expression.nodes import ONE

    return ONE if isinstance(node, Delta) else map_children(node, _without_deltas)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("softmax_layer", "d(h[t], W[j, i])"),
        ("layer_norm", "d(x_hat[i], x[j])"),
        ("cross_entropy_label", "d(L, z[j])"),
        ("label_smoothing", "d(L, z[j])"),
    ],
)
def test_a_delta_taken_for_one_is_found(name: str, start: str) -> None:
    derivation = only(name, start)
    explicit = witness(
        replace(derivation, result=_without_deltas(derivation.result)),
        dict.fromkeys(derivation.problem.axes, 3),
    )
    assert not explicit.agrees


def test_a_form_that_needs_the_assumption_fails_without_it() -> None:
    derivation = only("cross_entropy", "d(L, z[j])")
    assert derivation.assumed_result is not None
    careless = replace(derivation, result=derivation.assumed_result)
    explicit = witness(careless, {"K": 3})
    assert len(explicit.faults) == 3
    mistaken = replace(derivation, assumed_result=parse_expression("2 * p[j] - t[j]", derivation.problem))
    assert len(witness(mistaken, {"K": 3}).faults) == 3


def test_weights_are_laid_out_by_columns() -> None:
    explicit = witness(only("softmax_layer", "d(h[t], W[j, i])"), {"K": 2, "N": 3})
    assert explicit.shape == (2, 6)
    assert [to_text(column) for column in explicit.columns] == [
        "W[1, 1]", "W[2, 1]", "W[3, 1]", "W[1, 2]", "W[2, 2]", "W[3, 2]",
    ]  # fmt: skip
    assert entries_text(explicit)[0][3] == "-x[1] * h[1] * h[2]"


def test_a_fixed_place_and_a_repeated_index() -> None:
    softmax = load("softmax")
    one = witness(derive(softmax, Entry("p", (Position(1, "K"),)), (Entry("z", (J,)),)), {"K": 3})
    assert entries_text(one) == [["p[1] * (1 - p[1])"], ["-p[1] * p[2]"], ["-p[1] * p[3]"]]
    diagonal = witness(derive(softmax, Entry("p", (I,)), (Entry("z", (I,)),)), {"K": 3})
    assert entries_text(diagonal) == [[f"p[{at}] * (1 - p[{at}])"] for at in (1, 2, 3)]


def test_second_derivatives_through_an_unspecified_loss() -> None:
    """∂²L/∂z_i∂z_j for any L(y), with the form of a hand derivation."""
    problem = load("softmax_any_loss")
    first = "y[k] * (delta(k, i) - y[i])"
    bent = f"{first} * (delta(k, j) - y[j]) - y[k] * y[i] * (delta(i, j) - y[j])"
    second = "y[l] * (delta(l, j) - y[j])"
    through = f"sum(k, sum(l, d(L, y[k], y[l]) * {first} * {second}))"
    form = parse_expression(f"sum(k, d(L, y[k]) * ({bent})) + {through}", problem)
    start = Derivative(Entry("L"), (Entry("z", (I,)), Entry("z", (J,))))
    assert witness(Derivation(problem, start, (), form), {"K": 3}).agrees
    assert not witness(Derivation(problem, start, (), negate(form)), {"K": 2}).agrees


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("prod(j, x[j])", "prod(k, x[k]) / x[j]"),
        ("max(x[i], 2 * x[i] - 1)", "delta(i, j) * (1 + step(x[i] - 1))"),
        ("tan(x[i])", "delta(i, j) * (1 + tan(x[i])^2)"),
    ],
)
def test_forms_of_a_hand_derivation(body: str, form: str) -> None:
    problem = read_problem(FUNCTIONS.format(definition=f"f[i] = {body}"), "functions")
    start = Derivative(Entry("f", (I,)), (Entry("x", (J,)),))
    explicit = witness(Derivation(problem, start, (), parse_expression(form, problem)), {"K": 3})
    assert explicit.agrees, explicit.faults


@pytest.mark.parametrize("kind", ["vjp", "jvp"])
def test_a_contraction_is_written_out_too(kind: str) -> None:
    derivation = contract(load("softmax"), Contraction(kind, Entry("p", (I,)), Entry("z", (J,))))
    explicit = witness(derivation, {"K": 3})
    assert explicit.agrees, explicit.faults
    assert explicit.shape == (3,)


@pytest.mark.parametrize(
    "body",
    [
        "sigmoid(x[i])", "softplus(x[i])", "tanh(x[i])", "sin(x[i]) * cos(x[i])", "x[i] * sigmoid(x[i])",
        "relu(x[i])", "abs(x[i])", "x[i] / 2 * (1 + erf(x[i] / sqrt(2)))", "exp(-x[i] / 2) / (1 + x[i]^2)",
        "where(x[i] > 0, x[i], x[i] / 10)", "log(1 + x[i]^2)", "x[i]^x[i]", "x[i] * sum(j, x[j])^(1/2)",
        "sum(j != i, x[j]^2 * x[i])", "log(1 + x[i]^2) / sqrt(1 + x[i]^2)",
        "x[i] / exp(x[i]) / sqrt(sqrt(1 + x[i]^2))",
        "sqrt(1 + x[i]^2) + sqrt(sqrt(1 + x[i]^2)) * x[i]", "sigmoid(sum(j, (1 + x[j]^2) / (1 + x[i]^2)))",
        "x[i] / ((1 + x[i]^2) + (1 + x[i]^2)) * sqrt(1 + x[i]^2)", "sqrt(4 * x[i] * exp(2 * x[i]))",
    ],
)  # fmt: skip
def test_other_functions(body: str) -> None:
    problem = read_problem(FUNCTIONS.format(definition=f"f[i] = {body}"), "functions")
    (derivation,) = derive_all(problem)
    explicit = witness(derivation, {"K": 2})
    assert explicit.agrees, explicit.faults
    point = {(0,): 0.37, (1,): 1.21}
    oracle = Oracle({"K": 2}, {"x": point}, problem.definitions)
    numbers = explicit.values({"x": [0.37, 1.21]})
    for (row, column), value in oracle.table(derivation.start, (I, J)).items():
        assert numbers[row, column] == pytest.approx(value, rel=1e-12, abs=1e-13)


def test_exponentials_that_depend_on_each_other() -> None:
    text = """
index i, j : K
input x[K]
f[i] = exp(x[i] / 3) * exp(-2 * x[i] / 3) + exp(x[i])^(1/2)
derive d(f[i], x[j])
"""
    problem = read_problem(text, "exponentials")
    (derivation,) = derive_all(problem)
    other = parse_expression("delta(i, j) * (exp(x[i] / 2) / 2 - exp(-x[i] / 3) / 3)", problem)
    assert witness(replace(derivation, result=other), {"K": 2}).agrees
    near = parse_expression("delta(i, j) * (exp(x[i] / 2) / 2 - exp(-x[i] / 2) / 3)", problem)
    assert len(witness(replace(derivation, result=near), {"K": 2}).faults) == 2


def test_values_name_what_is_missing() -> None:
    explicit = witness(softmax_jacobian(), {"K": 3})
    with pytest.raises(WitnessError, match="expected values for z"):
        explicit.values({})
    with pytest.raises(WitnessError, match="z has no entry"):
        explicit.values({"z": [1.0, 2.0]})
    numbers = explicit.values({"z": np.log([1.0, 2.0, 5.0])})
    assert numbers[0, 1] == pytest.approx(float(Fraction(-1, 8) * Fraction(2, 8)), rel=1e-14)


def test_bad_requests_say_what_is_expected() -> None:
    with pytest.raises(WitnessError, match="expected a size of 1 or more for the axis K"):
        witness(softmax_jacobian(), {"N": 3})
    text = "index i, j : K\ninput x[K]\nf[i] = x[i] - max(j, x[j])\nderive d(f[i], x[j])\n"
    problem = read_problem(text, "largest")
    body = problem.definitions[0].body
    start = softmax_jacobian().start
    by_hand = replace(
        softmax_jacobian(), problem=problem, start=replace(start, of=body, by=(Entry("x", (J,)),))
    )  # type: ignore[type-var]
    with pytest.raises(WitnessError, match="max over an axis"):
        witness(by_hand, {"K": 2})


def test_division_by_zero_is_refused() -> None:
    text = "index i, j : K\ninput x[K]\nf[i] = x[i] / (x[i] - sum(j, x[j]))\nderive d(f[i], x[j])\n"
    (derivation,) = derive_all(read_problem(text, "pole"))
    assert witness(derivation, {"K": 2}).agrees
    with pytest.raises(WitnessError):
        witness(derivation, {"K": 1})


def test_too_many_entries_are_refused_at_once() -> None:
    derivation = only("softmax", "d(p[i], z[j])")
    with pytest.raises(WitnessError, match="expected at most 4096 entries to write out, found 4000000"):
        witness(derivation, {"K": 2000})
