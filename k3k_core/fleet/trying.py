"""Finding out which way to a control plane works: the better ones first, without waiting for the silent ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from k3k_core.fleet.candidates import Candidate
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, ServerTarget

if TYPE_CHECKING:
    from k3k_core.telemetry.scraper.client import ControlPlaneClient
    from k3k_core.telemetry.scraper.failure import TargetError

# Seconds a server has to shake hands and answer.
TRY = 3.0
# Seconds after which the next way is tried beside one that has not answered yet.
STAGGER = 0.3
# Seconds that better ways are still given once a worse one has answered.
_GRACE = 0.7
# Servers of one way that are asked: one that answers is enough.
_ASKED = 3

# What is said of a server that showed a certificate which is not the control plane's.
_OTHER_AUTHORITY = ("another authority", "signed by itself")
_OTHER_SERVER = ("another name", "another address")

Trouble = Literal["", "silent", "authority", "certificate", "identity"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying one way.

    Attributes:
        works: whether a server answered over a connection that was verified.
        trouble: "silent" when nobody answered, "authority" when the one who did showed a certificate of another
            authority, "certificate" when it showed one of another server, "identity" when it did not accept ours;
            empty for none.
        sentence: what happened, as the end of a sentence.
    """

    works: bool
    trouble: Trouble = ""
    sentence: str = ""


async def choose(
    ways: Sequence[Candidate], attempt: Callable[[Candidate], Awaitable[Attempt]], *, stagger: float = STAGGER
) -> Candidate | None:
    """Return the best way that works, None when none does.

    Args:
        ways: best first.
        attempt: tries one.
        stagger: seconds between the beginnings of two attempts, while the first has not ended.
    """
    running: dict[asyncio.Task[Attempt], Candidate] = {}
    ended: list[tuple[Candidate, Attempt]] = []
    waiting = list(ways)
    try:
        while waiting or running:
            if waiting:
                way = waiting.pop(0)
                running[asyncio.ensure_future(_awaited(attempt(way)))] = way
            timeout = stagger if waiting else None
            done, _ = await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            ended += [(running.pop(task), task.result()) for task in done]
            best = _best(ways, ended)
            if best is not None:
                better = [task for task, way in running.items() if ways.index(way) < ways.index(best)]
                return await _first_better(ways, better, running) or best
        return None
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _first_better(
    ways: Sequence[Candidate],
    better: Sequence[asyncio.Task[Attempt]],
    running: Mapping[asyncio.Task[Attempt], Candidate],
) -> Candidate | None:
    """Give attempts at better ways a last moment; return the best that works."""
    if not better:
        return None
    done, _ = await asyncio.wait(better, timeout=_GRACE)
    return _best(ways, [(running[task], task.result()) for task in done])


async def _awaited(attempt: Awaitable[Attempt]) -> Attempt:
    return await attempt


def _best(ways: Sequence[Candidate], ended: Sequence[tuple[Candidate, Attempt]]) -> Candidate | None:
    working = [way for way, attempt in ended if attempt.works]
    return min(working, key=ways.index, default=None)


async def try_servers(target: ControlPlaneTarget, servers: Sequence[ServerTarget]) -> Attempt:
    """Ask some servers whether they are ready; any answer over a verified connection will do.

    Args:
        target: whose servers they are, with the credentials.
        servers: where they answer.
    """
    from k3k_core.telemetry.scraper.client import ControlPlaneClient

    client = ControlPlaneClient(replace(target, servers=tuple(servers[:_ASKED]), etcd=()))
    try:
        tasks = [asyncio.ensure_future(_try(client, server)) for server in servers[:_ASKED]]
        attempts: list[Attempt] = []
        try:
            for task in asyncio.as_completed(tasks):
                attempts.append(await task)
                if attempts[-1].works:
                    return attempts[-1]
        finally:
            for left in tasks:
                left.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # What a server says of itself tells more than one that says nothing.
        return min(attempts, key=lambda found: found.trouble == "silent", default=Attempt(False, "silent"))
    finally:
        await client.aclose()


async def _try(client: ControlPlaneClient, server: ServerTarget) -> Attempt:
    from k3k_core.telemetry.scraper.failure import TargetError

    deadline = asyncio.get_running_loop().time() + TRY
    try:
        if server.url.startswith("https:"):
            await client.probe(server, deadline=deadline)
        else:
            async with client.get(server, "/health", deadline=deadline):
                pass
    except TargetError as error:
        where = server.url.partition("://")[2]
        sentence = f"{where}: {error.sentence}"
        if error.kind == "status":
            # It is the right one, whatever it thinks of us.
            return Attempt(works=True, trouble="identity", sentence=sentence)
        return Attempt(False, _trouble(error), sentence)
    return Attempt(works=True)


def _trouble(error: TargetError) -> Trouble:
    if error.kind == "tls" and any(words in error.sentence for words in _OTHER_AUTHORITY):
        return "authority"
    if error.kind == "tls" and any(words in error.sentence for words in _OTHER_SERVER):
        return "certificate"
    return "silent"
