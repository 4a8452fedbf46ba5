"""Actions of every table."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS = (
    Action("table.up", "Up", "Move the cursor up.", "table", "move(-1)"),
    Action("table.down", "Down", "Move the cursor down.", "table", "move(1)"),
    Action("table.page-up", "Page up", "Move the cursor up by a page.", "table", "page(-1)"),
    Action("table.page-down", "Page down", "Move the cursor down by a page.", "table", "page(1)"),
    Action("table.top", "Top", "Move the cursor to the first line.", "table", "first"),
    Action("table.bottom", "Bottom", "Move the cursor to the last line.", "table", "last"),
    Action("table.left", "Left", "Show the columns left of the screen.", "table", "sideways(-1)"),
    Action("table.right", "Right", "Show the columns right of the screen.", "table", "sideways(1)"),
    Action("table.open", "Open", "Open what is under the cursor.", "table", "select", footer=True),
    Action("table.mark", "Mark", "Mark what is under the cursor, or take its mark away.", "table", "mark"),
    Action(
        "table.mark-range", "Mark to here", "Mark from the last mark to the cursor.", "table", "mark_range"
    ),
    Action("table.mark-all", "Mark all", "Mark everything that is shown.", "table", "mark_all"),
    Action("table.unmark-all", "Unmark all", "Take away every mark.", "table", "unmark_all"),
)
