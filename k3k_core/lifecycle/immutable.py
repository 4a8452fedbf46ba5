"""Values that are fixed when a control plane is made, and what to do instead of changing them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k3k_core.errors import Issue
from k3k_core.lifecycle.etcd_upgrade import image_problems

if TYPE_CHECKING:
    from k3k_core.values import Values

_ANEW = "create a new control plane with it and move what runs on this one"
_FIXED_AT_START = "k3s takes it at the first start only"


def immutable_changes(before: Values, after: Values) -> Iterator[Issue]:
    """Yield what a request would change of a control plane and cannot be changed.

    Args:
        before: the values it was made with.
        after: the values asked for.
    """
    if before.datastore.kind != after.datastore.kind:
        yield Issue(
            "datastore.kind",
            f"is {before.datastore.kind}, and no data would be moved to {after.datastore.kind}",
            f"`k3k migrate --to {after.datastore.kind}` moves them"
            if before.datastore.kind == "sqlite"
            else _ANEW,
        )
        return
    yield from _networks(before, after)
    yield from _secrets(before, after)
    yield from _volumes(before, after)


def _networks(before: Values, after: Values) -> Iterator[Issue]:
    for name in ("cluster_cidr", "service_cidr", "cluster_dns", "cluster_domain"):
        old, new = getattr(before.k3s, name), getattr(after.k3s, name)
        if old != new:
            yield Issue(f"k3s.{name}", f"is {old} for good: {_FIXED_AT_START}", _ANEW)
    if before.k3s.secrets_encryption != after.k3s.secrets_encryption:
        state = "on" if before.k3s.secrets_encryption.enabled else "off"
        yield Issue(
            "k3s.secrets_encryption",
            f"is {state} for good: without a node of its own k3s cannot encrypt anew what is stored",
            _ANEW,
        )
    if before.datastore.kind == "sqlite" and before.k3s.data_dir != after.k3s.data_dir:
        yield Issue(
            "k3s.data_dir",
            f"is {before.k3s.data_dir} for good: the data lie there",
            f"leave it at {before.k3s.data_dir}",
        )


def _secrets(before: Values, after: Values) -> Iterator[Issue]:
    """Tokens are compared with those that are stored elsewhere; here it is about where a DSN comes from."""
    had, wants = before.datastore.external, after.datastore.external
    if before.datastore.kind == "external" and had.secret_name is not None and wants.secret_name is None:
        yield Issue(
            "datastore.external.endpoint",
            f"cannot take the place of `secret_name`, {had.secret_name}",
            "put the address into a Secret under the key `endpoint` and name that",
        )


def _volumes(before: Values, after: Values) -> Iterator[Issue]:
    kind = before.datastore.kind
    if kind == "external":
        return
    if before.persistence.enabled != after.persistence.enabled:
        yield Issue(
            "persistence.enabled",
            f"is {str(before.persistence.enabled).lower()} for good: the host cannot add or take away the "
            "volumes of a StatefulSet",
            _ANEW,
        )
        return
    if kind == "etcd":
        yield from _etcd(before, after)
    elif before.persistence.enabled:
        modes = [_access_mode(before), _access_mode(after)]
        yield from _volume("persistence.access_mode", *modes)
        for name in ("size", "storage_class"):
            old, new = getattr(before.persistence, name), getattr(after.persistence, name)
            yield from _volume(f"persistence.{name}", old, new)


def _access_mode(values: Values) -> str:
    """What the first create did not settle otherwise is for one node."""
    mode = values.persistence.access_mode
    return "ReadWriteOnce" if mode == "auto" else mode


def _etcd(before: Values, after: Values) -> Iterator[Issue]:
    old, new = before.datastore.etcd, after.datastore.etcd
    if old.members != new.members:
        yield Issue(
            "datastore.etcd.members",
            f"is {old.members} for good: members are not added to a running etcd",
            _ANEW,
        )
    yield from image_problems(old.image, new.image)
    if before.persistence.enabled:
        yield from _volume("datastore.etcd.size", old.size, new.size)
        yield from _volume("datastore.etcd.storage_class", old.storage_class, new.storage_class)


def _volume(path: str, old: str, new: str) -> Iterator[Issue]:
    if old == new:
        return
    remedy = _ANEW
    if path.endswith("size"):
        remedy = "enlarge the volume claim itself (`kubectl edit pvc`), where its storage class allows that"
    yield Issue(path, f"is {old or 'the default'} for good: the host does not change volumes", remedy)
