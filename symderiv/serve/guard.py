"""What stands before every handler: who may ask, how much, and what every answer says of itself."""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from symderiv.serve.limits import MAX_HEADERS, MAX_URL

#: Nothing but files of this server, no inline script and no inline style.
POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
        "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
#: What every answer says. The referrer policy lets a form of the page say where it comes from.
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "connection": "close",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Guard:
    """Lets requests through that a page of this server, or a program on this machine, makes.

    Parameters
    ----------
    app
        What answers them.
    hosts
        The names by which the server is called.
    addresses
        Whether any address in numbers will do as well: a name can be made to point here by whoever
        owns it, an address cannot.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = LOOPBACK, addresses: bool = False) -> None:
        self.app, self.hosts, self.addresses = app, hosts, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse in a sentence."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self.refusal(scope)
        app = self.app if refused is None else PlainTextResponse(f"{refused[1]}\n", refused[0])
        await app(scope, receive, with_headers)

    def refusal(self, scope: MutableMapping[str, Any]) -> tuple[int, str] | None:
        """Why a request is not answered: a status and a sentence; None where it is."""
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > MAX_HEADERS:
            return 431, f"expected at most {MAX_HEADERS} bytes of headers, found {size}"
        length = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if length > MAX_URL:
            return (
                414,
                f"expected an address of at most {MAX_URL} bytes, found {length}; send the text in a POST",
            )
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(_name(hosts[0])):
            return 421, "expected the address that symderiv serve has printed, found another Host"
        if scope["method"] in ("GET", "HEAD"):
            return None
        origins = headers.getlist("origin")
        if any(each not in (f"http://{hosts[0]}", f"https://{hosts[0]}") for each in origins):
            return 403, "expected a request of this page, found another Origin"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "expected a request of this page, found one of another site"
        return None

    def _is_ours(self, name: str) -> bool:
        return name in self.hosts or (self.addresses and _is_address(name))


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    if colon and (name.endswith("]") or ":" not in name) and port.isascii() and port.isdigit():
        host = name
    return host.removeprefix("[").removesuffix("]").lower() if host.startswith("[") else host.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
