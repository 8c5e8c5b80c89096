"""Every emitted function against the oracle's value of what it means."""

from __future__ import annotations

from itertools import product

import pytest

import symderiv as sd
from symderiv import catalog
from symderiv.kernels.checker import Checker
from symderiv.kernels.emit import emit
from symderiv.kernels.reference import chosen
from symderiv.kernels.specification import functions_of
from symderiv.kernels.trials import FEW, trials
from symderiv.kernels.verify import Check, _without_unused, verify, verify_source
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


def test_inputs_that_nothing_uses_take_no_values_in_verification() -> None:
    names = range(300)
    text = f"input {','.join(f'x{n}[A{n}]' for n in names)}\ny[i] = exp(x7[i])\n"
    problem = sd.parse(text)
    specs = functions_of(problem)
    kept = _without_unused(problem, specs)
    assert [each.name for each in kept.inputs] == ["x7"]
    trials = Checker(kept, specs[0], {}, {}, {}).trials(large=True)
    assert {axis for each in trials for axis in each.sizes} == {"A7"}
    checks = verify_source(problem, "numpy", emit(problem, "numpy"))
    assert checks
    assert all(each.ok for each in checks)


def test_a_long_axis_is_less_long_where_an_array_has_it_twice() -> None:
    def longest(name: str) -> set[int]:
        made = problem(name)
        return {
            max(each.sizes.values())
            for spec in functions_of(made)
            for each in Checker(made, spec, {}, {}, {}).trials(large=True)
            if each.entries == FEW
        }

    assert longest("attention_head") == {1000}
    assert longest("causal_attention") == longest("info_nce") == {100}


def test_what_is_wrong_only_where_a_matrix_is_large_is_noticed() -> None:
    text = source("causal_attention", "numpy")
    right = "places_M > places_M[:, None]"
    spoilt = text.replace(right, f"{right} + (M > 50)")
    assert spoilt != text
    options = {"dtypes": ("float64",), "only": ("causal_attention",)}
    assert not wrong(verify_source(problem("causal_attention"), "numpy", text, **options))
    found = verify_source(problem("causal_attention"), "numpy", spoilt, **options)
    assert {max(each.sizes.values()) for each in found if not each.ok} == {100}


def test_where_rows_are_done_by_blocks_an_entry_of_each_is_judged() -> None:
    made = problem("attention_head")
    forward = functions_of(made)[0]
    trial = next(each for each in Checker(made, forward, {}, {}, {}).of_rows(35) if each.sizes["M"] == 35)
    shape = [trial.sizes[axis] for axis in forward.results[0].axes]
    assert {place[:2] for place in chosen(shape, trial.entries)} == set(product(range(2), range(35)))


def test_of_very_many_axes_each_two_have_different_sizes_in_one_of_the_trials() -> None:
    axes = [f"A{n}" for n in range(800)]
    _, first, second = trials(axes, "", "A0", large=False)
    assert len({(first.sizes[axis], second.sizes[axis]) for axis in axes}) == len(axes)
    assert max(*first.sizes.values(), *second.sizes.values()) < 40
    few, other = trials(axes[:20], "", "A0", large=False)[1:3]
    assert len(set(few.sizes.values())) == len(set(other.sizes.values())) == 20
