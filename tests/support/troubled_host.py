"""A host that is well until a test says otherwise: a front before a sandbox that misbehaves on demand."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import aiohttp
import yaml
from aiohttp import web

Trouble = Literal["", "hangs", "refuses", "401", "403", "500", "endless watch line"]

_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "host", "accept-encoding"}


class TroubledHost:
    """Hands requests on to a sandbox, or behaves badly.

    Args:
        sandbox: kubeconfig of the sandbox.
        name: name of its context.
    """

    def __init__(self, sandbox: str, name: str) -> None:
        document = yaml.safe_load(sandbox)
        self._upstream = document["clusters"][0]["cluster"]["server"]
        self._document = document
        self._name = name
        self._trouble: Trouble = ""
        self._cut = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.asked = 0

    @property
    def kubeconfig(self) -> str:
        """A kubeconfig whose only context is this host."""
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": self._name, "cluster": {"server": f"http://127.0.0.1:{self._port}"}}],
                "users": [{"name": self._name, "user": {"token": "let-me-in"}}],
                "contexts": [{"name": self._name, "context": {"cluster": self._name, "user": self._name}}],
                "current-context": self._name,
            }
        )

    async def suffer(self, trouble: Trouble) -> None:
        """Behave in a way from now on; what is open breaks off.

        Args:
            trouble: how; empty for well.
        """
        self._trouble = trouble
        self._cut.set()
        self._cut = asyncio.Event()
        if trouble == "refuses" and self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        elif self._runner is None:
            await self._listen()

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[TroubledHost]:
        """Serve until the end of the block.

        Args:
            folder: for the sandbox's client certificate.
        """
        context = _client_context(self._document, folder)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as self._session:
            await self._listen()
            try:
                yield self
            finally:
                self._cut.set()
                if self._runner is not None:
                    await self._runner.cleanup()

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        cut = self._cut
        if self._trouble == "hangs":
            await cut.wait()
            return web.Response(status=503)
        if self._trouble in {"401", "403", "500"}:
            code = int(self._trouble)
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
            return web.json_response({**status, "message": f"trouble {code}"}, status=code)
        if self._trouble == "endless watch line" and "watch" in request.query:
            return await _endless_line(request, cut)
        return await self._hand_on(request, cut)

    async def _hand_on(self, request: web.Request, cut: asyncio.Event) -> web.StreamResponse:
        headers = {name: text for name, text in request.headers.items() if name.lower() not in _HOP}
        headers.pop("Authorization", None)
        target = f"{self._upstream}{request.path_qs}"
        body = await request.read()
        async with self._session.request(request.method, target, headers=headers, data=body) as found:
            kept = {name: text for name, text in found.headers.items() if name.lower() not in _HOP}
            response = web.StreamResponse(status=found.status, headers=kept)
            await response.prepare(request)
            ended = asyncio.create_task(cut.wait())
            try:
                while not ended.done():
                    piece = asyncio.create_task(found.content.readany())
                    await asyncio.wait({piece, ended}, return_when=asyncio.FIRST_COMPLETED)
                    if not piece.done():
                        piece.cancel()
                        break
                    if not (data := piece.result()):
                        await response.write_eof()
                        return response
                    await response.write(data)
            finally:
                ended.cancel()
        # Cut off in the middle, as a connection that breaks.
        if request.transport is not None:
            request.transport.abort()
        return response


async def _endless_line(request: web.Request, cut: asyncio.Event) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"type":"ADDED","object":{"a":"')
    with suppress(ConnectionError):
        while not cut.is_set():
            await response.write(b"x" * 65536)
            await asyncio.sleep(0)
    return response


def _client_context(document: dict[str, Any], folder: Path) -> ssl.SSLContext:
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    pair = folder / "client.pem"
    pair.write_bytes(
        b"\n".join(base64.b64decode(user[part]) for part in ("client-certificate-data", "client-key-data"))
    )
    context.load_cert_chain(pair)
    return context
