"""What docstrings say of infinities, NaN, the largest and the smallest numbers, and whether it is so."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from symderiv.kernels.function_spec import FunctionSpec
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.names import identifier
from symderiv.kernels.specification import functions_of
from tests.kernels.emitted import module, problem

TARGETS = ("numpy", "numba", "c")
#: Entries whose exponents are the scores themselves; most modules are compiled for other tests too.
ENTRIES = ("softmax", "cross_entropy_label", "cross_entropy", "logsumexp")
SAFE, NAN = "Any finite exponents are safe", "or that has a +inf or a NaN among them"
FLUSHED = "Exponentials below the smallest normal number"
PLACES = 5
#: Compiled for these tests alone, and so in one dtype: the text is one for both, and what has constants of
#: its own for each, the exponential and the logarithm, is in the other modules as well.
ONCE = {("cross_entropy", "numba"), ("logsumexp", "numba")}


def promising(name: str) -> list[FunctionSpec]:
    """The functions of an entry that promise something: all their exponentials are less a maximum."""
    specs = functions_of(problem(name))
    return [spec for spec in of_exponents(specs) if lower_function(spec).shifted]


def of_exponents(specs: tuple[FunctionSpec, ...]) -> Iterator[FunctionSpec]:
    for spec in specs:
        if any(each.name in spec.exponents for each in spec.arguments):
            yield spec


def rows_of_scores(dtype: type) -> tuple[np.ndarray, dict[str, int]]:
    """One sample of each kind, and which sample it is."""
    huge, small = (3e38, 1e-40) if dtype is np.float32 else (1.7e308, 1e-310)
    kinds = {
        "largest": [huge, -huge, huge, 0.0, -huge],
        "smallest": [small, -small, 0.0, 2 * small, 3 * small],
        "some -inf": [1.0, -np.inf, 0.5, 2.0, -np.inf],
        "all -inf": [-np.inf] * PLACES,
        "+inf": [0.0, np.inf, 1.0, 2.0, 3.0],
        "NaN": [0.0, 1.0, np.nan, 2.0, 3.0],
        "ordinary": [0.5, -1.0, 2.0, 0.0, 1.5],
    }
    return np.array(list(kinds.values()), dtype), {kind: row for row, kind in enumerate(kinds)}


def called(function: object, spec: FunctionSpec, scores: np.ndarray) -> list[np.ndarray]:
    """What the function gives for these scores, sample by sample: labels and weights stay with the first."""
    arguments = []
    for each in spec.arguments:
        if each.name in spec.exponents:
            arguments.append(scores)
        elif each.kind == "label":
            arguments.append(np.zeros(len(scores), np.int64))
        else:
            weights = np.zeros((len(scores), PLACES), scores.dtype)
            weights[:, 0] = 1
            arguments.append(weights if len(each.axes) == 2 else weights[:, 0].copy())
    options = {"reduction": "none"} if "none" in spec.reductions else {}
    got = function(*arguments, **options)
    parts = got if isinstance(got, tuple) else (got,)
    return [np.reshape(part, (len(scores), -1)) for part in parts if np.ndim(part)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ENTRIES)
def test_what_docstrings_promise(name: str, target: str) -> None:
    emitted = module(name, target)
    specs = promising(name)
    assert specs
    for spec in specs:
        function = getattr(emitted, identifier(spec.name))
        if target != "c":
            assert SAFE in function.__doc__
            assert NAN in function.__doc__
            assert (FLUSHED in function.__doc__) is (target == "numba")
        for dtype in (np.float32,) if (name, target) in ONCE else (np.float32, np.float64):
            scores, row = rows_of_scores(dtype)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                results = called(function, spec, scores)
            assert results
            for result in results:
                told = f"{spec.name}, {dtype.__name__}"
                for kind in ("largest", "smallest", "some -inf", "ordinary"):
                    assert not np.isnan(result[row[kind]]).any(), f"{told}: {kind}"
                for kind in ("all -inf", "+inf", "NaN"):
                    assert np.isnan(result[row[kind]]).all(), f"{told}: {kind}"


@pytest.mark.parametrize("target", TARGETS)
def test_exponentials_below_the_smallest_normal_number(target: str) -> None:
    """Gradually to 0 in NumPy, at once where the file says so."""
    for dtype, far in ((np.float32, -90.0), (np.float64, -710.0)):
        p = module("softmax", target).softmax(np.array([0.0, far, -1.0], dtype))
        assert (p[1] == 0) is np.bool_(target != "numpy")
        assert p[1] < np.finfo(dtype).tiny
