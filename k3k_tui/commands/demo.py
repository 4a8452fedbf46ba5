"""`k3k demo`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import run
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import is_terminal
from k3k_core.errors import K3kError
from k3k_tui.terminal import in_browser

if TYPE_CHECKING:
    from k3k_tui.launch import Launch


@verb(
    "demo",
    details="Starts a sandbox, creates control planes on it and opens the dashboard on them. Some are in trouble, "
    "chosen by seed: one is degraded, one is down, one has certificates that run out, one a queue that is stuck, one "
    "too much load; the jobs screen says which, and how one recovers. Without a terminal the fleet is printed once. "
    "Everything is gone afterwards.",
    examples=(
        Example("A fleet of twelve", "k3k demo"),
        Example("A larger one, always the same", "k3k demo --clusters 40 --seed 7"),
        Example("Print it and end", "k3k demo --once"),
        Example("Pictures of every screen", "k3k demo --screenshot screenshots"),
    ),
    common=(options.general_options,),
)
@option(
    "--clusters",
    type=click.IntRange(1, 1000),
    default=12,
    metavar="N",
    help="How many control planes (default 12).",
)
@option(
    "--seed",
    type=int,
    default=0,
    metavar="S",
    help="Seed of everything that is random: the fleet, its troubles, its figures (default 0).",
)
@option("--healthy", is_flag=True, help="Leave out the troubles.")
@option("--once", is_flag=True, help="Print the list once and end.")
@option("--screenshot", metavar="DIR", help="Write every screen into DIR as SVG and PNG, and end.")
@option("--theme", metavar="NAME", default="", help="Colours.")
@option("--keymap", metavar="NAME", default="", help="What the keys do: default, k9s or vim.")
@option("--remote/--no-remote", default=None, help="Send few bytes, or do not (default: over SSH).")
@option("--read-only", is_flag=True, help="Leave out everything that changes something.")
def command(
    session: Session,
    clusters: int,
    seed: int,
    healthy: bool,
    once: bool,
    screenshot: str | None,
    theme: str,
    keymap: str,
    remote: bool | None,
    read_only: bool,
) -> None:
    """Show a fleet."""
    if screenshot is not None:
        from k3k_tui.commands.demo_pictures import take_pictures

        take_pictures(session, screenshot, clusters=clusters, seed=seed, healthy=healthy, theme=theme)
        return
    if once or not _can_be_shown(session):
        from k3k_core.cli.demonstration import print_fleet

        failed = run(print_fleet(session, clusters=clusters, seed=seed, healthy=healthy))
        if failed:
            raise K3kError(f"{failed} of {clusters} control planes could not be made.")
        return
    from k3k_tui.launch import Launch

    launch = Launch(read_only=read_only, remote=remote, theme=theme, keymap=keymap)
    code = _show(session, launch, clusters=clusters, seed=seed, healthy=healthy)
    if code:
        raise click.exceptions.Exit(code)


def _can_be_shown(session: Session) -> bool:
    if in_browser(os.environ):
        return True
    # Textual draws on the standard error.
    return session.console.out.interactive and is_terminal(sys.stdin) and is_terminal(sys.stderr)


def _show(session: Session, launch: Launch, *, clusters: int, seed: int, healthy: bool) -> int:
    from k3k_tui.commands.demo_dashboard import show
    from k3k_tui.commands.demo_host import DemoHost

    with DemoHost(clusters=clusters, seed=seed, healthy=healthy) as host:
        return show(host, session.settings, launch)
