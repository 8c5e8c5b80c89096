"""A keeper and its child: every way in which a child may end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symderiv.serve import answer as answer_module
from symderiv.serve import keeper
from symderiv.serve.answer import Part
from symderiv.serve.frames import Frames, framed, read_frame, write_frame


def _hungry() -> None:
    kept = [b"x" * (1 << 20) for _ in range(2048)]
    raise AssertionError(len(kept))


def _deep(level: int = 0) -> int:
    return _deep(level + 1) + 1


def _busy() -> None:
    while True:
        pass


def _asleep() -> None:
    time.sleep(60)


def _fault() -> None:
    raise KeyError("secret")


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)  # as a system does that has no memory left


def _writes() -> None:
    Path("/tmp/symderiv-playground-test").write_text("x")


def _nothing() -> None:
    return


WAYS: dict[Callable[[], object], str] = {
    _nothing: "done", _hungry: "memory", _deep: "deep", _busy: "time", _asleep: "time", _fault: "fault",
    _crash: "memory", _writes: "fault",
}  # fmt: skip


def size() -> int:
    """The address space of this process, in MiB: a child begins with it."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") >> 20


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_how_a_child_may_end(
    way: Callable[[], object], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def hostile(text: str) -> Iterator[Part]:
        yield Part("understood", text)
        way()
        yield Part("verdict", "<p>done</p>")

    monkeypatch.setattr(answer_module, "answer", hostile)
    monkeypatch.setattr(keeper, "MORE_SECONDS", 1.0 if way is _asleep else 60.0)
    requests, answers = os.pipe(), os.pipe()
    end = keeper._work("y = x", requests[0], answers[1], 0.5, size() + 256)
    os.close(answers[1])
    found = []
    while (frame := read_frame(answers[0])) is not None:
        found.append(frame)
    assert end == WAYS[way]
    assert len(found) == (2 if end == "done" else 1)  # what was found before is passed on, and whole
    assert b"y = x" in found[0]
    err = capfd.readouterr().err
    assert "secret" not in err
    assert ("KeyError at test_keeper.py" in err) == (way is _fault)
    for each in (*requests, answers[0]):
        os.close(each)


def test_a_child_is_called_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(text: str) -> Iterator[Part]:
        yield Part("understood", text)
        _asleep()

    monkeypatch.setattr(answer_module, "answer", endless)
    for message in (b"", None):  # it is told so, or the server has ended
        requests, answers = os.pipe(), os.pipe()
        if message is not None:
            write_frame(requests[1], message)
        else:
            os.close(requests[1])
        began = time.monotonic()
        assert keeper._work("y = x", requests[0], answers[1], 30.0, size() + 256) == "called off"
        assert time.monotonic() - began < 20  # of the 30 seconds that it may take


def test_an_answer_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(text: str) -> Iterator[Part]:
        while True:
            yield Part("kernels", "x" * 10_000)

    monkeypatch.setattr(answer_module, "answer", endless)
    monkeypatch.setattr(keeper, "MAX_ANSWER", 30_000)
    requests, answers = os.pipe(), os.pipe()
    assert keeper._work("y = x", requests[0], answers[1], 30.0, size() + 256) == "large"


def test_messages_that_come_in_pieces() -> None:
    messages = [b"", b"a", b"x" * 300]
    whole = b"".join(map(framed, messages))
    for step in (1, 2, 7, 1000):
        frames = Frames()
        found = [
            each for start in range(0, len(whole), step) for each in frames.fed(whole[start : start + step])
        ]
        assert found == messages
