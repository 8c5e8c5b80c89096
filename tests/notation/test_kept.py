"""Nothing that is written vanishes while it is read: its bounds and its divisions still count."""

import pytest

from symderiv.expression.oracle import FLOATS, Oracle, OracleError
from symderiv.notation.errors import NotationError
from symderiv.notation.latex import to_latex
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.tex import parse_latex
from symderiv.notation.text import to_text
from symderiv.proof import prove

PROBLEM = read_problem("index i : N\ninput x[N], a, b, c\ny = sum(i, x[i]) + a + b + c", "kept")
SIZE = 4
VALUES = {
    "x": {(place,): place + 2.0 for place in range(SIZE)},
    "a": {(): 3.0},
    "b": {(): 5.0},
    "c": {(): 0.0},
}
#: In text and in LaTeX, and the value where x has 4 entries; None where there is none.
WRITTEN = (
    ("sum(i, 0 * x[i + 1] + 1)", r"\sum_i (0 x_{i+1} + 1)", SIZE - 1),
    ("sum(i, x[i + 1]^0)", r"\sum_i x_{i+1}^0", SIZE - 1),
    ("sum(i, 1^x[i - 1])", r"\sum_i 1^{x_{i-1}}", SIZE - 1),
    ("sum(i, 2 - x[i + 2] * 0 - x[i - 1]^0)", r"\sum_i (2 - x_{i+2} \cdot 0 - x_{i-1}^0)", SIZE - 3),
    ("sum(i, 0 / x[i + 1] + 1)", r"\sum_i (\frac{0}{x_{i+1}} + 1)", SIZE - 1),
    ("sum(i, a + -(0 * x[i + 1]))", r"\sum_i (a - (0 x_{i+1}))", 3 * (SIZE - 1)),
    ("sum(i, 1 + step'(x[i + 1]))", None, SIZE - 1),
    ("0 / c", r"\frac{0}{c}", None),
    ("(1 / c)^0", r"(1/c)^0", None),
    ("a / (b / c)", r"\frac{a}{b / c}", None),
    ("(1 / c)^(-1)", r"(1/c)^{-1}", None),
    ("a / (b / (a * b))", r"\frac{a}{b / (a b)}", 9),
)  # fmt: skip


@pytest.mark.parametrize(("text", "latex", "value"), WRITTEN, ids=[text for text, _, _ in WRITTEN])
def test_what_is_written_counts(text: str, latex: str | None, value: int | None) -> None:
    read = [parse_expression(text, PROBLEM)]
    if latex is not None:
        read.append(parse_latex(latex, PROBLEM))
    read += [parse_expression(to_text(read[0]), PROBLEM), parse_latex(to_latex(read[0]), PROBLEM)]
    for tree in read:
        oracle = Oracle({"N": SIZE}, VALUES, (), {}, FLOATS)
        if value is None:
            with pytest.raises((OracleError, ZeroDivisionError)):
                oracle.evaluate(tree)
        else:
            assert oracle.evaluate(tree) == value, to_text(tree)


@pytest.mark.parametrize("read", [parse_expression, parse_latex])
@pytest.mark.parametrize("formula", ["1 / (0 * a)", "(0 * a)^(-1)", "0^(-1)"])
def test_a_division_by_nothing_is_refused(read: object, formula: str) -> None:
    written = formula if read is parse_expression else formula.replace("*", "").replace("(-1)", "{-1}")
    assert callable(read)
    with pytest.raises(NotationError, match="division by zero"):
        read(written, PROBLEM)


def test_what_is_kept_is_claimed_only_where_it_has_a_value() -> None:
    def judged(left: str, right: str) -> tuple[str, tuple[str, ...]]:
        verdict = prove(parse_expression(left, PROBLEM), parse_expression(right, PROBLEM), PROBLEM)
        return verdict.kind, verdict.domain

    assert judged("0 / a", "0") == ("proved", ("a ≠ 0",))
    assert judged("1 / (1 / a)", "a") == ("proved", ("a ≠ 0",))
    assert judged("a / (b / c)", "a * c / b") == ("proved", ("b ≠ 0", "c ≠ 0"))
    assert judged("sum(i, x[i + 1]^0)", "N")[0] == "refuted"
    assert judged("sum(i, 0 * x[i + 1] + 1)", "N")[0] == "refuted"
    assert judged("sum(i, x[i]^0)", "N")[0] == "proved"
