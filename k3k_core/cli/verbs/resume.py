"""`k3k resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.cli import bulk, options, planned
from k3k_core.cli.command import Example, verb
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape

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
def command(
    session: Session,
    name: str | None,
    selector: str | None,
    max_parallel: int,
    stop_after_failures: int | None,
    yes: bool,
    dry_run: bool,
    wait: bool,
    timeout: float,
) -> None:
    """Bring paused control planes back."""
    from k3k_core.lifecycle.pause import plan_resume, resume

    async def work(host: HostApi, each: ControlPlaneId, progress: Progress) -> Resumed:
        return await resume(host, each, progress, wait=wait, timeout=timeout)

    identity = bulk.one_or_many(session, name, selector)
    if identity is not None:
        one = identity
        agreed = planned.agreed(
            session,
            lambda host: plan_resume(host, one),
            yes=yes,
            dry_run=dry_run,
            question="Resume it?",
            ask=False,
        )
        if agreed:
            _tell(session, planned.carried_out(session, lambda host, progress: work(host, one, progress)))
        return
    identities = bulk.chosen(session, selector or "")
    if dry_run:
        bulk.show_plans(session, identities, plan_resume, "resume")
        return
    bulk.agree_to_many(session, identities, "resume", yes=yes)
    result = bulk.carried_out_on_many(
        session, identities, work, max_parallel=max_parallel, stop_after_failures=stop_after_failures
    )
    bulk.write_results(session, "resume", result, to_dict=_document, detail=_detail)


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


def _tell(session: Session, resumed: Resumed) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(resumed.id))
    elif output != "table":
        head = {"schema": "k3k.resume/v1", "namespace": resumed.id.namespace, "name": resumed.id.name}
        write_document(console, {**head, **_document(resumed)}, output)
    elif not console.quiet:
        took = format_elapsed(resumed.elapsed)
        state = f"ready after {took}" if resumed.ready else "its servers were not waited for"
        console.data(escape(f"Control plane {resumed.id} resumed, {state}"))
