"""The server: its socket, its connections, its beginning and its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import webbrowser
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from symderiv.serve.app import application
from symderiv.serve.guard import LOOPBACK
from symderiv.serve.limits import HEAD_SECONDS, MAX_CONNECTIONS, MAX_HEADERS, Limits, ServeError
from symderiv.serve.pool import Pool

#: How long open connections are waited for at the end, in seconds.
FAREWELL_SECONDS = 2


def serve(
    host: str,
    port: int,
    limits: Limits,
    *,
    public: bool = False,
    opens: bool = False,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the playground until an interrupt.

    Parameters
    ----------
    host, port
        The address to listen on; the port 0 is any that is free.
    limits
        What one formula may take.
    public
        Whether an address that other machines reach is meant.
    opens
        Whether a browser is opened.
    tell
        Takes the lines that are to be printed.

    Raises
    ------
    ServeError
        If the address cannot be used, or workers cannot be started.
    """
    loopback = is_loopback(host)
    if not (loopback or public):
        raise ServeError(
            f"--host: expected an address of this machine alone, such as 127.0.0.1, found {host}; "
            "other machines may reach it: if that is meant, add --public"
        )
    listening = _listening(host, port)
    with contextlib.closing(listening):
        address = _address(listening, host)
        names = LOOPBACK if loopback else (*LOOPBACK, host.lower(), socket.gethostname().lower())
        pool = Pool(limits)
        config = uvicorn.Config(
            application(pool, names, not loopback), http=_protocol(limits), ws="none", lifespan="off",
            log_config=None, log_level="error", access_log=False, server_header=False, proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEADERS, timeout_graceful_shutdown=FAREWELL_SECONDS,
        )  # fmt: skip

        async def started() -> None:
            if not loopback:
                tell("symderiv serve: other machines can reach this, and nothing asks who they are")
            tell(f"symderiv serve: {address} (Ctrl-C ends it)")
            if opens:
                await asyncio.to_thread(webbrowser.open, address)

        with contextlib.suppress(KeyboardInterrupt):
            _Server(config, pool, started).run(sockets=[listening])
    tell("symderiv serve: ended")


class _Server(uvicorn.Server):
    """Begins when the workers are ready, and ends them first."""

    def __init__(self, config: uvicorn.Config, pool: Pool, started: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self.pool, self.tell = pool, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the workers, then listen."""
        await self.pool.start()
        await super().startup(sockets)
        await self.tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the workers, which ends the answers, and then the connections."""
        await self.pool.close()
        await super().shutdown(sockets)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            told = f"--port: expected a free port, found {port} in use; --port 0 takes any that is free"
        elif error.errno == errno.EACCES:
            told = f"--port: expected a port that may be used, found {port}; those above 1023 may"
        else:
            told = f"--host: expected an address of this machine, found {host}: {error.strerror or error}"
        raise ServeError(told) from None
    except OverflowError:
        raise ServeError(f"--port: expected a number from 0 to 65535, found {port}") from None


def _address(listening: socket.socket, host: str) -> str:
    name = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/"


def _protocol(limits: Limits) -> type[H11Protocol]:
    """Connections that carry one request each, and that no client can hold open by being slow.

    Where there are too many, the one that has waited longest for its head makes room.
    """
    whole = limits.request_seconds

    class Connection(H11Protocol):
        """One connection: its head within seconds, all of it within the limits, or it is cut off."""

        _timer: asyncio.TimerHandle | None = None
        _asked = False
        _begun = 0.0

        def connection_made(self, transport: Any) -> None:
            """Begin, and make room for it."""
            super().connection_made(transport)
            self._begun = self.loop.time()
            self._timer = self.loop.call_later(HEAD_SECONDS, transport.abort)
            if len(self.connections) > MAX_CONNECTIONS:
                silent = [
                    each for each in self.connections if isinstance(each, Connection) and not each._asked
                ]
                longest = min(silent, key=lambda each: each._begun)
                self.connections.discard(longest)
                longest.transport.abort()

        def data_received(self, data: bytes) -> None:
            """Take what has come; from the end of the head on, the longer limit holds."""
            super().data_received(data)
            if self.cycle is not None and not self._asked and self._timer is not None:
                self._asked = True
                self._timer.cancel()
                self._timer = self.loop.call_later(whole, self.transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            """End."""
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

    return Connection
