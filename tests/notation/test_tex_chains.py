"""Chains, several equations in one display, conditions, places in the source."""

from __future__ import annotations

import pytest

from symderiv.expression.nodes import Compare, Index, Position
from symderiv.notation.errors import NotationError
from symderiv.notation.tex import parse_latex, parse_latex_chain, parse_latex_chains
from symderiv.notation.text import to_text
from tests.notation.tex_problem import PROBLEM

i, j = Index("i", "K"), Index("j", "K")
DERIVATIVE = r"\frac{\partial p_i}{\partial z_j}"


def sides(latex: str) -> list[list[str]]:
    return [[to_text(side) for side in chain.sides] for chain in parse_latex_chains(latex, PROBLEM)]


CHAINS = {
    "s = r = T": [["s", "r", "T"]],
    "s := r": [["s", "r"]],
    r"s \equiv r": [["s", "r"]],
    "s": [["s"]],
    r"\begin{align} s &= r \\ &= T + 1 \end{align}": [["s", "r", "T + 1"]],
    r"\begin{align*} s & = r \tag{1} \\[2pt] & = T. \end{align*}": [["s", "r", "T"]],
    r"\begin{aligned} s &= r \\ x_i &= z_i \end{aligned}": [["s", "r"], ["x[i]", "z[i]"]],
    r"\begin{equation}\begin{split} s &= r + \\ & T \end{split}\end{equation}": [["s", "r + T"]],
    r"\begin{gather} s = r \\ \mu = T \end{gather}": [["s", "r"], ["mu", "T"]],
    r"\begin{eqnarray} s &=& r \\ &=& T \end{eqnarray}": [["s", "r", "T"]],
    r"s = r, \quad \mu = T": [["s", "r"], ["mu", "T"]],
    r"s = r \qquad \mu = T": [["s", "r"], ["mu", "T"]],
    r"s = r \\ \text{where } \mu = T": [["s", "r"], ["mu", "T"]],
    r"s = r \Rightarrow \mu = T": [["s", "r"], ["mu", "T"]],
    r"\boxed{s = r}": [["s", "r"]],
    r"\boxed{\;\mu = \underbrace{s}_{\text{here}} + r\;}": [["mu", "s + r"]],
    r"s = r \\ + T": [["s", "r + T"]],
    r"s = r \quad {}": [["s", "r"]],
}


@pytest.mark.parametrize(("latex", "expected"), CHAINS.items())
def test_sides(latex: str, expected: list[list[str]]) -> None:
    assert sides(latex) == expected


CONDITIONS = {
    DERIVATIVE + r" = p_i(1-p_i), \quad i = j": (Compare("==", i, j),),
    DERIVATIVE + r" = -p_i p_j \quad i \ne j": (Compare("!=", i, j),),
    DERIVATIVE + r" = -p_i p_j, \text{ if } i \neq j": (Compare("!=", i, j),),
    DERIVATIVE + r" = -p_i p_j \quad \text{for } i \neq j.": (Compare("!=", i, j),),
    r"x_i = z_i, \quad \forall i": (),
    r"x_i = z_i, \quad \forall i \in K": (),
    r"x_i = z_i, \quad i > 2": (Compare(">", i, Position(2, "K")),),
}


@pytest.mark.parametrize(("latex", "expected"), CONDITIONS.items())
def test_conditions(latex: str, expected: tuple[Compare, ...]) -> None:
    chain = parse_latex_chain(latex, PROBLEM)
    assert chain.conditions == expected
    assert len(chain.sides) == 2


def test_places_and_source_of_each_side() -> None:
    latex = "\\begin{align}\n  s &= r + 1 \\\\\n    &= \\sum_k x_k\n\\end{align}"
    chain = parse_latex_chain(latex, PROBLEM)
    assert chain.positions == ((2, 3), (2, 8), (3, 8))
    assert chain.written == ("s", "r + 1", r"\sum_k x_k")


def test_a_display_that_continues() -> None:
    chain = parse_latex_chain("= s = r", PROBLEM)
    assert chain.continues
    assert [to_text(side) for side in chain.sides] == ["s", "r"]


def test_equations_inside_cases() -> None:
    latex = DERIVATIVE + r" = \begin{cases} p_i - p_i^2 = p_i(1-p_i) & i=j \\ -p_ip_j & i \neq j \end{cases}"
    chain = parse_latex_chain(latex, PROBLEM)
    assert to_text(chain.sides[1]) == "where(i == j, p[i] - p[i]^2, -p[i] * p[j])"
    (inner,) = chain.inner
    assert [to_text(side) for side in inner.sides] == ["p[i] - p[i]^2", "p[i] * (1 - p[i])"]
    assert inner.conditions == (Compare("==", i, j),)


@pytest.mark.parametrize("latex", ["s = r", "s = r, T = 1", "= s"])
def test_one_value_is_no_equation(latex: str) -> None:
    with pytest.raises(NotationError, match="expected one value"):
        parse_latex(latex, PROBLEM)


def test_one_chain_is_not_two() -> None:
    with pytest.raises(NotationError, match="expected one equation, found 2"):
        parse_latex_chain(r"s = r \\ T = 1", PROBLEM)
