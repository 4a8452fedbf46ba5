"""Logs of containers over the wire."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web

from k3k_core.errors import ForbiddenError, HostError, K3kError, NotFoundError, UnreachableError
from k3k_core.host import Host
from tests.support.loopback import connected_to, serve, status, streaming


async def read(host: Host, **options: Any) -> list[str]:
    return [line async for line in host.logs("n", "pod", **options)]


async def test_a_log_is_read_line_by_line() -> None:
    async with serve(streaming(b"one\n  tw", b"o\n\nthree")) as server, connected_to(server.url) as host:
        assert await read(host) == ["one", "  two", "", "three"]
    (request,) = server.requests
    assert (request.method, request.path, request.query) == ("GET", "/api/v1/namespaces/n/pods/pod/log", {})


async def test_what_is_asked_for_is_in_the_query() -> None:
    async with serve(streaming()) as server, connected_to(server.url) as host:
        await read(host, container="k3s", follow=True, tail=0, previous=True, since=0.2, timestamps=True)
    assert server.requests[0].query == {
        "container": "k3s",
        "follow": "true",
        "tailLines": "0",
        "previous": "true",
        "sinceSeconds": "1",
        "timestamps": "true",
    }


async def test_a_log_that_is_silent_is_followed_for_longer_than_a_request_may_take() -> None:
    """A real API server sends not even its headers before the first line."""
    speak = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await speak.wait()
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"at last\n")
        return response

    async with (
        serve(silent) as server,
        connected_to(server.url, request_timeout=0.05) as host,
        aclosing(host.logs("n", "pod", follow=True)) as lines,
    ):
        line = asyncio.ensure_future(anext(lines))
        done, _ = await asyncio.wait((line,), timeout=0.2)
        assert not done
        speak.set()
        assert await line == "at last"


async def test_a_log_that_is_not_followed_has_to_begin_in_time() -> None:
    async def hanging(_request: web.Request) -> web.StreamResponse:
        await asyncio.Future()
        raise AssertionError

    async with serve(hanging) as server, connected_to(server.url, request_timeout=0.05) as host:
        with pytest.raises(UnreachableError, match="read the log of Pod pod in namespace n"):
            await read(host)


@pytest.mark.parametrize(
    ("code", "reason", "error", "words"),
    [
        (400, "BadRequest", HostError, "is waiting to start"),
        (403, "Forbidden", ForbiddenError, "is waiting to start"),
        (404, "NotFound", NotFoundError, "has no Pod pod in namespace n"),
    ],
)
async def test_a_refusal_is_told_in_the_hosts_words(
    code: int, reason: str, error: type[K3kError], words: str
) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return status(code, reason, 'container "k3s" in pod "pod" is waiting to start')

    async with serve(refuse) as server, connected_to(server.url) as host:
        with pytest.raises(error) as refusal:
            await read(host)
    assert words in refusal.value.message


async def test_a_connection_that_breaks_ends_the_log_with_an_error_after_its_lines() -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        assert request.transport is not None
        request.transport.abort()
        return response

    found: list[str] = []

    async def collect(host: Host) -> None:
        async for line in host.logs("n", "pod", follow=True):
            found.append(line)

    async with serve(breaking) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError):
            await collect(host)
    assert found == ["one"]


async def test_a_missing_permission_is_told_with_the_command_that_tests_it() -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return status(403, "Forbidden", 'pods "pod" is forbidden: User "jane" cannot get resource "pods/log"')

    async with serve(refuse) as server, connected_to(server.url) as host:
        with pytest.raises(ForbiddenError) as refusal:
            await read(host)
    assert "jane may not read the log of Pod pod in namespace n" in refusal.value.message
    assert "`kubectl auth can-i get pods --subresource=log -n n --context test`" in refusal.value.hint
