"""What can be done to control planes: on the fleet screen to the marked ones, else to the one under the cursor."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS: tuple[Action, ...] = ()
