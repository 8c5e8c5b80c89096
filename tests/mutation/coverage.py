"""Which lines each test runs, and how long it takes: every test once, in a process of its own."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.mutation.changes import ROOT, digest

#: A function called so often in one test has shown its lines.
_ENOUGH = 2000


@dataclass(frozen=True)
class Covered:
    """What one test runs: its processor seconds (watched), whether it passes, the lines of each file."""

    seconds: float
    passes: bool
    lines: Mapping[str, frozenset[int]]

    def runs(self, file: str, first: int, last: int) -> bool:
        lines = self.lines.get(file, frozenset())
        return any(line in lines for line in range(first, last + 1))


class Watch:
    """Notes the lines that run, of some files, from `start` to `stop`."""

    def __init__(self, files: frozenset[str]) -> None:
        self.lines: dict[str, set[int]] = {file: set() for file in files}
        self._left: dict[CodeType, set[int]] = {}
        self._calls: dict[CodeType, int] = {}
        self._local = {file: self._noting(seen) for file, seen in self.lines.items()}

    @staticmethod
    def _noting(seen: set[int]) -> Callable[[FrameType, str, Any], Any]:
        add = seen.add

        def local(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                add(frame.f_lineno)
            return local

        return local

    def _call(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        seen = self.lines.get(code.co_filename)
        if seen is None:
            return None
        left = self._left.get(code)
        if left is None:
            seen.add(frame.f_lineno)
            left = self._left[code] = {line for *_, line in code.co_lines() if line is not None}
            self._calls[code] = 0
        left -= seen
        self._calls[code] += 1
        return self._local[code.co_filename] if left and self._calls[code] < _ENOUGH else None

    def start(self) -> None:
        sys.settrace(self._call)

    def stop(self) -> dict[str, frozenset[int]]:
        sys.settrace(None)
        return {
            str(Path(file).relative_to(ROOT)): frozenset(seen) for file, seen in self.lines.items() if seen
        }


def state(files: frozenset[str], test: Path) -> str:
    """What the coverage of a test rests on."""
    return "-".join((*(digest(Path(file))[:6] for file in sorted(files)), digest(test)))


def known(file: Path) -> dict[tuple[str, str], Covered]:
    """The coverage noted in a file, by test and state."""
    found: dict[tuple[str, str], Covered] = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            each = json.loads(line)
            lines = {name: frozenset(some) for name, some in each["lines"].items()}
            found[each["test"], each["state"]] = Covered(each["seconds"], each["passes"], lines)
    return found


def note(file: Path, test: str, at: str, found: Covered) -> None:
    """Add what one test runs to the file."""
    lines = {name: sorted(some) for name, some in found.lines.items()}
    record = {"test": test, "state": at, "passes": found.passes, "seconds": found.seconds, "lines": lines}
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(record) + "\n")


def measure(watch: Watch, run: Callable[[], bool], write: Callable[[Covered], None]) -> None:
    """Run one test in a process of its own, watched, and write down what it ran."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        began = time.process_time()
        watch.start()
        passes = run()
        lines = watch.stop()
        write(Covered(round(time.process_time() - began, 3), passes, lines))
    finally:
        os._exit(0)
