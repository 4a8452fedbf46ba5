"""Actions of the fleet screen."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS: tuple[Action, ...] = ()
