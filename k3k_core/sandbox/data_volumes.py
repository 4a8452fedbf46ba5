"""Drops the data of simulated programs when the volume it lies on is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.controllers.runtime import Key
from k3k_core.sandbox.k3s.datastores import Datastore, Datastores
from k3k_core.sandbox.node.volumes import Volumes


class DataVolumes:
    """Forgets datastores whose claim or pod was deleted.

    Args:
        datastores: of the sandbox.
        on_drop: called with each dropped datastore.
        volumes: the files on volumes.
    """

    watches: tuple[Resource, ...] = (PERSISTENT_VOLUME_CLAIM, POD)

    def __init__(
        self, datastores: Datastores, on_drop: Callable[[Datastore], None], volumes: Volumes
    ) -> None:
        self._datastores = datastores
        self._volumes = volumes
        self._on_drop = on_drop

    def keys(self, change: Change) -> Iterable[Key]:
        """What a removed claim or pod held data under."""
        if change.type != "DELETED":
            return ()
        kind = "claim" if change.resource == PERSISTENT_VOLUME_CLAIM else "pod"
        return ((f"{kind}/{change.object['metadata']['uid']}/",),)

    def reconcile(self, key: Key) -> float | None:
        """Drop it."""
        for datastore in self._datastores.drop(key[0]):
            self._on_drop(datastore)
        self._volumes.drop(key[0])
        return None
