"""The dashboard for browsers: textual-serve's sessions behind a token and a check of where requests come from.

Who reaches a session can do whatever its user can. Listening on loopback keeps other machines out, but neither other
users of this machine nor pages of other sites open in the same browser: WebSockets know no same-origin rule
(RFC 6455, section 10.2). Hence a token in the address, kept in a cookie, and a comparison of Origin with Host.
"""

from __future__ import annotations

import hmac
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from k3k_tui.commands.web_page import page, policy, refusal

_FONT_SIZE, _FONT_SIZES = 16, range(6, 73)
_SHUTDOWN_SECONDS = 2.0
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How the dashboard is served.

    Attributes:
        command: command line of one session, for a shell.
        title: of the window.
        public_url: where a proxy in front is reached; empty for none.
        token: that opens it.
    """

    command: str
    title: str = "k3k"
    public_url: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


@asynccontextmanager
async def serving(sockets: Sequence[socket.socket], options: WebOptions) -> AsyncIterator[None]:
    """Serve the dashboard while the block lasts; a process of its own for each window.

    Args:
        sockets: listening ones.
        options: how it is served.
    """
    runner = web.AppRunner(
        make_application(options), access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        for each in sockets:
            await web.SockSite(runner, each).start()
        yield
    finally:
        await runner.cleanup()


def make_application(options: WebOptions) -> web.Application:
    """Make the web application.

    Args:
        options: how it is served.
    """
    sessions = Server(options.command, title=options.title)
    guard = _Guard(options)
    application = web.Application(middlewares=[guard.check])

    async def index(request: web.Request) -> web.StreamResponse:
        asked = request.query.get("fontsize", "")
        size = (
            int(asked) if asked.isdecimal() and len(asked) < 4 and int(asked) in _FONT_SIZES else _FONT_SIZE
        )
        url = guard.socket_url(request)
        return web.Response(
            text=page(options.title, url, size),
            content_type="text/html",
            headers={"Content-Security-Policy": policy(url)},
        )

    application.add_routes(
        [
            web.get("/", index),
            web.get("/ws", sessions.handle_websocket),
            web.get("/download/{key}", sessions.handle_download),
            web.static("/static", sessions.statics_path),
        ]
    )
    return application


class _Guard:
    """Lets in who has the token and comes from our own page.

    Args:
        options: the token and the address.
    """

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        self._public = urlsplit(options.public_url)

    def socket_url(self, request: web.Request) -> str:
        """Return where the WebSocket is, as the browser reaches it.

        Args:
            request: that asks for the page.
        """
        if self._options.public_url:
            scheme = "wss" if self._public.scheme == "https" else "ws"
            return f"{scheme}://{self._public.netloc}{self._public.path.rstrip('/')}/ws"
        return f"ws://{request.host}/ws"

    @web.middleware
    async def check(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Refuse a request, or answer it with headers that keep the page to itself.

        Args:
            request: that came.
            handler: answers it.
        """
        given = request.query.get("token", "")
        if request.path == "/" and self._opens(given):
            response: web.StreamResponse = self._welcome(request)
        elif not self._opens(request.cookies.get(self._cookie(request), "")) or not self._is_ours(request):
            response = web.Response(status=403, text=refusal(), content_type="text/html")
        else:
            response = await handler(request)
        if not response.prepared:
            response.headers.setdefault("Referrer-Policy", "no-referrer")
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _welcome(self, request: web.Request) -> web.Response:
        """Put the token into a cookie and out of the address, where others would see it."""
        response = web.Response(status=303, headers={"Location": "./"})
        response.set_cookie(
            self._cookie(request),
            self._options.token,
            httponly=True,
            samesite="Strict",
            secure=self._public.scheme == "https",
        )
        return response

    def _opens(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self._options.token.encode())

    def _is_ours(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is None:
            # Only a WebSocket must say where it comes from; browsers leave it out for pages and pictures.
            return request.headers.get("Upgrade", "").lower() != "websocket"
        return urlsplit(origin).netloc == (self._public.netloc or request.host)

    def _cookie(self, request: web.Request) -> str:
        """Return a name of our own: cookies are shared by all ports of a machine."""
        place = request.transport.get_extra_info("sockname") if request.transport is not None else None
        return f"k3k-{place[1]}" if place else "k3k"
