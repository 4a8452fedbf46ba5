"""How servers are replaced: options of `k3k upgrade` and `k3k rollback`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from k3k_core.cli import options
from k3k_core.cli.option import option
from k3k_core.errors import UsageError

Decorated = Callable[..., Any]

_HOW = "How servers are replaced"


def replacing_options(function: Decorated) -> Decorated:
    """Strategy, canary, going back, waiting and time limits."""
    for add in (
        option(
            "--force-conflicts",
            is_flag=True,
            help="Take over fields that another field manager of the host owns.",
        ),
        option(
            "--ignore-health",
            is_flag=True,
            help="Go on though not all servers are ready, or a PodDisruptionBudget allows no pod to go.",
        ),
        option(
            "--timeout",
            type=options.Duration(),
            default=600.0,
            metavar="DURATION",
            help="Longest wait (default 10m).",
        ),
        option("--wait/--no-wait", default=True, help="Wait until every server is ready (default), or not."),
        option(
            "--drain",
            type=options.Duration(),
            default=5.0,
            metavar="DURATION",
            section=_HOW,
            help="With blue-green: time for clients to follow the Service (default 5s).",
        ),
        option(
            "--rollback-after",
            type=options.Duration(),
            metavar="DURATION",
            section=_HOW,
            help="Like --rollback-on-failure, with a time limit of its own.",
        ),
        option(
            "--rollback-on-failure",
            is_flag=True,
            section=_HOW,
            help="Go back to the values of before when the servers are not ready within --timeout.",
        ),
        option(
            "--canary-time",
            type=options.Duration(),
            default=30.0,
            metavar="DURATION",
            section=_HOW,
            help="How long the first server is watched (default 30s).",
        ),
        option(
            "--canary",
            is_flag=True,
            section=_HOW,
            help="Replace one server first and watch it; if it does not work, it goes back, else the others follow. "
            "With -l: the first control plane alone, then the others.",
        ),
        option(
            "--strategy",
            type=click.Choice(["auto", "rolling", "recreate", "blue-green"]),
            section=_HOW,
            help="rolling: one after the other. recreate: stop, then start. blue-green: a second set on the same etcd "
            "or external datastore takes over meanwhile. Default: what the values say.",
        ),
    ):
        function = add(function)
    return function


def backup_options(function: Decorated) -> Decorated:
    """`--backup` and `--no-backup`."""
    return option(
        "--backup/--no-backup",
        default=None,
        section=_HOW,
        help="Before another version: take a backup, or go on without. Default: one of the last 24 hours will do, "
        "else one is taken where the values or a key of yours say how, else the upgrade is refused.",
    )(function)


def replacing(
    *,
    strategy: str | None,
    canary: bool,
    canary_time: float,
    rollback_on_failure: bool,
    rollback_after: float | None,
    drain: float,
    wait: bool,
    timeout: float,
    ignore_health: bool,
    force_conflicts: bool,
    backup: bool | None = False,
) -> dict[str, Any]:
    """Return what the options say as fields of an `UpgradeRequest`.

    Raises:
        UsageError: they contradict each other.
    """
    if not wait and (rollback_on_failure or rollback_after is not None):
        raise UsageError(
            "Who does not wait cannot tell a failure.", hint="Leave out --no-wait or --rollback-on-failure."
        )
    if rollback_after is None and rollback_on_failure:
        rollback_after = timeout
    return {
        "strategy": strategy,
        "canary": canary,
        "canary_time": canary_time,
        "rollback_after": rollback_after,
        "drain": drain,
        "wait": wait,
        "timeout": timeout,
        "ignore_health": ignore_health,
        "force_conflicts": force_conflicts,
        "backup": {True: "create", False: "skip", None: "required"}[backup],
    }
