"""What is chosen between readings is told: a sentence, and the place that it is about."""

from __future__ import annotations

import pytest

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


MEANS = r"a = \frac{1}{N} \sum_i x_i"


def test_what_a_sum_is_divided_by_is_the_size_of_its_axis() -> None:
    problem, chains = read_equations(rf"{MEANS} \\ v = \frac{{1}}{{N - 1}} \sum_j (x_j - a)^2")
    assert problem.axes_of("x") == ("N",)
    assert problem.input("N") is None
    assert chains[0].guesses == (Guess("N is read as the size of the axis that is summed over", 1, 14, 1),)


@pytest.mark.parametrize(
    "latex",
    [
        rf"{MEANS} \\ b = \frac{{1}}{{N}} \sum_j w_j",  # of two axes
        rf"{MEANS} \\ b = \frac{{1}}{{M}} \sum_j x_j",  # two sizes of one axis
        r"a = \frac{1}{N} \sum_{i,j} w_{ij}",
        r"a = \frac{1}{N M} \sum_i \sum_j w_{ij}",
    ],
)
def test_a_divisor_that_may_be_several_sizes_is_a_number_and_this_is_told(latex: str) -> None:
    problem, chains = read_equations(latex)
    assert problem.input("N") is not None
    assert "N is read as a number: it may be the size of several axes" in chains[0].notes


@pytest.mark.parametrize(
    ("latex", "name"),
    [
        (rf"{MEANS} \\ \frac{{\partial a}}{{\partial N}} = -\frac{{a}}{{N}}", "N"),  # a number: it varies
        (r"a = \frac{1}{N} \sum_{i=1}^{K} x_i", "N"),  # the axis has a name
        (r"a = \frac{1}{N_1} \sum_i x_i", "N_1"),
        (r"a = \frac{1}{c} \sum_i x_i", "c"),
        (r"a = \frac{1}{T} \sum_i x_i", "T"),  # a temperature, say
        (r"a = C \sum_i x_i", "C"),  # a weight
    ],
)
def test_a_divisor_that_is_no_size_is_a_number(latex: str, name: str) -> None:
    problem, _ = read_equations(latex)
    assert problem.input(name) is not None


def test_the_capital_of_a_summed_letter_is_a_size() -> None:
    problem, _ = read_equations(r"a = \frac{1}{T} \sum_t x_t")
    assert problem.axes_of("x") == ("T",)
