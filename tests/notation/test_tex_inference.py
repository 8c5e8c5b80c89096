"""Formulas without declarations: what their names stand for is found from use, or refused."""

from __future__ import annotations

import pytest

from symderiv.calculus import Engine
from symderiv.expression.canonical import same
from symderiv.expression.nodes import Derivative, Entry, Index
from symderiv.notation.errors import NotationError
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.tex import problem_from_latex, read_equations
from symderiv.notation.text import definition_to_text, to_text

SOFTMAX = r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}"
#: LaTeX, its inputs with their axes, and its definitions in text.
FOUND: dict[str, tuple[list[str], list[str]]] = {
    SOFTMAX: (["z[K]"], ["p[i] = exp(z[i]) / sum(k, exp(z[k]))"]),
    r"p_i = \frac{e^{z_i}}{\sum_{k=1}^{C} e^{z_k}}": (["z[C]"], ["p[i] = exp(z[i]) / sum(k, exp(z[k]))"]),
    r"\mu = \frac{1}{K} \sum_{k=1}^K x_k": (["x[K]"], ["mu = sum(k, x[k]) / K"]),
    SOFTMAX + r" \\ L = -\log p_y": (
        ["z[K]", "y : K"],
        ["p[i] = exp(z[i]) / sum(k, exp(z[k]))", "L = -log(p[y])"],
    ),
    SOFTMAX + r", \quad L = -\sum_i t_i \log p_i": (
        ["z[K]", "t[K]"],
        ["p[i] = exp(z[i]) / sum(k, exp(z[k]))", "L = -sum(i, t[i] * log(p[i]))"],
    ),
    r"f = \sum_j b_j \mathbf{1}\{i \leq j\}": (
        ["b[K]", "i : K"],
        ["f = sum(j, b[j] * where(i <= j, 1, 0))"],
    ),
    r"y_i = x_i [i < m] + I(c > 0)": (
        ["x[K]", "m : K", "c"],
        ["y[i] = x[i] * where(i < m, 1, 0) + step(c)"],
    ),
    r"z_k = \sum_j W_{jk} x_j + b_k": (["W[N, K]", "x[N]", "b[K]"], ["z[k] = sum(j, W[j, k] * x[j]) + b[k]"]),
    r"e_{ij} = (r_{ij} - \sum_{k=1}^K u_{ik} v_{jk})^2": (
        ["r[N, M]", "u[N, K]", "v[M, K]"],
        ["e[i, j] = (r[i, j] - sum(k, u[i, k] * v[j, k]))^2"],
    ),
    r"P_{ij} = \frac{e^{S_{ij}}}{\sum_k e^{S_{ik}}} \\ O_{ik} = \sum_j P_{ij} V_{jk}": (
        ["S[K, N]", "V[N, M]"],
        ["P[i, j] = exp(S[i, j]) / sum(k, exp(S[i, k]))", "O[i, k] = sum(j, P[i, j] * V[j, k])"],
    ),
    r"p_t = \frac{1}{1 + e^{-yx}} \\ FL = -(1-p_t)^\gamma \log(p_t)": (
        ["y", "x", "gam"],
        ["p_t = 1 / (1 + exp(-y * x))", "FL = -(1 - p_t)^gam * log(p_t)"],
    ),
    r"std = \sqrt{v + \epsilon}": (["v", "epsilon"], ["std = sqrt(v + epsilon)"]),
    r"f(x) = x \sigma(x)": (["x"], ["f = x * sigmoid(x)"]),
    r"\mathrm{rms} = \sqrt{\frac{1}{N}\sum_k x_k^2} \\ \hat{x}_i = x_i / \mathrm{rms}": (
        ["x[N]"],
        ["rms = sqrt(sum(k, x[k]^2) / N)", "x_hat[i] = x[i] / rms"],
    ),
    r"\sigma(x) = \frac{1}{1 + e^{-x}}": (["x"], ["sigma = 1 / (1 + exp(-x))"]),
    r"y_i = \log \operatorname{softmax}(x)_i": (["x[K]"], ["y[i] = log(exp(x[i]) / sum(k, exp(x[k])))"]),
    r"p(a) = \frac{e^{w_a}}{\sum_b e^{w_b}}": (["w[K]"], ["p[a] = exp(w[a]) / sum(b, exp(w[b]))"]),
}


@pytest.mark.parametrize("latex", FOUND)
def test_what_is_found(latex: str) -> None:
    problem = problem_from_latex(latex)
    inputs = [
        f"{given.name} : {given.label_of}"
        if given.label_of
        else given.name + (f"[{', '.join(given.axes)}]" if given.axes else "")
        for given in problem.inputs
    ]
    definitions = [definition_to_text(each) for each in problem.definitions]
    assert (inputs, definitions) == FOUND[latex]


def test_the_softmax_jacobian_from_one_line_of_latex() -> None:
    problem = problem_from_latex(SOFTMAX)
    engine = Engine(problem)
    derivation = engine.derive(*engine.generic("p", ("z",)))
    letters = derivation.result
    expected = [
        parse_expression(f"p[{one}] * (delta({one}, {other}) - p[{other}])", problem)
        for one, other in (("i", "k"), ("i", "j"), ("k", "i"))
    ]
    assert any(same(letters, each) for each in expected), to_text(letters)


def test_letters_are_declared() -> None:
    problem = problem_from_latex(SOFTMAX)
    assert set(problem.letters) == {Index("i", "K"), Index("k", "K")}


def test_claims_are_read_with_the_definitions() -> None:
    latex = (
        SOFTMAX + r" \\ \frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j) = p_j (\delta_{ij} - p_i)"
    )
    problem, chains = read_equations(latex)
    assert [to_text(side) for side in chains[1].sides] == [
        "d(p[i], z[j])",
        "p[i] * (delta(i, j) - p[j])",
        "p[j] * (delta(i, j) - p[i])",
    ]
    assert len(problem.definitions) == 1


def test_a_derivative_on_the_left_is_asked_for() -> None:
    problem = problem_from_latex(SOFTMAX + r" \\ \frac{\partial p_i}{\partial z_j} = 1")
    (expectation,) = problem.expectations
    i, j = Index("i", "K"), Index("j", "K")
    assert expectation.derivative == Derivative(Entry("p", (i,)), (Entry("z", (j,)),))
    assert expectation.form is None


def test_primes_of_a_function() -> None:
    problem, chains = read_equations(r"f(x) = \frac{1}{1+e^{-x}} \\ f'(x) = f(x)(1 - f(x)) \\ f' = f - f^2")
    assert [given.name for given in problem.inputs] == ["x"]
    assert [to_text(chain.sides[0]) for chain in chains] == ["f", "d(f, x)", "d(f, x)"]
    assert to_text(chains[1].sides[1]) == "f * (1 - f)"


def test_declared_names_win_over_inference() -> None:
    declared = read_problem("index i, j : D\ninput x[D], p_t\nr = sum(i, x[i]^2)", "declared")
    problem, chains = read_equations(r"y_i = \frac{w_i x_i}{r} + p_t", declared)
    assert [(given.name, given.axes) for given in problem.inputs] == [
        ("x", ("D",)),
        ("p_t", ()),
        ("w", ("D",)),
    ]
    assert [definition_to_text(each) for each in problem.definitions][1] == "y[i] = w[i] * x[i] / r + p_t"
    assert to_text(chains[0].sides[1]) == "w[i] * x[i] / r + p_t"


def test_without_inference_unknown_names_are_errors() -> None:
    declared = read_problem("index i : D\ninput x[D]\nr = 1", "declared")
    with pytest.raises(NotationError, match="w"):
        read_equations("r = w_i x_i", declared, infer=False)


REFUSED = [
    (r"f_i = ‸X_{i,:} + X_{:,i}^T", "this has 1 more axes than f has on the left"),
    (r"‸s + r", "nothing is defined here"),
    (r"‸a = a + 1", "nothing is defined here"),
    (r"a = b \\ ‸b + 1 = c", "expected a definition"),
    (r"f(x) = x^2 \\ g = ‸f(x, y)", "f is defined as f(x): it takes as many arguments"),
    (r"f(x) = x^2 \\ g_i = f'(‸2z_i)", "f' is understood at a name only"),
    (r"f(x)_i = x_i / \sum_k x_k \\ g_i = ‸f(z_k)_i", "k is summed inside f: use another letter here"),
    (r"f(x) = g(x) \\ g(x) = ‸f(2x)", "defined by itself"),
    (r"y = \sum_{k=1}^{K} x_k + \sum_{k=1}^{‸N} x_k", "K"),
    (r"y = \sum_k x_k ‸x_{kk}", "indices elsewhere"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "sentence"), REFUSED, ids=[case[0].replace("‸", "") for case in REFUSED])
def test_what_is_refused(marked: str, sentence: str) -> None:
    before, after = marked.split("‸")
    with pytest.raises(NotationError) as caught:
        problem_from_latex(before + after)
    assert sentence in caught.value.message
    assert caught.value.column == len(before) + 1
