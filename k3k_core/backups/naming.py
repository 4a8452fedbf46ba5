"""Names of backups: `NAMESPACE.NAME.20261123T080000Z`, the same in every store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from k3k_core.names import ControlPlaneId

# What is encrypted, and the clear summary beside it.
ARCHIVE_SUFFIX = ".k3kbackup"
SUMMARY_SUFFIX = ".k3kbackup.json"
# What is being written; a store never shows it.
PARTIAL_SUFFIX = ".part"

_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(
    r"(?P<namespace>[a-z0-9][-a-z0-9]*)\.(?P<name>[a-z][-a-z0-9]*)\.(?P<at>\d{8}T\d{6}Z)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class BackupName:
    """Name of one backup.

    Attributes:
        id: the control plane it was taken of.
        at: when (UTC, whole seconds).
    """

    id: ControlPlaneId
    at: datetime

    def __str__(self) -> str:
        return f"{self.id.namespace}.{self.id.name}.{self.at.strftime(_TIME)}"

    @property
    def archive(self) -> str:
        """File name of the encrypted archive."""
        return f"{self}{ARCHIVE_SUFFIX}"

    @property
    def summary(self) -> str:
        """File name of the clear summary."""
        return f"{self}{SUMMARY_SUFFIX}"


def new_name(identity: ControlPlaneId, now: datetime) -> BackupName:
    """Return the name of a backup that is taken now.

    Args:
        identity: the control plane.
        now: current time.
    """
    return BackupName(identity, now.astimezone(UTC).replace(microsecond=0))


def parse_name(text: str) -> BackupName | None:
    """Return the backup that a name or a file name means; None when it is neither.

    Args:
        text: with or without a suffix.
    """
    bare = text
    for suffix in (SUMMARY_SUFFIX, ARCHIVE_SUFFIX):
        bare = bare.removesuffix(suffix)
    found = _NAME.fullmatch(bare)
    if found is None:
        return None
    try:
        at = datetime.strptime(found["at"], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return BackupName(ControlPlaneId(found["namespace"], found["name"]), at)
