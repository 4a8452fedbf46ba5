"""Requests on the wire: what is sent, what is repeated and what is not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectorError, web
from aiohttp.client_reqrep import ConnectionKey

from k3k_core.errors import (
    ConflictError,
    HostError,
    K3kError,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from k3k_core.host import Host
from k3k_core.host.connection import Login
from k3k_core.host.exchange import ATTEMPTS
from k3k_core.host.requests import Request
from k3k_core.host.transport import Transport
from k3k_core.resources import CONFIG_MAP, SECRET
from tests.support.loopback import connected_to, serve, serve_raw, status
from tests.support.tls import TestAuthority, server_context

OBJECT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "n"},
}
BUSY = status(429, "TooManyRequests", "too many requests")


async def _get(host: Host) -> dict[str, Any]:
    return await host.get(CONFIG_MAP, "n", "a")


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _drop(request: web.Request) -> web.StreamResponse:
    _hang_up(request)
    return web.Response()


async def test_a_request_says_who_asks_and_what_it_understands() -> None:
    async with serve(OBJECT) as server, connected_to(server.url) as host:
        assert await _get(host) == OBJECT

    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/api/v1/namespaces/n/configmaps/a")
    assert request.headers["Authorization"] == "Bearer sesame"
    assert request.headers["User-Agent"].startswith("k3k/")
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Accept-Encoding"] == "identity"


async def test_a_server_below_a_path_is_reached_there() -> None:
    async with serve(OBJECT) as server, connected_to(f"{server.url}/k8s/clusters/c-1") as host:
        await _get(host)

    assert server.requests[0].path == "/k8s/clusters/c-1/api/v1/namespaces/n/configmaps/a"


async def test_acting_as_somebody_else_is_asked_for() -> None:
    login = Login(impersonation=(("Impersonate-User", "eve"), ("Impersonate-Group", "g")))

    async with serve(OBJECT) as server, connected_to(server.url, login=login) as host:
        await _get(host)

    headers = server.requests[0].headers
    assert (headers["Impersonate-User"], headers["Impersonate-Group"]) == ("eve", "g")
    assert "Authorization" not in headers


async def test_the_users_netrc_is_not_consulted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login eve password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async with serve(OBJECT) as server, connected_to(server.url, login=Login()) as host:
        await _get(host)

    assert "Authorization" not in server.requests[0].headers


async def test_proxies_of_the_environment_are_not_used_behind_our_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    async with serve(OBJECT) as server, connected_to(server.url) as host:
        assert await _get(host) == OBJECT


async def test_a_plain_request_goes_through_the_proxy() -> None:
    async with serve(OBJECT) as proxy, connected_to("http://host.invalid:8080", proxy=proxy.url) as host:
        assert await _get(host) == OBJECT

    assert proxy.requests[0].headers["Host"] == "host.invalid:8080"


async def test_tls_goes_through_the_proxys_tunnel(tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = server_context(tmp_path, authority.issue(names=("host.test",)))
    asked: list[bytes] = []

    async with serve(OBJECT, tls=tls) as server:

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            inner_reader, inner_writer = await asyncio.open_connection(
                "127.0.0.1", int(server.url.rpartition(":")[2])
            )
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

        async with (
            serve_raw(tunnel) as proxy,
            connected_to("https://host.test:6443", proxy=f"http://{proxy}", authority=authority.pem) as host,
        ):
            assert await _get(host) == OBJECT

    assert asked == [b"CONNECT host.test:6443 HTTP/1.1"]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(2**16):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def test_a_client_certificate_is_presented(tmp_path: Path) -> None:
    authority = TestAuthority()
    ours = authority.issue("admin")
    tls = server_context(tmp_path, authority.issue(), client_authority=authority)
    login = Login(certificate=ours.certificate, key=ours.key)
    presented: list[Any] = []

    async def look(request: web.Request) -> web.Response:
        presented.append(request.get_extra_info("peercert"))
        return web.json_response(OBJECT)

    async with (
        serve(look, tls=tls) as server,
        connected_to(server.url, login=login, authority=authority.pem) as host,
    ):
        await _get(host)

    assert presented[0]["subject"] == ((("commonName", "admin"),),)


async def test_the_expected_name_of_the_server_can_be_given(tmp_path: Path) -> None:
    authority = TestAuthority()
    tls = server_context(tmp_path, authority.issue(names=("kubernetes.test",), addresses=()))

    async with (
        serve(OBJECT, tls=tls) as server,
        connected_to(server.url, authority=authority.pem, tls_server_name="kubernetes.test") as host,
    ):
        assert await _get(host) == OBJECT


async def test_verification_can_be_switched_off(tmp_path: Path) -> None:
    tls = server_context(tmp_path, TestAuthority().issue(addresses=("192.0.2.1",)))

    async with serve(OBJECT, tls=tls) as server, connected_to(server.url, insecure=True) as host:
        assert await _get(host) == OBJECT


async def test_connections_are_used_again() -> None:
    peers: set[Any] = set()

    async def look(request: web.Request) -> web.Response:
        peers.add(request.get_extra_info("peername"))
        return web.json_response(OBJECT)

    async with serve(look) as server, connected_to(server.url) as host:
        for _ in range(5):
            await _get(host)

    assert len(peers) == 1


async def test_many_requests_at_once_share_a_bounded_number_of_connections() -> None:
    peers: set[Any] = set()

    async def look(request: web.Request) -> web.Response:
        peers.add(request.get_extra_info("peername"))
        await asyncio.sleep(0.005)
        return web.json_response(OBJECT)

    async with serve(look) as server, connected_to(server.url) as host:
        await asyncio.gather(*(_get(host) for _ in range(200)))

    assert len(peers) <= 32


@pytest.mark.parametrize("failure", [BUSY, status(503, "ServiceUnavailable", "starting"), _drop])
async def test_reading_is_repeated_when_the_host_is_in_trouble(failure: Any) -> None:
    async with serve(failure, failure, OBJECT) as server, connected_to(server.url) as host:
        assert await _get(host) == OBJECT


async def test_a_truncated_answer_is_read_again() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"kind": ')
        _hang_up(request)
        return response

    async with serve(half, OBJECT) as server, connected_to(server.url) as host:
        assert await _get(host) == OBJECT


async def test_a_host_that_stays_busy_is_given_up() -> None:
    async with serve(BUSY) as server, connected_to(server.url) as host:
        with pytest.raises(HostError) as caught:
            await _get(host)

    assert caught.value.status == 429
    assert len(server.requests) == ATTEMPTS


async def test_a_later_time_to_come_back_than_the_time_out_is_not_waited_for() -> None:
    later = status(429, "TooManyRequests", "too many requests")
    later.headers["Retry-After"] = "3600"

    async with asyncio.timeout(30), serve(later) as server, connected_to(server.url) as host:
        with pytest.raises(HostError):
            await _get(host)

    assert len(server.requests) == 1


async def test_a_time_to_come_back_is_waited_for() -> None:
    loop = asyncio.get_running_loop()
    soon = status(429, "TooManyRequests", "too many requests")
    soon.headers["Retry-After"] = "1"

    async with serve(soon, OBJECT) as server, connected_to(server.url) as host:
        before = loop.time()
        await _get(host)

    assert loop.time() - before >= 1


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 422, 500])
async def test_a_refusal_is_not_repeated(code: int) -> None:
    async with serve(status(code, "Why", "no")) as server, connected_to(server.url) as host:
        with pytest.raises(K3kError):
            await _get(host)

    assert len(server.requests) == 1


async def test_writing_what_can_be_repeated_is_repeated() -> None:
    async with serve(_drop, OBJECT) as server, connected_to(server.url) as host:
        await host.apply(OBJECT)
    assert server.seen == [("PATCH", "/api/v1/namespaces/n/configmaps/a")] * 2

    async with serve(_drop, OBJECT) as server, connected_to(server.url) as host:
        assert await host.delete(CONFIG_MAP, "n", "a")
    assert server.seen == [("DELETE", "/api/v1/namespaces/n/configmaps/a")] * 2


async def test_an_object_is_created_at_most_once() -> None:
    async with serve(_drop, OBJECT) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError, match="closed the connection without an answer"):
            await host.create(OBJECT)

    assert server.seen == [("POST", "/api/v1/namespaces/n/configmaps")]


async def test_creating_is_repeated_when_the_host_turned_it_away() -> None:
    async with serve(BUSY, OBJECT) as server, connected_to(server.url) as host:
        await host.create(OBJECT)

    assert len(server.requests) == 2


async def test_creating_is_repeated_when_no_connection_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[str] = []
    send = Transport.send

    async def refused_once(transport: Transport, request: Request, *rest: Any, **more: Any) -> Any:
        attempts.append(request.method)
        if len(attempts) == 1:
            key = ConnectionKey("h", 1, False, True, None, None, None)
            raise ClientConnectorError(key, ConnectionRefusedError())
        return await send(transport, request, *rest, **more)

    monkeypatch.setattr(Transport, "send", refused_once)

    async with serve(OBJECT) as server, connected_to(server.url) as host:
        await host.create(OBJECT)

    assert attempts == ["POST", "POST"]


async def test_what_is_deleted_already_is_no_error() -> None:
    gone = status(404, "NotFound", 'configmaps "a" not found', name="a", kind="configmaps")

    async with serve(gone) as server, connected_to(server.url) as host:
        assert not await host.delete(CONFIG_MAP, "n", "a")


async def test_deleting_what_the_host_does_not_know_is_an_error() -> None:
    async with (
        serve(web.Response(status=404, text="404 page not found\n")) as server,
        connected_to(server.url) as host,
    ):
        with pytest.raises(NotFoundError, match="does not serve configmaps"):
            await host.delete(CONFIG_MAP, "n", "a")


async def test_another_object_of_that_name_is_not_deleted() -> None:
    async with (
        serve(status(409, "Conflict", "the UID in the precondition")) as server,
        connected_to(server.url) as host,
    ):
        with pytest.raises(ConflictError):
            await host.delete(CONFIG_MAP, "n", "a", uid="u")

    assert json.loads(server.requests[0].body)["preconditions"] == {"uid": "u"}


async def test_a_rejected_token_from_a_file_is_read_again_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")

    async def check(request: web.Request) -> web.Response:
        if request.headers["Authorization"] == "Bearer new":
            return web.json_response(OBJECT)
        token.write_text("new\n")
        return status(401, "Unauthorized", "Unauthorized")

    async with serve(check) as server, connected_to(server.url, login=Login(token_file=token)) as host:
        assert await _get(host) == OBJECT

    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer old", "Bearer new"]


async def test_a_token_that_stays_rejected_is_an_error(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0")

    async def reject(_: web.Request) -> web.Response:
        token.write_text(token.read_text() + "1")
        return status(401, "Unauthorized", "Unauthorized")

    async with serve(reject) as server, connected_to(server.url, login=Login(token_file=token)) as host:
        with pytest.raises(UnauthorizedError):
            await _get(host)

    assert len(server.requests) == 2


async def test_a_fixed_token_is_not_tried_twice() -> None:
    async with serve(status(401, "Unauthorized", "Unauthorized")) as server, connected_to(server.url) as host:
        with pytest.raises(UnauthorizedError):
            await _get(host)

    assert len(server.requests) == 1


async def test_the_hosts_version() -> None:
    async with serve({"major": "1", "gitVersion": "v1.36.2"}) as server, connected_to(server.url) as host:
        assert await host.version() == "v1.36.2"


async def test_no_error_ever_shows_the_token() -> None:
    async with (
        serve(status(500, "InternalError", "header Bearer sesame-open-sesame")) as server,
        connected_to(server.url, login=Login(token="sesame-open-sesame")) as host,
    ):
        with pytest.raises(HostError) as caught:
            await host.get(SECRET, "n", "a")

    assert "sesame" not in str(caught.value) + repr(caught.value) + caught.value.hint
    assert caught.value.__cause__ is None
