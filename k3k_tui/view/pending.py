"""Changes of the fleet that wait for the next moment at which the screen is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState


class PendingChanges:
    """Gathers change sets into one: each control plane and each host as it was last."""

    def __init__(self) -> None:
        self._rows: dict[FleetKey, FleetRow | None] = {}
        self._hosts: dict[str, HostState] = {}

    def __bool__(self) -> bool:
        return bool(self._rows or self._hosts)

    def add(self, change: ChangeSet) -> None:
        """Take in what happened.

        Args:
            change: of the fleet.
        """
        for row in change.changed:
            self._rows[row.id] = row
        for key in change.removed:
            self._rows[key] = None
        for host in change.hosts:
            self._hosts[host.name] = host

    def take(self) -> ChangeSet:
        """Return everything as one change set, and begin anew."""
        from k3k_core.fleet.rows import ChangeSet

        rows, hosts, self._rows, self._hosts = self._rows, self._hosts, {}, {}
        return ChangeSet(
            changed=tuple(row for row in rows.values() if row is not None),
            removed=tuple(key for key, row in rows.items() if row is None),
            hosts=tuple(hosts.values()),
        )
