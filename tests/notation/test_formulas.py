"""Formulas as they are typed: what their undeclared names are, what is a definition and what a claim."""

import pytest

from symderiv import catalog
from symderiv.notation.errors import NotationError
from symderiv.notation.formulas import Piece, Statement, read_pieces, statements_in
from symderiv.notation.text import definition_to_text, to_text
from symderiv.problem import Problem


def read(*texts: str | Piece) -> tuple[Problem, tuple[Statement, ...]]:
    return read_pieces([each if isinstance(each, Piece) else Piece(each, "formula") for each in texts])


def inputs(problem: Problem) -> dict[str, tuple]:
    return {
        given.name: given.axes if given.label_of is None else (*given.axes, f"place on {given.label_of}")
        for given in problem.inputs
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log(exp(z[i]) / sum(k, exp(z[k]))) = z[i] - log(sum(k, exp(z[k])))", {"z": ("K",)}),
        ("h[i] = sum(j, W[j, i] * x[j]) + b[i]", {"W": ("K", "N"), "x": ("K",), "b": ("N",)}),
        ("sum(k != i, a[k]) = sum(k, a[k]) - c", {"a": ("K",), "c": ()}),
        ("sum(k if t[k] > 0, a[k])", {"t": ("K",), "a": ("K",)}),
        ("max(k, z[k]) - max(a, b)", {"z": ("K",), "a": (), "b": ()}),
        ("where(i == j, a, b) * x[i]", {"a": (), "b": (), "x": ("K",)}),
        ("d(sum(k, x[k]^2), x[j])", {"x": ("K",)}),
        ("K * x[i]", {"K": (), "x": ("N",)}),
        ("L = -log(p[y])", {"p": ("K",), "y": ("place on K",)}),
        ("L = -sum(n, log(p[n, y[n]]))", {"p": ("K", "N"), "y": ("K", "place on N")}),
        ("-log(p[y])", {"p": ("K",)}),
        ("delta(i, j)", {}),
    ],
)
def test_what_undeclared_names_are(text: str, expected: dict[str, tuple]) -> None:
    assert inputs(read(text)[0]) == expected


def test_a_first_equation_for_a_new_name_defines_it_and_any_other_is_a_claim() -> None:
    problem, statements = read(
        "p[i] = exp(z[i]) / sum(k, exp(z[k])); d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])\np[i] = 1"
    )
    assert [each.defines for each in statements] == ["p", "", ""]
    assert [definition_to_text(each) for each in problem.definitions] == [
        "p[i] = exp(z[i]) / sum(k, exp(z[k]))"
    ]
    assert [to_text(side) for side in statements[1].sides] == [
        "d(p[i], z[j])", "p[i] * (delta(i, j) - p[j])",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["x[i] == y[i]", "x[i] = 2 * x[i]", "x[i] + 0 = y[i]", "x[i, i] = y[i]", "x[y[i]] = 1"]
)
def test_what_defines_nothing(text: str) -> None:
    problem, statements = read(text)
    assert not problem.definitions
    assert statements[0].defines == ""


def test_a_declared_name_is_not_defined() -> None:
    problem, statements = read(Piece("y[K]", "--input", "input"), "y[i] = x[i]")
    assert statements[0].defines == ""
    assert inputs(problem) == {"y": ("K",), "x": ("K",)}


def test_the_rest_of_a_chain_that_defines_is_kept() -> None:
    _, (statement,) = read("y[i] = x[i] + x[i] = 2 * x[i]")
    assert statement.defines == "y"
    assert [to_text(side) for side in statement.sides] == ["y[i]", "x[i] + x[i]", "2 * x[i]"]
    assert statement.written == ("y[i]", "x[i] + x[i]", "2 * x[i]")


def test_declarations_assumptions_and_a_base() -> None:
    base = catalog.load("cross_entropy")
    problem, statements = read_pieces(
        [
            Piece("n : N", "--index", "index"),
            Piece("q[i] = sum(n, p[i] * w[n]); r[i] = q[i]^2", "--let", defines=True),
            Piece("sum(n, w[n]) == 1", "--assume", "assume"),
            Piece("q[i] = p[i]", "formula"),
        ],
        base,
    )
    assert inputs(problem) == {**inputs(base), "w": ("N",)}
    assert [each.name for each in problem.definitions] == ["p", "L", "q", "r"]
    assert len(problem.assumptions) == len(base.assumptions) + 1
    assert [each.defines for each in statements] == ["q", "r", ""]


def test_definitions_out_of_order_have_the_output_that_none_uses() -> None:
    problem, _ = read("L = -sum(k, t[k] * log(p[k])); p[i] = exp(z[i]) / sum(k, exp(z[k]))")
    assert problem.output() == "L"


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("a = b; c = d", ["a = b", "c = d"]),
        ("a = b\n  + c\n= d\nf = g", ["a = b\n  + c\n= d", "f = g"]),
        ("f(a;\nb) = 1", ["f(a;\nb) = 1"]),
        ("# nothing\na = b # so; far\n\n", ["a = b # so; far"]),
        ("title  one; two\na = b", ["title  one; two", "a = b"]),
        (" ; ", []),
    ],
)
def test_how_statements_are_divided(text: str, statements: list[str]) -> None:
    assert [each.strip().removeprefix("# nothing\n") for _, each in statements_in(text)] == statements


@pytest.mark.parametrize(
    ("pieces", "place", "message"),
    [
        (["a[i] = "], "formula:1:7", "expected a value on this side"),
        (["x[i] = 1; y[i] = x[i, j]"], "formula:1:18", "x needs 1 index, found 2"),
        (["a = b", "sum(k, x[k]) = sum(k, x[k]"], "formula:1:19", "never closed"),
        ([Piece("i, k", "--index", "index"), "x[i]"], "--index:1:5", "expected :, found the end"),
        ([Piece("x[i] == y[i]", "--let", defines=True)], "--let:1:1", "expected a definition of a new name"),
        ([Piece("", "--let", defines=True)], "--let:1:1", "found nothing"),
        (["x[i] <= y[i]"], "formula:1:6", "found <="),
        (["a[i] + W[i, i] + a[j] * W[i, j, k]"], "formula:1:25", "W needs 2 indices"),
    ],
)
def test_errors_are_told_at_their_place(pieces: list, place: str, message: str) -> None:
    with pytest.raises(NotationError) as error:
        read(*pieces)
    assert str(error.value).startswith(place + ":")
    assert message in str(error.value)
