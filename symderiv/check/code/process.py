"""Runs the other process, and reads what it has written without trusting it."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symderiv.check.code.declaration import Function

if TYPE_CHECKING:
    import numpy as np

#: The largest result and the largest report that are read, in bytes.
MAX_BYTES = 8_000_000
MAX_REPORT = 10_000
#: What the other process is told of its surroundings beside a home and a place for temporary files.
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
#: One thread each: sums come out the same every time, and threads need memory of their own.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    Attributes
    ----------
    kind
        ``value``, ``raised``, ``memory``, ``time``, ``ended`` (the process did), ``other`` (no numbers came
        back), ``unreadable`` (what was written is no result).
    message
        For all but ``value``: what happened, in words.
    shape, dtype, values
        For ``value``: the result; no values where there are too many.
    changed
        The arguments that are not what they were.
    """

    kind: str
    message: str = ""
    line: int = 0
    shape: tuple[int, ...] = ()
    dtype: str = ""
    values: np.ndarray[Any, Any] | None = None
    changed: tuple[str, ...] = field(default=())


def run_function(
    function: Function, calls: Sequence[Mapping[str, Any]], seconds: float, memory: int
) -> list[Outcome]:
    """Run a function once for each of `calls`, all in one other process.

    Parameters
    ----------
    calls
        For each, the arguments by parameter: arrays, floats and integers.
    seconds
        How long all of it may take.
    memory
        How many bytes of memory the process may have.

    Returns
    -------
    list of Outcome
        One for each call up to the first that did not return.
    """
    with tempfile.TemporaryDirectory(prefix="symderiv-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _write_job(folder, function, calls, seconds, memory)
        end = _run(folder, seconds)
        return _read_all(folder, len(calls), end, seconds)


def _write_job(
    folder: Path, function: Function, calls: Sequence[Mapping[str, Any]], seconds: float, memory: int
) -> None:
    import numpy as np

    arrays: dict[str, Any] = {}
    described: list[dict[str, tuple[str, Any]]] = []
    for number, call in enumerate(calls):
        given: dict[str, tuple[str, Any]] = {}
        for name, value in call.items():
            if isinstance(value, np.ndarray):
                arrays[f"{number} {name}"] = value
                given[name] = ("array", f"{number} {name}")
            else:
                given[name] = ("number", value)
        described.append(given)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (folder / "arguments.npz").write_bytes(buffer.getvalue())
    job = {
        "file": str(function.path.resolve()),
        "function": function.name,
        "positional": list(function.positional),
        "paths": [str(Path(np.__file__).resolve().parents[1])],
        "seconds": seconds,
        "memory": memory,
        "calls": described,
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


def _run(folder: Path, seconds: float) -> int | None:
    """Run the job; the exit status, negative for a signal, or None when the time was up."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    environment |= dict.fromkeys(_THREADS, "1")
    runner = Path(__file__).with_name("runner.py")
    child = subprocess.Popen(
        [sys.executable, "-I", "-B", "-X", "utf8", str(runner)],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        in_time = _ends_within(child, seconds)
    finally:
        # The group is ended before its leader is reaped: until then its number belongs to no other.
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
        status = child.wait()
        _end_strays(folder)
    cpu = getattr(signal, "SIGXCPU", None)
    return status if in_time and (cpu is None or status != -cpu) else None


def _end_strays(folder: Path) -> None:
    """End what the function has started and moved out of the group: it still has the folder as its home.

    Only where the system shows the surroundings of processes; the folder's name is like no other.
    """
    mark = f"HOME={folder}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)


def _ends_within(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process ends in time; it is left unreaped where the system can look without reaping."""
    if not hasattr(os, "waitid"):
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
    deadline = time.monotonic() + seconds
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _read_all(folder: Path, count: int, end: int | None, seconds: float) -> list[Outcome]:
    report = _report(folder, "import")
    if report is not None:
        failed = _outcome(folder, "import", report)
        told = f"reading the file {failed.message}" if failed.kind == "raised" else failed.message
        return [Outcome(failed.kind, told, failed.line)]
    found: list[Outcome] = []
    for number in range(count):
        report = _report(folder, str(number))
        if report is None:
            begun = "" if _report(folder, "ready") is not None else "reading the file "
            if end is None:
                last = Outcome("time", f"{begun}does not end within {seconds:g} seconds")
            elif end < 0:
                last = Outcome("ended", f"{begun}ends its process: {_signal(-end)}")
            else:
                last = Outcome("ended", f"{begun}ends its process itself, with status {end}")
            return [*found, last]
        found.append(_outcome(folder, str(number), report))
    return found


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _bytes(path: Path, most: int) -> bytes | None:
    """The content of a plain file of at most `most` bytes: no link, no pipe, nothing that blocks."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    except OSError:
        return b""
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_size > most:
        os.close(descriptor)
        return b""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most)


def _report(folder: Path, name: str) -> dict[str, Any] | None:
    """A report, or None where there is none; an empty one where it is no report."""
    data = _bytes(folder / f"{name}.json", MAX_REPORT)
    if data is None:
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(folder: Path, name: str, report: Mapping[str, Any]) -> Outcome:
    match report:
        case {"kind": "raised", "type": str(kind), "message": str(message), "line": int(line)}:
            told = f"raises {_plain(kind)}" + (f": {_plain(message)}" if message else "")
            return Outcome("raised", told, line)
        case {"kind": "memory", "line": int(line)}:
            return Outcome("memory", "needs more memory than it may have", line)
        case {"kind": "other", "type": str(kind)}:
            return Outcome("other", f"returns {_plain(kind)}, expected one array of real numbers")
        case {"kind": "value", "shape": list(shape), "dtype": str(dtype), "changed": list(changed)}:
            sides = tuple(side for side in shape if type(side) is int and 0 <= side < 2**62)
            if len(sides) == len(shape) <= 64:
                names = tuple(_plain(str(each)) for each in changed)
                return _value(folder, name, Outcome("value", "", 0, sides, _plain(dtype), None, names))
    return Outcome("unreadable", "leaves no readable result behind")


def _value(folder: Path, name: str, outcome: Outcome) -> Outcome:
    import numpy as np

    data = _bytes(folder / f"{name}.bin", MAX_BYTES)
    count = math.prod(outcome.shape)
    if data is None and 8 * count > MAX_BYTES:
        return outcome
    if data is None or len(data) != 8 * count:
        return Outcome("unreadable", "leaves no readable result behind")
    try:
        values = np.frombuffer(data, dtype="<f8").astype(np.float64).reshape(outcome.shape)
    except ValueError:  # no array has such a shape
        return Outcome("unreadable", "leaves no readable result behind")
    return Outcome("value", "", 0, outcome.shape, outcome.dtype, values, outcome.changed)


def _plain(text: str) -> str:
    """Text of the user's code, safe for a terminal and short, in one line."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= 200 else f"{text[:197]}..."
