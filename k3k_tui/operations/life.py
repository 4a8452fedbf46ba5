"""Pausing and resuming, protecting, times to live, and a backup now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.errors import UsageError
from k3k_core.lifecycle.progress import Progress
from k3k_tui.operations.planned import Offer, offer_plan
from k3k_tui.services import services
from k3k_tui.widgets.dialogs import Ask

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.names import ControlPlaneId


async def start_pause(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Ask whether to pause control planes, and begin.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: none are taken.
    """
    from k3k_core.lifecycle.pause import PauseRequest, pause, plan_pause

    async def work(host: HostApi, identity: ControlPlaneId, progress: Progress) -> str:
        # Where data would be lost, the name was typed.
        await pause(host, PauseRequest(identity, lose_data=True), progress)
        return f"Control plane {identity} paused."

    await offer_plan(app, targets, Offer("Pause", "pause", ("--yes",)), plan_pause, work)


async def start_resume(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Ask whether to resume control planes, and begin.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: none are taken.
    """
    from k3k_core.lifecycle.pause import plan_resume, resume

    async def work(host: HostApi, identity: ControlPlaneId, progress: Progress) -> str:
        done = await resume(host, identity, progress)
        return f"Control plane {identity} resumed after {done.elapsed:.0f} s."

    await offer_plan(app, targets, Offer("Resume", "resume"), plan_resume, work)


async def start_protect(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Ask whether to protect control planes from deletion, or no longer when all of them are, and begin.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: none are taken.
    """
    from k3k_core.lifecycle.protect import plan_protect, protect

    rows = services(app).fleet.rows
    on = not all(key in rows and rows[key].control_plane.protected for key in targets)

    async def make(host: HostApi, identity: ControlPlaneId) -> Plan:
        return await plan_protect(host, identity, on=on)

    async def work(host: HostApi, identity: ControlPlaneId, progress: Progress) -> str:
        await protect(host, identity, progress, on=on)
        return f"Control plane {identity} is {'protected' if on else 'no longer protected'}."

    offer = Offer("Protect", "protect") if on else Offer("Unprotect", "protect", ("--off",))
    await offer_plan(app, targets, offer, make, work)


async def start_ttl(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Ask for a time to live, and change when control planes end.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: the change, as `k3k ttl` takes it; asked for when it is not named.
    """
    from k3k_core.lifecycle.ttl import parse_ttl, plan_ttl, set_ttl

    text = words[0] if words else await _ask_ttl(app)
    if text is None:
        return
    change, now = parse_ttl(text), datetime.now(UTC)

    async def make(host: HostApi, identity: ControlPlaneId) -> Plan:
        return await plan_ttl(host, identity, change, now=now)

    async def work(host: HostApi, identity: ControlPlaneId, progress: Progress) -> str:
        lifetime = await set_ttl(host, identity, change, progress, now=now)
        ends = lifetime.expires_at
        return f"Control plane {identity} " + (f"ends at {ends:%Y-%m-%d %H:%M} UTC." if ends else "stays.")

    await offer_plan(app, targets, Offer("Time to live", "ttl", (text,)), make, work)


async def start_backup(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Ask whether to back control planes up now, and begin.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: none are taken.
    """
    from k3k_core.lifecycle.backup import BackupRequest, create_backup, plan_backup

    async def make(host: HostApi, identity: ControlPlaneId) -> Plan:
        return await plan_backup(host, BackupRequest(identity))

    async def work(host: HostApi, identity: ControlPlaneId, progress: Progress) -> str:
        done = await create_backup(host, BackupRequest(identity), progress)
        return f"Backed up {identity} to {done.place}."

    await offer_plan(app, targets, Offer("Back up", "backup create"), make, work)


async def _ask_ttl(app: App[Any]) -> str | None:
    from k3k_core.lifecycle.ttl import parse_ttl

    def check(text: str) -> str:
        try:
            parse_ttl(text)
        except UsageError as error:
            return error.hint
        return ""

    return await app.push_screen_wait(Ask("Time to live", value="+1h", label="Next", check=check))
