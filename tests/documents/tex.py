"""Compiling LaTeX in a test, and failing on what an author would fix."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

#: Set to 1 where TeX must be there: a missing pdflatex then fails instead of skipping.
REQUIRE = "SYMDERIV_REQUIRE_TEX"
#: An overfull line may stick out by this many points.
_OVERFULL = 1.0
_HARMLESS = ("LaTeX Warning: Label(s) may have changed",)


def compile_latex(source: str, folder: Path) -> bytes:
    """Compile a document; fail on an error, an overfull line, or a warning worth fixing."""
    program = shutil.which("pdflatex")
    if program is None:
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{REQUIRE}=1, and pdflatex is not installed")
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base)")
    (folder / "page.tex").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-recorder", "page.tex"],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert not complaints(log), complaints(log)
    return (folder / "page.pdf").read_bytes()


def complaints(log: str) -> list[str]:
    """The lines of a TeX log that are worth fixing."""
    found = [
        line
        for line in log.splitlines()
        if ("Warning" in line or "Undefined" in line or line.startswith("Missing character"))
        and not line.startswith(_HARMLESS)
    ]
    for match in re.finditer(r"Overfull \\([hv])box \(([0-9.]+)pt too [^\n]*", log):
        if float(match[2]) > _OVERFULL:
            found.append(match[0])
    return found
