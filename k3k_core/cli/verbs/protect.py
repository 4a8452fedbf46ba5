"""`k3k protect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.cli import bulk, options, planned
from k3k_core.cli.changing import Change, change_one_or_many
from k3k_core.cli.command import Example, verb
from k3k_core.cli.option import option
from k3k_core.cli.session import Session

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
def command(session: Session, name: str | None, off: bool, **chosen: Any) -> None:
    """Have delete and prune refuse control planes."""
    from k3k_core.lifecycle.protect import plan_protect, protect

    async def plan(host: HostApi, each: ControlPlaneId) -> Plan:
        return await plan_protect(host, each, on=not off)

    async def work(host: HostApi, each: ControlPlaneId, progress: Progress) -> Protection:
        return await protect(host, each, progress, on=not off)

    change = Change(
        verb="protect",
        command="protect --off" if off else "protect",
        question="Go on?",
        plan=plan,
        work=work,
        to_dict=_document,
        detail=_detail,
        sentence=_sentence,
    )
    change_one_or_many(session, change, name, **chosen)


def _document(protection: Protection) -> dict[str, Any]:
    return {"protected": protection.protected, "changed": protection.changed}


def _detail(protection: Protection) -> str:
    said = "protected" if protection.protected else "not protected"
    return said if protection.changed else f"was {said} already"


def _sentence(protection: Protection) -> str:
    said = "protected" if protection.protected else "no longer protected"
    return f"Control plane {protection.id} is {said}"
