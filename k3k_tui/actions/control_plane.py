"""Actions of the control-plane screen."""

from __future__ import annotations

from k3k_tui.actions.action import Action


def _tab(name: str, title: str, summary: str) -> Action:
    return Action(f"tab.{name}", title, summary, "control-plane", f"screen.show_tab('{name}')")


_TABS = (
    _tab("overview", "Overview", "Show the verdict with its reasons, the servers and who reaches them how."),
    _tab("api", "API", "Show latency and rate of the API, and its slowest resources."),
    _tab("datastore", "Datastore", "Show how fast and how full the datastore is."),
    _tab("controllers", "Controllers", "Show the work queues of the controllers, the worst first."),
    _tab("certificates", "Certificates", "Show how long each certificate is valid."),
    _tab("events", "Events", "Show the host's events about the control plane."),
    _tab("logs", "Logs", "Show the log of a server."),
    _tab("objects", "Objects", "Show the objects on the host that belong to it, and their YAML."),
    _tab("values", "Values", "Show its values, their revisions and what changed between them."),
)

ACTIONS: tuple[Action, ...] = (
    *_TABS,
    Action(
        "tab.next",
        "Next tab",
        "Go to the next tab, or to the one that is named.",
        "control-plane",
        "screen.show_tab",
        command="tab",
        arguments=("tab",),
        footer=True,
    ),
    Action("tab.previous", "Tab before", "Go to the tab before.", "control-plane", "screen.previous_tab"),
    Action(
        "view.span",
        "Time span",
        "Show the last 15 minutes, hour or four hours in plots.",
        "control-plane",
        "screen.pane('span')",
        footer=True,
    ),
    Action(
        "view.filter",
        "Filter",
        "Show only lines that match: text, a regular expression, ! for those that do not, -f for similar ones.",
        "control-plane",
        "screen.pane('filter')",
        footer=True,
    ),
    Action(
        "view.reload",
        "Load again",
        "Ask the host again for what this tab shows.",
        "control-plane",
        "screen.pane('reload')",
        footer=True,
    ),
    Action(
        "view.copy",
        "Copy text",
        "Copy what this tab shows: its text, the lines of the log, the YAML, or the object under the cursor.",
        "control-plane",
        "screen.pane('copy')",
    ),
    Action(
        "view.back",
        "Back",
        "Close the filter or the text that is open.",
        "control-plane",
        "screen.pane('back')",
    ),
    Action(
        "values.compare",
        "Compare",
        "Turn between what a revision changed, how it differs from the newest, and its values.",
        "control-plane",
        "screen.pane('compare')",
        footer=True,
    ),
    Action(
        "logs.follow",
        "Follow",
        "Stay at the newest line, or stop there.",
        "logs",
        "screen.pane('follow')",
        footer=True,
    ),
    Action(
        "logs.server",
        "Server",
        "Show the log of the next server.",
        "logs",
        "screen.pane('server')",
        footer=True,
    ),
    Action(
        "logs.previous",
        "Before restart",
        "Show the log of the container before its last restart, or of the one that runs.",
        "logs",
        "screen.pane('previous')",
        footer=True,
    ),
    Action(
        "logs.times",
        "Times",
        "Show or hide when the host received each line.",
        "logs",
        "screen.pane('times')",
    ),
    Action("logs.wrap", "Wrap", "Break long lines, or leave them long.", "logs", "screen.pane('wrap')"),
    Action(
        "logs.earlier",
        "Earlier",
        "Load ten times as many lines from before.",
        "logs",
        "screen.pane('earlier')",
    ),
    Action(
        "logs.save",
        "Save",
        "Write the lines that are shown to a file that only you can read.",
        "logs",
        "screen.pane('save')",
        footer=True,
    ),
)
