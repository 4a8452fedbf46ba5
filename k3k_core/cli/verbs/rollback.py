"""`k3k rollback`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from k3k_core.cli import options, planned
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.upgrade_options import replacing, replacing_options
from k3k_core.errors import UsageError
from k3k_core.host import HostApi

if TYPE_CHECKING:
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.rollback import RollbackRequest

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "rollback",
    details="The control plane gets the values of an earlier revision again, as a new revision (`k3k history` shows "
    "them); without --to those of the revision before. While an upgrade with phases is under way (blue-green, canary, "
    "--rollback-on-failure), that one is taken back. An older minor version needs --allow-downgrade, because newer "
    "ones may have changed what is stored: then `k3k backup restore` may be the right way. Run again after an "
    "interruption, the same command goes on.",
    examples=(
        Example("To the revision before, or out of an upgrade", "k3k rollback ci -n team-a"),
        Example("To the values of revision 3", "k3k rollback ci -n team-a --to 3"),
        Example("What would happen", "k3k rollback ci -n team-a --to 3 --dry-run"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option(
    "--to", "number", type=click.IntRange(min=1), metavar="NUMBER", help="The revision whose values it gets."
)
@planned.plan_options
@replacing_options
@option("--allow-downgrade", is_flag=True, help="Go back to an older minor version of k3s, by one at most.")
def command(
    session: Session,
    name: str,
    number: int | None,
    dry_run: bool,
    yes: bool,
    allow_downgrade: bool,
    **how: Any,
) -> None:
    """Go back to an earlier revision of a control plane."""
    from k3k_core.cli.upgrade_output import write_upgraded
    from k3k_core.lifecycle.rollback import RollbackRequest, rollback
    from k3k_core.lifecycle.upgrade import UpgradeRequest

    identity = identify(session, name)
    if not (yes or dry_run or session.console.can_ask()):
        raise UsageError(
            f"Rolling {identity} back has to be confirmed, and there is no terminal to ask on.",
            hint="Give --yes when you mean it; --dry-run shows what would happen.",
        )
    options_ = UpgradeRequest(id=identity, **replacing(**how))
    request = RollbackRequest(identity, to=number, allow_downgrade=allow_downgrade, options=options_)
    if (dry_run or not yes) and not _agreed(session, request, dry_run=dry_run):
        return
    done = planned.carried_out(session, lambda host, progress: rollback(host, request, progress))
    write_upgraded(session, done, verb="rollback")


def _agreed(session: Session, request: RollbackRequest, *, dry_run: bool) -> bool:
    """Show what would happen, and tell whether to do it."""
    from k3k_core.cli.upgrade_output import agreed_to, write_plan
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.rollback import plan_rollback
    from k3k_core.lifecycle.upgrade import refuse

    plan = on_host(session, lambda host: plan_rollback(host, request))
    if isinstance(plan, Plan):
        question = "Take the upgrade back?"
        return planned.agreed(session, _given(plan), yes=False, dry_run=dry_run, question=question)
    if dry_run:
        write_plan(session, plan, verb="rollback")
    refuse(plan, verb="rollback")
    if dry_run:
        return False
    if plan.nothing_to_do:
        session.console.note(f"{request.id} is as that revision says already; --to names another.")
        return False
    agreed_to(session, plan, question="Roll it back?")
    return True


def _given(plan: Plan) -> Callable[[HostApi], Awaitable[Plan]]:
    """Return what makes a plan that is made already."""

    async def make(_host: HostApi) -> Plan:
        return plan

    return make
