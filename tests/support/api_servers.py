"""An API server as a test sees it, whatever stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, field


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
