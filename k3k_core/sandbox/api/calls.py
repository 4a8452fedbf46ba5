"""One request on a resource path, and the answers there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.api.requests import RequestInfo

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed authorisation."""

    info: RequestInfo
    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    user: User

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: a JSON value, encoded JSON, or plain text."""

    code: int
    json: Any = None
    raw: bytes = b""
    text: str | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchAnswer:
    """A stream of JSON lines."""

    lines: AsyncIterator[bytes]
    content_type: str = "application/json"
