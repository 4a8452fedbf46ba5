"""What backups there are, and removing those that nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from k3k_core.backups.manifest import Summary
from k3k_core.backups.naming import BackupName
from k3k_core.backups.retention import Keep, superfluous
from k3k_core.backups.stores import Store
from k3k_core.errors import Issue, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.backup_target import open_store, target_of
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.names import TYPE_ROOT, ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.values.amounts import seconds

if TYPE_CHECKING:
    from k3k_core.values import Values


@dataclass(frozen=True, slots=True)
class Catalog:
    """The backups of a place.

    Attributes:
        place: where they are, for a person.
        summaries: the newest first.
    """

    place: str
    summaries: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class PruneRequest:
    """Which backups may go.

    Attributes:
        id: the control plane.
        source: where they are; None for what the values say.
        keep: so many of the newest; None for what the values say.
        keep_for: seconds; younger ones are kept as well; None for what the values say.
    """

    id: ControlPlaneId
    source: str | None = None
    keep: int | None = None
    keep_for: float | None = None


async def values_of(host: HostApi, identity: ControlPlaneId) -> Values | None:
    """Return the values of a control plane; None when there is none of that name.

    Args:
        host: an open host.
        identity: the control plane; an empty name is none.
    """
    if not identity.name:
        return None
    try:
        root = await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        return None
    return stored_values(root).values if root.get("type") == TYPE_ROOT else None


async def list_backups(host: HostApi, identity: ControlPlaneId, source: str | None = None) -> Catalog:
    """Return the backups of a control plane, also of one that does not exist any more.

    Args:
        host: an open host.
        identity: the control plane; with an empty name every one of the place.
        source: where they are; None for what the values say.

    Raises:
        K3kError: the place cannot be looked into.
    """
    values = await values_of(host, identity)
    async with open_store(host, identity, values, target_of(identity, values, source)) as store:
        return Catalog(store.place, tuple(await _of(store, identity)))


async def plan_prune(host: HostApi, request: PruneRequest) -> Plan:
    """Say which backups would go; nothing is changed.

    Args:
        host: an open host.
        request: what is asked for.
    """
    values = await values_of(host, request.id)
    target = target_of(request.id, values, request.source)
    async with open_store(host, request.id, values, target) as store:
        found = await _of(store, request.id)
        going = _going(found, request, values)
        place = store.place
    kept = len(found) - len(going)
    warnings = () if found else (Issue("", f"there are no backups of {request.id} in {place}"),)
    return Plan(
        id=request.id,
        verb="backup prune",
        summary=f"{len(going)} of {len(found)} backups go, {kept} stay in {place}",
        steps=tuple(f"remove {name}" for name in going),
        warnings=warnings,
        facts={"place": place, "removed": [str(name) for name in going], "kept": kept},
    )


async def prune(host: HostApi, request: PruneRequest, progress: Progress = silent) -> tuple[BackupName, ...]:
    """Remove backups that need not be kept; the newest always is. Run again, it goes on.

    Args:
        host: an open host.
        request: which may go.
        progress: told about each.

    Returns:
        What was removed.
    """
    values = await values_of(host, request.id)
    target = target_of(request.id, values, request.source)
    async with open_store(host, request.id, values, target) as store:
        going = _going(await _of(store, request.id), request, values)
        for name in going:
            await store.remove(name)
            progress(Step("prune", "done", f"removed {name}"))
        if partial := await store.remove_partial():
            progress(Step("prune", "done", f"removed {partial} that were never complete"))
    return going


async def _of(store: Store, identity: ControlPlaneId) -> list[Summary]:
    found = await store.summaries()
    return [each for each in found if not identity.name or each.name.id == identity]


def _going(found: list[Summary], request: PruneRequest, values: Values | None) -> tuple[BackupName, ...]:
    from k3k_core.values import Values as AnyValues

    retention = (values if values is not None else AnyValues()).backup.retention
    newest = request.keep if request.keep is not None else retention.keep
    age: float | None = request.keep_for
    if age is None and retention.keep_for is not None:
        age = seconds(retention.keep_for)
    keep = Keep(newest, timedelta(seconds=age) if age is not None else None)
    return superfluous((each.name for each in found), keep, datetime.now(UTC))
