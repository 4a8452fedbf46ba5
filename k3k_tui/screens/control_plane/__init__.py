"""The screen of one control plane, a module for each tab."""

from __future__ import annotations

from k3k_tui.screens.control_plane.screen import ControlPlaneScreen

__all__ = ["ControlPlaneScreen"]
