"""Vectors of 512 bits: where there is much to do with each number, and the processor is good at them."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features

from symderiv.kernels.c_library import compiler
from symderiv.kernels.emit import emit, emit_files
from symderiv.kernels.loading import load_source
from tests.kernels.emitted import module, problem, source

WIDE = r"v(add|sub|mul|fn?madd\d+)p[sd]\s.*zmm"
IS_GOOD = bool(get_host_cpu_features().get("avx512vbmi2", False))
Z = np.random.default_rng(1).normal(0, 2, (50, 120)).astype(np.float32)


def machine_code(made: Any, kernel: str) -> str:
    """What a kernel was compiled to, for each dtype that it was called with."""
    return "".join(getattr(made, kernel).inspect_asm().values())


def test_kernels_with_exponentials_ask_for_them_and_others_do_not() -> None:
    text = source("softmax", "numba")
    asking = re.findall(r"def (_\w+)\(.*\n    \"\"\".*\n    _wide_vectors\(\)", text)
    assert asking == ["_softmax_kernel", "_softmax_kernel_by_blocks", "_softmax_kernel_by_chunks"]


@pytest.mark.skipif(not IS_GOOD, reason="a processor without AVX-512 VBMI2")
def test_llvm_uses_them() -> None:
    made = module("softmax", "numba")
    p = made.softmax(Z)
    assert re.search(WIDE, machine_code(made, "_softmax_kernel"))
    made.softmax_vjp(p, Z)
    assert not re.search(WIDE, machine_code(made, "_softmax_vjp_kernel"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # An llvmlite that keeps attributes in another way, or writes them otherwise.
        ("set.add(function.attributes, _WIDE)", "set.add(list(function.attributes), _WIDE)"),
        ("set.add(function.attributes, _WIDE)", "set.add(function.attributes, _WIDE[1:])"),
        ("set.add(function.attributes, _WIDE)", "pass"),
    ],
)
def test_where_llvmlite_cannot_be_told_all_works_without(old: str, new: str) -> None:
    text = emit(problem("log_softmax"), "numba")
    assert text.count(old) == 1
    made: Any = load_source(text.replace(old, new), "without")
    assert made._IS_WIDE is False
    np.testing.assert_allclose(np.exp(made.log_softmax(Z)).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="another kind of processor")
def test_c_uses_them_on_the_same_processors_and_no_others(tmp_path: Path) -> None:
    said = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=True).stdout
    if "Free Software Foundation" not in said:
        pytest.skip("another compiler than GCC")
    for suffix, text in emit_files(problem("softmax"), "c", "softmax").items():
        (tmp_path / f"softmax{suffix}").write_text(text, encoding="utf-8")

    def wide(processor: str) -> bool:
        flags = ["-std=c11", "-O3", f"-march={processor}", "-S", "-o", "-", "softmax.c"]
        done = subprocess.run([compiler(), *flags], capture_output=True, text=True, check=True, cwd=tmp_path)
        _, _, kernel = done.stdout.partition("softmax_f32_long_rows:")
        return "zmm" in kernel.partition(".cfi_endproc")[0]

    assert wide("icelake-server")
    assert not wide("skylake-avx512")
