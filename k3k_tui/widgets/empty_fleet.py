"""What stands where the table would be while there is nothing in it: why, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from k3k_tui.text import clean
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line
from k3k_tui.view.state import ViewState

if TYPE_CHECKING:
    from k3k_core.fleet import HostState

# Writes the key of an action, by the action's name.
Key = Callable[[str], str]


def empty_fleet(
    *,
    rows: int,
    state: ViewState,
    hosts: Sequence[HostState],
    opening: bool,
    error: str,
    read_only: bool,
    key: Key,
) -> tuple[Line, ...]:
    """Return why no control plane is shown, and what to do.

    Args:
        rows: control planes there are, shown or not.
        state: what somebody chose to see.
        hosts: state of every host.
        opening: whether the fleet is still being opened.
        error: why there is no fleet at all; empty while there is one.
        read_only: whether nothing can be created.
        key: writes the key of an action.
    """
    if rows:
        return _nothing_matches(rows, state, key)
    if error:
        return _lines(("There is no fleet.", "title"), (clean(error), "bad"), ("It is tried again.", "muted"))
    waiting = [clean(host.name) for host in hosts if not host.settled]
    if waiting or opening:
        named = ": " + ", ".join(waiting[:5]) + (" ..." if len(waiting) > 5 else "") if waiting else ""
        return _lines((f"Connecting{named}", "title"), ("Control planes appear as hosts answer.", "muted"))
    if not hosts:
        return _lines(
            ("There are no hosts.", "title"),
            (
                "A host is a context of your kubeconfig: set KUBECONFIG, or start k3k with --kubeconfig.",
                "text",
            ),
            ("Without a cluster at hand, try: k3k demo", "muted"),
        )
    if all(host.error for host in hosts):
        return _lines(
            ("No host can be reached.", "title"),
            (f"What each of them answers, and what to do: {key('app.hosts')}", "text"),
        )
    create: tuple[str, Role] = (
        ("This dashboard is read-only; create one with: k3k create NAME", "muted")
        if read_only
        else (f"Create one: {key('control-plane.create')}, or on the command line: k3k create NAME", "text")
    )
    return _lines(("There are no control planes yet.", "title"), create)


def _nothing_matches(rows: int, state: ViewState, key: Key) -> tuple[Line, ...]:
    count = f"{rows} control plane{'' if rows == 1 else 's'}"
    if state.faults_only and not state.filter:
        return _lines((f"All of {count} are well.", "good"), (f"Show them: {key('fleet.faults')}", "muted"))
    only = " and is not well" if state.faults_only else ""
    return _lines(
        (f"None of {count} matches {clean(state.filter)}{only}.", "title"),
        (f"Show all: {key('fleet.clear')}   Change the filter: {key('fleet.filter')}", "muted"),
    )


def _lines(*lines: tuple[str, Role]) -> tuple[Line, ...]:
    return ((), *((Cell(f"   {text}", role),) for text, role in lines))
