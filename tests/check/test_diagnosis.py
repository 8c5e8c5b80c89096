"""The diagnosis of generated mistakes: formulas of the catalogue, changed in one place."""

import pytest

from symderiv import catalog
from symderiv.check.diagnosis import DIAGNOSES, diagnose, written_out
from symderiv.check.repairs import WORDS
from symderiv.notation.reader import parse_expression
from symderiv.notation.text import to_text

CASES = [
    ("cross_entropy", "d(L, z[j])", "p[j] * sum(k, t[k]) + t[j]", "sign"),
    ("cross_entropy", "d(L, z[j])", "p[j] * t[j] - t[j]", "inner sum dropped"),
    ("cross_entropy", "d(L, z[j])", "p[j] * sum(k, t[j]) - t[j]", "swapped index"),
    ("softmax_layer", "d(h[t], W[j, i])", "h[t] * (delta(t, i) - h[i])", "chain factor lost"),
    ("softmax_layer", "d(h[t], W[j, i])", "x[j] * h[t] * (1 - h[i])", "delta dropped"),
    ("softmax_layer", "d(h[t], W[j, i])", "x[j] * h[i] * (delta(t, i) - h[i])", "swapped index"),
    ("softmax_layer", "d(h[t], W[j, i])", "x[j] * h[t] * (delta(t, i) - h[i]) / N", "size factor"),
    ("softmax_layer", "d(h[t], x[j])", "h[t] * (W[j, t] - h[t] * W[j, t])", "inner sum dropped"),
    ("softmax_layer", "d(h[t], x[j])", "h[t] * (W[j, t] - sum(i, h[i]))", "chain factor lost"),
    ("layer_norm", "d(x_hat[i], x[j])", "delta(i, j) - 1 / K - x_hat[i] * x_hat[j] / K", "chain factor lost"),
    (
        "layer_norm", "d(x_hat[i], x[j])", "(delta(i, j) - 1 / K - x_hat[i] * x_hat[j]) / sigma",
        "size factor",
    ),
    (
        "layer_norm", "d(x_hat[i], x[j])", "(delta(i, j) - 1 / K - x_hat[i] * x_hat[j] / K) / sigma^2",
        "wrong exponent",
    ),
    ("layer_norm", "d(x_hat[i], x[j])", "(delta(i, j) - x_hat[i] * x_hat[j] / K) / sigma", "wrong term"),
    ("softmax_any_loss", "d(L, z[k])", "y[k] * (d(L, y[k]) - d(L, y[k]) * y[k])", "inner sum dropped"),
    ("softmax_any_loss", "d(L, z[k])", "d(L, y[k]) - sum(j, d(L, y[j]) * y[j])", "chain factor lost"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "left", "right", "word"), CASES)
def test_one_mistake_is_named_and_undone(name: str, left: str, right: str, word: str) -> None:
    problem = catalog.load(name)
    side = parse_expression(left, problem)
    (form,) = [each.form for each in problem.expectations if each.derivative == side and not each.assuming]
    found = diagnose(problem, side, parse_expression(right, problem), form=form)
    assert (found.word, found.right_form is not None) == (word, True)


def test_what_is_no_single_mistake_is_unknown() -> None:
    problem = catalog.load("softmax")
    found = diagnose(
        problem, parse_expression("d(p[i], z[j])", problem), parse_expression("exp(z[i])^3 + z[j]", problem)
    )
    assert (found.word, found.right_form) == ("unknown", None)


def test_every_word_of_a_repair_is_documented() -> None:
    assert set(WORDS) - {"captured index", "term missing"} <= set(DIAGNOSES)


def test_brackets_are_multiplied_out() -> None:
    problem = catalog.load("softmax")
    terms = written_out(parse_expression("p[i] * (delta(i, j) - p[j])", problem))
    assert [to_text(term) for term in terms] == ["p[i] * delta(i, j)", "-p[i] * p[j]"]
