"""A pool's end of one worker process: starts it, talks to it, replaces it when it dies."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from dataclasses import replace
from typing import Final

from k3k_core.errors import UnreachableError
from k3k_core.telemetry.scraper.figures import ScrapeFigures
from k3k_core.telemetry.scraper.messages import (
    Answer,
    Change,
    Focus,
    Log,
    Request,
    Results,
    Setup,
    put_message,
    read_message,
    sent,
)
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.scraper import Publish
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, TargetId

_log = logging.getLogger(__name__)

_SILENCE: Final = 30.0
"""Seconds without a sign of life after which a worker is replaced; it gives one every second."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 30.0
_STABLE: Final = 60.0
"""Pauses before a dead worker is replaced, doubling until one has lived for so long, seconds."""

_MEMORY: Final = {"MALLOC_TRIM_THRESHOLD_": "8388608", "MALLOC_MMAP_THRESHOLD_": "4194304"}
"""For glibc, see mallopt(3): a worker keeps the few MiB that each page needs for a moment.

By default they go back to the kernel after every piece of a page, and 1,800 page faults fetch them again: a quarter of
the time that a round takes.
"""

_GOODBYE: Final = 3.0
"""Seconds a worker may take to end."""


class Child:
    """One worker process and its replacements.

    Args:
        index: its number within the pool.
        options: how it scrapes.
        publish: takes the result of each round.
    """

    def __init__(self, index: int, options: ScrapeOptions, publish: Publish) -> None:
        self._index = index
        self._options = options
        self._publish = publish
        self._targets: dict[TargetId, ControlPlaneTarget] = {}
        self._focus = Focus(frozenset())
        self._past = ScrapeFigures()
        self._present = ScrapeFigures()
        self._outbox: asyncio.Queue[object] = asyncio.Queue()
        self._requests: dict[int, tuple[Request, asyncio.Future[Scraped]]] = {}
        self._process: Process | None = None

    @property
    def figures(self) -> ScrapeFigures:
        """What it and those before it have done."""
        return self._past + self._present

    @property
    def process_id(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process is not None else None

    def change(self, change: Change) -> None:
        """Change its targets."""
        for gone in change.gone:
            self._targets.pop(gone, None)
        self._targets.update(change.targets)
        if change.targets or change.gone:
            self._outbox.put_nowait(change)

    def focus(self, focus: Focus) -> None:
        """Tell it which targets go first."""
        if focus != self._focus:
            self._focus = focus
            self._outbox.put_nowait(focus)

    async def scrape(self, number: int, target: ControlPlaneTarget) -> Scraped:
        """Have one round made out of turn.

        Args:
            number: never used before.
            target: one of its control planes, or any other.
        """
        answer: asyncio.Future[Scraped] = asyncio.get_running_loop().create_future()
        request = Request(number, target)
        self._requests[number] = (request, answer)
        self._outbox.put_nowait(request)
        try:
            return await answer
        finally:
            del self._requests[number]

    async def run(self) -> None:
        """Keep a worker running until cancelled."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            began = loop.time()
            try:
                await self._live()
            except OSError as error:
                _log.warning("scraper process %d cannot be started: %s", self._index, error.strerror)
            self._bury()
            if loop.time() - began > _STABLE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    async def _live(self) -> None:
        """Run one process until it ends."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # A session of its own keeps the terminal's signals away: it ends when our end of the pair closes.
                self._process = process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",
                    "-m",
                    "k3k_core.telemetry.scraper.worker",
                    str(theirs.fileno()),
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    stderr=DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    env={**_MEMORY, **os.environ},
                )
            except BaseException:
                ours.close()
                raise
        try:
            await self._talk(ours)
        finally:
            ours.close()
            await _ended(process)
            self._process = None
        _log.warning(
            "scraper process %d ended unasked (status %s); another one takes its control planes",
            self._index,
            process.returncode,
        )

    async def _talk(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        # What was meant for the one before is in these already.
        self._outbox = asyncio.Queue()
        self._outbox.put_nowait(Setup(self._options))
        self._outbox.put_nowait(Change(dict(self._targets)))
        self._outbox.put_nowait(self._focus)
        for request, _ in self._requests.values():
            self._outbox.put_nowait(request)
        sending = asyncio.create_task(self._send(writer))
        try:
            while (news := await _next(reader)) is not None:
                self._take(news)
        finally:
            sending.cancel()
            await asyncio.wait([sending])
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        while True:
            put_message(writer, await self._outbox.get())
            await sent(writer)

    def _take(self, message: object) -> None:
        match message:
            case Results():
                self._present = message.figures
                for scraped in message.scraped:
                    if scraped.id in self._targets:
                        self._publish(scraped)
            case Answer():
                _, answer = self._requests.get(message.number, (None, None))
                if answer is not None and not answer.done():
                    answer.set_result(message.scraped)
            case Log():
                _log.log(message.level, "scraper process %d: %s", self._index, message.text)

    def _bury(self) -> None:
        idle = replace(self._present, targets=0, active=0, waiting=0, backing_off=0)
        self._past = self._past + replace(idle, restarts=1)
        self._present = ScrapeFigures()
        for _, answer in self._requests.values():
            if not answer.done():
                answer.set_exception(
                    UnreachableError("the process that was to scrape ended", hint="Try again.")
                )


async def _next(reader: asyncio.StreamReader) -> object | None:
    try:
        async with asyncio.timeout(_SILENCE):
            message: object | None = await read_message(reader)
            return message
    except TimeoutError:
        return None


async def _ended(process: Process) -> None:
    """Wait for a process that has been told to end, and end it if it does not."""
    waiting = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait([waiting], timeout=_GOODBYE)
    finally:
        if process.returncode is None:
            process.kill()
        await waiting
