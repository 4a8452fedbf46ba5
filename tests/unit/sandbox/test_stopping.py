"""A server that stops does not wait for answers that would last until their client goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from k3k_core.resources import POD
from k3k_core.sandbox.api.server import ApiServer
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.exec import ExecDoor
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node_pages import with_node_pages
from k3k_core.sandbox.port_forward import PROTOCOL
from tests.support.sandbox_objects import pod

PODS = "/api/v1/namespaces/ns/pods"
# Longer than a test may take: what is waited for as long as this makes the test fail.
GRACE = 3600.0


@asynccontextmanager
async def api_of(application: web.Application) -> AsyncIterator[tuple[web.AppRunner, aiohttp.ClientSession]]:
    """Serve an API on loopback; yields what can stop it, and a client."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = "http://127.0.0.1:{1}".format(*runner.addresses[0])
        async with aiohttp.ClientSession(url) as client:
            yield runner, client
    finally:
        await runner.cleanup()


def api() -> ApiServer:
    """An API with a pod that has an address."""
    store = Store()
    meta = {"name": "web", "namespace": "ns"}
    store.create(POD, {**pod("web"), "metadata": meta, "status": {"podIP": "127.0.0.1"}})
    return ApiServer(store)


def no_words(*_where: str, **_options: Any) -> Log:
    """The log of a container that says nothing and does not end."""
    return Log(lambda: datetime.now(UTC))


def with_node(api: ApiServer) -> web.Application:
    """An API with a node on which nothing is said; nobody here runs anything."""
    return with_node_pages(api, no_words, cast("ExecDoor", None))


@pytest.mark.parametrize("path", [f"{PODS}?watch=true&resourceVersion=1", f"{PODS}/web/log?follow=true"])
async def test_what_is_followed_ends_with_the_server(path: str) -> None:
    async with (
        api_of(with_node(api())) as (runner, client),
        client.get(path) as answer,
    ):
        assert answer.status == 200
        await runner.cleanup()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_watch_ends_with_a_server_that_has_no_node() -> None:
    async with (
        api_of(api().application()) as (runner, client),
        client.get(PODS, params={"watch": "true"}) as answer,
    ):
        assert b"ADDED" in await answer.content.readline()
        await runner.cleanup()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_forwarded_port_ends_with_the_server() -> None:
    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(listening, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with (
        listener,
        api_of(with_node(api())) as (runner, client),
        client.ws_connect(f"{PODS}/web/portforward?ports={port}", protocols=(PROTOCOL,)) as socket,
    ):
        announced = [(await socket.receive()).type for _ in range(2)]
        assert announced == [aiohttp.WSMsgType.BINARY] * 2
        await runner.cleanup()
        assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
