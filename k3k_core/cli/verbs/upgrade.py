"""`k3k upgrade`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.cli import bulk, options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.upgrade_options import backup_options, replacing, replacing_options
from k3k_core.cli.values_input import read_values, values_options
from k3k_core.errors import UsageError
from k3k_core.host import HostApi
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.upgrade import Upgraded, UpgradePlan, UpgradeRequest

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "upgrade",
    details="With -f or --preset the control plane gets those values, as with create; --version, --set and "
    "--ttl alone change the values it has. What it cannot become is refused before anything is touched: more than "
    "one minor version at a time, an older version, values that are fixed at the first start, a new version without "
    "a backup. Servers are replaced one at a time, each when the one before it is ready; with blue-green a second set "
    "takes over meanwhile. Run again after an interruption, the same command goes on where it stopped, and `k3k "
    "rollback` goes back.",
    examples=(
        Example("To another version", "k3k upgrade ci -n team-a --version v1.36.3+k3s1"),
        Example("To what a values file says", "k3k upgrade ci -n team-a -f values.yaml"),
        Example(
            "Without a pause, and back if it does not work",
            "k3k upgrade shop -n team-a --version v1.36.3+k3s1 --strategy blue-green --rollback-on-failure",
        ),
        Example(
            "All of a team, the first one alone",
            "k3k upgrade -l team=a -A --version v1.36.3+k3s1 --canary --max-parallel 5 --stop-after-failures 2 --yes",
        ),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@bulk.optional_name_argument
@values_options
@option("--dry-run", is_flag=True, help="Change nothing: show what would happen, and whether it may.")
@option("-y", "--yes", is_flag=True, help="Do not ask.")
@replacing_options
@backup_options
@bulk.bulk_options
@option(
    "--allow-downgrade",
    is_flag=True,
    help="Go back to an older version, by one minor at most. k3s does not support it: newer versions may have "
    "changed what is stored.",
)
def command(
    session: Session,
    name: str | None,
    selector: str | None,
    max_parallel: int,
    stop_after_failures: int | None,
    dry_run: bool,
    yes: bool,
    allow_downgrade: bool,
    file: str | None,
    preset: str | None,
    assignments: tuple[str, ...],
    k3s_version: str | None,
    ttl: str | None,
    **how: Any,
) -> None:
    """Change the version or the values of control planes."""
    from k3k_core.lifecycle.upgrade import UpgradeRequest

    identity = bulk.one_or_many(session, name, selector)
    if not any((file, preset, assignments, k3s_version, ttl)):
        raise UsageError(
            "There is nothing to upgrade to.", hint="Give --version, -f FILE, --preset, --set or --ttl."
        )
    if identity is not None and not (yes or dry_run or session.console.can_ask()):
        raise UsageError(
            f"Upgrading {identity} has to be confirmed, and there is no terminal to ask on.",
            hint="Give --yes when you mean it; --dry-run shows what would happen.",
        )
    wanted = _wanted(
        session, file=file, preset=preset, assignments=assignments, k3s_version=k3s_version, ttl=ttl
    )
    fields = {**replacing(**how), **wanted, "allow_downgrade": allow_downgrade}
    if identity is not None:
        _one(session, UpgradeRequest(id=identity, **fields), dry_run=dry_run, yes=yes)
        return
    from k3k_core.cli.upgrade_many import plan_many, upgrade_many

    requests = {
        # The canary of many is the first control plane, not one server of each.
        each: UpgradeRequest(id=each, **{**fields, "canary": False})
        for each in bulk.chosen(session, selector or "")
    }
    if dry_run:
        plan_many(session, requests)
        return
    bulk.agree_to_many(session, tuple(requests), "upgrade", yes=yes)
    upgrade_many(
        session,
        requests,
        max_parallel=max_parallel,
        stop_after_failures=stop_after_failures,
        canary=bool(fields["canary"]),
    )


def _one(session: Session, request: UpgradeRequest, *, dry_run: bool, yes: bool) -> None:
    from k3k_core.cli.upgrade_output import agreed_to, write_plan, write_upgraded
    from k3k_core.lifecycle.upgrade import refuse

    if dry_run or not yes:
        plan = _plan(session, request)
        if dry_run:
            write_plan(session, plan)
        refuse(plan)
        if dry_run or (plan.nothing_to_do and _nothing_to_do(session, request.id)):
            return
        agreed_to(session, plan)
    write_upgraded(session, _upgrade(session, request))


def _wanted(
    session: Session,
    *,
    file: str | None,
    preset: str | None,
    assignments: tuple[str, ...],
    k3s_version: str | None,
    ttl: str | None,
) -> dict[str, Any]:
    """Return whole values when a file or a preset is named, else what changes of those there are."""
    if file is not None or preset is not None:
        values = read_values(
            session, file=file, preset=preset, assignments=assignments, k3s_version=k3s_version, ttl=ttl
        )
        return {"values": values}
    more = (f"ttl={ttl}",) if ttl is not None else ()
    return {"version": k3s_version, "assignments": (*assignments, *more)}


def _plan(session: Session, request: UpgradeRequest) -> UpgradePlan:
    from k3k_core.lifecycle.upgrade import plan_upgrade

    return on_host(session, lambda host: plan_upgrade(host, request))


def _upgrade(session: Session, request: UpgradeRequest) -> Upgraded:
    from k3k_core.cli.progress import reporting
    from k3k_core.lifecycle.upgrade import upgrade

    async def work(host: HostApi) -> Upgraded:
        async with reporting(session.console) as progress:
            return await upgrade(host, request, progress)

    return on_host(session, work)


def _nothing_to_do(session: Session, identity: ControlPlaneId) -> bool:
    session.console.note(f"{identity} is as asked for already.")
    return True
