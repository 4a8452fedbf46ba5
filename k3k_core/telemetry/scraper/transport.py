"""httpx on connections of ours: a transport over httpcore's pool, which speaks HTTP/1.1."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar
from typing import Any, cast

import httpcore

from k3k_core.telemetry.scraper.light_httpx import httpx
from k3k_core.telemetry.scraper.wire import Network


class Transport(httpx.AsyncBaseTransport):
    """Sends requests over a small pool of connections.

    Args:
        context: verifies servers.
        connections: how many may be open at once.
        keepalive: seconds an idle connection is kept.
    """

    def __init__(self, context: ssl.SSLContext, *, connections: int, keepalive: float) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=keepalive,
            network_backend=Network(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=cast("AsyncIterator[bytes]", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status,
            # httpx would look at where a redirect leads even though it is not followed.
            headers=[header for header in response.headers if header[0].lower() != b"location"],
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()


class NoCookies(CookieJar):
    """Keeps no cookie and does not even look at them: a server's cookies are nothing to a scraper."""

    def extract_cookies(self, *_: Any) -> None:
        """Take nothing."""

    def add_cookie_header(self, *_: Any) -> None:
        """Send nothing."""
