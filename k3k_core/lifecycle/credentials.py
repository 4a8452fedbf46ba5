"""Secrets that are made once and then never change: authorities, tokens, the admin kubeconfig.

Each is created with a plain POST, so that of two processes one makes it and the other takes what it made.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import ConflictError, HostError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.manifests import OwnerReference
from k3k_core.names import ANNOTATION_KEPT, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.pki import ControlPlanePki, Tokens, new_pki, new_tokens
from k3k_core.resources import SECRET
from k3k_core.values import Values


Present = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of a control plane that outlive every process that works on it.

    Attributes:
        pki: certificate authorities and service-account key.
        tokens: server, agent, probe and monitoring tokens.
        adopted: names of Secrets that an earlier `delete --keep-data` had left and that are used again.
    """

    pki: ControlPlanePki = field(repr=False)
    tokens: Tokens = field(repr=False)
    adopted: tuple[str, ...] = ()


def decode(secret: Mapping[str, Any]) -> dict[str, str]:
    """Return the decoded data of a Secret.

    Args:
        secret: a Secret as the host stores it.

    Raises:
        HostError: a value is not base64 of UTF-8 text.
    """
    try:
        return {
            key: base64.b64decode(value, validate=True).decode()
            for key, value in (secret.get("data") or {}).items()
        }
    except ValueError:
        name = f"{secret['metadata'].get('namespace')}/{secret['metadata'].get('name')}"
        raise HostError(
            f"Secret {name} holds data that is not text", hint="Restore the Secret from a backup."
        ) from None


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
    for _ in range(3):
        try:
            return await host.create(manifest), True
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
        try:
            return await host.get(SECRET, metadata["namespace"], metadata["name"]), False
        except NotFoundError:
            continue
    raise ConflictError(
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
        ConflictError: the tokens in the values are not those the control plane was made with.
    """
    adopted: list[str] = []

    async def settle(name: str, make: Callable[[], dict[str, Any]]) -> dict[str, str]:
        secret = present.get(name)
        if secret is None:
            # RSA keys take tens of milliseconds to make: not on the event loop.
            secret, made = await create_once(host, await asyncio.to_thread(make))
            if not made and await _take_over(host, identity, owner, secret):
                adopted.append(name)
        return decode(secret)

    pki_data, tokens_data = await together(
        settle(identity.pki, lambda: manifests.pki_secret(identity, new_pki(now), owner)),
        settle(identity.tokens, lambda: manifests.tokens_secret(identity, _tokens_for(values), owner)),
    )
    credentials = Credentials(
        ControlPlanePki.from_secret_data(pki_data), Tokens.from_secret_data(tokens_data), tuple(adopted)
    )
    _refuse_other_tokens(identity, values, credentials.tokens)
    return credentials


async def find_credentials(host: HostApi, identity: ControlPlaneId) -> Credentials:
    """Return the credentials of an existing control plane.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: they do not exist.
    """
    pki, tokens = await together(
        host.get(SECRET, identity.namespace, identity.pki),
        host.get(SECRET, identity.namespace, identity.tokens),
    )
    return Credentials(ControlPlanePki.from_secret_data(decode(pki)), Tokens.from_secret_data(decode(tokens)))


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
    return True


def _refuse_other_tokens(identity: ControlPlaneId, values: Values, tokens: Tokens) -> None:
    asked = (
        ("k3s.token", values.k3s.token, tokens.server),
        ("k3s.agent_token", values.k3s.agent_token, tokens.agent),
        ("datastore.external.endpoint", values.datastore.external.endpoint, tokens.datastore_endpoint),
    )
    other = [path for path, wanted, actual in asked if wanted and wanted != actual]
    if other:
        raise ConflictError(
            f"control plane {identity} was made with another {' and '.join(other)}; these never change",
            hint="Leave them out of the values: the control plane keeps its own.",
        )
