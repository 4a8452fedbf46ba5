"""Whether another version may come without a backup, and taking one first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from k3k_core.ages import format_age
from k3k_core.discovery.control_plane import parse_time
from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.progress import Progress
from k3k_core.lifecycle.standing import Standing, UpgradeRequest
from k3k_core.names import ANNOTATION_BACKED_UP_AT, ControlPlaneId
from k3k_core.values import Values

# A backup of yesterday's work is what most schedules give.
FRESH = timedelta(hours=24)

Backup = Literal["unneeded", "fresh", "take", "missing", "skip"]


def backup_before(request: UpgradeRequest, standing: Standing, now: datetime) -> Backup:
    """Tell what becomes of the backup that another version should have behind it.

    Args:
        request: what is asked for.
        standing: the control plane.
        now: current time (UTC).

    Returns:
        "unneeded" where the version stays, "fresh" where there is a young one, "take" where one is taken first,
        "missing" where the upgrade is refused for want of one, "skip" where nobody asks for one.
    """
    if standing.wanted.version == standing.stored.values.version:
        return "unneeded"
    if request.backup == "create":
        return "take"
    if is_fresh(standing.root, now):
        return "fresh"
    if request.backup == "skip":
        return "skip"
    return "take" if _can_be_taken(standing.stored.values) else "missing"


def is_fresh(root: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether the newest backup is young enough.

    Args:
        root: the root Secret.
        now: current time (UTC).
    """
    at = newest_backup(root)
    return at is not None and now - at <= FRESH


def newest_backup(root: Mapping[str, Any]) -> datetime | None:
    """Return when the newest backup was complete; None when none is known.

    Args:
        root: the root Secret.
    """
    return parse_time((root["metadata"].get("annotations") or {}).get(ANNOTATION_BACKED_UP_AT))


def missing_backup(identity: ControlPlaneId, root: Mapping[str, Any], now: datetime) -> Issue:
    """Return why an upgrade without a backup is refused.

    Args:
        identity: the control plane.
        root: its root Secret.
        now: current time (UTC).
    """
    at = newest_backup(root)
    known = "there is no backup" if at is None else f"the newest backup is {_age(now - at)} old"
    return Issue(
        "version",
        f"k3s does not go back to an older version, and {known}",
        f"take one (`k3k backup create {identity.name} -n {identity.namespace}`, or --backup), or go on without "
        "(--no-backup)",
    )


async def take_backup(host: HostApi, identity: ControlPlaneId, progress: Progress) -> None:
    """Take a backup with what the values say of where and for whom.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each step.

    Raises:
        K3kError: it cannot be taken; nothing was changed.
    """
    from k3k_core.lifecycle.backup import BackupRequest, create_backup

    await create_backup(host, BackupRequest(id=identity), progress)


def _can_be_taken(values: Values) -> bool:
    """Tell whether backups are meant to be taken: the values say where or for whom, or the user has a key for them."""
    from k3k_core.backups.keys import key_path

    backup = values.backup
    named = backup.recipients or backup.s3.bucket or backup.volume.enabled
    return bool(named) or key_path().exists()


def _age(age: timedelta) -> str:
    return format_age(age.total_seconds())
