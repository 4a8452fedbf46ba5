"""One page of metrics without a server."""

from __future__ import annotations

from k3k_core.errors import ForbiddenError, UnreachableError
from k3k_core.exporter.collector import FleetCollector
from k3k_core.exporter.exposition import Pages
from k3k_core.exporter.fleet_view import FleetView
from k3k_core.exporter.own_readings import read_own
from k3k_core.telemetry.signals.model import Signals


async def export_once(fleet: FleetView, *, timeout: float, stale_after: float) -> str:
    """Return the page once every control plane was asked twice, or cannot be asked.

    Args:
        fleet: what is exported.
        timeout: the longest wait, seconds; afterwards the page is what it is.
        stale_after: seconds after which what is not renewed is shown no more.

    Raises:
        UnreachableError: no host could be reached.
        ForbiddenError: every host refuses this identity.
    """
    collector = FleetCollector(stale_after=stale_after)
    fleet.listen(collector.count)
    await fleet.settled(timeout)
    raise_if_all_hosts_failed(fleet)
    for row in fleet.rows.values():
        collector.update(row)
    return Pages(collector, lambda: read_own(fleet.hosts.values(), fleet.figures)).make("text").decode()


def raise_if_all_hosts_failed(fleet: FleetView) -> None:
    """Do nothing while at least one host has been listed.

    Args:
        fleet: whose hosts have answered or failed.

    Raises:
        UnreachableError: none has.
        ForbiddenError: none has, and every one refuses this identity.
    """
    states = tuple(fleet.hosts.values())
    if any(state.listed for state in states):
        return
    hint = next((state.hint for state in states if state.hint), "")
    told = [state.error or f"Host {state.name} has not answered yet." for state in states]
    message = told[0] if len(told) == 1 else f"No host could be reached: {' '.join(told)}"
    kind = ForbiddenError if all(state.forbidden for state in states) else UnreachableError
    raise kind(message, hint=hint)


def unanswered(fleet: FleetView) -> str:
    """Return a sentence when there are control planes to ask and none of them answered; else nothing.

    Args:
        fleet: after its first rounds.
    """
    asked = [row for row in fleet.rows.values() if row.control_plane.servers_wanted]
    if not asked or any(_answered(row.signals) for row in asked):
        return ""
    count = len(asked)
    return (
        f"None of the {count} control planes answered." if count > 1 else "The control plane did not answer."
    )


def _answered(signals: Signals | None) -> bool:
    return signals is not None and any(server.round_trip is not None for server in signals.servers)
