"""Which backups are kept and which go: a pure decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from k3k_core.backups.naming import BackupName


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept of each control plane's backups; the newest always is.

    Attributes:
        newest: so many of the newest; 0: by age alone.
        younger_than: those younger than this as well; None: by number alone.
    """

    newest: int = 7
    younger_than: timedelta | None = None


def superfluous(names: Iterable[BackupName], keep: Keep, now: datetime) -> tuple[BackupName, ...]:
    """Return the backups that need not be kept, the oldest first.

    Args:
        names: of any number of control planes; each is looked at by itself.
        keep: what is kept.
        now: current time.
    """
    by_control_plane: dict[str, list[BackupName]] = {}
    for name in names:
        by_control_plane.setdefault(str(name.id), []).append(name)
    going: list[BackupName] = []
    for found in by_control_plane.values():
        ordered = sorted(found, key=lambda name: name.at, reverse=True)
        for rank, name in enumerate(ordered):
            young = keep.younger_than is not None and now - name.at < keep.younger_than
            if rank > 0 and rank >= keep.newest and not young:
                going.append(name)
    return tuple(sorted(going, key=lambda name: (name.at, str(name))))
