"""Several threads share the samples: the same numbers, and the same complaints."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest

from tests.kernels.emitted import module

SAMPLES = 104869  # many blocks, and a rest: with fewer numbers, one thread does it all
SOURCE = np.random.default_rng(11)
Z = SOURCE.normal(0, 3, (SAMPLES, 5))
Y = SOURCE.integers(0, 5, SAMPLES)


@pytest.mark.parametrize("threads", [2, 3, 64])
def test_same_numbers(threads: int) -> None:
    softmax, labels = module("softmax", "numba"), module("cross_entropy_label", "numba")
    out = np.full_like(Z, np.nan)
    np.testing.assert_array_equal(softmax.softmax(Z, out=out, threads=threads), softmax.softmax(Z))
    np.testing.assert_array_equal(softmax.softmax(Z, threads=threads), softmax.softmax(Z))
    value, dz = labels.cross_entropy_label_value_and_gradient(Z, Y)
    got, gradient = labels.cross_entropy_label_value_and_gradient(Z, Y, out=out, threads=threads)
    assert got == value
    np.testing.assert_array_equal(gradient, dz)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_numbers_of_rows_that_are_done_by_chunks(dtype: str) -> None:
    """How a row is worked on depends on its length, not on how many there are in a part."""
    z = SOURCE.normal(0, 3, (401, 2000)).astype(dtype)
    made = module("softmax", "numba")
    assert z[0].nbytes >= made._FETCHED_ROW
    assert z.size >= made._SHARED
    np.testing.assert_array_equal(made.softmax(z, threads=3), made.softmax(z))


@pytest.mark.parametrize("threads", [2, 3])
def test_what_goes_past_the_caches_is_told_by_the_whole_result(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, p = module("softmax", "numba"), SOURCE.random((1005, 1000))
    g, dz = p[::-1].copy(), np.empty_like(p)
    right = made.softmax_vjp(p, g)
    compiled = made._softmax_vjp_of_part[p.dtype]
    seen: list[tuple[int, int, bool]] = []

    def watched(p: Any, g: Any, dz: Any, parts: int) -> bool:
        seen.append((len(p), parts, bool(made._is_streamed(dz, parts, made._CACHED))))
        return bool(compiled(p, g, dz, parts))

    monkeypatch.setitem(made._softmax_vjp_of_part, p.dtype, watched)
    np.testing.assert_array_equal(made.softmax_vjp(p, g, dz, threads=threads), right)
    assert p.nbytes > made._CACHED
    assert sum(count for count, _, _ in seen) == 1005
    assert {(parts, is_streamed) for _, parts, is_streamed in seen} == {(threads, True)}
    assert max(count for count, _, _ in seen) * p[0].nbytes < made._CACHED


def test_a_helper_looks_for_work_for_a_while() -> None:
    """Until a place changes, or so many times; other threads go on meanwhile."""
    made = module("softmax", "numba")
    place = np.zeros(1, np.int64)
    made._while_same(place, 1, 10**15)  # another value already
    made._while_same(place, 0, 1000)  # it never changes
    looking = threading.Thread(target=made._while_same, args=(place, 0, 10**15), daemon=True)
    looking.start()
    place[0] = 1
    looking.join(60)
    assert not looking.is_alive()


def calls_of(made: Any, monkeypatch: pytest.MonkeyPatch, kernel: Any = None) -> list[tuple[int, int]]:
    """Which thread works on how many samples from now on: each call of the kernel."""
    seen: list[tuple[int, int]] = []
    compiled = made._softmax_compiled[Z.dtype]

    def watched(z: Any, out: Any) -> bool:
        seen.append((threading.get_ident(), len(z)))
        return (kernel or compiled)(z, out)

    monkeypatch.setitem(made._softmax_compiled, Z.dtype, watched)
    return seen


def test_large_batches_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    made = module("softmax", "numba")
    seen = calls_of(made, monkeypatch)
    made.softmax(Z[:1000], threads=2)
    assert seen == [(threading.get_ident(), 1000)]
    seen.clear()
    made.softmax(Z, threads=2)
    assert [count % 32 for _, count in seen].count(0) >= 1
    assert sorted(count for _, count in seen) == [52416, 52453]


def test_a_helper_takes_part_and_one_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = module("softmax", "numba")
    met, own = threading.Barrier(2, timeout=60), made._softmax_compiled[Z.dtype]

    def meeting(z: Any, out: Any) -> bool:
        met.wait()  # both parts are worked on at the same time, or this fails
        return own(z, out)

    seen = calls_of(made, monkeypatch, meeting)
    made.softmax(Z, threads=2)
    assert len({thread for thread, _ in seen}) == 2
    monkeypatch.setattr(made._HELPERS, "call", lambda work, helpers: None)
    seen = calls_of(made, monkeypatch, own)
    np.testing.assert_array_equal(made.softmax(Z, threads=2), made.softmax(Z))
    assert {thread for thread, _ in seen} == {threading.get_ident()}


def test_what_fails_in_another_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    made, caller = module("softmax", "numba"), threading.get_ident()
    met = threading.Barrier(2, timeout=60)

    def failing(z: Any, out: Any) -> bool:
        met.wait()
        if threading.get_ident() != caller:
            raise MemoryError("no more")
        return True

    calls_of(made, monkeypatch, failing)
    with pytest.raises(MemoryError, match="no more"):
        made.softmax(Z, threads=2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such processes here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_helpers_of_its_own() -> None:
    made = module("softmax", "numba")
    expected = made.softmax(Z, threads=2)
    child = os.fork()
    if not child:
        same = made._HELPERS.count == 0 and np.array_equal(made.softmax(Z, threads=2), expected)
        os._exit(0 if same and made._HELPERS.count == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_few_samples_and_one() -> None:
    softmax = module("softmax", "numba").softmax
    long = SOURCE.normal(0, 3, (3, 180000))
    np.testing.assert_array_equal(softmax(long, threads=2), softmax(long))
    np.testing.assert_array_equal(softmax(long, np.empty_like(long), threads=2), softmax(long))
    np.testing.assert_array_equal(softmax(Z[:3], threads=8), softmax(Z[:3]))
    np.testing.assert_array_equal(softmax(Z[0], threads=8), softmax(Z[0]))


def test_what_does_not_fit_is_told() -> None:
    vjp = module("softmax", "numba").softmax_vjp
    with pytest.raises(ValueError, match="g: expected 104869 places along B, as p has, found 104870"):
        vjp(Z, np.zeros((104870, 5)), out=np.empty_like(Z), threads=2)
    with pytest.raises(ValueError, match="out: expected memory of its own"):
        vjp(Z, np.ones_like(Z), out=Z, threads=2)
    labels = module("cross_entropy_label", "numba").cross_entropy_label
    with pytest.raises(ValueError, match="y: expected labels from 0 to 4, found 5"):
        labels(Z, np.full(SAMPLES, 5), threads=2)
