"""`/raw/NAMESPACE/NAME[/SERVER]`: a control plane's own page, for a Prometheus that cannot reach it.

Such a page tells everything about a control plane, so that it needs a token of its own and is off without one.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from k3k_core.errors import K3kError, NotFoundError, UnreachableError, UsageError
from k3k_core.exporter.asking import find, timeout_of
from k3k_core.exporter.exposition import CONTENT_TYPES, accepts_gzip
from k3k_core.exporter.fleet_view import FleetView, RawPage
from k3k_core.exporter.slots import Slots
from k3k_core.telemetry.scraper.target import TargetId

_log = logging.getLogger(__name__)

MAX_PAGES = 8
MAX_PLAIN_BYTES = 64 * 1024 * 1024
_PIECE = 64 * 1024
_SHORTEST_TOKEN = 16
_GZIP = 16 + zlib.MAX_WBITS


class TokenFile:
    """A bearer token in a file, read anew at every request so that it can be changed.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or holds no usable token.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read()

    def _read(self) -> bytes:
        try:
            token = self._path.read_bytes().strip()
        except OSError as error:
            raise UsageError(f"The token file {self._path} cannot be read: {error.strerror}.") from None
        if len(token) < _SHORTEST_TOKEN or len(token.split()) != 1:
            raise UsageError(
                f"The token file {self._path} holds no token of at least {_SHORTEST_TOKEN} characters.",
                hint="`openssl rand -hex 32` makes a good one.",
            )
        return token

    def accepts(self, authorization: str) -> bool:
        """Return whether a request bears the token; takes the same time for every wrong one.

        Args:
            authorization: its `Authorization` header, empty for none.
        """
        scheme, _, given = authorization.partition(" ")
        try:
            token = self._read()
        except UsageError:
            return False
        offered = sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(offered, sha256(token).digest()) and scheme.lower() == "bearer"


class RawPages:
    """Answers `/raw`.

    Args:
        fleet: whose control planes are read.
        token: what a client must bear; None turns all of it off.
    """

    def __init__(self, fleet: FleetView, token: TokenFile | None) -> None:
        self._fleet = fleet
        self._token = token
        self._slots = Slots(MAX_PAGES)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer `/raw/NAMESPACE/NAME[/SERVER][?host=HOST]`."""
        self._admit(request)
        key = find(
            self._fleet.rows,
            request.match_info["namespace"],
            request.match_info["name"],
            request.query.get("host", ""),
        )
        if key is None:
            raise web.HTTPNotFound(text="There is no such control plane.\n")
        timeout = timeout_of(request)
        with self._slots.taken():
            return await self._answer(request, key, timeout)

    async def _answer(self, request: web.Request, key: TargetId, timeout: float) -> web.StreamResponse:
        response: web.StreamResponse | None = None
        try:
            async with asyncio.timeout(timeout), AsyncExitStack() as stack:
                try:
                    page = await stack.enter_async_context(
                        self._fleet.fetch_page(key, request.match_info.get("server"))
                    )
                    first = await anext(page.chunks, b"")
                except K3kError as error:
                    raise _refusal(error) from None
                response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPES["text"]})
                await _pass_on(request, response, page, first)
        except TimeoutError:
            if response is None:
                raise web.HTTPGatewayTimeout(text="The control plane did not answer in time.\n") from None
        return response

    def _admit(self, request: web.Request) -> None:
        if self._token is None:
            raise web.HTTPNotFound(
                text="Pages of control planes are not passed through here.\n"
                "`k3k exporter --raw-token-file FILE` turns that on, for clients that bear the token in FILE.\n"
            )
        if not self._token.accepts(request.headers.get("Authorization", "")):
            raise web.HTTPUnauthorized(
                text="This path needs the bearer token of the exporter's token file.\n",
                headers={"WWW-Authenticate": 'Bearer realm="k3k exporter"'},
            )


def _refusal(error: K3kError) -> web.HTTPException:
    text = f"{error}\n"
    if isinstance(error, NotFoundError):
        return web.HTTPNotFound(text=text)
    if isinstance(error, UnreachableError):
        return web.HTTPBadGateway(text=text)
    return web.HTTPInternalServerError(text=text)


async def _pass_on(request: web.Request, response: web.StreamResponse, page: RawPage, first: bytes) -> None:
    """Send a page as it comes; one that breaks off ends the connection, so that nobody takes it for whole."""
    packed = page.gzip and accepts_gzip(request.headers.get("Accept-Encoding", ""))
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    await response.prepare(request)
    whole = False
    try:
        pieces = _with_first(first, page.chunks)
        async for piece in unpacked(pieces) if page.gzip and not packed else pieces:
            await response.write(piece)
        await response.write_eof()
        whole = True
    except (K3kError, ConnectionError, zlib.error) as error:
        _log.warning("A page of %s broke off: %s", request.path, error)
    finally:
        if not whole and request.transport is not None:
            request.transport.abort()


async def _with_first(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def unpacked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a compressed page in the clear, in pieces of bounded size.

    Args:
        pieces: of the compressed page.

    Raises:
        zlib.error: it is no gzip, or becomes too large.
    """
    unpacker = zlib.decompressobj(_GZIP)
    size = 0
    async for piece in pieces:
        rest = piece
        while rest:
            plain = unpacker.decompress(rest, _PIECE)
            rest = unpacker.unconsumed_tail
            size += len(plain)
            if size > MAX_PLAIN_BYTES:
                raise zlib.error("the page is too large")
            if plain:
                yield plain
    if not unpacker.eof:
        raise zlib.error("the page is cut off")
