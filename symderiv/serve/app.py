"""The application: a page, its assets, and the answers to what is typed into it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import lru_cache
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from symderiv.documents.environment import html_environment
from symderiv.resources import template_folder
from symderiv.serve.answer import PARTS, stopped
from symderiv.serve.examples import EXAMPLES, GROUPS
from symderiv.serve.guard import LOOPBACK, Guard
from symderiv.serve.keeper import END
from symderiv.serve.limits import (
    BODY_SECONDS,
    MAX_BODY,
    MAX_LINK,
    MAX_TEXT,
    RETRY_SECONDS,
    Limits,
)
from symderiv.serve.pool import ENDINGS, WAITED, BusyError, Pool

#: The files of the page: the address, its parts, its type.
ASSETS = {
    "style.css": (("style.css", "page.css", "playground/playground.css"), "text/css"),
    "playground.js": (("playground/playground.js",), "text/javascript"),
    "icon.svg": (("playground/icon.svg",), "image/svg+xml"),
}
BUSY = f"others are being served and the queue is full; try again in {RETRY_SECONDS} seconds"


def application(pool: Pool, hosts: tuple[str, ...] = LOOPBACK, addresses: bool = False) -> Guard:
    """The playground as an ASGI application.

    Parameters
    ----------
    pool
        What answers formulas; whoever serves the application starts it and closes it.
    hosts, addresses
        How it may be called: see :class:`~symderiv.serve.guard.Guard`.
    """
    limits = pool.limits

    async def home(request: Request) -> Response:
        return HTMLResponse(_page())

    async def example(request: Request) -> Response:
        found = EXAMPLES.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("expected the name of an example, found another\n", 404)
        return HTMLResponse(_page(found.text))

    async def form(request: Request) -> Response:
        """The page for a form that was sent without a script."""
        try:
            fields = parse_qs(
                await _body(request), keep_blank_values=True, max_num_fields=10, errors="strict"
            )
        except ValueError:
            raise HTTPException(400, "expected a form with a text in UTF-8, found something else") from None
        text = fields.get("text", [""])[0].replace("\r\n", "\n")
        try:
            messages = await _begun(request, pool, text)
        except BusyError:
            return _busy()
        parts: dict[str, str] = dict.fromkeys(PARTS, "")
        kind = ""
        async for message in messages:
            for each in _parts(message, limits):
                parts[each["part"]] += each["html"]
                kind = each["kind"] or kind
        return HTMLResponse(_page(text, parts, kind))

    async def work(request: Request) -> Response:
        """The parts of the answer to a text, one line of JSON each, as they are found."""
        text = await _body(request)
        try:
            messages = await _begun(request, pool, text)
        except BusyError:
            return _busy()

        async def lines() -> AsyncIterator[bytes]:
            async for message in messages:
                for each in _parts(message, limits):
                    yield json.dumps(each).encode() + b"\n"
            yield b'{"part": "end"}\n'

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return PlainTextResponse("expected a file of this page, found another name\n", 404)
        return Response(_asset(name), media_type=ASSETS[name][1])

    playground = Starlette(
        routes=[
            Route("/", home),
            Route("/", form, methods=["POST"]),
            Route("/work", work, methods=["POST"]),
            Route("/examples/{name}", example),
            Route("/assets/{name}", asset),
        ],
    )
    return Guard(playground, hosts, addresses)  # around everything: errors carry its headers too


async def _begun(request: Request, pool: Pool, text: str) -> AsyncIterator[bytes]:
    """The messages on a text, when there is a first; nothing is done for a client that has gone meanwhile.

    Raises
    ------
    BusyError
        If the queue is full, or the turn of this text does not come.
    """
    messages = pool.answer(text)
    first = asyncio.ensure_future(anext(messages))
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({first, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            raise HTTPException(400, "expected somebody who waits for the answer, found nobody")
        head = first.result()
    finally:
        gone.cancel()
        first.cancel()
    if head == END + WAITED:
        raise BusyError

    async def whole() -> AsyncIterator[bytes]:
        yield head
        async for message in messages:
            yield message

    return whole()


async def _gone(request: Request) -> None:
    """Wait until the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _busy() -> Response:
    return PlainTextResponse(f"{BUSY}\n", 503, {"retry-after": str(RETRY_SECONDS)})


def _parts(message: bytes, limits: Limits) -> list[dict[str, str]]:
    """What a message of a worker is to the page."""
    if not message.startswith(END):
        found: dict[str, str] = json.loads(message)
        return [found]
    told = ENDINGS.get(message.removeprefix(END).decode(), "")
    if not told:
        return []
    last = stopped(told.format(seconds=limits.seconds, memory=limits.memory))
    return [{"part": last.name, "html": last.html, "kind": last.kind}]


async def _body(request: Request) -> str:
    """The body of a request as text; read no further than it may be long, and no longer than it may take."""
    told = f"expected at most {MAX_BODY} bytes, found more; give longer texts to symderiv check"
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > MAX_BODY:
        raise HTTPException(413, told)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    raise HTTPException(413, told)
    except TimeoutError:
        raise HTTPException(408, f"expected the whole text within {BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "expected the whole text, found that the connection was closed") from None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise HTTPException(400, "expected text in UTF-8, found other bytes") from None


def _page(text: str = "", parts: dict[str, str] | None = None, kind: str = "") -> str:
    from markupsafe import Markup

    return (
        html_environment()
        .get_template("playground/page.html.j2")
        .render(
            text=text,
            parts={name: Markup(html) for name, html in (parts or dict.fromkeys(PARTS, "")).items()},
            answered=parts is not None,
            kind=kind,
            groups=[(title, about, [EXAMPLES[name] for name in names]) for title, about, names in GROUPS],
            most=MAX_TEXT,
            most_link=MAX_LINK,
        )
    )


@lru_cache
def _asset(name: str) -> str:
    folder = template_folder() / "html"
    return "".join((folder / each).read_text(encoding="utf-8") for each in ASSETS[name][0])
