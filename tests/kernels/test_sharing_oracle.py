"""References are worked out by an oracle that shares what a derivative does not touch."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from symderiv.expression.oracle import Oracle
from symderiv.kernels import sharing_oracle
from symderiv.kernels.checker import Checker
from symderiv.kernels.inputs import inputs_of
from symderiv.kernels.meaning import Meaning
from symderiv.kernels.named_parts import named_parts
from symderiv.kernels.reference import chosen
from symderiv.kernels.sharing_oracle import SharingOracle, reaches
from symderiv.kernels.specification import functions_of
from symderiv.notation.reader import read_problem
from tests.kernels.emitted import problem

#: Of each kind: several samples, rows that share a sum, labels, shifts, second derivatives, lines between.
PROBLEMS = (
    "attention_head",
    "batch_norm",
    "causal_attention",
    "convolution",
    "cross_entropy_batch",
    "cross_entropy_label",
    "dpo",
    "embedding",
    "gru_cell",
    "info_nce",
    "layer_norm",
    "matrix_factorisation",
    "rayleigh_quotient",
    "softmax",
    "two_layer_network",
)
CLOSE = Fraction(1, 10**40)


def differences(name: str) -> list[str]:
    """Where the sharing oracle and the oracle itself differ, over a few entries of each result."""
    found = []
    for spec in functions_of(problem(name)):
        meaning = Meaning(problem(name), spec, {})
        trial = Checker(problem(name), spec, {}, {}, {}).trials(False)[1]
        tables = inputs_of(meaning, trial, name)
        sharing = meaning.exact(tables, trial)
        assert isinstance(sharing, SharingOracle)
        plain = Oracle(sharing.sizes, sharing.arrays, spec.meaning_definitions, None, sharing.arithmetic)
        for result in spec.results:
            for place in chosen([trial.sizes[axis] for axis in result.axes], 4):
                value = meaning.reference(result, sharing, place, "none", ())
                at = dict(zip(result.indices, place, strict=True))
                if not abs(value - plain.evaluate(result.meaning, at)) <= CLOSE * (1 + abs(value)):
                    found.append(f"{spec.name} {result.shown} {place}")
    return found


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_values_are_those_of_the_oracle(name: str) -> None:
    assert not differences(name)


def test_what_is_wrongly_taken_to_rest_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_little(definitions: Any) -> Any:
        """As if an entry depended on entries of matrices with its own places only."""
        found = reaches(definitions)
        return {
            name: {
                array: patterns and {each for each in patterns if None not in each}
                for array, patterns in reach.items()
            }
            for name, reach in found.items()
        }

    monkeypatch.setattr(sharing_oracle, "reaches", too_little)
    assert differences("attention_head")


READ = """
index b : B
index i, j, k : N
index w : W
input x[B, N], u[W]
label y[B] : N
s[b, i]    = sum(k, x[b, k]) * x[b, i]
t[b]       = x[b, y[b]]
c[b, i]    = sum(w, u[w] * x[b, i + w - 1])
m[b, i, j] = s[b, j] * s[b, i]
total      = sum(b, t[b])
twice      = 2 * total
"""


def test_what_an_entry_depends_on_is_read_off_the_letters() -> None:
    found = reaches(read_problem(READ, "read").definitions)
    assert found["s"] == {"x": {(0, None), (0, 1)}}
    assert found["t"] == {"x": {(0, None)}, "y": {(0,)}}
    assert found["c"] == {"u": {(None,)}, "x": {(0, None)}}
    assert found["m"]["s"] == {(0, 2), (0, 1)}
    assert found["m"]["x"] == {(0, None), (0, 2), (0, 1)}
    assert found["total"] == {"t": {(None,)}, "x": {(None, None)}, "y": {(None,)}}
    assert found["twice"]["x"] == {(None, None)}


def test_what_does_not_move_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = problem("causal_attention")
    spec = functions_of(made)[1]
    meaning = Meaning(made, spec, {})
    trial = Checker(made, spec, {}, {}, {}).trials(False)[1]
    oracle = meaning.exact(inputs_of(meaning, trial, "once"), trial)
    seen: list[tuple[str, tuple[int, ...]]] = []
    worked_out = Oracle._worked_out

    def counted(self: Oracle, name: str, place: tuple[int, ...]) -> Any:
        seen.append((name, place))
        return worked_out(self, name, place)

    monkeypatch.setattr(Oracle, "_worked_out", counted)
    result = next(each for each in spec.results if each.shown == "dQ")
    for place in ((0, 0, 0), (1, 2, 1)):
        meaning.reference(result, oracle, place, "none", ())
    counts = [seen.count(("S", (0, 1, place))) for place in range(2)]
    assert counts == [1, 1]
    assert seen.count(("S", (0, 0, 0))) == 2  # at rest and with an entry of its row moving


def test_parts_that_are_equal_but_for_their_letters_have_one_name() -> None:
    made = problem("causal_attention")
    definitions = {each.name: each for each in named_parts(made.definitions)}
    bodies = [each.body for each in definitions.values() if each.name.startswith("@")]
    calls = [body for body in bodies if getattr(body, "function", "") == "exp"]
    assert len(calls) == 1
    assert len(set(bodies)) == len(bodies)
