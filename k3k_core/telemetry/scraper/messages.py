"""What a pool and its workers tell each other: pickles between our own processes, each after its length."""

from __future__ import annotations

import asyncio
import pickle
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from k3k_core.telemetry.scraper.figures import ScrapeFigures
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, TargetId

_LENGTH: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message to a worker."""

    options: ScrapeOptions


@dataclass(frozen=True, slots=True)
class Change:
    """Which targets are new or different, and which are gone."""

    targets: Mapping[TargetId, ControlPlaneTarget]
    gone: frozenset[TargetId] = frozenset()


@dataclass(frozen=True, slots=True)
class Focus:
    """Which targets go first."""

    ids: frozenset[TargetId]


@dataclass(frozen=True, slots=True)
class Request:
    """A round out of turn; the number comes back with its answer."""

    number: int
    target: ControlPlaneTarget


@dataclass(frozen=True, slots=True)
class Answer:
    """What a round out of turn gave."""

    number: int
    scraped: Scraped


@dataclass(frozen=True, slots=True)
class Results:
    """Rounds since the last message, in order; sent now and then without any, as a sign of life."""

    scraped: tuple[Scraped, ...]
    figures: ScrapeFigures


@dataclass(frozen=True, slots=True)
class Log:
    """A log record of a worker, which has no place of its own to write to."""

    level: int
    text: str = field(repr=False)


async def read_message(reader: asyncio.StreamReader) -> Any:
    """Return the other side's next message, None when it has gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    # The other side is our own parent or child, on a socket pair that nobody else has.
    return pickle.loads(body)  # noqa: S301


def put_message(writer: asyncio.StreamWriter, message: object) -> None:
    """Hand a message over to be sent after those before it."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    writer.write(_LENGTH.pack(len(body)))
    writer.write(body)


async def sent(writer: asyncio.StreamWriter) -> None:
    """Wait until more can be sent; when the other side has gone, nothing happens: reading tells."""
    with suppress(ConnectionError):
        await writer.drain()
