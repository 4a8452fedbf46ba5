"""Reading a log in the background: which servers there are, their lines as they come, and why none do."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from k3k_core.errors import K3kError
from k3k_tui.screens.control_plane.host_link import HostLink
from k3k_tui.screens.control_plane.log_buffer import MOST_LINES, LogEntry, entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from k3k_core.host import HostApi
    from k3k_core.lifecycle.logs import LogLine, LogSource
    from k3k_core.names import ControlPlaneId

logger = logging.getLogger(__name__)
# Seconds before a log that could not be followed is tried again: at first, and at most.
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 30.0
FIRST_TAIL: Final = 1_000
ALL: Final = "all servers"


@dataclass(slots=True)
class LogReading:
    """What is read, and how that goes.

    Attributes:
        link: the host.
        identity: the control plane.
        server: name of the pod whose log is read; `ALL`, or empty before it is known which there are.
        previous: whether it is the log of the container before its last restart.
        tail: lines to begin with.
        servers: names of the pods that have a log.
        state: how it goes, in a word or two.
        error: why it does not; empty while it does.
        hint: what to do about that.
        incoming: lines that nobody has taken yet.
    """

    link: HostLink
    identity: ControlPlaneId
    server: str = ""
    previous: bool = False
    tail: int = FIRST_TAIL
    servers: tuple[str, ...] = ()
    state: str = "asking the host"
    error: str = ""
    hint: str = ""
    incoming: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=MOST_LINES))

    def take(self) -> list[LogEntry]:
        """Return the lines that have come since the last time."""
        taken = list(self.incoming)
        self.incoming.clear()
        return taken

    def next_server(self) -> None:
        """Choose the next server; after the last one all of them together."""
        choices = (*self.servers, ALL) if len(self.servers) > 1 else self.servers
        if choices:
            place = choices.index(self.server) if self.server in choices else -1
            self.server = choices[(place + 1) % len(choices)]

    async def run(self) -> None:
        """Read until cancelled, or until a log that is not followed ends; a failure is told and tried again."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._read(await self.link.host())
                return
            except K3kError as error:
                self.error, self.hint = error.message, error.hint
            except Exception:
                logger.exception("a log could not be read")
                self.error, self.hint = "something went wrong within k3k", ""
            if self.state == "following":
                pause = _FIRST_PAUSE
            self.state = "failed"
            if self.previous:
                return
            await self.link.drop()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _read(self, host: HostApi) -> None:
        from k3k_core.lifecycle.logs import log_sources

        sources = await log_sources(host, self.identity)
        self.servers = tuple(dict.fromkeys(source.pod for source in sources))
        if not self.servers:
            raise K3kError("It has no servers, and so no logs.", hint="Its events may tell why.")
        if self.server not in (*self.servers, ALL):
            self.server = self.servers[0]
        self.error = self.hint = ""
        self.state = "reading"
        async with aclosing(self._lines(host, sources)) as lines:
            async for line in lines:
                self.incoming.append(entry(line.source.pod, line.text))
        self.state = "ended"

    async def _lines(self, host: HostApi, sources: tuple[LogSource, ...]) -> AsyncGenerator[LogLine, None]:
        from k3k_core.lifecycle.log_following import follow_logs
        from k3k_core.lifecycle.logs import LogOptions, server_logs

        options = LogOptions(tail=self.tail, previous=self.previous, timestamps=True)
        if self.previous:
            wanted = tuple(
                source for source in sources if source.restarts and self.server in {source.pod, ALL}
            )
            if not wanted:
                raise K3kError(f"{self.server} has not been restarted, so there is no log from before that.")
            lines = server_logs(host, self.identity, wanted, options)
        else:
            self.state = "following"
            lines = follow_logs(host, self.identity, None if self.server == ALL else self.server, options)
        async with aclosing(lines):
            async for line in lines:
                yield line
