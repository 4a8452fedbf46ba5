"""Asking the servers of one control plane."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

import httpcore

from k3k_core.telemetry.observation import Probe
from k3k_core.telemetry.probe import parse_readyz
from k3k_core.telemetry.scraper.failure import TargetError
from k3k_core.telemetry.scraper.light_httpx import httpx
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, ServerTarget
from k3k_core.telemetry.scraper.tls import certificate_end, tls_context
from k3k_core.telemetry.scraper.transport import NoCookies, Transport
from k3k_core.telemetry.scraper.wire import METER, TOO_LARGE, Meter

_PROBE_LIMIT: Final = 64 * 1024
"""Bytes of a server's list of checks; a real one has about 2 KB."""

_SLACK: Final = 64 * 1024
"""Bytes beside a body that may come: framing, and what was read ahead."""

_FREE_PARTS: Final = 1000
_SMALL_PART: Final = 64
"""A body may come in so many parts of any size; then they must be this large on average, in bytes."""

_HEADERS: Final = {
    "accept": "text/plain;version=0.0.4",
    "accept-encoding": "gzip",
    "user-agent": "k3k",
}

_OPENMETRICS: Final = "application/openmetrics-text"
_TEXT_TYPES: Final = ("text/plain", _OPENMETRICS)

_STATUS: Final[dict[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "it does not know the monitoring identity (401)",
    HTTPStatus.FORBIDDEN: "it does not allow the monitoring identity to read this (403)",
    HTTPStatus.NOT_FOUND: "it has no such page (404)",
    HTTPStatus.TOO_MANY_REQUESTS: "it takes no more requests for now (429)",
}


class Answer:
    """A server's answer to one request; it comes with its headers, the body is still on its way."""

    def __init__(self, response: httpx.Response, meter: Meter, limit: asyncio.Timeout) -> None:
        self._response = response
        self._meter = meter
        self._limit = limit

    @property
    def status(self) -> int:
        """HTTP status."""
        return self._response.status_code

    @property
    def gzipped(self) -> bool:
        """Whether the body is gzipped.

        Raises:
            TargetError: it is encoded in another way, which was not asked for.
        """
        encoding = self._response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"gzip", "x-gzip", "identity", ""}:
            raise TargetError("content", "it sends an encoding that was not asked for")
        return encoding in {"gzip", "x-gzip"}

    @property
    def content_type(self) -> str:
        """The Content-Type header, empty when there is none."""
        return str(self._response.headers.get("content-type", "")).strip()

    @property
    def openmetrics(self) -> bool | None:
        """Whether the body says that it is OpenMetrics; None when it does not say what it is."""
        kind = self._kind
        return kind == _OPENMETRICS if kind else None

    def check_page(self) -> None:
        """Require an answer that can be an exposition page.

        Raises:
            TargetError: its status or its type say that it is not.
        """
        if self.status != HTTPStatus.OK:
            raise TargetError("status", _status_sentence(self.status))
        if self._kind and self._kind not in _TEXT_TYPES:
            raise TargetError("content", "it sends something else than a metrics page")

    @property
    def _kind(self) -> str:
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def connection(self) -> ssl.SSLObject | None:
        """The TLS connection that it comes over, None without TLS."""
        stream: httpcore.AsyncNetworkStream = self._response.extensions["network_stream"]
        connection: ssl.SSLObject | None = stream.get_extra_info("ssl_object")
        return connection

    @asynccontextmanager
    async def untimed(self) -> AsyncIterator[None]:
        """Stop the clock for something that the server has no part in."""
        loop = asyncio.get_running_loop()
        began, deadline = loop.time(), self._limit.when()
        if deadline is None or self._limit.expired():
            yield
            return
        self._limit.reschedule(None)
        try:
            yield
        finally:
            self._limit.reschedule(deadline + loop.time() - began)

    async def body(self, limit: int) -> AsyncIterator[bytes]:
        """Yield the body as it comes, still encoded.

        Args:
            limit: bytes it may have.

        Raises:
            TargetError: it is larger, or comes in too many small parts.
        """
        self._meter.expect_body(limit + _SLACK)
        size = parts = 0
        async for part in self._response.aiter_raw():
            size += len(part)
            parts += 1
            if size > limit:
                raise TargetError("limit", TOO_LARGE)
            if parts > _FREE_PARTS + size // _SMALL_PART:
                raise TargetError("limit", "it sends its answer in parts of a few bytes")
            yield part


class ControlPlaneClient:
    """Connections to the servers of one control plane.

    Args:
        target: the control plane.
        keepalive: seconds an idle connection is kept.
    """

    def __init__(self, target: ControlPlaneTarget, *, keepalive: float = 60.0) -> None:
        self._target = target
        self._keepalive = keepalive
        self._http: httpx.AsyncClient | None = None
        self._requests: dict[tuple[ServerTarget, str], httpx.Request] = {}
        # A connection shows its certificate once, and lasts for many rounds.
        self._ends: WeakKeyDictionary[ssl.SSLObject, float | None] = WeakKeyDictionary()
        self.received = 0

    @asynccontextmanager
    async def get(self, server: ServerTarget, path: str, *, deadline: float) -> AsyncIterator[Answer]:
        """Ask a server for something; the connection is free again when the block ends.

        Args:
            server: one of the control plane's.
            path: with its query.
            deadline: when the body must have been read, by the event loop's clock.

        Raises:
            TargetError: it gave no answer; also from within the block, while its body is read.
        """
        meter = Meter()
        token = METER.set(meter)
        try:
            async with asyncio.timeout_at(deadline) as limit:
                response = await self._send(self._request(server, path), meter)
                try:
                    yield Answer(response, meter, limit)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise TargetError("timeout", f"{meter.stage} in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpcore.ProtocolError, httpcore.NetworkError):
            raise TargetError("protocol", _broken_sentence(meter)) from None
        finally:
            METER.reset(token)
            self.received += meter.received

    async def probe(self, server: ServerTarget, *, deadline: float) -> Probe:
        """Ask a server whether it is ready.

        Args:
            server: one of the control plane's.
            deadline: when its answer must be here, by the event loop's clock.

        Raises:
            TargetError: it did not say.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with self.get(server, "/readyz?verbose", deadline=deadline) as answer:
            if answer.status not in {
                HTTPStatus.OK,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                HTTPStatus.SERVICE_UNAVAILABLE,
            }:
                raise TargetError("status", _status_sentence(answer.status))
            body = b"".join([part async for part in answer.body(_PROBE_LIMIT)])
            return Probe(
                ready=answer.status == HTTPStatus.OK,
                round_trip=loop.time() - began,
                failing=parse_readyz(body.decode("utf-8", "replace")),
                certificate_expires_at=self._certificate_end(answer.connection),
            )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None
            self._requests.clear()

    async def _send(self, request: httpx.Request, meter: Meter) -> httpx.Response:
        http = self._client()
        try:
            return await http.send(request, stream=True)
        except (TargetError, httpcore.ProtocolError, httpcore.NetworkError):
            if meter.opened or meter.answered:
                raise
        # The server closed a connection that was kept from the last round, and the request crossed that.
        return await http.send(request, stream=True)

    def _certificate_end(self, connection: ssl.SSLObject | None) -> float | None:
        if connection is None:
            return None
        if connection not in self._ends:
            self._ends[connection] = certificate_end(connection)
        return self._ends[connection]

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            target = self._target
            context = tls_context(target.ca_pem, target.client_certificate, target.client_key)
            self._http = httpx.AsyncClient(
                transport=Transport(
                    context,
                    connections=2 * (len(target.servers) + len(target.etcd)),
                    keepalive=self._keepalive,
                ),
                headers=_HEADERS,
                cookies=NoCookies(),
                follow_redirects=False,
                timeout=None,
                trust_env=False,
            )
        return self._http

    def _request(self, server: ServerTarget, path: str) -> httpx.Request:
        key = (server, path)
        request = self._requests.get(key)
        if request is None:
            secure = server.url.startswith("https://")
            # The token goes to servers only that have shown a certificate of the control plane's authority.
            headers = (
                {"authorization": f"Bearer {self._target.token}"} if secure and self._target.token else {}
            )
            extensions = {"sni_hostname": server.tls_server_name} if server.tls_server_name else {}
            try:
                request = self._client().build_request(
                    "GET", server.url.rstrip("/") + path, headers=headers, extensions=extensions
                )
            except httpx.InvalidURL:
                raise TargetError("connect", "its address is not usable") from None
            self._requests[key] = request
        return request


def _status_sentence(status: int) -> str:
    if 300 <= status < 400:
        return f"it redirects elsewhere ({status}), which is not followed"
    if status >= 500:
        return f"it failed ({status})"
    return _STATUS.get(status, f"it answered with HTTP status {status}")


def _broken_sentence(meter: Meter) -> str:
    if not meter.answered:
        return "it closed the connection without an answer"
    return "its answer is not HTTP/1.1" if meter.head else "its answer broke off or is broken"
