"""Long rows by chunks in C: as in one piece, whatever the length of a row and of its chunks."""

from __future__ import annotations

import ctypes
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symderiv.kernels import chunk_shares
from symderiv.kernels.c_library import FLAGS, WARNINGS, compile_c, load_c
from symderiv.kernels.emit import emit
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify_source
from symderiv.problem import Problem
from tests.kernels.emitted import module as emitted
from tests.kernels.emitted import own, problem, source
from tests.kernels.test_chunks import OWN, rows

_LIMITS = "LONG_ROW = 4000, CHUNK_BYTES = 8192,"
#: Blocks of lanes and what is left over, in both dtypes; and chunks that are shorter than any block.
_BYTES = (8, 144, 400)


def loaded(text: str, of: Problem, chunk: int, *changes: tuple[str, str]) -> Any:
    """The forward function of a file, on all rows by chunks of so many bytes; of 0, on all in one piece."""
    limits = f"LONG_ROW = {0 if chunk else 1 << 30}, CHUNK_BYTES = {chunk or 8192},"
    for before, after in ((_LIMITS, limits), *changes):
        assert before in text
        text = text.replace(before, after)
    return load_c(alone(text, of.name), of.name, functions_of(of)[:1])


def alone(text: str, name: str) -> str:
    """A file in which one function can be called: the compiler leaves the others out, which saves time."""
    others = rf"^(?=(?:void|int|ptrdiff_t) (?!{name}_(?:f32|f64|work)\()\w+\()"
    return re.sub(others, "static ", text, flags=re.MULTILINE)


@cache
def module(name: str, chunk: int) -> Any:
    return loaded(source(name, "c"), problem(name), chunk)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["softmax", "logsumexp"])
def test_edges_are_those_of_rows_in_one_piece(name: str, dtype: str) -> None:
    z = rows(dtype)
    expected, found = (getattr(module(name, chunk), name)(z) for chunk in (0, 8))
    np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps, atol=0)
    bad = [9, 10, 11, 12, 13, 14]
    assert np.isnan(found[bad]).all()
    assert not np.isnan(np.delete(found, bad, axis=0)).any()


#: In eps: exponents down to -40 are rounded, and so are these.
_ALLOWED = 40


def softmax_error(made: Any, size: int, dtype: str) -> float:
    """How wrong a softmax is, in eps, where the largest exponent so far rises in every chunk, and falls."""
    z = np.random.default_rng(size).normal(0, 3, (3, size)).astype(dtype)
    z[1] += np.linspace(0, 20, size).astype(dtype)
    z[2] -= np.linspace(0, 20, size).astype(dtype)
    less = z.astype(np.longdouble) - z.max(1, keepdims=True)
    power = np.exp(less)
    right = (power / power.sum(1, keepdims=True)).astype(float)
    found = np.full(z.shape, np.nan, dtype)
    made.softmax(z, out=found)
    normal = right > 1e3 * np.finfo(dtype).tiny
    wrong = np.abs(np.where(normal, found, 0) - np.where(normal, right, 0))
    return float(np.max(wrong / right, where=normal, initial=0) / np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("chunk", _BYTES)
@pytest.mark.parametrize("size", [1, 17, 36, 37, 72, 77, 301, 1000])
def test_rows_of_every_length(size: int, chunk: int, dtype: str) -> None:
    assert softmax_error(module("softmax", chunk), size, dtype) < _ALLOWED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("stop - start >= F32_WIDEST", "stop >= F32_WIDEST"),  # then it begins in the chunk before
        ("end - start >= F32_LANES", "end >= F32_LANES"),
        ("scale * share_of_chunk[chunk]", "scale"),
        ("(m_of_chunk[chunk] - m)", "(m - m)"),
        ("smaller_place(start + places, K)", "smaller_place(start + places, K - 1)"),
    ],
)
def test_faults_are_found(before: str, after: str) -> None:
    spoilt = loaded(source("softmax", "c"), problem("softmax"), 144, (before, after))
    found = [softmax_error(spoilt, size, "float32") for size in (37, 77, 301)]
    if before.startswith("stop"):
        assert max(found) < _ALLOWED, "a maximum may well be that of more places"
    else:
        assert not max(found) < 1000


def test_a_row_has_no_more_chunks_than_there_is_room_for() -> None:
    few = ("CHUNKS = 256", "CHUNKS = 4")
    made = loaded(source("softmax", "c"), problem("softmax"), 8, few)
    for size in (7, 8, 9, 301):
        assert softmax_error(made, size, "float32") < _ALLOWED
    half = loaded(source("softmax", "c"), problem("softmax"), 8, few, ("chunk < chunks;", "chunk < 4 - 1;"))
    assert not softmax_error(half, 301, "float32") < 1000


def of_users(chunk: int) -> Any:
    """What a function does that needs exponentials in every way, for the same rows."""
    made = own("mixed", OWN)
    z, w = np.random.default_rng(5).normal(0, 1, (2, 4, 41)).astype("float32")
    mixed = loaded(emit(made, "c"), made, chunk).mixed
    return mixed(z, w, np.float32(0.5), np.array([0, 6, 40, 22]))


@pytest.mark.parametrize("chunk", _BYTES)
def test_a_users_own_function_is_the_same_by_chunks(chunk: int) -> None:
    np.testing.assert_allclose(of_users(chunk), of_users(0), rtol=1e-4, atol=1e-5)


def test_a_share_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With exponentials that are left less the largest of their chunk."""
    monkeypatch.setattr(chunk_shares.Later, "_whole", lambda _, entry, letter: entry)
    assert not np.allclose(of_users(8), of_users(0), rtol=1e-3)


def test_verification_tries_chunks() -> None:
    text = source("softmax", "c")
    checks = verify_source(problem("softmax"), "c", text, large=False, only=["softmax"])
    assert any("by chunks" in each.kind for each in checks)
    assert all(each.ok for each in checks)
    spoilt = text.replace("= scale * share_of_chunk[chunk]", "= scale")
    assert spoilt != text
    found = verify_source(problem("softmax"), "c", spoilt, large=False, only=["softmax"])
    wrong = [each for each in found if not each.ok]
    assert wrong
    assert all("by chunks" in each.kind for each in wrong)


def test_own_functions_compile_without_a_warning(tmp_path: Path) -> None:
    text = emit(own("mixed", OWN), "c")
    assert "mixed_f32_by_chunks" in text
    assert compile_c(text, tmp_path, "mixed", [*FLAGS, *WARNINGS])[1] == ""


def test_sizes_that_are_given_are_not_done_by_chunks() -> None:
    assert "by_chunks" not in emit(problem("softmax"), "c", {"K": 2000})
    assert "by_chunks" in source("softmax", "c")


_FETCH = "#define FETCH(place) __builtin_prefetch(place)"
_SEEN = """#define FETCH(place) (lowest = (uintptr_t)(place) < lowest ? (uintptr_t)(place) : lowest, \\
    highest = (uintptr_t)(place) > highest ? (uintptr_t)(place) : highest)
extern uintptr_t lowest, highest;
uintptr_t lowest = 0, highest = 0;"""


@pytest.mark.parametrize("spoilt", [False, True])
def test_what_is_fetched_lies_in_the_arrays(spoilt: bool, tmp_path: Path) -> None:
    text = alone(source("softmax", "c"), "softmax")
    assert _FETCH in text
    text = text.replace(_FETCH, _SEEN).replace("LONG_ROW = 4000", "LONG_ROW = 0")
    if spoilt:
        text = text.replace("smaller_place(places, (to - row) * K - stop)", "places")
    library = ctypes.CDLL(str(compile_c(text, tmp_path, f"seen_{spoilt}", FLAGS)[0]))
    lowest, highest = (ctypes.c_size_t.in_dll(library, name) for name in ("lowest", "highest"))
    for size in (100, 2000, 2047, 2048, 2049, 5000):
        memory = np.random.default_rng(3).normal(0, 3, (2, 3, size)).astype(np.float32)
        begin, half, end = memory.ctypes.data + np.array([0, 1, 2]) * (memory.nbytes // 2)
        lowest.value, highest.value = end, 0
        sizes = [ctypes.c_ssize_t(3), ctypes.c_ssize_t(size)]
        library.softmax_f32(*sizes, ctypes.c_void_p(int(begin)), ctypes.c_void_p(int(half)))
        assert begin <= lowest.value < highest.value
        assert (highest.value < end) is not spoilt


def test_long_rows_of_the_file_as_it_is() -> None:
    """Whatever is before it and behind it, a row has the same numbers; and these are right."""
    softmax = emitted("softmax", "c").softmax
    z = np.random.default_rng(7).normal(0, 3, (5, 30_001)).astype(np.float32)
    whole = softmax(z)
    for row in range(5):
        np.testing.assert_array_equal(softmax(z[row]), whole[row])
    exactly = np.exp(z.astype(float) - z.max(1, keepdims=True))
    exactly /= exactly.sum(1, keepdims=True)
    np.testing.assert_allclose(whole, exactly, rtol=_ALLOWED * np.finfo(np.float32).eps)
