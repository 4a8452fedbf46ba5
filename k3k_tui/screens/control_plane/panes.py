"""The pane of each tab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k3k_tui.screens.control_plane.pane import Pane

if TYPE_CHECKING:
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch


def make_pane(name: str, known: ControlPlaneWatch) -> Pane:
    """Make the pane of a tab; what it needs is imported when it is opened.

    Args:
        name: of the tab.
        known: everything that is known of the control plane.
    """
    if name == "logs":
        from k3k_tui.screens.control_plane.logs_pane import LogsPane

        return LogsPane(known)
    if name == "objects":
        from k3k_tui.screens.control_plane.objects_pane import ObjectsPane

        return ObjectsPane(known)
    if name == "values":
        from k3k_tui.screens.control_plane.values_pane import ValuesPane

        return ValuesPane(known)
    from k3k_tui.screens.control_plane.sheet_pane import sheet_pane

    return sheet_pane(name, known)
