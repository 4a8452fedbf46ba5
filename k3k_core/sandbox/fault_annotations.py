"""Faults that a person asks for: `kubectl annotate namespace shop sandbox.k3k.ayedo.de/fault=queue-stuck`.

The annotation counts on a Namespace, on the root Secret of a control plane, on a StatefulSet and on a Pod; a
server has the faults of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k3k_core.errors import K3kError
from k3k_core.names import LABEL_CONTROL_PLANE
from k3k_core.resources import NAMESPACE, POD, SECRET, STATEFUL_SET, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.runtime import Key
from k3k_core.sandbox.fault_board import FaultBoard
from k3k_core.sandbox.fault_catalogue import FAULT_ANNOTATION, parse_faults

_COMPONENT = "k3k-sandbox"


class FaultAnnotations:
    """Hands what annotations ask for to the servers.

    Args:
        client: reads.
        events: for annotations that cannot be understood.
        board: takes the faults.
    """

    watches: tuple[Resource, ...] = (NAMESPACE, SECRET, STATEFUL_SET, POD)

    def __init__(self, client: Client, events: EventRecorder, board: FaultBoard) -> None:
        self._store = client.store
        self._events = events
        self._board = board

    def keys(self, change: Change) -> Iterable[Key]:
        """The pods that an object is about."""
        meta = change.object["metadata"]
        if change.resource == POD:
            return ((meta["namespace"], meta["name"]),)
        namespace = meta["name"] if change.resource == NAMESPACE else meta["namespace"]
        if change.resource == SECRET and LABEL_CONTROL_PLANE not in (meta.get("labels") or {}):
            return ()
        return tuple(
            (namespace, pod["metadata"]["name"])
            for pod in self._store.list(POD, namespace)
            if change.resource == NAMESPACE or change.object["metadata"]["uid"] in self._above(pod)
        )

    def reconcile(self, key: Key) -> float | None:
        """Take over what is asked for one pod."""
        namespace, name = key
        pod = self._store.get(POD, namespace, name)
        wanted: set[str] = set()
        for obj in self._about(namespace, pod):
            try:
                wanted |= parse_faults(_asked(obj))
            except K3kError as error:
                self._events.warning(obj, "UnknownFault", f"{error} {error.hint}", component=_COMPONENT)
        self._board.annotate(namespace, name, wanted)
        return None

    def _about(self, namespace: str, pod: dict[str, Any] | None) -> Iterable[dict[str, Any]]:
        if pod is None:
            return
        above = (self._store.get(NAMESPACE, None, namespace), *self._above(pod).values(), pod)
        for obj in above:
            if obj is not None and _asked(obj):
                yield obj

    def _above(self, pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the root Secret and the StatefulSet of a pod, by uid."""
        meta = pod["metadata"]
        found: list[dict[str, Any] | None] = [
            self._store.get(STATEFUL_SET, meta["namespace"], owner["name"])
            for owner in meta.get("ownerReferences") or ()
            if owner["kind"] == "StatefulSet"
        ]
        control_plane = (meta.get("labels") or {}).get(LABEL_CONTROL_PLANE)
        if control_plane:
            found.append(self._store.get(SECRET, meta["namespace"], f"{control_plane}-k3k"))
        return {obj["metadata"]["uid"]: obj for obj in found if obj is not None}


def _asked(obj: dict[str, Any]) -> str:
    return str((obj["metadata"].get("annotations") or {}).get(FAULT_ANNOTATION, ""))
