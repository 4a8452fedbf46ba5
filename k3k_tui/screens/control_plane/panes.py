"""The pane of each tab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k3k_tui.screens.control_plane.pane import Pane
from k3k_tui.screens.control_plane.sheet_pane import sheet_pane

if TYPE_CHECKING:
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch


def make_pane(name: str, known: ControlPlaneWatch) -> Pane:
    """Make the pane of a tab.

    Args:
        name: of the tab.
        known: everything that is known of the control plane.
    """
    return sheet_pane(name, known)
