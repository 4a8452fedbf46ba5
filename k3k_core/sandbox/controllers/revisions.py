"""ControllerRevisions: the history of a StatefulSet's pod template, with the names Kubernetes gives them."""

from __future__ import annotations

import json
from typing import Any

from k3k_core.resources import STATEFUL_SET
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, owner_reference
from k3k_core.sandbox.controllers.kinds import CONTROLLER_REVISION
from k3k_core.sandbox.controllers.ownership import owned_by

# k8s.io/apimachinery/pkg/util/rand: no vowels, so that no words appear.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
HASH_LABEL = "controller.kubernetes.io/hash"


def safe_encode(text: str) -> str:
    """Encode a text with the alphabet Kubernetes uses in generated names."""
    return "".join(_SAFE[ord(letter) % len(_SAFE)] for letter in text)


def _fnv1(data: bytes) -> int:
    value = 0x811C9DC5
    for byte in data:
        value = (value * 0x01000193 & 0xFFFFFFFF) ^ byte
    return value


def template_data(stateful_set: dict[str, Any]) -> dict[str, Any]:
    """Return `data` of the revision that stands for a StatefulSet's present template."""
    template = {"$patch": "replace", **clone(stateful_set["spec"]["template"])}
    return {"spec": {"template": template}}


def revision_hash(data: dict[str, Any], collisions: int) -> str:
    """Return the hash that ends the revision's name (FNV-1, 32 bit, of Go's JSON and the collision count).

    Args:
        data: `data` of the revision.
        collisions: `status.collisionCount` of the StatefulSet.
    """
    text = json.dumps(data, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for letter, escaped in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(letter, escaped)
    return safe_encode(str(_fnv1(text.encode() + str(collisions).encode())))


class Revisions:
    """The revisions of StatefulSets in one store.

    Args:
        client: reads and writes.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def of(self, stateful_set: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a StatefulSet's revisions, the oldest first."""
        owned = owned_by(self._client.store, stateful_set, CONTROLLER_REVISION)
        return sorted(owned, key=lambda revision: (revision["revision"], revision["metadata"]["name"]))

    def update_revision(self, stateful_set: dict[str, Any]) -> dict[str, Any]:
        """Return the revision of the present template, made or renumbered as the newest when needed."""
        data = template_data(stateful_set)
        known = self.of(stateful_set)
        newest = known[-1]["revision"] if known else 0
        same = next((revision for revision in known if revision["data"] == data), None)
        if same is not None:
            if same["revision"] == newest:
                return same

            def renumber(revision: dict[str, Any]) -> None:
                revision["revision"] = newest + 1

            return self._client.change(CONTROLLER_REVISION, same, renumber, manager=CONTROLLER_MANAGER)
        return self._create(stateful_set, data, newest + 1)

    def _create(self, stateful_set: dict[str, Any], data: dict[str, Any], number: int) -> dict[str, Any]:
        meta = stateful_set["metadata"]
        digest = revision_hash(data, (stateful_set.get("status") or {}).get("collisionCount") or 0)
        name = f"{meta['name']}-{digest}"
        existing = self._client.store.get(CONTROLLER_REVISION, meta["namespace"], name)
        if existing is not None:
            self._client.store.delete(CONTROLLER_REVISION, meta["namespace"], name)
        labels = stateful_set["spec"]["template"].get("metadata", {}).get("labels") or {}
        return self._client.create(
            CONTROLLER_REVISION,
            {
                "metadata": {
                    "name": name,
                    "namespace": meta["namespace"],
                    "labels": {**labels, HASH_LABEL: digest},
                    "ownerReferences": [owner_reference(stateful_set, STATEFUL_SET)],
                },
                "data": data,
                "revision": number,
            },
            manager=CONTROLLER_MANAGER,
        )

    def truncate(self, stateful_set: dict[str, Any], live: set[str]) -> None:
        """Delete the oldest revisions beyond `revisionHistoryLimit`.

        Args:
            stateful_set: whose revisions.
            live: names of revisions that pods or the status still refer to.
        """
        limit = stateful_set["spec"].get("revisionHistoryLimit", 10)
        old = [revision for revision in self.of(stateful_set) if revision["metadata"]["name"] not in live]
        for revision in old[: max(0, len(old) - limit)]:
            self._client.delete(CONTROLLER_REVISION, revision)
