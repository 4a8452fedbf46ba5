"""Secrets that are made once and then never change: authorities, tokens, the admin kubeconfig.

Each is created with a plain POST, so that of two processes one makes it and the other takes what it made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import ConflictError, NotFoundError, UnreachableError, UsageError
from k3k_core.host import HostApi
from k3k_core.manifests import OwnerReference
from k3k_core.names import ANNOTATION_KEPT, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.pki import ControlPlanePki, EtcdPki, Tokens, new_etcd_pki, new_pki, new_tokens
from k3k_core.resources import SECRET
from k3k_core.values import Values

_ATTEMPTS = 4

Present = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of a control plane that outlive every process that works on it.

    Attributes:
        pki: certificate authorities and service-account key.
        tokens: server, agent, probe and monitoring tokens.
        etcd_pki: certificates of a dedicated etcd; None without one.
        datastore_files: which TLS files the user's own datastore Secret holds.
        adopted: names of Secrets that an earlier `delete --keep-data` had left and that are used again.
    """

    pki: ControlPlanePki = field(repr=False)
    tokens: Tokens = field(repr=False)
    etcd_pki: EtcdPki | None = field(default=None, repr=False)
    datastore_files: frozenset[str] = frozenset()
    adopted: tuple[str, ...] = ()


async def create_once(host: HostApi, manifest: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Create an object, or take the one that is there.

    Args:
        host: an open host.
        manifest: the object.

    Returns:
        The object as the host stores it, and whether this call made it.

    Raises:
        ConflictError: the object keeps coming and going.
    """
    metadata = manifest["metadata"]
    lost: UnreachableError | None = None
    for _ in range(_ATTEMPTS):
        try:
            return await host.create(manifest), True
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
        except UnreachableError as error:
            # The answer was lost: the next request tells whether the object exists.
            lost = error
        try:
            return await host.get(SECRET, metadata["namespace"], metadata["name"]), False
        except NotFoundError:
            continue
    raise lost or ConflictError(
        f"Secret {metadata['namespace']}/{metadata['name']} is made and deleted again by somebody else",
        hint="Find out who deletes it, then run the same command again.",
    )


async def ensure_credentials(
    host: HostApi,
    identity: ControlPlaneId,
    owner: OwnerReference,
    *,
    values: Values,
    present: Present,
    now: datetime,
) -> Credentials:
    """Return the credentials of a control plane, making those that do not exist.

    Args:
        host: an open host.
        identity: the control plane.
        owner: its root Secret.
        values: may hold tokens that the user chose.
        present: Secrets that are known to exist, by name; others are created or found.
        now: current time (UTC).

    Raises:
        ConflictError: the tokens in the values are not those the control plane was made with, or its
            credentials were deleted.
    """
    adopted: list[str] = []

    async def settle(name: str, make: Callable[[], dict[str, Any]]) -> dict[str, str]:
        secret = present.get(name)
        made = False
        if secret is None:
            _refuse_lost(identity, owner, present, name)
            # RSA keys take tens of milliseconds to make: not on the event loop.
            manifest = manifests.labelled(await asyncio.to_thread(make), values.labels)
            secret, made = await create_once(host, manifest)
        if not made and await _take_over(host, identity, owner, secret):
            adopted.append(name)
        return manifests.secret_data(secret)

    async def settle_etcd(pki: ControlPlanePki) -> EtcdPki | None:
        if values.datastore.kind != "etcd":
            return None
        names = manifests.etcd_dns_names(identity)

        def make() -> dict[str, Any]:
            return manifests.etcd_pki_secret(identity, new_etcd_pki(pki, dns_names=names, now=now), owner)

        return EtcdPki.from_secret_data(await settle(identity.etcd_pki, make))

    pki_data, tokens_data, files = await together(
        settle(identity.pki, lambda: manifests.pki_secret(identity, new_pki(now), owner)),
        settle(identity.tokens, lambda: manifests.tokens_secret(identity, _tokens_for(values), owner)),
        find_datastore_files(host, identity, values),
    )
    pki, tokens = ControlPlanePki.from_secret_data(pki_data), Tokens.from_secret_data(tokens_data)
    refuse_other_tokens(identity, values, tokens)
    etcd_pki = await settle_etcd(pki)
    return Credentials(pki, tokens, etcd_pki=etcd_pki, datastore_files=files, adopted=tuple(adopted))


async def find_credentials(host: HostApi, identity: ControlPlaneId, values: Values) -> Credentials:
    """Return the credentials of an existing control plane.

    Those of a dedicated etcd may be missing: values can ask for one that was not there before.

    Args:
        host: an open host.
        identity: the control plane.
        values: values to compare it with.

    Raises:
        NotFoundError: they do not exist.
    """

    async def find(name: str) -> dict[str, str]:
        return manifests.secret_data(await host.get(SECRET, identity.namespace, name))

    pki, tokens, files = await together(
        find(identity.pki), find(identity.tokens), find_datastore_files(host, identity, values)
    )
    etcd: dict[str, str] | None = None
    if values.datastore.kind == "etcd":
        with suppress(NotFoundError):
            etcd = await find(identity.etcd_pki)
    return Credentials(
        ControlPlanePki.from_secret_data(pki),
        Tokens.from_secret_data(tokens),
        etcd_pki=EtcdPki.from_secret_data(etcd) if etcd else None,
        datastore_files=files,
    )


async def find_datastore_files(host: HostApi, identity: ControlPlaneId, values: Values) -> frozenset[str]:
    """Return which TLS files the user's own datastore Secret holds; none without such a Secret.

    Args:
        host: an open host.
        identity: the control plane.
        values: its values.

    Raises:
        NotFoundError: the Secret does not exist.
        UsageError: it has no key `endpoint`.
    """
    name = values.datastore.external.secret_name
    if values.datastore.kind != "external" or not name:
        return frozenset()
    try:
        secret = await host.get(SECRET, identity.namespace, name)
    except NotFoundError:
        raise NotFoundError(
            f"Secret {identity.namespace}/{name} (datastore.external.secret_name) does not exist",
            hint=f"Make it first: `kubectl -n {identity.namespace} create secret generic {name} "
            "--from-literal=endpoint=DSN`.",
        ) from None
    keys = set(secret.get("data") or {})
    if "endpoint" not in keys:
        raise UsageError(
            f"the datastore's Secret {identity.namespace}/{name} has no key `endpoint`",
            hint="Put the DSN under the key `endpoint`; ca.crt, tls.crt and tls.key are optional.",
        )
    return frozenset(keys & {"ca.crt", "tls.crt", "tls.key"})


def _tokens_for(values: Values) -> Tokens:
    return new_tokens(
        values.k3s.token, values.k3s.agent_token, datastore_endpoint=values.datastore.external.endpoint
    )


async def _take_over(
    host: HostApi, identity: ControlPlaneId, owner: OwnerReference, secret: Mapping[str, Any]
) -> bool:
    """Make a Secret that was there ours again; True when an earlier control plane had left it."""
    metadata = secret["metadata"]
    name = f"{identity.namespace}/{metadata['name']}"
    if (metadata.get("labels") or {}).get(LABEL_CONTROL_PLANE) != identity.name:
        raise ConflictError(
            f"Secret {name} exists and was not made by k3k; nothing was changed",
            hint="Delete or rename it, or choose another name for the control plane.",
        )
    owners = metadata.get("ownerReferences") or []
    if any(reference["uid"] == owner.uid for reference in owners):
        return False
    if owners or "deletionTimestamp" in metadata:
        raise ConflictError(
            f"Secret {name} still belongs to an earlier control plane that is being deleted",
            hint="Run the same command again in a moment.",
        )
    patch = {"metadata": {"ownerReferences": [owner.to_dict()], "annotations": {ANNOTATION_KEPT: None}}}
    await host.patch(SECRET, identity.namespace, metadata["name"], patch)
    return ANNOTATION_KEPT in (metadata.get("annotations") or {})


def _refuse_lost(identity: ControlPlaneId, owner: OwnerReference, present: Present, name: str) -> None:
    """Refuse to replace credentials that were there once.

    The admin kubeconfig is stored after them. New ones would not fit the data, and lock everybody out.
    """
    kubeconfig = present.get(identity.kubeconfig)
    owners = (kubeconfig or {"metadata": {}})["metadata"].get("ownerReferences") or []
    if kubeconfig is None or (owners and all(reference["uid"] != owner.uid for reference in owners)):
        return
    raise ConflictError(
        f"Secret {identity.namespace}/{name} of control plane {identity} was deleted; nothing was changed",
        hint="Restore the Secret from a backup; without one, the control plane has to be deleted and created "
        "anew.",
    )


def other_secrets(values: Values, tokens: Tokens) -> tuple[str, ...]:
    """Return the paths of the secrets in values that are not those a control plane was made with."""
    asked = (
        ("k3s.token", values.k3s.token, tokens.server),
        ("k3s.agent_token", values.k3s.agent_token, tokens.agent),
        ("datastore.external.endpoint", values.datastore.external.endpoint, tokens.datastore_endpoint),
    )
    return tuple(path for path, wanted, actual in asked if wanted and wanted != actual)


def refuse_other_tokens(identity: ControlPlaneId, values: Values, tokens: Tokens) -> None:
    """See that values hold no other secrets than those the control plane was made with.

    Raises:
        ConflictError: they do.
    """
    if other := other_secrets(values, tokens):
        raise ConflictError(
            f"control plane {identity} has another {' and '.join(other)}; values never change these",
            hint="Leave them out of the values: the control plane keeps its own, and "
            f"`k3k rotate tokens {identity.name} -n {identity.namespace}` makes new ones.",
        )
