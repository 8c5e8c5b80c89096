"""The playground under load: many clients at once, some of them hostile; counts what came back, and how soon.

    python benchmarks/serve_load.py [--clients 50] [--requests 12] [--workers 2] [--seconds 5] [--seed 1]

A third of the clients means ill: formulas of the hostile trials and such as never end, bodies that are too
large or no text, requests that hang up or say nothing more, other sites' names. The others send the examples
and have to get each one's own verdict, again after a 503 where the queue was full. The exit status is 1 if an
honest request went without its answer, something hung, a worker was left over or lost, or a fault of ours
was reported.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import json
import random
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from symderiv.serve.examples import EXAMPLES
from symderiv.serve.limits import MAX_BODY, MAX_TEXT
from tests.serve.running import Running, running
from tests.trials.hostile import texts

#: The verdict of each example.
VERDICTS = {
    "wrong-softmax": "refuted", "chain": "refuted", "notes": "refuted", "condition": "conditional",
    "identity": "proved", "layer-norm": "proved",
}  # fmt: skip
#: A claim that takes longer than any limit: written out, it doubles with each line.
ENDLESS = "f0 = x\n" + "\n".join(f"f{n + 1} = exp(f{n}) + f{n}" for n in range(30)) + "\nd(f29, x) = f29"
#: The longest that anything may take, in seconds; what takes longer hangs.
HANGS = 150.0


@dataclass
class Found:
    """What the clients have seen."""

    statuses: collections.Counter[str] = field(default_factory=collections.Counter)
    honest: list[float] = field(default_factory=list)
    retries: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str) -> None:
        """Count something."""
        with self.lock:
            self.statuses[what] += 1


def ask(server: Running, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Send a text; the status, the verdict in a word, and when to come again."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANGS)
    with contextlib.closing(connection):
        connection.request("POST", "/work", body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            return answer.status, "", answer.headers.get("Retry-After", "")
        parts = [json.loads(line) for line in text.splitlines()]
        if parts[-1] != {"part": "end"}:
            return 0, "cut off", ""
        return 200, next((each["kind"] for each in reversed(parts[:-1]) if each["kind"]), ""), ""


def honest(server: Running, found: Found, rng: random.Random, count: int) -> None:
    """A client that wants examples answered."""
    for _ in range(count):
        name = rng.choice(list(EXAMPLES))
        began = time.monotonic()
        while True:
            try:
                status, kind, again = ask(server, EXAMPLES[name].text.encode())
            except Exception as error:  # whatever it is, the request was lost
                status, kind, again = 0, f"{type(error).__name__}: {error}", ""
            if status != 503:
                break
            with found.lock:
                found.retries += 1
            time.sleep(float(again) * (0.5 + rng.random()))
        with found.lock:
            found.honest.append(time.monotonic() - began)
        if (status, kind) == (200, VERDICTS.get(name, "derived")):
            found.note("honest, answered")
        else:
            found.note("honest, lost")
            found.wrong.append(f"{name}: {status} {kind}")


def hostile(server: Running, found: Found, rng: random.Random, count: int) -> None:
    """A client that means ill."""
    bad = list(texts(900 + count, seed=rng.randrange(1 << 30)))[-count:]
    extreme = [each for each in texts(800, seed=1) if len(each.text) <= MAX_TEXT]
    for each in bad:
        way = rng.randrange(10)
        began = time.monotonic()
        try:
            if way < 3:
                text = each.text if way else rng.choice(extreme).text
                status, kind, _ = ask(server, text.encode("utf-8", "replace"))
                found.note(f"hostile text, {status} {kind}".rstrip())
            elif way == 3:
                status, kind, _ = ask(server, ENDLESS.encode())
                found.note(f"endless, {status} {kind}".rstrip())
            elif way == 4:
                found.note(f"too large, {ask(server, b'x' * (MAX_BODY + 1))[0]}")
            elif way == 5:
                found.note(f"no text, {ask(server, bytes([0xFF, 0xFE, 0x80]))[0]}")
            elif way == 6:
                found.note(f"another Host, {ask(server, b'y = x', {'Host': 'evil.example'})[0]}")
            elif way == 7:
                found.note(f"another Origin, {ask(server, b'y = x', {'Origin': 'http://evil.example'})[0]}")
            else:
                _hang_up(server, rng)
                found.note("hung up")
        except (ConnectionError, http.client.HTTPException) as error:
            found.note(f"refused: {type(error).__name__}")
        if time.monotonic() - began > HANGS:
            found.wrong.append(f"hung: {each.what}")


def _hang_up(server: Running, rng: random.Random) -> None:
    """Begin a request, wait a little, and go."""
    body = ENDLESS.encode()
    head = f"POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    whole = head + body
    with socket.create_connection(("127.0.0.1", server.port), timeout=HANGS) as connection:
        connection.sendall(whole[: rng.choice((5, len(head), len(whole) - 3, len(whole)))])
        time.sleep(rng.random())


def main() -> int:
    """Run the load, and print what came of it."""
    parser = argparse.ArgumentParser(description="The playground under load.")
    for name, default in (("clients", 50), ("requests", 12), ("workers", 2), ("seconds", 5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    found = Found()
    with running("--workers", str(given.workers), "--seconds", str(given.seconds)) as server:
        before = len(server.keepers())
        began = time.monotonic()
        threads = []
        for number in range(given.clients):
            client = hostile if number % 3 == 2 else honest
            rng = random.Random(given.seed * 1000 + number)
            threads.append(threading.Thread(target=client, args=(server, found, rng, given.requests)))
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        took = time.monotonic() - began
        until = time.monotonic() + 30
        while len(server.keepers()) != before and time.monotonic() < until:
            time.sleep(0.1)
        if len(server.keepers()) != before:
            found.wrong.append(f"{len(server.keepers())} workers, {before} before")
        status, kind, _ = ask(server, EXAMPLES["chain"].text.encode())
        if (status, kind) != (200, "refuted"):
            found.wrong.append(f"after the load: {status} {kind}")
        memory = Path(f"/proc/{server.process.pid}/status").read_text().partition("VmRSS:")[2].split()[0]
    served = sum(found.statuses.values())
    print(f"{given.clients} clients, {served} requests in {took:.1f} s ({served / took:.1f} a second)")
    for what, count in sorted(found.statuses.items()):
        print(f"  {count:5}  {what}")
    times = sorted(found.honest)
    median, most = times[len(times) // 2], times[-1]
    late = times[int(0.95 * (len(times) - 1))]
    print(f"honest requests: median {median:.2f} s, 95 % within {late:.2f} s, longest {most:.2f} s")
    print(f"{found.retries} tries were put off with a 503")
    print(f"the server takes {int(memory) // 1024} MiB afterwards, with {before} workers")
    for each in found.wrong:
        print(f"WRONG: {each}")
    return bool(found.wrong)


if __name__ == "__main__":
    sys.exit(main())
