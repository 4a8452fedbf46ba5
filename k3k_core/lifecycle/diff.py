"""What an apply of given values would change, as the host itself computes it by a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from k3k_core import manifests
from k3k_core.concurrency import all_of, together
from k3k_core.errors import ConflictError, ForbiddenError, HostError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.addressing import cluster_ips
from k3k_core.lifecycle.claim import check_root, owner_of, settled, stored_values, value_changes
from k3k_core.lifecycle.comparison import HIDDEN, FieldChange, ObjectDiff, compare_objects, subject
from k3k_core.lifecycle.credentials import find_credentials, other_secrets
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig, server_of
from k3k_core.lifecycle.leftovers import check_leftovers, refuse_foreign
from k3k_core.lifecycle.pause import paused_at
from k3k_core.lifecycle.render import render
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId, validate_name, validate_namespace
from k3k_core.resources import (
    CONFIG_MAP,
    CRON_JOB,
    NAMESPACE,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Resource,
    resource_of,
)
from k3k_core.values import LoadedValues, Values

# Kinds in which a change of values can make an object superfluous.
_REMOVABLE = (CONFIG_MAP, NETWORK_POLICY, POD_DISRUPTION_BUDGET, SERVICE, SERVICE_ACCOUNT, STATEFUL_SET)
# What backups by schedule are made of.
_OF_A_SCHEDULE = (CRON_JOB, ROLE, ROLE_BINDING)
_STAND_IN_NAMESPACE = "default"


async def diff(host: HostApi, identity: ControlPlaneId, values: LoadedValues) -> tuple[ObjectDiff, ...]:
    """Compare a control plane as it runs with what values would make of it; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.
        values: checked values.

    Returns:
        One entry for each object, unchanged ones included; all are "create" when the control plane is new.

    Raises:
        ConflictError: the control plane is being deleted, made by Helm, or its name is taken.
        K3kError: the host refuses or does not answer.
    """
    try:
        root = await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        await refuse_foreign(host, identity)
        missing, objects = await _to_create(host, identity, values)
        return tuple(ObjectDiff(subject(item), "create") for item in (*missing, *objects))
    check_root(identity, root)
    return await compare_with_host(host, identity, root, values)


async def dry_run(host: HostApi, identity: ControlPlaneId, values: LoadedValues) -> tuple[ObjectDiff, ...]:
    """Have the host check every object that a create would make, admission included; nothing is stored.

    A namespace that does not exist yet cannot hold even a dry run: the namespace `default` stands in for it.

    Args:
        host: an open host.
        identity: the control plane.
        values: checked values.

    Raises:
        ConflictError: the control plane exists with other values, or what an earlier one left does not fit.
        K3kError: the host refuses one of the objects.
    """
    validate_name(identity.name)
    validate_namespace(identity.namespace)
    try:
        root = await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        await check_leftovers(host, identity, values.values)
        return await _dry_run_new(host, identity, values)
    check_root(identity, root)
    if value_changes(stored_values(root), values):
        raise ConflictError(
            f"control plane {identity} exists with other values",
            hint=f"`k3k diff {identity.name} -n {identity.namespace} -f FILE` shows what would change.",
        )
    return await compare_with_host(host, identity, root, values)


async def compare_with_host(
    host: HostApi,
    identity: ControlPlaneId,
    root: Mapping[str, Any],
    values: LoadedValues,
    *,
    force: bool = True,
) -> tuple[ObjectDiff, ...]:
    """Compare every object of an existing control plane with what values would make of it.

    Args:
        host: an open host.
        identity: the control plane.
        root: its root Secret.
        values: checked values.
        force: leave aside who owns the fields that would change; else one that others own is a refused change.
    """
    stored = stored_values(root)
    wanted = settled(stored.values, values)
    credentials, document, front = await together(
        find_credentials(host, identity, wanted),
        fetch_kubeconfig(host, identity),
        host.get(SERVICE, identity.namespace, identity.service),
    )
    blueprint = Blueprint(
        id=identity,
        values=wanted,
        pki=credentials.pki,
        tokens=credentials.tokens,
        admin_kubeconfig=document,
        address=replace(address_of(document), aliases=cluster_ips(front)),
        owner=owner_of(root),
        revision=manifests.stored_revision(root),
        etcd_pki=credentials.etcd_pki,
        datastore_files=credentials.datastore_files,
    )
    desired = (*manifests.render_applied(blueprint), *manifests.render_agents(blueprint))
    if paused_at(root) is not None:
        desired = tuple(map(_paused, desired))
    front_wanted = manifests.front_service(identity, wanted, owner_of(root))
    compared = await all_of(_compare(host, item, force=force) for item in (front_wanted, *desired))
    changed_values = tuple(
        FieldChange(f"values.{change.path}", change.before, change.after)
        for change in value_changes(stored, values)
    ) + tuple(
        FieldChange(f"values.{path}", HIDDEN, HIDDEN) for path in other_secrets(wanted, credentials.tokens)
    )
    of_root = ObjectDiff(subject(root), "change" if changed_values else "none", changed_values)
    made: tuple[ObjectDiff, ...] = ()
    if wanted.datastore.kind == "etcd" and credentials.etcd_pki is None:
        made = (ObjectDiff(f"Secret/{identity.etcd_pki}", "create"),)
    return (
        of_root,
        *made,
        *compared,
        *await _superfluous(host, identity, {item.subject for item in compared} | _notes(identity, wanted)),
    )


def _paused(manifest: manifests.Manifest) -> manifests.Manifest:
    """Return an object as it is while its control plane is paused."""
    if manifest["kind"] != "StatefulSet":
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "replicas": 0}}


def address_of(document: str) -> Address:
    """Return the address that a kubeconfig names."""
    parts = urlsplit(server_of(document))
    return Address(parts.hostname or "", parts.port or 443)


async def _compare(host: HostApi, manifest: Mapping[str, Any], *, force: bool) -> ObjectDiff:
    metadata = manifest["metadata"]
    try:
        live = await host.get(resource_of(manifest), metadata["namespace"], metadata["name"])
    except NotFoundError:
        return ObjectDiff(subject(manifest), "create")
    try:
        after = await host.apply(manifest, force=force, dry_run=True)
    except ConflictError as error:
        owned = FieldChange("", "", error.message, refused="conflict")
        return ObjectDiff(subject(manifest), "change", (owned,))
    except HostError as error:
        if error.status != 422:
            raise
        text = f"the host refuses this change: {error.message}"
        return ObjectDiff(subject(manifest), "change", (FieldChange("", "", text, refused="invalid"),))
    return compare_objects(live, after)


def _notes(identity: ControlPlaneId, values: Values) -> set[str]:
    """Return what verbs have written down: no values render it, and it is no less wanted for that."""
    notes = {f"ConfigMap/{identity.restore}"}
    if values.datastore.kind == "etcd":
        notes.add(f"ConfigMap/{identity.etcd}")
    return notes


async def _superfluous(host: HostApi, identity: ControlPlaneId, wanted: set[str]) -> tuple[ObjectDiff, ...]:
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"

    async def names(resource: Resource) -> list[str]:
        try:
            listing = await host.list(resource, identity.namespace, labels=labels, metadata_only=True)
        except ForbiddenError:
            if resource in _OF_A_SCHEDULE:
                # Whoever may not look has not made any.
                return []
            raise
        return [f"{resource.kind}/{item['metadata']['name']}" for item in listing.items]

    found = await all_of(names(resource) for resource in (*_REMOVABLE, *_OF_A_SCHEDULE))
    return tuple(ObjectDiff(name, "remove") for each in found for name in each if name not in wanted)


async def _dry_run_new(
    host: HostApi, identity: ControlPlaneId, values: LoadedValues
) -> tuple[ObjectDiff, ...]:
    missing, objects = await _to_create(host, identity, values)
    for namespace in missing:
        await host.create(namespace, dry_run=True)
    stand_in = _STAND_IN_NAMESPACE if missing else identity.namespace
    moved = [{**item, "metadata": {**item["metadata"], "namespace": stand_in}} for item in objects]
    await all_of(host.apply(item, force=True, dry_run=True) for item in moved)
    return tuple(ObjectDiff(subject(item), "create") for item in (*missing, *objects))


async def _to_create(
    host: HostApi, identity: ControlPlaneId, values: LoadedValues
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the namespace, if the host lacks it, and the objects of a control plane that does not exist."""
    rendered = render(identity, values, secrets="inline", now=datetime.now(UTC))
    objects = [item for item in rendered if item["kind"] != "Namespace"]
    try:
        await host.get(NAMESPACE, None, identity.namespace)
    except NotFoundError:
        return [manifests.namespace(identity)], objects
    except ForbiddenError:
        # Whoever may not look at namespaces will be told by the objects in it.
        pass
    return [], objects
