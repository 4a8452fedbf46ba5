"""An API server as a test sees it, whatever stands behind it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, slots=True)
class ApiUnderTest:
    """How to reach an API server as its administrator.

    Attributes:
        url: where it is.
        token: bearer token.
        authority: what its certificate is verified against, PEM; empty where it speaks plain HTTP.
        controllers: whether controllers run behind it.
    """

    url: str
    token: str = field(repr=False)
    authority: bytes = field(default=b"", repr=False)
    controllers: bool = True


@asynccontextmanager
async def api_client(api: ApiUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """Open a plain HTTP client of an API server.

    Args:
        api: the server.
    """
    verify = ssl.create_default_context(cadata=api.authority.decode()) if api.authority else False
    headers = {"Authorization": f"Bearer {api.token}"}
    async with httpx.AsyncClient(
        base_url=api.url, verify=verify, headers=headers, timeout=30, trust_env=False
    ) as client:
        yield client
