"""One thing a user can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# "none" only looks, "changes" can be undone, "destroys" loses something for good.
Danger = Literal["none", "changes", "destroys"]
# Where its key works. "targets" is the fleet screen and the control-plane screen alike.
Scope = Literal[
    "app",
    "targets",
    "fleet",
    "control-plane",
    "table",
    "logs",
    "jobs",
    "hosts",
    "form",
    "dialog",
    "command-line",
    "help",
]
# What the words after a command stand for; each kind has its completions.
Argument = Literal[
    "control-plane",
    "namespace",
    "host",
    "version",
    "theme",
    "keymap",
    "column",
    "grouping",
    "tab",
    "system",
    "filter",
    "text",
]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do.

    Attributes:
        name: stable, unique name such as "control-plane.delete"; keymaps and the configuration use it.
        title: one or two words for the footer, the palette and the help.
        summary: one sentence for the help.
        scope: where its key works.
        run: Textual action, such as "app.operate('delete')"; arguments of a command are appended to its own.
        danger: what it can do to a cluster; read-only mode leaves out everything but "none".
        command: word on the `:` line; empty for none.
        arguments: what may follow that word.
        footer: whether the footer shows it.
    """

    name: str
    title: str
    summary: str
    scope: Scope
    run: str
    danger: Danger = "none"
    command: str = ""
    arguments: tuple[Argument, ...] = ()
    footer: bool = False
