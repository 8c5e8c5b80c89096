"""Modules that are kept in the user's cache: found again, never half, never those of another text."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import symderiv as sd
from symderiv.kernels import loading
from symderiv.kernels.loading import cache_folder, load_kept, load_source

TEXT = "def answer():\n    return 42\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYMDERIV_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_a_module_is_kept_under_a_name_made_of_its_text(folder: Path) -> None:
    assert load_kept(TEXT, "my softmax").answer() == 42
    (path,) = folder.glob("*.py")
    assert path.read_text() == TEXT
    assert path.name.startswith("my_softmax_")
    before = path.stat().st_mtime_ns
    assert load_kept(TEXT, "my softmax").answer() == 42
    assert load_kept(TEXT.replace("42", "43"), "my softmax").answer() == 43
    assert len(list(folder.glob("*.py"))) == 2
    assert path.stat().st_mtime_ns == before  # else what was compiled of it would be thought old
    assert not list(folder.glob("new-*"))


def test_a_file_that_was_changed_is_not_loaded(folder: Path) -> None:
    load_kept(TEXT)
    (path,) = folder.glob("*.py")
    for damaged in (b"raise SystemExit(1)\n", b"\xff\xfe"):
        path.write_bytes(damaged)
        sys.modules.pop(f"symderiv_kept_{path.stem}")  # as in another process
        assert load_kept(TEXT).answer() == 42
        assert path.read_text() == TEXT


def test_where_nothing_can_be_kept_it_is_loaded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMDERIV_CACHE_DIR", str(tmp_path / "file" / "below"))
    assert load_kept(TEXT).answer() == 42


def test_the_oldest_go_with_what_was_compiled_of_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "KEPT", 3)
    (folder / "__pycache__").mkdir(parents=True)
    for number in range(5):
        load_kept(TEXT.replace("42", str(number)), f"module{number}")
        for path in folder.glob(f"module{number}_*.py"):
            os.utime(path, (number, number))
            (folder / "__pycache__" / f"{path.stem}.kernel-1.py311.nbi").write_text("")
    left = {path.name.split("_")[0] for path in folder.glob("*.py")}
    assert left == {"module2", "module3", "module4"}
    compiled = {path.name.split("_")[0] for path in (folder / "__pycache__").glob("*.nbi")}
    assert compiled == left


def test_without_a_name_in_the_environment_it_is_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYMDERIV_CACHE_DIR")
    assert "symderiv" in cache_folder().parts
    assert cache_folder().is_absolute()


def test_a_module_that_is_only_verified_leaves_nothing(folder: Path) -> None:
    assert load_source(TEXT).answer() == 42
    assert not folder.exists()


AGAIN = """
import numpy as np, symderiv as sd
softmax = sd.compile("softmax", "numba")
print(softmax(np.zeros((2, 4), "float32"))[0, 0])
entries = softmax.__globals__["_softmax_compiled"].compiled
print(sum(sum(made.stats.cache_hits.values()) for made in entries.values()))
"""


def test_the_next_process_finds_what_was_compiled(folder: Path) -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", AGAIN], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert found == [["0.25", "0"], ["0.25", "1"]]
    assert list((folder / "__pycache__").glob("softmax_*.nbc"))


def test_the_same_text_is_loaded_once() -> None:
    assert sd.compile("softmax", "numba") is sd.compile("softmax", "numba")
    assert load_source(TEXT) is not load_source(TEXT)
