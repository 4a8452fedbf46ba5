"""`k3k protect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.cli import bulk, options, planned
from k3k_core.cli.command import Example, verb
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.progress import Progress
    from k3k_core.lifecycle.protect import Protection
    from k3k_core.names import ControlPlaneId

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "protect",
    details="`k3k delete` and `k3k prune` refuse a protected control plane, whatever its time to live. With "
    "`protect: true` in its values it is protected from its beginning.",
    examples=(
        Example("From deletion", "k3k protect ci -n team-a"),
        Example("No longer", "k3k protect ci -n team-a --off"),
        Example("Everything in production", "k3k protect -l stage=production -A --yes"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@bulk.optional_name_argument
@bulk.bulk_options
@planned.plan_options
@option("--off", is_flag=True, help="Take the protection off.")
def command(
    session: Session,
    name: str | None,
    selector: str | None,
    max_parallel: int,
    stop_after_failures: int | None,
    yes: bool,
    dry_run: bool,
    off: bool,
) -> None:
    """Have delete and prune refuse control planes."""
    from k3k_core.lifecycle.protect import plan_protect, protect

    async def plan(host: HostApi, each: ControlPlaneId) -> Plan:
        return await plan_protect(host, each, on=not off)

    async def work(host: HostApi, each: ControlPlaneId, progress: Progress) -> Protection:
        return await protect(host, each, progress, on=not off)

    identity = bulk.one_or_many(session, name, selector)
    if identity is not None:
        one = identity
        if planned.agreed(
            session, lambda host: plan(host, one), yes=yes, dry_run=dry_run, question="Go on?", ask=False
        ):
            _tell(session, planned.carried_out(session, lambda host, progress: work(host, one, progress)))
        return
    identities = bulk.chosen(session, selector or "")
    if dry_run:
        bulk.show_plans(session, identities, plan, "protect")
        return
    bulk.agree_to_many(session, identities, "protect --off" if off else "protect", yes=yes)
    result = bulk.carried_out_on_many(
        session, identities, work, max_parallel=max_parallel, stop_after_failures=stop_after_failures
    )
    bulk.write_results(session, "protect", result, to_dict=_document, detail=_detail)


def _document(protection: Protection) -> dict[str, Any]:
    return {"protected": protection.protected, "changed": protection.changed}


def _detail(protection: Protection) -> str:
    said = "protected" if protection.protected else "not protected"
    return said if protection.changed else f"was {said} already"


def _tell(session: Session, protection: Protection) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(protection.id))
    elif output != "table":
        head = {
            "schema": "k3k.protect/v1",
            "namespace": protection.id.namespace,
            "name": protection.id.name,
        }
        write_document(console, {**head, **_document(protection)}, output)
    elif not console.quiet:
        said = "protected" if protection.protected else "no longer protected"
        console.data(escape(f"Control plane {protection.id} is {said}"))
