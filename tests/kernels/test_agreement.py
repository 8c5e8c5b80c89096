"""Two ways of one function are compared at every entry, also at those that no reference looks at."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from symderiv.kernels.agreement import same_everywhere, together_and_alone
from symderiv.kernels.checker import Check, Checker
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify_source
from tests.kernels.emitted import module, problem, source


def in_blocks(text: str, kernel: str, right: str, wrong: str) -> str:
    """The text with one change in the kernel of a function that works by blocks."""
    found = re.search(rf"^def {kernel}\b.*?^(?=\S)(?!def {kernel})", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    assert right in found[0]
    return text.replace(found[0], found[0].replace(right, wrong))


def faults(checks: Sequence[Check]) -> set[str]:
    return {each.kind for each in checks if not each.ok}


def test_a_fault_in_one_row_of_each_block_of_a_gradient_is_noticed() -> None:
    right = "P[row, n] * (P_bar[row, n] - sum_P_bar_P)"
    text = in_blocks(
        source("attention_head", "numba"),
        "_attention_head_gradient_step_1_by_blocks",
        right,
        f"real(row != 30) * {right}",
    )
    options = {"dtypes": ("float32",), "large": False, "only": ("attention_head_gradient",)}
    checks = verify_source(problem("attention_head"), "numba", text, **options)
    assert faults(checks) == {"N(0, 3), as where sizes are large, with many rows"}


def test_a_fault_in_one_sample_of_each_block_is_noticed() -> None:
    right = "out[row, i] = scale * each_out[row, i]"
    text = in_blocks(
        source("softmax", "numba"),
        "_softmax_kernel_by_blocks",
        right,
        right.replace("= ", "= real(row != 11) * ", 1),
    )
    options = {"dtypes": ("float32",), "large": False, "only": ("softmax",)}
    checks = verify_source(problem("softmax"), "numba", text, **options)
    assert faults(checks) == {"N(0, 3), sample by sample"}


@pytest.mark.parametrize("name", ["softmax", "cross_entropy_label", "kl_divergence", "linear_layer"])
@pytest.mark.parametrize("target", ["numpy", "numba", "c"])
def test_many_samples_give_what_each_gives(name: str, target: str) -> None:
    made = module(name, target)
    compared = 0
    for spec in functions_of(problem(name)):
        checker = Checker(problem(name), spec, {}, {}, {})
        ways = together_and_alone(spec, getattr(made, spec.name))
        for trial in checker.of_batch(7) if ways else ():
            (check,) = same_everywhere(checker, ways, trial, "float64", "sample by sample")
            assert check.ok, check
            compared += 1
    assert compared >= 2


def test_where_samples_are_summed_nothing_is_compared() -> None:
    by_name = {each.name: each for each in functions_of(problem("linear_layer"))}
    assert together_and_alone(by_name["linear_layer"], print) is not None
    assert together_and_alone(by_name["linear_layer_vjp"], print) is None


def test_what_differs_in_shape_or_is_nan_in_one_way_only_is_told() -> None:
    spec = functions_of(problem("softmax"))[0]
    checker = Checker(problem("softmax"), spec, {}, {}, {})
    (trial,) = checker.of_batch(7)
    softmax = module("softmax").softmax

    def told(other: object) -> str:
        (check,) = same_everywhere(checker, (other, softmax), trial, "float64", "changed")
        return "" if check.ok else check.detail

    def with_nan(z: np.ndarray) -> np.ndarray:
        p = softmax(z)
        p[3, 1] = np.nan
        return p

    def failing(z: np.ndarray) -> np.ndarray:
        raise RuntimeError("no")

    assert told(softmax) == ""
    assert told(lambda z: softmax(z) * (1 + 1e-12)) == ""
    assert "at (0, 0)" in told(lambda z: softmax(z) + 1e-6)
    assert "at (3, 1)" in told(with_nan)
    assert told(lambda z: softmax(z)[:3])
    assert told(lambda z: softmax(z).astype("float32"))
    assert told(failing) == "raises RuntimeError: no"
