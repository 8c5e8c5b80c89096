"""A keeper: a process that has everything imported, and makes a child of itself for each formula.

A child has limits on memory and on time, opens nothing for writing, and ends with its answer: whatever a
formula does to it, the next one finds nothing of that. The keeper passes on whole parts only and says
in the end how its child ended; it runs one formula at a time, and ends with the server.

Run as ``python -m symderiv.serve.keeper SECONDS MEMORY``; messages are read from the standard input and
written to the standard output.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import select
import signal
import sys
import time
import traceback
from typing import NoReturn

from symderiv.serve.frames import Frames, read_frame, write_frame
from symderiv.serve.limits import MAX_ANSWER, MORE_SECONDS

READY, END = b"ready", b"end "
#: How a request for work begins, also for a text that is empty; one without calls off what is done.
WORK = b"work "
#: How a child begins its word on a fault of ours.
_WHY = b"because "
#: How a child ends, as an exit status.
DONE, FAULT, MEMORY, DEEP = 0, 1, 3, 4
#: How long a child may take to end after its last word, in seconds.
_TO_END = 2.0
#: What it means that a signal has ended it; any other comes of a system that has no memory left.
_SIGNALLED: dict[int, str] = {signal.SIGXCPU: "time", signal.SIGSEGV: "deep"}
_ENDS = {DONE: "done", FAULT: "fault", MEMORY: "memory", DEEP: "deep"}


def main() -> None:
    """Serve until the standard input ends."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server's business, which then ends this process
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):  # what a library prints must not come between messages
        os.dup2(null, number)
    _warm_up()
    with contextlib.suppress(BrokenPipeError):  # the server has ended
        write_frame(answers, READY)
        while (request := read_frame(requests)) is not None:
            if request.startswith(WORK):  # any other calls off what has ended meanwhile
                text = request.removeprefix(WORK).decode("utf-8", "surrogatepass")
                end = _work(text, requests, answers, seconds, memory)
                write_frame(answers, END + end.encode())


def _warm_up() -> None:
    """Import all that a formula may need, once."""
    from symderiv.serve.answer import answer

    for text in ("p[i] = exp(z[i]) / sum(k, exp(z[k]))\nd(p[i], z[j]) = p[i]", r"$$ y = \frac{x}{2} $$ is"):
        for _ in answer(text):
            pass
    gc.collect()
    gc.freeze()  # children share these pages


def _work(text: str, requests: int, answers: int, seconds: float, memory: int) -> str:
    """Answer one text in a child; how it ended, in a word."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        for each in (reading, requests, answers):
            os.close(each)
        _answer(text, writing, seconds, memory)
    os.close(writing)
    status = None
    try:
        why = _pass_on(reading, requests, answers, time.monotonic() + seconds + MORE_SECONDS)
        status = _ended(child, 0.0 if why else _TO_END)
    finally:
        os.close(reading)
        if status is None:
            os.kill(child, signal.SIGKILL)  # it is not reaped yet: the number is its own
            os.waitpid(child, 0)
    if why or status is None:
        return why or "fault"
    if os.WIFSIGNALED(status):
        return _SIGNALLED.get(os.WTERMSIG(status), "memory")
    return _ENDS.get(os.WEXITSTATUS(status), "fault")


def _ended(child: int, patience: float) -> int | None:
    """How a child has ended; None where it still runs after that many seconds."""
    until = time.monotonic() + patience
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        if time.monotonic() >= until:
            return None
        time.sleep(0.002)


def _pass_on(reading: int, requests: int, answers: int, deadline: float) -> str:
    """Pass the parts on that a child writes; why it has to be ended, or nothing where it ends itself."""
    frames = Frames()
    total = 0
    waiting = select.poll()
    for each in (reading, requests):
        waiting.register(each, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        ready = {number for number, _ in waiting.poll(left * 1000)}
        if requests in ready:
            read_frame(requests)  # an empty message, or the end of the server: nobody waits any more
            return "called off"
        if reading not in ready:
            continue
        more = os.read(reading, 1 << 16)
        if not more:
            return ""
        total += len(more)
        if total > MAX_ANSWER:
            return "large"
        for frame in frames.fed(more):
            if frame.startswith(_WHY):
                told = frame.removeprefix(_WHY).decode()
                print(f"symderiv serve: a fault of ours: {told}", file=sys.stderr, flush=True)
            else:
                write_frame(answers, frame)
    return "time"


def _answer(text: str, writing: int, seconds: float, memory: int) -> NoReturn:
    """In the child: write the parts, and end."""
    status = FAULT
    try:
        _restrict(seconds, memory)
        from symderiv.serve.answer import answer

        for part in answer(text):
            write_frame(writing, part.encoded())
        status = DONE
    except MemoryError:
        status = MEMORY
    except RecursionError:
        status = DEEP
    except Exception as error:  # a fault of ours: told with its place in our code, and nothing of the text
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(last.filename)}:{last.lineno}"
        write_frame(writing, _WHY + f"{type(error).__name__} at {place}".encode())
    finally:
        os._exit(status)


def _restrict(seconds: float, memory: int) -> None:
    import resource

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    size, time_ = memory << 20, math.ceil(seconds)
    for kind, limit in (
        (resource.RLIMIT_AS, size), (resource.RLIMIT_CPU, time_), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 64),
    ):  # fmt: skip
        hard = resource.getrlimit(kind)[1]
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (most, most + 1 if kind == resource.RLIMIT_CPU else most))


if __name__ == "__main__":
    main()
