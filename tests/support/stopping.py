"""Stopping a verb after every single request to the host, repeating it, and looking at what is there then.

    @pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
    async def test_...(sandbox: Sandbox, kubeconfig: Path, answered: bool) -> None:
        await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered)

`verb(host, spare)` is run on a connection that is cut for good after `spare` requests, as a kill would cut it, then
once more on a whole one; then `check(host, spare)` looks. This goes on with one request more each time, until the verb
comes to its end before the cut. What must be different in each round (a value, a name) is made from `spare`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import KNOWN, SECRET, Resource
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.api.faults import Fault, Request

# More requests than any verb makes; a walk that gets there has not found the end.
TOO_MANY = 400
# Minutes instead of seconds: for a change of a verb, not for every run.
THOROUGH = bool(os.environ.get("K3K_EVERY_REQUEST"))

Verb = Callable[[Host, int], Awaitable[Any]]
Check = Callable[[Host, int], Awaitable[None]]


class Stopper:
    """Cuts the way to the host for good after a number of requests.

    Args:
        spare: requests that are answered before; with `answered` only those that write count.
        answered: whether the request after them is handled, its answer lost.
    """

    def __init__(self, spare: int, *, answered: bool) -> None:
        self.spare = spare
        self.answered = answered
        self.seen = 0
        self.cut = asyncio.Event()

    def __call__(self, request: Request) -> Fault | None:
        if not request.user_agent.startswith("k3k"):
            return None
        if self.cut.is_set():
            return Fault(drop="before")
        # The answer to a question is lost without a trace, like the question.
        self.seen += not self.answered or _writes(request)
        if self.seen <= self.spare:
            return None
        self.cut.set()
        return Fault(drop="after" if self.answered else "before")


def _writes(request: Request) -> bool:
    """Whether something may be different afterwards; a program that is run in a container comes as a GET."""
    if request.path.endswith("/exec"):
        return True
    return request.method != "GET" and "dryRun" not in request.query


class PhaseStopper(Stopper):
    """Cuts the way to the host for good one write after a verb has noted a phase.

    Args:
        phase: tells how far the verb has come, from what it noted.
        wanted: the phase.
    """

    def __init__(self, phase: Callable[[], str], wanted: str) -> None:
        super().__init__(0, answered=True)
        self._phase = phase
        self._wanted = wanted

    def __call__(self, request: Request) -> Fault | None:
        return super().__call__(request) if self._phase() == self._wanted else None


async def stopped(
    sandbox: Sandbox, kubeconfig: Path, verb: Callable[[Host], Awaitable[Any]], stopper: Stopper
) -> bool:
    """Run a verb on a connection of its own and stop it as a kill would; False when it ended before.

    Args:
        sandbox: the host.
        kubeconfig: path of its kubeconfig.
        verb: what is run.
        stopper: when to stop it.
    """
    sandbox.faults.append(stopper)
    try:
        async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
            work = asyncio.ensure_future(verb(host))
            cut = asyncio.create_task(stopper.cut.wait())
            await asyncio.wait((work, cut), return_when=asyncio.FIRST_COMPLETED)
            ended = work.done() and not stopper.cut.is_set()
            for task in (work, cut):
                task.cancel()
            results = await asyncio.gather(work, cut, return_exceptions=True)
            if ended and isinstance(results[0], BaseException):
                raise results[0]
            return not ended
    finally:
        sandbox.faults.hooks.remove(stopper)


async def stopped_everywhere(
    sandbox: Sandbox, kubeconfig: Path, verb: Verb, check: Check, *, answered: bool, every: int = 1
) -> int:
    """Stop a verb after every request, repeat it, check; until it ends before it can be stopped.

    Args:
        sandbox: the host.
        kubeconfig: path of its kubeconfig.
        verb: what is run, given a host and the number of requests it is spared.
        check: looks at what is there after each repetition.
        answered: whether the last request is handled and its answer lost, or lost itself.
        every: stop after every so many requests only, for verbs that make very many; `K3K_EVERY_REQUEST=1` in the
            environment makes it each.

    Returns:
        How many requests were answered in the last round: the length of the verb.
    """
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        for spare in range(0, TOO_MANY, 1 if THOROUGH else every):
            stopper = Stopper(spare, answered=answered)
            was_stopped = await stopped(sandbox, kubeconfig, _bound(verb, spare), stopper)
            if was_stopped:
                await verb(host, spare)
            await check(host, spare)
            if not was_stopped:
                return stopper.seen
    pytest.fail(f"this verb makes more than {TOO_MANY} requests")


async def stopped_again_and_again(
    sandbox: Sandbox,
    kubeconfig: Path,
    verb: Callable[[Host], Awaitable[Any]],
    phase: Callable[[], str],
) -> int:
    """Stop a verb of many phases after a write, repeat it, stop that after the next write; until it comes to its end.

    Within each phase it is stopped after the first write, then after the second, and so on, the answer lost: the host
    is left in every state that the verb can leave it in, and no run is whole but the last. A request that only reads
    leaves the host as it was, so that to be stopped there is the same as after the write before.

    Args:
        sandbox: the host.
        kubeconfig: path of its kubeconfig.
        verb: what is run.
        phase: tells how far the verb has come, from what it noted.

    Returns:
        How often it was stopped.
    """
    spare, at = 0, phase()
    for run in range(TOO_MANY):
        if not await stopped(sandbox, kubeconfig, verb, Stopper(spare, answered=True)):
            return run
        spare, at = (spare + 1, at) if phase() == at else (0, phase())
    pytest.fail(f"this verb has not come to its end after {TOO_MANY} runs")


def _bound(verb: Verb, spare: int) -> Callable[[Host], Awaitable[Any]]:
    return lambda host: verb(host, spare)


def secrets_of(sandbox: Sandbox, identity: ControlPlaneId) -> dict[str, Any]:
    """Return what hardly any verb may change: authorities, tokens, the kubeconfig.

    Args:
        sandbox: the host.
        identity: the control plane.
    """
    found = sandbox.store.list(SECRET, identity.namespace)
    wanted = {identity.pki, identity.tokens, identity.kubeconfig, identity.etcd_pki}
    return {item["metadata"]["name"]: item["data"] for item in found if item["metadata"]["name"] in wanted}


def objects_of(
    sandbox: Sandbox, identity: ControlPlaneId, kinds: Iterable[Resource] = KNOWN
) -> set[tuple[str, str]]:
    """Return kind and name of all that belongs to a control plane, its revisions aside.

    Args:
        sandbox: the host.
        identity: the control plane.
        kinds: what to look at.
    """
    return {
        (resource.kind, item["metadata"]["name"])
        for resource in kinds
        for item in sandbox.store.list(resource, identity.namespace)
        if (item["metadata"].get("labels") or {}).get(LABEL_CONTROL_PLANE) == identity.name
        and not re.fullmatch(rf"{identity.root}-r\d+", item["metadata"]["name"])
    }


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox whose servers start at once."""
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as running:
        yield running


@pytest.fixture
async def kubeconfig(sandbox: Sandbox, tmp_path: Path) -> Path:
    """The path of its kubeconfig."""
    path = tmp_path / "host.yaml"
    path.write_text(sandbox.kubeconfig)
    return path
