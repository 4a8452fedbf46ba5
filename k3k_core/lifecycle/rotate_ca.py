"""Exchanging the authorities of a control plane, in two phases with an overlap.

First (`rotate ca`) new authorities sign everything from now on, and the old ones are still trusted: the new roots are
cross-signed, so that even who knows only an old root trusts what is new. Then, whenever agents and users have what is
new, (`rotate ca --finish`) the old ones are trusted no more. k3s is given the authorities as `k3s certificate
rotate-ca` does it (`PUT /v1-k3s/cert/cacerts`): it checks them, keeps them in its datastore, and every server takes
them from there when it starts. Facts and phases are in docs/credentials.md.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from k3k_core import manifests
from k3k_core.errors import ConflictError, Issue, K3kError, NotReadyError, UnreachableError
from k3k_core.host import HostApi
from k3k_core.lifecycle.agent_pods import renew_agents
from k3k_core.lifecycle.credentials import create_once
from k3k_core.lifecycle.operation import Operation, advance, begin, finish, operation_of
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rotate_certificates import store_new_kubeconfig
from k3k_core.lifecycle.rotating import (
    Clock,
    Rotated,
    RotationStart,
    look_at,
    restart_anew,
    restart_step,
)
from k3k_core.lifecycle.supervisor import basic, open_supervisor, running_servers
from k3k_core.manifests import Blueprint
from k3k_core.names import ControlPlaneId
from k3k_core.pki import ControlPlanePki, certificate_expiry, new_etcd_pki
from k3k_core.pki.bundles import certificates_of, roots_of
from k3k_core.pki.succession import overlaps, standing_alone, succeeding_pki
from k3k_core.resources import SECRET
from k3k_core.versions import K3sVersion

VERB = "rotate ca"
# The first minor version whose releases all know `PUT /v1-k3s/cert/cacerts`.
_SINCE_MINOR = 27
_PREPARE, _SWITCH, _ETCD, _SERVERS = "prepare", "switch", "etcd", "servers"
# Names in k3s' bootstrap data (pkg/daemons/config/types.go, ControlRuntimeBootstrap).
_BOOTSTRAP = {
    "ServerCA": "server_ca",
    "ClientCA": "client_ca",
    "RequestHeaderCA": "request_header_ca",
    "ETCDServerCA": "etcd_server_ca",
    "ETCDPeerCA": "etcd_peer_ca",
}


async def plan_rotate_ca(host: HostApi, identity: ControlPlaneId, *, finish: bool = False) -> Plan:
    """Return what exchanging the authorities would do.

    Args:
        host: an open host.
        identity: the control plane.
        finish: whether the old ones are to go, the second phase.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it is not ours to change, or another operation is under way.
    """
    start = await look_at(host, identity, VERB)
    return _plan(start, identity, finish=finish, late=await _late(host, start, finish=finish))


async def _late(host: HostApi, start: RotationStart, *, finish: bool) -> list[str]:
    """Return the servers that nobody would trust any more after the second phase."""
    wanted = finish and not start.resumes and not start.problems and overlaps(start.blueprint.pki.server_ca)
    return await servers_of_the_old(host, start.blueprint.id) if wanted else []


def _plan(start: RotationStart, identity: ControlPlaneId, *, finish: bool, late: Sequence[str] = ()) -> Plan:
    pki = start.blueprint.pki
    overlap = overlaps(pki.server_ca)
    phase = "the old authorities are trusted no more" if finish else "new authorities beside the old ones"
    done = finish and not overlap and not start.resumes
    ends = {
        name: f"{certificate_expiry(getattr(pki, name).cert_pem):%Y-%m-%d}" for name in _BOOTSTRAP.values()
    }
    return Plan(
        id=identity,
        verb=VERB,
        summary="only one generation of authorities is trusted already" if done else phase,
        steps=() if done else _steps(start, finish=finish),
        problems=(
            *start.problems,
            *_refusals(start, finish=finish),
            *(_late_problem(each, identity) for each in late),
        ),
        warnings=tuple(Issue("", text, "") for text in _advice(identity, finish=finish)),
        facts={"finish": finish, "overlaps": overlap, "ends": ends, "resumes": start.resumes},
        loses_data=start.loses_data and not done,
    )


async def rotate_ca(
    host: HostApi,
    identity: ControlPlaneId,
    progress: Progress = silent,
    *,
    finish_overlap: bool = False,
    timeout: float = 900.0,
) -> Rotated:
    """Exchange the authorities, or go on where that was stopped.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each step.
        finish_overlap: whether the old ones are to go, the second phase.
        timeout: seconds for all of it.

    Returns:
        What was exchanged, and what is left for people to do.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it cannot be done now; nothing was changed. Or k3s refuses the new authorities.
        NotReadyError: a server is not ready in time; the same command goes on.
    """
    clock = Clock(time.monotonic(), timeout)
    start = await look_at(host, identity, VERB)
    late = await _late(host, start, finish=finish_overlap)
    plan = _plan(start, identity, finish=finish_overlap, late=late)
    plan.refuse()
    if plan.nothing_to_do:
        return Rotated(identity, (), changed=False, elapsed=clock.elapsed())
    facts = {"since": datetime.now(UTC).isoformat(), "finish": "yes" if finish_overlap else ""}
    command = f"{VERB} {identity.name} -n {identity.namespace}{' --finish' if finish_overlap else ''} --yes"
    operation, _ = await begin(host, identity, Operation(VERB, _PREPARE, facts, command))
    since = operation.facts["since"]
    if operation.phase == _PREPARE:
        await _prepare(host, start.blueprint, finish=finish_overlap)
        operation = await advance(host, identity, operation, _SWITCH)
        progress(Step("prepare", "done", "the authorities are prepared", f"Secret/{_next(identity)}"))
    if operation.phase == _SWITCH:
        pki = await _read(host, identity, _next(identity))
        await _give_to_k3s(host, start.blueprint, pki)
        progress(Step("k3s", "done", "k3s keeps the authorities in its datastore"))
        await _store(host, start.blueprint, pki, progress)
        operation = await advance(host, identity, operation, _ETCD)
    if operation.phase == _ETCD:
        if start.blueprint.values.datastore.kind == "etcd":
            await restart_anew(host, identity, identity.etcd, since, VERB, clock, progress)
        operation = await advance(host, identity, operation, _SERVERS)
    await restart_anew(host, identity, identity.server, since, VERB, clock, progress)
    renewed = replace(start.blueprint, pki=await _read(host, identity, identity.pki))
    await renew_agents(host, renewed, progress, verb=VERB, timeout=clock.left())
    await host.delete(SECRET, identity.namespace, _next(identity))
    await finish(host, identity)
    shown = await servers_of_the_old(host, identity)
    what = (
        "all authorities for the new ones alone"
        if finish_overlap
        else "all authorities, the old ones still trusted"
    )
    advice = (
        *(_old_certificate(pod, identity) for pod in shown),
        *_advice(identity, finish=finish_overlap, after=True),
    )
    return Rotated(identity, (what,), changed=True, elapsed=clock.elapsed(), advice=advice)


async def _prepare(host: HostApi, blueprint: Blueprint, *, finish: bool) -> None:
    """Store the authorities that are to come in a Secret of their own, unless that has been done."""
    identity = blueprint.id
    # Five pairs of EC keys take some milliseconds to make: not on the event loop.
    now = datetime.now(UTC)
    made = await asyncio.to_thread(
        lambda: standing_alone(blueprint.pki) if finish else succeeding_pki(blueprint.pki, now)
    )
    manifest = manifests.pki_secret(identity, made, blueprint.owner)
    manifest["metadata"]["name"] = _next(identity)
    await create_once(host, manifest)


async def _read(host: HostApi, identity: ControlPlaneId, name: str) -> ControlPlanePki:
    secret = await host.get(SECRET, identity.namespace, name)
    return ControlPlanePki.from_secret_data(manifests.secret_data(secret))


async def _give_to_k3s(host: HostApi, blueprint: Blueprint, pki: ControlPlanePki) -> None:
    """Have one server check the authorities and keep them in the datastore; told twice, it does no harm.

    Raises:
        ConflictError: k3s refuses them.
        NotReadyError: no server answers.
    """
    identity = blueprint.id
    body = json.dumps(_bootstrap_data(pki)).encode()
    authorization = basic("server", blueprint.tokens.server)
    trouble = ""
    for pod in await running_servers(host, identity):
        name = str(pod["metadata"]["name"])
        try:
            # Whichever generation it shows at the moment.
            both = "".join(
                dict.fromkeys(certificates_of(blueprint.pki.server_ca.cert_pem + pki.server_ca.cert_pem))
            )
            async with open_supervisor(host, identity, pod=name, authority_pem=both) as supervisor:
                reply = await supervisor.ask(
                    "PUT",
                    "/v1-k3s/cert/cacerts?force=false",
                    authorization=authorization,
                    body=body,
                    content_type="application/json",
                )
        except UnreachableError as error:
            trouble = error.message
            continue
        if reply.status in {200, 204}:
            return
        raise ConflictError(
            f"server {name} of control plane {identity} does not take the new authorities (status {reply.status})",
            hint=f"`k3k logs {identity.name} -n {identity.namespace}` shows why; nothing uses the new ones yet.",
        )
    raise NotReadyError(
        f"no server of control plane {identity} can be told of the new authorities"
        + (f": {trouble}" if trouble else ""),
        hint="The same command goes on when one is ready.",
    )


def _bootstrap_data(pki: ControlPlanePki) -> dict[str, Any]:
    """Return the authorities as k3s takes them: name -> content in base64 and a time."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    found: dict[str, Any] = {}
    for name, attribute in _BOOTSTRAP.items():
        authority = getattr(pki, attribute)
        for key, text in ((name, authority.cert_pem), (f"{name}Key", authority.key_pem)):
            found[key] = {"Timestamp": now, "Content": base64.b64encode(text.encode()).decode("ascii")}
    return found


async def _store(host: HostApi, blueprint: Blueprint, pki: ControlPlanePki, progress: Progress) -> None:
    """Make the authorities the stored ones, and issue anew what k3k issues itself."""
    identity = blueprint.id
    secret = manifests.pki_secret(identity, pki, blueprint.owner)
    await host.patch(SECRET, identity.namespace, identity.pki, {"data": secret["data"]})
    progress(Step("store", "done", "the authorities are stored", f"Secret/{identity.pki}"))
    if blueprint.etcd_pki is not None:
        names = manifests.etcd_dns_names(identity)
        made = await asyncio.to_thread(new_etcd_pki, pki, dns_names=names, now=datetime.now(UTC))
        etcd = manifests.etcd_pki_secret(identity, made, blueprint.owner)
        await host.patch(SECRET, identity.namespace, identity.etcd_pki, {"data": etcd["data"]})
        progress(Step("etcd", "done", "issued the certificates of etcd anew", f"Secret/{identity.etcd_pki}"))
    await store_new_kubeconfig(host, replace(blueprint, pki=pki))
    text = "made the admin kubeconfig anew"
    progress(Step("kubeconfig", "done", text, f"Secret/{identity.kubeconfig}"))


async def servers_of_the_old(host: HostApi, identity: ControlPlaneId) -> list[str]:
    """Return the servers that show a certificate which the newest root alone does not lead to.

    Args:
        host: an open host.
        identity: the control plane.
    """
    secret = await host.get(SECRET, identity.namespace, identity.pki)
    roots = roots_of(manifests.secret_data(secret).get("server-ca.crt", ""))
    late = []
    for pod in await running_servers(host, identity):
        name = str(pod["metadata"]["name"])
        try:
            async with open_supervisor(host, identity, pod=name, authority_pem=roots[0]) as supervisor:
                await supervisor.shown_until()
        except K3kError:
            late.append(name)
    return late


def _refusals(start: RotationStart, *, finish: bool) -> tuple[Issue, ...]:
    identity, found = start.blueprint.id, []
    version = K3sVersion.parse(start.blueprint.values.version)
    if version.minor < _SINCE_MINOR:
        found.append(
            Issue(
                "version",
                f"k3s {version} cannot exchange its authorities",
                f"upgrade to v1.{_SINCE_MINOR} or newer first",
            )
        )
    operation = operation_of(start.root)
    noted = bool(operation.facts.get("finish")) if operation is not None else finish
    if operation is not None and noted != finish:
        found.append(Issue("", "the other phase is under way", f"`k3k {operation.command}` goes on with it"))
    if operation is None and not finish and overlaps(start.blueprint.pki.server_ca):
        found.append(
            Issue(
                "",
                "the authorities were exchanged before, and the old ones are still trusted",
                f"`k3k rotate ca {identity.name} -n {identity.namespace} --finish` first",
            )
        )
    return tuple(found)


def _steps(start: RotationStart, *, finish: bool) -> tuple[str, ...]:
    etcd = start.blueprint.values.datastore.kind == "etcd"
    first = (
        "Take the old authorities out of what is trusted."
        if finish
        else "Make new authorities, cross-signed by the old ones."
    )
    steps = [
        first,
        "Have k3s check them and keep them in its datastore.",
        f"Store them, and issue anew {'the certificates of etcd and ' if etcd else ''}the admin kubeconfig.",
    ]
    if etcd:
        steps.append("Start the members of etcd again, one at a time.")
    return (*steps, restart_step(start.blueprint))


def _advice(identity: ControlPlaneId, *, finish: bool, after: bool = False) -> tuple[str, ...]:
    where = f"{identity.name} -n {identity.namespace}"
    if finish:
        gone = (
            "whatever the old authorities signed is refused from then on: kubeconfigs of named users that were made "
            "before the exchange, and agents that have not been restarted since"
        )
        return (gone,)
    tokens = (
        "join tokens in full form (K10...) name the authority: give agents a new one in their configuration before "
        f"they restart (`k3k join {where}`)"
    )
    users = (
        "kubeconfigs that were handed out go on until the old authorities go; hand out new ones until then"
    )
    last = f"when agents and users have what is new, `k3k rotate ca {where} --finish` takes the old ones away"
    return (tokens, users, last) if after else (tokens, users)


def _old_certificate(pod: str, identity: ControlPlaneId) -> str:
    where = f"{identity.name} -n {identity.namespace}"
    return (
        f"server {pod} still shows a certificate of the old authority; `k3k rotate certificates {where} --force` has "
        "it make a new one"
    )


def _late_problem(pod: str, identity: ControlPlaneId) -> Issue:
    return Issue(
        "",
        f"server {pod} still shows a certificate of the old authority, which nobody would trust then",
        f"`k3k rotate certificates {identity.name} -n {identity.namespace} --force` first",
    )


def _next(identity: ControlPlaneId) -> str:
    return f"{identity.pki}-next"
