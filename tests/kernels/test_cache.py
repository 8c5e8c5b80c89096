"""What Numba compiled is kept on disk where a module is a file; what cannot be read there is made anew."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.kernels.emitted import source

NAME = "emitted_softmax_kept_on_disk"
Z = np.array([[0.0, np.log(2.0), np.log(5.0)]])


def used(hits: int) -> ModuleType:
    """The module, imported as a new process would, and its function called."""
    sys.modules.pop(NAME, None)
    module = importlib.import_module(NAME)
    np.testing.assert_allclose(module.softmax(Z), [[0.125, 0.25, 0.625]])
    compiled = module._softmax_compiled.compiled[Z.dtype]
    assert sum(compiled.stats.cache_hits.values()) == hits
    return module


def test_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / f"{NAME}.py").write_text(source("softmax", "numba"), encoding="utf-8")
    try:
        used(hits=0)
        used(hits=1)
        kept = [*tmp_path.rglob("*.nbi"), *tmp_path.rglob("*.nbc")]
        assert len(kept) == 2
        for path in kept:
            path.write_bytes(b"spoilt")
        used(hits=0)
    finally:
        sys.modules.pop(NAME, None)
