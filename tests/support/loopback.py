"""Servers on loopback that behave as a test wants, and hosts connected to them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from k3k_core.host import Backoff, Host
from k3k_core.host.connection import Connection, Login
from k3k_core.host.credentials import Credentials

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

QUICK = Backoff(first=0.001, limit=0.01, jitter=0)


@dataclass
class Recorded:
    """One request as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpServer:
    """An HTTP server that gives scripted answers and remembers the requests.

    Attributes:
        url: where it listens.
        requests: what it was asked.
    """

    url: str
    requests: list[Recorded] = field(default_factory=list)

    @property
    def seen(self) -> list[tuple[str, str]]:
        """Method and path of each request."""
        return [(request.method, request.path) for request in self.requests]


@asynccontextmanager
async def serve(
    *answers: web.StreamResponse | Handler | dict[str, Any], tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpServer]:
    """Run an HTTP server that gives the answers in turn and repeats the last one.

    Args:
        answers: responses, JSON documents or functions that make a response.
        tls: speak TLS with this context.
    """
    server = HttpServer("")

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        server.requests.append(
            Recorded(request.method, request.path, dict(request.query), dict(request.headers), body)
        )
        answer = answers[min(len(server.requests), len(answers)) - 1]
        if isinstance(answer, dict):
            return web.json_response(answer)
        if isinstance(answer, web.Response):
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        if isinstance(answer, web.StreamResponse):
            raise TypeError("a stream can be sent only once")
        return await answer(request)

    app = web.Application(client_max_size=2**27)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve_raw(handler: RawHandler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Run a server that does with each connection what the handler does; yields its address, "host:port"."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@asynccontextmanager
async def connected_to(
    server: str, *, request_timeout: float = 10.0, login: Login | None = None, **more: Any
) -> AsyncIterator[Host]:
    """Offer a host at an address, named "test"; `more` are further attributes of its connection."""
    connection = Connection(name="test", server=server, login=login or Login(token="sesame"), **more)
    host = Host(
        connection,
        Credentials(connection.login, plugin_timeout=request_timeout),
        request_timeout=request_timeout,
        backoff=QUICK,
    )
    try:
        yield host
    finally:
        await host.close()


def status(code: int, reason: str = "", message: str = "", **details: Any) -> web.Response:
    """Return a failure as a Kubernetes API server words it."""
    document: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    if details:
        document["details"] = details
    return web.json_response(document, status=code)


def event(kind: str, item: dict[str, Any]) -> bytes:
    """Return one line of a watch."""
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


def streaming(*pieces: bytes, then: Callable[[], Awaitable[None]] | None = None) -> Handler:
    """Return a handler that sends pieces as they are, then does something, then ends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then is not None:
            await then()
        return response

    return handle
