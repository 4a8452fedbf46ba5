"""Whether what a control plane stores outlives its servers."""

from __future__ import annotations

from k3k_core.concurrency import together
from k3k_core.host import HostApi
from k3k_core.lifecycle.belongings import is_for_backups
from k3k_core.lifecycle.existing import find_root
from k3k_core.names import ANNOTATION_DATASTORE, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM


async def ends_with_its_server(host: HostApi, identity: ControlPlaneId) -> bool:
    """Tell whether a new server begins with nothing, because what is stored is in the old one's pod alone.

    That is so with SQLite on no volume. The members of an etcd are not the servers, and an external datastore is
    somewhere else.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, or is being deleted.
    """
    root, volumes = await together(
        find_root(host, identity),
        host.list(
            PERSISTENT_VOLUME_CLAIM,
            identity.namespace,
            labels=f"{LABEL_CONTROL_PLANE}={identity.name}",
            metadata_only=True,
        ),
    )
    datastore = (root["metadata"].get("annotations") or {}).get(ANNOTATION_DATASTORE, "sqlite")
    data = [item for item in volumes.items if not is_for_backups(identity, item["metadata"])]
    return datastore == "sqlite" and not data
