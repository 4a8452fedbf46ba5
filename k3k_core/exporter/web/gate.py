"""What every request passes before it is answered: rate limit, password, headers, and no traceback for anybody."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from k3k_core.exporter.web.config import RateLimit
from k3k_core.exporter.web.door import Door
from k3k_core.exporter.web.live import LiveWebConfig
from k3k_core.exporter.web.passwords import Passwords, TooManyError

_log = logging.getLogger(__name__)


class Bucket:
    """A token bucket.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: float | None = None
        self._at = 0.0

    def take(self, limit: RateLimit) -> bool:
        """Return whether another request may come now.

        Args:
            limit: the limit in force.
        """
        if not limit.interval:
            return True
        now = self._clock()
        before = limit.burst if self._tokens is None else self._tokens
        self._tokens = min(before + (now - self._at) / limit.interval, float(limit.burst))
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Gate:
    """Lets requests through.

    Args:
        live: the web configuration in force.
        own_check: tells which requests are checked by whoever answers them, and need no password here.
    """

    def __init__(self, live: LiveWebConfig, own_check: Callable[[web.Request], bool]) -> None:
        self._live = live
        self._own_check = own_check
        self._passwords = Passwords()
        self._bucket = Bucket()
        self.door: Door | None = None

    def middleware(self) -> Middleware:
        """Return what aiohttp calls before a handler."""

        @web.middleware
        async def pass_gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self.door is not None:
                self.door.asked(request.transport)
            self._live.refresh()
            try:
                await self._check(request)
                return await handler(request)
            except (web.HTTPException, ConnectionError):
                raise
            except Exception:  # noqa: BLE001 (whatever it is, the client gets a sentence and the log the rest)
                _log.exception("%s could not be answered", request.path)
                raise web.HTTPInternalServerError(
                    text="The exporter could not answer this; with -v it says why on standard error.\n"
                ) from None

        return pass_gate

    async def finish(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put headers on an answer."""
        response.headers["Server"] = "k3k"
        response.headers.update(self._live.config.headers)

    async def _check(self, request: web.Request) -> None:
        config = self._live.config
        if not self._bucket.take(config.rate_limit):
            raise web.HTTPTooManyRequests(text="Too many requests; try again later.\n")
        if not config.users or self._own_check(request):
            return
        try:
            known = await self._passwords.accept(request.headers.get("Authorization", ""), config.users)
        except TooManyError:
            raise web.HTTPServiceUnavailable(
                text="Too many passwords are being checked.\n", headers={"Retry-After": "1"}
            ) from None
        if not known:
            raise web.HTTPUnauthorized(text="Unauthorized\n", headers={"WWW-Authenticate": "Basic"})
