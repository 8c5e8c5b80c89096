r"""What formulas define: functions at other arguments, whole arrays, names with letters above and below."""

from __future__ import annotations

import pytest

from symderiv.notation.reader import read_problem
from symderiv.notation.tex import read_equations
from symderiv.notation.tex.spelled import spelled_name
from symderiv.notation.text import definition_to_text, to_text

#: LaTeX; its definitions in text; all sides of the equations that define nothing.
READ: dict[str, tuple[list[str], list[list[str]]]] = {
    r"f(x) = x^2 \\ f(-x) = f(x)": (["f = x^2"], [["(-x)^2", "f"]]),
    r"f(x) = x \sigma(x) \\ f'(x) = f + \sigma(x)(1 - f) \\ f''(x) = 0": (
        ["f = x * sigmoid(x)"],
        [["d(f, x)", "f + sigmoid(x) * (1 - f)"], ["d(f, x, x)", "0"]],
    ),
    r"f(x) = x^2 \\ f'(u) = 2u": (["f = x^2"], [["d(u^2, u)", "2 * u"]]),
    r"f(x) = x^2 \\ g(x) = f(f(x + 1))": (["f = x^2", "g = (x + 1)^4"], []),
    r"f(x, y) = x + 2y \\ f(y, x) = 2x + y": (["f = x + 2 * y"], [["y + 2 * x", "2 * x + y"]]),
    r"s(z)_i = \frac{e^{z_i/T}}{\sum_j e^{z_j/T}} \\ q_i = s(z_S)_i": (
        ["s[i] = exp(z[i] / T) / sum(j, exp(z[j] / T))", "q[i] = exp(z_S[i] / T) / sum(j, exp(z_S[j] / T))"],
        [],
    ),
    r"s(z)_i = z_i^2 \\ a = \sum_k s(z)_k \\ b = KL(s(u) \| s(v))": (
        ["s[i] = z[i]^2", "a = sum(k, s[k])", "b = sum(i, u[i]^2 * log(u[i]^2 / v[i]^2))"],
        [],
    ),
    r"F(p) = -\log p \\ \dot{F}(p) = -\frac{\dot p}{p}": (
        ["F = -log(p)"],
        [["d(F, p) * p_dot", "-p_dot / p"]],
    ),
    r"\delta^h_t = 2 x \\ y = \delta^h_t + 1": (["delta_h_t = 2 * x", "y = delta_h_t + 1"], []),
    r"z^l = w x \\ a^l = \tanh(z^l)": (["z_l = w * x", "a_l = tanh(z_l)"], []),
    r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}} \\ p_\tau = 1 - \sum_{i \in S} p_i": (
        ["p[i] = exp(z[i]) / sum(k, exp(z[k]))", "p_tau = 1 - sum(i if S[i] > 0, p[i])"],
        [],
    ),
}


@pytest.mark.parametrize("latex", READ)
def test_what_is_defined(latex: str) -> None:
    problem, chains = read_equations(latex)
    defined = [definition_to_text(each) for each in problem.definitions]
    names = {each.name for each in problem.definitions}
    claims = [
        [to_text(side) for side in chain.sides]
        for chain in chains
        if to_text(chain.sides[0]).partition("[")[0] not in names
    ]
    assert (defined, claims) == READ[latex]


def test_a_declared_input_in_a_subscript_holds_labels() -> None:
    declared = read_problem("index j : K\nindex i : N\ninput w[K, D], x[N, D], y[N]\nr = 1", "declared")
    problem, chains = read_equations(r"L_i = \sum_{j \neq y_i} (w_j^T x_i - w_{y_i}^T x_i)", declared)
    assert problem.input("y") is not None
    assert [given.label_of for given in problem.inputs] == [None, None, "K"]
    assert "y holds labels: places on K" in chains[0].notes


def test_another_name_of_a_size() -> None:
    declared = read_problem("input z[K]\np[i] = exp(z[i]) / sum(k, exp(z[k]))", "declared")
    problem, chains = read_equations(r"m = \frac{1}{C} \sum_{k=1}^C p_k", declared)
    assert definition_to_text(problem.definitions[1]) == "m = sum(k, p[k]) / K"
    assert chains[0].notes == ("C is read as another name of K, the size of this axis",)


def test_a_name_in_brackets_that_stands_alone_on_the_left_is_defined() -> None:
    problem, _ = read_equations(r"(d\mathbf{P})_{ij} = P_{ij} V_j \\ s_i = \sum_j (d\mathbf{P})_{ij}")
    assert [definition_to_text(each) for each in problem.definitions] == [
        "dP[i, j] = P[i, j] * V[j]",
        "s[i] = sum(j, dP[i, j])",
    ]


def test_a_letter_may_be_summed_over_another_axis_in_each_side() -> None:
    declared = read_problem("index i : M\nindex j, k : N\ninput P[M, N], V[N]\nr = 1", "declared")
    latex = r"\sum_j P_{ij} V_j = \sum_k P_{ik} V_k = \sum_k P_{kj} V_j"
    _, chains = read_equations(latex, declared)
    assert to_text(chains[0].sides[2]) == "sum(k, P[k, j] * V[j])"
    assert "k is summed over M here and over N elsewhere" in chains[0].notes


def test_a_letter_is_summed_over_one_axis_where_nothing_says_otherwise() -> None:
    problem, _ = read_equations(r"L = \sum_{k=1}^C f_k = \sum_k g_k")
    assert [given.axes for given in problem.inputs] == [("C",), ("C",)]


def test_squares_inside_a_product_entry_by_entry_are_taken_so() -> None:
    declared = read_problem("input a[K], b[K]\nr = 1", "declared")
    _, chains = read_equations(r"c = a \odot (1 - b^2) \\ d = a (1 - b^2)", declared)
    assert to_text(chains[0].sides[1]) == "a[k] * (1 - b[k]^2)"
    assert to_text(chains[1].sides[1]) == "a[k] * (1 - sum(l, b[l]^2))"


def test_a_letter_may_leave_its_declared_axis() -> None:
    declared = read_problem("index k : N\ninput V[N, D]\nr = sum(k, V[k, 1])", "declared")
    _, chains = read_equations(r"s_k = \sum_j V_{jk}", declared)
    assert chains[0].notes == ("k ranges over D here, though it is declared to range over N",)


def test_whole_arrays_are_defined() -> None:
    declared = read_problem("index i : D\ninput W[D, K], x[K], b[D]\nr = 1", "declared")
    problem, chains = read_equations(
        r"z = Wx + b \\ a = \tanh(z) \\ \frac{\partial a}{\partial x} = 0", declared
    )
    assert [definition_to_text(each) for each in problem.definitions[1:]] == [
        "z[i] = sum(k, W[i, k] * x[k]) + b[i]",
        "a[i] = tanh(z[i])",
    ]
    assert [to_text(side) for side in chains[2].sides] == ["d(a[i], x[k])", "0"]


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        (r"\hat{x}", "x_hat"),
        ("h_{t-1}", "h_t_1"),
        (r"\delta^h_{a,t}", "delta_h_at"),
        ("a^h_t", "a_h_t"),
        ("W^{(1)}", "W_1"),
        ("x_c", "x_c"),
    ],
)
def test_the_name_that_a_spelling_is(spelled: str, name: str) -> None:
    assert spelled_name(spelled) == name
