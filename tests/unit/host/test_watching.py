"""One watch on the wire."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

import pytest
from aiohttp import web

from k3k_core.errors import ForbiddenError, HostError, K3kError, UnreachableError
from k3k_core.host import Backoff, Host, Key, Reflector, Selection, WatchEvent, wait_for
from k3k_core.resources import CONFIG_MAP
from tests.support.fake_host import thing
from tests.support.loopback import QUICK, connected_to, event, serve, status, streaming


async def _watch(host: Host, **how: Any) -> list[WatchEvent]:
    return [event async for event in host.watch(CONFIG_MAP, "n", **how)]


async def _failure(*pieces: bytes) -> tuple[list[WatchEvent], K3kError]:
    """Watch what a server streams; return the events before the error, and the error."""
    events: list[WatchEvent] = []
    async with serve(streaming(*pieces)) as server, connected_to(server.url) as host:

        async def collect() -> None:
            async for seen in host.watch(CONFIG_MAP, "n"):
                events.append(seen)

        with pytest.raises(K3kError) as caught:
            await collect()
    return events, caught.value


async def test_events_come_in_order_wherever_the_pieces_end() -> None:
    stream = (
        event("ADDED", thing("a", 1)) + event("MODIFIED", thing("a", 2)) + event("DELETED", thing("a", 3))
    )
    pieces = [stream[start : start + 7] for start in range(0, len(stream), 7)]

    async with serve(streaming(*pieces)) as server, connected_to(server.url) as host:
        events = await _watch(host)

    assert [(seen.type, seen.resource_version) for seen in events] == [
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("DELETED", "3"),
    ]


async def test_a_watch_asks_for_what_it_was_told() -> None:
    async with serve(streaming()) as server, connected_to(server.url) as host:
        await _watch(host, labels="a=b", fields="metadata.name=c", resource_version="7", timeout=60)

    assert server.requests[0].query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "60",
        "labelSelector": "a=b",
        "fieldSelector": "metadata.name=c",
        "resourceVersion": "7",
    }


async def test_an_open_watch_says_so_with_a_bookmark() -> None:
    async with serve(streaming()) as server, connected_to(server.url) as host:
        events = await _watch(host, resource_version="7")

    assert [(seen.type, seen.resource_version) for seen in events] == [("BOOKMARK", "7")]


async def test_an_event_of_several_mebibytes_is_one_event() -> None:
    big = thing("a", 1, data={"x": "y" * 3 * 2**20})

    async with serve(streaming(event("ADDED", big))) as server, connected_to(server.url) as host:
        (seen,) = await _watch(host)

    assert seen.object == big


async def test_an_event_beyond_the_limit_ends_the_watch() -> None:
    _, error = await _failure(b'{"type":"ADDED","object":{"x":"' + b"y" * 9 * 2**20)

    assert isinstance(error, UnreachableError)
    assert "sent an event of more than 8 MiB" in error.message


async def test_lost_history_inside_the_stream() -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 1 (9)"}

    events, error = await _failure(event("ADDED", thing("a", 1)), event("ERROR", gone))

    assert len(events) == 1
    assert isinstance(error, HostError)
    assert (error.status, error.reason) == (410, "Expired")


async def test_lost_history_before_the_stream() -> None:
    async with serve(status(410, "Expired", "too old")) as server, connected_to(server.url) as host:
        with pytest.raises(HostError) as caught:
            await _watch(host)

    assert caught.value.status == 410


async def test_an_error_inside_the_stream() -> None:
    _, error = await _failure(event("ERROR", {"kind": "Status", "code": 500, "message": "etcd is tired"}))

    assert isinstance(error, HostError)
    assert "etcd is tired" in error.message


async def test_a_refused_watch() -> None:
    refused = status(403, "Forbidden", 'configmaps is forbidden: User "u" cannot watch resource "configmaps"')

    async with serve(refused) as server, connected_to(server.url) as host:
        with pytest.raises(ForbiddenError, match="u may not watch configmaps in namespace n"):
            await _watch(host)


@pytest.mark.parametrize(
    "line",
    [
        b"<html>Bad gateway</html>\n",
        b'{"kind":"ConfigMapList","items":[]}\n',
        b"[1]\n",
        b'{"type":"ADDED","object":[]}\n',
        b'{"type":"ADDED","object":{"metadata":[]}}\n',
        b'{"type":"RENAMED","object":{}}\n',
        b'{"type":["ADDED"],"object":3}\n',
        b'{"type":"ADDED","object":{"meta',
    ],
)
async def test_what_is_no_event_ends_the_watch(line: bytes) -> None:
    events, error = await _failure(event("ADDED", thing("a", 1)), line)

    assert len(events) == 1
    assert isinstance(error, UnreachableError)
    assert "does not answer as a Kubernetes API server: a watch event" in error.message


async def test_a_connection_that_breaks_ends_the_watch_with_an_error() -> None:
    async def drop(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(event("ADDED", thing("a", 1)))
        if request.transport is not None:
            request.transport.abort()
        return response

    async with serve(drop) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError, match="broke off in the middle"):
            await _watch(host)


async def test_a_connection_that_falls_silent_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k3k_core.host.client._WATCH_GRACE", 0.05)
    released = asyncio.Event()

    async def wait() -> None:
        await released.wait()

    async with (
        serve(streaming(event("ADDED", thing("a", 1)), then=wait)) as server,
        connected_to(server.url) as host,
    ):
        with pytest.raises(UnreachableError, match="fell silent"):
            await _watch(host, timeout=0.05)
        released.set()


async def test_watches_do_not_keep_requests_waiting() -> None:
    released = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await streaming(event("ADDED", thing("a", 1)), then=_wait)(request)
        return web.json_response(thing("a", 1))

    async def _wait() -> None:
        await released.wait()

    async with asyncio.timeout(30), serve(answer) as server, connected_to(server.url) as host:
        watches = [host.watch(CONFIG_MAP, "n") for _ in range(120)]
        await asyncio.gather(*(anext(aiter(watch)) for watch in watches))
        assert await host.get(CONFIG_MAP, "n", "a")
        released.set()
        for watch in watches:
            async for _ in watch:
                pass


def _list(*items: dict[str, Any], version: int) -> dict[str, Any]:
    return {"kind": "ConfigMapList", "metadata": {"resourceVersion": str(version)}, "items": list(items)}


async def test_waiting_survives_a_host_that_drops_and_forgets() -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    answers = (
        _list(version=1),
        streaming(event("ADDED", thing("b", 2))),
        streaming(event("ERROR", gone)),
        status(500, "InternalError", "oops"),
        _list(thing("b", 2), version=5),
        streaming(event("ADDED", thing("a", 6))),
    )

    async with serve(*answers) as server, connected_to(server.url) as host:
        found = await wait_for(
            host,
            CONFIG_MAP,
            "n",
            lambda objects: set(objects) if len(objects) == 2 else None,
            timeout=20,
            what="ConfigMap a",
            backoff=QUICK,
        )

    assert found == {"a", "b"}
    assert [request.query.get("resourceVersion") for request in server.requests] == [
        None,
        "1",
        "2",
        None,
        None,
        "5",
    ]


async def test_a_reflector_follows_a_host_over_the_wire() -> None:
    released = asyncio.Event()

    async def hold() -> None:
        await released.wait()

    answers = (_list(thing("a", 1), version=1), streaming(event("ADDED", thing("b", 2)), then=hold))

    async with asyncio.timeout(20), serve(*answers) as server, connected_to(server.url) as host:
        reflector = Reflector(
            host,
            Selection(CONFIG_MAP, "n", metadata_only=True),
            lambda item: item["metadata"]["resourceVersion"],
            backoff=Backoff(first=0.01, jitter=0),
        )
        running = asyncio.create_task(reflector.run())
        seen: deque[Key] = deque()
        async for batch in reflector.batches():
            seen.extend(change.key for change in batch.changes)
            if len(seen) == 2:
                break
        running.cancel()
        await asyncio.wait([running])
        released.set()

    assert list(seen) == [Key("n", "a"), Key("n", "b")]
    assert "as=PartialObjectMetadata;" in server.requests[1].headers["Accept"]
    assert json.loads(server.requests[0].body or b"null") is None
