"""Servers on loopback that answer a scraper as a behaviour says, with certificates good and bad."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k3k_core.telemetry.scraper import ControlPlaneTarget, ServerTarget, TargetId
from tests.support.tls import Certificate, TestAuthority, server_context

TOKEN = "the-monitoring-token"

Trust = Literal[
    "good",
    "dripping",
    "other authority",
    "self-signed",
    "expired",
    "future",
    "other name",
    "eternal",
    "demanding",
    "mutual",
]
"""What a server shows: a good certificate, or one that is wrong somehow.

dripping: a good one, but a byte each second; demanding: it goes no further than to demand a client
certificate; mutual: it demands one and goes on.
"""

READY = (
    "".join(f"[+]{check} ok\n" for check in ("ping", "log", "etcd", "informer-sync"))
    + "readyz check passed\n"
)


@dataclass
class Exchange:
    """One request, and the connection to answer it on.

    Attributes:
        path: what was asked for; empty when the request was not read.
        reader: from the scraper.
        writer: to the scraper.
        elsewhere: URL of a server that nobody has any business with.
    """

    path: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    elsewhere: str

    async def send(self, *parts: bytes) -> None:
        """Send bytes as they are."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def answer(
        self, body: bytes, *headers: str, status: str = "200 OK", kind: str = "text/plain; version=0.0.4"
    ) -> None:
        """Send a well-formed answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def silence(self) -> None:
        """Say nothing more, until the scraper goes away."""
        while await self.reader.read(65536):
            pass

    async def begin(self, *headers: str, kind: str = "text/plain; version=0.0.4") -> None:
        """Send the headers of an answer whose end is the end of the connection."""
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", *headers]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n")


Behaviour = Callable[[Exchange], Awaitable[None]]
"""Answers one request; the connection stays open for the next one unless it is closed."""


@dataclass
class Elsewhere:
    """A server that nothing should ever ask.

    Attributes:
        url: where it is.
        requests: what it was asked all the same.
    """

    url: str = ""
    requests: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Manners:
    """How a server behaves.

    Attributes:
        metrics: answers requests for the page.
        readyz: answers requests for its readiness.
        trust: what it shows in the TLS handshake.
        connected: takes over a TCP connection before anything is read from it, TLS or not.
    """

    metrics: Behaviour
    readyz: Behaviour | None = None
    trust: Trust = "good"
    connected: Behaviour | None = None


class Stage:
    """Runs servers.

    Args:
        folder: for files that the ssl module insists on.
        elsewhere: a server that nothing should ever ask.

    Attributes:
        client_authority: whose certificates demanding servers demand.
    """

    def __init__(self, folder: Path, elsewhere: Elsewhere) -> None:
        self._folder = folder
        self.elsewhere = elsewhere
        self.client_authority = TestAuthority("clients")
        self._servers: list[asyncio.Server] = []
        self._handlers: set[asyncio.Task[None]] = set()

    async def target(self, name: str, manners: Manners) -> ControlPlaneTarget:
        """Start a server and return the target that it is."""
        return target(name, await self.serve(manners))

    async def serve(self, manners: Manners) -> int:
        """Start a server; returns its port."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._handlers.add(task)
            task.add_done_callback(self._handlers.discard)
            try:
                await self._converse(manners, reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
                pass
            finally:
                # What was written still goes out; resetting is for behaviours to do.
                writer.close()

        context: ssl.SSLContext | None = self.context(manners.trust)
        if context is not None and manners.trust in {"dripping", "demanding"}:
            # asyncio would not send why a handshake failed.
            pause = 1.0 if manners.trust == "dripping" else 0.0
            manners = replace(manners, connected=handshake(context, pause))
        if manners.connected is not None:
            # It takes the connection as it is, before any TLS.
            context = None
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop all servers."""
        for server in self._servers:
            server.close()
        for task in self._handlers:
            task.cancel()
        while self._handlers:
            await asyncio.wait(self._handlers)

    async def _converse(
        self, manners: Manners, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if manners.connected is not None:
            await manners.connected(Exchange("", reader, writer, self.elsewhere.url))
            return
        while not writer.is_closing():
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            exchange = Exchange(path, reader, writer, self.elsewhere.url)
            if path.startswith("/readyz"):
                await (manners.readyz or ready)(exchange)
            else:
                await manners.metrics(exchange)

    def context(self, trust: Trust) -> ssl.SSLContext:
        """Return the TLS context of a server."""
        authority = self.client_authority if trust in {"demanding", "mutual"} else None
        return server_context(self._folder, _certificate(trust), client_authority=authority)


def handshake(context: ssl.SSLContext, pause: float) -> Behaviour:
    """Go through the TLS handshake, byte by byte with a pause before each one, and close if it fails."""

    async def behave(exchange: Exchange) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        failed = False
        while not failed and (data := await exchange.reader.read(65536)):
            incoming.write(data)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                failed = True
            for byte in outgoing.read():
                await asyncio.sleep(pause)
                await exchange.send(bytes([byte]))

    return behave


async def ready(exchange: Exchange) -> None:
    """Say that all is well."""
    await exchange.answer(READY.encode(), kind="text/plain; charset=utf-8")


def target(name: str, port: int) -> ControlPlaneTarget:
    """Return the target that answers at a port."""
    return ControlPlaneTarget(
        id=TargetId("loopback", "hostile", name),
        servers=(ServerTarget("server-0", f"https://127.0.0.1:{port}"),),
        ca_pem=_authority().pem.decode(),
        token=TOKEN,
    )


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Offer a stage, and a server elsewhere that has a good certificate too."""
    elsewhere = Elsewhere()
    with tempfile.TemporaryDirectory() as folder:
        theatre = Stage(Path(folder), elsewhere)

        async def record(exchange: Exchange) -> None:
            elsewhere.requests.append(exchange.path.encode())
            await exchange.answer(b"up 1\n")

        try:
            port = await theatre.serve(Manners(metrics=record, readyz=record))
            elsewhere.url = f"https://127.0.0.1:{port}"
            yield theatre
        finally:
            await theatre.close()


@cache
def _authority() -> TestAuthority:
    return TestAuthority("control plane")


@cache
def _certificate(trust: Trust) -> Certificate:
    authority, days = _authority(), timedelta
    match trust:
        case "other authority":
            return TestAuthority("somebody else").issue()
        case "self-signed":
            return _self_signed()
        case "expired":
            return authority.issue(lifetime=(days(days=-9), days(days=-2)))
        case "future":
            return authority.issue(lifetime=(days(days=2), days(days=9)))
        case "other name":
            return authority.issue(names=("elsewhere.example",), addresses=())
        case "eternal":
            return authority.issue(lifetime=(days(days=-20_000), days(days=2_900_000)))
        case _:
            return authority.issue()


def _self_signed() -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
