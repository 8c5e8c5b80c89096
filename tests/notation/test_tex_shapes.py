r"""The shapes of undeclared names in matrix notation, found from the signs around them, and told."""

from __future__ import annotations

import pytest

from symderiv.calculus import Engine
from symderiv.notation.errors import NotationError
from symderiv.notation.reader import parse_expression
from symderiv.notation.tex import problem_from_latex, read_equations
from symderiv.notation.text import definition_to_text, to_text
from symderiv.proof import prove

#: LaTeX; the inputs with their axes; the definitions in text; all sides of the other equations.
READ: dict[str, tuple[list[str], list[str], list[list[str]]]] = {
    r"y = W^T x + b": (["W[K, N]", "x[K]", "b[N]"], ["y[k] = sum(l, W[l, k] * x[l]) + b[k]"], []),
    r"\mathbf{y} = \mathbf{W}\mathbf{x} + \mathbf{b}": (
        ["W[K, N]", "x[N]", "b[K]"],
        ["y[k] = sum(l, W[k, l] * x[l]) + b[k]"],
        [],
    ),
    r"z = W^T x \\ a = \tanh(z) \\ L = \|a - y\|^2": (
        ["W[K, N]", "x[K]", "y[N]"],
        ["z[k] = sum(l, W[l, k] * x[l])", "a[k] = tanh(z[k])", "L = sum(k, (a[k] - y[k])^2)"],
        [],
    ),
    r"L = \|Y - XW\|_F^2 \\ \nabla_W L = 2 X^T (XW - Y)": (
        ["Y[K, N]", "X[K, M]", "W[M, N]"],
        ["L = sum(k, l, (Y[k, l] - sum(m, X[k, m] * W[m, l]))^2)"],
        [["d(L, W[k, l])", "sum(m, 2 * X[m, k] * (sum(n, X[m, n] * W[n, l]) - Y[m, l]))"]],
    ),
    r"f = x^T A x \\ \frac{\partial f}{\partial x} = (A + A^T) x": (
        ["x[K]", "A[K, K]"],
        ["f = sum(k, l, x[k] * A[k, l] * x[l])"],
        [["d(f, x[k])", "sum(l, (A[k, l] + A[l, k]) * x[l])"]],
    ),
    r"p = \operatorname{softmax}(z) \\ \frac{\partial p}{\partial z} = \operatorname{diag}(p) - p p^T": (
        ["z[K]"],
        ["p[k] = exp(z[k]) / sum(l, exp(z[l]))"],
        [["d(p[k], z[l])", "p[k] * delta(k, l) - p[k] * p[l]"]],
    ),
    r"v = (X^T X + \lambda I) w": (
        ["X[K, N]", "lambda", "w[N]"],
        ["v[k] = sum(l, (sum(m, X[m, k] * X[m, l]) + lambda * delta(k, l)) * w[l])"],
        [],
    ),
    r"f = \operatorname{tr}(A^T B)": (["A[K, N]", "B[K, N]"], ["f = sum(k, l, A[l, k] * B[l, k])"], []),
    r"s_{ij} = w_j^T x_i": (["w[N, M]", "x[K, M]"], ["s[i, j] = sum(k, w[j, k] * x[i, k])"], []),
    r"L = \sum_i (y_i - w^T x_i)^2": (
        ["y[N]", "w[K]", "x[N, K]"],
        ["L = sum(i, (y[i] - sum(k, w[k] * x[i, k]))^2)"],
        [],
    ),
    r"m = \mathbf 1^T x \\ z = x - \frac 1 n \mathbf 1 \mathbf 1^T x": (
        ["x[K]", "n"],
        ["m = sum(k, x[k])", "z[k] = x[k] - sum(l, x[l]) / n"],
        [],
    ),
    r"L = \langle u, v \rangle + \beta": (["u[K]", "v[K]", "beta"], ["L = sum(k, u[k] * v[k]) + beta"], []),
    r"v = (X^T X + s I)^{-1} X^T y": (
        ["X[K, N]", "s", "y[K]"],
        [
            "M_1[k, l] = sum(m, X[m, k] * X[m, l]) + s * delta(k, l)",
            "v[k] = sum(l, m, inv(M_1)[k, l] * X[m, l] * y[m])",
        ],
        [],
    ),
    r"f = z^T \Sigma^{-T} z + \log\det\Sigma": (
        ["z[K]", "Sigma[K, K]"],
        ["f = sum(k, l, z[k] * inv(Sigma)[l, k] * z[l]) + log(det(Sigma))"],
        [],
    ),
    r"f = \log \det (A^T A) \\ g = \operatorname{tr}((A^T A)^{-1} B)": (
        ["A[K, N]", "B[N, N]"],
        [
            "M_1[k, l] = sum(m, A[m, k] * A[m, l])",
            "f = log(det(M_1))",
            "g = sum(k, l, inv(M_1)[k, l] * B[l, k])",
        ],
        [],
    ),
    # nothing but letters: numbers, as ever
    r"y = W x + b": (["W", "x", "b"], ["y = W * x + b"], []),
    r"y = A^2 x": (["A", "x"], ["y = A^2 * x"], []),
}


@pytest.mark.parametrize("latex", READ)
def test_shapes_found(latex: str) -> None:
    problem, chains = read_equations(latex)
    inputs = [given.name + (f"[{', '.join(given.axes)}]" if given.axes else "") for given in problem.inputs]
    defined = [definition_to_text(each) for each in problem.definitions]
    names = {each.name for each in problem.definitions}
    claims = [
        [to_text(side) for side in chain.sides]
        for chain in chains
        if to_text(chain.sides[0]).partition("[")[0] not in names
    ]
    assert (inputs, defined, claims) == READ[latex]


def test_every_inferred_shape_is_told() -> None:
    _, chains = read_equations(r"y = W^T x + b")
    assert chains[0].notes == (
        "y is read as a vector of size N",
        "W is read as a matrix of size K×N",
        "x is read as a vector of size K",
        "b is read as a vector of size N",
    )
    assert [(guess.column, guess.length) for guess in chains[0].guesses] == [(1, 1), (5, 1), (9, 1), (13, 1)]


def test_a_matrix_that_must_be_square_is_told() -> None:
    _, chains = read_equations(r"z_k = \sum_j W_{jk} x_j \\ y = W x")
    assert "W is read as a matrix of size K×K" in chains[0].notes


def test_least_squares_is_derived_from_its_formula() -> None:
    problem = problem_from_latex(r"L = \|y - Xw\|^2 + \lambda \|w\|^2")
    engine = Engine(problem)
    derivation = engine.derive(*engine.generic("L", ("w",)))
    (letter,) = derivation.start.by[0].indices  # type: ignore[attr-defined]
    spare = [name for name in "abc" if name != letter.name]
    a, b = spare[:2]
    form = f"2 * sum({a}, X[{a}, {letter.name}] * (sum({b}, X[{a}, {b}] * w[{b}]) - y[{a}]))"
    expected = parse_expression(f"{form} + 2 * lambda * w[{letter.name}]", problem)
    assert prove(derivation.result, expected, problem).kind == "proved"


def test_the_score_of_a_normal_law_is_checked_from_its_formula() -> None:
    problem, chains = read_equations(
        r"L = -\frac12 \log\det\Sigma - \frac12 (x - \mu)^T \Sigma^{-1} (x - \mu)"
        r" \\ \frac{\partial L}{\partial \mu} = \frac12 (\Sigma^{-1} + \Sigma^{-T}) (x - \mu)"
        r" \\ \frac{\partial L}{\partial \Sigma}"
        r" = \frac12 \Sigma^{-T} (x - \mu)(x - \mu)^T \Sigma^{-T} - \frac12 \Sigma^{-T}"
        r" \\ \frac{\partial L}{\partial \mu} = \Sigma^{-1} (x - \mu)"
    )
    kinds = [prove(*chain.sides, problem).kind for chain in chains[1:]]
    assert kinds == ["proved", "proved", "refuted"]  # the last is true of a symmetric matrix only


REFUSED = [
    (r"f_i = ‸X_{i,:} + X_{:,i}^T + 0 X_{ii}", "this has 1 more axes than f has on the left"),
    (r"y = ‸(1 + 2)^\top", "a number cannot be transposed"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "sentence"), REFUSED)
def test_what_is_refused(marked: str, sentence: str) -> None:
    before, after = marked.split("‸")
    with pytest.raises(NotationError) as caught:
        read_equations(before + after)
    assert sentence in caught.value.message
