"""Functions of which every entry is by itself: all samples are worked on as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symderiv.kernels.elementwise import is_elementwise
from symderiv.kernels.emit import compile_function, emit
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.schedule import schedule
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify_source
from symderiv.problem import Problem
from tests.kernels.emitted import module, own, problem

HEAD = "index n : N\nindex k, j : K\ninput x[N, K]\nbatch x\n"


def found(text: Problem) -> dict[str, bool]:
    """For each function of a problem, whether every entry is by itself."""
    specs = functions_of(text)
    return {each.name: is_elementwise(schedule(lower_function(each))) for each in specs}


def test_activations_are_entry_by_entry_and_sums_and_jacobians_are_not() -> None:
    assert found(problem("gelu")) == {
        "gelu": True, "gelu_jacobian_x": False, "gelu_vjp": True, "gelu_jvp": True,
    }  # fmt: skip
    assert not any(found(problem("softmax")).values())
    assert not any(found(problem("layer_norm_affine")).values())


@pytest.mark.parametrize(
    ("formula", "right"),
    [
        ("y[n, k] = tanh(x[n, k])", True),
        ("a[n, k] = x[n, k] ^ 2\ny[n, k] = a[n, k] * exp(-a[n, k])", True),
        ("y[n, k] = where(x[n, k] > 0, x[n, k], 0)", True),
        ("y[n, k] = where(k <= 2, x[n, k], 0)", False),
        ("y[n, k] = x[n, k] * delta(k, 1)", False),
        ("y[n, k] = x[n, k] / K", False),
        ("y[n, k] = x[n, k] / N", False),
        ("y[n, k] = x[n, k] + x[n, 1]", False),
        ("y[n, k] = x[n, k] * sum(j, x[n, j])", False),
        ("y[k, n] = x[n, k] ^ 2", False),
    ],
)
def test_places_and_sizes_make_a_difference(formula: str, right: bool) -> None:
    text = own("case", HEAD + formula)
    assert found(text)["case"] is right


@pytest.mark.parametrize("target", ["numba", "c"])
@pytest.mark.parametrize("formula", ["y[n, k] = tanh(x[n, k]) * x[n, k]", "y[n, k] = x[n, k] / N"])
def test_values_and_gradients_over_three_axes(target: str, formula: str) -> None:
    text = own("three", HEAD + formula)
    assert all(check.ok for check in verify_source(text, target, emit(text, target)))


@pytest.mark.parametrize("target", ["numba", "c"])
def test_one_sample(target: str) -> None:
    x = np.random.default_rng(2).normal(0, 2, (37, 3)).astype(np.float32)
    made: Any = module("gelu", target).gelu
    whole = made(x)
    np.testing.assert_array_equal(made(x[4]), whole[4])
    np.testing.assert_array_equal(made(x[4:5]), whole[4:5])
    np.testing.assert_allclose(whole, module("gelu").gelu(x), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["gelu", "silu", "softplus"])
def test_threads_give_the_same_numbers(name: str, dtype: str) -> None:
    x = np.random.default_rng(3).normal(0, 3, (200003, 3)).astype(dtype)
    made = getattr(module(name, "numba"), name)
    np.testing.assert_array_equal(made(x, threads=3), made(x))


def test_a_size_that_is_known_beforehand() -> None:
    text = problem("tanh")
    x = np.random.default_rng(4).normal(0, 2, (50, 3))
    made = compile_function(text, "numba", sizes={"K": 3})
    np.testing.assert_allclose(made(x), np.tanh(x), rtol=1e-15)


@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        ("numba", "x, out = x.reshape(1, x.size)", "x, out = x[:1]"),
        ("c", "(to - from) * K, x + from * K", "(to - from) * K - 1, x + from * K"),
    ],
)
def test_a_fault_is_noticed(target: str, old: str, new: str) -> None:
    source = emit(problem("gelu"), target)
    broken = source.replace(old, new)
    assert broken != source
    checks = verify_source(problem("gelu"), target, broken, only=("gelu",))
    assert not all(check.ok for check in checks)
