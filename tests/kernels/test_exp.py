"""The functions that compiled modules bring along, exp and log first: errors, and the edges."""

from __future__ import annotations

import re

import numba
import numpy as np
import pytest
from mpmath import mp

from symderiv.kernels.emit import emit, load_source
from symderiv.kernels.registry import target_named
from tests.kernels.emitted import module, own

#: What the modules say of them, and what the bounds of verification count.
STATED = target_named("numba").errors["exp"]
STATED_OF_LOG = target_named("numba").errors["log"]
PLAIN = "index i : K\ninput x[K]\ny[i] = exp(x[i])\n"


def applied(function: object, values: np.ndarray) -> np.ndarray:
    """A helper of an emitted module, compiled in a loop as kernels use it."""

    @numba.njit(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
    def loop(values, out):
        for place in range(values.size):
            out[place] = function(values[place])

    out = np.empty_like(values)
    loop(values, out)
    return out


@pytest.fixture(scope="module")
def helpers() -> dict[str, object]:
    plain = load_source(emit(own("plain_exp", PLAIN), "numba"))
    labels = module("cross_entropy_label", "numba")
    return {"any": plain._exp, "negative": labels._exp_of_negative, "log": labels._log}


@pytest.mark.parametrize("kind", ["any", "negative"])
def test_error_in_float32(kind: str, helpers: dict[str, object]) -> None:
    """At a third of a million floats of all sizes; float64's exp is exact enough to judge them."""
    bits = np.random.default_rng(3).integers(0, 2**32, 400_000, np.uint32)
    values = bits.view(np.float32)
    values = values[(np.abs(values) < 88.7) & (values > -87.33)]
    values = np.concatenate((values, np.linspace(-87.33, 88.72, 300_001, dtype=np.float32)))
    if kind == "negative":
        values = values[values <= 0]
    exact = np.exp(values.astype(np.float64))
    error = np.abs(applied(helpers[kind], values) / exact - 1) / np.finfo(np.float32).eps
    assert 0.4 < error.max() <= STATED


@pytest.mark.parametrize("kind", ["any", "negative"])
def test_error_in_float64(kind: str, helpers: dict[str, object]) -> None:
    source = np.random.default_rng(4)
    values = np.concatenate((source.uniform(-708.3, 709.7, 2000), source.uniform(-1, 1, 2000)))
    if kind == "negative":
        values = -np.abs(values)[np.abs(values) < 708.3]
    with mp.workprec(100):
        found = applied(helpers[kind], values)
        errors = [
            abs((mp.mpf(float(got)) - mp.exp(mp.mpf(float(value)))) / mp.exp(mp.mpf(float(value))))
            for got, value in zip(found, values, strict=True)
        ]
        assert 0.4 < float(max(errors)) / np.finfo(np.float64).eps <= STATED


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edges(dtype: type, helpers: dict[str, object]) -> None:
    info = np.finfo(dtype)
    least, most = float(np.log(info.tiny)), float(np.log(info.max))
    values = np.array([0, -0.0, -np.inf, np.inf, np.nan, most + 1, least * 1.3, -info.max, info.max], dtype)
    expected = [1, 1, 0, np.inf, np.nan, np.inf, 0, 0, np.inf]
    np.testing.assert_array_equal(applied(helpers["any"], values), np.array(expected, dtype))
    # Below the smallest normal number: gradually to 0, or 0 at once.
    below = np.array([least - 2], dtype)
    assert abs(applied(helpers["any"], below)[0] - np.exp(below)[0]) <= info.smallest_subnormal
    values = np.array([0, -0.0, -np.inf, np.nan, least - 2, -info.max], dtype)
    np.testing.assert_array_equal(
        applied(helpers["negative"], values), np.array([1, 1, 0, np.nan, 0, 0], dtype)
    )


def test_logarithm(helpers: dict[str, object]) -> None:
    source = np.random.default_rng(5)
    bits = source.integers(1, 0x7F800000, 300_000, np.uint32)  # subnormal numbers included
    values = np.concatenate((bits.view(np.float32), np.linspace(0.5, 2, 200_000, dtype=np.float32)))
    values = values[values != 1]
    exact = np.log(values.astype(np.float64))
    error = np.abs(applied(helpers["log"], values) / exact - 1) / np.finfo(np.float32).eps
    assert 0.4 < error.max() <= STATED_OF_LOG
    doubles = np.concatenate((np.exp(source.uniform(-744, 709, 1500)), source.uniform(0.5, 2, 2500)))
    with mp.workprec(100):
        found = applied(helpers["log"], doubles)
        exact_ones = [mp.log(mp.mpf(float(value))) for value in doubles]
        worst = max(abs((mp.mpf(float(a)) - b) / b) for a, b in zip(found, exact_ones, strict=True))
        assert 0.4 < float(worst) / np.finfo(np.float64).eps <= STATED_OF_LOG


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edges_of_logarithm(dtype: type, helpers: dict[str, object]) -> None:
    values = np.array([0, -0.0, -1, np.inf, -np.inf, np.nan, 1], dtype)
    expected = np.array([-np.inf, -np.inf, np.nan, np.inf, np.nan, np.nan, 0], dtype)
    np.testing.assert_array_equal(applied(helpers["log"], values), expected)


# -- exp(u) - 1, tanh, erf and 1 - erf ------------------------------------------------------

#: What the docstrings of the helpers say of their errors, in eps, and a range for each dtype.
OTHERS = {
    "expm1": (mp.expm1, 2, (-30, 88), (-50, 700)),
    "tanh": (mp.tanh, 2, (-12, 12), (-22, 22)),
    "erf": (mp.erf, 2, (-5, 5), (-7, 7)),
    "erfc": (mp.erfc, 3, (-5, 9), (-7, 26)),
}
EACH = "index i : K\ninput x[K]\na[i] = exp(x[i]) - 1\nb[i] = 1 - erf(x[i])\nc[i] = erf(x[i])\n"


@pytest.fixture(scope="module")
def others() -> object:
    return load_source(emit(own("others", EACH + "y[i] = tanh(x[i]) + a[i] + b[i] + c[i]\n"), "numba"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OTHERS)
def test_error_and_edges_of_others(name: str, dtype: type, others: object) -> None:
    exactly, stated, *ranges = OTHERS[name]
    function = getattr(others, f"_{name}")
    assert f"within {stated} eps" in getattr(others, f"_{name}_32").__doc__
    assert stated <= target_named("numba").errors.get(name, 2)  # as verification counts
    source = np.random.default_rng(6)
    small = np.exp(source.uniform(-60, 0, 300)) * source.choice([-1, 1], 300)
    values = np.concatenate(
        (source.uniform(*ranges[dtype is np.float64], 800), source.uniform(-1, 1, 800), small)
    ).astype(dtype)
    edges = np.array([0, np.inf, -np.inf, np.nan, np.finfo(dtype).max, -np.finfo(dtype).max], dtype)
    found = applied(function, np.concatenate((values, edges)))
    with mp.workprec(120):
        exact = [exactly(mp.mpf(float(value))) for value in values]
        worst = max(abs((mp.mpf(float(a)) - b) / b) for a, b in zip(found, exact, strict=False))
        assert 0.4 < float(worst) / np.finfo(dtype).eps <= stated
    limits = {"expm1": (0, np.inf, -1), "tanh": (0, 1, -1), "erf": (0, 1, -1), "erfc": (1, 0, 2)}
    at_0, above, below = limits[name]
    np.testing.assert_array_equal(found[len(values) :], [at_0, above, below, np.nan, above, below])


@pytest.mark.parametrize("formula", ["tanh(x[i])", "x[i] * (1 + erf(x[i])) / 2", "exp(min(x[i], 0)) - 1"])
def test_no_function_of_a_library_is_called(formula: str) -> None:
    text = f"index i, j : K\ninput x[K]\nbatch x\ny[i] = {formula}\nderive d(y[i], x[j])\n"
    source = emit(own("elementwise", text), "numba")
    assert not re.search(r"math\.(exp|tanh|erf)", source)
