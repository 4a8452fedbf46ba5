"""Where backups are kept: each store lists, takes, gives and removes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from k3k_core.backups.manifest import Summary
from k3k_core.backups.naming import BackupName

# A backup without a summary that is this old is nothing that is being written now.
_CUT_OFF = timedelta(days=1)


class Store(Protocol):
    """A place for backups.

    Attributes:
        place: where it is, for a person; no secret is in it.
    """

    @property
    def place(self) -> str: ...

    async def summaries(self) -> list[Summary]:
        """Return the backups that are whole, the newest first; damaged summaries are left out.

        Raises:
            K3kError: the store cannot be read.
        """
        ...

    async def put(self, archive: Path, summary: Summary) -> None:
        """Store a backup: it appears whole or not at all.

        Raises:
            K3kError: the store cannot be written.
        """
        ...

    async def get(self, name: BackupName, target: Path) -> None:
        """Fetch an archive into a file.

        Raises:
            NotFoundError: the store has none of that name.
            K3kError: the store cannot be read.
        """
        ...

    async def remove(self, name: BackupName) -> bool:
        """Remove a backup; False when it was gone already.

        Raises:
            K3kError: the store cannot be written.
        """
        ...

    async def remove_partial(self) -> int:
        """Remove what writes that were cut off long ago have left; return how many files that was.

        Raises:
            K3kError: the store cannot be written.
        """
        ...


def newest_first(found: list[Summary]) -> list[Summary]:
    """Return summaries in the order in which they are shown.

    Args:
        found: in any order.
    """
    return sorted(found, key=lambda each: (-each.name.at.timestamp(), str(each.name)))


def is_cut_off(name: BackupName) -> bool:
    """Tell whether a backup that has no summary was given up.

    Args:
        name: of the backup.
    """
    return datetime.now(UTC) - name.at > _CUT_OFF
