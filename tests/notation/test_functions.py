"""Unspecified functions, their slopes, and the derivatives of the gamma function, in text and LaTeX."""

from __future__ import annotations

import pytest

from symderiv.calculus import CalculusError, derive_all
from symderiv.expression.canonical import same
from symderiv.expression.oracle import FLOATS, Oracle, multiprecision
from symderiv.kernels.emit import emit
from symderiv.kernels.errors import KernelError
from symderiv.notation.errors import NotationError
from symderiv.notation.latex import to_latex
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.tex import parse_latex
from symderiv.notation.text import to_text
from symderiv.problem import Function
from symderiv.proof import prove
from symderiv.witness import witness
from tests.oracles import differences, generic_oracle

PROBLEM = read_problem(
    """
index i, k : N
index j, l : D
input W[N, D], x[D], c[N], s
function f, g, phi_2
z[i] = sum(j, W[i, j] * x[j])
h[i] = f(z[i])
q[i] = g(h[i], c[i] * z[i]) + phi_2(s, c[i])
upstream L(h)
expect d(L, W[i, j]) == d(L, h[i]) * f'(z[i]) * x[j]
expect d(h[i], x[j]) == f'(z[i]) * W[i, j]
expect d(h[i], x[j], x[l]) == f''(z[i]) * W[i, j] * W[i, l]
expect d(q[i], z[k]) == delta(i, k) * (g'1(h[i], c[i] * z[i]) * f'(z[i]) + c[i] * g'2(h[i], c[i] * z[i]))
expect d(q[i], s) == phi_2'1(s, c[i])
""",
    "layer",
)


@pytest.mark.parametrize("place", range(len(PROBLEM.expectations)))
def test_a_layer_with_any_function(place: int) -> None:
    stated = PROBLEM.expectations[place]
    found = derive_all(PROBLEM)[place]
    assert stated.form is not None
    assert prove(found.result, stated.form, PROBLEM).kind == "proved"
    assert prove(found.start, stated.form, PROBLEM).kind == "proved"
    sizes = {"N": 2, "D": 3}
    assert not differences(generic_oracle(PROBLEM, sizes), found.start, stated.form)


def test_how_many_arguments_is_told_by_the_use() -> None:
    assert PROBLEM.functions == (Function("f", 1), Function("g", 2), Function("phi_2", 2))


@pytest.mark.parametrize(
    "text",
    [
        "f(z[i])", "f'(z[i])", "f''(x[j])^2 + f(x[1])", "g(x[j], c[i])", "g'1(x[j], c[i])",
        "g''12(x[j], f(c[i]))", "phi_2'2(s, x[j])", "phi_2''11(s, x[j])", "sum(j, f(f'(x[j])))",
    ],
)  # fmt: skip
def test_round_trip(text: str) -> None:
    read = parse_expression(text, PROBLEM)
    assert to_text(read) == text
    assert parse_latex(to_latex(read, PROBLEM), PROBLEM) == read


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        ("f'(z_i)", "f'(z[i])"),
        (r"f^{\prime}(W_{ij} x_j)", "f'(W[i, j] * x[j])"),
        ("f(z)_i", "f(z[i])"),
        (r"g''_{21}(x_j, c_i)", "g''12(x[j], c[i])"),
    ],
)
def test_latex_as_people_write_it(latex: str, text: str) -> None:
    assert to_text(parse_latex(latex, PROBLEM)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f(x[1], c[1])", "f needs 1 argument, found 2"),
        ("g'(x[1], c[1])", "which are meant, as in g'1"),
        ("g'3(x[1], c[1])", "which are meant"),
        ("f'0(s)", "which are meant"),
        ("f[1]", "f is an unspecified function, not an array"),
        ("f + 1", "f needs an argument"),
        ("q_2(s)", r"declare an unspecified one \(function q_2\)"),
        ("sinh''(s)", "write a higher derivative as"),
        ("s' + 1", r"expected \("),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        parse_expression(text, PROBLEM)


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("d(f(s^2), s)", "2 * s * f'(s^2)", "proved"),
        ("d(g(s, s), s)", "g'1(s, s) + g'2(s, s)", "proved"),
        ("d(L, W[i, j])", "d(L, h[i]) * f(z[i]) * x[j]", "refuted"),
        ("f'(s)", "0", "refuted"),
        ("f(x[1] + x[2])", "f(x[1]) + f(x[2])", "refuted"),
        ("g(x[1], x[2])", "g(x[2], x[1])", "refuted"),
        ("tanh'(s)", "1 - tanh(s)^2", "proved"),
    ],
)
def test_what_is_proved_of_any_function(left: str, right: str, kind: str) -> None:
    one, other = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(one, other, PROBLEM).kind == kind


def test_the_witness_and_the_kernels() -> None:
    layer, several = derive_all(PROBLEM)[1], derive_all(PROBLEM)[3]
    explicit = witness(layer, {"N": 2, "D": 1, "K": 1})
    assert to_text(explicit.entries[0][0]) == "W[1, 1] * f'(W[1, 1] * x[1])"
    with pytest.raises(ValueError, match="several arguments"):
        witness(several, {"N": 2, "D": 1})
    with pytest.raises(KernelError, match="f is unspecified: a kernel needs its formula"):
        emit(PROBLEM, "numpy")


GAMMA = read_problem("input s, r\nf = gamma(s^2) * digamma(r)\nderive d(f, s)\nderive d(f, r)", "gamma")


def test_the_gamma_function_is_differentiated() -> None:
    for derivation, expected in zip(
        derive_all(GAMMA),
        ("2 * s * gamma(s^2) * digamma(s^2) * digamma(r)", "gamma(s^2) * trigamma(r)"),
        strict=True,
    ):
        form = parse_expression(expected, GAMMA)
        assert prove(derivation.result, form, GAMMA).kind == "proved"
        assert not differences(generic_oracle(GAMMA, {}), derivation.start, form)
        assert len(witness(derivation, {}).entries) == 1
    read = parse_expression("digamma(s) + trigamma(r)", GAMMA)
    assert same(parse_latex(to_latex(read, GAMMA), GAMMA), read)
    with pytest.raises(CalculusError, match="trigamma"):
        derive_all(read_problem("input s\nf = trigamma(s)\nderive d(f, s)", "third"))
    with pytest.raises(KernelError, match="trigamma cannot be emitted"):
        emit(GAMMA, "numpy")


def test_the_values_of_digamma() -> None:
    for arithmetic in (FLOATS, multiprecision(30)):
        oracle = Oracle({}, {}, arithmetic=arithmetic)
        value = oracle.evaluate(parse_expression("digamma(1)", GAMMA))
        assert abs(value + 0.57721566490153286060651209) < 1e-14  # Euler's constant
        assert abs(oracle.evaluate(parse_expression("trigamma(1) - pi^2 / 6", GAMMA))) < 1e-14
