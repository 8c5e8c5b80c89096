"""Code that misbehaves, run on purpose: every kind ends in a clear sentence, and leaves nothing behind."""

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from symderiv.check.code import CodeReport, check_code
from symderiv.check.code.process import _outcome, _report

RIGHT = "np.diag(p) - np.outer(p, p)"


def judged(tmp_path: Path, body: str, seconds: float = 20.0, memory: int = 1024, top: str = "") -> CodeReport:
    """The verdict on a function of p with this body, which ought to return softmax's Jacobian."""
    path = tmp_path / "given.py"
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    path.write_text(f"import os, sys, time\nimport numpy as np\n{top}\n\ndef f(p):\n{lines}\n")
    return check_code(f"{path}::f", "softmax", seconds=seconds, memory=memory)


@pytest.mark.parametrize(
    ("body", "word", "message"),
    [
        ("return p[len(p)]", "exception", r"raises IndexError: .* (line 6)"),
        ("raise ValueError('a\\x1b[2Jb' + 'c' * 1000)", "exception", "raises ValueError: a"),
        ("sys.exit(3)", "exception", "raises SystemExit: 3 (line 6)"),
        ("return f(p)", "exception", "raises RecursionError"),
        ("os._exit(0)", "ended", "ends its process itself, with status 0"),
        ("os.kill(os.getpid(), 11)", "ended", "ends its process: SIGSEGV"),
        ("return np.zeros(2**34)", "memory", "needs more memory than it may have (line 6)"),
        ("return None", "no numbers", "returns None, expected one array of real numbers"),
        ("return p, p", "no numbers", "returns a tuple of 2"),
        ("return {'p': p}", "no numbers", "returns dict of object"),
        ("return np.outer(p, p) * 1j", "no numbers", "complex128"),
    ],
)
def test_what_fails_is_told(tmp_path: Path, body: str, word: str, message: str) -> None:
    report = judged(tmp_path, body)
    assert report.verdict == "undecided"
    assert report.diagnosis is not None
    assert report.diagnosis.word == word, report.message
    for part in message.split(" .* "):
        assert part in report.message
    assert len(report.message) < 300
    assert report.message.isprintable()


def test_what_hangs_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    for body in ("while True: pass", "time.sleep(600)"):
        report = judged(tmp_path, body, seconds=1.0)
        assert report.verdict == "undecided"
        assert "does not end within 1 seconds" in report.message
    assert time.monotonic() - began < 60  # ten minutes, if the second were left to end by itself


FORKING = """\
try:
    child = os.fork()
except OSError:
    child = 1
if child == 0:
    os.{leave}
    while True:
        open({mark!r}, "a").write("x")
        time.sleep(0.02)
time.sleep(0.1)
return {right}"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="strays are found on Linux")
@pytest.mark.parametrize("leave", ["getpid()", "setsid()"])
def test_processes_that_are_started_end_with_it(tmp_path: Path, leave: str) -> None:
    mark = tmp_path / "mark"
    report = judged(tmp_path, FORKING.format(leave=leave, mark=str(mark), right=RIGHT))
    assert report.verdict == "agrees", str(report)
    size = mark.stat().st_size if mark.exists() else 0
    time.sleep(0.2)
    assert (mark.stat().st_size if mark.exists() else 0) == size


@pytest.mark.parametrize(
    "body",
    [
        f"if os.fork() == 0: pass\nreturn {RIGHT}",
        f"print('x' * 10**8)\nsys.stderr.write('y' * 10**8)\nreturn {RIGHT}",
        f"sys.stdout = None\nsys.stdin.read()\nreturn {RIGHT}",
        f"os.chdir('/')\nreturn {RIGHT}",
        f"import threading\ntry: threading.Thread(target=time.sleep, args=(600,)).start()\n"
        f"except RuntimeError: pass\nreturn {RIGHT}",
    ],
)
def test_what_only_makes_noise_is_judged_all_the_same(tmp_path: Path, body: str) -> None:
    if "fork" in body:
        body = body.replace("if os.fork() == 0: pass", "try: os.fork()\nexcept OSError: pass")
    assert judged(tmp_path, body).verdict == "agrees"


def test_the_file_may_fail_or_hang_before_its_function_is_called(tmp_path: Path) -> None:
    report = judged(tmp_path, "return p", top="raise KeyError('no such thing')")
    assert "reading the file raises KeyError: 'no such thing' (line 3)" in report.message
    report = judged(tmp_path, "return p", top="import surely_not_installed")
    assert "reading the file raises ModuleNotFoundError" in report.message
    report = judged(tmp_path, "return p", seconds=1.0, top="time.sleep(100)")
    assert "does not end within 1 seconds" in report.message
    report = judged(tmp_path, "return p", top="os._exit(7)")
    assert "reading the file ends its process itself, with status 7" in report.message


def test_a_failure_at_larger_sizes_names_the_sizes(tmp_path: Path) -> None:
    report = judged(tmp_path, f"assert len(p) < 3, 'too long'\nreturn {RIGHT}")
    assert report.verdict == "undecided"
    assert "raises AssertionError: too long (line 6)" in report.message
    assert report.counterexample["sizes"] == {"K": 3}


def test_the_surroundings_are_bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not this one')")
    (tmp_path / "helper.py").write_text(
        "import numpy as np\ndef right(p): return np.diag(p) - np.outer(p, p)"
    )
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    body = "assert 'A_SECRET' not in os.environ\nassert 'symderiv' not in sys.modules\nreturn helper.right(p)"
    report = judged(tmp_path, body, top="import helper")
    assert report.verdict == "agrees", str(report)
    assert not list(place.iterdir())
    assert not list(tmp_path.glob("__pycache__"))


def test_only_the_given_file_is_run(tmp_path: Path) -> None:
    """Looking for the function, its parameters and its header runs nothing: the process does."""
    report = judged(tmp_path, f"return {RIGHT}", top=f"assert os.getpid() != {os.getpid()}")
    assert report.verdict == "agrees"
    assert "given" not in sys.modules


FORGED = '{"kind": "value", "shape": %s, "dtype": "float64", "changed": []}'
MALICE = {
    "pickle": "open('0.bin', 'wb').write(b'\\x80\\x04cos\\nsystem\\n(S\"true\"tR.')",
    "huge": "open('0.json', 'w').write('[' * 100000)",
    "deep": "open('0.json', 'w').write('[' * 9000)",
    "link": "os.symlink('/etc/hostname', '0.json')",
    "pipe": "os.mkfifo('0.json')",
    "folder": "os.mkdir('0.json')",
    "lies": "open('0.json', 'w').write('" + FORGED % "[0, 4611686018427387903, 9]" + "')",
    "types": "open('0.json', 'w').write('" + FORGED % "[true, 1e9]" + "')",
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
@pytest.mark.parametrize("kind", MALICE)
def test_a_forged_result_is_no_result(tmp_path: Path, kind: str) -> None:
    report = judged(tmp_path, f"{MALICE[kind]}\nos._exit(0)")
    assert report.verdict == "undecided"
    assert "leaves no readable result" in report.message or "ends its process" in report.message


def test_results_are_read_with_suspicion(tmp_path: Path) -> None:
    shape = '{"kind": "value", "shape": [2, 3], "dtype": "float64", "changed": []}'
    (tmp_path / "0.json").write_text(shape)
    report = _report(tmp_path, "0")
    assert report is not None
    assert _outcome(tmp_path, "0", report).kind == "unreadable"
    (tmp_path / "0.bin").write_bytes(bytes(8 * 6))
    assert _outcome(tmp_path, "0", report).shape == (2, 3)
    (tmp_path / "0.bin").write_bytes(bytes(8 * 5))
    assert _outcome(tmp_path, "0", report).kind == "unreadable"
