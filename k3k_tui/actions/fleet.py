"""Actions of tables, of the fleet screen and of the hosts screen."""

from __future__ import annotations

from k3k_tui.actions import table
from k3k_tui.actions.action import Action

ACTIONS = (
    *table.ACTIONS,
    Action(
        "fleet.filter",
        "Filter",
        "Show only what matches: text, a regular expression, !text, -l label=value, -f fuzzy, p99>1s ...",
        "fleet",
        "screen.filter",
        command="filter",
        arguments=("filter",),
        footer=True,
    ),
    Action("fleet.clear", "Show all", "Take away filter, marks and faults only.", "fleet", "screen.clear"),
    Action(
        "fleet.faults",
        "Faults",
        "Show only what is not well, or everything again.",
        "fleet",
        "screen.faults",
        command="faults",
        footer=True,
    ),
    Action(
        "fleet.sort",
        "Sort",
        "Choose the column that orders the control planes.",
        "fleet",
        "screen.sort",
        command="sort",
        arguments=("column",),
        footer=True,
    ),
    Action(
        "fleet.sort-left", "Sort by left", "Order by the column to the left.", "fleet", "screen.sort_next(-1)"
    ),
    Action(
        "fleet.sort-right",
        "Sort by right",
        "Order by the column to the right.",
        "fleet",
        "screen.sort_next(1)",
    ),
    Action("fleet.reverse", "Reverse", "Turn the order round.", "fleet", "screen.reverse", command="reverse"),
    Action(
        "fleet.group",
        "Group",
        "Group by host, namespace, system or version, or not at all.",
        "fleet",
        "screen.group",
        command="group",
        arguments=("grouping",),
    ),
    Action(
        "fleet.wide", "Wide", "Show every column, or those that fit.", "fleet", "screen.wide", command="wide"
    ),
    Action(
        "fleet.columns",
        "Columns",
        "Choose the columns and their order.",
        "fleet",
        "screen.columns",
        command="columns",
        arguments=("text",),
    ),
    Action(
        "hosts.copy",
        "Copy",
        "Copy how the host is and what to do about it to the clipboard.",
        "hosts",
        "screen.copy",
        footer=True,
    ),
)
