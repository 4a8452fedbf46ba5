"""What the faults of a simulated k3s server mean for those who talk to it; its page is `exposition`'s business."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from k3k_core.sandbox.fault_catalogue import argument_of
from k3k_core.sandbox.k3s.exposition.kinds import Release

if TYPE_CHECKING:
    from aiohttp import web

    from k3k_core.sandbox.fault_board import Close, PodFaults, Spells

# Seconds a server takes to answer health checks that is slow to answer.
SLOW = 4.0
_CHECKS = ("/healthz", "/livez", "/readyz")
_SIMULATED = "simulated failure"
# Kubernetes of which minor version tells apart whether the datastore lives and whether it is ready.
_ETCD_READINESS = 26


def readiness_checks(version: str) -> tuple[str, ...]:
    """Return the checks of the datastore that a k3s lists in readyz.

    Args:
        version: of k3s.
    """
    return ("etcd", "etcd-readiness") if Release.of(version).minor >= _ETCD_READINESS else ("etcd",)


class ServerFaults:
    """The faults of one server.

    Args:
        faults: which it has.
    """

    def __init__(self, faults: PodFaults) -> None:
        self._faults = faults
        self._released = asyncio.Event()

    @property
    def spells(self) -> Spells:
        """When each fault was on."""
        return self._faults.spells

    @property
    def closed(self) -> bool:
        """Whether nothing listens on the network."""
        return self._faults.has("down") or self._faults.has("unreachable")

    @property
    def dead(self) -> bool:
        """Whether even the kubelet gets no answer."""
        return self._faults.has("down") or self._faults.has("hanging")

    @property
    def unready(self) -> bool:
        """Whether the kubelet's probes of its health fail."""
        return bool(self.failing_checks()) or self._faults.has("kubelet-disagrees")

    @property
    def page_fails(self) -> bool:
        """Whether `/metrics` answers 500."""
        return self._faults.has("page-unreadable")

    def failing_checks(self) -> dict[str, str]:
        """Return the health checks that fail, with reasons."""
        names = {"etcd"} if self._faults.has("unready") else set()
        named = argument_of(self._faults.active, "check-failing")
        if named:
            names.add(named)
        if "etcd" in names:
            names.add("etcd-readiness")
        return dict.fromkeys(sorted(names), _SIMULATED)

    def listen(self, owner: object, callback: Callable[[], None]) -> Close:
        """Call back whenever a fault comes or goes; returns what ends that."""
        return self._faults.listen(owner, callback)

    def wake(self) -> None:
        """Let go of the requests that hang, which look again whether they still have to."""
        self._released.set()
        self._released = asyncio.Event()

    async def before(self, request: web.BaseRequest) -> None:
        """Wait for as long as the faults hold up the answer to a request."""
        while self._faults.has("hanging"):
            await self._released.wait()
        if self._faults.has("slow-to-answer") and request.path.startswith(_CHECKS):
            await asyncio.sleep(SLOW)
