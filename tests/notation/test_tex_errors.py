r"""Formulas that are not understood: one sentence, a caret at the place; hostile input is refused in time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symderiv.notation.errors import NotationError
from symderiv.notation.tex import parse_latex_chains, problem_from_latex
from tests.notation.tex_problem import PROBLEM

# A ‸ stands before the character that the caret must be under.
CASES = [
    ("s + ‸w", "w is not declared or defined"),
    (r"‸\hat{z}_i", "z_hat"),
    ("‸x_{ij}", "x needs 1 index, found 2 indices"),
    ("‸s_i", "s needs no index, found 1 index"),
    (r"x_{‸a}", "the index a ranges over N, but this index is on K"),
    (r"x_{‸K}", "K is a size and cannot be an index"),
    (r"x_{‸s}", "cannot be an index: only labels can"),
    (r"x_{‸i/2}", "the index i/2 is not supported yet"),
    # A bracket that opens nothing in braces ends no equation there.
    (r"x_{‸i) = s}", "the index i) = s is not supported yet"),
    (r"x_{‸i) \\ s}", "is not supported yet"),
    (r"‸\mathbf{1} = s", "the size of a vector of ones is not known here"),
    (r"\log ‸x_{i+1}", "x[i + 1] may be outside of x here"),
    ("‸y + 1", "the label y is a place, not a number"),
    ("s ‸i", "the index i has no value by itself"),
    ("‸(s + r", "this ( is never closed"),
    ("s + r‸)", "expected an operator or the end"),
    ("(s + r‸]", "expected )"),
    ("‸{s", "this { is never closed"),
    ("s‸}", "this } closes nothing"),
    ("s +‸", "expected a value, found the end"),
    ("s =‸ ", "expected a value on this side"),
    (r"\frac‸{}{2}", "expected what stands"),
    (r"\frac{s}‸", "expected what stands below the line, found the end"),
    (r"‸\foo s", r"the command \foo is not known here"),
    ("s ‸# r", "unexpected #: this character has no meaning here"),
    ("s ‸\u0445", "unexpected \u0445 (U+0445, cyrillic small letter ha): this"),
    ("s ‸$ r", "without its $ signs"),
    (r"s^2‸^3", "a second superscript"),
    (r"e^‸-s", "put it in braces"),
    (r"‸\sum x_k W_{ai}", "over which index is this sum?"),
    (r"‸\sum s", "over which index is this sum?"),
    (r"‸\mathbb{E}[x]", "write the sum over the outcomes"),
    (r"\left. s^2 \right|_‸{s=1}", "a value taken at a point is not supported yet"),
    (r"‸\partial L", r"expected \frac{\partial ..}{\partial ..}"),
    (r"‸KL(p \| u)", "have no KL: the shapes differ"),
    (r"‸CE(p, s)", "CE needs two arrays, found a column of size K and a number"),
    (r"\|x\|_‸3", "only the norms with 1, 2"),
    (r"\operatorname{erf}''(‸2s)", "at a name only"),
    (r"\sum_{k=1}^{‸N} x_k", "expected K: the index k ranges over K"),
    (r"\sum_{k=1}^{‸C} x_k", "C is not declared"),
    (r"\sum_{‸s} x_k", "s is a number: expected an index letter"),
    (r"\sum_{‸h} s", "the axis of the index h is not known"),
    (r"\sum_{k \in ‸S} x_k", "a set is understood as an array of marks only"),
    (r"\sum_{k \in ‸u} x_k", "a set is understood as an array of marks only"),
    (r"\frac{\partial p_i}{‸z_j}", r"expected \partial above and below the line, found z"),
    (r"\frac{‸p_i}{\partial z_j}", r"expected \partial above and below the line, found p"),
    (r"\frac{\partial^2 L}{‸\partial z_j}", "order 2 above the line, but 1 below"),
    (r"\frac{\partial L}{\partial (‸s + r)}", "expected an entry of an array"),
    (r"\frac{\partial s ‸+ r}{\partial s}", "put brackets around the sum"),
    (r"\frac{\partial}{\partial s}‸", "expected what is differentiated, found the end"),
    (r"\frac{\partial s}{\partial ‸G}", "G is unspecified: it cannot be differentiated by"),
    (r"‸\nabla L", r"by what is this the gradient?"),
    (r"\log‸", "expected the argument of log"),
    (r"\sin^{‸-1} s", "two meanings"),
    (r"\begin{cases} s & i = j \\ ‸r & i > j \end{cases}", r"let the last one be \text{otherwise}"),
    (r"\begin{cases} ‸s \\ r & i = j \end{cases}", "only the last row can go without a condition"),
    (r"‸\begin{pmatrix} s \end{pmatrix}", "pmatrix is not supported yet"),
    (r"\begin{‸theorem} s \end{theorem}", "the environment theorem is not known"),
    (r"\begin{cases} s ‸}", r"expected \end{cases} here, found }"),
    (r"s ‸< r < T", "only = is judged"),
    (r"s ‸\approx r", "only = is judged"),
    (r"[s < r ‸< T]", "two signs"),
    (r"‸s / 0", "division by zero"),
    (r"‸2^{100000}", "exponent is too large"),
    (r"x_1 + ‸\dots + x_3", "dots leave open what is meant"),
    (r"W ‸u", "does not conform"),
    (r"x ‸u", "a column of size K times a column of size N does not conform"),
    (r"x + ‸u", "a column of size N cannot be added to a column of size K"),
    (r"‸W^{-1}", "an array of size N×K has no inverse: only a square matrix has one"),
    (r"‸\det(x)", "a column of size K has no determinant"),
    (r"‸(A + s I)^{-1}", "the inverse of a named matrix only is understood here: define this one"),
    (r"‸A^{-2}", "this power of an array of size K×K is not supported yet"),
    (r"A + ‸s", "a number cannot be added to an array"),
    (r"x = ‸u", "a column of size N cannot equal a column of size K"),
    (r"(x - z)_{‸i, j}", "which takes 1 index"),
    (r"‸", "expected a formula, found nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "sentence"), CASES, ids=[case[0].replace("‸", "") for case in CASES])
def test_sentence_and_caret(marked: str, sentence: str) -> None:
    before, after = marked.split("‸")
    with pytest.raises(NotationError) as caught:
        parse_latex_chains(before + after, PROBLEM, path="note.md")
    assert sentence in caught.value.message
    assert (caught.value.line, caught.value.column) == (1, len(before) + 1)
    shown = str(caught.value).split("\n")
    assert shown[0].startswith(f"note.md:1:{len(before) + 1}: ")
    assert shown[2] == " " * len(before) + "^"


def test_line_and_column_of_a_later_line() -> None:
    with pytest.raises(NotationError) as caught:
        parse_latex_chains("\\begin{align}\n s &= r \\\\\n   &= w\n\\end{align}", PROBLEM)
    assert (caught.value.line, caught.value.column) == (3, 7)


def in_problem(latex: str) -> object:
    return parse_latex_chains(latex, PROBLEM)


def refusal(read: Callable[[str], object], latex: str) -> NotationError | None:
    """The error of a reader; any exception but the one that is meant for the user goes through."""
    try:
        read(latex)
    except NotationError as error:
        return error
    return None


DEEP = 3000
HOSTILE = {
    "brackets": "(" * DEEP + "s" + ")" * DEEP,
    "some brackets": "(" * 45 + "s" + ")" * 45,
    "braces": "{" * 90 + "s" + "}" * 90,
    "many braces": "{" * DEEP + "s" + "}" * DEEP,
    "fractions": r"\frac{1}{" * DEEP + "s" + "}" * DEEP,
    "some fractions": r"\frac{1}{" * 45 + "s" + "}" * 45,
    "powers": "s^{" * 45 + "s" + "}" * 45,
    "subscripts": "x_{" * 95 + "i" + "}" * 95,
    "braces in a subscript": "x_" + "{" * 95 + "i" + "}" * 95,
    "accents": r"\hat" * DEEP + "s",
    "accents in braces": r"\hat{" * 95 + "s" + "}" * 95,
    "sums": r"\sum_k" * DEEP + "x_k",
    "some sums": r"\sum_k" * 90 + "x_k",
    "functions": r"\log" * DEEP + "s",
    "some functions": r"\log" * 90 + "s",
    "operators": r"\partial_s" * 900 + "s",
    "minus": "-" * 5000 + "s",
    "bars": "|" * 2000,
    "bars and letters": "|s" * 2000,
    "factors": "s " * 5000,
    "terms": "s+" * 5000 + "s",
    "equations": "s=" * 2000 + "s",
    "boxes": r"\boxed{s=" * DEEP + "s" + "}" * DEEP,
    "cases": r"\begin{cases} s & " * 90 + "s" + r"\end{cases}" * 90,
    "calls": "p(" * 2000,
    "open brackets": "[" * 5000,
    "a long number": "9" * 15000,
    "a long word": "a" * 15000,
    "long": "s" * 30000,
    "towers": "9^{9^{9^{9^9}}}",
    "a large power": "2^{999}" * 40,
    "rows": r"\\" * 5000 + "s",
    "commas": "s," * 4000,
    "a bracket open in a brace": r"W_{ai} + {x_c}_{(ai} + {(s} + r)",
    "not printable": "s \x07 r",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_soon_and_in_one_sentence(name: str) -> None:
    start = time.process_time()
    for read in (in_problem, problem_from_latex):
        refused = refusal(read, HOSTILE[name])
        assert refused is None or 0 < len(str(refused)) < 500
    assert time.process_time() - start < 5


PIECES = [
    r"\frac", r"\partial", r"\sum", "_", "^", "{", "}", "(", ")", "[", "]", "|", r"\left", r"\right",
    "x", "i", "k", "s", "=", "+", "-", ",", "&", r"\\", r"\begin{cases}", r"\end{cases}", r"\text{if}",
    r"\log", "e", "1", "'", r"\hat", r"\delta", r"\mathbf", r"\nabla", r"\pdv", r"\sqrt", r"\max",
    r"\neq", r"\quad", r"\|", r"\langle", "T", r"\boxed", r"\over", "d", r"\sigma", ".", "/", r"\{",
    r"\}", "A", "I", r"\top", "p", "y",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_any_mixture_is_read_or_refused(latex: str) -> None:
    for read in (in_problem, problem_from_latex):
        refused = refusal(read, latex)
        assert refused is None or (refused.message and refused.column >= 1)
