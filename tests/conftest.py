"""What tests of several rooms share."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from symderiv.cli import main


@pytest.fixture(scope="session", autouse=True)
def _own_cache() -> Iterator[None]:
    """Nothing is kept in the cache of the user who runs the tests, nor taken from it."""
    with tempfile.TemporaryDirectory(prefix="symderiv-cache-") as folder:
        before = os.environ.get("SYMDERIV_CACHE_DIR")
        os.environ["SYMDERIV_CACHE_DIR"] = folder
        yield
        del os.environ["SYMDERIV_CACHE_DIR"]
        if before is not None:
            os.environ["SYMDERIV_CACHE_DIR"] = before


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command in this process: status, standard output, standard error."""

    def run(*arguments: str, given: str | None = None) -> tuple[int, str, str]:
        if given is not None:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(given.encode())))
        monkeypatch.setattr(sys, "argv", ["symderiv", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run
