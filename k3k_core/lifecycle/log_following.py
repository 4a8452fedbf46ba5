"""Following the logs of a control plane's servers across restarts, replacements and broken connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from k3k_core.errors import ForbiddenError, K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.logs import LogLine, LogOptions, LogSource, log_sources, pick_sources, read_log
from k3k_core.names import ControlPlaneId

# Seconds between two looks at which servers there are.
LOOK_AGAIN = 1.0
# Seconds for which a control plane may be without any server: one that is replaced is, for a moment.
_WITHOUT_SERVERS = 60.0
_WAITING_LINES = 1000


@dataclass(slots=True)
class _Reader:
    """Who reads one log.

    Attributes:
        run: which run of which pod it is of: its uid and number of restarts.
        part: which part of the log is asked for.
        last: time of the newest line, as the node wrote it; empty before the first.
        heard: when that was, on the clock of the event loop.
        task: reads it.
    """

    run: tuple[str, int]
    part: LogOptions
    last: str = ""
    heard: float = 0.0
    task: asyncio.Task[None] | None = None


async def follow_logs(
    host: HostApi,
    identity: ControlPlaneId,
    server: str | None = None,
    options: LogOptions | None = None,
    *,
    every: float = LOOK_AGAIN,
) -> AsyncGenerator[LogLine, None]:
    """Yield the lines of one or all servers as they come, for as long as the control plane has servers.

    A server that is started again or replaced is gone on with from its first line; a connection that broke, from the
    line after the last.

    Args:
        host: an open host.
        identity: the control plane.
        server: as for `pick_sources`.
        options: which part to begin with.
        every: seconds between two looks at which servers there are.

    Raises:
        NotFoundError: there is no such server, or none any more.
        K3kError: the host refuses or does not answer.
    """
    following = _Following(host, identity, options or LogOptions())
    looking = asyncio.create_task(following.look_again(server, every))
    try:
        while True:
            item = await following.lines.get()
            if isinstance(item, K3kError):
                raise item
            yield item
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await following.close()


class _Following:
    """The readers of the logs of one control plane.

    Args:
        host: an open host.
        identity: the control plane.
        options: which part to begin with.
    """

    def __init__(self, host: HostApi, identity: ControlPlaneId, options: LogOptions) -> None:
        self.lines: asyncio.Queue[LogLine | K3kError] = asyncio.Queue(_WAITING_LINES)
        self._host = host
        self._identity = identity
        self._options = replace(options, follow=True, previous=False, timestamps=True)
        self._stamps = options.timestamps
        self._readers: dict[tuple[str, str], _Reader] = {}

    async def look_again(self, server: str | None, every: float) -> None:
        """See to it that every server there is has a reader; what ends that is put among the lines."""
        seen = None
        try:
            while True:
                try:
                    found = await log_sources(self._host, self._identity)
                    sources = pick_sources(self._identity, found, server)
                except NotFoundError:
                    if seen is None or _now() - seen > _WITHOUT_SERVERS:
                        raise
                else:
                    for source in sources:
                        self._attend(source, first=seen is None)
                    seen = _now()
                await asyncio.sleep(every)
        except K3kError as error:
            await self.lines.put(error)

    async def close(self) -> None:
        """End every reader."""
        tasks = [reader.task for reader in self._readers.values() if reader.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _attend(self, source: LogSource, *, first: bool) -> None:
        key = (source.pod, source.container)
        before = self._readers.get(key)
        if before is not None and before.task is not None and not before.task.done():
            # Of an earlier run it ends by itself, with that run's last line.
            return
        reader = self._readers[key] = self._next_reader(source, before, first=first)
        reader.task = asyncio.create_task(self._read(source, reader))

    def _next_reader(self, source: LogSource, before: _Reader | None, *, first: bool) -> _Reader:
        run = (source.uid, source.restarts)
        if before is None or before.run != run:
            part = self._options if first else replace(self._options, tail=None, since=None)
            return _Reader(run, part)
        if not before.last:
            return _Reader(run, before.part)
        # A second more than needed: the host counts whole ones, and what is there twice is left out.
        part = replace(self._options, tail=None, since=_now() - before.heard + 1.0)
        return _Reader(run, part, before.last, before.heard)

    async def _read(self, source: LogSource, reader: _Reader) -> None:
        known = reader.last
        try:
            async with aclosing(read_log(self._host, self._identity, source, reader.part)) as texts:
                async for text in texts:
                    stamp, _, words = text.partition(" ")
                    if stamp <= known:
                        continue
                    reader.last, reader.heard = stamp, _now()
                    await self.lines.put(LogLine(source, text if self._stamps else words))
        except ForbiddenError as error:
            await self.lines.put(error)
        except K3kError:
            # Not started yet, gone, or broken off: the next look tells, and fails if the host is at fault.
            return


def _now() -> float:
    return asyncio.get_running_loop().time()
