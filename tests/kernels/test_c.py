"""The C target: it compiles without a word, gives right results, and is what its header says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from symderiv import catalog
from symderiv.kernels import c_library
from symderiv.kernels.c_library import FLAGS, WARNINGS, NoCompilerError, compile_c, compiler, load_c
from symderiv.kernels.emit import compile_function, emit, emit_files
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify, verify_source
from tests.kernels.emitted import OWN, module, own, problem, source

#: Without code, which is what takes time; the models below are optimised too.
LOOK_ONLY = ("-std=c11", "-fsyntax-only", *WARNINGS)
MODELS = ("softmax", "cross_entropy_label", "layer_norm", "convolution", "embedding")
NAMES = (
    "lgamma",
    "y0",
    "j1",
    "double",
    "register",
    "I",
    "lane",
    "first",
    "work",
    "f32_exp",
    "row",
    "template",
)


def loaded(name: str, function: str = ""):
    """One function of a problem, of a module that is compiled once."""
    return getattr(module(name, "c"), function or name)


def wrong(checks) -> list[str]:
    return [str(check) for check in checks if not check.ok]


@pytest.fixture
def hardly_optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    """C with a fault is wrong however it is compiled, and -O3 is what takes time."""

    def quickly(text: str, folder: Path, name: str, flags: Sequence[str]) -> tuple[Path, str]:
        return compile_c(text, folder, name, ["-Og" if each == "-O3" else each for each in flags])

    monkeypatch.setattr(c_library, "compile_c", quickly)


def said(text: str, folder: Path, name: str, *flags: str) -> str:
    """What the compiler says of a file."""
    return compile_c(text, folder, name, flags)[1]


# -- compiling ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*catalog.names(), *OWN])
def test_compiles_without_a_warning(name: str, tmp_path: Path) -> None:
    text = emit(own(name, OWN[name]), "c") if name in OWN else source(name, "c")
    assert said(text, tmp_path, "file", *LOOK_ONLY) == ""


@pytest.mark.parametrize("name", MODELS)
def test_optimised_without_a_warning(name: str, tmp_path: Path) -> None:
    assert said(source(name, "c"), tmp_path, "file", *FLAGS, *WARNINGS) == ""


def test_a_warning_would_be_seen(tmp_path: Path) -> None:
    spoilt = source("softmax", "c").replace("ptrdiff_t first = 0;", "int first = K;")
    assert "conversion" in said(spoilt, tmp_path, "file", *LOOK_ONLY)


def test_two_files_are_one_program(tmp_path: Path) -> None:
    parts = emit_files(problem("softmax"), "c", "soft")
    assert list(parts) == [".h", ".c"]
    for suffix, text in parts.items():
        (tmp_path / f"soft{suffix}").write_text(text)
    main = '#include "soft.h"\nint main(void)\n{\n    float z[2] = {0, 0}, p[2];\n    softmax_f32(1, 2, z, p%s);\n    return p[0] == 0.5f ? 0 : 1;\n}\n'  # fmt: skip # noqa: E501
    work = ", (float[64]){0}" if "softmax_work(" in parts[".h"] else ""
    (tmp_path / "main.c").write_text(main % work)
    command = [compiler(), "-std=c11", *WARNINGS, "-o", "main", "main.c", "soft.c", "-lm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0


def test_vectors_are_made_of_the_exponentials(tmp_path: Path) -> None:
    if (
        "Free Software Foundation"
        not in subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=False).stdout
    ):
        pytest.skip("only GCC reports its vectors so")
    text = source("softmax", "c")
    report = said(text, tmp_path, "file", *FLAGS, "-fopt-info-vec")
    vectors = {int(number) for number in re.findall(r"file\.c:(\d+):.*loop vectorized", report)}
    lines = text.splitlines()
    calls = [number for number, line in enumerate(lines, 1) if re.search(r"f(32|64)_exp\w*\(z", line)]
    in_lanes = [number for number in calls if "for (ptrdiff_t k = first" not in lines[number - 2]]
    assert len(in_lanes) >= 4
    for number in in_lanes:
        assert vectors & set(range(number - 4, number)), lines[number - 1]


def test_fast_math_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="found -ffast-math"):
        compile_c(source("softmax", "c"), tmp_path, "file", (*FLAGS, "-ffast-math"))


def test_what_is_not_asked_for_is_not_compiled() -> None:
    text = c_library.narrowed_c(source("softmax", "c"), ("softmax_vjp",), ("float64",))
    made = load_c(text, "softmax", functions_of(problem("softmax")))
    assert set(vars(made)) == {"softmax_vjp"}
    assert set(made.softmax_vjp.entries) == {"float64"}
    p, g = np.random.default_rng(2).random((2, 40, 7))
    np.testing.assert_array_equal(made.softmax_vjp(p, g), loaded("softmax", "softmax_vjp")(p, g))
    alone = verify_source(problem("softmax"), "c", source("softmax", "c"), large=False, only=("softmax_jvp",))
    assert {each.function for each in alone} == {"softmax_jvp"}
    assert not wrong(alone)


# -- results --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["softmax", "cross_entropy_label", "softmax_layer"])
def test_c_is_right(name: str) -> None:
    checks = verify_source(problem(name), "c", source(name, "c"), large=name == "softmax")
    assert not wrong(checks)
    assert {check.dtype for check in checks} == {"float32", "float64"}
    assert any("one sample" in check.kind for check in checks)
    assert any("out given" in check.kind for check in checks)


@pytest.mark.parametrize("name", ["branches", "causal", "logistic", "hostile", "total_variation"])
def test_own_problem_is_right(name: str) -> None:
    assert not wrong(verify(own(name, OWN[name]), "c", large=False))


@pytest.mark.parametrize(
    ("dtype", "old", "new"),
    [
        ("float32", "1.66663654e-1f", "1.66e-1f"),
        ("float32", "lane < again ? 0.0f : s_term", "s_term"),
        ("float32", "k = first; k < K; k++", "k = first; k < K - 1; k++"),
        ("float32", "- m[row - start])", "+ m[row - start])"),
        ("float32", "1.0f / s[row - start]", "1.0f / s[0]"),
        ("float32", "lanes[lane] += lanes[lane + 4]", "lanes[lane] += lanes[lane + 3]"),
        # Long rows, one by one: those of 1000 places in double.
        ("float64", "first + F64_LANES <= end", "first + F64_LANES <= end - 2 * F64_LANES"),
        ("float64", "begin < K; begin += CHUNK", "begin < K; begin += CHUNK + 1"),
        ("float64", "1.0 / s;", "1.0 / m;"),
    ],
)
@pytest.mark.usefixtures("hardly_optimised")
def test_a_fault_is_noticed(dtype: str, old: str, new: str) -> None:
    text = source("softmax", "c").replace("CHUNK = 1024", "CHUNK = 256")
    assert old in text
    assert wrong(verify_source(problem("softmax"), "c", text.replace(old, new), dtypes=(dtype,)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("z_rows[lane * K", "z_rows[(lane ^ 1) * K"),
        ("out_rows[lane * K", "out_rows[(lane ^ 1) * K"),
        ("1.0f / s[lane]", "1.0f / s[lane ^ 1]"),
    ],
)
@pytest.mark.usefixtures("hardly_optimised")
def test_a_fault_in_short_rows_is_noticed(old: str, new: str) -> None:
    """What only a batch of many samples runs is verified too."""
    text = source("softmax", "c")
    assert old in text
    options = {"dtypes": ("float32",), "large": False, "only": ("softmax",)}
    checks = verify_source(problem("softmax"), "c", text.replace(old, new), **options)
    assert {check.sizes["B"] for check in checks if not check.ok} == {35}


@pytest.mark.parametrize(("name", "size"), [("cross_entropy_label", 10), ("layer_norm", 40)])
def test_a_size_that_is_given_beforehand(name: str, size: int, tmp_path: Path) -> None:
    text = emit(problem(name), "c", {"K": size})
    assert said(text, tmp_path, "file", *LOOK_ONLY) == ""
    assert f"K = {size}." in text
    assert f"1 if K is not {size}" in text
    checks = verify_source(problem(name), "c", text, dtypes=("float32",), sizes={"K": size}, large=False)
    assert {each.sizes["K"] for each in checks} == {size}
    assert not wrong(checks)


def test_arrays_of_another_size_are_refused() -> None:
    softmax = compile_function(problem("softmax"), "c", sizes={"K": 3})
    out = np.full((2, 4), 7.0)
    with pytest.raises(ValueError, match="axes of the sizes that this file is for"):
        softmax(np.zeros((2, 4)), out=out)
    assert (out == 7).all()
    assert softmax(np.zeros((2, 3))) == pytest.approx(1 / 3)


def test_large_results_past_the_caches() -> None:
    """Rows that begin anywhere in a line, and numbers before and behind whole lines."""
    text = emit(problem("layer_norm"), "c")
    streamed = text.replace("STREAMED = 8000000", "STREAMED = 0")
    assert streamed != text
    assert not wrong(verify_source(problem("layer_norm"), "c", streamed, dtypes=("float32",)))
    spoilt = streamed.replace("from += F32_LANES)", "from += F32_LANES - 1)")
    assert spoilt != streamed
    assert wrong(verify_source(problem("layer_norm"), "c", spoilt, dtypes=("float32",)))


def test_what_only_writes_is_written_in_steps() -> None:
    text = emit(problem("softmax"), "c")
    short = text.replace("FETCHED = 1 << 20", "FETCHED = 0").replace("WRITTEN = 1024", "WRITTEN = 8")
    assert short.count("WRITTEN = 8,") == short.count("FETCHED = 0,") == 1
    only = ("softmax_jacobian_z",)
    assert not wrong(verify_source(problem("softmax"), "c", short, dtypes=("float32", "float64"), only=only))
    spoilt = short.replace("j = start; j < stop", "j = start; j < stop - 1")
    assert spoilt != short
    assert wrong(verify_source(problem("softmax"), "c", spoilt, dtypes=("float32",), only=only))


BRANCHES_OF_ROWS = """
index n : N
index k : K
input Z[N, K], b[K]
loss L
Y[n, k] = Z[n, k] + b[k]
L = max(sum(n, k, Y[n, k]^2) / N, sum(n, relu(sum(k, Y[n, k]))) / N)
derive d(L, b[k])
"""


@pytest.mark.parametrize("rows", [15, 17, 33, 100])
def test_no_row_is_added_twice(rows: int) -> None:
    """Where the last lanes do some rows once more, nothing is added up for each of them."""
    made, source = own("branches", BRANCHES_OF_ROWS), np.random.default_rng(1)
    Z, b = source.standard_normal((rows, 4)), source.standard_normal(4)
    function = compile_function(made, "c", "branches_value_and_gradient")
    wanted = compile_function(made, "numpy", "branches_value_and_gradient")(Z, b)
    for one, other in zip(function(Z, b), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_names_of_c_and_of_its_library(tmp_path: Path) -> None:
    total = " + ".join(f"{name}[k]" for name in NAMES)
    text = (
        f"index i, k : auto\ninput {', '.join(f'{name}[auto]' for name in NAMES)}\nbatch {', '.join(NAMES)}\n"
        f"long[k] = exp({total})\ny1[i] = long[i] / sum(k, long[k])\nderive d(y1[i], y0[k])\n"
    )
    made = own("double", text)
    assert said(emit(made, "c"), tmp_path, "file", *FLAGS, *WARNINGS) == ""
    assert not wrong(verify(made, "c", large=False, dtypes=("float32",)))


@pytest.mark.parametrize("classes", [10, 24, 100, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_every_length_are_the_same_softmax(classes: int, dtype) -> None:
    """Short rows in lanes, long ones in chunks, and those that are left over."""
    softmax = loaded("softmax")
    z = np.random.default_rng(classes).normal(0, 3, (35, classes)).astype(dtype)
    exactly = np.exp(z.astype(float) - z.max(1, keepdims=True).astype(float))
    exactly /= exactly.sum(1, keepdims=True)
    assert np.max(np.abs(softmax(z) / exactly - 1)) < 32 * np.finfo(dtype).eps
    for row in (0, 31, 34):
        for value, expected in ((-np.inf, 0.0), (np.inf, np.nan), (np.nan, np.nan)):
            spoilt = z.copy()
            spoilt[row, -1] = value
            p = softmax(spoilt)
            assert np.isfinite(np.delete(p, row, 0)).all()
            if np.isnan(expected):
                assert np.isnan(p[row]).all()
            else:
                assert p[row, -1] == 0.0
                assert p[row].sum() == pytest.approx(1, rel=1e-5)
        spoilt[row] = -np.inf
        assert np.isnan(softmax(spoilt)[row]).all()


def test_long_sums_lose_little() -> None:
    softmax = loaded("softmax")
    z = np.random.default_rng(1).normal(0, 3, (1, 128_256)).astype(np.float32)
    exactly = np.exp(z.astype(float) - z.max())
    exactly /= exactly.sum()
    assert np.max(np.abs(softmax(z) / exactly - 1)) < 16 * np.finfo(np.float32).eps


def test_labels_that_name_no_place_are_refused() -> None:
    function = loaded("cross_entropy_label", "cross_entropy_label_value_and_gradient")
    z, out = np.zeros((20, 5), np.float32), np.full((20, 5), 7, np.float32)
    for label in (5, -1, 2**40):
        with pytest.raises(ValueError, match="labels that name a place"):
            function(z, np.full(20, label), out=out)
        assert (out == 7).all()
    value, gradient = function(z, np.full(20, 4), out=out)
    assert value == pytest.approx(np.log(5))
    assert gradient is out


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros((2, 3)),), {}, "expected 2 arguments, found 1"),
        ((np.zeros((2, 3)), np.zeros((2, 4))), {}, "g: expected 3 places along K, found 4"),
        ((np.zeros((2, 3)), np.zeros((2, 3), np.float32)), {}, "g: expected float64, found float32"),
        ((np.zeros((2, 3)), np.zeros(3)), {}, "expected a batch axis in all"),
        ((np.zeros((2, 3)), np.zeros((2, 3))), {"out": np.zeros((2, 4))}, "out: expected a writable"),
    ],
)
def test_arguments_are_looked_at_before_the_call(arguments, options, message: str) -> None:
    vjp = loaded("softmax", "softmax_vjp")
    with pytest.raises(ValueError, match=message):
        vjp(*arguments, **options)


_WITH_THREADS = """
import ctypes
from functools import lru_cache
import numpy as np
from symderiv import catalog
from symderiv.kernels import c_library
from symderiv.kernels.emit import emit
from symderiv.kernels.specification import functions_of

@lru_cache
def made(name, *more):
    problem = catalog.load(name)
    flags = [each.replace("-O3", "-O1") for each in (*c_library.FLAGS, *more)]
    text = c_library.narrowed_c(emit(problem, "c"), (name, name + "_vjp"), ("float64",))
    return c_library.load_c(text, name, functions_of(problem), flags)

def results(name, function, arguments, *more):
    found = []
    for threads in (1, 2, 3):
        if more:
            ctypes.CDLL("libgomp.so.1").omp_set_num_threads(threads)
        value = getattr(made(name, *more), function)(*arguments)
        found += value if isinstance(value, tuple) else [value]
    return found

draw = np.random.default_rng(3).normal
for name, function, arguments in (
    ("softmax", "softmax", (draw(size=(5000, 10)),)),
    ("softmax", "softmax", (draw(size=(9, 5000)),)),
    ("softmax", "softmax", (draw(size=(7, 30001)),)),
    ("softmax", "softmax_vjp", (draw(size=(700, 300)), draw(size=(700, 300)))),
    ("softmax_layer", "softmax_layer", (draw(size=(600, 70)), draw(size=(70, 60)), draw(size=60))),
    ("linear_layer", "linear_layer_vjp", (draw(size=(500, 90)), draw(size=(200, 90)), draw(size=(500, 200)))),
    ("linear_layer", "linear_layer", (draw(size=(40, 300)), draw(size=(900, 300)), draw(size=900))),
    ("gelu", "gelu", (draw(size=(30001, 7)),)),
    ("tanh", "tanh_vjp", (draw(size=(30001, 5)), draw(size=(30001, 5)))),
):
    alone = results(name, function, arguments)
    shared = results(name, function, arguments, "-fopenmp")
    assert all(np.isfinite(each).all() for each in alone)
    assert all(np.array_equal(a, b) for a, b in zip(alone, shared, strict=True)), f"{name}: they differ"
"""


def _has_openmp() -> bool:
    command = [compiler(), "-fopenmp", "-###", "-E", "-x", "c", "-"]
    return "-fopenmp" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_threads_change_nothing(tmp_path: Path) -> None:
    """Whoever works on a sample, its numbers are the same to the last bit."""
    if not _has_openmp():
        pytest.skip("this compiler has no OpenMP")
    for name in ("softmax", "softmax_layer", "entropy"):
        assert said(source(name, "c"), tmp_path, "file", *LOOK_ONLY, "-fopenmp") == ""
    environment = {**os.environ, "OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", _WITH_THREADS], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_restrict_is_kept_with_openmp() -> None:
    """Loops in a parallel region are moved out, and lose it there; so none stand in one."""
    for name in MODELS:
        lines = source(name, "c").splitlines()
        regions = [number for number, line in enumerate(lines) if "OMP(omp parallel)" in line]
        assert all(re.match(r" +\w+_rows\(share\(", lines[number + 1]) for number in regions)
        assert regions or name == "embedding"


# -- no compiler, and the command line ------------------------------------------------------


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from symderiv.build import report
    from symderiv.build.job import perform
    from symderiv.build.plan import Request

    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    text = emit(problem("softmax"), "c")
    assert "softmax_f32" in text
    with pytest.raises(NoCompilerError, match="expected a C compiler"):
        load_c(text, "softmax", functions_of(problem("softmax")))
    outcome = perform(Request("relu", "relu", "", (), ("c",)))
    assert not outcome.failures
    assert {"relu/relu.c", "relu/relu.h"} <= set(outcome.files)
    report.notes([outcome, outcome])
    assert capsys.readouterr().err == (
        "symderiv: the target c is not verified: expected a C compiler (cc, gcc, clang, or the one that CC "
        "names), found none\n"
    )


def test_emit_writes_two_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "symderiv", "emit", "relu", "--target", "c", "--out"]
    done = subprocess.run([*command, tmp_path / "my.c"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert '#include "my.h"' in (tmp_path / "my.c").read_text()
    assert "#ifndef MY_H" in (tmp_path / "my.h").read_text()
    done = subprocess.run([*command, tmp_path / "my.h"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "expected a name that ends in .c, for .h goes beside it, found 'my.h'" in done.stderr
