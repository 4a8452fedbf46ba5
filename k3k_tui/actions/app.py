"""Actions that work everywhere."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS = (
    Action("app.help", "Help", "Show what the keys do here.", "app", "app.help", footer=True, command="help"),
    Action("app.command", "Command", "Type a command.", "app", "app.command_line", footer=True),
    Action("app.palette", "Palette", "Search all commands.", "app", "app.command_palette"),
    Action("app.quit", "Quit", "End the dashboard.", "app", "app.leave", footer=True, command="quit"),
)
