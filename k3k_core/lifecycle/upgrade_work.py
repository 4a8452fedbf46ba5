"""What the steps of an upgrade share."""

from __future__ import annotations

import time
from dataclasses import dataclass

from k3k_core.host import HostApi
from k3k_core.lifecycle.progress import Progress
from k3k_core.lifecycle.rollout import Rollout, wait_for_rollout
from k3k_core.lifecycle.standing import Standing, UpgradeRequest
from k3k_core.lifecycle.upgrade_plan import UpgradePlan
from k3k_core.names import ControlPlaneId


@dataclass(frozen=True, slots=True)
class Work:
    """An upgrade that is being carried out.

    Attributes:
        host: an open host.
        request: what is asked for.
        standing: the control plane as it was looked at.
        plan: what is to be done.
        progress: told about each step.
        until: when time is up, on the clock of `time.monotonic`.
    """

    host: HostApi
    request: UpgradeRequest
    standing: Standing
    plan: UpgradePlan
    progress: Progress
    until: float

    @property
    def id(self) -> ControlPlaneId:
        """The control plane."""
        return self.request.id

    def left(self) -> float:
        """Return the seconds that are left, at least one."""
        return max(self.until - time.monotonic(), 1.0)

    async def rollout(self, workload: str, replicas: int, before: frozenset[str]) -> None:
        """Wait until all pods of a StatefulSet are of its newest specification and ready.

        Args:
            workload: name of the StatefulSet.
            replicas: pods it is to have.
            before: uids of the pods that were there before.

        Raises:
            NotReadyError: they are not when time is up.
        """
        rollout = Rollout(self.id, workload, replicas, before, self.request.verb)
        await wait_for_rollout(self.host, rollout, timeout=self.left(), progress=self.progress)
