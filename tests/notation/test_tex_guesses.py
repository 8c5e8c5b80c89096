"""What is chosen between readings is told: a sentence, and the place that it is about."""

from __future__ import annotations

from symderiv.notation.tex import Guess, parse_latex_chain, read_equations
from tests.notation.tex_problem import PROBLEM


def test_a_guess_has_its_place() -> None:
    latex = "s +\n  e^z_i"
    (guess,) = parse_latex_chain(latex, PROBLEM).guesses
    assert guess == Guess("e^z_i is read as e^{z_i}", 2, 3, 1)


def test_a_subscript_that_is_no_index_is_told_once_with_its_place() -> None:
    _, chains = read_equations(r"f = v_{c} + 2 v_{c} \\ g = W_{ij} + \mu_{\text{old}}")
    assert [chain.guesses for chain in chains] == [
        (Guess("v_c is read as one name: its subscript is no index", 1, 5, 5),),
        (Guess("W_ij is read as one name: its subscript is no index", 1, 28, 6),),
    ]


def test_nothing_is_told_where_an_index_is_an_index() -> None:
    _, chains = read_equations(r"z_k = \sum_j W_{jk} x_j")
    assert chains[0].guesses == ()
