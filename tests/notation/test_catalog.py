"""The catalogue: every file is complete, and every form it states is true by the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest

from symderiv import catalog
from symderiv.catalog import UnknownProblemError
from symderiv.expression.construct import negate
from symderiv.notation.errors import NotationError
from symderiv.problem import Expectation, Problem
from tests.oracles import differences, generic_oracle, generic_oracles, sizes_to_try

PROBLEMS = [catalog.load(name) for name in catalog.names()]
STATED = [
    pytest.param(problem, each, id=f"{problem.name}-{place}")
    for problem in PROBLEMS
    for place, each in enumerate(problem.expectations)
]


def test_the_names() -> None:
    assert set(catalog.names()) >= {
        "softmax", "log_softmax", "logsumexp", "softmax_layer", "cross_entropy", "cross_entropy_label",
        "softmax_layer_cross_entropy", "mean_square_error", "softmax_any_loss", "entropy",
        "softmax_temperature", "label_smoothing", "layer_norm", "rms_norm", "embedding",
        "cross_entropy_batch", "sigmoid", "tanh", "relu",
        "leaky_relu", "elu", "softplus", "silu", "gelu", "gelu_tanh", "mish", "srelu", "dropout",
        "squared_loss", "cross_entropy_probabilities", "binary_cross_entropy",
        "focal_loss", "multiclass_hinge", "huber", "gaussian_nll",
        "gaussian_nll_variance", "triplet", "distillation", "logistic_loss", "kl_divergence", "info_nce",
        "dpo", "bradley_terry",
        "cross_entropy_z_loss", "nll_probabilities", "label_smoothing_dense", "policy_gradient",
        "reinforce", "causal_attention", "lstm_cell", "gru_cell",
    }  # fmt: skip
    assert list(catalog.names()) == sorted(catalog.names())


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_file_is_complete(problem: Problem) -> None:
    assert problem.title
    assert problem.about.endswith(".")
    assert any(year in problem.source for year in map(str, range(1940, 2026)))
    assert problem.letters or not problem.axes
    assert problem.expectations
    assert all(each.form is not None for each in problem.expectations)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_losses_are_marked(problem: Problem) -> None:
    losses = {
        "cross_entropy", "cross_entropy_label", "cross_entropy_batch", "softmax_layer_cross_entropy",
        "mean_square_error", "label_smoothing", "squared_loss", "cross_entropy_probabilities",
        "binary_cross_entropy", "focal_loss", "multiclass_hinge", "huber", "gaussian_nll",
        "gaussian_nll_variance", "triplet", "distillation", "logistic_loss", "kl_divergence", "info_nce",
        "dpo", "bradley_terry",
        "cross_entropy_z_loss", "nll_probabilities", "label_smoothing_dense", "reinforce",
        "least_squares", "ridge_regression", "matrix_factorisation", "two_layer_network",
        "logistic_regression",
    }  # fmt: skip
    assert problem.loss == (problem.name in losses)


@pytest.mark.parametrize(("problem", "stated"), STATED)
def test_stated_forms_are_true(problem: Problem, stated: Expectation) -> None:
    assert stated.form is not None
    normalised = ["t"] if stated.assuming else []
    oracles = [
        oracle
        for sizes in sizes_to_try(problem)
        for oracle in generic_oracles(problem, sizes, seed=5, normalised=normalised)
    ]
    wrong = 0
    for oracle in oracles:
        for assumption in stated.assuming:
            assert not differences(oracle, assumption.left, assumption.right)
        assert not differences(oracle, stated.derivative, stated.form)
        wrong += bool(differences(oracle, stated.derivative, negate(stated.form)))
    if not wrong:  # gates that see values of one sign alone are open or closed, to all digits
        oracle = generic_oracle(problem, sizes_to_try(problem)[1], signs=(1, -1))
        assert not differences(oracle, stated.derivative, stated.form)
        wrong += bool(differences(oracle, stated.derivative, negate(stated.form)))
    assert wrong  # not always: at K = 1 a softmax is constant, and on one side a hinge is zero


def test_the_output_is_the_last_definition() -> None:
    assert catalog.load("logsumexp").output() == "L"
    assert catalog.load("softmax_any_loss").output() == "L"
    assert catalog.load("layer_norm").output() == "x_hat"


def test_unknown_names_are_told_the_near_ones() -> None:
    with pytest.raises(UnknownProblemError, match=r"Did you mean .*cross_entropy"):
        catalog.load("cross-entrpy")
    with pytest.raises(UnknownProblemError, match=r"Known: .*softmax"):
        catalog.load("qqq")


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.sd"
    path.write_text("\ufeffinput z[K]\r\np[i] = 2 * z[i]\r\n", encoding="utf-8")
    problem = catalog.load(path)
    assert problem.name == "mine"
    assert problem == catalog.load(str(path))
    path.write_text("p[i] = z[i]\n")
    with pytest.raises(NotationError) as caught:
        catalog.load(str(path))
    assert str(caught.value).startswith(f"{path}:1:8: ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownProblemError, match="There is no file"):
        catalog.load(tmp_path / "none.sd")
    folder = tmp_path / "folder.sd"
    folder.mkdir()
    with pytest.raises(UnknownProblemError, match="it is a folder"):
        catalog.load(folder)
    latin = tmp_path / "latin.sd"
    latin.write_bytes("title é\n".encode("latin-1"))
    with pytest.raises(UnknownProblemError, match=r"not a text in UTF-8 \(byte 7"):
        catalog.load(latin)
    long = tmp_path / "long.sd"
    long.write_text("a" * 500_000)
    with pytest.raises(NotationError, match="more than 50000 characters"):
        catalog.load(long)
    with pytest.raises(UnknownProblemError, match="cannot be read"):
        catalog.load("with\0null.sd")
