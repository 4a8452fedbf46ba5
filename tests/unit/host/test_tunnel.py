"""Reaching a pod's port through the host's API."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from aiohttp import web

from k3k_core.errors import ForbiddenError, K3kError, NotFoundError, UnauthorizedError, UnreachableError
from k3k_core.host import Host, open_tunnel
from tests.support.forwarding import PROTOCOL, forward_to
from tests.support.loopback import connected_to, serve, serve_raw
from tests.support.tls import TestAuthority, server_context


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def _exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await reader.readexactly(len(data))
    finally:
        writer.close()


async def _ask(host: Host) -> bytes:
    async with host.port_forward("n", "pod", 6443) as connection:
        await connection.write(b"x")
        return await connection.read()


async def test_bytes_come_and_go_unchanged() -> None:
    data = bytes(range(256)) * 2000
    async with (
        serve_raw(_echo) as pod,
        serve(forward_to(pod)) as server,
        connected_to(server.url) as host,
        open_tunnel(host, "n", "pod", 6443) as tunnel,
    ):
        assert await _exchange(tunnel.port, data) == data

    (request,) = server.requests
    assert request.path == "/api/v1/namespaces/n/pods/pod/portforward"
    assert request.query == {"ports": "6443"}
    assert request.headers["Authorization"] == "Bearer sesame"
    assert request.headers["Sec-WebSocket-Protocol"] == PROTOCOL


async def test_each_connection_is_one_of_its_own() -> None:
    async with (
        serve_raw(_echo) as pod,
        serve(forward_to(pod)) as server,
        connected_to(server.url) as host,
        open_tunnel(host, "n", "pod", 6443) as tunnel,
    ):
        answers = await asyncio.gather(*(_exchange(tunnel.port, bytes([number]) * 9) for number in range(5)))

    assert answers == [bytes([number]) * 9 for number in range(5)]
    assert len(server.requests) == 5


async def test_tls_goes_through_to_the_pod_itself(tmp_path: Path) -> None:
    authority = TestAuthority()
    async with (
        serve_raw(_echo, tls=server_context(tmp_path, authority.issue(names=("kubernetes",)))) as pod,
        serve(forward_to(pod)) as server,
        connected_to(server.url) as host,
        open_tunnel(host, "n", "pod", 6443) as tunnel,
    ):
        context = ssl.create_default_context(cadata=authority.pem.decode())
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", tunnel.port, ssl=context, server_hostname="kubernetes"
        )
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()


async def test_a_pod_that_closes_ends_the_near_connection_after_its_last_byte() -> None:
    async def speak_and_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"last words")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with (
        serve_raw(speak_and_leave) as pod,
        serve(forward_to(pod)) as server,
        connected_to(server.url) as host,
        open_tunnel(host, "n", "pod", 6443) as tunnel,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.port)
        writer.write(b"?")
        assert await reader.read() == b"last words"
        writer.close()


async def test_a_port_nobody_listens_on_is_said_in_words() -> None:
    async with serve_raw(_echo) as pod:
        gone = pod
    async with serve(forward_to(gone)) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError, match=r"Pod pod in namespace n.*refused") as caught:
            await _ask(host)

    assert caught.value.hint == "Check that the pod runs and listens on that port."


@pytest.mark.parametrize(
    ("status", "kind"), [(401, UnauthorizedError), (403, ForbiddenError), (404, NotFoundError)]
)
async def test_a_refused_upgrade_is_an_error_of_its_kind(status: int, kind: type[Exception]) -> None:
    async with serve(web.Response(status=status)) as server, connected_to(server.url) as host:
        with pytest.raises(kind):
            await _ask(host)


async def test_a_far_end_of_another_protocol_is_refused() -> None:
    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(PROTOCOL,))
        await socket.prepare(request)
        await socket.send_bytes(b"\x00what is this")
        await socket.close()
        return socket

    async with serve(talk) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError, match="does not speak the port-forward protocol"):
            await _ask(host)


async def test_the_tunnel_says_why_a_connection_failed_and_goes_on() -> None:
    told: list[K3kError] = []
    async with (
        serve(web.Response(status=403)) as server,
        connected_to(server.url) as host,
        open_tunnel(host, "n", "pod", 6443, told.append) as tunnel,
    ):
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.port)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            writer.close()
            assert isinstance(tunnel.error, ForbiddenError)
    assert [type(error) for error in told] == [ForbiddenError, ForbiddenError]


async def test_closing_the_tunnel_cuts_what_is_open() -> None:
    async with serve_raw(_echo) as pod, serve(forward_to(pod)) as server, connected_to(server.url) as host:
        async with open_tunnel(host, "n", "pod", 6443) as tunnel:
            reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.port)
            writer.write(b"x")
            await reader.readexactly(1)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        writer.close()
