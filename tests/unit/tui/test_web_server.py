"""Who gets to see the dashboard in a browser: who has the token and comes from its own page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from textual_serve.server import Server

from k3k_tui.commands.web_server import WebOptions, make_application

TOKEN = "correct-horse"


@asynccontextmanager
async def browser(public_url: str = "") -> AsyncIterator[TestClient]:  # type: ignore[type-arg]  # generic in new versions
    """A client of a server."""
    options = WebOptions("exit 0", title="<k3k>", public_url=public_url, token=TOKEN)
    async with TestClient(TestServer(make_application(options))) as client:
        yield client


async def opened(client: TestClient) -> ClientResponse:  # type: ignore[type-arg]
    """The page, opened with the token as it is printed."""
    return await client.get("/", params={"token": TOKEN})


@pytest.mark.parametrize(
    "path", ["/", "/?token=wrong", "/?token=%ff", "/static/js/textual.js", "/download/x", "/ws"]
)
async def test_nothing_is_had_without_the_token(path: str) -> None:
    async with browser() as client:
        answer = await client.get(path)
        assert answer.status == 403
        assert "k3k serve" in await answer.text()


async def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use() -> None:
    async with browser() as client:
        answer = await client.get("/", params={"token": TOKEN}, allow_redirects=False)
        assert answer.status == 303
        assert TOKEN not in answer.headers["Location"]
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie


async def test_with_the_cookie_the_page_and_what_it_needs_are_there() -> None:
    async with browser() as client:
        page = await opened(client)
        text = await page.text()
        assert page.status == 200
        assert f'data-session-websocket-url="ws://127.0.0.1:{client.port}/ws"' in text
        assert "<title>&lt;k3k&gt;</title>" in text
        assert (await client.get("/static/js/textual.js")).status == 200


async def test_the_page_loads_nothing_from_elsewhere_and_stands_in_no_other_page() -> None:
    async with browser() as client:
        page = await opened(client)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "https://" not in await page.text()
        assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null", None])
async def test_another_page_s_websocket_is_refused_whatever_cookies_the_browser_sends(
    origin: str | None,
) -> None:
    async with browser() as client:
        await opened(client)
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect("/ws", headers={"Origin": origin} if origin else {})
        assert refused.value.status == 403


async def test_the_page_s_own_websocket_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def session(_server: Server, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    monkeypatch.setattr(Server, "handle_websocket", session)
    async with browser() as client:
        await opened(client)
        async with client.ws_connect("/ws", origin=f"http://127.0.0.1:{client.port}") as socket:
            assert not socket.closed


async def test_behind_a_proxy_its_address_counts() -> None:
    async with browser("https://k3k.example.com/fleet") as client:
        answer = await client.get("/", params={"token": TOKEN}, allow_redirects=False)
        assert "Secure" in answer.headers["Set-Cookie"]
        name, _, rest = answer.headers["Set-Cookie"].partition("=")
        cookie = {"Cookie": f"{name}={rest.partition(';')[0]}"}
        text = await (await client.get("/", headers=cookie)).text()
        assert 'data-session-websocket-url="wss://k3k.example.com/fleet/ws"' in text
        headers = cookie | {"Origin": f"http://127.0.0.1:{client.port}"}
        assert (await client.get("/", headers=headers)).status == 403


@pytest.mark.parametrize(
    ("asked", "size"), [("20", "20"), ("0", "16"), ("9999", "16"), ("x", "16"), ("\u00b2", "16")]
)
async def test_the_size_of_the_font_can_be_chosen_within_reason(asked: str, size: str) -> None:
    async with browser() as client:
        await opened(client)
        text = await (await client.get("/", params={"fontsize": asked})).text()
        assert f'data-font-size="{size}"' in text
