"""`k3k pause`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.cli import bulk, options, planned
from k3k_core.cli.changing import Change, change_one_or_many
from k3k_core.cli.command import Example, verb
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.option import option
from k3k_core.cli.session import Session

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.pause import Paused
    from k3k_core.lifecycle.progress import Progress
    from k3k_core.names import ControlPlaneId

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "pause",
    details="Its servers, and the members of its etcd, are taken away. Volumes, address, credentials and kubeconfigs "
    "stay, and a time to live goes on. `k3k resume` brings it back as it was. What stores nothing on a volume would "
    "lose its data: then the name has to be typed first. Run again after an interruption, the same command goes on.",
    examples=(
        Example("For the night", "k3k pause ci -n team-a"),
        Example("All of a team, ten at a time", "k3k pause -l team=a -A --max-parallel 10 --yes"),
        Example("What would happen", "k3k pause ci -n team-a --dry-run"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@bulk.optional_name_argument
@bulk.bulk_options
@planned.plan_options
@option(
    "--timeout",
    type=options.Duration(),
    default=180.0,
    metavar="DURATION",
    help="Longest wait until no pod is left (default 3m).",
)
def command(session: Session, name: str | None, timeout: float, **chosen: Any) -> None:
    """Stop the servers of control planes and keep all else."""
    from k3k_core.lifecycle.pause import PauseRequest, pause, plan_pause

    async def work(host: HostApi, each: ControlPlaneId, progress: Progress) -> Paused:
        # Nobody has typed these names: what would lose its data is left as it is.
        return await pause(host, PauseRequest(each, timeout=timeout), progress)

    async def work_on_named(host: HostApi, each: ControlPlaneId, progress: Progress) -> Paused:
        return await pause(host, PauseRequest(each, lose_data=True, timeout=timeout), progress)

    change = Change(
        verb="pause",
        question="Pause it?",
        plan=plan_pause,
        work=work,
        work_on_named=work_on_named,
        to_dict=_document,
        detail=_detail,
        sentence=_sentence,
    )
    change_one_or_many(session, change, name, **chosen)


def _document(paused: Paused) -> dict[str, Any]:
    from k3k_core.discovery.control_plane import format_time

    return {
        "pausedAt": format_time(paused.since),
        "servers": paused.servers,
        "changed": paused.changed,
        "elapsedSeconds": round(paused.elapsed, 3),
    }


def _detail(paused: Paused) -> str:
    return "paused" if paused.changed else "was paused already"


def _sentence(paused: Paused) -> str:
    took = format_elapsed(paused.elapsed)
    return f"Control plane {paused.id} paused after {took}; `k3k resume` brings it back"
