"""Actions that work everywhere."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS = (
    Action("app.help", "Help", "Show what the keys do here.", "app", "app.help", footer=True, command="help"),
    Action("app.command", "Command", "Type a command.", "app", "app.command_line", footer=True),
    Action("app.palette", "Palette", "Search all commands and control planes.", "app", "app.command_palette"),
    Action("app.jump", "Jump", "Show a letter on everything that can have the cursor.", "app", "app.jump"),
    Action("app.up", "Close", "Close what is open, or go up to the fleet.", "app", "app.go_up"),
    Action("app.back", "Back", "Go back to where you were before.", "app", "app.go_back", command="back"),
    Action(
        "app.forward",
        "Forward",
        "Go forward again after going back.",
        "app",
        "app.go_forward",
        command="forward",
    ),
    Action("app.last", "Last", "Go to the last place and, pressed again, back.", "app", "app.go_last"),
    Action("app.fleet", "Fleet", "Go to the fleet.", "app", "app.open_fleet", command="fleet"),
    Action(
        "app.hosts", "Hosts", "Go to the hosts and how they are.", "app", "app.open_hosts", command="hosts"
    ),
    Action("app.jobs", "Jobs", "Go to what runs in the background.", "app", "app.open_jobs", command="jobs"),
    Action(
        "app.namespace",
        "Namespace",
        "Show one namespace of the fleet; without a name, all.",
        "app",
        "app.only('ns')",
        command="ns",
        arguments=("namespace",),
    ),
    Action(
        "app.host",
        "Host",
        "Show one host of the fleet; without a name, all.",
        "app",
        "app.only('host')",
        command="host",
        arguments=("host",),
    ),
    Action(
        "app.system",
        "System",
        "Show the control planes of one system; without a name, all.",
        "app",
        "app.only('system')",
        command="system",
        arguments=("system",),
    ),
    Action(
        "app.theme",
        "Theme",
        "Change the colours.",
        "app",
        "app.switch_theme",
        command="theme",
        arguments=("theme",),
    ),
    Action(
        "app.keymap",
        "Keymap",
        "Change what the keys do.",
        "app",
        "app.switch_keymap",
        command="keymap",
        arguments=("keymap",),
    ),
    Action(
        "app.info",
        "Info",
        "Show the version, and where the configuration and the themes are.",
        "app",
        "app.info",
        command="info",
    ),
    Action("app.quit", "Quit", "End the dashboard.", "app", "app.leave", footer=True, command="quit"),
    Action("command-line.complete", "Complete", "Take what is offered.", "command-line", "complete"),
    Action("command-line.previous", "Up", "Go up in what is offered.", "command-line", "offer(-1)"),
    Action("command-line.next", "Down", "Go down in what is offered.", "command-line", "offer(1)"),
    Action("command-line.older", "Older", "Bring back an older command.", "command-line", "older"),
    Action("command-line.newer", "Newer", "Bring back a newer command.", "command-line", "newer"),
    Action("command-line.close", "Close", "Leave without doing anything.", "command-line", "close"),
    Action("help.close", "Close", "Close the help.", "help", "close", footer=True),
)
