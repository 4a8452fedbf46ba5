"""Control planes to scrape, for benchmarks/fleet.py: many ports, each with its own authority, in one process.

    python benchmarks/fleet_targets.py FIRST COUNT

They serve a page of 4.4 MB (30,061 lines), gzipped, that moves from one scrape to the next as the recorded one
did. All of it is compressed beforehand, so that a target costs little more than its TLS. The process prints one
line of JSON for each target, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import ssl
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from k3k_core.pki import issue_server_certificate, new_authority
from k3k_core.telemetry.scraper.open_files import raise_open_files_limit

RECORDED = Path(__file__).parents[1] / "tests" / "data" / "metrics"
VARIANTS = 24
TOKEN = "monitoring-token-of-the-benchmark"  # noqa: S105

_CHECKS = (
    "ping",
    "log",
    "etcd",
    "etcd-readiness",
    "informer-sync",
    "poststarthook/start-apiserver-admission-initializer",
)
_READY = "".join(f"[+]{check} ok\n" for check in _CHECKS * 6).encode() + b"readyz check passed\n"


def recorded(name: str) -> list[bytes]:
    """Return the lines of a recorded page."""
    return gzip.decompress((RECORDED / f"{name}.txt.gz").read_bytes()).splitlines()


def moving_pages() -> list[bytes]:
    """Return gzipped pages, each as far from the one before as the second recorded page is from the first."""
    pairs = [
        (new, *_moved(old, new))
        for old, new in zip(
            recorded("kube-apiserver-1.36.2-t0"), recorded("kube-apiserver-1.36.2-t1"), strict=True
        )
    ]
    pages = []
    for step in range(VARIANTS):
        lines = [
            line if series is None else b"%s %s" % (series, _number(first + step * change))
            for line, series, first, change in pairs
        ]
        pages.append(gzip.compress(b"\n".join(lines) + b"\n", 6))
    return pages


def _moved(old: bytes, new: bytes) -> tuple[bytes | None, float, float]:
    if new.startswith(b"#") or old == new:
        return None, 0.0, 0.0
    series, _, value = new.rpartition(b" ")
    first = float(old.rpartition(b" ")[2])
    return series, first, float(value) - first


def _number(value: float) -> bytes:
    return b"%d" % value if value.is_integer() and abs(value) < 1e15 else repr(value).encode()


class Target:
    """One control plane."""

    def __init__(self, pages: list[bytes], place: int) -> None:
        self._pages = itertools.islice(itertools.cycle(pages), place % len(pages), None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                if TOKEN.encode() not in request:
                    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                elif request.startswith(b"GET /readyz"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
                    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(_READY), _READY))
                else:
                    page = next(self._pages)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n")
                    writer.write(b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(page))
                    writer.write(page)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()


def _context(number: int, folder: Path) -> tuple[ssl.SSLContext, str]:
    now = datetime.now(UTC)
    authority = new_authority(f"authority-{number}", now)
    leaf = issue_server_certificate(
        authority,
        common_name=f"server-{number}",
        ip_addresses=["127.0.0.1"],
        not_before=now,
        lifetime=timedelta(days=30),
    )
    bundle = folder / "server.pem"
    bundle.write_text(leaf.cert_pem + leaf.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle)
    return context, authority.cert_pem


async def _serve(first: int, count: int) -> None:
    pages = await asyncio.to_thread(moving_pages)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            context, authority = _context(number, Path(folder))
            server = await asyncio.start_server(
                Target(pages, number).serve, "127.0.0.1", 0, ssl=context, backlog=16
            )
            port = server.sockets[0].getsockname()[1]
            print(json.dumps({"number": number, "port": port, "authority": authority}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    raise_open_files_limit()
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
