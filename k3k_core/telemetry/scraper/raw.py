"""Passing a server's page through as it is."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from k3k_core.errors import UnreachableError
from k3k_core.telemetry.scraper.client import Answer, ControlPlaneClient
from k3k_core.telemetry.scraper.failure import TargetError
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, ServerTarget
from k3k_core.telemetry.scraper.wire import TOO_LARGE

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page on its way.

    Attributes:
        gzip: whether the chunks are gzipped.
        content_type: as the server says it.
        chunks: the page; raises UnreachableError when it breaks off or is too large.
    """

    gzip: bool
    content_type: str
    chunks: AsyncIterator[bytes]


@asynccontextmanager
async def fetch_page(
    target: ControlPlaneTarget, server: ServerTarget, options: ScrapeOptions
) -> AsyncIterator[RawPage]:
    """Offer a server's `/metrics` answer as it comes, within the limits of a scrape.

    Args:
        target: the control plane.
        server: one of its servers.
        options: time-out for the whole page, and limits.

    Raises:
        UnreachableError: the page cannot be had; also from the chunks.
    """
    client = ControlPlaneClient(target)
    deadline = asyncio.get_running_loop().time() + options.timeout
    limit = options.limits.page_bytes
    with _worded(target, server):
        try:
            async with client.get(server, "/metrics", deadline=deadline) as answer:
                answer.check_page()
                chunks = _chunks(answer, _Size(limit, gzipped=answer.gzipped), target, server)
                yield RawPage(answer.gzipped, answer.content_type, chunks)
        finally:
            await client.aclose()


@contextmanager
def _worded(target: ControlPlaneTarget, server: ServerTarget) -> Iterator[None]:
    try:
        yield
    except TargetError as error:
        raise UnreachableError(
            f"the metrics page of {server.server} of {target.id} cannot be read: {error}"
        ) from None


async def _chunks(
    answer: Answer, size: _Size, target: ControlPlaneTarget, server: ServerTarget
) -> AsyncIterator[bytes]:
    with _worded(target, server):
        async for part in answer.body(size.limit):
            await size.add(part)
            yield part


class _Size:
    """Counts the bytes of a page after decompression, without keeping any.

    Args:
        limit: how many there may be.
        gzipped: whether the page comes gzipped.
    """

    def __init__(self, limit: int, *, gzipped: bool) -> None:
        self.limit = limit
        self._size = 0
        self._inflate = zlib.decompressobj(wbits=31) if gzipped else None

    async def add(self, part: bytes) -> None:
        """Count a part.

        Raises:
            TargetError: the page is too large or not gzip.
        """
        if self._inflate is None:
            self._count(len(part))
            return
        while part:
            if self._inflate.eof:
                raise TargetError("page", "its page goes on after its gzip data")
            try:
                self._count(len(self._inflate.decompress(part, _PIECE)))
            except zlib.error:
                raise TargetError("page", "its page is not valid gzip") from None
            part = self._inflate.unconsumed_tail
            await asyncio.sleep(0)

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self.limit:
            raise TargetError("limit", TOO_LARGE)
