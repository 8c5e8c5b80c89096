"""Faults planted in emitted files and templates: verification must find each of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from symderiv.kernels import render
from symderiv.kernels.emit import emit
from symderiv.kernels.verify import verify_source
from symderiv.resources import template_folder
from tests.kernels.emitted import own, problem, source

#: The problem, the code as emitted, and the code with a fault.
FAULTS = {
    "sign": ("softmax", "np.subtract(g, sum_g_p[:, None], out=dz)", "np.add(g, sum_g_p[:, None], out=dz)"),
    "swapped index": (
        "softmax_layer",
        "factor = -h[:, :, None] * h[:, None, :]",
        "factor = -h[:, :, None] * h[:, :, None] + 0 * h[:, None, :]",
    ),
    "transposed matrix": (
        "softmax_layer",
        "np.matmul(x.T, z_bar, out=dW)",
        "dW[...] = (z_bar.T @ x).reshape(N, K)",
    ),
    "delta dropped": ("softmax", "diagonal[...] = p * (1 - p)", "diagonal[...] = -p * p"),
    "no shift by the maximum": ("softmax", "np.subtract(z, m[:, None], out=out)", "np.add(z, 0, out=out)"),
    "mean taken for sum": ("cross_entropy", '1 / B if reduction == "mean"', '1 if reduction == "mean"'),
    "label off by one": ("cross_entropy_label", "dz[places_B, y] =", "dz[places_B, y - 1] ="),
    "weight lost": (
        "cross_entropy_label",
        "np.multiply(e, weight / s[:, None], out=dz)",
        "np.multiply(e, 1 / s[:, None], out=dz)",
    ),
    "wider dtype": (
        "softmax",
        "return out[0] if single else out",
        "return np.float64(1) * out",
    ),
    "another grouping": (
        "cross_entropy_label",
        "-((z[np.arange(B), y] - m) - log_s)",
        "(log_s + m) - z[np.arange(B), y]",
    ),
    "zero times log zero": ("cross_entropy", "where=t == 0", "where=t == 7"),
    "an error": ("softmax", "s = np.add.reduce(e, axis=-1)", "s = np.add.reduce(e, axis=7)"),
    "float32 throughout": (
        "softmax",
        "np.exp(e, out=e)",
        "e[...] = np.exp(np.float32(e))",
    ),
    "out not used": ("softmax", "dz = _output(", "dz = np.empty_like(p) if out is not None else _output("),
}


def test_untouched_modules_pass() -> None:
    for name in {name for name, _, _ in FAULTS.values()}:
        assert all(
            check.ok for check in verify_source(problem(name), "numpy", source(name, "numpy"), large=False)
        )


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str) -> None:
    name, right, wrong = FAULTS[fault]
    text = source(name, "numpy")
    assert right in text, "the code to spoil is no longer emitted so: plant this fault anew"
    checks = verify_source(problem(name), "numpy", text.replace(right, wrong), large=False)
    found = [check for check in checks if not check.ok]
    assert found
    assert all(check.detail for check in found)


def test_missing_function_is_found() -> None:
    text = source("softmax", "numpy").replace("def softmax_jvp(", "def softmax_other(")
    checks = verify_source(
        problem("softmax"), "numpy", text.replace('"softmax_jvp"', '"softmax_other"'), large=False
    )
    assert [check.function for check in checks if not check.ok] == ["softmax_jvp"]


def test_spoilt_template_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = tmp_path / "templates"
    shutil.copytree(template_folder(), spoilt)
    file = spoilt / "numpy" / "checks.py.j2"
    right = 'total / losses.dtype.type(losses.size) if reduction == "mean" else total'
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, "total"))
    monkeypatch.setattr(render, "template_folder", lambda: spoilt)
    checks = verify_source(
        problem("cross_entropy_label"), "numpy", emit(problem("cross_entropy_label")), large=False
    )
    assert {check.function for check in checks if not check.ok} >= {"cross_entropy_label"}


#: A single function, so that little is compiled for a fault; and a gradient.
FORWARD = """
index k : K
input z[K]
batch z
S = log(sum(k, exp(z[k])))
"""
GRADIENT = """
index i, k : K
input z[K]
label y : K
batch z, y
loss L
p[i] = exp(z[i]) / sum(k, exp(z[k]))
L = -log(p[y])
derive d(L, z[i])
"""
#: The functions that have the faults; no other is compiled.
JUDGED = {"forward": ("forward",), "gradient": ("gradient_value_and_gradient",)}
FORWARD_FAULTS = {
    "largest taken for smallest": ("llvm.maxnum", "llvm.minnum"),
    "no shift by the maximum": ("_exp_of_negative(z[row, k] - m)", "_exp_of_negative(z[row, k])"),
    "log 2 in one part": (" + n * np.float32(2.1219444005469058e-4)", ""),
    "a term of the polynomial lost": ("    q = q * r + np.float32(0.1666652113199234)\n", ""),
    "exponent off by one": ("t - np.float32(12583039.0)", "t - np.float32(12583038.0)"),
    "rest of the samples left out": ("if done < B:", "if done < 0:"),
    "sum of another sample": ("each_s[row] = s", "each_s[0] = s"),
    "whole part of the logarithm lost": ("k * np.float32(0.6931381225585938)", "np.float32(0)"),
}
GRADIENT_FAULTS = {
    "a place left out in a block": ("for place in range(32 * K)", "for place in range(32 * K - 1)"),
    "scale without its weight": ("scale = _kept(weight / s)", "scale = _kept(real(1) / s)"),
    "read after it is overwritten": (
        "dz[row, y[row]] = aside",
        "dz[row, y[row]] = weight * (dz[row, y[row]] / s - real(1))",
    ),
    "label off by one": ("dz[row, y[row]] = aside", "dz[row, y[row] - 1] = aside"),
    "grouping lost": ("return log_s + (m - u)", "return (log_s + m) - u"),
}


COMPILED = [
    *(("forward", FORWARD, *each) for each in FORWARD_FAULTS.values()),
    *(("gradient", GRADIENT, *each) for each in GRADIENT_FAULTS.values()),
]


@pytest.mark.parametrize(
    ("name", "text", "right", "wrong"), COMPILED, ids=[*FORWARD_FAULTS, *GRADIENT_FAULTS]
)
def test_fault_in_compiled_module_is_found(name: str, text: str, right: str, wrong: str) -> None:
    given = own(name, text)
    code = emit(given, "numba")
    assert right in code, "the code to spoil is no longer emitted so: plant this fault anew"
    checks = verify_source(
        given, "numba", code.replace(right, wrong), large=False, dtypes=("float32",), only=JUDGED[name]
    )
    assert [check for check in checks if not check.ok and check.detail]


@pytest.mark.parametrize(("name", "text"), [("forward", FORWARD), ("gradient", GRADIENT)])
def test_module_without_faults_passes(name: str, text: str) -> None:
    given = own(name, text)
    checks = verify_source(
        given, "numba", emit(given, "numba"), large=False, dtypes=("float32",), only=JUDGED[name]
    )
    assert checks
    assert not [str(check) for check in checks if not check.ok]
