"""SymPy and the tree: both ways with indices, and written out for given sizes."""

import numpy as np
import pytest
import sympy

from symderiv.catalog import load, names
from symderiv.expression.canonical import same
from symderiv.expression.nodes import Compare, Derivative, Entry, Extremum, Index, Product, Sum
from symderiv.expression.oracle import Oracle
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.sympy_bridge import (
    BridgeError,
    Expander,
    as_array,
    explicit,
    from_sympy,
    to_sympy,
    vanishes,
)
from symderiv.problem import Input

I = Index("i", "K")  # noqa: E741
J = Index("j", "K")
PROBLEM = read_problem(
    """
index i, j, k : K
index n       : N
input z[K], t[K], W[N, K], a
label y : K
p[i] = exp(z[i]) / sum(k, exp(z[k]))
""",
    "bridge",
)


@pytest.mark.parametrize(
    "text",
    [
        "p[i] * (delta(i, j) - p[j])",
        "sum(k, t[k] * log(p[k])) / K",
        "sum(n, k, W[n, k]^2)",
        "sum(k != i, z[k] * W[n, k])",
        "prod(k, z[k])",
        "where(z[i] > a, z[i], a / 3)",
        "sqrt(a) + a^(2/3) + exp(-z[2]) * pi",
        "tanh(z[i]) + sin(a) * erf(a)",
        "d(p[i], z[j])",
        "delta(i, y) * z[y]",
        "where(i == j, 1, a)",
        "where(i + j - 2 in K, z[i + j - 2] * t[1], 0)",
        "sum(k if k + i in K, z[k + i] * log(t[k]))",
        "sum(k != j - 1, z[k]) + delta(i + 1, j)",
    ],
)
def test_there_and_back(text: str) -> None:
    """What comes back means the same (SymPy sorts, so it need not be spelled the same)."""
    tree = parse_expression(text, PROBLEM)
    back = from_sympy(to_sympy(tree), PROBLEM)
    rng = np.random.default_rng(3)
    shapes = {"z": (3,), "t": (3,), "W": (2, 3), "a": ()}
    tables = {name: dict(np.ndenumerate(rng.uniform(0.2, 1.1, shape))) for name, shape in shapes.items()}
    oracle = Oracle({"K": 3, "N": 2}, {**tables, "y": {(): 1}}, PROBLEM.definitions)
    n = Index("n", "N")
    for place in np.ndindex(3, 3, 2):
        env = dict(zip((I, J, n), place, strict=True))
        assert oracle.evaluate(back, env) == pytest.approx(oracle.evaluate(tree, env), rel=1e-14)


def test_indices_are_kept() -> None:
    found = to_sympy(parse_expression("sum(k, t[k] * p[k])", PROBLEM))
    k = sympy.Symbol("k", integer=True)
    size = sympy.Symbol("K", integer=True, positive=True)
    t, p = sympy.IndexedBase("t"), sympy.IndexedBase("p")
    assert found == sympy.Sum(t[k] * p[k], (k, 1, size))
    assert to_sympy(parse_expression("delta(i, j)", PROBLEM)).has(sympy.KroneckerDelta)


def test_an_expression_written_in_sympy_can_be_read() -> None:
    m = sympy.Symbol("m", integer=True)
    z = sympy.IndexedBase("z")
    size = sympy.Symbol("K")
    given = sympy.exp(z[m]) / sympy.Sum(sympy.exp(z[m]), (m, 1, size))
    tree = parse_expression("exp(z[i]) / sum(k, exp(z[k]))", PROBLEM)
    back = from_sympy(given.subs(m, sympy.Symbol("i", integer=True)), PROBLEM)
    oracle = Oracle({"K": 2, "N": 1}, {"z": {(0,): 0.3, (1,): 0.9}})
    assert oracle.evaluate(back, {I: 1}) == pytest.approx(oracle.evaluate(tree, {I: 1}), rel=1e-15)
    assert same(from_sympy(z[1] + 2, PROBLEM), parse_expression("z[1] + 2", PROBLEM))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (sympy.IndexedBase("q")[1], "expected an array of bridge, found q"),
        (sympy.IndexedBase("z")[1, 2], "expected 1 indices on z, found 2"),
        (sympy.Symbol("unknown"), "expected an array of bridge, found unknown"),
        (sympy.zeta(sympy.Symbol("a")), "the notation has"),
        (sympy.KroneckerDelta(sympy.Symbol("u"), sympy.Symbol("v")), "axis is known, found u"),
        (sympy.Sum(sympy.Symbol("a"), (sympy.Symbol("k"), 0, 3)), r"from 0 to one less\), found 0 to 3"),
        (sympy.I, "the notation has"),
    ],
)
def test_what_cannot_be_read_is_refused(expression: sympy.Basic, message: str) -> None:
    with pytest.raises(BridgeError, match=message):
        from_sympy(expression, PROBLEM)


def test_a_maximum_over_an_axis_is_refused() -> None:
    tree = Extremum("max", I, Entry("z", (I,)))
    with pytest.raises(BridgeError, match="SymPy has no max over an index"):
        to_sympy(tree)
    with pytest.raises(BridgeError, match="max over an axis"):
        explicit(tree, PROBLEM, {"K": 2})


def test_one_entry_in_plain_symbols() -> None:
    z1, z2 = sympy.symbols("z_1 z_2")
    p1 = explicit(Entry("p", (I,)), PROBLEM, {"K": 2}, {I: 1})
    assert p1 == sympy.exp(z1) / (sympy.exp(z1) + sympy.exp(z2))
    kept = explicit(parse_expression("p[i] * W[n, j]", PROBLEM), PROBLEM, {"K": 2, "N": 3},
                    {I: 1, J: 2, Index("n", "N"): 3}, keep={"p"})  # fmt: skip
    assert kept == sympy.Symbol("p_1") * sympy.Symbol("W_{3,2}")
    slope = explicit(Derivative(Entry("p", (I,)), (Entry("z", (J,)),)), PROBLEM, {"K": 2}, {I: 1, J: 2})
    assert slope == sympy.diff(p1, z2)


def test_a_label_without_a_place_stays_a_symbol() -> None:
    found = explicit(parse_expression("z[y] - delta(2, y)", PROBLEM), PROBLEM, {"K": 2})
    y = sympy.Symbol("y", integer=True)
    z1, z2 = sympy.symbols("z_1 z_2")
    assert found.subs(y, 1) == z1
    assert found.subs(y, 2) == z2 - 1
    placed = explicit(
        parse_expression("z[y] - delta(2, y)", PROBLEM), PROBLEM, {"K": 2}, labels={"y": {(): 1}}
    )
    assert placed == z2 - 1


def test_missing_sizes_and_places_are_named() -> None:
    with pytest.raises(BridgeError, match="the axis K has no size"):
        explicit(parse_expression("sum(k, z[k])", PROBLEM), PROBLEM, {})
    with pytest.raises(BridgeError, match="the index i over K has no place"):
        explicit(Entry("z", (I,)), PROBLEM, {"K": 2})
    with pytest.raises(BridgeError, match="the place 3 is outside the axis K of 2"):
        explicit(parse_expression("z[3]", PROBLEM), PROBLEM, {"K": 2})


@pytest.mark.parametrize("name", names())
def test_explicit_entries_evaluate_as_the_oracle_says(name: str) -> None:
    problem = load(name)
    sizes = {axis: 3 if axis == "K" else 2 for axis in problem.axes}
    rng = np.random.default_rng(11)

    def values(given: Input) -> dict[tuple[int, ...], float]:
        shape = tuple(sizes[axis] for axis in given.axes)
        if given.label_of:
            return {place: sizes[given.label_of] - 1 - sum(place) for place in np.ndindex(shape)}
        return dict(np.ndenumerate(rng.uniform(0.3, 1.3, shape)))

    arrays = {given.name: values(given) for given in problem.inputs}
    labels = {given.name: arrays[given.name] for given in problem.inputs if given.label_of}
    oracle = Oracle(sizes, arrays, problem.definitions)
    expander = Expander(problem, sizes, labels)
    for definition in problem.definitions:
        for place in expander.spots(definition.name):
            written = expander.entry(definition.name, place)
            numbers = {symbol: arrays[array][spot] for symbol, (array, spot) in expander.entries.items()}
            value = float(written.subs(numbers).evalf(20))
            assert value == pytest.approx(oracle.entry(definition.name, place), rel=1e-13)


def test_zero_is_decided_modulo_relations() -> None:
    # g2 = g0 + g1; g3 squared = g2.
    relations = [(2, 1, {((0, 1),): 1, ((1, 1),): 1}), (3, 2, {((2, 1),): 1})]
    square = {((3, 4),): 1, ((0, 2),): -1, ((1, 2),): -1, ((0, 1), (1, 1)): -2}
    assert vanishes(square, relations)
    assert not vanishes({**square, ((0, 1), (1, 1)): -1}, relations)
    assert vanishes({((0, 1), (2, -1)): 1, ((1, 1), (2, -1)): 1, (): -1}, relations)
    assert not vanishes({((3, 1),): 1, ((2, 1),): -1}, relations)
    assert vanishes({}, [])


def test_entries_become_sympy_arrays() -> None:
    a = sympy.Symbol("a")
    assert as_array(a, 0) is a
    assert as_array([a, 1], 1).shape == (2, 1)
    assert as_array([[a, 1, 2]], 2).shape == (1, 3)
    assert as_array([[[a], [1]]], 3).shape == (1, 2, 1)


def test_a_letter_bound_twice_is_two_letters_for_sympy() -> None:
    inner = Sum(I, Entry("a"), Compare("<=", I, Entry("y")))
    back = from_sympy(to_sympy(Product(I, inner)), PROBLEM)
    oracle = Oracle({"K": 3, "N": 2}, {"a": {(): 0.5}, "y": {(): 1}}, PROBLEM.definitions)
    assert oracle.evaluate(back) == pytest.approx(1.0)  # (0.5 + 0.5)^3
