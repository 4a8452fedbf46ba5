"""Kubeconfigs that can be revoked: a ServiceAccount of the control plane for each, and a token of limited life.

A client certificate is good until its end, whatever happens: Kubernetes knows no list of revoked ones. A token is
good while its ServiceAccount exists, so deleting that is revoking it
(https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import yaml

from k3k_core.concurrency import all_of, together
from k3k_core.discovery.control_plane import parse_time
from k3k_core.errors import ConflictError, HostError, NotFoundError, UsageError
from k3k_core.host import HostApi
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig, server_of
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.supervisor import Supervisor, open_supervisor
from k3k_core.names import DOMAIN, FIELD_MANAGER, LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.pki import Leaf
from k3k_core.resources import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, SERVICE_ACCOUNT

# The API server grants no shorter token.
SHORTEST_LIFETIME = timedelta(minutes=10)
HOME = "k3k-access"
LABEL_ACCESS = f"{DOMAIN}/access"
_USER = f"{DOMAIN}/user"
_EXPIRES_AT = f"{DOMAIN}/expires-at"
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Access:
    """A kubeconfig that was handed out and can be revoked.

    Attributes:
        access_id: by which it is revoked; the name of its ServiceAccount.
        user: whom it was made for.
        expires_at: when its token ends (UTC).
        roles: ClusterRoles it was given.
    """

    access_id: str
    user: str
    expires_at: datetime | None
    roles: tuple[str, ...]


async def plan_grant(
    host: HostApi, identity: ControlPlaneId, *, user: str, roles: tuple[str, ...], lifetime: timedelta
) -> Plan:
    """Tell what a grant would make; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.
        user: whom it is for.
        roles: ClusterRoles it is to be given.
        lifetime: how long its token is to be good for.

    Raises:
        NotFoundError: the control plane or a role does not exist.
        UsageError: the lifetime is too short.
    """
    _check_lifetime(lifetime)
    await find_root(host, identity)
    async with open_control_plane(host, identity) as own:
        await _check_roles(own, identity, roles)
    bindings = [f"Bind ClusterRole {role} to it in all namespaces." for role in roles]
    return Plan(
        id=identity,
        verb="kubeconfig",
        summary=f"gives {user} access that can be revoked",
        steps=(
            f"Make a ServiceAccount for {user} in namespace {HOME} of the control plane.",
            *bindings,
            f"Print a kubeconfig with a token of it, good for {lifetime}.",
        ),
    )


async def plan_revoke(host: HostApi, identity: ControlPlaneId, access_id: str) -> Plan:
    """Tell what revoking would take away; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.
        access_id: by what `grant` returned.

    Raises:
        NotFoundError: there is none of that id.
    """
    for access in await granted(host, identity):
        if access.access_id == access_id:
            bindings = [f"Delete its binding to ClusterRole {role}." for role in access.roles]
            account = f"Delete ServiceAccount {HOME}/{access_id}: its token is refused from then on."
            return Plan(identity, "kubeconfig", f"ends the access of {access.user}", (*bindings, account))
    raise _unknown(identity, access_id)


async def grant(
    host: HostApi,
    identity: ControlPlaneId,
    *,
    user: str,
    roles: tuple[str, ...],
    lifetime: timedelta,
    now: datetime,
) -> tuple[str, Access]:
    """Make a kubeconfig that can be revoked.

    Stopped half-way, it leaves a ServiceAccount that nobody has a token of; the next grant after its end removes it.

    Args:
        host: an open host.
        identity: the control plane.
        user: whom it is for; a note for people.
        roles: ClusterRoles of the control plane that it is given in all namespaces.
        lifetime: how long its token is good for, at least ten minutes.
        now: current time (UTC).

    Returns:
        The kubeconfig (secret), and by what it is revoked.

    Raises:
        NotFoundError: the control plane or a role does not exist.
        UsageError: the lifetime is too short.
    """
    _check_lifetime(lifetime)
    await find_root(host, identity)
    document = await fetch_kubeconfig(host, identity)
    access_id = f"{_slug(user)}-{secrets.token_hex(3)}"
    access = Access(access_id, user, (now + lifetime).replace(microsecond=0), roles)
    async with open_control_plane(host, identity) as own:
        await _check_roles(own, identity, roles)
        await _forget_ended(own, now)
        await _ensure_home(own)
        await own.create(_account(access))
        await all_of(own.create(_binding(access, role)) for role in roles)
    async with open_supervisor(host, identity, certificate=_own_leaf(document)) as api:
        token, expires_at = await _token(api, access_id, lifetime)
    granted = Access(access_id, user, expires_at or access.expires_at, roles)
    return _kubeconfig(identity, document, access_id, token), granted


async def granted(host: HostApi, identity: ControlPlaneId) -> tuple[Access, ...]:
    """Return the kubeconfigs that can be revoked, also those whose tokens have ended.

    Args:
        host: an open host.
        identity: the control plane.
    """
    await find_root(host, identity)
    async with open_control_plane(host, identity) as own:
        found = await _all(own)
    return tuple(sorted(found, key=lambda each: (each.expires_at is None, each.expires_at, each.access_id)))


async def revoke(host: HostApi, identity: ControlPlaneId, access_id: str) -> None:
    """Revoke a kubeconfig: its token is refused from now on.

    Args:
        host: an open host.
        identity: the control plane.
        access_id: by what `grant` returned.

    Raises:
        NotFoundError: there is none of that id; certificates cannot be revoked.
    """
    await find_root(host, identity)
    async with open_control_plane(host, identity) as own:
        # The bindings first: stopped in between, what is left is refused all the same when this is repeated.
        known = await own.list(SERVICE_ACCOUNT, HOME, labels=f"{LABEL_ACCESS}={access_id}")
        await own.delete_collection(CLUSTER_ROLE_BINDING, None, labels=f"{LABEL_ACCESS}={access_id}")
        if not await own.delete(SERVICE_ACCOUNT, HOME, access_id) and not known.items:
            raise _unknown(identity, access_id)


def _unknown(identity: ControlPlaneId, access_id: str) -> NotFoundError:
    return NotFoundError(
        f"control plane {identity} has handed out no kubeconfig with the id {access_id!r}",
        hint=f"`k3k kubeconfig {identity.name} -n {identity.namespace} --list` shows those that can be "
        "revoked. One with a client certificate cannot; it ends by itself, or with the authority "
        "(`k3k rotate ca`).",
    )


def _check_lifetime(lifetime: timedelta) -> None:
    if lifetime < SHORTEST_LIFETIME:
        raise UsageError(
            "A kubeconfig that can be revoked has to live for at least ten minutes.",
            hint="For example: --ttl 10m",
        )


async def _check_roles(own: HostApi, identity: ControlPlaneId, roles: tuple[str, ...]) -> None:
    for role in roles:
        try:
            await own.get(CLUSTER_ROLE, None, role)
        except NotFoundError:
            raise NotFoundError(
                f"control plane {identity} has no ClusterRole {role!r}",
                hint="view, edit, admin and cluster-admin are always there.",
            ) from None


async def _ensure_home(own: HostApi) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": HOME, "labels": {LABEL_MANAGED_BY: FIELD_MANAGER}},
    }
    try:
        await own.create(manifest)
    except ConflictError as error:
        if error.reason != "AlreadyExists":
            raise


async def _forget_ended(own: HostApi, now: datetime) -> None:
    """Remove what is left of kubeconfigs whose tokens have ended."""
    ended = [each for each in await _all(own) if each.expires_at is not None and each.expires_at <= now]
    for each in ended:
        await own.delete_collection(CLUSTER_ROLE_BINDING, None, labels=f"{LABEL_ACCESS}={each.access_id}")
        await own.delete(SERVICE_ACCOUNT, HOME, each.access_id)


async def _all(own: HostApi) -> list[Access]:
    accounts, bindings = await together(
        own.list(SERVICE_ACCOUNT, HOME, labels=LABEL_ACCESS),
        own.list(CLUSTER_ROLE_BINDING, labels=LABEL_ACCESS),
    )
    roles: dict[str, list[str]] = {}
    for item in bindings.items:
        access_id = item["metadata"]["labels"][LABEL_ACCESS]
        roles.setdefault(access_id, []).append(str(item["roleRef"]["name"]))
    return [_read(item, tuple(sorted(roles.get(item["metadata"]["name"], ())))) for item in accounts.items]


def _read(account: Mapping[str, Any], roles: tuple[str, ...]) -> Access:
    annotations = account["metadata"].get("annotations") or {}
    expires_at = parse_time(annotations.get(_EXPIRES_AT))
    return Access(account["metadata"]["name"], annotations.get(_USER, ""), expires_at, roles)


async def _token(api: Supervisor, access_id: str, lifetime: timedelta) -> tuple[str, datetime | None]:
    """Ask for a token of a ServiceAccount; how long it lives is for the API server to say."""
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": int(lifetime.total_seconds())},
    }
    path = f"{SERVICE_ACCOUNT.path(HOME, access_id)}/token"
    reply = await api.ask("POST", path, body=json.dumps(request).encode(), content_type="application/json")
    try:
        status = json.loads(reply.body)["status"]
        return str(status["token"]), parse_time(status.get("expirationTimestamp"))
    except (ValueError, KeyError, TypeError):
        raise HostError(
            f"the control plane answers {reply.status} when it is asked for a token of {HOME}/{access_id}",
            hint="Run the same command again; what was made so far goes away by itself.",
        ) from None


def _account(access: Access) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": access.access_id,
            "namespace": HOME,
            "labels": {LABEL_MANAGED_BY: FIELD_MANAGER, LABEL_ACCESS: access.access_id},
            "annotations": {_USER: access.user, _EXPIRES_AT: f"{access.expires_at:%Y-%m-%dT%H:%M:%SZ}"},
        },
        "automountServiceAccountToken": False,
    }


def _binding(access: Access, role: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": f"k3k:access:{access.access_id}:{role}",
            "labels": {LABEL_MANAGED_BY: FIELD_MANAGER, LABEL_ACCESS: access.access_id},
        },
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": access.access_id, "namespace": HOME}],
    }


def _own_leaf(document: str) -> Leaf:
    """Return the client certificate of the stored kubeconfig."""
    try:
        user = yaml.safe_load(document)["users"][0]["user"]
        return Leaf(
            base64.b64decode(user["client-certificate-data"]).decode(),
            base64.b64decode(user["client-key-data"]).decode(),
        )
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError):
        raise HostError(
            "the stored kubeconfig holds no client certificate",
            hint="Delete the kubeconfig Secret and run the same `k3k create` again: it makes a new one.",
        ) from None


def _kubeconfig(identity: ControlPlaneId, admin: str, access_id: str, token: str) -> str:
    cluster = yaml.safe_load(admin)["clusters"][0]["cluster"]
    authority = {"certificate-authority-data": cluster["certificate-authority-data"]}
    user = f"{access_id}@{identity.name}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": identity.name, "cluster": {"server": server_of(admin), **authority}}],
        "contexts": [{"name": identity.name, "context": {"cluster": identity.name, "user": user}}],
        "current-context": identity.name,
        "users": [{"name": user, "user": {"token": token}}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _slug(user: str) -> str:
    """Return what a user's name looks like in the name of an object."""
    return _NOT_IN_A_NAME.sub("-", user.lower()).strip("-")[:40].strip("-") or "user"
