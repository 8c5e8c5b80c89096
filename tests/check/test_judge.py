r"""Whole documents judged: what is proved, what needs an assumption, what is refuted, and why."""

import pytest

from symderiv.check import check_document, read_text
from symderiv.check.formats import counterexample_words
from symderiv.check.verdicts import Judgement, Report
from symderiv.notation.text import to_text

SOFTMAX = r"""
$$
p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}
$$
"""
CROSS_ENTROPY = (
    SOFTMAX
    + r"""
$$
L = -\sum_k t_k \log p_k
$$
"""
)


def report(text: str) -> Report:
    return check_document(read_text(text, "notes.md"))


def verdicts(text: str) -> list[tuple[int, int, str]]:
    return [(each.display, each.equality, each.verdict) for each in report(text).judgements]


def only(text: str) -> Judgement:
    (found,) = report(text).judgements
    return found


@pytest.mark.parametrize(
    "claim",
    [
        r"\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)",
        r"\pdv{p_i}{z_j} = p_i ([i=j] - p_j)",
        r"\pdv{p_i}{z_j} = \begin{cases} p_i(1-p_i), & i=j \\ -p_ip_j, & i \ne j \end{cases}",
        r"\log p_i = z_i - \log \sum_k e^{z_k}",
        r"\sum_i p_i = 1",
        r"\sum_i \frac{\partial p_i}{\partial z_j} = 0",
        r"\frac{\partial p_i}{\partial z_i} = p_i (1 - p_i)",
        r"\frac{\partial p_i}{\partial z_j} = -p_i p_j, \quad i \neq j",
    ],
)
def test_true_claims_about_softmax_are_proved(claim: str) -> None:
    assert verdicts(f"{SOFTMAX}\n$$\n{claim}\n$$\n") == [(2, 1, "proved")]


@pytest.mark.parametrize(
    ("claim", "word", "right"),
    [
        (r"-p_i (\delta_{ij} - p_j)", "sign", "p[i] * (delta(i, j) - p[j])"),
        (r"2 p_i (\delta_{ij} - p_j)", "constant factor", "p[i] * (delta(i, j) - p[j])"),
        (r"p_i (\delta_{ij} + p_j)", "sign", "p[i] * (delta(i, j) - p[j])"),
        (r"\delta_{ij} - p_j", "chain factor lost", "(delta(i, j) - p[j]) * p[i]"),
        (r"p_i (\delta_{ij} - p_i)", "swapped index", None),
        (r"p_i^2 (\delta_{ij} - p_j)", "wrong exponent", "p[i] * (delta(i, j) - p[j])"),
        (r"p_i (1 - p_j)", "delta dropped", None),
        (r"p_i (1 - p_i) \delta_{ij}", "diagonal only", None),
    ],
)
def test_wrong_jacobians_are_refuted_with_their_mistake(claim: str, word: str, right: str | None) -> None:
    found = only(f"{SOFTMAX}\n$$\n\\frac{{\\partial p_i}}{{\\partial z_j}} = {claim}\n$$\n")
    assert (found.verdict, found.diagnosis and found.diagnosis.word) == ("refuted", word)
    assert found.counterexample
    assert found.right_form is not None
    if right is not None:
        assert to_text(found.right_form) == right


def test_numbers_alone_differ_at_no_place() -> None:
    found = only("$$1 = -1$$")
    assert found.message == "1 = -1 is false: 1 against -1"
    assert counterexample_words(found.counterexample) == "the left side is 1, the right side -1"


@pytest.mark.parametrize(
    ("written", "right"),
    [
        (r"-\tanh(x)^2 - 1", "1 - tanh(x)^2"),
        (r"-\tanh(x)^2 \cdot 2 + 1", "1 - tanh(x)^2"),
        (r"2 (-\tanh(x)^2 + 1)", "1 - tanh(x)^2"),
    ],
)
def test_a_right_form_begins_with_what_is_positive(written: str, right: str) -> None:
    found = only(rf"$$\frac{{d}}{{dx}} \tanh(x) = {written}$$")
    assert found.right_form is not None
    assert to_text(found.right_form) == right


def test_a_sum_that_must_be_one_is_found_as_the_condition() -> None:
    found = only(f"{CROSS_ENTROPY}\n$$\n\\frac{{\\partial L}}{{\\partial z_j}} = p_j - t_j\n$$\n")
    assert (found.verdict, found.condition) == ("conditional", "sum(k, t[k]) == 1")
    assert found.counterexample
    stated = f"<!-- symderiv: assume sum(k, t[k]) == 1 -->\n{CROSS_ENTROPY}"
    assert only(f"{stated}\n$$\n\\frac{{\\partial L}}{{\\partial z_j}} = p_j - t_j\n$$\n").verdict == "proved"


def test_a_row_that_is_right_for_different_letters_only() -> None:
    found = only(f"{SOFTMAX}\n$$\n\\frac{{\\partial \\log p_i}}{{\\partial z_j}} = -p_j\n$$\n")
    assert (found.verdict, found.condition) == ("conditional", "i != j")


def test_names_held_fixed_are_found_as_the_condition() -> None:
    text = r"""
$$ \mu = \frac{1}{K} \sum_{k=1}^K x_k $$
$$ y_i = x_i - \mu $$
$$ \frac{\partial y_i}{\partial x_j} = \delta_{ij} $$
"""
    found = only(text)
    assert (found.verdict, found.condition) == ("conditional", "fixed mu")


def test_a_matrix_that_must_be_symmetric() -> None:
    text = r"""
<!-- symderiv: input A[n, n], x[n] -->
$$ f = x^T A x $$
$$ \frac{\partial f}{\partial x} = 2 A x $$
$$ \frac{\partial f}{\partial x} = (A + A^T) x $$
"""
    found = report(text).judgements
    assert [(each.verdict, each.condition) for each in found] == [
        ("conditional", "A symmetric"),
        ("proved", ""),
    ]


def test_a_chain_is_judged_at_every_sign() -> None:
    text = r"""
$$ \sigma(x) = \frac{1}{1 + e^{-x}} $$
$$
\begin{aligned}
\sigma'(x) &= \frac{e^{-x}}{(1 + e^{-x})^3} \\
&= \sigma(x)^2 (1 - \sigma(x)) \\
&= \sigma(x) (1 - \sigma(x))
\end{aligned}
$$
"""
    assert [verdict for _, _, verdict in verdicts(text)][-3:] == ["refuted", "proved", "refuted"]


def test_a_display_that_begins_with_an_equals_sign_goes_on() -> None:
    text = (
        SOFTMAX
        + r"""
$$
\frac{\partial p_i}{\partial z_j}
= p_i \delta_{ij} - p_i p_j
$$
$$
= p_i (\delta_{ij} - p_j)
$$
"""
    )
    assert verdicts(text) == [(2, 1, "proved"), (3, 1, "proved")]


def test_a_loss_of_any_kind_has_slopes_of_its_own() -> None:
    text = (
        f"<!-- symderiv: upstream L(p) -->\n{SOFTMAX}"
        + r"""
$$
\frac{\partial L}{\partial z_j}
= p_j \left( \frac{\partial L}{\partial p_j} - \sum_k \frac{\partial L}{\partial p_k} p_k \right)
$$
$$ \frac{\partial L}{\partial z_j} = p_j \frac{\partial L}{\partial p_j} $$
"""
    )
    found = report(text).judgements
    assert [each.verdict for each in found] == ["proved", "refuted"]
    assert "d(L, p)" in found[1].counterexample["values"]


@pytest.mark.parametrize(
    "claim",
    [
        r"\frac{\partial L}{\partial z_j} = 2 \frac{\partial L}{\partial z_j}",
        r"g_j = \frac{\partial L}{\partial z_j}$$ $$g_j + z_j g_j = 3 g_j",
        r"\frac{\partial y}{\partial x} = -\frac{\partial x}{\partial y}",
    ],
)
def test_a_derivative_of_what_nothing_is_known_of_is_not_zero(claim: str) -> None:
    found = report(f"$${claim}$$").judgements
    assert [each.verdict for each in found] == ["unreadable"]
    assert "nothing that is written makes" in found[0].message


def test_a_loss_that_a_line_defines_is_no_loss_of_any_kind() -> None:
    text = r"""
$$z_j = \sum_i W_{ij} x_i + b_j$$

The loss is $L = \sum_j z_j^2$.

$$\frac{\partial L}{\partial z_j} = 2 z_j$$

$$\frac{\partial L}{\partial W_{ij}} = 3 x_i z_j$$
"""
    assert [each.verdict for each in report(text).judgements] == ["proved", "refuted"]


@pytest.mark.parametrize("bracket", ["(", "[", ")"])
def test_a_bracket_that_does_not_match_spoils_its_own_display_only(bracket: str) -> None:
    text = f"$$f = x^2$$\n$$g = {bracket} x$$\n$$\\frac{{df}}{{dx}} = 2x$$\n$$\\frac{{df}}{{dx}} = 3x$$"
    found = [(each.display, each.verdict) for each in report(text).judgements]
    assert found == [(2, "unreadable"), (3, "proved"), (4, "refuted")]


def test_a_definition_of_the_catalogue() -> None:
    text = (
        "<!-- symderiv: like softmax(a) as q -->"
        + r"""
$$ \frac{\partial q_i}{\partial a_j} = q_i (\delta_{ij} - q_j) $$
"""
    )
    assert verdicts(text) == [(1, 1, "proved")]


def test_definitions_may_stand_after_their_use() -> None:
    text = r"$$ \frac{\partial y}{\partial x} = 2 x $$" "\n\n" r"$$ y = x^2 $$"
    assert verdicts(text) == [(1, 1, "proved")]


def test_what_is_not_understood_is_said_and_the_rest_is_judged() -> None:
    text = f"{SOFTMAX}\n$$ a = \\unknowncommand $$\n$$ \\sum_i p_i = 2 $$\n"
    found = report(text).judgements
    assert [(each.display, each.verdict) for each in found] == [(2, "unreadable"), (3, "refuted")]
    assert found[0].place.line == 6
    assert "unknowncommand" in found[0].message


def test_a_derivative_set_to_zero_is_no_claim() -> None:
    text = r"$$ L = (x - 1)^2 $$" "\n\n" r"$$ \frac{dL}{dx} = 2 (x - 1) = 0 $$"
    assert [each.verdict for each in report(text).judgements] == ["proved", "equation"]


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("indx i : K", "expected a directive"),
        ("index i K", "expected letters and their axis"),
        ("like sofmax(z) as p", "sofmax"),
        ("upstream L", "expected a function and its array"),
        ("let p[i] = exp(", "never closed"),
    ],
)
def test_directives_that_are_wrong_get_a_sentence_and_a_place(directive: str, message: str) -> None:
    found = report(f"# Notes\n\n<!-- symderiv: {directive} -->\n{SOFTMAX}").judgements
    assert [each.verdict for each in found] == ["unreadable"]
    assert message in found[0].message
    assert found[0].place.line == 3


def test_the_caret_stands_under_the_equals_sign() -> None:
    found = only(f"{SOFTMAX}\n$$ \\sum_i p_i = 2 $$\n")
    assert found.place.source_line[found.place.column - 1] == "="


def test_commands_of_the_document_are_read() -> None:
    text = r"""
\documentclass{article}
\newcommand{\pd}{\partial}
\newcommand{\slope}{\frac{\pd y}{\pd x}}
\begin{document}
\[ y = x^2 \]
\[ \slope = 2 x \]
\end{document}
"""
    found = check_document(read_text(text, "paper.tex")).judgements
    assert [(each.verdict, each.place.line) for each in found] == [("proved", 7)]


#: Each command stands for ten of the next one.
_DOUBLING = "".join(
    rf"\newcommand{{\{one}}}{{{('x' if other == 'i' else chr(92) + other) * 10}}}"
    for one, other in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("macros", "message"),
    [
        (r"\newcommand{\a}{\a}", "defined by itself"),
        (r"\newcommand{\a}{\b}\newcommand{\b}{\a}", "defined by itself"),
        (r"\newcommand{\a}[1]{#1}", "takes arguments"),
        (r"\newcommand{\a}{\nothing}", "nothing"),
        (_DOUBLING, "signs"),
    ],
)
def test_commands_that_cannot_be_read_get_a_sentence(macros: str, message: str) -> None:
    found = check_document(read_text(f"{macros}\n$$ y = \\a $$\n", "notes.md")).judgements
    assert [each.verdict for each in found] == ["unreadable"]
    assert message in found[0].message


def test_a_claim_has_a_limit_of_time() -> None:
    document = read_text(f"{SOFTMAX}\n$$ \\sum_i p_i = 2 $$\n", "notes.md")
    (found,) = check_document(document, seconds=1e-5).judgements
    assert (found.verdict, "within 1e-05 seconds" in found.message) == ("undecided", True)


def test_conditions_in_a_sentence_are_no_claims() -> None:
    claims = r"So $\sum_i p_i = 1 + 0$ and $\sum_i p_i = 1 + 1$."
    text = f"For $i = j$ and $K = 3$, with $x = (1, 2)$:\n{SOFTMAX}\n{claims}"
    assert [each.verdict for each in report(text).judgements] == ["proved", "refuted"]


def test_a_display_without_an_equals_sign_claims_nothing() -> None:
    assert verdicts(r"$$ \frac{\partial y_i}{\partial z_j}, \quad 1 \leq i \leq K $$") == []


def test_shapes_that_do_not_fit_are_false_and_a_row_may_mend_them() -> None:
    text = r"""
<!-- symderiv: upstream L(y) -->
$$ y_i = \frac{e^{z_i}}{\sum_j e^{z_j}} $$
$$ \frac{\partial L}{\partial z} = \frac{\partial L}{\partial y} (\mathrm{diag}(y) - y^T y) $$
"""
    found = only(text)
    assert (found.verdict, found.condition) == ("conditional", "row y")
    assert only(text.replace("upstream", "row y\nupstream")).verdict == "proved"
    matrices = r"""
<!-- symderiv: input U[V, n], v[n], g[V] -->
$$ J = g^T U v $$
$$ \frac{\partial J}{\partial v} = U g $$
"""
    found = only(matrices)
    assert (found.verdict, found.diagnosis and found.diagnosis.word, found.equality) == (
        "refuted",
        "shapes",
        1,
    )
    assert "V" in found.message


def test_powers_in_a_product_entry_by_entry() -> None:
    text = r"""
<!-- symderiv: input a[H], g[H]
upstream L(h) -->
$$ h = \tanh(a) $$
$$ \frac{\partial L}{\partial a} = \frac{\partial L}{\partial h} \odot (1 - h^2) $$
"""
    assert verdicts(text) == [(2, 1, "proved")]


def test_names_in_brackets_that_an_equation_defines() -> None:
    text = r"""
<!-- symderiv: upstream L(O) -->
$$ O_{ik} = \sum_j P_{ij} V_{jk} $$
$$ (d\mathbf{O})_{ik} = \frac{\partial L}{\partial O_{ik}} $$
$$ \frac{\partial L}{\partial V_{jk}} = \sum_i P_{ij} (d\mathbf{O})_{ik} $$
"""
    assert verdicts(text) == [(3, 1, "proved")]


def test_repeated_letters_are_summed_only_where_the_document_says_so() -> None:
    text = r"""
$$ y_i = \sum_j W_{ij} x_j $$
$$ y_i = W_{ij} x_j $$
"""
    found = only(text)
    assert (found.verdict, "einstein" in found.message) == ("unreadable", True)
    assert verdicts(f"<!-- symderiv: einstein -->\n{text}") == [(2, 1, "proved")]


def test_a_function_of_what_nothing_defines_is_unreadable() -> None:
    text = "<!-- symderiv: upstream L(y) -->\n$$\n\\frac{\\partial L}{\\partial x} = 2 x\n$$\n"
    found = only(text)
    assert found.verdict == "unreadable"
    assert found.message == "L is a function of y, which no formula defines"


def test_places_that_are_assumed_to_differ() -> None:
    text = r"""
<!-- symderiv:
index j : K
index i : N
input w[K, D], x[N, D], y[N]
-->
$$ L_i = \sum_{j \neq y_i} \max(0, w_j^T x_i - w_{y_i}^T x_i + 1) $$
$$ \nabla_{w_j} L_i = \mathbb{1}(w_j^T x_i - w_{y_i}^T x_i + 1 > 0) x_i $$
"""
    assert verdicts(text) == [(2, 1, "refuted")]
    assert verdicts(f"<!-- symderiv: assume j != y[i] -->\n{text}") == [(2, 1, "proved")]


def test_an_assumption_about_a_name_that_a_formula_defines_is_no_fault() -> None:
    text = (
        "$$ p_i = \\frac{e^{z_i}}{\\sum_j e^{z_j}} $$\n\n<!-- symderiv: assume sum(i, p[i]) == 1 -->\n\n"
        "$$ \\frac{\\partial p_i}{\\partial z_j} = p_i (\\delta_{ij} + p_j) $$\n"
    )
    (found,) = check_document(read_text(text, "assumed.md")).judgements
    assert (found.verdict, found.diagnosis and found.diagnosis.word) == ("refuted", "sign")


def test_a_right_side_that_vanishes_without_being_written_as_zero_is_a_claim() -> None:
    text = "$$ f = x^2 $$\n\n$$ \\frac{\\partial f}{\\partial x} = %s $$\n"
    for written, verdict in (("0", "equation"), ("x (1 - 1)", "refuted")):
        (found,) = check_document(read_text(text % written, "zero.md")).judgements
        assert found.verdict == verdict


def test_a_chain_with_a_derivative_is_claimed_away_from_kinks() -> None:
    one = r"[x > 0]"
    assert [
        each for *_, each in verdicts(f"$$\n\\frac{{d}}{{dx}} |x| = 2 {one} - 1 = {one} - [x < 0]\n$$\n")
    ] == [
        "proved",
        "proved",
    ]
    assert [each for *_, each in verdicts(f"$$\n2 {one} - 1 = {one} - [x < 0]\n$$\n")] == ["refuted"]


def test_what_cases_leave_open_is_not_claimed() -> None:
    cases = r"\begin{cases} 1 & x > 0 \\ -1 & x < 0 \end{cases}"
    closed = cases.replace("x < 0", r"\text{otherwise}")
    assert verdicts(f"$$\n[x > 0] - [x < 0] = {cases}\n$$\n")[0][2] == "proved"
    assert verdicts(f"$$\n[x > 0] - [x < 0] = {closed}\n$$\n")[0][2] == "refuted"


@pytest.mark.parametrize(
    "spelling",
    [
        r"1\{%s\}",
        "1_{%s}",
        r"\mathbb 1(%s)",
        r"\mathbf 1_{\{%s\}}",
        "[%s]",
        r"\mathbb{I}[%s]",
        r"{\bf 1}[%s]",
        "I(%s)",
    ],
)
def test_indicators_in_displays(spelling: str) -> None:
    left = r"$$\frac{\partial}{\partial x_j} \sum_k \max(0, x_k) = "
    assert only(f"{left}{spelling % 'x_j > 0'}$$").verdict == "proved"
    assert only(f"{left}{spelling % 'x_j < 0'}$$").verdict == "refuted"
