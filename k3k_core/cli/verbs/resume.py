"""`k3k resume`."""

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
    from k3k_core.lifecycle.pause import Resumed
    from k3k_core.lifecycle.progress import Progress
    from k3k_core.names import ControlPlaneId

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "resume",
    details="The members of its etcd come back first, then its servers; address, credentials and kubeconfigs are "
    "those it had. Run again after an interruption, the same command goes on.",
    examples=(
        Example("And wait until it is ready", "k3k resume ci -n team-a"),
        Example("All of a team", "k3k resume -l team=a -A --yes"),
        Example("Without waiting", "k3k resume ci -n team-a --no-wait"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@bulk.optional_name_argument
@bulk.bulk_options
@planned.plan_options
@option("--wait/--no-wait", default=True, help="Wait until every server is ready (default), or not.")
@option(
    "--timeout",
    type=options.Duration(),
    default=600.0,
    metavar="DURATION",
    help="Longest wait (default 10m).",
)
def command(session: Session, name: str | None, wait: bool, timeout: float, **chosen: Any) -> None:
    """Bring paused control planes back."""
    from k3k_core.lifecycle.pause import plan_resume, resume

    async def work(host: HostApi, each: ControlPlaneId, progress: Progress) -> Resumed:
        return await resume(host, each, progress, wait=wait, timeout=timeout)

    change = Change(
        verb="resume",
        question="Resume it?",
        plan=plan_resume,
        work=work,
        to_dict=_document,
        detail=_detail,
        sentence=_sentence,
    )
    change_one_or_many(session, change, name, **chosen)


def _document(resumed: Resumed) -> dict[str, Any]:
    return {
        "servers": resumed.servers,
        "changed": resumed.changed,
        "ready": resumed.ready,
        "elapsedSeconds": round(resumed.elapsed, 3),
    }


def _detail(resumed: Resumed) -> str:
    if not resumed.changed:
        return "was not paused"
    return "ready" if resumed.ready else "its servers were not waited for"


def _sentence(resumed: Resumed) -> str:
    state = (
        f"ready after {format_elapsed(resumed.elapsed)}"
        if resumed.ready
        else "its servers were not waited for"
    )
    return f"Control plane {resumed.id} resumed, {state}"
