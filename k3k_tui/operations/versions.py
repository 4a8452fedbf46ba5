"""Asking for the version to upgrade to, among those the rules of k3s allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_tui.operations.bulk import count
from k3k_tui.services import services
from k3k_tui.widgets.cell_lines import say
from k3k_tui.widgets.dialogs import Ask, Choice, Choose

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

_OTHER = ""


async def choose_version(app: App[Any], keys: Sequence[FleetKey]) -> str | None:
    """Ask for a version; None when none is chosen.

    Args:
        app: the dashboard.
        keys: the control planes that are to get it.
    """
    rows = services(app).fleet.rows
    running = [rows[key].control_plane.version for key in keys if key in rows]
    offers = choices(running)
    what = str(keys[0]) if len(keys) == 1 else count(len(keys))
    now = ", ".join(f"{version or 'an unknown version'}" for version in dict.fromkeys(running))
    lines = [say(f"Now {now}. One minor version at a time, and never back.", "muted")]
    if not offers:
        return await _type(app, f"Upgrade {what} to")
    chosen = await app.push_screen_wait(Choose(f"Upgrade {what} to", offers, lines=lines))
    return await _type(app, f"Upgrade {what} to") if chosen == _OTHER else chosen


def choices(running: Sequence[str]) -> list[Choice[str]]:
    """Return the versions that at least one control plane may go to, the newest first, and "another".

    Args:
        running: the version of each.
    """
    from k3k_core.releases import allowed_versions
    from k3k_core.versions import K3sVersion

    fitting = Counter(version for each in running for version in allowed_versions(each))
    newest = sorted(fitting, key=K3sVersion.parse, reverse=True)
    if not newest:
        return []
    found = [Choice(version, version, _note(version, fitting[version], running)) for version in newest]
    return [*found, Choice(_OTHER, "another version")]


def _note(version: str, fitting: int, running: Sequence[str]) -> str:
    if len(running) > 1:
        return "for all of them" if fitting == len(running) else f"for {fitting} of {len(running)}"
    same = version.split(".")[:2] == running[0].split(".")[:2]
    return "the same minor version" if same else "the next minor version"


async def _type(app: App[Any], title: str) -> str | None:
    dialog = Ask(title, placeholder="v1.36.2+k3s1", label="Plan", check=_no_version)
    return await app.push_screen_wait(dialog)


def _no_version(text: str) -> str:
    """Return why a text is no version, empty when it is one."""
    from k3k_core.versions import VersionError, supported

    try:
        supported(text)
    except VersionError as error:
        return str(error)
    return ""
