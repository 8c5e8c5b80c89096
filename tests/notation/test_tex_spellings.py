"""Every way of writing a thing in LaTeX, and the text notation of what is read."""

from __future__ import annotations

import pytest

from symderiv.expression.canonical import same
from symderiv.notation.errors import NotationError
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.tex import parse_latex, parse_latex_chain
from symderiv.notation.text import to_text
from tests.notation.tex_problem import PROBLEM

SPELLINGS = {
    # shifted indices
    r"\sum_k x_k z_{i+k-1}": "sum(k, x[k] * z[i + k - 1])",
    r"x_{i-1} + x_{-j+3} + x_{i + 2k}": "x[i - 1] + x[3 - j] + x[i + 2 * k]",
    r"\sum_k (x_{k+1} - x_k)^2": "sum(k, where(k + 1 in K, (x[k + 1] - x[k])^2, 0))",
    r"\sum_{k=1}^{K-1} (x_{k+1} - x_k)^2": "sum(k if k + 1 in K, (x[k + 1] - x[k])^2)",
    r"\sum_{k=2}^K \log x_{k-1}": "sum(k >= 2, where(k - 1 in K, log(x[k - 1]), 0))",
    r"\delta_{i+1,j}": "delta(i + 1, j)",
    r"\mathbf{1}[i = j - k]": "delta(i, j - k)",
    r"\sum_{k \neq i - 1} x_k": "sum(k != i - 1, x[k])",
    r"\sum_{k : 1 \le k + i \le K} \log x_{k+i}": "sum(k if k + i in K, log(x[k + i]))",
    # fractions, roots, products
    r"\frac{x_i}{s}": "x[i] / s",
    r"\dfrac{x_i}{s}": "x[i] / s",
    r"\tfrac12 s": "1/2 * s",
    r"\frac 1 2 s": "1/2 * s",
    r"{x_i \over s}": "x[i] / s",
    r"x_i / s": "x[i] / s",
    r"1/2 \times s": "1/2 * s",
    r"s r": "s * r",
    r"2sr": "2 * s * r",
    r"s \cdot r": "s * r",
    r"s \times -1": "-s",
    r"s * r": "s * r",
    r"s . r": "s * r",
    r"s \odot r": "s * r",
    r"-s - -r": "-s + r",
    r"\sqrt s": "sqrt(s)",
    r"\sqrt{s + r}": "sqrt(s + r)",
    r"\sqrt[3]{s}": "s^(1/3)",
    r"s^2r": "s^2 * r",
    r"s^{-1/2}": "s^(-1/2)",
    r"0.25 s": "1/4 * s",
    r"{1 + s}^{-1}": "1 / (1 + s)",
    # brackets
    r"\left( s + r \right) T": "(s + r) * T",
    r"\left[ s + r \right] T": "(s + r) * T",
    r"\left\{ s + r \right\} T": "(s + r) * T",
    r"\Big[ s + \bigl( r - T \bigr) \Big] T": "(s + r - T) * T",
    r"\lbrace s + r \rbrace T": "(s + r) * T",
    r"{s + r} T": "(s + r) * T",
    r"|x_i| |s|": "abs(x[i]) * abs(s)",
    r"\left|x_i\right|": "abs(x[i])",
    r"\lvert s \rvert": "abs(s)",
    r"\vert{}s\vert{}": "abs(s)",
    # exponentials, logarithms, functions
    r"e^{z_i}": "exp(z[i])",
    r"e^z_i": "exp(z[i])",
    r"e": "exp(1)",
    r"\exp(z_i)": "exp(z[i])",
    r"\exp{z_i}": "exp(z[i])",
    r"exp(z_i)": "exp(z[i])",
    r"\mathrm{exp}(z_i)": "exp(z[i])",
    r"\log x_i": "log(x[i])",
    r"\log{x_i}": "log(x[i])",
    r"\log(x_i)": "log(x[i])",
    r"\log\left(x_i\right)": "log(x[i])",
    r"log(x_i)": "log(x[i])",
    r"\ln x_i": "log(x[i])",
    r"s log x_i": "s * log(x[i])",
    r"\log\frac{p_i}{x_i}": "log(p[i] / x[i])",
    r"\log x_i^2": "log(x[i]^2)",
    r"\sin 2s": "sin(2 * s)",
    r"\tanh^2 s": "tanh(s)^2",
    r"\tanh(s)^2": "tanh(s)^2",
    r"\log \log s": "log(log(s))",
    r"\sigma(x_i)": "sigmoid(x[i])",
    r"\sigma'(x_i)": "sigmoid(x[i]) * (1 - sigmoid(x[i]))",
    r"\sigma(s)^2": "sigmoid(s)^2",
    r"\operatorname{ReLU}(s)": "relu(s)",
    r"\text{erf}(s)": "erf(s)",
    r"\Gamma(s)": "gamma(s)",
    r"\max(0, x_i)": "max(0, x[i])",
    r"max(0, x_i)": "max(0, x[i])",
    r"\max\{s, r\}": "max(s, r)",
    r"\max_k x_k": "max(k, x[k])",
    r"\min_{k} (x_k)": "min(k, x[k])",
    r"\pi s": "pi * s",
    r"\mathrm{sech}(s)": "1 / cosh(s)",
    # sums and products
    r"\sum_k x_k": "sum(k, x[k])",
    r"\sum_{k=1}^K x_k": "sum(k, x[k])",
    r"\sum\limits_{k=1}^{K} x_k": "sum(k, x[k])",
    r"\sum_k^K x_k": "sum(k, x[k])",
    r"\sum_{k=0}^{K-1} x_k": "sum(k, x[k])",
    r"\sum_{1 \le k \le K} x_k": "sum(k, x[k])",
    r"\sum_{k=2}^K x_k": "sum(k >= 2, x[k])",
    r"\sum_{k \neq i} x_k": "sum(k != i, x[k])",
    r"\sum_{k\ne i}x_k": "sum(k != i, x[k])",
    r"\sum_{k < i} x_k": "sum(k < i, x[k])",
    r"\sum_{k : x_k > 0} x_k": "sum(k if x[k] > 0, x[k])",
    r"\sum_{k=1, k \neq i}^K x_k": "sum(k != i, x[k])",
    r"\sum_{\substack{k=1 \\ k \neq i}} x_k": "sum(k != i, x[k])",
    r"\sum_{j,k} A_{jk}": "sum(j, k, A[j, k])",
    r"\sum_{jk} A_{jk}": "sum(j, k, A[j, k])",
    r"\Sigma_k x_k": "sum(k, x[k])",
    r"\prod_k x_k": "prod(k, x[k])",
    r"{\displaystyle\sum_{k} e^{z_k}}": "sum(k, exp(z[k]))",
    # names
    r"x_{i}": "x[i]",
    r"W_{ai}": "W[a, i]",
    r"W_{a,i}": "W[a, i]",
    r"W^{(1)}_{ai}": "W1[a, i]",
    r"W_{ai}^{(1)}": "W1[a, i]",
    r"x^{(i)}": "x[i]",
    r"A^{(i)}_j": "A[i, j]",
    r"\hat{x}_i": "x_hat[i]",
    r"\hat x_i": "x_hat[i]",
    r"{\widehat{x}}_i": "x_hat[i]",
    r"\mathbf{x}_i": "x[i]",
    r"\boldsymbol{x}_i": "x[i]",
    r"\mathrm{std}_i": "std[i]",
    r"\text{std}_{i}": "std[i]",
    r"std_i": "std[i]",
    r"(d\mathbf{P})_{ij}": "dP[i, j]",
    r"dP_{ij}": "dP[i, j]",
    r"v_c": "v_c",
    r"{x_c}_{ai}": "x_c[a, i]",
    r"x_{c_{ai}}": "x_c[a, i]",
    r"x_{c,ai}": "x_c[a, i]",
    r"y'": "y_prime",
    r"y^\prime": "y_prime",
    r"g^*": "g_star",
    r"\epsilon + \varepsilon": "eps + eps",
    r"\mathcal{L}": "L",
    r"p_y": "p[y]",
    r"p_{q_a}": "p[q[a]]",
    r"x_2": "x[2]",
    r"A_{12}": "A[1, 2]",
    r"\frac{1}{K}": "1 / K",
    r"p(i)": "p[i]",
    r"L(z)": "L",
    r"x\_hat_i": "x_hat[i]",
    # Kronecker's delta and indicators
    r"\delta_{ij}": "delta(i, j)",
    r"\delta_{i,j}": "delta(i, j)",
    r"\delta_{ky}": "delta(k, y)",
    r"1\{i = j\}": "delta(i, j)",
    r"1_{i=j}": "delta(i, j)",
    r"1_{\{i=j\}}": "delta(i, j)",
    r"\mathbb 1_{i = j}": "delta(i, j)",
    r"\mathbb{1}\{i = j\}": "delta(i, j)",
    r"\mathbf 1[i=j]": "delta(i, j)",
    r"\mathbf{1}[i \neq j]": "1 - delta(i, j)",
    r"[i=j]": "delta(i, j)",
    r"\mathbb{I}(i = j)": "delta(i, j)",
    r"\mathbb{1}(x_i > 0)": "step(x[i])",
    r"\mathbb{1}(s + r > T)": "step(s + r - T)",
    r"[s \leq r]": "where(s <= r, 1, 0)",
    # cases
    r"\begin{cases} s & \text{if } i=j \\ r, & \text{if } i\neq j \end{cases}": "where(i == j, s, r)",
    r"\begin{cases} s & i=j \\ r & \text{otherwise} \end{cases}": "where(i == j, s, r)",
    r"\begin{cases} s, & x_i > 0, \\ r, & x_i \le 0. \end{cases}": "where(x[i] > 0, s, r)",
    r"\begin{cases} s & if \; i=j \\ r & otherwise \end{cases}": "where(i == j, s, r)",
    r"\begin{cases} s, i=j \\ r, i \ne j \end{cases}": "where(i == j, s, r)",
    r"\begin{cases} s \quad i=j \\[1em] r \quad \text{else} \end{cases}": "where(i == j, s, r)",
    r"\left\{\begin{array}{ll} s & i = j \\ r & i \neq j \end{array}\right.": "where(i == j, s, r)",
    r"\begin{cases} s & s > 1 \\ r & s < 0 \\ T & \text{otherwise} \end{cases}": (
        "where(s > 1, s, where(s < 0, r, T))"
    ),
    # derivatives
    r"\frac{\partial p_i}{\partial z_j}": "d(p[i], z[j])",
    r"\dfrac{\partial p_i}{\partial z_j}": "d(p[i], z[j])",
    r"\frac{\partial{p_i}}{\partial{z_j}}": "d(p[i], z[j])",
    r"\frac{d p_i}{d z_j}": "d(p[i], z[j])",
    r"\frac{dL}{dT}": "d(L, T)",
    r"\frac{\mathrm{d} L}{\mathrm{d} T}": "d(L, T)",
    r"\frac{\mathrm d L}{\mathrm d T}": "d(L, T)",
    r"\frac{\delta L}{\delta T}": "d(L, T)",
    r"\frac{d L}{d std_i}": "d(L, std[i])",
    r"\frac{\partial \log p_i}{\partial z_j}": "d(log(p[i]), z[j])",
    r"\frac{\partial (x_i - \mu)}{\partial x_j}": "d(x[i] - mu, x[j])",
    r"\frac{\partial}{\partial z_j} p_i": "d(p[i], z[j])",
    r"\frac{\partial}{\partial z_j} \left(p_i\right)": "d(p[i], z[j])",
    r"\frac{d}{ds}(1 + e^{-s})^{-1}": "d((1 + exp(-s))^-1, s)",
    r"\partial_{z_j} p_i": "d(p[i], z[j])",
    r"\pdv{p_i}{z_j}": "d(p[i], z[j])",
    r"\pdv{z_j} p_i": "d(p[i], z[j])",
    r"\pdv[2]{L}{s}": "d(L, s, s)",
    r"\nabla_{z_j} L": "d(L, z[j])",
    r"\frac{\partial^2 L}{\partial z_i \partial z_j}": "d(L, z[i], z[j])",
    r"\frac{\partial^2 L}{\partial s^2}": "d(L, s, s)",
    r"\frac{\partial^{2} L}{\partial z_i^{2}}": "d(L, z[i], z[i])",
    r"\frac{\partial}{\partial z_j} \frac{\partial L}{\partial z_i}": "d(d(L, z[i]), z[j])",
    r"\frac{\partial L}{\partial \log s}": "s * d(L, s)",
    r"\frac{\partial L}{\partial s^2}": "d(L, s) / (2 * s)",
    r"\partial L/\partial z_j": "d(L, z[j])",
    r"\partial^2 L/\partial z_i \partial z_j": "d(L, z[i], z[j])",
    r"\partial/\partial s\,(s^2)": "d(s^2, s)",
    r"dL/ds": "d(L, s)",
    r"d/ds\,(s^2)": "d(s^2, s)",
    r"\frac{\partial}{s}(s^2 + r)": "d(s^2 + r, s)",
    r"\left.\frac{\partial L}{\partial s}\right|_{\text{direct}} s": "d(L, s) * s",
    r"\operatorname{erf}''(s)": "d(erf(s), s, s)",
    # functions of arrays
    r"KL(p \| t)": "sum(i, p[i] * log(p[i] / t[i]))",
    r"D_{KL}(p \,\|\, t)": "sum(i, p[i] * log(p[i] / t[i]))",
    r"\mathrm{KL}(p, t)": "sum(i, p[i] * log(p[i] / t[i]))",
    r"CE(t, p)": "-sum(i, t[i] * log(p[i]))",
    r"\|x\|_1": "sum(i, abs(x[i]))",
    r"\|x\|_\infty": "max(i, abs(x[i]))",
    r"\|x\|_2^2": "sum(i, x[i]^2)",
    r"1^T x": "sum(i, x[i])",
    r"1^\top x": "sum(i, x[i])",
    r"\tr(A)": "sum(i, A[i, i])",
    r"W_{a,:} x": "sum(k, W[a, k] * x[k])",
    r"W_{:,i}^T W_{\cdot j}": "sum(a, W[a, i] * W[a, j])",
    r"(A^{-1})_{ij}": "inv(A)[i, j]",
    r"x^T A^{-1} z": "sum(i, j, x[i] * inv(A)[i, j] * z[j])",
    r"x^T A^{-T} z": "sum(i, j, x[i] * inv(A)[j, i] * z[j])",
    r"x^T A^{-\top} z": "sum(i, j, x[i] * inv(A)[j, i] * z[j])",
    r"x^T (A^T)^{-1} z": "sum(i, j, x[i] * inv(A)[j, i] * z[j])",
    r"\log\det A": "log(det(A))",
    r"\log |A|": "log(det(A))",
    r"\det(A)^2": "det(A)^2",
    r"\frac{\partial \log\det A}{\partial A_{ij}}": "d(log(det(A)), A[i, j])",
    # numbers and functions with commands of their own
    r"\binom{5}{2}": "10",
    r"{5 \choose 2}": "10",
    r"\binom{s}{r}": "gamma(s + 1) / (gamma(r + 1) * gamma(s - r + 1))",
    r"\sgn(s) \sech(r)": "sign(s) / cosh(r)",
    # sums over what is not said, or over a set
    r"\sum x_k": "sum(k, x[k])",
    r"\sum_{k \in t} x_k": "sum(k if t[k] > 0, x[k])",
    # seen through
    r"\boxed{s + r} T": "(s + r) * T",
    r"\underbrace{s + r}_{\text{first part}} T": "(s + r) * T",
    r"\displaystyle s \, + \; r \! \quad \tag{3} \label{sum}": "s + r",
    "s % a remark\n + r": "s + r",
    r"$s + r$": "s + r",
    r"\[ s + r. \]": "s + r",
    "s − r·T": "s - r * T",
    "∑_k x_k": "sum(k, x[k])",
}


@pytest.mark.parametrize(("latex", "text"), SPELLINGS.items())
def test_spelling(latex: str, text: str) -> None:
    found = parse_latex(latex, PROBLEM)
    assert same(found, parse_expression(text, PROBLEM)), to_text(found)


#: Every way to mark a condition.
INDICATORS = [
    r"1\{%s\}", r"1_{%s}", r"1_{\{%s\}}", r"1[%s]", r"1(%s)", r"1\left\{%s\right\}",
    r"\mathbf{1}\{%s\}", r"\mathbf 1[%s]", r"\mathbf 1_{\{%s\}}", r"\boldsymbol{1}_{%s}",
    r"\mathbb{1}\{%s\}", r"\mathbb 1(%s)", r"\mathbb 1_{%s}", r"\mathbbm{1}\!\left[%s\right]",
    r"\mathbb{I}[%s]", r"\mathbb{I}(%s)", r"\mathbb I_{\{%s\}}", r"\mathbb{I}\{%s\}",
    r"\mathrm{1}[%s]", r"\mathrm 1\{%s\}", r"\operatorname{1}_{%s}", r"{\bf 1}\{%s\}", r"{\mathbf 1}_{%s}",
    r"I(%s)", r"I\{%s\}", r"\mathrm{I}[%s]", r"\mathbf I(%s)", r"\left[%s\right]",
]  # fmt: skip
CONDITIONS = {
    "x_i > 0": "step(x[i])",
    "x_i < 0": "where(x[i] < 0, 1, 0)",
    r"x_i \le s": "where(x[i] <= s, 1, 0)",
    r"x_i \geq z_j + 1": "where(x[i] >= z[j] + 1, 1, 0)",
    "x_i = s": "where(x[i] == s, 1, 0)",
    "i = j": "delta(i, j)",
    r"i \ne j": "1 - delta(i, j)",
    "i < j": "where(i < j, 1, 0)",
}


@pytest.mark.parametrize("spelling", INDICATORS)
def test_indicators(spelling: str) -> None:
    for condition, text in CONDITIONS.items():
        written = rf"r - s {spelling % condition} x_j"
        found = parse_latex(written, PROBLEM)
        assert same(found, parse_expression(f"r - s * ({text}) * x[j]", PROBLEM)), (written, to_text(found))


@pytest.mark.parametrize("spelling", ["I(s + r)", "{1}(s + r)", r"\mathbf{I}(s + r)", "I_i (s + r)"])
def test_what_marks_no_condition_is_no_indicator(spelling: str) -> None:
    problem = read_problem("input s, r, I_i\nf = s", "names")
    scalar = {"{1}(s + r)": "s + r", "I_i (s + r)": "I_i * (s + r)"}.get(spelling)
    if scalar is None:
        with pytest.raises(NotationError, match="the size of an identity matrix is not known here"):
            parse_latex(spelling, problem)
    else:
        assert same(parse_latex(spelling, problem), parse_expression(scalar, problem))


NOTES = {
    r"e^z_i": "e^z_i is read as e^{z_i}",
    r"\log x_i s": "log without brackets takes one factor, here x_i",
    r"\sin 2s": "sin takes 2s",
    r"s/2r": "a slash divides by the next factor alone: r after it multiplies",
    r"{1 + s}^2": "braces group without showing: what is raised here is all that they hold",
    r"\sum_{k=0}^{K-1} x_k": "k is counted from 0 to K - 1: read as all of K",
    r"\Sigma_k x_k": "\\Sigma with an index under it is read as a sum",
    r"\sum_k x_k + z_k": "k is summed in one place and free in another: these are two different letters",
    r"A^{-1}_{ij}": "the power is read as one of the entry, not of the matrix",
    r"|A|": "bars around a matrix are its determinant",
    r"\sum x_k": "this sum has no index: it is read as one over k",
    r"\frac{\partial}{s}(s^2)": "the derivative by s is meant, though it has no \\partial",
    r"\left. s \right|_{\text{direct}}": "the remark direct below the bar is passed over",
    r"\frac{\delta L}{\delta s}": "a fraction with \\delta above and below is read as a derivative",
}


@pytest.mark.parametrize(("latex", "note"), NOTES.items())
def test_a_choice_between_readings_is_told(latex: str, note: str) -> None:
    assert note in parse_latex_chain(latex, PROBLEM).notes


@pytest.mark.parametrize("latex", [r"\sum_k x_k + s", r"\log(x_i) s", r"e^{z_i}", r"(1 + s)^2", r"s/(2r)"])
def test_nothing_is_told_where_there_is_no_choice(latex: str) -> None:
    assert parse_latex_chain(latex, PROBLEM).notes == ()


def test_declared_names_win() -> None:
    """A declared sigma is no sigmoid, a declared d makes a product, a declared e is no exponential."""
    from symderiv.notation.reader import read_problem

    problem = read_problem("input sigma, d, e, x, T, ab, a, b\nf = x", "names")
    readings = {
        r"\sigma(x)": "sigma * x",
        r"\frac{d x}{d T}": "d * x / (d * T)",
        r"e^x": "e^x",
        r"x^T": "x^T",
        "ab": "ab",
        "a b": "a * b",
        "ba": "b * a",
    }
    for latex, text in readings.items():
        assert same(parse_latex(latex, problem), parse_expression(text, problem)), latex


def test_symbols_are_one_name() -> None:
    from symderiv.notation.reader import read_problem

    problem = read_problem("input v, h, h_old, sigma\nf = v", "symbols")
    symbols = {r"\sigma^2": "v", "h_t": "h", "h_{t-1}": "h_old"}
    readings = {
        r"\sqrt{\sigma^2 + \sigma}": "sqrt(v + sigma)",
        r"\frac{\partial f}{\partial \sigma^2}": "d(f, v)",
        r"{\sigma}^{2}": "v",
        r"h_t h_{t-1}": "h * h_old",
        r"h_{t}^2": "h^2",
    }
    for latex, text in readings.items():
        assert same(parse_latex(latex, problem, symbols), parse_expression(text, problem)), latex
