"""Sizes that are given beforehand: right results, and no other arrays taken."""

from __future__ import annotations

import numpy as np
import pytest

from symderiv.arguments import UsageError, parse_sizes
from symderiv.kernels.emit import compile_function, emit
from symderiv.kernels.errors import KernelError
from symderiv.kernels.verify import verify_source
from tests.kernels.emitted import PYTHON, problem


@pytest.mark.parametrize("target", PYTHON)
@pytest.mark.parametrize(("name", "sizes"), [("cross_entropy_label", {"K": 10}), ("layer_norm", {"K": 7})])
def test_results_are_right(target: str, name: str, sizes: dict[str, int]) -> None:
    source = emit(problem(name), target, sizes)
    assert f'"K": {sizes["K"]}' in source
    if target == "numba":
        assert f"    K = {sizes['K']}  # " in source
    dtypes = ("float32",) if target == "numba" else ("float32", "float64")
    checks = verify_source(problem(name), target, source, dtypes=dtypes, sizes=sizes, large=False)
    assert checks
    assert all(each.sizes["K"] == sizes["K"] for each in checks)
    assert [str(each) for each in checks if not each.ok] == []


@pytest.mark.parametrize("target", PYTHON)
def test_arrays_of_other_sizes_are_refused(target: str) -> None:
    softmax = compile_function(problem("softmax"), target, sizes={"K": 3})
    assert softmax(np.zeros((2, 3))) == pytest.approx(1 / 3)
    sentence = "z: expected 3 places along K, which this file is for, found 4"
    for z in (np.zeros((2, 4)), np.zeros(4)):
        with pytest.raises(ValueError, match=sentence):
            softmax(z)
        with pytest.raises(ValueError, match=sentence):
            softmax(z, out=np.empty_like(z))
    label = compile_function(problem("cross_entropy_label"), target, sizes={"K": 3})
    with pytest.raises(ValueError, match="y: expected labels from 0 to 2, found 3"):
        label(np.zeros((2, 3)), np.array([0, 3]))


def test_what_is_no_size_of_an_axis_is_told() -> None:
    with pytest.raises(KernelError, match=r"sizes: expected an axis of softmax \(K\), found 'J'"):
        emit(problem("softmax"), "numba", {"J": 3})
    with pytest.raises(KernelError, match="sizes: expected a whole number of at least 1 for K, found 0"):
        emit(problem("softmax"), "numba", {"K": 0})
    assert parse_sizes(["K=50257"], 10**6) == {"K": 50257}
    with pytest.raises(UsageError, match="expected at most 64 for K, found '50257': an explicit result"):
        parse_sizes(["K=50257"])
