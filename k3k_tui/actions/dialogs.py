"""Actions of dialogs."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action("dialog.cancel", "Cancel", "Close the dialog; nothing happens.", "dialog", "screen.cancel"),
    Action("dialog.next", "Next", "Go to the next button or field.", "dialog", "app.focus_next"),
    Action(
        "dialog.previous", "Previous", "Go to the button or field before.", "dialog", "app.focus_previous"
    ),
    Action("dialog.up", "Up", "Scroll the text up.", "dialog", "screen.scroll_body(-1)"),
    Action("dialog.down", "Down", "Scroll the text down.", "dialog", "screen.scroll_body(1)"),
    Action(
        "dialog.page-up", "Page up", "Scroll the text up by ten lines.", "dialog", "screen.scroll_body(-10)"
    ),
    Action(
        "dialog.page-down",
        "Page down",
        "Scroll the text down by ten lines.",
        "dialog",
        "screen.scroll_body(10)",
    ),
)
