"""What ``import symderiv as sd`` offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import symderiv as sd
from symderiv.expression.nodes import Delta, Entry, Index, Multiply
from symderiv.notation.errors import NotationError
from symderiv.problem import Problem


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
