"""The LaTeX printer: exact strings for the forms of the field, and harmless names."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symderiv.expression.construct import divide, multiply, negate, number, power, subtract
from symderiv.expression.functions import PI, call
from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Multiply,
    Number,
    Position,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.notation.latex import to_latex
from symderiv.notation.latex_names import latex_name
from symderiv.notation.mathml import latex_to_mathml
from symderiv.problem import Input, Problem
from tests.hostile_names import NAMES

i, j, k = (Index(letter, "K") for letter in "ijk")
k1 = Index("k_1", "K")


def at(name: str, *indices: Index | Position | Entry) -> Entry:
    return Entry(name, indices)


p, z, t, x = (lambda *a, n=name: at(n, *a) for name in "pztx")
S = at("S")
y = at("y")
L = at("L")
H = at("H")
exp_z = call("exp", z(k))
softmax = divide(call("exp", z(i)), Sum(k, exp_z))
x_hat = lambda letter: at("x_hat", letter)  # noqa: E731

FORMS: dict[str, Expression] = {
    r"p_i \left(\delta_{ij} - p_j\right)": multiply(p(i), subtract(Delta(i, j), p(j))),
    r"-\frac{t_j}{p_j}": negate(divide(t(j), p(j))),
    r"\frac{e^{z_i}}{\sum_{k} e^{z_k}}": softmax,
    r"\frac{\partial L}{\partial y_k}": Derivative(L, (at("y", k),)),
    r"\frac{\partial^2 L}{\partial z_i \partial z_j}": Derivative(L, (z(i), z(j))),
    r"\frac{\partial}{\partial z_j} \left(p_i t_i\right)": Derivative(multiply(p(i), t(i)), (z(j),)),
    r"\frac{\partial}{\partial z_j} \frac{e^{z_i}}{\sum_{k} e^{z_k}}": Derivative(softmax, (z(j),)),
    r"\frac{\partial}{\partial z_j} \left(e^{z_i}\right) \frac{\partial z_k}{\partial z_j}": Multiply(
        (Derivative(call("exp", z(i)), (z(j),)), Derivative(z(k), (z(j),)))
    ),
    r"\frac{\partial}{\partial z_j} \frac{\partial L}{\partial z_i}": Derivative(
        Derivative(L, (z(i),)), (z(j),)
    ),
    r"2 \left(z_i - m\right) \frac{\partial}{\partial z_j} \left(z_i - m\right)": Multiply(
        (number(2), Derivative(subtract(z(i), at("m")), (z(j),)), subtract(z(i), at("m")))
    ),
    r"\frac{\partial L}{\partial y_k} y_k": Multiply((Derivative(L, (at("y", k),)), at("y", k))),
    r"\frac{t_k}{p_k} \frac{\partial p_k}{\partial z_j}": Multiply(
        (Derivative(p(k), (z(j),)), t(k), power(p(k), -1))
    ),
    r"y_k - \sum_{i} y_i": Add((at("y", k), Sum(i, negate(at("y", i))))),
    r"\frac{\epsilon}{K}": Multiply((power(Size("K"), -1), at("epsilon"))),
    r"\frac{x_i - \mu}{\sigma}": Multiply((power(at("sigma"), -1), subtract(x(i), at("mu")))),
    r"W^{(1)}_{ij}": at("W1", i, j),
    r"\left(W^{(1)}_{ij}\right)^{2}": power(at("W1", i, j), 2),
    r"\beta_{1}": at("beta1"),
    r"S \frac{\partial}{\partial z_j} e^{z_i}": Multiply((S, Derivative(call("exp", z(i)), (z(j),)))),
    r"\sum_{k \neq i} p_k": Sum(k, p(k), Compare("!=", k, i)),
    r"\sum_{k : i \neq k} p_k": Sum(k, p(k), Compare("!=", i, k)),
    r"W_{ji}": at("W", j, i),
    r"\delta_{jy}": Delta(j, y),
    r"p_j - \delta_{jy}": subtract(p(j), Delta(j, y)),
    r"-\log p_y": negate(call("log", p(y))),
    r"\log p_k": call("log", p(k)),
    r"\log\left(p_k\right) t_k": multiply(call("log", p(k)), t(k)),
    r"-\sum_{k} t_k \log p_k": negate(Sum(k, multiply(t(k), call("log", p(k))))),
    r"\sum_{k} \left(-t_k\right)": Sum(k, negate(t(k))),
    r"-p_j \left(\log p_j + H\right)": negate(multiply(p(j), Add((call("log", p(j)), H)))),
    r"\frac{1}{2} \sum_{k} \left(p_k - t_k\right)^{2}": multiply(
        number(Fraction(1, 2)), Sum(k, power(subtract(p(k), t(k)), 2))
    ),
    r"p_j \left(p_j - t_j - \sum_{i} p_i \left(p_i - t_i\right)\right)": multiply(
        p(j), subtract(subtract(p(j), t(j)), Sum(i, multiply(p(i), subtract(p(i), t(i)))))
    ),
    r"\left(\sum_{k} t_k\right) p_j": multiply(Sum(k, t(k)), p(j)),
    r"p_j \sum_{k} t_k - t_j": subtract(multiply(p(j), Sum(k, t(k))), t(j)),
    r"\sum_{k} \left(p_k - t_k\right)": Sum(k, subtract(p(k), t(k))),
    r"\log \sum_{k} e^{z_k}": call("log", Sum(k, exp_z)),
    r"\log\left(p_k t_k\right)": call("log", multiply(p(k), t(k))),
    r"\left(\log p_k\right)^{2}": power(call("log", p(k)), 2),
    r"1 - \tanh^{2} x_i": subtract(ONE, power(call("tanh", x(i)), 2)),
    r"\tanh^{2}\left(x_i + 1\right)": power(call("tanh", Add((x(i), ONE))), 2),
    r"\sigma\left(x_i\right) \left(1 - \sigma\left(x_i\right)\right)": multiply(
        call("sigmoid", x(i)), subtract(ONE, call("sigmoid", x(i)))
    ),
    r"\frac{1}{\sigma} \left(\delta_{ij} - \frac{1}{K} - \frac{\hat{x}_i \hat{x}_j}{K}\right)": divide(
        subtract(
            subtract(Delta(i, j), power(Size("K"), -1)), divide(multiply(x_hat(i), x_hat(j)), Size("K"))
        ),
        at("sigma"),
    ),
    r"\frac{1}{K} \sum_{k} x_k": divide(Sum(k, x(k)), Size("K")),
    r"\mu": at("mu"),
    r"\epsilon": at("epsilon"),
    r"\sqrt{v + \epsilon}": power(Add((at("v"), at("epsilon"))), number(Fraction(1, 2))),
    r"\frac{1}{\sqrt{v}}": power(at("v"), number(Fraction(-1, 2))),
    r"\sqrt[3]{v}": power(at("v"), number(Fraction(1, 3))),
    r"v^{2/3}": power(at("v"), number(Fraction(2, 3))),
    r"\frac{p_i \left(\delta_{ij} - p_j\right)}{T}": divide(
        multiply(p(i), subtract(Delta(i, j), p(j))), at("T")
    ),
    r"\frac{e^{z_i}}{S} \left(\delta_{ij} - \frac{e^{z_j}}{S}\right)": multiply(
        divide(call("exp", z(i)), S), subtract(Delta(i, j), divide(call("exp", z(j)), S))
    ),
    r"p_j - \left(1 - \epsilon\right) \delta_{jy} - \frac{\epsilon}{K}": subtract(
        subtract(p(j), multiply(subtract(ONE, at("epsilon")), Delta(j, y))),
        divide(at("epsilon"), Size("K")),
    ),
    r"\exp\left(-\frac{1}{2} x_i^{2}\right)": call("exp", negate(divide(power(x(i), 2), number(2)))),
    r"\exp\left(\sum_{k} z_k\right)": call("exp", Sum(k, z(k))),
    r"e^{z_i - m}": call("exp", subtract(z(i), at("m"))),
    r"\left(e^{z_i}\right)^{2}": Power(call("exp", z(i)), number(2)),
    r"\left(\sum_{k} e^{z_k}\right)^{2}": power(Sum(k, exp_z), 2),
    r"\max_{k} z_k": Extremum("max", k, z(k)),
    r"\prod_{k} \left(1 + z_k\right)": Product(k, Add((ONE, z(k)))),
    r"\max\left(z_i, 0\right)": call("max", z(i), ZERO),
    r"\begin{cases} x_i & \text{if } x_i > 0 \\ 0 & \text{otherwise} \end{cases}": Where(
        Compare(">", x(i), ZERO), x(i), ZERO
    ),
    r"\mathbf{1}\left[i \leq j\right]": Where(Compare("<=", i, j), ONE, ZERO),
    r"\left|x_i\right|": call("abs", x(i)),
    r"\frac{2 e^{-x_i^{2}}}{\sqrt{\pi}}": multiply(
        number(2), power(call("sqrt", PI), -1), call("exp", negate(power(x(i), 2)))
    ),
    r"\sum_{k_{1}} e^{z_{k_{1}}}": Sum(k1, call("exp", z(k1))),
    r"\delta_{i,k_{1}}": Delta(i, k1),
    r"W_{1,j}": at("W", Position(1, "N"), j),
    r"p_2": p(Position(2, "K")),
    r"p_{12}": p(Position(12, "K")),
    r"p_{n,y_n}": at("p", Index("n", "N"), at("y", Index("n", "N"))),
    r"\mathrm{dL\_dy}_k": at("dL_dy", k),
    r"{\mu_{B}}_i": at("mu_B", i),
    r"\mathrm{logits}_i": at("logits", i),
    r"x_i \cdot 2": Multiply((x(i), number(2))),
    r"1 \cdot x_i": Multiply((ONE, x(i))),
    r"a - \left(b - c\right)": Add((at("a"), Multiply((MINUS_ONE, Add((at("b"), negate(at("c")))))))),
    r"a + \left(b + c\right)": Add((at("a"), Add((at("b"), at("c"))))),
    r"-\frac{1}{2} x_i": multiply(number(Fraction(-1, 2)), x(i)),
    r"\frac{x_i}{2 S}": multiply(number(Fraction(1, 2)), x(i), power(S, -1)),
    r"\left(-2\right)^{3}": Power(number(-2), number(3)),
    r"\sum_{i} \sum_{k} W_{ik}": Sum(i, Sum(k, at("W", i, k))),
    r"\sum_{i} t_i \sum_{k} p_k": Sum(i, multiply(t(i), Sum(k, p(k)))),
}


@pytest.mark.parametrize(("latex", "expression"), FORMS.items())
def test_exact_form(latex: str, expression: Expression) -> None:
    assert to_latex(expression) == latex


def test_names_that_clash_make_the_sign_step_aside() -> None:
    clash = Add((at("sigma"), call("sigmoid", x(i)), call("exp", at("e"))))
    assert to_latex(clash) == r"\sigma + \operatorname{sigmoid}\left(x_i\right) + \exp\left(e\right)"
    problem = Problem("clash", inputs=(Input("e"), Input("sigma")))
    assert to_latex(call("exp", x(i)), problem) == r"\exp\left(x_i\right)"


@pytest.mark.parametrize(
    "name",
    [r"\input{/etc/passwd}", "$x$", "a%b", "a}b", "{", "a#b&c", "^", "~", "", "x_", "_x", "__", "x__y"],
)
def test_hostile_names_hold_no_command(name: str) -> None:
    latex = to_latex(Entry(name, (i,)))
    inside = latex.replace(r"\mathrm", "").replace(r"\_", "")
    assert not set(inside) & set("\\$%#&^~")
    assert latex.count("{") == latex.count("}")


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("my_loss_hat", r"\hat{\mathrm{my\_loss}}"), ("_bar", r"\mathrm{\_bar}"), ("W_1_bar", r"\bar{W}_{1}"),
        ("h_new_bar", r"\bar{h}_{\mathrm{new}}"), ("mu_bar_hat", r"\hat{\bar{\mu}}"),
    ],
)  # fmt: skip
def test_an_accent_stands_on_the_whole_of_a_word(name: str, latex: str) -> None:
    assert latex_name(name) == latex
    for each in NAMES:
        latex_to_mathml(latex_name(f"{each}_hat"))  # raises where a brace is left open


def test_number_exact() -> None:
    assert to_latex(Number(Fraction(-3, 4))) == r"-\frac{3}{4}"
