"""Deleting the control planes whose time to live is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from k3k_core.discovery import ControlPlane, list_control_planes
from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import NotFoundError
from k3k_core.host import HostApi
from k3k_core.label_selector import parse_label_selector
from k3k_core.lifecycle.bulk import BulkProgress, BulkResult, run_many
from k3k_core.lifecycle.delete import Deleted, DeleteRequest, delete
from k3k_core.lifecycle.progress import Progress, silent
from k3k_core.lifecycle.selection import identity_of
from k3k_core.names import ControlPlaneId

Fate = Literal["delete", "protected", "waits", "soon"]


@dataclass(frozen=True, slots=True)
class PruneRequest:
    """What to look for.

    Attributes:
        namespace: only this namespace; None for all.
        selector: only those with these labels, as in `kubectl get -l`; empty for all.
        older_than: seconds that have to have passed since the end.
        warn: seconds; those that end within are told about.
    """

    namespace: str | None
    selector: str = ""
    older_than: float = 0.0
    warn: float = 3600.0


@dataclass(frozen=True, slots=True)
class Ending:
    """A control plane whose time to live is over, or soon is.

    Attributes:
        id: the control plane.
        expires_at: end of its time to live (UTC).
        fate: "delete"; "protected" from it; "waits" until it is over for long enough; "soon" to end.
    """

    id: ControlPlaneId
    expires_at: datetime
    fate: Fate

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form."""
        return {
            "namespace": self.id.namespace,
            "name": self.id.name,
            "expiresAt": format_time(self.expires_at),
            "fate": self.fate,
        }


async def plan_prune(host: HostApi, request: PruneRequest, *, now: datetime) -> tuple[Ending, ...]:
    """Return what a prune would delete, leave and warn of, those that ended first first; nothing is changed.

    Args:
        host: an open host.
        request: what to look for.
        now: current time (UTC).

    Raises:
        UsageError: the selector is not written as one.
        K3kError: the host refuses or does not answer.
    """
    labels = parse_label_selector(request.selector) if request.selector else None
    rows = await list_control_planes(host, namespace=request.namespace, now=now)
    endings = (
        _ending(row, request, now)
        for row in rows
        if not row.read_only and (labels is None or labels.matches(row.labels))
    )
    return tuple(sorted(filter(None, endings), key=lambda each: (each.expires_at, str(each.id))))


async def prune(
    host: HostApi,
    request: PruneRequest,
    endings: Sequence[Ending],
    *,
    now: datetime,
    max_parallel: int = 5,
    stop_after_failures: int | None = None,
    timeout: float = 120.0,
    progress: BulkProgress[ControlPlaneId, Deleted] | None = None,
    report: Progress = silent,
) -> BulkResult[ControlPlaneId, Deleted]:
    """Delete what a plan says, unless it was given longer or protected meanwhile.

    Run again after an interruption, the rest goes.

    Args:
        host: an open host.
        request: what the plan was made for.
        endings: the plan.
        now: current time (UTC).
        max_parallel: how many at a time.
        stop_after_failures: failures after which no other is begun; None for however many.
        timeout: seconds for each.
        progress: told about each control plane.
        report: told about the steps of each.
    """
    by = now - timedelta(seconds=request.older_than)

    async def work(identity: ControlPlaneId) -> Deleted:
        try:
            return await delete(host, DeleteRequest(identity, timeout=timeout, only_expired_by=by), report)
        except NotFoundError:
            # Another prune, or its owner, was faster.
            return Deleted(identity)

    going = [each.id for each in endings if each.fate == "delete"]
    return await run_many(
        going, work, max_parallel=max_parallel, stop_after_failures=stop_after_failures, progress=progress
    )


def _ending(row: ControlPlane, request: PruneRequest, now: datetime) -> Ending | None:
    ends = row.expires_at
    if ends is None or ends > now + timedelta(seconds=request.warn):
        return None
    if ends > now:
        fate: Fate = "soon"
    elif row.protected:
        fate = "protected"
    elif ends > now - timedelta(seconds=request.older_than):
        fate = "waits"
    else:
        fate = "delete"
    return Ending(identity_of(row), ends, fate)
