"""Limits are kept, whatever the work inside them does."""

import contextlib
import runpy
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from symderiv.check import limits, read_text
from symderiv.check.reading import read

CLAIMS = Path(__file__).parents[2] / "benchmarks" / "claims.py"


def passing_over_errors() -> None:
    while True:
        with contextlib.suppress(Exception):
            sum(range(10**5))


def hearing_the_third_call() -> None:
    for _ in range(2):
        with contextlib.suppress(limits.OutOfTimeError):
            time.sleep(60)
    time.sleep(60)


@pytest.mark.parametrize("work", [passing_over_errors, hearing_the_third_call])
def test_work_ends_whatever_it_catches(work: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "AGAIN", 0.05)
    began = time.perf_counter()
    with pytest.raises(limits.OutOfTimeError), limits.time_limit(0.05):
        work()
    assert time.perf_counter() - began < 30  # a minute, if nothing ended it


def test_a_long_document_is_read_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CLAIMS.parent))
    text = runpy.run_path(str(CLAIMS))["long_document"](400)
    began = time.process_time()
    content = read(read_text(text, "long.md"))
    assert len(content.claims) == 200
    assert not content.unreadable
    assert time.process_time() - began < 4  # half a second, on a machine of its own
