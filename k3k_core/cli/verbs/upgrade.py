"""`k3k upgrade`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.values_input import read_values, values_options
from k3k_core.errors import K3kError, UsageError
from k3k_core.host import HostApi
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.upgrade import Upgraded, UpgradePlan, UpgradeRequest

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "upgrade",
    details="With -f or --preset the control plane gets those values, as with create; --version, --set and "
    "--ttl alone change the values it has. What it cannot become is refused before anything is touched: more than "
    "one minor version at a time, an older version, values that are fixed at the first start. Servers are "
    "replaced one at a time, each when the one before it is ready. Run again after an interruption, the same command "
    "goes on where it stopped.",
    examples=(
        Example("To another version", "k3k upgrade ci -n team-a --version v1.36.3+k3s1"),
        Example("To what a values file says", "k3k upgrade ci -n team-a -f values.yaml"),
        Example("What would happen", "k3k upgrade ci -n team-a --set servers=3 --dry-run"),
        Example("In a script", "k3k upgrade ci -n team-a -f values.yaml --yes -o json"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@values_options
@option("--dry-run", is_flag=True, help="Change nothing: show what would happen, and whether it may.")
@option("-y", "--yes", is_flag=True, help="Do not ask.")
@option("--wait/--no-wait", default=True, help="Wait until every server is ready (default), or not.")
@option(
    "--timeout",
    type=options.Duration(),
    default=600.0,
    metavar="DURATION",
    help="Longest wait (default 10m).",
)
@option(
    "--allow-downgrade",
    is_flag=True,
    help="Go back to an older version, by one minor at most. k3s does not support it: newer versions may have "
    "changed what is stored.",
)
@option("--ignore-health", is_flag=True, help="Change the version though not all servers are ready.")
@option(
    "--force-conflicts", is_flag=True, help="Take over fields that another field manager of the host owns."
)
def command(
    session: Session,
    name: str,
    dry_run: bool,
    yes: bool,
    wait: bool,
    timeout: float,
    allow_downgrade: bool,
    ignore_health: bool,
    force_conflicts: bool,
    **asked: Any,
) -> None:
    """Upgrade a control plane."""
    from k3k_core.cli.upgrade_output import write_plan, write_upgraded
    from k3k_core.lifecycle.upgrade import UpgradeRequest, refuse

    identity = identify(session, name)
    if not any(asked.values()):
        raise UsageError(
            "There is nothing to upgrade to.", hint="Give --version, -f FILE, --preset, --set or --ttl."
        )
    if not (yes or dry_run or session.console.can_ask()):
        raise UsageError(
            f"Upgrading {identity} has to be confirmed, and there is no terminal to ask on.",
            hint="Give --yes when you mean it; --dry-run shows what would happen.",
        )
    request = UpgradeRequest(
        id=identity,
        **_wanted(session, **asked),
        allow_downgrade=allow_downgrade,
        ignore_health=ignore_health,
        wait=wait,
        timeout=timeout,
        force_conflicts=force_conflicts,
    )
    if dry_run or not yes:
        plan = _plan(session, request)
        if dry_run:
            write_plan(session, plan)
        refuse(plan)
        if dry_run or (plan.nothing_to_do and _nothing_to_do(session, identity)):
            return
        _confirm(session, plan)
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


def _confirm(session: Session, plan: UpgradePlan) -> None:
    from k3k_core.cli.upgrade_output import plan_lines

    console = session.console
    console.note("\n".join(plan_lines(session, plan, objects=False)))
    for warning in plan.warnings:
        console.warn(str(warning))
    if plan.loses_data:
        agreed = (
            console.ask(f"Type the name {plan.id.name!r} to upgrade it and lose its data: ") == plan.id.name
        )
    else:
        agreed = console.ask("Upgrade it? [y/N] ").lower() in {"y", "yes"}
    if not agreed:
        raise K3kError("Nothing was changed.")
