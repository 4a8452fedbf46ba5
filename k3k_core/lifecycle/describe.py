"""Describing one control plane from the objects of its host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from k3k_core import manifests
from k3k_core.ages import format_age
from k3k_core.concurrency import together
from k3k_core.discovery import ControlPlane, list_control_planes
from k3k_core.discovery.addresses import api_port, load_balancer_host, url
from k3k_core.discovery.control_plane import parse_time
from k3k_core.errors import ForbiddenError, K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.description import (
    Certificate,
    Condition,
    Description,
    Endpoint,
    EventLine,
    ServerPod,
    Volume,
)
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.names import LABEL_CONTROL_PLANE, LABEL_INSTANCE, ControlPlaneId
from k3k_core.pki import ControlPlanePki, Tokens, certificate_expiry, kubeconfig_expiry
from k3k_core.resources import EVENT, PERSISTENT_VOLUME_CLAIM, POD, SECRET, SERVICE, Resource

_SHOWN_EVENTS = 30
# Before the end of a time to live, from when on it is told.
_NEAR_END = timedelta(hours=1)
_OLD_BACKUP = timedelta(days=7)


async def describe(host: HostApi, identity: ControlPlaneId, *, now: datetime) -> Description:
    """Gather what the host knows of a control plane.

    Args:
        host: an open host.
        identity: the control plane.
        now: current time (UTC).

    Raises:
        NotFoundError: there is none of that name.
        K3kError: the host refuses or does not answer.
    """
    rows = await list_control_planes(host, namespace=identity.namespace, now=now)
    summary = next((row for row in rows if row.name == identity.name), None)
    if summary is None:
        raise NotFoundError(
            f"control plane {identity} does not exist on host {host.name}",
            hint=_elsewhere(identity, rows) or "`k3k list` shows what there is.",
        )
    label = LABEL_INSTANCE if summary.read_only else LABEL_CONTROL_PLANE
    selector = f"{label}={identity.name}"
    hidden: list[str] = []
    secrets, services, (pods, volumes), events = await together(
        _list(host, SECRET, identity, selector),
        _list(host, SERVICE, identity, selector),
        together(
            _list_if_allowed(host, POD, identity, selector, hidden),
            _list_if_allowed(host, PERSISTENT_VOLUME_CLAIM, identity, selector, hidden),
        ),
        _list_if_allowed(host, EVENT, identity, "", hidden),
    )
    by_name = {item["metadata"]["name"]: item for item in secrets}
    root = by_name.get(identity.root) if not summary.read_only else None
    front = next((item for item in services if item["metadata"]["name"] == identity.service), None)
    return Description(
        summary=summary,
        revision=manifests.stored_revision(root) if root else 0,
        values=_values(root) if root else {},
        endpoints=_endpoints(front or next(iter(services), None)),
        servers=tuple(sorted((_server(pod) for pod in pods), key=lambda pod: pod.name)),
        certificates=_certificates(identity, by_name),
        conditions=(
            *_conditions(identity, summary, by_name),
            *_near_end(identity, summary, now),
            *_old_backup(identity, summary, now),
        ),
        volumes=tuple(sorted((_volume(item) for item in volumes), key=lambda item: item.name)),
        events=_events(identity, events, {item["metadata"]["name"] for item in (*pods, *volumes)}),
        now=now,
        hidden=tuple(sorted(hidden)),
    )


async def _list_if_allowed(
    host: HostApi, resource: Resource, identity: ControlPlaneId, selector: str, hidden: list[str]
) -> list[dict[str, Any]]:
    """List what a description can do without; what this identity may not see is noted in `hidden`."""
    try:
        return await _list(host, resource, identity, selector)
    except ForbiddenError:
        hidden.append(resource.plural)
        return []


async def _list(
    host: HostApi, resource: Resource, identity: ControlPlaneId, selector: str
) -> list[dict[str, Any]]:
    return (await host.list(resource, identity.namespace, labels=selector)).items


def _elsewhere(identity: ControlPlaneId, rows: Iterable[ControlPlane]) -> str:
    names = [row.name for row in rows]
    return f"Namespace {identity.namespace} holds: {', '.join(names)}." if names else ""


def _values(root: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return stored_values(root).given
    except K3kError:
        # Written by a newer k3k: everything else can still be told.
        return {}


def _endpoints(service: Mapping[str, Any] | None) -> tuple[Endpoint, ...]:
    if service is None:
        return ()
    metadata, spec, port = service["metadata"], service.get("spec", {}), api_port(service)
    found = []
    if host := load_balancer_host(service):
        found.append(Endpoint("LoadBalancer", url(host, port), "where the load balancer's address is routed"))
    for item in spec.get("ports") or ():
        if spec.get("type") == "NodePort" and item.get("nodePort"):
            found.append(Endpoint("NodePort", url("NODE", item["nodePort"]), "whoever reaches the nodes"))
    if spec.get("clusterIP") not in {None, "", "None"}:
        found.append(Endpoint("ClusterIP", url(spec["clusterIP"], port), "inside the host"))
    name = f"{metadata['name']}.{metadata['namespace']}.svc"
    found.append(Endpoint("DNS", url(name, port), "inside the host"))
    return tuple(found)


def _server(pod: Mapping[str, Any]) -> ServerPod:
    status = pod.get("status", {})
    conditions = {item.get("type"): item.get("status") for item in status.get("conditions") or ()}
    return ServerPod(
        name=pod["metadata"]["name"],
        ready=conditions.get("Ready") == "True",
        phase=trouble_of(pod) or str(status.get("phase", "Unknown")),
        restarts=sum(int(item.get("restartCount", 0)) for item in status.get("containerStatuses") or ()),
        node=pod.get("spec", {}).get("nodeName", ""),
        address=status.get("podIP", ""),
    )


def _volume(claim: Mapping[str, Any]) -> Volume:
    status, spec = claim.get("status", {}), claim.get("spec", {})
    asked = (spec.get("resources") or {}).get("requests") or {}
    return Volume(
        name=claim["metadata"]["name"],
        phase=status.get("phase", "Pending"),
        size=str((status.get("capacity") or asked).get("storage", "")),
        storage_class=spec.get("storageClassName") or "",
    )


def _certificates(
    identity: ControlPlaneId, secrets: Mapping[str, Mapping[str, Any]]
) -> tuple[Certificate, ...]:
    found = []
    for name in (identity.pki, identity.etcd_pki):
        for key, text in _text_of(secrets.get(name, {})).items():
            if key.endswith(".crt"):
                # What cannot be read is told as a condition.
                with suppress(K3kError):
                    found.append(Certificate(key.removesuffix(".crt"), certificate_expiry(text)))
    for document in _text_of(secrets.get(identity.kubeconfig, {})).values():
        if ends := kubeconfig_expiry(document):
            found.append(Certificate("admin kubeconfig", ends))
    return tuple(sorted(found, key=lambda item: (item.expires_at, item.name)))


def _text_of(secret: Mapping[str, Any]) -> dict[str, str]:
    try:
        return manifests.secret_data(secret)
    except K3kError:
        return {}


def _damaged(identity: ControlPlaneId, secrets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of the credentials that exist and cannot be used."""
    damaged = []
    try:
        pki = ControlPlanePki.from_secret_data(_text_of(secrets.get(identity.pki, {})))
        for authority in (pki.server_ca, pki.client_ca):
            certificate_expiry(authority.cert_pem)
    except K3kError:
        damaged.append(identity.pki)
    try:
        Tokens.from_secret_data(_text_of(secrets.get(identity.tokens, {})))
    except K3kError:
        damaged.append(identity.tokens)
    if not any(kubeconfig_expiry(text) for text in _text_of(secrets.get(identity.kubeconfig, {})).values()):
        damaged.append(identity.kubeconfig)
    return [name for name in damaged if name in secrets]


def _conditions(
    identity: ControlPlaneId, summary: ControlPlane, secrets: Mapping[str, Mapping[str, Any]]
) -> tuple[Condition, ...]:
    missing = [name for name in (identity.pki, identity.tokens, identity.kubeconfig) if name not in secrets]
    counted = f"{summary.servers_ready} of {summary.servers_wanted} servers ready"
    if summary.verdict == "Paused":
        counted = "paused: no servers are asked for"
    ready = 0 < summary.servers_wanted <= summary.servers_ready
    conditions = [
        Condition(
            "AddressKnown",
            "True" if summary.endpoint else "False",
            summary.endpoint or "no load balancer has given the Service an address",
        ),
        Condition("ServersReady", "True" if ready else "False", counted),
    ]
    if not summary.read_only:
        trouble = [
            f"{what}: {', '.join(names)}"
            for what, names in (("missing", missing), ("damaged", _damaged(identity, secrets)))
            if names
        ]
        text = "; ".join(trouble) or "authorities, tokens and kubeconfig exist"
        conditions.append(Condition("CredentialsStored", "False" if trouble else "True", text))
    return tuple(conditions)


def _near_end(identity: ControlPlaneId, summary: ControlPlane, now: datetime) -> tuple[Condition, ...]:
    """Tell that a time to live is about to end, or over."""
    if summary.expires_at is None or summary.expires_at - now > _NEAR_END:
        return ()
    left = (summary.expires_at - now).total_seconds()
    text = (
        f"ends in {format_age(left)}"
        if left > 0
        else f"ended {format_age(-left)} ago: `k3k prune` deletes it"
    )
    if summary.protected:
        text += ", protected from that"
    command = f"k3k ttl {identity.name} +1h -n {identity.namespace}"
    return (Condition("TimeLeft", "False", f"{text}; `{command}` gives it longer"),)


def _old_backup(identity: ControlPlaneId, summary: ControlPlane, now: datetime) -> tuple[Condition, ...]:
    """Tell that the newest backup is old; who never took one may not want any."""
    if summary.backed_up_at is None or now - summary.backed_up_at <= _OLD_BACKUP:
        return ()
    age = format_age((now - summary.backed_up_at).total_seconds())
    command = f"k3k backup create {identity.name} -n {identity.namespace}"
    text = f"no backup for {age}; `{command}` takes one, backup.schedule does so by itself"
    return (Condition("BackedUp", "False", text),)


def _events(
    identity: ControlPlaneId, events: Iterable[Mapping[str, Any]], owned: set[str]
) -> tuple[EventLine, ...]:
    """Take the events of this control plane's objects out of the namespace's.

    Objects are known by name: an event outlives its object, so labels cannot be asked for.
    """
    prefixes = (f"{identity.root}-", f"data-{identity.root}-")
    lines = []
    for event in events:
        about = event.get("involvedObject") or event.get("regarding") or {}
        name = str(about.get("name", ""))
        if name != identity.root and name not in owned and not name.startswith(prefixes):
            continue
        series = event.get("series") or {}
        lines.append(
            EventLine(
                last_seen=parse_time(
                    series.get("lastObservedTime")
                    or event.get("lastTimestamp")
                    or event.get("eventTime")
                    or event["metadata"].get("creationTimestamp")
                ),
                type=str(event.get("type", "")),
                reason=str(event.get("reason", "")),
                subject=f"{about.get('kind', '')}/{name}",
                message=str(event.get("message") or event.get("note") or ""),
                count=int(series.get("count") or event.get("count") or 1),
            )
        )
    lines.sort(key=lambda line: (line.last_seen.timestamp() if line.last_seen else 0.0, line.reason))
    return tuple(lines[-_SHOWN_EVENTS:])
