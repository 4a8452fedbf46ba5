"""Lists: pages, expired page tokens, compression, limits."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from aiohttp import web

from k3k_core.errors import HostError, UnreachableError
from k3k_core.resources import CONFIG_MAP
from tests.support.loopback import connected_to, serve, status


def _page(names: str, token: str = "", version: str = "9") -> dict[str, Any]:
    return {
        "kind": "ConfigMapList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": version, "continue": token},
        "items": [{"metadata": {"name": name}} for name in names],
    }


async def test_a_list_follows_its_pages() -> None:
    async with (
        serve(_page("ab", "t1"), _page("c", "t2"), _page("d")) as server,
        connected_to(server.url) as host,
    ):
        listing = await host.list(CONFIG_MAP, "n", labels="x=y", page_size=2)

    assert [item["metadata"]["name"] for item in listing.items] == list("abcd")
    assert listing.resource_version == "9"
    assert [request.query.get("continue") for request in server.requests] == [None, "t1", "t2"]
    assert {(request.query["limit"], request.query["labelSelector"]) for request in server.requests} == {
        ("2", "x=y")
    }


async def test_listed_objects_carry_their_type() -> None:
    async with serve(_page("a")) as server, connected_to(server.url) as host:
        (item,) = (await host.list(CONFIG_MAP, "n")).items

    assert (item["apiVersion"], item["kind"]) == ("v1", "ConfigMap")


async def test_an_expired_page_token_restarts_the_list_in_one_page() -> None:
    expired = status(410, "Expired", "The provided continue parameter is too old")

    async with serve(_page("ab", "t1"), expired, _page("xyz")) as server, connected_to(server.url) as host:
        listing = await host.list(CONFIG_MAP, "n", page_size=2)

    assert [item["metadata"]["name"] for item in listing.items] == list("xyz")
    assert "limit" not in server.requests[2].query


async def test_a_host_that_always_says_expired_is_given_up() -> None:
    expired = status(410, "Expired", "too old")

    async with serve(_page("ab", "t1"), expired) as server, connected_to(server.url) as host:
        with pytest.raises(HostError):
            await host.list(CONFIG_MAP, "n", page_size=2)

    assert len(server.requests) == 3


async def test_an_empty_list_may_be_null() -> None:
    async with serve({**_page(""), "items": None}) as server, connected_to(server.url) as host:
        assert (await host.list(CONFIG_MAP, "n")).items == []


@pytest.mark.parametrize("items", [{}, "abc", [1], [{"metadata": 5}]])
async def test_a_list_of_something_else_is_not_taken_for_one(items: Any) -> None:
    async with serve({**_page(""), "items": items}) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError, match="a list without items"):
            await host.list(CONFIG_MAP, "n")


async def test_compressed_lists_are_understood() -> None:
    body = gzip.compress(json.dumps(_page("a")).encode())
    answer = web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async with serve(answer) as server, connected_to(server.url) as host:
        assert len((await host.list(CONFIG_MAP, "n")).items) == 1

    assert server.requests[0].headers["Accept-Encoding"] == "gzip"


async def test_a_compressed_answer_is_measured_after_unpacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k3k_core.host.exchange.BODY_LIMIT", 2**20)
    bomb = web.Response(body=gzip.compress(b" " * 2**24), headers={"Content-Encoding": "gzip"})

    async with serve(bomb) as server, connected_to(server.url) as host:
        with pytest.raises(UnreachableError, match="more than 1 MiB"):
            await host.list(CONFIG_MAP, "n")
