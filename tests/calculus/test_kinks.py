"""Kinks: each that a derivation meets is told, and the form has the value there that is told."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symderiv import catalog
from symderiv.calculus import Contraction, Derivation, Engine, derive_all
from symderiv.calculus.kinks import sentences
from symderiv.documents.data import derivation_data
from symderiv.documents.latex import derivation_latex
from symderiv.documents.markdown import derivation_markdown
from symderiv.documents.plain import derivation_text
from symderiv.expression.nodes import Derivative, Entry
from symderiv.kernels.emit import emit
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from tests.oracles import ARITHMETIC, differences, generic_oracle

PROBLEM = read_problem(
    """
index i, j, k : K
input x[K], t[K], c
a[i] = abs(x[i] - c)
b[i] = where(x[i] > t[i], x[i]^2, c * x[i])
m[i] = max(x[i], c)
n[i] = min(c, x[i])
l = max(k, x[k] * t[k])
s = sum(k, relu(a[k]))
w[i] = where(t[i] > 0, x[i], 2 * x[i])
u[i] = a[i] * x[i]
q[i] = step(x[i]) * x[i]
""",
    "kinks",
)

TOLD = [
    ("d(a[i], x[j])", ["x[i] - c == 0; there the form takes the value 0."]),
    ("d(b[i], x[j])", ["x[i] == t[i]; there the form takes the value c * delta(i, j)."]),
    ("d(b[i], t[j])", ["x[i] == t[i]; there the form takes the value 0."]),
    ("d(m[i], x[j])", ["x[i] == c; there the form takes the value delta(i, j)."]),
    ("d(m[i], c)", ["x[i] == c; there the form takes the value 0."]),
    ("d(n[i], x[j])", ["c == x[i]; there the form takes the value 0."]),
    ("d(l, x[j])", ["ties for the largest x[k] * t[k] over k; there each of them counts."]),
    (
        "d(s, x[j])",
        [
            "a[j] == 0; there the form takes the value 0.",
            "x[j] - c == 0; there the form takes the value 0.",
        ],
    ),
    ("d(w[i], x[j])", []),
    ("d(u[i], x[j])", ["x[i] - c == 0; there the form takes the value a[i] * delta(i, j)."]),
    ("d(q[i], x[j])", ["x[i] == 0; there the form takes the value 0."]),
]


def derive(problem: Problem, text: str) -> Derivation:
    wanted = parse_expression(text, problem)
    assert isinstance(wanted, Derivative)
    assert isinstance(wanted.of, Entry)
    return Engine(problem).derive(wanted.of, wanted.by)


@pytest.mark.parametrize(("derivative", "told"), TOLD)
def test_what_is_told(derivative: str, told: list[str]) -> None:
    found = [each.removeprefix("This holds away from ") for each in sentences(derive(PROBLEM, derivative))]
    assert found == told


@pytest.mark.parametrize("name", catalog.names())
def test_smooth_problems_have_no_kinks_and_the_others_tell_theirs(name: str) -> None:
    wanted = {"relu", "leaky_relu", "elu", "srelu", "huber", "multiclass_hinge", "triplet"}
    found = any(derivation.kinks for derivation in derive_all(catalog.load(name)))
    if name in wanted or not found:
        assert found == (name in wanted)
        return
    source = catalog.text_of(name)
    assert any(word in source for word in ("where(", "max(", "relu(", "abs(", "min("))


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "srelu", "huber", "triplet"])
def test_the_form_has_the_value_that_is_told(name: str) -> None:
    """By the oracle, at inputs that lie on the kink exactly."""
    judged = 0
    problem = catalog.load(name)
    for derivation in derive_all(problem):
        for kink in derivation.kinks:
            if (
                kink.value is None
                or not isinstance(kink.left, Entry)
                or problem.input(kink.left.array) is None
            ):
                continue
            oracle = generic_oracle(problem, {"K": 3})
            for place in oracle.arrays[kink.left.array]:
                right = oracle.evaluate(kink.right, dict.fromkeys(derivation_letters(derivation), place[0]))
                oracle.arrays[kink.left.array][place] = right
            assert not differences(oracle, derivation.form, kink.value)
            judged += 1
    assert judged or name in ("huber", "triplet")  # there it is a named intermediate that meets the kink


def derivation_letters(derivation: Derivation) -> list[object]:
    assert isinstance(derivation.start, Derivative)
    letters = [*derivation.start.of.indices]  # type: ignore[union-attr]
    return [*letters, *(term for entry in derivation.start.by for term in entry.indices)]


def test_a_hinge_at_its_kink_counts_nothing() -> None:
    problem = catalog.load("triplet")
    oracle = generic_oracle(problem, {"K": 2})
    for name in ("a", "p", "n", "m"):
        oracle.arrays[name] = dict.fromkeys(oracle.arrays[name], ARITHMETIC.from_fraction(Fraction(0)))
    for derivation in derive_all(problem):
        (kink,) = derivation.kinks
        assert to_text(kink.left) == "h"
        assert not differences(oracle, derivation.form, parse_expression("0", problem))


def test_where_it_is_summed_over_the_convention_is_told() -> None:
    (derivation,) = derive_all(catalog.load("multiclass_hinge"))
    assert sentences(derivation) == ["This holds away from m[k] == 0; there step(m[k]) == 0."]


def test_every_document_tells_it() -> None:
    problem = catalog.load("leaky_relu")
    derivation = derive_all(problem)[0]
    told = "This holds away from x[i] == 0; there the form takes the value a * delta(i, j)."
    latex = r"This holds away from $x_i = 0$; there the form takes the value $a \delta_{ij}$."
    assert told in derivation_text(derivation)
    assert derivation_data(derivation)["notes"] == [told]
    assert latex in derivation_latex(derivation)
    assert latex in derivation_markdown(derivation)
    assert told in emit(problem, "numpy")


def test_a_product_tells_it_too() -> None:
    engine = Engine(catalog.load("relu"))
    of, (by,) = engine.generic("y", ("x",))
    derivation = engine.contract(Contraction("vjp", of, by))
    assert sentences(derivation) == ["This holds away from x[j] == 0; there the form takes the value 0."]
