"""Hosts that give no usable answer: one clear sentence, within the request time-out."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from k3k_core.errors import K3kError, UnreachableError, UsageError
from k3k_core.host.connection import Login
from k3k_core.resources import SECRET
from tests.support.loopback import connected_to, serve, serve_raw
from tests.support.tls import TestAuthority, server_context

DAY = timedelta(days=1)


async def _failure(server: str, *, request_timeout: float = 10.0, **connection: Any) -> K3kError:
    """Read a Secret from a server that cannot give it and return the error."""
    async with (
        asyncio.timeout(60),
        connected_to(server, request_timeout=request_timeout, **connection) as host,
    ):
        with pytest.raises(K3kError) as caught:
            await host.get(SECRET, "n", "a")
    return caught.value


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection() -> None:
    server = f"https://127.0.0.1:{_unused_port()}"

    error = await _failure(server)

    assert isinstance(error, UnreachableError)
    assert error.message == (
        f"Host test ({server}) cannot be reached: connection refused (get Secret a in namespace n)."
    )
    assert error.hint == "Check that the host is up and the server in the kubeconfig."


async def test_a_name_that_does_not_resolve() -> None:
    error = await _failure("https://no-such-host.invalid:6443")

    assert isinstance(error, UnreachableError)
    assert "its name cannot be resolved" in error.message


async def test_a_server_that_accepts_and_never_answers() -> None:
    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serve_raw(silence) as address:
        error = await _failure(f"http://{address}", request_timeout=0.3)

    assert isinstance(error, UnreachableError)
    assert error.message.endswith("did not answer within 0.3 s (get Secret a in namespace n).")


async def test_a_server_that_accepts_and_never_shakes_hands() -> None:
    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serve_raw(silence) as address:
        error = await _failure(f"https://{address}", request_timeout=0.3)

    assert isinstance(error, UnreachableError)


async def test_a_body_that_never_ends_in_time() -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    async with serve(trickle) as server:
        error = await _failure(server.url, request_timeout=0.3)

    assert isinstance(error, UnreachableError)
    assert "did not answer within 0.3 s" in error.message


async def test_headers_that_never_end() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    async with serve_raw(endless) as address:
        error = await _failure(f"http://{address}", request_timeout=5)

    assert isinstance(error, UnreachableError)
    assert "not HTTP as it should be" in error.message


async def test_one_header_that_never_ends() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()

    async with serve_raw(endless) as address:
        error = await _failure(f"http://{address}", request_timeout=5)

    assert isinstance(error, UnreachableError)


async def test_garbage_instead_of_http() -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\x00\xff\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(5)

    async with serve_raw(garbage) as address:
        error = await _failure(f"http://{address}", request_timeout=5)

    assert isinstance(error, UnreachableError)
    assert "not HTTP as it should be" in error.message


async def test_a_connection_that_is_closed_without_an_answer() -> None:
    async def close(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with serve_raw(close) as address:
        error = await _failure(f"http://{address}")

    assert isinstance(error, UnreachableError)
    assert "closed the connection without an answer" in error.message


async def test_an_answer_that_breaks_off() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"kind": "Sec')
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with serve_raw(half) as address:
        error = await _failure(f"http://{address}")

    assert isinstance(error, UnreachableError)
    assert "broke off in the middle of its answer" in error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"kind": "Secret", "meta', "an answer that is not a JSON object with status 200"),
        (b"[1, 2]", "an answer that is not a JSON object with status 200"),
        (b"[" * 100_000, "an answer that is not a JSON object with status 200"),
        (b"", "an empty answer with status 200"),
        (b"<html>Sign in</html>", "an HTML page with status 200"),
    ],
    ids=["truncated", "array", "nested", "empty", "html"],
)
async def test_a_success_that_is_no_object(body: bytes, words: str) -> None:
    async with serve(web.Response(body=body)) as server:
        error = await _failure(server.url)

    assert isinstance(error, UnreachableError)
    assert f"does not answer as a Kubernetes API server: {words} (get Secret a" in error.message


async def test_an_object_without_metadata_is_none() -> None:
    async with serve({"kind": "Secret"}) as server:
        error = await _failure(server.url)

    assert isinstance(error, UnreachableError)
    assert "an object without metadata" in error.message


@pytest.mark.parametrize("code", [200, 404, 500, 502, 503, 504])
async def test_a_page_of_html_is_not_repeated(code: int) -> None:
    page = web.Response(status=code, text="<html>hunter2</html>", content_type="text/html")

    async with serve(page) as server:
        error = await _failure(server.url)

    assert isinstance(error, UnreachableError)
    assert f"an HTML page with status {code}" in error.message
    assert "hunter2" not in error.message


async def test_a_redirect_is_not_followed() -> None:
    async with serve(web.Response(status=302, headers={"Location": "https://login.invalid/"})) as server:
        error = await _failure(server.url)

    assert isinstance(error, UnreachableError)
    assert "a redirect, perhaps to a login page" in error.message
    assert len(server.requests) == 1


async def test_a_body_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k3k_core.host.exchange.BODY_LIMIT", 2**20)

    async with serve(web.Response(body=b" " * (2**20 + 1))) as server:
        error = await _failure(server.url)

    assert isinstance(error, UnreachableError)
    assert "sent more than 1 MiB" in error.message


async def test_an_authority_that_is_not_trusted(tmp_path: Path) -> None:
    tls = server_context(tmp_path, TestAuthority().issue())

    async with serve({}, tls=tls) as server:
        error = await _failure(server.url, authority=TestAuthority("another").pem)

    assert isinstance(error, UnreachableError)
    assert "is not trusted: its certificate is signed by an authority that is not trusted" in error.message
    assert error.hint == "Check the certificate-authority-data of the kubeconfig."


async def test_an_expired_certificate(tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = server_context(tmp_path, authority.issue(lifetime=(-2 * DAY, -DAY)))

    async with serve({}, tls=tls) as server:
        error = await _failure(server.url, authority=authority.pem)

    assert "is not trusted: its certificate has expired" in error.message
    assert "clock" in error.hint


async def test_a_certificate_from_the_future(tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = server_context(tmp_path, authority.issue(lifetime=(DAY, 2 * DAY)))

    async with serve({}, tls=tls) as server:
        error = await _failure(server.url, authority=authority.pem)

    assert "is not trusted: its certificate is not valid yet" in error.message


async def test_a_certificate_for_another_address(tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = server_context(tmp_path, authority.issue(addresses=("192.0.2.1",)))

    async with serve({}, tls=tls) as server:
        error = await _failure(server.url, authority=authority.pem)

    assert "is not trusted: its certificate is for another address" in error.message
    assert "tls-server-name" in error.hint


async def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = server_context(tmp_path, authority.issue(names=("right.test",)))

    async with serve({}, tls=tls) as server:
        error = await _failure(server.url, authority=authority.pem, tls_server_name="wrong.test")

    assert "is not trusted: its certificate is for another name" in error.message


async def test_a_plain_server_behind_https() -> None:
    async with serve({}) as server:
        error = await _failure(server.url.replace("http:", "https:"))

    assert isinstance(error, UnreachableError)
    assert "does not speak TLS" in error.message
    assert error.hint == "Is the server's URL meant to begin with http://?"


async def test_a_tls_server_behind_http(tmp_path: Path) -> None:
    tls = server_context(tmp_path, TestAuthority().issue())

    async with serve({}, tls=tls) as server:
        error = await _failure(server.url.replace("https:", "http:"))

    assert isinstance(error, UnreachableError)
    assert error.hint == "Is the server's URL meant to begin with https://?"


async def test_a_tls_server_that_says_it_wants_https() -> None:
    # net/http's answer to a plain request on a TLS port.
    said = web.Response(status=400, text="Client sent an HTTP request to an HTTPS server.\n")

    async with serve(said) as server:
        error = await _failure(server.url)

    assert isinstance(error, UnreachableError)
    assert "speaks HTTPS only" in error.message


async def test_a_server_that_wants_a_client_certificate(tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = server_context(tmp_path, authority.issue(), client_authority=authority)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio's own servers close such a connection without the alert that says why.
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        handshake = tls.wrap_bio(incoming, outgoing, server_side=True)
        while piece := await reader.read(2**16):
            incoming.write(piece)
            try:
                handshake.do_handshake()
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
            except ssl.SSLError:
                writer.write(outgoing.read())
                writer.write_eof()

    async with serve_raw(refuse) as address:
        error = await _failure(f"https://{address}", authority=authority.pem)

    assert isinstance(error, UnreachableError)
    assert "wants a client certificate" in error.message


async def test_a_proxy_that_is_not_there() -> None:
    error = await _failure("https://192.0.2.1:6443", proxy=f"http://127.0.0.1:{_unused_port()}")

    assert isinstance(error, UnreachableError)
    assert "cannot be reached: the proxy does not answer (connection refused)" in error.message


async def test_a_proxy_that_refuses() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with serve_raw(refuse) as address:
        error = await _failure("https://192.0.2.1:6443", proxy=f"http://{address}")

    assert isinstance(error, UnreachableError)
    assert "cannot be reached through the proxy: it answered 407" in error.message


@pytest.mark.parametrize(
    ("material", "words"),
    [
        ({"authority": b"not PEM"}, "certificate-authority holds no certificate"),
        ({"login": Login(certificate=b"not PEM", key=b"not PEM")}, "is not usable PEM"),
        (
            {
                "login": Login(
                    certificate=TestAuthority().issue().certificate, key=TestAuthority().issue().key
                )
            },
            "the client key does not belong to the client certificate",
        ),
        (
            {"login": Login(certificate=TestAuthority().issue().certificate)},
            "the client certificate comes without its key",
        ),
        (
            {"login": Login(certificate=b"x", key=b"-----BEGIN ENCRYPTED PRIVATE KEY-----")},
            "the client key is encrypted",
        ),
    ],
)
async def test_material_in_the_kubeconfig_that_is_not_usable(material: dict[str, Any], words: str) -> None:
    error = await _failure("https://127.0.0.1:1", **material)

    assert isinstance(error, UsageError)
    assert words in error.message
