"""What there is where a backup is to be restored, and what it is to become."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import ForbiddenError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import check_root, refuse_applied, stored_values
from k3k_core.lifecycle.leftovers import refuse_foreign
from k3k_core.lifecycle.operation import Operation, operation_of, refuse_other_operation
from k3k_core.lifecycle.restore_source import Source
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.pki import ControlPlanePki
from k3k_core.pki.tokens import DATASTORE_KEY
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, SECRET
from k3k_core.values import join_secrets, load_given

if TYPE_CHECKING:
    from k3k_core.values import LoadedValues, Values

OPERATION = "restore"
# Facts of the operation's note.
BACKUP_FACT = "backup"
DIGEST_FACT = "sha256"
ID_FACT = "id"
NEW_FACT = "new"


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to restore a backup to.

    Attributes:
        id: the control plane that is to be as the backup says; it may not exist.
        keep_values: in place: keep the values it has, and with them its k3s version.
        overrides: `path=value` texts laid over the values.
        timeout: seconds for all of it.
        command: what goes on after an interruption, without the program's name.
    """

    id: ControlPlaneId
    keep_values: bool = False
    overrides: tuple[str, ...] = ()
    timeout: float = 900.0
    command: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is where a backup is to be restored, and what it is to become.

    Attributes:
        root: the root Secret; None when the control plane does not exist.
        stored: the values it has; None with the root.
        wanted: the values it is to have.
        loaded: the same as they were read.
        same: whether it has the authorities that are in the backup.
        volumes: names of volumes that exist and are overwritten.
        operation: a restore that is under way.
    """

    root: Mapping[str, Any] | None
    stored: Values | None
    wanted: Values
    loaded: LoadedValues
    same: bool
    volumes: tuple[str, ...]
    operation: Operation | None


async def look(host: HostApi, request: RestoreRequest, source: Source) -> Situation:
    """Read everything that a restore depends on.

    Args:
        host: an open host.
        request: what is asked for.
        source: the backup.

    Raises:
        ConflictError: the name is somebody else's, or another verb is under way.
        ValuesError: the values cannot be used.
    """
    identity = request.id
    root = await _root(host, identity)
    if root is None:
        await refuse_foreign(host, identity)
    else:
        check_root(identity, root)
        refuse_applied(identity, root)
        refuse_other_operation(identity, root, OPERATION)
    stored = stored_values(root) if root is not None else None
    operation = operation_of(root) if root is not None else None
    # What an interrupted restore has made holds what it settled: that it goes on with.
    made_by_us = operation is not None and operation.facts.get(NEW_FACT) == "true"
    if root is not None and (request.keep_values or made_by_us):
        from k3k_core.values import load_values

        text = manifests.stored_values(root)
        loaded = load_values(text, source=f"the values of {identity}", overrides=request.overrides)
    else:
        again = _address_again(source) if root is None and source.manifest.name.id == identity else ()
        loaded = source.values((*again, *request.overrides))
    loaded = _with_endpoint(loaded, await _endpoint(host, identity, source))
    same, volumes = await together(_has_authorities(host, identity, source), _volumes(host, identity))
    return Situation(
        root=root,
        stored=stored.values if stored is not None else None,
        wanted=loaded.values,
        loaded=loaded,
        same=same,
        volumes=volumes,
        operation=operation,
    )


def _address_again(source: Source) -> tuple[str, ...]:
    """Return what has to be added to the values for the address it had, so that kubeconfigs go on working."""
    manifest, values = source.manifest, source.values().values
    if values.loadbalancer.enabled:
        fixed = values.loadbalancer.ip or not _is_address(manifest.load_balancer)
        return () if fixed else (f"loadbalancer.ip={manifest.load_balancer}",)
    if values.service.type == "NodePort" and values.service.node_port is None and manifest.node_port:
        return (f"service.node_port={manifest.node_port}",)
    return ()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


async def _endpoint(host: HostApi, identity: ControlPlaneId, source: Source) -> str:
    """Return the DSN that values mean which do not name one: that of today, where there is one."""
    try:
        live = manifests.secret_data(await host.get(SECRET, identity.namespace, identity.tokens))
    except NotFoundError:
        live = {}
    return live.get(DATASTORE_KEY) or (source.secret("tokens") or {}).get(DATASTORE_KEY, "")


def _with_endpoint(loaded: LoadedValues, actual: str) -> LoadedValues:
    """Put the address of the datastore back, where the values hold what stands for it."""
    endpoint = loaded.values.datastore.external.endpoint
    if endpoint is None or not manifests.is_stand_in(endpoint):
        return loaded
    given = join_secrets(loaded.given, {"datastore.external.endpoint": actual})
    return replace(load_given(given), warnings=loaded.warnings)


async def _root(host: HostApi, identity: ControlPlaneId) -> dict[str, Any] | None:
    try:
        return await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        return None


async def _has_authorities(host: HostApi, identity: ControlPlaneId, source: Source) -> bool:
    try:
        live = manifests.secret_data(await host.get(SECRET, identity.namespace, identity.pki))
    except NotFoundError:
        return False
    theirs = ControlPlanePki.from_secret_data(source.secret("pki") or {})
    return live == theirs.to_secret_data()


async def _volumes(host: HostApi, identity: ControlPlaneId) -> tuple[str, ...]:
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
    try:
        listing = await host.list(
            PERSISTENT_VOLUME_CLAIM, identity.namespace, labels=labels, metadata_only=True
        )
    except ForbiddenError:
        return ()
    found = [item["metadata"] for item in listing.items]
    data = [each["name"] for each in found if each["name"].startswith(f"data-{identity.root}-")]
    return tuple(sorted(data))
