"""`k3k kubeconfig`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.private_file import check_target, write_private
from k3k_core.cli.session import Session
from k3k_core.errors import UsageError
from k3k_core.host import HostApi
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.plan import Plan

_MASTERS = "system:masters"
_DEFAULT_TTL = 8 * 3600.0


@verb(
    "kubeconfig",
    details="Without --user it is the admin kubeconfig stored beside the control plane. With --user a "
    "client certificate is made for that user and nothing is stored; Kubernetes cannot revoke it, so keep "
    "--ttl short. With --revocable the user gets a token of a ServiceAccount instead, with the ClusterRoles that "
    "--cluster-role names; --revoke deletes it, --list shows those there are. --merge puts it into a kubeconfig "
    "that is there, beside what that holds.",
    examples=(
        Example("Into a file that only you can read", "k3k kubeconfig ci -n team-a --out ci.yaml"),
        Example("Beside your other contexts", "k3k kubeconfig ci -n team-a --merge ~/.kube/config"),
        Example("For somebody, for a working day", "k3k kubeconfig ci --user jane --group devs --ttl 8h"),
        Example(
            "For somebody, until it is revoked",
            "k3k kubeconfig ci --user jane --revocable --cluster-role view",
        ),
    ),
    common=(*options.host_options(), options.general_options),
)
@options.name_argument
@option("--user", metavar="USER", help="Make a client certificate for this user.")
@option("--group", "groups", multiple=True, metavar="GROUP", help="Group of the user; may be repeated.")
@option(
    "--ttl", type=options.Duration(), metavar="DURATION", help="How long the certificate lives (default 8h)."
)
@option("--revocable", is_flag=True, help="With --user: a token that can be revoked, not a certificate.")
@option(
    "--cluster-role",
    "roles",
    multiple=True,
    metavar="ROLE",
    help="With --revocable: a ClusterRole of the control plane to give it; may be repeated.",
)
@option("--list", "listed", is_flag=True, help="Show the kubeconfigs that can be revoked.")
@option("--revoke", metavar="ID", help="Revoke one of them.")
@option("--dry-run", is_flag=True, help="With --revocable or --revoke: show what would happen.")
@option("--out", metavar="FILE", help="Write to FILE, readable by you alone, instead of standard output.")
@option("--force", is_flag=True, help="With --out: replace whatever FILE is.")
@option("--merge", metavar="FILE", help="Put it into the kubeconfig FILE; what was there is kept in a copy.")
@option("--context-name", metavar="NAME", help="With --merge: name of the new context (default: the name).")
def command(
    session: Session,
    name: str,
    user: str | None,
    groups: tuple[str, ...],
    ttl: float | None,
    revocable: bool,
    roles: tuple[str, ...],
    listed: bool,
    revoke: str | None,
    dry_run: bool,
    out: str | None,
    force: bool,
    merge: str | None,
    context_name: str | None,
) -> None:
    """Print a kubeconfig."""
    if dry_run:
        _plan(session, identify(session, name), user, roles, ttl, revoke, listed=listed, revocable=revocable)
        return
    if listed or revoke is not None:
        _look_after(session, identify(session, name), revoke)
        return
    _check(user, groups, ttl, revocable=revocable, roles=roles)
    if force and out is None:
        raise UsageError("--force goes with --out.")
    if context_name is not None and merge is None:
        raise UsageError("--context-name goes with --merge.")
    if merge is not None and out is not None:
        raise UsageError("Give either --out or --merge.")
    identity = identify(session, name)
    if out is not None:
        check_target(Path(out), identity.name, force=force)
    if _MASTERS in groups:
        session.console.warn(
            f"members of {_MASTERS} may do everything, and no role can take it from them; "
            "bind a group of your own to the role that is needed"
        )
    if revocable and user is not None:
        text = _grant(session, identity, user, roles, ttl or _DEFAULT_TTL)
    else:
        text = _fetch(session, identity, user, groups, ttl or _DEFAULT_TTL)
    if merge is not None:
        _merge(session, Path(merge), text, context_name or "")
    elif out is None:
        session.console.document(text)
    else:
        write_private(Path(out), text)
        session.console.note(f"Wrote {out}.")


def _check(
    user: str | None, groups: tuple[str, ...], ttl: float | None, *, revocable: bool, roles: tuple[str, ...]
) -> None:
    if user is None and (groups or ttl is not None or revocable):
        raise UsageError("--group, --ttl and --revocable go with --user.")
    if roles and not revocable:
        raise UsageError("--cluster-role goes with --revocable.", hint="A certificate takes --group.")
    if groups and revocable:
        raise UsageError(
            "--group does not go with --revocable: a token has no groups of your choice.",
            hint="Give it rights with --cluster-role.",
        )


def _plan(
    session: Session,
    identity: ControlPlaneId,
    user: str | None,
    roles: tuple[str, ...],
    ttl: float | None,
    revoke: str | None,
    *,
    listed: bool,
    revocable: bool,
) -> None:
    """Show what would be made or taken away."""
    from k3k_core.cli.planned import write_plan
    from k3k_core.lifecycle.access import plan_grant, plan_revoke

    if listed or (revoke is None and (user is None or not revocable)):
        raise UsageError(
            "--dry-run goes with --user --revocable, or --revoke: nothing else changes anything."
        )
    lifetime = timedelta(seconds=ttl or _DEFAULT_TTL)

    async def make(host: HostApi) -> Plan:
        if revoke is not None:
            return await plan_revoke(host, identity, revoke)
        return await plan_grant(host, identity, user=user or "", roles=roles, lifetime=lifetime)

    write_plan(session, on_host(session, make))


def _grant(session: Session, identity: ControlPlaneId, user: str, roles: tuple[str, ...], ttl: float) -> str:
    from k3k_core.lifecycle.access import HOME, grant

    text, access = on_host(
        session,
        lambda host: grant(
            host,
            identity,
            user=user,
            roles=roles,
            lifetime=timedelta(seconds=ttl),
            now=datetime.now(UTC),
        ),
    )
    until = f" until {access.expires_at:%Y-%m-%d %H:%M} UTC" if access.expires_at else ""
    session.console.note(
        f"{user} has access{until}; `k3k kubeconfig {identity.name} -n {identity.namespace} "
        f"--revoke {access.access_id}` ends it before."
    )
    if not roles:
        session.console.warn(
            f"it may do next to nothing: bind a role to ServiceAccount {HOME}/{access.access_id}, "
            "or give --cluster-role"
        )
    return text


def _look_after(session: Session, identity: ControlPlaneId, revoked: str | None) -> None:
    """Revoke one, or list those there are."""
    from k3k_core.cli.output import table
    from k3k_core.lifecycle.access import granted, revoke

    if revoked is not None:
        on_host(session, lambda host: revoke(host, identity, revoked))
        session.console.note(f"Revoked {revoked}: its token is refused from now on.")
        return
    found = on_host(session, lambda host: granted(host, identity))
    if not found:
        session.console.note(f"Control plane {identity} has handed out no kubeconfig that can be revoked.")
        return
    now = datetime.now(UTC)
    rows = [[each.access_id, each.user, _left(each.expires_at, now), ",".join(each.roles)] for each in found]
    session.console.data(table(session.console.out, ["ID", "USER", "ENDS IN", "CLUSTER ROLES"], rows))


def _left(expires_at: datetime | None, now: datetime) -> str:
    from k3k_core.ages import format_age

    if expires_at is None:
        return "unknown"
    return format_age((expires_at - now).total_seconds()) if expires_at > now else "ended"


def _fetch(
    session: Session, identity: ControlPlaneId, user: str | None, groups: tuple[str, ...], ttl: float
) -> str:
    from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig, issue_kubeconfig

    async def work(host: HostApi) -> str:
        if user is None:
            return await fetch_kubeconfig(host, identity)
        return await issue_kubeconfig(
            host,
            identity,
            user=user,
            groups=groups,
            lifetime=timedelta(seconds=ttl),
            now=datetime.now(UTC),
        )

    return on_host(session, work)


def _merge(session: Session, path: Path, text: str, context: str) -> None:
    from k3k_core.cli.kubeconfig_file import merge_into

    merged = merge_into(path, text, context=context)
    verb = "Replaced" if merged.replaced else "Added"
    kept = f"; as it was, it is kept in {merged.backup}" if merged.backup is not None else ""
    session.console.note(f"{verb} context {merged.context} in {path}{kept}.")
