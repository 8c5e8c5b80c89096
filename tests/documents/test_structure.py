"""The structure of a Jacobian, read off its form, against its entries in numbers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from symderiv import catalog
from symderiv.calculus import Derivation, derive_all
from symderiv.documents.picture import part_picture, whole_picture
from symderiv.documents.structure import Structure, structure
from symderiv.documents.zeros import Zeros
from symderiv.expression.nodes import Entry, Expression, Index
from symderiv.expression.oracle import Oracle
from symderiv.notation.reader import parse_expression
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from tests.documents.html import read
from tests.oracles import generic_oracle

#: From a derivative to the kinds of its parts.
KINDS = {
    ("softmax", "d(p[i], z[j])"): "diagonal - rank one",
    ("layer_norm", "d(x_hat[i], x[j])"): "diagonal - rank one - rank one",
    ("relu", "d(y[i], x[j])"): "diagonal",
    ("log_softmax", "d(l[i], z[j])"): "diagonal - rank one",
    ("linear_layer", "d(y[i], W[k, j])"): "blocks",
    ("linear_layer", "d(y[i], x[j])"): "full",
    ("softmax_layer", "d(h[t], W[j, i])"): "blocks - rank one",
    ("convolution", "d(y[i], w[k])"): "Hankel",
    ("convolution", "d(y[i], x[j])"): "Toeplitz",
    ("embedding", "d(o[t, d], E[v, c])"): "chosen",
    ("embedding", "d(L, E[v, d])"): "product",
    ("cross_entropy_batch", "d(L, z[b, k])"): "full - chosen",
    ("info_nce", "d(L, S[i, j])"): "full - diagonal",
    ("ridge_regression", "d(L, w[j], w[k])"): "diagonal + product",
    ("nll_probabilities", "d(L, y[i], y[j])"): "rank one",
    ("causal_attention", "d(S[m, n], Q[k, c])"): "blocks",
}  # fmt: skip


def derivation_of(name: str, start: str) -> Derivation:
    derivations = list(derive_all(catalog.load(name)))
    for each in derivations:
        for found in (each, *each.lemmas):
            if to_text(found.start) == start:
                return found
    raise AssertionError([to_text(each.start) for each in derivations])


def oracle_for(problem: Problem, sizes: dict[str, int]) -> Oracle:
    """Generic values, but with the labels that the structure takes as its example."""
    oracle = generic_oracle(problem, sizes)
    zeros = Zeros(problem, sizes)
    arrays = dict(oracle.arrays)
    for each in problem.inputs:
        if each.label_of is not None:
            letters = [Index(f"l{place}", axis) for place, axis in enumerate(each.axes)]
            spots = product(*(range(sizes[axis]) for axis in each.axes))
            entry = Entry(each.name, tuple(letters))
            arrays[each.name] = {
                spot: zeros._place(entry, {k: s + 1 for k, s in zip(letters, spot, strict=True)}) - 1
                for spot in spots
            }
    return Oracle(sizes, arrays, problem.definitions, oracle.upstream, oracle.arithmetic)


def matrix(found: Structure, oracle: Oracle, node: Expression) -> np.ndarray:
    letters = (*found.rows, *found.columns)
    table = oracle.table(node, letters)
    shape = [oracle.sizes[each.axis] for each in letters]
    values = np.zeros(shape)
    for place, value in table.items():
        values[place] = float(value)
    return values.reshape(int(np.prod(shape[: len(found.rows)])), -1)


@pytest.mark.parametrize(("name", "start"), KINDS, ids=str)
def test_the_parts_are_what_they_are_said_to_be(name: str, start: str) -> None:
    derivation = derivation_of(name, start)
    found = structure(derivation)
    assert found is not None
    said = "".join(f"{' - ' if part.negative else ' + '}{part.kind}" for part in found.parts)
    assert said.removeprefix(" + ") == KINDS[name, start]
    sizes = found.sizes()
    oracle = oracle_for(derivation.problem, sizes)
    total = 0.0
    for part in found.parts:
        values = matrix(found, oracle, part.expression)
        total = total + (-values if part.negative else values)
        support = np.array(found.support(part, sizes))
        assert ((values != 0) == support).all(), part
        rank = np.linalg.matrix_rank(values)
        match part.kind:
            case "rank one":
                assert rank == 1
                alike = np.ptp(values, axis=0).max() < 1e-12, np.ptp(values, axis=1).max() < 1e-12
                assert alike == (not part.by_row, not part.by_column)
            case "diagonal":
                assert (support == np.eye(*support.shape, dtype=bool)).all()
            case "product":
                few = {**sizes, part.through: 2}
                assert (
                    np.linalg.matrix_rank(matrix(found, oracle_for(derivation.problem, few), part.expression))
                    <= 2
                )
            case "Toeplitz":
                assert np.allclose(values[1:, 1:], values[:-1, :-1])
            case "Hankel":
                assert np.allclose(values[1:, :-1], values[:-1, 1:])
            case "chosen":
                assert (support.sum(axis=1) == 1).all()
            case "blocks":
                assert support.sum() < support.size / 2
    assert np.allclose(total, matrix(found, oracle, derivation.form), rtol=1e-9)


def test_zeros_of_bounds_and_conditions() -> None:
    problem = catalog.load("convolution")
    zeros = Zeros(problem, {"N": 4, "K": 2})
    i, j = Index("i", "N"), Index("j", "N")
    every = set(product(range(1, 5), repeat=2))
    for text, vanishing in {
        "w[j - i]": {(a, b) for a, b in every if not 1 <= b - a <= 2},
        "sum(k, w[k] * x[i + k])": {(a, b) for a, b in every if a == 4},
        "where(i <= j, x[i], 0)": {(a, b) for a, b in every if a > b},
        "x[i] * delta(i, j) + x[j] * delta(i, j)": {(a, b) for a, b in every if a != b},
        "x[i] * delta(i, j) + x[j]": set(),
        "x[i]^2 * delta(i, j)^2": {(a, b) for a, b in every if a != b},
        "exp(delta(i, j))": set(),
        "where(x[i] > 0, x[j], 0)": set(),
        "where(x[i] > 0, delta(i, j), 0)": {(a, b) for a, b in every if a != b},
        "sum(k, where(i == j, w[k], 0))": {(a, b) for a, b in every if a != b},
    }.items():
        node = parse_expression(text, problem)
        assert {place for place in every if zeros.vanishes(node, {i: place[0], j: place[1]})} == vanishing, (
            text
        )


def test_pictures_draw_each_entry_once() -> None:
    found = structure(derivation_of("softmax", "d(p[i], z[j])"))
    assert found is not None
    sizes = found.sizes()
    diagonal, ones = found.parts
    drawn = read(part_picture(found, diagonal, sizes)).find("path", class_="diagonal")[0].attributes["d"]
    assert drawn.count("M") == sizes["K"]
    bars = read(part_picture(found, ones, sizes))
    assert bars.find("path", class_="rank-one")[0].attributes["d"].count("M") == sizes["K"]
    assert bars.find("path", class_="vector")
    whole = read(whole_picture(found, sizes, 'a "label" <b>')).find("svg")[0]
    assert whole.attributes["aria-label"] == 'a "label" <b>'
    assert [each.attributes["class"] for each in whole.find("path")] == ["rank-one", "diagonal", "grid"]
