"""Claiming a name: who creates the root Secret makes the control plane, others join in or are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from k3k_core import manifests
from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import ConflictError, ForbiddenError, NotFoundError, UnreachableError
from k3k_core.host import HostApi
from k3k_core.lifecycle.comparison import FieldChange, field_changes
from k3k_core.lifecycle.etcd_guard import settle_guard, with_guard
from k3k_core.lifecycle.leftovers import check_leftovers
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.storage import settle_access_mode, settle_persistence
from k3k_core.manifests import OwnerReference
from k3k_core.names import FIELD_MANAGER, LABEL_MANAGED_BY, TYPE_ROOT, ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.values import LoadedValues, Values, load_values

_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """The root Secret of a control plane, made now or found.

    Attributes:
        root: the root Secret as the host stores it.
        values: the values it stands for: as asked, but with the version it was first made with.
        existed: whether it was there before.
    """

    root: Mapping[str, Any]
    values: Values
    existed: bool

    @property
    def owner(self) -> OwnerReference:
        """The reference by which other objects name the root as their owner."""
        return owner_of(self.root)

    @property
    def revision(self) -> int:
        """Number of the revision the root stands for."""
        return manifests.stored_revision(self.root)


def owner_of(root: Mapping[str, Any]) -> OwnerReference:
    """Return the owner reference to a root Secret."""
    return OwnerReference(name=root["metadata"]["name"], uid=root["metadata"]["uid"])


async def claim(
    host: HostApi,
    identity: ControlPlaneId,
    asked: LoadedValues,
    *,
    now: datetime,
    progress: Progress,
    take_over: bool = False,
) -> Claim:
    """Create the root Secret, or find the one that is there and see that it stands for the same values.

    Args:
        host: an open host.
        identity: the control plane.
        asked: values as the user asks for them.
        now: current time (UTC); a time to live is counted from it.
        progress: told about the namespace and the root.
        take_over: whether to go on with a control plane that somebody else applied from manifests.

    Raises:
        ConflictError: the control plane exists with other values, is being deleted, or the name is taken; or
            what an earlier one left does not fit.
    """
    secret = f"Secret/{identity.root}"
    settled_values: Values | None = None
    lost: UnreachableError | None = None
    for _ in range(_ATTEMPTS):
        if found := await _find_root(host, identity):
            if not take_over:
                refuse_applied(identity, found)
            values = _same_values(identity, found, asked)
            progress(Step("claim", "skipped", f"control plane {identity} exists, going on", secret))
            return Claim(found, values, existed=True)
        if settled_values is None:
            settled_values = await settle_persistence(
                host, asked.values, asked_for=asks_for_volumes(asked), progress=progress
            )
            settled_values = settle_guard(await settle_access_mode(host, settled_values))
            await check_leftovers(host, identity, settled_values)
        try:
            root = await _create_root(host, identity, settled_values, now=now, progress=progress)
        except UnreachableError as error:
            # The answer was lost: whether the root exists now, the next look tells.
            lost = error
            continue
        if root is not None:
            progress(Step("claim", "done", f"claimed the name {identity}", secret))
            return Claim(root, settled_values, existed=False)
    raise lost or ConflictError(
        f"Secret {identity.namespace}/{identity.root} keeps coming and going",
        hint="Somebody else works on this control plane; run the same command again.",
    )


def refuse_applied(identity: ControlPlaneId, root: Mapping[str, Any]) -> None:
    """See that k3k itself made a root: rendered manifests are in the hands of whatever applied them.

    Args:
        identity: the control plane.
        root: its root Secret.

    Raises:
        ConflictError: it was applied by others.
    """
    owners = [entry.get("manager", "") for entry in root["metadata"].get("managedFields") or ()]
    if owners and FIELD_MANAGER not in owners:
        raise ConflictError(
            f"control plane {identity} was applied from manifests, by {' and '.join(sorted(set(owners)))}; "
            "nothing was changed",
            hint="Change the manifests and apply them again, or take it over with --force-conflicts.",
            managers=tuple(sorted(set(owners))),
        )


async def _find_root(host: HostApi, identity: ControlPlaneId) -> dict[str, Any] | None:
    try:
        return await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        return None


async def _create_root(
    host: HostApi, identity: ControlPlaneId, values: Values, *, now: datetime, progress: Progress
) -> dict[str, Any] | None:
    """Create the root, and the namespace if need be; None when somebody else was faster."""
    lifetime = values.ttl_seconds
    expires_at = format_time(now + timedelta(seconds=lifetime)) if lifetime else None
    manifest = manifests.root_secret(identity, values, revision=1, expires_at=expires_at)
    try:
        try:
            return await host.create(manifest)
        except NotFoundError:
            await ensure_namespace(host, identity, progress)
            return await host.create(manifest)
    except ConflictError as error:
        if error.reason != "AlreadyExists":
            raise
        return None


async def ensure_namespace(host: HostApi, identity: ControlPlaneId, progress: Progress) -> None:
    """Make the namespace if it does not exist.

    Raises:
        ForbiddenError: it does not exist and this identity may not make it.
    """
    manifest = manifests.namespace(identity)
    try:
        try:
            await host.create(manifest)
        except UnreachableError:
            # The answer was lost; asking again does no harm.
            await host.create(manifest)
    except ConflictError as error:
        if error.reason != "AlreadyExists":
            raise
        return
    except ForbiddenError as error:
        raise ForbiddenError(
            f"namespace {identity.namespace} does not exist and you may not create it: {error.message}",
            hint=f"Ask for the namespace {identity.namespace}, or name one of yours with -n.",
        ) from None
    progress(Step("namespace", "done", "created", f"Namespace/{identity.namespace}"))


def check_root(identity: ControlPlaneId, root: Mapping[str, Any]) -> None:
    """See that a Secret with a root's name is a root, and stays.

    Raises:
        ConflictError: it is not, or it is being deleted.
    """
    metadata = root["metadata"]
    name = f"{identity.namespace}/{identity.root}"
    if root.get("type") != TYPE_ROOT:
        by_helm = (metadata.get("labels") or {}).get(LABEL_MANAGED_BY) == "Helm"
        owner = "belongs to a Helm release" if by_helm else "was not made by k3k"
        raise ConflictError(
            f"Secret {name} exists and {owner}; nothing was changed",
            hint="Choose another name for the control plane.",
        )
    if "deletionTimestamp" in metadata:
        raise ConflictError(
            f"control plane {identity} is being deleted",
            hint=f"Wait for `k3k delete {identity.name} -n {identity.namespace}`, then repeat this.",
        )


def stored_values(root: Mapping[str, Any]) -> LoadedValues:
    """Load the values a root Secret holds; tokens are not among them."""
    name = f"Secret/{root['metadata']['name']}"
    return load_values(manifests.stored_values(root), source=name)


def value_changes(stored: LoadedValues, asked: LoadedValues) -> tuple[FieldChange, ...]:
    """Return the values in which a request differs from what a root Secret holds.

    Secrets are left out: they are compared with the Secrets that hold them. What a request does not name and
    the first create settled is as that create settled it.
    """
    return tuple(field_changes(_public(stored.values), _public(settled(stored.values, asked))))


def settled(stored: Values, asked: LoadedValues) -> Values:
    """Return the values asked for, with what the first create settled for those that they do not name.

    That is the version, whose default moves with k3k; whether there are volumes and for how many pods, which the
    host decides; and the image that guards the members of an etcd, which must not restart whenever the servers do.

    Args:
        stored: values the root Secret holds.
        asked: values of the request.
    """
    values = asked.values
    if "version" not in asked.given:
        values = values.model_copy(update={"version": stored.version})
    if not asks_for_volumes(asked):
        persistence = values.persistence.model_copy(update={"enabled": stored.persistence.enabled})
        values = values.model_copy(update={"persistence": persistence})
    if values.persistence.access_mode == "auto":
        persistence = values.persistence.model_copy(update={"access_mode": stored.persistence.access_mode})
        values = values.model_copy(update={"persistence": persistence})
    if stored.datastore.kind != "etcd":
        return settle_guard(values)
    return (
        values if values.datastore.etcd.guard_image else with_guard(values, stored.datastore.etcd.guard_image)
    )


def asks_for_volumes(asked: LoadedValues) -> bool:
    """Tell whether the user's own values say if there are to be volumes."""
    return "enabled" in (asked.given.get("persistence") or {})


def _same_values(identity: ControlPlaneId, root: Mapping[str, Any], asked: LoadedValues) -> Values:
    check_root(identity, root)
    stored = stored_values(root)
    if changes := value_changes(stored, asked):
        lines = "\n".join(
            f"  {change.path}: {change.before or '(none)'} -> {change.after or '(none)'}"
            for change in changes
        )
        raise ConflictError(
            f"control plane {identity} exists with other values; nothing was changed\n{lines}",
            hint=(
                f"`k3k diff {identity.name} -n {identity.namespace} -f FILE` shows what would change, "
                f"`k3k upgrade {identity.name} -n {identity.namespace} -f FILE` changes what runs."
            ),
        )
    return settled(stored.values, asked)


def _public(values: Values) -> dict[str, Any]:
    document: dict[str, Any] = values.model_dump(mode="json")
    for key in ("token", "agent_token"):
        document["k3s"].pop(key, None)
    document["datastore"]["external"].pop("endpoint", None)
    return document
