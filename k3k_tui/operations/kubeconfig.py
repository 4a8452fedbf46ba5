"""Kubeconfigs: shown masked, revealed, copied, saved, merged, or made for somebody for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_tui.operations.hosts import ask
from k3k_tui.operations.kubeconfig_dialog import Issue, KubeconfigDialog

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.names import ControlPlaneId


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Show the admin kubeconfig of a control plane and what can be done with it.

    Args:
        app: the dashboard.
        targets: the control plane.
        words: none are taken.
    """
    from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig

    key = targets[0]
    document = await ask(app, "Kubeconfig", key, fetch_kubeconfig)
    dialog = KubeconfigDialog(key, document, lambda issue: _issue(app, key, issue))
    await app.push_screen_wait(dialog)


async def _issue(app: App[Any], key: FleetKey, issue: Issue) -> str:
    """Make a short-lived kubeconfig for somebody and return it."""

    async def make(host: HostApi, identity: ControlPlaneId) -> str:
        from k3k_core.lifecycle.kubeconfig import issue_kubeconfig

        return await issue_kubeconfig(
            host,
            identity,
            user=issue.user,
            groups=issue.groups,
            lifetime=timedelta(seconds=issue.lifetime),
            now=datetime.now(UTC),
        )

    return await ask(app, "Kubeconfig", key, make)
