"""One process of a scraper pool: `python -m k3k_core.telemetry.scraper.worker FILE_DESCRIPTOR`.

It talks to its parent over the socket that it inherits, and ends when that one closes it, however it does.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
from typing import Final

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
from k3k_core.telemetry.scraper.open_files import raise_open_files_limit
from k3k_core.telemetry.scraper.scraper import Scraper
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, TargetId

_BATCH: Final = 0.25
"""Seconds for which results are collected before they are sent."""

_SIGN_OF_LIFE: Final = 1.0
"""Seconds after which a message is sent even if there are no results."""


class Worker:
    """Scrapes what its parent tells it to.

    Args:
        setup: how.
        reader: from the parent.
        writer: to the parent.
    """

    def __init__(self, setup: Setup, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._targets: dict[TargetId, ControlPlaneTarget] = {}
        self._results: list[Scraped] = []
        self._scraper = Scraper(setup.options, self._results.append)
        self._requests: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until the parent goes."""
        tasks = [
            asyncio.create_task(work) for work in (self._scraper.run(), self._send_results(), self._obey())
        ]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, *self._requests):
            task.cancel()
        await asyncio.gather(*tasks, *self._requests, return_exceptions=True)
        for task in done:
            task.result()

    async def _send_results(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(_BATCH)
            if self._results or loop.time() - last >= _SIGN_OF_LIFE:
                self._put_results()
                await sent(self._writer)
                last = loop.time()

    def _put_results(self) -> None:
        results = tuple(self._results)
        self._results.clear()
        put_message(self._writer, Results(results, self._scraper.figures))

    async def _obey(self) -> None:
        while (message := await read_message(self._reader)) is not None:
            match message:
                case Change():
                    for gone in message.gone:
                        self._targets.pop(gone, None)
                    self._targets.update(message.targets)
                    self._scraper.update(self._targets)
                case Focus():
                    self._scraper.focus(message.ids)
                case Request():
                    task = asyncio.create_task(self._answer(message))
                    self._requests.add(task)
                    task.add_done_callback(self._requests.discard)

    async def _answer(self, request: Request) -> None:
        scraped = await self._scraper.scrape(request.target)
        # The rounds before it first: whoever gets both has them in the order in which they were made.
        self._put_results()
        put_message(self._writer, Answer(request.number, scraped))
        await sent(self._writer)


class _ToParent(logging.Handler):
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__(logging.WARNING)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        put_message(self._writer, Log(record.levelno, self.format(record)))


async def _work(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    setup = await read_message(reader)
    if isinstance(setup, Setup):
        logging.getLogger().addHandler(_ToParent(writer))
        await Worker(setup, reader, writer).run()
    writer.close()


def main() -> None:
    """Run a worker on the socket whose number is the only argument."""
    raise_open_files_limit()
    # What importing made stays for good: the collector need not look at it again.
    gc.freeze()
    asyncio.run(_work(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
