"""What k3k notes about a dedicated etcd, for its members to read when they start: ConfigMap `NAME-k3k-etcd`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.errors import NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import owner_of
from k3k_core.lifecycle.existing import find_root
from k3k_core.manifests.etcd import JOINING_KEY, STATE_KEY
from k3k_core.manifests.metadata import metadata
from k3k_core.names import COMPONENT_ETCD, ControlPlaneId
from k3k_core.resources import CONFIG_MAP
from k3k_core.values import Values

_FORMED = "existing"
_RESTORED = "restored"


def forms_anew(values: Values) -> bool:
    """Tell whether an etcd may begin empty whenever its pod is made anew: one member without a volume.

    Args:
        values: of the control plane.
    """
    return values.datastore.etcd.members == 1 and not values.persistence.enabled


async def note_formed(host: HostApi, identity: ControlPlaneId, values: Values) -> None:
    """Note that the cluster has formed: from now on no member starts without data.

    Args:
        host: an open host.
        identity: the control plane.
        values: its values; nothing is noted about an etcd that forms anew with its pod, or that is none.
    """
    if values.datastore.kind == "etcd" and not forms_anew(values):
        await _write(host, identity, {})


async def joining(host: HostApi, identity: ControlPlaneId) -> frozenset[str]:
    """Return the names of members that may start without data, because they are to replace others.

    Args:
        host: an open host.
        identity: the control plane.
    """
    return frozenset((await _noted(host, identity)).get(JOINING_KEY, "").split())


async def let_join(host: HostApi, identity: ControlPlaneId, pods: frozenset[str]) -> None:
    """Note which members may start without data; all others may not.

    Args:
        host: an open host.
        identity: the control plane.
        pods: names of their pods.
    """
    await _write(host, identity, {JOINING_KEY: " ".join(sorted(pods))})


async def restored(host: HostApi, identity: ControlPlaneId) -> str:
    """Return the name of the restore that has put its data on the volume of every member; empty for none.

    Args:
        host: an open host.
        identity: the control plane.
    """
    return (await _noted(host, identity)).get(_RESTORED, "")


async def note_restored(host: HostApi, identity: ControlPlaneId, attempt: str) -> None:
    """Note that a restore has put its data on the volume of every member: from now on they may start.

    Args:
        host: an open host.
        identity: the control plane.
        attempt: names the restore.
    """
    await _write(host, identity, {JOINING_KEY: "", _RESTORED: attempt})


async def _find(host: HostApi, identity: ControlPlaneId) -> dict[str, Any] | None:
    try:
        return await host.get(CONFIG_MAP, identity.namespace, identity.etcd)
    except NotFoundError:
        return None


async def _noted(host: HostApi, identity: ControlPlaneId) -> dict[str, str]:
    found = await _find(host, identity)
    return dict((found or {}).get("data") or {})


async def _write(host: HostApi, identity: ControlPlaneId, changes: Mapping[str, str]) -> None:
    """Note that the cluster has formed, and more; what else is noted stays."""
    noted = await _noted(host, identity)
    data = {JOINING_KEY: "", **noted, STATE_KEY: _FORMED, **changes}
    if noted == data:
        return
    root = await find_root(host, identity)
    meta = metadata(identity, identity.etcd, COMPONENT_ETCD, owner_of(root))
    await host.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}, force=True)
