"""The functions that emitted C brings along: errors, edges, and that they become vectors."""

from __future__ import annotations

import ctypes
import re
import subprocess

import numpy as np
import pytest
from mpmath import mp

from symderiv.kernels.c_library import FLAGS, compile_c, compiler
from symderiv.kernels.emit import emit
from symderiv.kernels.registry import target_named
from tests.kernels.emitted import own, problem
from tests.kernels.test_exp import OTHERS

ERRORS = {name: record[1] for name, record in OTHERS.items()} | {"exp": 1, "log": 1, "softplus": 2}
EXACT = {name: record[0] for name, record in OTHERS.items()} | {
    "exp": mp.exp,
    "log": mp.log,
    "softplus": lambda u: mp.log1p(mp.exp(u)),
}
RANGES = {name: record[2:] for name, record in OTHERS.items()} | {
    "exp": ((-87, 88), (-708, 709)),
    "log": ((1e-30, 1e30), (1e-300, 1e300)),
    "softplus": ((-80, 90), (-700, 800)),
}
#: At 0, inf, -inf, NaN and the largest numbers of both signs.
EDGES = {
    "expm1": (0, np.inf, -1, np.nan, np.inf, -1),
    "tanh": (0, 1, -1, np.nan, 1, -1),
    "erf": (0, 1, -1, np.nan, 1, -1),
    "erfc": (1, 0, 2, np.nan, 0, 2),
    "exp": (1, np.inf, 0, np.nan, np.inf, 0),
    "log": (-np.inf, np.inf, np.nan, np.nan, None, np.nan),
    "softplus": (None, np.inf, 0, np.nan, None, 0),
}
EVERY = (
    "index i : K\ninput x[K]\na[i] = exp(x[i]) - 1\nb[i] = 1 - erf(x[i])\nc[i] = erf(x[i]) + exp(2 * x[i])\n"
    "y[i] = tanh(x[i]) + a[i] + b[i] + c[i] + log(x[i]) + softplus(x[i])\n"
)
APPLIED = """
void try_{name}_{short}(ptrdiff_t count, const {type} *restrict u, {type} *restrict out)
{{
    for (ptrdiff_t place = 0; place < count; place++)
        out[place] = {short}_{name}(u[place]);
}}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[ctypes.CDLL, str]:
    """Loops over each function, compiled; and which of them became vectors, as GCC says."""
    text = emit(own("every", EVERY), "c")
    for name in ERRORS:
        for short, kind in (("f32", "float"), ("f64", "double")):
            text += APPLIED.format(name=name, short=short, type=kind)
    path, said = compile_c(text, tmp_path_factory.mktemp("c"), "every", (*FLAGS, "-fopt-info-vec"))
    lines = text.splitlines()
    vectors = {int(number) for number in re.findall(r"every\.c:(\d+):.*loop vectorized", said)}
    return ctypes.CDLL(str(path)), "\n".join(lines[number] for number in sorted(vectors))


def applied(library: ctypes.CDLL, name: str, values: np.ndarray) -> np.ndarray:
    out = np.empty_like(values)
    function = library[f"try_{name}_{'f32' if values.dtype == np.float32 else 'f64'}"]
    function(
        *(ctypes.c_ssize_t(values.size), ctypes.c_void_p(values.ctypes.data)),
        ctypes.c_void_p(out.ctypes.data),
    )
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ERRORS)
def test_error_and_edges(name: str, dtype: type, library: tuple[ctypes.CDLL, str]) -> None:
    assert ERRORS[name] <= target_named("c").errors.get(name, 2)  # as verification counts
    source = np.random.default_rng(6)
    info, (low, high) = np.finfo(dtype), RANGES[name][dtype is np.float64]
    tiny = np.exp(source.uniform(-60, 0, 300)) * source.choice([-1, 1], 300)
    values = np.concatenate((source.uniform(low, high, 800), source.uniform(-1, 1, 800), tiny)).astype(dtype)
    if name == "log":
        values = np.abs(
            np.concatenate((values, np.exp(source.uniform(np.log(info.tiny), 0, 300)).astype(dtype)))
        )
        values = np.concatenate((values, np.array([info.smallest_subnormal, info.tiny / 4], dtype)))
    edges = np.array([0, np.inf, -np.inf, np.nan, info.max, -info.max], dtype)
    found = applied(library[0], name, np.concatenate((values, edges)))
    with mp.workprec(150):
        exact = [EXACT[name](mp.mpf(float(value))) for value in values]
        worst = max(abs((mp.mpf(float(a)) - b) / b) for a, b in zip(found, exact, strict=False) if b)
        assert 0.4 < float(worst) / info.eps <= ERRORS[name]
    for got, expected in zip(found[len(values) :], EDGES[name], strict=True):
        if expected is not None:
            np.testing.assert_array_equal(got, expected)
    if name in ("tanh", "erf", "expm1"):  # where they are u itself, or a multiple, down to the last number
        least = np.array([info.smallest_subnormal, info.tiny / 8, -info.tiny / 8], dtype)
        exact = np.array([float(EXACT[name](mp.mpf(float(value)))) for value in least], dtype)
        assert np.all(np.abs(applied(library[0], name, least) - exact) <= info.smallest_subnormal)


@pytest.mark.parametrize("name", ERRORS)
def test_becomes_vectors(name: str, library: tuple[ctypes.CDLL, str]) -> None:
    said = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=False).stdout
    if "Free Software Foundation" not in said:
        pytest.skip("only GCC reports its vectors so")
    for short in ("f32", "f64"):
        assert f"out[place] = {short}_{name}(u[place]);" in library[1]


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "softplus", "elu", "lstm_cell"])
def test_no_function_of_a_library_is_called(name: str) -> None:
    source = re.sub(r"/\*.*?\*/", "", emit(problem(name), "c"), flags=re.DOTALL)
    assert not re.search(r"\b(exp|expm1|log|log1p|tanh|erf|erfc)f?\(", source)
