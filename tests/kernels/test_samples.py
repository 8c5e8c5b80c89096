"""An axis of samples that a problem writes out gets the kernels of a batch, where samples are independent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symderiv.kernels import samples as own_samples
from symderiv.kernels.emit import emit
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify, verify_source
from symderiv.problem import Problem
from tests.kernels.emitted import dtypes_of, module, own, problem, source

TARGETS = ("numpy", "numba", "c")
RNG = np.random.default_rng(17)


def taken(made: Problem) -> dict[str, tuple[str, str]]:
    """The axis of samples and the reduction of each function, by the end of its name."""
    return {
        spec.name.removeprefix(made.name): (spec.batch.axis if spec.batch else "", spec.reduced)
        for spec in functions_of(made)
    }


def reference(z: Any, y: Any) -> tuple[float, Any]:
    """The mean cross-entropy and its gradient, in float64."""
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(z))
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[rows, y].mean(), gradient / len(z)


# -- the emitted files ----------------------------------------------------------------------------


def test_no_buffer_is_kept_for_all_samples() -> None:
    assert taken(problem("cross_entropy_batch")) == {"": ("B", "mean"), "_value_and_gradient": ("B", "mean")}
    numba = source("cross_entropy_batch", "numba")
    assert "(B, K), losses.dtype" not in numba
    assert "# of all samples" not in numba
    for way in ("_by_blocks(", "_by_chunks(", "_compiled["):
        assert (
            f"_cross_entropy_batch_value_and_gradient{'' if way == '_compiled[' else '_kernel'}{way}" in numba
        )
    assert "_in_blocks(_cross_entropy_batch_value_and_gradient_rows" in source("cross_entropy_batch", "numpy")
    c = source("cross_entropy_batch", "c")
    body = c.split("ptrdiff_t cross_entropy_batch_value_and_gradient_work(ptrdiff_t B, ptrdiff_t K)\n", 1)[1]
    assert "return B;" in body[: body.index("}")]


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_called_stays_the_same(target: str) -> None:
    """No reduction can be chosen, the value is one number, and the axis cannot be left out."""
    made, layer = module("cross_entropy_batch", target), module("softmax_layer_batch", target)
    z, y = RNG.normal(size=(3, 4)), np.array([0, 3, 1])
    assert np.ndim(made.cross_entropy_batch(z, y)) == 0
    if target != "c":  # there, the functions are wrapped for the tests
        with pytest.raises(TypeError, match="reduction"):
            made.cross_entropy_batch(z, y, reduction="sum")
        assert "leave it out" not in source("cross_entropy_batch", target)
    with pytest.raises(ValueError, match=r"z: expected axes \(B, K\)"):
        made.cross_entropy_batch_value_and_gradient(z[0], y[0])
    with pytest.raises(ValueError, match=r"Z: expected axes \(N, K\)"):
        layer.softmax_layer_batch(z[0])


# -- the numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 1), (35, 3), (70, 600), (3, 30000)])
def test_values_and_gradients(target: str, shape: tuple[int, int]) -> None:
    """By blocks of samples and with some left over, along columns, by chunks; with -inf among the scores."""
    made = module("cross_entropy_batch", target)
    z, y = RNG.normal(0, 3, shape), RNG.integers(0, shape[1], shape[0])
    z[RNG.random(shape) < 0.1] = -np.inf
    z[np.arange(shape[0]), y] = 1
    value, gradient = reference(z, y)
    np.testing.assert_allclose(made.cross_entropy_batch(z, y), value, rtol=1e-12)
    found, dz = made.cross_entropy_batch_value_and_gradient(z, y)
    np.testing.assert_allclose(found, value, rtol=1e-12)
    np.testing.assert_allclose(dz, gradient, rtol=1e-11, atol=1e-18)


@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_the_numbers_are_those_of_a_batch_line(target: str) -> None:
    written, said = module("cross_entropy_batch", target), module("cross_entropy_label", target)
    z, y = RNG.normal(0, 3, (83, 12)).astype(np.float32), RNG.integers(0, 12, 83)
    value, gradient = written.cross_entropy_batch_value_and_gradient(z, y)
    other, same = said.cross_entropy_label_value_and_gradient(z, y, reduction="mean")
    assert value.dtype == other.dtype == np.float32
    assert value == other
    np.testing.assert_array_equal(gradient, same)


@pytest.mark.parametrize(("samples", "target"), [(40, "numpy"), (1, "numba"), (1, "c"), (40, "c")])
def test_so_many_samples_and_no_others(samples: int, target: str) -> None:
    """A part of the samples is not what such a file is for, so that no threads share them."""
    made = problem("softmax_layer_batch")
    assert "threads=" not in emit(made, target, {"N": samples})
    assert "threads=" not in emit(made, "numba", {"N": 40})
    checks = verify(made, target, sizes={"N": samples}, dtypes=("float32",))
    assert {each.sizes["N"] for each in checks} == {samples}
    assert [str(each) for each in checks if not each.ok] == []


def test_threads_share_the_samples() -> None:
    made = module("cross_entropy_batch", "numba")
    z, y = RNG.normal(0, 3, (104869, 5)), RNG.integers(0, 5, 104869)
    value, gradient = made.cross_entropy_batch_value_and_gradient(z, y)
    found, dz = made.cross_entropy_batch_value_and_gradient(z, y, threads=3)
    assert found == value
    np.testing.assert_array_equal(dz, gradient)


# -- problems that are written so -----------------------------------------------------------------

HEAD = """
index b : B
index t : T
index i, j, k : K
input {inputs}
label {labels}
loss L
{lines}
"""


def written(name: str, inputs: str, lines: str, labels: str = "y[B] : K") -> Problem:
    return own(name, HEAD.format(inputs=inputs, labels=labels, lines=lines))


SHARES = "p[b, i] = exp(z[b, i]) / sum(k, exp(z[b, k]))\n"
INDEPENDENT = {
    "weighted": written(
        "weighted", "z[B, K], w[B], c",
        f"{SHARES}l[b] = -log(p[b, y[b]])\nS = sum(b, w[b]^2 * l[b])\n"
        "L = c^2 * S / (2 * B)\nderive d(L, z[b, j])",
    ),
    "two_parts": written(
        "two_parts", "z[B, K], eps",
        f"{SHARES}L = -(1 - eps) * sum(b, log(p[b, y[b]])) - eps / K * sum(b, k, log(p[b, k]))\n"
        "derive d(L, z[b, j])",
    ),
    "divergence_of_rows": written(
        "divergence_of_rows", "z[B, K], q[B, K]",
        f"{SHARES}L = sum(k, b, q[b, k] * (log(q[b, k]) - log(p[b, k]))) / B\nderive d(L, z[b, j])",
    ),
    "sequence": written(
        "sequence", "z[B, T, K]",
        "p[b, t, i] = exp(z[b, t, i]) / sum(k, exp(z[b, t, k]))\n"
        "L = -sum(b, t, log(p[b, t, y[b, t]])) / (B * T)\nderive d(L, z[b, t, j])", "y[B, T] : K",
    ),
    "of_no_name": written(
        "of_no_name", "z[B, K]", "L = sum(b, log(sum(k, exp(z[b, k]))))\nderive d(L, z[b, j])"
    ),
}  # fmt: skip
#: What Numba compiles of each takes it a quarter of a minute.
TRIED = [(name, target) for name in INDEPENDENT for target in TARGETS]
TRIED = [each for each in TRIED if each[1] != "numba" or each[0] in ("weighted", "sequence")]
REDUCED = dict.fromkeys(INDEPENDENT, "mean") | {"two_parts": "sum", "of_no_name": "sum"}


@pytest.mark.parametrize(("name", "target"), TRIED)
def test_losses_of_independent_samples(name: str, target: str) -> None:
    made = INDEPENDENT[name]
    assert taken(made) == dict.fromkeys(["", "_value_and_gradient"], ("B", REDUCED[name]))
    checks = verify(made, target, dtypes=dtypes_of(target), large=False)
    assert checks
    assert [str(each) for each in checks if not each.ok] == []


def test_a_derivative_of_a_mean_counts_each_sample() -> None:
    """No loss is returned there, but what each sample counts is still 1 over their number."""
    made = own(
        "score",
        "index b : B\nindex i, k : K\ninput z[B, K]\n"
        "L = sum(b, log(sum(k, exp(z[b, k])))) / B\nderive d(L, z[b, k])",
    )
    assert taken(made)["_gradient_z"] == ("B", "mean")
    for target in ("numpy", "c"):
        checks = verify(made, target, dtypes=dtypes_of(target), large=False)
        assert [str(each) for each in checks if not each.ok] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('_reduced(losses, "mean")', '_reduced(losses, "sum")'), ("dtype.type(1 / B)", "dtype.type(1)")],
)
def test_a_wrong_weight_is_found(right: str, wrong: str) -> None:
    made = problem("cross_entropy_batch")
    text = source("cross_entropy_batch", "numpy")
    assert right in text
    checks = verify_source(made, "numpy", text.replace(right, wrong), large=False)
    assert any(not each.ok for each in checks)


# -- samples that need each other -----------------------------------------------------------------

COUPLED = {
    "another_letter": "l[b] = log(sum(k, exp(z[b, k])))\n"
    "L = sum(a, sum(b, l[a] * l[b]))\nderive d(L, z[b, j])",
    "neighbours": "L = sum(b, log(sum(k, exp(z[b, k] + z[b + 1, k]))))\nderive d(L, z[b, j])",
    "mean_of_all": "m[k] = sum(b, z[b, k]) / B\n"
    "L = sum(b, log(sum(k, exp(z[b, k] - m[k]))))\nderive d(L, z[b, j])",
    "largest": "L = max(b, log(sum(k, exp(z[b, k]))))\nderive d(L, z[b, j])",
    "product": "L = prod(b, log(sum(k, exp(z[b, k]))))\nderive d(L, z[b, j])",
    "square_of_the_sum": "L = sum(b, log(sum(k, exp(z[b, k]))))^2\nderive d(L, z[b, j])",
    "two_weights": "L = sum(b, log(sum(k, exp(z[b, k])))) / B + sum(b, k, z[b, k]^2)\nderive d(L, z[b, j])",
    "root_of_the_number": "L = sum(b, log(sum(k, exp(z[b, k])))) / sqrt(B)\nderive d(L, z[b, j])",
    "number_in_a_sample": "L = sum(b, log(sum(k, exp(z[b, k] / B))))\nderive d(L, z[b, j])",
    "place_of_a_sample": "L = sum(b, log(sum(k, exp(z[b, k]))) * z[1, 1])\nderive d(L, z[b, j])",
    "sum_beside": "L = sum(b, log(sum(k, exp(z[b, k])))) / B + T^2\nderive d(L, z[b, j])",
    "columns": "L = sum(k, log(sum(b, exp(z[b, k]))))\nderive d(L, z[b, j])",
}


@pytest.mark.parametrize("name", COUPLED)
def test_samples_that_need_each_other_are_left_together(name: str) -> None:
    made = coupled(name)
    assert set(taken(made).values()) == {("", "")}
    checks = verify(made, "numpy", dtypes=("float64",), large=False)
    assert [str(each) for each in checks if not each.ok] == []


def coupled(name: str) -> Problem:
    return own(name, f"index a, b : B\nindex i, j, k : K\ninput z[B, K], T\nloss L\n{COUPLED[name]}")


@pytest.mark.parametrize(
    "name", ["batch_norm", "info_nce", "least_squares", "linear_layer_batch", "embedding"]
)
def test_of_the_catalogue_too(name: str) -> None:
    """Coupled, or a product with a matrix, which is done for all samples together."""
    assert {spec.reduced for spec in functions_of(problem(name))} == {""}
    assert not any(spec.batch for spec in functions_of(problem(name)) if not problem(name).batched)


def test_labels_of_samples_point_from_one_to_another() -> None:
    made = written(
        "looked_up", "z[B, K]", "L = sum(k, log(sum(b, exp(z[b, k])) * exp(z[y[k], k])))", "y[K] : B"
    )
    assert set(taken(made).values()) == {("", "")}


def test_variables_that_samples_share_have_no_part_in_each() -> None:
    made = own("shared", "index b : B\nindex k : K\ninput z[B, K], T\nloss L\n"
               "L = sum(b, log(sum(k, exp(z[b, k] / T)))) / B\nderive d(L, T)")  # fmt: skip
    assert taken(made) == {"": ("B", "mean"), "_value_and_gradient": ("", "")}


@pytest.mark.parametrize("name", ["neighbours", "mean_of_all", "number_in_a_sample", "place_of_a_sample"])
def test_taking_the_letter_off_is_what_tells(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look at what is left, these would be taken for independent."""
    monkeypatch.setattr(own_samples._Samples, "_speaks_of_samples", lambda *_: False)
    monkeypatch.setattr(own_samples, "staged", lambda _: None)
    monkeypatch.setattr(own_samples, "lower_function", lambda spec: spec)
    forward = functions_of.__wrapped__(coupled(name))[0]
    assert forward.batch is not None
