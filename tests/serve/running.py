"""A playground that runs, in a process of its own, and what tests ask of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def parts(self) -> list[dict[str, str]]:
        """The parts, but for the end, which there has to be."""
        found: list[dict[str, str]] = [json.loads(line) for line in self.body.splitlines()]
        assert found[-1] == {"part": "end"}
        return found[:-1]

    def html(self, part: str) -> str:
        """All that was said of one part."""
        return "".join(each["html"] for each in self.parts if each["part"] == part)

    @property
    def kind(self) -> str:
        """The verdict in a word."""
        return [each["kind"] for each in self.parts if each["kind"]][-1]


class Running:
    """A server, and its address."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        self.port = int(re.search(r":(\d+)/", address)[1])  # type: ignore[index]

    def ask(
        self,
        method: str = "GET",
        path: str = "/",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 240.0,
    ) -> Answer:
        """Send a request, and read the answer to its end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            found = connection.getresponse()
            named = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, named, found.read().decode())

    def work(self, text: str) -> Answer:
        """Let a text be worked on."""
        return self.ask("POST", "/work", text.encode())

    def socket(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def keepers(self) -> list[int]:
        """The processes below that of the server."""
        return children(self.process.pid)


def children(number: int) -> list[int]:
    """The processes that a process has started."""
    text = Path(f"/proc/{number}/task/{number}/children").read_text()
    return [int(word) for word in text.split()]


def runs(number: int) -> bool:
    """Whether a process runs; one that has ended and that nobody asked about yet does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def worked(number: int) -> float:
    """How long a process has worked, in seconds of processor time."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(*options: str, **more: Any) -> subprocess.Popen[str]:
    """Start a server."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "symderiv", "serve", *options],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


@contextlib.contextmanager
def running(*options: str, **more: Any) -> Iterator[Running]:
    """A server that has printed its address, ended in the end as a person ends it."""
    process = start("--port", "0", *options, **more)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, process.communicate(timeout=30)
        yield Running(process, line.split()[2])
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err) == (0, "symderiv serve: ended\n", "")
    finally:
        process.kill()
        process.wait()
