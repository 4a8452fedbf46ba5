"""Faults and the request log of a sandbox server, for tests and demonstrations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from k3k_core.sandbox.api.requests import RequestInfo


@dataclass(frozen=True, slots=True)
class Request:
    """A request as fault hooks and the log see it.

    Attributes:
        method: HTTP method.
        path: decoded path.
        query: query parameters.
        info: what the path means.
        user_agent: who asks.
    """

    method: str
    path: str
    query: Mapping[str, str]
    info: RequestInfo
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a request.

    Attributes:
        status: answer with this HTTP status instead of handling the request; 0 handles it.
        headers: headers of that answer.
        body: JSON value or text of that answer.
        delay: seconds to wait before anything else.
        drop: "before" closes the connection without handling the request, "after" handles it and closes the
            connection instead of answering.
        garbage: answer with these bytes instead of JSON, status 200.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    delay: float = 0.0
    drop: Literal["", "before", "after"] = ""
    garbage: bytes = b""


Hook = Callable[[Request], Fault | None]


@dataclass(frozen=True, slots=True)
class Logged:
    """One answered request; a dropped one has status 0, a watch is logged when it starts."""

    method: str
    path: str
    status: int
    query: Mapping[str, str] = field(default_factory=dict)


class Faults:
    """Hooks that make requests fail, and the log of all requests."""

    def __init__(self) -> None:
        self.hooks: list[Hook] = []
        self.requests: list[Logged] = []

    def append(self, hook: Hook) -> None:
        """Ask `hook` for a fault before each request; the first hook that returns one wins."""
        self.hooks.append(hook)

    def clear(self) -> None:
        self.hooks.clear()
        self.requests.clear()

    def find(self, request: Request) -> Fault | None:
        for hook in tuple(self.hooks):
            fault = hook(request)
            if fault is not None:
                return fault
        return None

    def log(self, request: Request, status: int) -> None:
        self.requests.append(Logged(request.method, request.path, status, dict(request.query)))
