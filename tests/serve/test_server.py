"""The playground over its sockets: who may ask, how much, and that nothing harms anything else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import typer
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from symderiv.cli.serve import serve as command
from symderiv.serve import Limits, ServeError
from symderiv.serve import pool as pool_module
from symderiv.serve import server as server_module
from symderiv.serve.app import application
from symderiv.serve.guard import HEADERS, Guard
from symderiv.serve.limits import MAX_BODY, MAX_HEADERS, MAX_TEXT, MAX_URL
from symderiv.serve.pool import Pool
from symderiv.serve.server import _protocol, is_loopback, serve
from tests.serve.running import Running, children, running, runs, start, worked
from tests.trials.hostile import extremes, texts

SOFTMAX = "p[i] = exp(z[i]) / sum(k, exp(z[k]))"
#: A claim that never ends in time: written out, it doubles with each line.
ENDLESS = "f0 = x\n" + "\n".join(f"f{n + 1} = exp(f{n}) + f{n}" for n in range(30)) + "\nd(f29, x) = f29"
SECONDS = 2.0


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running("--workers", "2", "--seconds", f"{SECONDS:g}", "--queue", "2") as found:
        yield found


def test_every_answer_says_who_may_use_it(server: Running) -> None:
    asked = {
        200: server.ask(),
        404: server.ask(path="/nothing"),
        405: server.ask("DELETE"),
        421: server.ask(headers={"Host": "evil.example"}),
        403: server.ask("POST", "/work", b"x", {"Origin": "http://evil.example"}),
        413: server.ask("POST", "/work", b"x" * (MAX_BODY + 1)),
        400: server.ask("POST", "/work", b"\xff\xfe"),
        414: server.ask(path="/" + "a" * MAX_URL + "b"),
        431: server.ask(headers={"X-Long": "a" * MAX_HEADERS}),
    }
    for status, found in asked.items():
        assert found.status == status or (status == 431 and found.status == 400), found
        assert found.headers.items() >= HEADERS.items() or found.status == 400, status
        assert "set-cookie" not in found.headers
        assert "server" not in found.headers
    policy = asked[200].headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200), ("localhost:{port}", 200), ("LOCALHOST", 200), ("[::1]:9", 200),
        ("evil.example:{port}", 421), ("127.0.0.1.evil.example", 421), ("localhost.", 421), ("", 421),
        ("10.0.0.1:{port}", 421), ("localhost:x", 421), ("a@localhost", 421),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(server: Running, host: str, status: int) -> None:
    assert server.ask(headers={"Host": host.format(port=server.port)}).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:{port}"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_only_our_own_page_may_send_formulas(server: Running, headers: dict[str, str], status: int) -> None:
    given = {name: value.format(port=server.port) for name, value in headers.items()}
    assert server.ask("POST", "/work", b"y = x^2", given).status == status


def test_an_answer_has_everything(server: Running) -> None:
    found = server.work(f"{SOFTMAX}; d(p[i], z[j]) = p[i] * (delta(i, j) + p[j])")
    assert found.kind == "refuted"
    assert "Counterexample" in found.html("verdict")
    assert found.html("derivation").count("<details") > 5
    assert "<svg" in found.html("derivation")
    for target in ("NumPy", "Numba", "C: <code>formula.c", "C: <code>formula.h"):
        assert target in found.html("kernels")
    assert " style=" not in "".join(each["html"] for each in found.parts)  # the policy forbids it


def test_the_form_works_without_a_script(server: Running) -> None:
    text = "</textarea><script>alert(1)</script>"
    found = server.ask("POST", "/", urlencode({"text": text}).encode())
    assert found.status == 200
    assert "<script>alert" not in found.body
    assert "&lt;/textarea&gt;&lt;script&gt;" in found.body
    assert "Not understood" in found.body
    asked = server.ask("POST", "/", urlencode({"text": SOFTMAX}).encode()).body
    assert 'data-kind="derived"' in asked
    assert "formula_numba.py" in asked
    assert "sum(k, exp(z[k]))</textarea>" in asked
    assert server.ask(path="/examples/chain").body.count("\\begin{align}") == 2  # in the box, and in the list
    assert server.ask(path="/examples/none").status == 404


def test_an_empty_text_is_answered_at_once(server: Running) -> None:
    began = time.monotonic()
    before = server.keepers()
    assert [server.work(text).kind for text in ("", " \n", "")] == ["unreadable"] * 3
    assert "Nothing to do yet" in server.ask("POST", "/", b"text=").body
    assert "Nothing to do yet" in server.ask("POST", "/", b"").body
    assert server.keepers() == before
    assert time.monotonic() - began < 30


def test_a_body_is_read_no_further_than_it_may_be_long(server: Running) -> None:
    head = f"POST /work HTTP/1.1\r\nHost: localhost:{server.port}\r\n"
    with server.socket() as declared:
        declared.sendall(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert declared.recv(100).startswith(b"HTTP/1.1 413")
    with server.socket() as chunked:
        chunked.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(3 * MAX_BODY // 4096):
                chunked.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            found = chunked.recv(100)
        except (BrokenPipeError, ConnectionResetError):  # it did not wait for the end
            found = b"HTTP/1.1 413"
        assert found.startswith(b"HTTP/1.1 413")
    assert server.work(SOFTMAX).kind == "derived"


def test_what_is_no_http_is_refused(server: Running) -> None:
    begin = b"GET / HTTP/1.1\r\n"
    for bad in (b"\x16\x03\x01\x02\x00\r\n\r\n", begin + b"\r\n", begin + b"Host: a\r\nHost: b\r\n\r\n"):
        with server.socket() as connection:
            connection.sendall(bad)
            assert connection.recv(100).startswith(b"HTTP/1.1 4")


def test_what_takes_too_long_is_stopped_and_harms_nothing(server: Running) -> None:
    began = time.monotonic()
    slow: list[str] = []
    thread = threading.Thread(target=lambda: slow.append(server.work(ENDLESS).html("verdict")))
    thread.start()
    answered = 0
    while thread.is_alive():
        assert server.work(SOFTMAX).kind == "derived"
        answered += thread.is_alive()
    assert answered
    assert "more than 2 seconds of work" in slow[0]
    assert time.monotonic() - began > SECONDS - 0.5


def test_a_worker_that_is_killed_is_replaced_and_harms_no_other(server: Running) -> None:
    before = server.keepers()
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(server.work(ENDLESS).html("verdict"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 120
    while not all(children(number) for number in before) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(before[0], signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert sorted("fault of ours" in each for each in found) == [False, True]
    assert sorted("of work" in each for each in found) == [False, True]
    assert [server.work(SOFTMAX).kind for _ in range(4)] == ["derived"] * 4
    until = time.monotonic() + 120
    while len(server.keepers()) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    after = server.keepers()
    assert len(after) == 2
    assert before[0] not in after
    assert before[1] in after


def test_work_that_nobody_waits_for_is_called_off(server: Running) -> None:
    body = ENDLESS.encode()
    head = f"POST /work HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(6):
        with server.socket() as connection:
            connection.sendall(head.encode() + body)
            time.sleep(0.1)
    longest = 0.0
    while found := [child for keeper in server.keepers() for child in children(keeper)]:
        longest = max(longest, *map(worked, found))
        time.sleep(0.01)
    assert longest < 0.8 * SECONDS  # left alone, it works until its limit
    assert server.work(SOFTMAX).kind == "derived"


def test_a_full_queue_says_when_to_come_again(server: Running) -> None:
    body = ENDLESS.encode()
    head = f"POST /work HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Length: {len(body)}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(8):  # two are worked on, two wait
            stack.enter_context(server.socket()).sendall(head.encode() + body)
        time.sleep(0.3)
        found = server.ask("POST", "/work", SOFTMAX.encode())
        assert found.status == 503
        assert found.headers["retry-after"].isdigit()
        assert found.headers.items() >= HEADERS.items()
        assert server.ask("POST", "/", b"text=x").status == 503
        assert server.ask().status == 200  # the page is there all the same
    until = time.monotonic() + 120
    while (found := server.work(SOFTMAX)).status == 503 and time.monotonic() < until:
        time.sleep(0.05)
    assert found.kind == "derived"


def test_a_turn_that_does_not_come_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "WAITING_SECONDS", 0.1)
    sent: list[Message] = []

    async def receive() -> Message:
        if not sent:
            sent.append({})
            return {"type": "http.request", "body": b"y = x", "more_body": False}
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        pool = Pool(Limits())  # with no workers, no turn comes
        scope: Scope = {
            "type": "http", "method": "POST", "path": "/work", "raw_path": b"/work", "query_string": b"",
            "headers": [(b"host", b"localhost")], "http_version": "1.1", "scheme": "http",
        }  # fmt: skip
        await application(pool)(scope, receive, send)
        await pool.close()

    asyncio.run(run())
    assert sent[1]["status"] == 503
    assert dict(sent[1]["headers"])[b"retry-after"].isdigit()


def test_the_end_leaves_no_process() -> None:
    with running("--workers", "1", "--seconds", "60") as server:
        keepers = server.keepers()
        threading.Thread(target=lambda: server.socket().sendall(b"GET"), daemon=True).start()
        body = ENDLESS.encode()
        waiting = server.socket()
        waiting.sendall(
            f"POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        until = time.monotonic() + 120
        while not (working := children(keepers[0])):
            assert time.monotonic() < until
            time.sleep(0.02)
    assert not any(map(runs, (*keepers, *working)))


@pytest.mark.parametrize(
    ("host", "port", "public", "told"),
    [
        ("0.0.0.0", 0, False, "add --public"),
        ("example.com", 0, False, "add --public"),
        ("192.0.2.1", 0, True, "expected an address of this machine"),
        ("127.0.0.1", 70000, False, "0 to 65535"),
    ],
)
def test_an_address_that_cannot_be_used(host: str, port: int, public: bool, told: str) -> None:
    with pytest.raises(ServeError, match=told):
        serve(host, port, Limits(), public=public)


def test_a_port_in_use(server: Running) -> None:
    process = start("--port", str(server.port))
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert f"found {server.port} in use" in err
    assert err.count("\n") == 1


def test_what_has_to_be_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(typer.Exit) as stop:
        command()
    assert stop.value.exit_code == 2
    assert "pip install 'symderiv[serve]'" in capsys.readouterr().err


def test_nothing_that_is_typed_is_printed(server: Running) -> None:
    assert json.loads(server.work("secret_word[i] = (").body.splitlines()[0])["kind"] == "unreadable"
    # The fixture ends the server, and finds its standard error empty.


def test_the_connection_limit_keeps_room(server: Running) -> None:
    idle = [server.socket() for _ in range(40)]
    try:
        assert server.work(SOFTMAX).kind == "derived"
    finally:
        for each in idle:
            each.close()


def test_hostile_texts_are_all_answered(server: Running) -> None:
    extreme = [each.text for each in extremes() if len(each.text) <= MAX_TEXT]
    mutated = [each.text for each in texts(900, seed=3)][-8:]
    for text in (*extreme[:: len(extreme) // 3], *mutated):
        found = server.ask("POST", "/work", text.encode("utf-8", "replace"))
        assert found.status == 200
        assert found.parts or not text.strip(), text[:100]
        assert found.kind


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("10.1.2.3:80", False),
        ("[fe80::1]:80", False),
        ("box", False),
        ("evil.example", True),
        ("1.2.3", True),
    ],
)
def test_other_machines_may_call_it_by_its_address(host: str, refused: bool) -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    guard = Guard(nothing, ("localhost", "box"), addresses=True)
    scope = {"method": "GET", "headers": [(b"host", host.encode())], "query_string": b"", "type": "http"}
    assert (guard.refusal(scope) is not None) == refused
    assert Guard(nothing).refusal(scope) is not None  # but not where it serves this machine alone


def test_what_is_no_other_machine() -> None:
    assert [is_loopback(each) for each in ("::1", "127.9.9.9", "localhost")] == [True] * 3
    assert [is_loopback(each) for each in ("::", "0.0.0.0", "192.168.1.2", "example.com")] == [False] * 4


def test_slow_clients_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 3)

    async def flood(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})

    class Short(Limits):
        request_seconds = 0.5

    async def run() -> list[float]:
        config = uvicorn.Config(flood, http=_protocol(Short()), lifespan="off", log_config=None)
        running = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            task = asyncio.create_task(running.serve([listening]))
            begin = time.monotonic()
            ends = []
            for sent in (b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
                reader, writer = await asyncio.open_connection(*listening.getsockname(), limit=1024)
                writer.write(sent)
                await asyncio.sleep(1.0)  # reads nothing meanwhile
                with contextlib.suppress(ConnectionResetError):
                    while await reader.read(1 << 20):
                        assert time.monotonic() - begin < 60
                ends.append(len(running.server_state.connections))
                writer.close()
            idle = [await asyncio.open_connection(*listening.getsockname()) for _ in range(5)]
            await asyncio.sleep(0.05)
            ends.append(len(running.server_state.connections))
            reader, writer = await asyncio.open_connection(
                *listening.getsockname()
            )  # and still there is room
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await reader.read(12) == b"HTTP/1.1 200"
            assert [await reader.read(1) for reader, _ in idle[:3]] == [b""] * 3  # the first have made it
            for _, each in (*idle, (reader, writer)):
                each.close()
            running.should_exit = True
            await task
        return ends

    assert asyncio.run(run()) == [0, 0, 3]
