"""Making the certificates of a control plane anew that k3k and k3s issue themselves; its authorities stay.

k3s makes its leaves anew when it starts: those that are gone, and those in the last 120 days of their life (90 in
releases before May 2025). A server that keeps its files has its leaves removed before, so that a restart renews them
in every release; one that keeps nothing makes all of them anyway. Servers start again one at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from k3k_core import manifests
from k3k_core.discovery.control_plane import parse_time
from k3k_core.errors import ForbiddenError, Issue, K3kError
from k3k_core.host import HostApi
from k3k_core.lifecycle.certificates import RENEWAL_WINDOW, CertificateEnd, certificate_ends
from k3k_core.lifecycle.kubeconfigs import admin_kubeconfig
from k3k_core.lifecycle.operation import Operation, advance, begin, finish
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rotating import (
    Clock,
    Rotated,
    RotationStart,
    look_at,
    restart_anew,
    restart_step,
)
from k3k_core.lifecycle.supervisor import running_servers
from k3k_core.manifests import Address, Blueprint
from k3k_core.manifests.scripts import command
from k3k_core.names import ControlPlaneId
from k3k_core.pki import certificate_expiry, kubeconfig_expiry, new_etcd_pki
from k3k_core.resources import SECRET

VERB = "rotate certificates"
_ETCD, _KUBECONFIG, _RESTART = "etcd", "kubeconfig", "restart"
_DAY = timedelta(days=1)
# Leaves below `server/tls` (pkg/daemons/control/deps/deps.go of k3s).
_LEAVES = (
    "client-admin",
    "client-supervisor",
    "client-kube-apiserver",
    "client-controller",
    "client-scheduler",
    "client-kube-proxy",
    "client-k3s-controller",
    "client-k3s-cloud-controller",
    "client-auth-proxy",
    "serving-kube-apiserver",
    "kube-scheduler/kube-scheduler",
    "kube-controller-manager/kube-controller-manager",
    "etcd/client",
    "etcd/server-client",
    "etcd/peer-server-client",
)
# Found at a start, this empty file has k3s make the certificate anew that it shows (pkg/cluster/https.go).
_REGENERATE = "dynamic-cert-regenerate"


async def plan_rotate_certificates(
    host: HostApi, identity: ControlPlaneId, *, force: bool = False, now: datetime | None = None
) -> Plan:
    """Return what making certificates anew would do; nothing when none ends within 120 days.

    Args:
        host: an open host.
        identity: the control plane.
        force: whether those that are good for longer are made anew, too.
        now: current time (UTC).

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it is not ours to change, or another operation is under way.
    """
    moment = now or datetime.now(UTC)
    start = await look_at(host, identity, VERB, tells_k3s=False)
    ends, silent_servers = await certificate_ends(host, identity, now=moment)
    due = [end for end in ends if end.kind != "authority" and _is_due(end, moment, force=force)]
    warnings = [Issue("", why, "") for why in silent_servers]
    warnings += [_old_authority(end, moment) for end in ends if _authority_ends(end, moment)]
    return Plan(
        id=identity,
        verb=VERB,
        summary=_summary(ends, due, moment),
        steps=_steps(start, due) if due or start.resumes else (),
        problems=start.problems,
        warnings=tuple(warnings),
        facts={"due": [end.to_dict(moment) for end in due], "resumes": start.resumes},
        loses_data=start.loses_data and bool(due),
    )


async def rotate_certificates(
    host: HostApi,
    identity: ControlPlaneId,
    progress: Progress = silent,
    *,
    force: bool = False,
    timeout: float = 600.0,
    now: datetime | None = None,
) -> Rotated:
    """Make certificates anew, or go on where that was stopped.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each step.
        force: whether those that are good for longer than 120 days are made anew, too.
        timeout: seconds for all of it.
        now: current time (UTC).

    Returns:
        What was made anew.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it cannot be done now; nothing was changed.
        NotReadyError: a server is not ready in time; the same command goes on.
    """
    clock, moment = Clock(time.monotonic(), timeout), now or datetime.now(UTC)
    start = await look_at(host, identity, VERB, tells_k3s=False)
    Plan(identity, VERB, "make certificates anew", problems=start.problems).refuse()
    if not start.resumes:
        ends, _ = await certificate_ends(host, identity, now=moment)
        if not any(end.kind != "authority" and _is_due(end, moment, force=force) for end in ends):
            return Rotated(identity, (), changed=False, elapsed=clock.elapsed())
    facts = {"since": moment.isoformat(), "force": "yes" if force else ""}
    operation, _ = await begin(host, identity, Operation(VERB, _ETCD, facts, _command(identity)))
    since, forced = parse_time(operation.facts.get("since")) or moment, bool(operation.facts.get("force"))
    what: list[str] = []
    if operation.phase == _ETCD:
        if await _renew_etcd(host, start.blueprint, since, forced):
            what.append("the certificates of etcd")
            progress(
                Step("etcd", "done", "made the certificates of etcd anew", f"Secret/{identity.etcd_pki}")
            )
        operation = await advance(host, identity, operation, _KUBECONFIG)
    if operation.phase == _KUBECONFIG:
        if await _renew_kubeconfig(host, start.blueprint, since, forced):
            what.append("the admin kubeconfig")
            text = "made the admin kubeconfig anew"
            progress(Step("kubeconfig", "done", text, f"Secret/{identity.kubeconfig}"))
        await _remove_leaves(host, start.blueprint, progress)
        operation = await advance(host, identity, operation, _RESTART)
    await restart_anew(host, identity, identity.server, since.isoformat(), VERB, clock, progress)
    await finish(host, identity)
    advice = await _left_over(host, identity, since)
    return Rotated(
        identity,
        (*what, "the certificates of the servers"),
        changed=True,
        elapsed=clock.elapsed(),
        advice=advice,
    )


async def _renew_etcd(host: HostApi, blueprint: Blueprint, since: datetime, forced: bool) -> bool:
    """Issue etcd's certificates anew; its members and the servers read the files again for every connection."""
    current = blueprint.etcd_pki
    if current is None:
        return False
    end = min(certificate_expiry(leaf.cert_pem) for leaf in (current.server, current.peer, current.client))
    # They live as long as their authority: near its end new ones would end with it, too.
    near = (
        end - since <= RENEWAL_WINDOW
        and end < certificate_expiry(blueprint.pki.etcd_server_ca.cert_pem) - _DAY
    )
    if not (near or forced):
        return False
    names = manifests.etcd_dns_names(blueprint.id)
    made = await asyncio.to_thread(new_etcd_pki, blueprint.pki, dns_names=names, now=datetime.now(UTC))
    await host.apply(manifests.etcd_pki_secret(blueprint.id, made, blueprint.owner), force=True)
    return True


async def _renew_kubeconfig(host: HostApi, blueprint: Blueprint, since: datetime, forced: bool) -> bool:
    end = kubeconfig_expiry(blueprint.admin_kubeconfig)
    if end is not None and end - since > RENEWAL_WINDOW and not forced:
        return False
    await store_new_kubeconfig(host, blueprint)
    return True


async def store_new_kubeconfig(host: HostApi, blueprint: Blueprint) -> str:
    """Make the administrator's kubeconfig anew, store it and return it.

    Args:
        host: an open host.
        blueprint: the control plane.
    """
    address = blueprint.address or Address(blueprint.id.service)
    document = admin_kubeconfig(blueprint.id, blueprint.pki, address, now=datetime.now(UTC))
    manifest = manifests.kubeconfig_secret(blueprint.id, blueprint.values, document, blueprint.owner)
    patch = {"data": manifest["data"], "metadata": {"annotations": manifest["metadata"].get("annotations")}}
    await host.patch(SECRET, blueprint.id.namespace, blueprint.id.kubeconfig, patch)
    return document


async def _remove_leaves(host: HostApi, blueprint: Blueprint, progress: Progress) -> None:
    """Remove the leaves of a server that keeps its files, so that its next start makes all of them anew."""
    values = blueprint.values
    if values.datastore.kind != "sqlite" or not values.persistence.enabled:
        return
    folder = f"{values.k3s.data_dir}/server/tls"
    paths = [f"{folder}/{name}.{end}" for name in _LEAVES for end in ("crt", "key")]
    for pod in await running_servers(host, blueprint.id):
        name = str(pod["metadata"]["name"])
        try:
            why = ""
            for script in (command("remove", *paths), command("receive", f"{folder}/{_REGENERATE}", "0")):
                ended = await host.exec(blueprint.id.namespace, name, script, container="k3s", timeout=30.0)
                if ended.exit_code != 0:
                    why = ended.stderr.strip() or f"exit code {ended.exit_code}"
        except (ForbiddenError, K3kError) as error:
            why = error.message
        if why:
            text = (
                f"the leaves of {name} could not be removed ({why}); k3s renews those in their last 120 days"
            )
            progress(Step("leaves", "warning", text, f"Pod/{name}"))


async def _left_over(host: HostApi, identity: ControlPlaneId, since: datetime) -> tuple[str, ...]:
    """Return what still ends soon; what cannot be looked at is not told of."""
    try:
        ends, _ = await certificate_ends(host, identity, now=since)
    except K3kError:
        return ()
    late = [end for end in ends if end.kind != "authority" and end.expires_at - since <= RENEWAL_WINDOW]
    return tuple(f"{end.name} ({end.holder}) still ends on {end.expires_at:%Y-%m-%d}" for end in late)


def _is_due(end: CertificateEnd, now: datetime, *, force: bool) -> bool:
    return force or end.expires_at - now <= RENEWAL_WINDOW


def _authority_ends(end: CertificateEnd, now: datetime) -> bool:
    return end.kind == "authority" and end.expires_at - now <= timedelta(days=365)


def _old_authority(end: CertificateEnd, now: datetime) -> Issue:
    return Issue(
        "",
        f"authority {end.name} ends in {(end.expires_at - now) // _DAY} days, and all it signed with it",
        f"`k3k rotate ca {end.id.name} -n {end.id.namespace}`",
    )


def _summary(ends: Sequence[CertificateEnd], due: Sequence[CertificateEnd], now: datetime) -> str:
    if due:
        return f"make {len(due)} certificate{'s' if len(due) != 1 else ''} anew"
    first = next((end for end in ends if end.kind != "authority"), None)
    if first is None:
        return "there is no certificate to make anew"
    days = (first.expires_at - now) // _DAY
    return f"no certificate ends within 120 days; the first is {first.name}, in {days} days"


def _steps(start: RotationStart, due: Sequence[CertificateEnd]) -> tuple[str, ...]:
    kinds = {end.kind for end in due}
    steps = []
    if "etcd" in kinds:
        steps.append("Issue the certificates of etcd anew; nothing has to restart for them.")
    if "kubeconfig" in kinds:
        steps.append("Make the admin kubeconfig anew; the one before stays good until its own end.")
    steps.append(restart_step(start.blueprint))
    return tuple(steps)


def _command(identity: ControlPlaneId) -> str:
    return f"rotate certificates {identity.name} -n {identity.namespace} --yes"
