"""Letting agents join: bootstrap tokens that end by themselves, and where an agent finds the control plane.

A bootstrap token is a Secret in `kube-system` of the control plane, as `k3s token create` makes it: it lets agents
join and nothing else, and the control plane deletes it when its time is over
(https://docs.k3s.io/cli/token, https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/).
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from k3k_core import manifests
from k3k_core.discovery.control_plane import parse_time
from k3k_core.errors import ConflictError, K3kError, NotFoundError, UsageError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig, server_of
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.supervisor import open_supervisor, verifying
from k3k_core.manifests.metadata import secret as secret_manifest
from k3k_core.names import FIELD_MANAGER, LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.pki.bundles import join_token, roots_of
from k3k_core.resources import SECRET

DEFAULT_LIFETIME = timedelta(hours=24)
SHORTEST_LIFETIME = timedelta(minutes=1)
NAMESPACE = "kube-system"
TYPE = "bootstrap.kubernetes.io/token"
_PREFIX = "bootstrap-token-"
# What k3s gives the tokens that it makes; agents are let in by it.
_GROUP = "system:bootstrappers:k3s:default-node-token"
_LETTERS = string.ascii_lowercase + string.digits
_CONNECT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an agent needs to join.

    Attributes:
        id: the control plane.
        server: URL it joins at.
        token: the full token (secret).
        token_id: by which it is listed and revoked.
        version: k3s version the agent should have: the control plane's.
        expires_at: when nobody can join with it any more (UTC).
        reached: whether the address answered from here, with a certificate of the control plane.
    """

    id: ControlPlaneId
    server: str
    token: str = field(repr=False)
    token_id: str
    version: str
    expires_at: datetime
    reached: bool


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """A bootstrap token that exists.

    Attributes:
        token_id: its id.
        expires_at: when it ends; None for never.
        description: what it is for.
        by_k3k: whether `k3k join` made it.
    """

    token_id: str
    expires_at: datetime | None
    description: str
    by_k3k: bool


async def plan_invite(host: HostApi, identity: ControlPlaneId, *, lifetime: timedelta, now: datetime) -> Plan:
    """Tell what an invitation would make; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.
        lifetime: how long agents may join with the token.
        now: current time (UTC).

    Raises:
        NotFoundError: the control plane does not exist.
        UsageError: the lifetime is too short.
    """
    _check_lifetime(lifetime)
    root = await find_root(host, identity)
    version = stored_values(root).values.version
    server = server_of(await fetch_kubeconfig(host, identity))
    ends = f"{now + lifetime:%Y-%m-%d %H:%M} UTC"
    return Plan(
        id=identity,
        verb="join",
        summary="lets agents join",
        steps=(
            f"Make a token in a Secret of {NAMESPACE} in the control plane, good until {ends}.",
            f"Print how an agent of {version} joins {server} with it.",
        ),
        facts={"server": server, "version": version},
    )


async def invite(
    host: HostApi,
    identity: ControlPlaneId,
    *,
    lifetime: timedelta = DEFAULT_LIFETIME,
    description: str = "",
    now: datetime,
) -> Invitation:
    """Make a bootstrap token and tell how an agent joins with it.

    Stopped half-way, it leaves at most a token that ends by itself.

    Args:
        host: an open host.
        identity: the control plane.
        lifetime: how long agents may join with it.
        description: what it is for, shown by `k3s token list`.
        now: current time (UTC).

    Raises:
        NotFoundError: the control plane does not exist.
        NotReadyError: none of its servers runs.
        UsageError: the lifetime is too short.
    """
    _check_lifetime(lifetime)
    root = await find_root(host, identity)
    version = stored_values(root).values.version
    server = server_of(await fetch_kubeconfig(host, identity))
    authority = await shown_authority(host, identity)
    expires_at = (now + lifetime).replace(microsecond=0)
    token_id, token_secret = _random(6), _random(16)
    async with open_control_plane(host, identity) as own:
        await own.create(_manifest(token_id, token_secret, expires_at, description or "made by k3k join"))
    return Invitation(
        id=identity,
        server=server,
        token=join_token(authority, f"{token_id}.{token_secret}"),
        token_id=token_id,
        version=version,
        expires_at=expires_at,
        reached=await answers(server, authority),
    )


def _check_lifetime(lifetime: timedelta) -> None:
    if lifetime < SHORTEST_LIFETIME:
        raise UsageError("A token has to live for at least a minute.", hint="For example: --ttl 1h")


async def invitations(host: HostApi, identity: ControlPlaneId) -> tuple[OpenInvitation, ...]:
    """Return the bootstrap tokens of a control plane, those that end first before others.

    Args:
        host: an open host.
        identity: the control plane.
    """
    await find_root(host, identity)
    async with open_control_plane(host, identity) as own:
        listing = await own.list(SECRET, NAMESPACE, fields=f"type={TYPE}")
    found = [_open_invitation(item) for item in listing.items]
    return tuple(sorted(found, key=lambda each: (each.expires_at is None, each.expires_at, each.token_id)))


async def revoke_invitation(host: HostApi, identity: ControlPlaneId, token_id: str) -> None:
    """Delete a bootstrap token: nobody joins with it any more; agents that have joined stay.

    Args:
        host: an open host.
        identity: the control plane.
        token_id: its id, or the whole token.

    Raises:
        NotFoundError: there is none of that id.
    """
    short = token_id.rpartition("::")[2].partition(".")[0]
    await find_root(host, identity)
    async with open_control_plane(host, identity) as own:
        if not await own.delete(SECRET, NAMESPACE, f"{_PREFIX}{short}"):
            raise NotFoundError(
                f"control plane {identity} has no bootstrap token with the id {short!r}",
                hint=f"`k3k join {identity.name} -n {identity.namespace} --list` shows those there are.",
            )


async def shown_authority(host: HostApi, identity: ControlPlaneId) -> str:
    """Return the authority that servers show to agents, which is also in the Secret of the control plane.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        ConflictError: a server shows another one than that it is verified by.
    """
    secret = await host.get(SECRET, identity.namespace, identity.pki)
    stored = manifests.secret_data(secret).get("server-ca.crt", "")
    async with open_supervisor(host, identity, authority_pem=stored) as supervisor:
        reply = await supervisor.ask("GET", "/cacerts")
    if reply.status != 200 or "BEGIN CERTIFICATE" not in reply.text:
        # Not told by this server; what it was verified by is what agents will see.
        return stored
    if roots_of(stored)[0] not in roots_of(reply.text):
        raise ConflictError(
            f"server {supervisor.pod} shows agents another authority than the one in Secret "
            f"{identity.namespace}/{identity.pki}",
            hint=f"`k3k restart {identity.name} -n {identity.namespace}`, then the same command again.",
        )
    return reply.text


async def answers(server: str, authority_pem: str) -> bool:
    """Tell whether a URL is answered from here by a server of the authority.

    Args:
        server: URL of the API.
        authority_pem: its authority.
    """
    import aiohttp

    limit = aiohttp.ClientTimeout(total=_CONNECT_SECONDS)
    connector = aiohttp.TCPConnector(ssl=verifying(authority_pem), force_close=True)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limit) as session,
            session.get(f"{server}/ping", allow_redirects=False) as answer,
        ):
            # Whoever answered has shown the control plane's certificate.
            return answer.status < 500
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False


def is_inside(server: str) -> bool:
    """Tell whether a URL leads to a name that only pods of the host know.

    Args:
        server: URL of the API.
    """
    name = urlsplit(server).hostname or ""
    return name.endswith((".svc", ".svc.cluster.local"))


def _manifest(token_id: str, token_secret: str, expires_at: datetime, description: str) -> dict[str, Any]:
    metadata = {
        "name": f"{_PREFIX}{token_id}",
        "namespace": NAMESPACE,
        "labels": {LABEL_MANAGED_BY: FIELD_MANAGER},
    }
    data = {
        "token-id": token_id,
        "token-secret": token_secret,
        "expiration": f"{expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "description": description,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": _GROUP,
    }
    return secret_manifest(metadata, data, kind=TYPE)


def _open_invitation(item: Mapping[str, Any]) -> OpenInvitation:
    try:
        data = manifests.secret_data(item)
    except K3kError:
        data = {}
    labels = item["metadata"].get("labels") or {}
    return OpenInvitation(
        token_id=data.get("token-id", "") or item["metadata"]["name"].removeprefix(_PREFIX),
        expires_at=parse_time(data.get("expiration")),
        description=data.get("description", ""),
        by_k3k=labels.get(LABEL_MANAGED_BY) == FIELD_MANAGER,
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
