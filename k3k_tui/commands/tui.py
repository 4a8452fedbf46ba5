"""`k3k tui`, and `k3k` alone."""

from __future__ import annotations

import os

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import at_a_terminal
from k3k_core.errors import UsageError
from k3k_tui.terminal import in_browser


@verb(
    "tui",
    details="`k3k` alone does the same. It shows every control plane of one or more hosts with its signals, and can do "
    "to them what the other commands do. Over SSH it sends few bytes by itself. Press ? for the keys.",
    examples=(
        Example("The current host", "k3k tui"),
        Example("Every host of the kubeconfig, to look only", "k3k tui --all-contexts --read-only"),
        Example("One namespace, over a slow line", "k3k tui -n team-a --remote"),
        Example("Where its files are", "k3k tui --info"),
    ),
    common=(
        options.list_namespace_option,
        options.all_namespaces_option,
        *options.host_options(many=True, namespace=False),
        options.general_options,
    ),
    many_hosts=True,
)
@option("--read-only", is_flag=True, help="Leave out everything that changes something.")
@option("--remote/--no-remote", default=None, help="Send few bytes, or do not (default: over SSH).")
@option("--theme", metavar="NAME", default="", help="Colours.")
@option("--keymap", metavar="NAME", default="", help="What the keys do: default, k9s or vim.")
@option(
    "--refresh",
    type=options.Duration(),
    metavar="DURATION",
    help="Time between two readings of a control plane (default 15s).",
)
@option(
    "--info", is_flag=True, help="Print where the configuration, the themes and the keymaps are, and end."
)
def command(
    session: Session,
    read_only: bool,
    remote: bool | None,
    theme: str,
    keymap: str,
    refresh: float | None,
    info: bool,
) -> None:
    """Open the dashboard."""
    if info:
        from k3k_tui.about import places

        session.console.data("\n".join(f"{name}: {place}" for name, place in places()))
        return
    if not in_browser(os.environ) and not at_a_terminal():
        raise UsageError(
            "The dashboard needs a terminal, for input, output and errors alike.",
            hint="`k3k list` and `k3k list --watch --plain` work without.",
        )
    from k3k_tui.launch import Launch, run_dashboard

    launch = Launch(read_only=read_only, remote=remote, theme=theme, keymap=keymap, refresh=refresh)
    code = run_dashboard(session.settings, launch)
    if code:
        raise click.exceptions.Exit(code)
