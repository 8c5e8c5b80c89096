"""What ``import symderiv as sd`` offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import symderiv as sd
from symderiv.expression.nodes import Delta, Entry, Index, Multiply
from symderiv.notation.errors import NotationError
from symderiv.problem import Problem
from tests.documents.html import read


def test_a_derivative_by_name() -> None:
    result = sd.derive("softmax", wrt="z")
    assert repr(result) == "<d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])>"
    assert result.form_latex == r"p_i \left(\delta_{ij} - p_j\right)"
    assert result.latex().count(r"\begin{align*}") == 1
    assert result.text() == str(result)
    assert "$$" in result.markdown()
    assert result.document().startswith(r"\documentclass")
    assert [case.equal for case in result.cases] == [True, False]
    assert result.steps[0].before == result.derivation.start
    assert result._repr_latex_() == (
        r"$\displaystyle \frac{\partial p_i}{\partial z_j} = p_i \left(\delta_{ij} - p_j\right)$"
    )


def test_results_show_themselves_in_notebooks() -> None:
    result = sd.derive("softmax", wrt="z")
    shown = read(result._repr_html_())
    assert shown.find("math")[0].text == "∂pi∂zj=pi(δij−pj)"
    assert "quotient rule ✓" in shown.find("details")[0].text
    assert read(result.html("brief")).find("h1")[0].text == "Softmax"
    passed = sd.backward("softmax_layer_cross_entropy")
    lines = [each.text for each in read(passed._repr_html_()).find("math")]
    assert "zk=hk−tk" in [line.replace("∂L∂zk=", "").replace("‾", "") for line in lines]
    assert passed._repr_latex_().startswith("$$\n\\begin{aligned}\n")
    assert r"\bar{z}_k" in passed._repr_latex_()


def test_letters_of_ones_own() -> None:
    assert repr(sd.derive("softmax", of="p[k]", wrt="z[i]")) == (
        "<d(p[k], z[i]) = p[k] * (delta(k, i) - p[i])>"
    )


def test_the_condition_of_a_form_is_shown() -> None:
    result = sd.derive("cross_entropy", wrt="z")
    assert result.assumptions == ("sum(k, t[k]) == 1",)
    assert result._repr_latex_().endswith(r"\qquad \text{if } \sum_{k} t_k = 1$")


def test_a_second_derivative_and_products() -> None:
    assert sd.derive("cross_entropy", wrt=["z", "z"]).form_text == "p[i] * (delta(i, j) - p[j])"
    assert sd.vjp("softmax", "z").form_text == "p[j] * (g[j] - sum(i, g[i] * p[i]))"
    assert sd.jvp("softmax", "z").form_text == "p[i] * (v[i] - sum(j, v[j] * p[j]))"
    assert "v[" in sd.hvp("cross_entropy", "z").form_text


def test_sizes_bring_the_explicit_entries() -> None:
    result = sd.derive("softmax", wrt="z", sizes={"K": 2})
    assert result.explicit is not None
    assert result.explicit.agrees
    assert result.to_dict()["explicit"]["shape"] == [2, 2]


def test_sympy_with_and_without_indices() -> None:
    import sympy

    result = sd.derive("softmax", wrt="z")
    assert result.to_sympy().has(sympy.KroneckerDelta)
    matrix = result.to_sympy({"K": 2})
    values = {symbol: place + 1 for place, symbol in enumerate(sorted(matrix.free_symbols, key=str))}
    first, second = sympy.exp(1), sympy.exp(2)
    expected = first * second / (first + second) ** 2
    assert sympy.simplify(matrix.subs(values)[0, 0] - expected) == 0
    assert sympy.simplify(matrix.subs(values)[0, 1] + expected) == 0


def test_parse_reads_a_problem_and_an_expression() -> None:
    problem = sd.parse("index i, j : K\ninput x[K]\ny[i] = x[i]^2\n", name="square")
    assert isinstance(problem, Problem)
    assert sd.derive(problem, wrt="x").form_text == "2 * x[i] * delta(i, j)"
    i, j = Index("i", "K"), Index("j", "K")
    assert sd.parse("x[i] * delta(i, j)", problem) == Multiply((Entry("x", (i,)), Delta(i, j)))
    with pytest.raises(NotationError, match=r"\^"):
        sd.parse("x[i] * ", problem)


def test_a_wrong_name_is_one_sentence_with_a_near_one() -> None:
    with pytest.raises(sd.RequestError, match="found 'zz'; did you mean z"):
        sd.derive("softmax", wrt="zz")
    with pytest.raises(sd.RequestError, match="expected a name to differentiate p by"):
        sd.derive("softmax", wrt=[])


def test_the_names_of_the_catalogue() -> None:
    assert "softmax" in sd.names()
    assert sd.load("softmax").title == "Softmax"


def test_import_is_light() -> None:
    program = (
        "import sys, symderiv; heavy = ('sympy', 'numpy', 'jinja2', 'lark', 'symderiv.api'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match="no attribute 'differentiate'"):
        _ = sd.differentiate


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"problem": "softmax", "wrt": "z", "of": "z"}, "expected another name than z"),
        ({"problem": "softmax", "wrt": "p"}, "expected another name than p"),
        ({"problem": "cross_entropy_label", "wrt": "y"}, "found the label y"),
    ],
)
def test_what_cannot_be_differentiated_by(arguments: dict[str, str], sentence: str) -> None:
    with pytest.raises(sd.RequestError, match=sentence):
        sd.derive(**arguments)


def test_prove_and_explain_show_themselves() -> None:
    proof = sd.prove("d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])", "softmax")
    assert proof
    assert (proof.verdict, proof.method, proof.condition, proof.counterexample) == (
        "proved", "normal form", None, None,
    )  # fmt: skip
    assert str(proof).startswith("proved: d(p[i], z[j]) = ")
    assert repr(proof) == "<proved: d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])>"
    assert r"\frac{\partial p_i}{\partial z_j} &= " in proof._repr_latex_()
    refuted = sd.prove(r"\sum_k a_k^2 = \left(\sum_k a_k\right)^2")
    assert not refuted
    assert refuted.counterexample["values"] == {"a": ["1", "2"]}
    explained = sd.explain("p[i] * t[i]", "softmax", inputs="t[K]")
    assert [each.name for each in explained.names] == ["p", "z", "t"]
    assert str(explained).startswith("value       p[i] * t[i]\n")
    assert "p_i t_i" in explained._repr_latex_()
    with pytest.raises(sd.RequestError, match="expected an equation to prove"):
        sd.prove("p[i]", "softmax")


def test_parse_reads_latex_too() -> None:
    problem = sd.parse(r"L = -\sum_k t_k \log p_k \\ p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}", name="loss")
    assert (problem.name, problem.output()) == ("loss", "L")
    assert sd.derive(problem, wrt="z_j").form_text == "p[j] * sum(k, t[k]) - t[j]"
    assert sd.parse(r"p_i t_i", problem, latex=True) == sd.parse("p[i] * t[i]", problem)
    assert sd.parse("y = x^2").inputs[0].name == "x"
    with pytest.raises(NotationError, match="is not declared"):
        sd.parse("input x\ny = z^2")


def test_from_sympy_makes_a_problem() -> None:
    import sympy as sp

    z, t, p = (sp.IndexedBase(name) for name in "ztp")
    i, k = sp.symbols("i k", integer=True)
    size, temperature = sp.Symbol("K", integer=True, positive=True), sp.Symbol("T")
    softmax = sp.exp(z[i] / temperature) / sp.Sum(sp.exp(z[k] / temperature), (k, 1, size))
    problem = sd.from_sympy(softmax)
    assert [(given.name, given.axes) for given in problem.inputs] == [("z", ("K",)), ("T", ())]
    assert sd.derive(problem, wrt="z[j]").form_text == "f[i] * (delta(i, j) - f[j]) / T"
    loss = sp.Eq(sp.Symbol("L"), -sp.Sum(t[k] * sp.log(p[k]), (k, 0, size - 1)))
    problem = sd.from_sympy([loss, sp.Eq(p[i], softmax.subs(temperature, 1))], name="loss")
    assert sd.derive(problem, wrt="z[j]").form_text == "p[j] * sum(k, t[k]) - t[j]"
    assert "def loss_gradient_z" not in sd.emit(problem)
    assert sd.from_sympy(p[i] * sp.KroneckerDelta(i, k), problem) == sd.parse("p[i] * delta(i, k)", problem)


def test_what_sympy_says_and_the_notation_does_not() -> None:
    import sympy as sp

    from symderiv.notation.sympy_bridge import BridgeError

    z, w = sp.IndexedBase("z"), sp.IndexedBase("W")
    k, n = sp.symbols("k n", integer=True)
    for expression, sentence in (
        (sp.Sum(z[k], (k, 1, 3)), "a sum over a whole axis, found 1 to 3"),
        (sp.Eq(z[k + 1], 1), "index letters on the left"),
        (3, "expected an expression or an equation, found 3"),
        (z[k] + w[k, n] * z[k, n], "indices on z"),
        ([sp.Eq(z[k], 1), sp.Eq(z[n], 2)], "defined once"),
    ):
        with pytest.raises(BridgeError, match=sentence):
            sd.from_sympy(expression)


def test_a_result_can_be_pickled() -> None:
    import pickle

    import numpy as np

    result = sd.derive("cross_entropy", wrt="z", sizes={"K": 2})
    again = pickle.loads(pickle.dumps(result))
    assert again == result
    assert again.text() == result.text()
    arrays = {"z": np.array([0.0, 1.0]), "t": np.array([0.25, 0.75])}
    assert np.array_equal(again.explicit.values(arrays), result.explicit.values(arrays))


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"sizes": 3}, TypeError, "sizes: expected a mapping such as {'K': 3}, found 3"),
        ({"sizes": {"K": 2.5}}, TypeError, "sizes: expected a whole number for K, found 2.5"),
        ({"sizes": {"N": 2}}, sd.RequestError, r"sizes: expected an axis of softmax \(K\), found 'N'"),
        ({"wrt": 3}, TypeError, "wrt: expected a name such as 'z', or several, found 3"),
        ({"wrt": ["z", 1]}, TypeError, "wrt: expected a name"),
        ({"of": 3}, TypeError, "of: expected a name such as 'p', found 3"),
        ({"problem": 3}, TypeError, "expected a Problem, a name of the catalogue or a path, found 3"),
    ],
)
def test_wrong_types_get_a_sentence(arguments: dict, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        sd.derive(**{"problem": "softmax", "wrt": "z", **arguments})


def test_letters_of_ones_own_do_not_meet_those_that_are_chosen() -> None:
    assert sd.derive("softmax", wrt="z[i]").form_text != "p[i] * (1 - p[i])"


SOFTMAX = "p[i] = exp(z[i]) / sum(k, exp(z[k]))"


@pytest.mark.parametrize("let", [SOFTMAX, r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}"])
def test_an_undefined_number_that_is_differentiated_is_any_function(let: str) -> None:
    right = "d(L, z[j]) = sum(i, d(L, p[i]) * p[i] * (delta(i, j) - p[j]))"
    assert sd.prove(right, let=let).verdict == "proved"
    wrong = sd.prove(right.replace("- p[j]", "- p[i]"), let=let)
    assert wrong.verdict == "refuted"
    assert "d(L, p)" in wrong.counterexample["values"]
    latex = (
        r"\frac{\partial L}{\partial z_j} = \sum_i \frac{\partial L}{\partial p_i} p_i (\delta_{ij} - p_i)"
    )
    assert sd.prove(latex, let=let).verdict == sd.prove(latex, "softmax").verdict == "refuted"


@pytest.mark.parametrize(
    "formula",
    [
        "d(t[i], z[j]) = 0",
        "d(L, z[j]) = 2 * d(L, t[j])",
        "g[i, j] = d(t[i], z[j]); z[j] * g[i, j] = 2 * g[i, j]",
        r"\frac{\partial t_i}{\partial z_j} = 5 \frac{\partial t_i}{\partial z_j}",
    ],
)
def test_a_derivative_of_what_nothing_is_known_of_proves_nothing(formula: str) -> None:
    with pytest.raises(sd.RequestError, match="nothing that is written makes"):
        sd.prove(formula)
    assert sd.prove(formula, inputs="L, t[K], z[K]").verdict == "proved"  # said to be given, these are zero


def test_a_picture_of_a_derivative() -> None:
    picture = sd.derive("softmax", wrt="z").picture(z=[0.0, 0.0])
    assert picture.words == "(diagonal) − (rank one)"
    assert picture.values == [[0.25, -0.25], [-0.25, 0.25]]
    assert str(picture).splitlines()[1].split() == ["0.25", "-0.25"]
    assert len(read(picture._repr_html_()).find("rect")) >= 4  # a cell for each entry
    label = sd.derive("cross_entropy_label", wrt="z").picture(z=[0.0, 0.0], y=1)  # places count from 0
    assert label.values == [0.5, -0.5]
    with pytest.raises(sd.RequestError, match=r"an input of softmax \(z\), found 'q'"):
        sd.derive("softmax", wrt="z").picture(q=[1])
    with pytest.raises(sd.RequestError, match="expected 1 axes of z, found 2"):
        sd.derive("softmax", wrt="z").picture(z=[[1.0]])
    with pytest.raises(sd.RequestError, match="expected numbers for z"):
        sd.derive("softmax", wrt="z").picture(z=["a"])


def test_an_emitted_module_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    from symderiv.kernels import emit

    problem = sd.parse("L = sum(k, x[k]^2)", name="square")
    assert sd.verify(problem)
    right = emit.emit
    monkeypatch.setattr(emit, "emit", lambda *given: right(*given).replace("2 *", "3 *"))
    wrong = sd.verify(problem)
    assert not wrong
    assert "failed" in repr(wrong)
    assert "WRONG" in str(wrong)
    assert "refuted" in read(wrong._repr_html_()).text
