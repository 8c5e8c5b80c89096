"""Everything that is not understood: one sentence, and a caret under the place."""

from __future__ import annotations

import contextlib
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symderiv.notation.errors import NotationError
from symderiv.notation.expression_parser import MAX_BITS
from symderiv.notation.places import MAX_DIGITS
from symderiv.notation.reader import parse_equation, parse_expression, read_problem

HEAD = "index i, j, k : K\ninput z[K], t[K], W[N, K], s\nlabel y : K\n"
PROBLEM = read_problem(HEAD + "p[i] = z[i]", "errors")

# The line below HEAD with a ‸ before the character that the caret must stand under, and words that
# the sentence must hold.
CASES = [
    ("p[i] = ‸zz[i]", "zz is not declared or defined; did you mean z?"),
    ("p[i] = ‸q", "q is not declared or defined"),
    ("p[i] = z‸[i", "never closed"),
    ("p[i] = z[i]‸]", "closes nothing"),
    ("p[i] = (z[i‸)]", "expected ] here, found )"),
    ("p[i] = ‸z[i, j]", "z needs 1 index, found 2 indices"),
    ("p[i] = ‸W[i]", "W needs 2 indices, found 1 index"),
    ("p[i] = ‸z", "matrix notation is not supported yet"),
    ("p[i] = W ‸@ z", "a matrix product is not supported yet"),
    ("p[i] = z[i]‸'", "not supported yet"),
    ("p[i] = ‸s[i]", "s needs no index, found 1 index"),
    ("p[i] = ‸K[i]", "K is an axis, not an array"),
    ("p[i] = z[‸j]", "the index j is neither summed nor on the left side"),
    ("p[i] = z[‸k] * sum(k, z[k])", "the index k is neither summed nor on the left side"),
    ("p[i] = delta(i, ‸j)", "the index j is neither summed nor on the left side"),
    ("p[i] = sum(‸i, z[i])", "give the sum a letter of its own"),
    ("p[i] = sum(k, sum(‸k, z[k]))", "give the sum a letter of its own"),
    ("p[i, ‸i] = 1", "stands twice on the left side"),
    ("p[‸K] = 1", "K is an axis: expected an index letter"),
    ("p[‸1] = 1", "expected an index letter on the left"),
    ("‸p(i) = 1", "expected a name with distinct index letters"),
    ("‸2 = 1", "expected a name with distinct index letters"),
    ("‸s = 1", "s is an input already"),
    ("‸exp[i] = 1", "exp is a reserved word already"),
    ("p[i] = 1\n‸p[j] = 2", "p is already defined"),
    ("‸a = b\nb = a", "a needs b needs a"),
    ("‸a = 2 * a", "a is defined by itself"),
    ("b = 1\n‸a[i] = c * z[i]\nc = sum(k, a[k])", "a needs c needs a"),
    ("p[i] = W[‸i, i]", "the index i ranges over K, but here it is a place on N"),
    ("p[i] = W[‸y, i]", "the label y is a place on K, but this index is on N"),
    ("a[m] = z[m]\nb[m] = W[‸m, 1]", "the index m ranges over K, but here it is a place on N"),
    ("p[‸m] = 1", "the axis of m is not known"),
    ("p[i] = sum(‸n, 1)", "the axis of n is not known"),
    ("p[i] = sum(n, ‸qq)", "qq is not declared or defined"),
    ("p[i] = z[i] / ‸0", "division by zero"),
    ("p[i] = z[i] / (‸1 - 1)", "division by zero"),
    ("p[i] = ‸0^-1", "division by zero"),
    ("p[i] = z[i] / ‸0^(1/3)", "division by zero"),
    ("p[i] = z[i] / ‸(2 - 2)^(1/3)", "division by zero"),
    ("p[i] = z[i]^‸100000", "exponent is too large"),
    ("p[i] = z[i]^(‸1/100000)", "exponent is too large"),
    ("p[i] = (z[i]^900)^‸900", "exponent is too large"),
    ("p[i] = z[i + ‸k]", "the index k is neither summed nor on the left side"),
    ("p[i] = z[‸i / 2]", "expected an index: a letter, a place such as 1, a label, or a sum of them"),
    ("p[i] = z[i + ‸1.5]", "expected a whole number"),
    ("p[i] = z[i + ‸s]", "s is an input and cannot be an index"),
    ("p[i] = exp(‸z[i + 1])", "z[i + 1] may be outside of z here, where no sum leaves it out"),
    ("p[i] = s / ‸z[i + 1]", "write where(i + 1 in K, ..., 0) around what it stands in"),
    ("p[i] = (‸z[i + 1] - z[i])^2", "z[i + 1] may be outside of z here"),
    ("p[i] = prod(k, ‸z[i + k])", "z[i + k] may be outside of z here"),
    ("p = sum(k, log(z[k]) * max(i, ‸z[k + i]))", "z[i + k] may be outside of z here"),
    ("p[i] = where(‸z[i + 1] > 0, 1, 0)", "z[i + 1] may be outside of z here"),
    ("p[i] = where(i + 1 in ‸Q, 1, 0)", "expected an axis after in, but Q is not declared"),
    ("p[i] = where(‸z[i] in K, 1, 0)", "z cannot be an index"),
    ("p[i] = z[‸0]", "expected a place counted from 1, found 0"),
    ("p[i] = z[‸s]", "s is an input and cannot be an index"),
    ("p[i] = z[‸z[i]]", "only labels can"),
    ("function ‸z", "z is an input already"),
    ("p[i] = ‸f(z[i])", "f is not a known function"),
    ("p[i] = ‸ln(z[i])", "did you mean log?"),
    ("p[i] = ‸sigmoyd(z[i])", "did you mean sigmoid?"),
    ("p[i] = ‸s(2)", "s is an input, not a function"),
    ("p[i] = exp ‸z[i]", "write * between factors"),
    ("p[i] = 2 ‸z[i]", "write * between factors"),
    ("p[i] = ‸exp", "needs an argument"),
    ("p[i] =‸", "expected a value, found the end"),
    ("p[i] = z[i] +‸", "expected a value, found the end"),
    ("p[i] = ‸* z[i]", "expected a value, found *"),
    ("p[i]‸", "expected =, found the end"),
    ("p[i] = z[i] ‸== 2", "expected the end of the line, found =="),
    ("p[i] = ‸y", "the label y is a place, not a number"),
    ("p[i] = ‸i", "declare an input that holds them, such as position[i]"),
    ("p[i] = ‸sum(z[i])", "expected sum(k, body)"),
    ("p[i] = sum(‸k + 1, z[k])", "expected an index letter before the body"),
    ("p[i] = sum(‸s, z[i])", "s is an input: sum needs an index letter"),
    ("p[i] = max(‸k != i, z[k])", "takes no condition"),
    ("p[i] = ‸max(z[i])", "max needs 2 arguments, found 1 argument"),
    ("p[i] = ‸exp(1, 2)", "exp needs 1 argument, found 2 arguments"),
    ("p[i] = ‸delta(i)", "expected delta(i, j)"),
    ("p[i] = z[‸i + 1000000 + 1]", "expected whole numbers up to 1000000 in an index"),
    ("p[i] = z[i] * ‸11e-90^3", "the numbers here grow too large"),
    ("p[i] = z[i] * delta(‸2, i - i)", "expected a letter in one of the two places"),
    ("p[i] = where(‸2 == i - i, z[i], 0)", "expected a letter in one of the two places"),
    ("p[i] = where(‸z[i], 1, 2)", "expected a condition"),
    ("p[i] = exp(‸z[i] > 0)", "a condition is not a value"),
    ("p[i] = ‸d(z[i])", "with a variable"),
    ("p[i] = d(z[i], ‸exp(s))", "expected an entry of an array"),
    ("p[i] = ‸{z[i]}", "curly brackets"),
    ("p[i] = ‸\\exp(z[i])", "looks like LaTeX"),
    ("p[i] = ‸|z[i]|", "write abs(x)"),
    ("p[i] = z[i]‸²", "unexpected ²: write ^2"),
    ("p[i] = ‸softmax(z)", "write exp(z[i]) / sum(k, exp(z[k]))"),
    ("p[i] = ‸é", "unexpected é (U+00E9, latin small letter e with acute): this character has no meaning"),
    ("p[i] = ‸%", "unexpected %: this"),
    ("‸inputs x", "did you mean input?"),
    ("input ‸z", "z is an input already"),
    ("input ‸K", "K is an axis already"),
    ("index ‸z : K", "z is an input already"),
    ("index m ‸K", "expected a comma or :"),
    ("title‸", "expected something after title"),
    ("title A\n‸title B", "a second title line"),
    ("p[i] = z[i]\nloss ‸p", "p has indices"),
    ("p = s\nloss ‸z", "the loss must be the output, which is p"),
    ("p[i] = z[i]\nbatch ‸p", "p is not an input"),
    ("p[i] = z[i]\nbatch z, ‸z", "named twice"),
    ("p[i] = z[i]\nupstream L(‸q)", "q is not an array here"),
    ("p[i] = z[i]\nupstream L(p)\nr = ‸L(p)", "L is a function of p: write L alone"),
    ("p[i] = z[i]\nexpect ‸p[i] == 1", "expected a derivative"),
    ("p[i] = z[i]\nexpect ‸d(2 * p[i], z[j]) == 1", "define the expression"),
    ("p[i] = z[i]\nexpect d(p[i], z[j]) == delta(i, ‸k)", "neither summed nor on the left side"),
    ("p[i] = z[i]\nexpect d(p[i], z[j]) ‸= 1", "an equation is written with =="),
    ("p[i] = z[i]\nassume ‸W symmetric", "only a square matrix can be symmetric"),
    ("p[i] = z[i]\nassume ‸p one_hot", "only an input can be one-hot"),
    ("p[i] = z[i]\nassume s in {‸1, 2}", "expected {0, 1} or {-1, 1}"),
    ("p[i] = z[i]\nderive ‸p[i]", "expected a derivative"),
]


@pytest.mark.parametrize(("marked", "sentence"), CASES, ids=[case[0].replace("‸", "") for case in CASES])
def test_sentence_and_caret(marked: str, sentence: str) -> None:
    before, after = marked.split("‸")
    with pytest.raises(NotationError) as caught:
        read_problem(HEAD + before + after, "case", "case.sd")
    error = caught.value
    assert sentence in error.message
    assert error.line == (HEAD + before).count("\n") + 1
    assert error.column == len(before.rpartition("\n")[2]) + 1
    first, shown, caret = str(error).split("\n")
    assert first == f"case.sd:{error.line}:{error.column}: {error.message}"
    assert shown == error.source_line == (before.rpartition("\n")[2] + after.partition("\n")[0])
    assert caret == " " * (error.column - 1) + "^"


def test_place_in_a_continued_line() -> None:
    with pytest.raises(NotationError) as caught:
        read_problem(HEAD + "p[i] = z[i]   # first\n\n    + zz[i]", "case")
    assert (caught.value.line, caught.value.column) == (6, 7)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing here\n", "index i : K"])
def test_a_file_that_defines_nothing(text: str) -> None:
    with pytest.raises(NotationError, match="nothing is defined"):
        read_problem(text, "empty")


@pytest.mark.parametrize("text", ["", "  ", "p[i] ==", "p[i] = 2"])
def test_expressions_and_equations_that_are_none(text: str) -> None:
    for read in (parse_expression, parse_equation):
        with pytest.raises(NotationError):
            read(text, PROBLEM)


def test_long_lines_are_shown_around_the_caret() -> None:
    with pytest.raises(NotationError) as caught:
        parse_expression("s + " * 2000 + "q" + " + s" * 2000, PROBLEM)
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 140
    assert shown[caret.index("^")] == "q"


def test_control_characters_do_not_reach_the_terminal() -> None:
    with pytest.raises(NotationError) as caught:
        parse_expression("s + \x1b[31mq", PROBLEM)
    assert "\x1b" not in str(caught.value)


HOSTILE = {
    "open brackets": "(" * 90_000,
    "nested brackets": "(" * 40_000 + "s" + ")" * 40_000,
    "nested calls": "exp(" * 9_000 + "s" + ")" * 9_000,
    "tower of powers": "s^" * 40_000 + "s",
    "folded powers": "((2^64)^64)^64",
    "large powers": "9^9^9^9",
    "nested quotients": "1/(s+" * 99 + "s" + ")" * 99,
    "many sums": "sum(" + ",".join(f"k_{place}" for place in range(9_000)) + ", s)",
    "long number": "9" * 90_000,
    "large exponent": "1e999999999",
    "small number": "0." + "0" * 90_000 + "1",
    "growing denominators": "+".join(f"1/{place}" for place in range(10_007, 19_000)),
    "growing product": "*".join(["9" * 199] * 400),
    "long name": "a" * 90_000,
    "too long": "s + " * 40_000 + "s",
    "no operators": "s " * 40_000,
    "many arguments": "exp(" + "s," * 40_000 + "s)",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_ends_in_a_sentence_quickly(text: str) -> None:
    start = time.process_time()
    with pytest.raises(NotationError) as caught:
        parse_expression(text, PROBLEM)
    assert len(str(caught.value)) < 500
    assert time.process_time() - start < 10


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="pzWsyijkKd[](),:+-*/^= 012.#\n@'élabsumexptLn", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a NotationError ever comes out."""
    for read in (
        lambda: read_problem(HEAD + text, "any"),
        lambda: read_problem(text, "any"),
        lambda: parse_expression(text, PROBLEM),
    ):
        with contextlib.suppress(NotationError):
            read()


def test_every_space_is_a_space() -> None:
    text = HEAD + "p[i] = z[i] / sum(k, z[k]\n    + s)"
    plain = read_problem(text, "errors")
    for space in (chr(code) for code in range(0x3001) if unicodedata.category(chr(code)) == "Zs"):
        assert read_problem(text.replace(" ", space), "errors") == plain
        with pytest.raises(NotationError) as caught:
            read_problem(HEAD + f"p[i]{space}= q", "errors")
        assert str(caught.value).endswith("\np[i] = q\n       ^")


@pytest.mark.parametrize(
    ("letter", "name"),
    [
        ("\u200b", r"U\+200B \(zero width space\)"), ("\u202e", r"U\+202E \(right-to-left override\)"),
        ("\x07", r"U\+0007 \(a control character\)"), ("\uf8ff", r"U\+F8FF \(a character without a name\)"),
    ],
)  # fmt: skip
def test_what_does_not_print_is_called_by_its_name(letter: str, name: str) -> None:
    with pytest.raises(NotationError, match=f"unexpected {name}: this character has no meaning") as caught:
        read_problem(HEAD + f"p[i] = z{letter}[i]", "errors")
    assert str(caught.value).endswith("\np[i] = z?[i]\n        ^")


def test_a_number_that_may_grow_may_be_written() -> None:
    assert 2**MAX_BITS < 10**MAX_DIGITS
