"""Every emitted function against the oracle's value of what it means."""

from __future__ import annotations

import pytest

from symderiv import catalog
from symderiv.kernels.verify import Check, verify, verify_source
from tests.kernels.emitted import OWN, own, problem, source

#: Compiling is slow: these are compiled in both dtypes, the rest by `symderiv build`.
COMPILED = ("softmax", "cross_entropy_label", "softmax_layer")


def wrong(checks: list[Check]) -> list[str]:
    return [str(check) for check in checks if not check.ok]


@pytest.mark.parametrize("name", catalog.names())
def test_numpy_module_is_right(name: str) -> None:
    checks = verify_source(problem(name), "numpy", source(name, "numpy"), large=False)
    assert not wrong(checks)
    assert {check.dtype for check in checks} == {"float32", "float64"}
    assert any(all(size == 1 for size in check.sizes.values()) for check in checks)
    assert any("out given" in check.kind for check in checks)
    if problem(name).batched:
        assert any("one sample" in check.kind for check in checks)


@pytest.mark.parametrize("name", OWN)
def test_own_problem_is_right(name: str) -> None:
    assert not wrong(verify(own(name, OWN[name]), "numpy", large=False))


@pytest.mark.parametrize("name", ["softmax", "cross_entropy_label"])
def test_long_axis(name: str) -> None:
    checks = verify_source(problem(name), "numpy", source(name, "numpy"))
    assert any(1000 in check.sizes.values() for check in checks)
    assert not wrong(checks)


@pytest.mark.parametrize("name", COMPILED)
def test_numba_module_is_right(name: str) -> None:
    assert not wrong(verify_source(problem(name), "numba", source(name, "numba"), large=False))


@pytest.mark.parametrize("name", ["logistic", "branches", "divergence", "causal", "total_variation"])
def test_own_problem_compiled(name: str) -> None:
    assert not wrong(verify(own(name, OWN[name]), "numba", large=False, dtypes=("float32",)))
