"""Current credentials for a host: fixed, from a file that changes, or from a plugin."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from k3k_core.errors import UnauthorizedError
from k3k_core.host.connection import Login
from k3k_core.host.exec_plugin import ExecCredential, ExecPlugin, run_plugin

# A credential is renewed this long before its end, so that it does not expire on its way.
EXPIRY_SKEW = timedelta(seconds=30)
# As client-go: the kubelet replaces projected tokens long before they expire.
TOKEN_FILE_LIFETIME = 60.0


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request carries to prove who we are.

    Attributes:
        authorization: value of the Authorization header, or "".
        certificate: client certificate, PEM.
        key: its private key, PEM.
    """

    authorization: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)


class Credentials:
    """Hands out the current credential of one login and renews it; concurrent callers share one renewal.

    Args:
        login: what the kubeconfig says.
        plugin_timeout: seconds a credential plugin may take.
        now: the wall clock.
        clock: a monotonic clock, seconds.
    """

    def __init__(
        self,
        login: Login,
        *,
        plugin_timeout: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._login = login
        self._plugin_timeout = plugin_timeout
        self._now = now
        self._clock = clock
        self._flight: asyncio.Task[Credential] | None = None
        self._cached: Credential | None = None
        self._stale: Callable[[], bool] = lambda: False

    async def current(self) -> Credential:
        """Return a credential that has not expired.

        Raises:
            UnauthorizedError: none could be obtained.
        """
        if self._cached is not None and not self._stale():
            return self._cached
        return await self._share()

    async def renew(self, rejected: Credential) -> bool:
        """Obtain another credential in place of one the host rejected.

        Returns:
            Whether the current credential now differs from the rejected one.
        """
        if self._cached is None or self._cached == rejected:
            await self._share()
        return self._cached != rejected

    async def close(self) -> None:
        """End a renewal that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    async def _share(self) -> Credential:
        # A caller that gives up must not take the renewal from the others; a failure reaches all of them.
        if self._flight is None:
            self._flight = asyncio.create_task(self._obtain())
            self._flight.add_done_callback(self._landed)
        return await asyncio.shield(self._flight)

    def _landed(self, flight: asyncio.Task[Credential]) -> None:
        self._flight = None
        if not flight.cancelled() and flight.exception() is None:
            self._cached = flight.result()

    async def _obtain(self) -> Credential:
        login = self._login
        if login.token_file is not None:
            read_at = self._clock()
            self._stale = lambda: self._clock() - read_at > TOKEN_FILE_LIFETIME
            return self._with_certificate(_bearer(_read_token(login.token_file, login.token)))
        if login.token:
            return self._with_certificate(_bearer(login.token))
        if login.basic is not None:
            pair = ":".join(login.basic).encode()
            return self._with_certificate(f"Basic {base64.b64encode(pair).decode()}")
        if login.plugin is not None:
            return await self._ask(login.plugin)
        return self._with_certificate("")

    async def _ask(self, plugin: ExecPlugin) -> Credential:
        answer: ExecCredential = await run_plugin(plugin, timeout=self._plugin_timeout)
        expires_at = answer.expires_at
        self._stale = lambda: expires_at is not None and self._now() >= expires_at - EXPIRY_SKEW
        authorization = _bearer(answer.token) if answer.token else ""
        if answer.certificate:
            return Credential(authorization, answer.certificate.encode(), answer.key.encode())
        return self._with_certificate(authorization)

    def _with_certificate(self, authorization: str) -> Credential:
        return Credential(authorization, self._login.certificate, self._login.key)


def _bearer(token: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise UnauthorizedError("The bearer token holds characters that no header can carry.")
    return f"Bearer {token}"


def _read_token(path: Path, fallback: str) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    token = token or fallback
    if not token:
        raise UnauthorizedError(
            f"Token file {path} is empty or cannot be read.", hint="Check the kubeconfig's tokenFile."
        )
    return token
