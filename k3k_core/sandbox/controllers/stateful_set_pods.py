"""The pods and claims of a StatefulSet: their names, and what makes them its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, STATEFUL_SET
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, owner_reference
from k3k_core.sandbox.controllers.events import EventRecorder

COMPONENT = "statefulset-controller"
REVISION_LABEL = "controller-revision-hash"
NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"
_ORDINAL = re.compile(r"(?P<parent>.*)-(?P<ordinal>[0-9]+)")


def ordinal_of(stateful_set: dict[str, Any], pod: dict[str, Any]) -> int:
    """Return the ordinal in a pod's name, -1 when the name is none of the set's."""
    matched = _ORDINAL.fullmatch(pod["metadata"]["name"])
    if matched is None or matched["parent"] != stateful_set["metadata"]["name"]:
        return -1
    return int(matched["ordinal"])


def revision_of(pod: dict[str, Any]) -> str:
    """Return the name of the revision a pod was made from."""
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))


def claim_names(stateful_set: dict[str, Any], ordinal: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, template) of the claims of one ordinal."""
    name = stateful_set["metadata"]["name"]
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        yield f"{template['metadata']['name']}-{name}-{ordinal}", template


def new_pod(
    stateful_set: dict[str, Any], template: dict[str, Any], revision: str, ordinal: int
) -> dict[str, Any]:
    """Return the pod of one ordinal.

    Args:
        stateful_set: the owner.
        template: pod template of the revision.
        revision: name of that revision.
        ordinal: 0, 1, ...
    """
    meta = stateful_set["metadata"]
    name = f"{meta['name']}-{ordinal}"
    template_meta = template.get("metadata") or {}
    spec = clone(template["spec"])
    spec["hostname"] = name
    spec["subdomain"] = stateful_set["spec"].get("serviceName", "")
    claims = {template["metadata"]["name"]: claim for claim, template in claim_names(stateful_set, ordinal)}
    volumes = [volume for volume in spec.get("volumes") or () if volume["name"] not in claims]
    own = [
        {"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claims.items()
    ]
    if own or volumes:
        spec["volumes"] = own + volumes
    pod_meta: dict[str, Any] = {
        "name": name,
        "generateName": f"{meta['name']}-",
        "namespace": meta["namespace"],
        "labels": {
            **(template_meta.get("labels") or {}),
            INDEX_LABEL: str(ordinal),
            REVISION_LABEL: revision,
            NAME_LABEL: name,
        },
        "ownerReferences": [owner_reference(stateful_set, STATEFUL_SET)],
    }
    for field in ("annotations", "finalizers"):
        if template_meta.get(field):
            pod_meta[field] = clone(template_meta[field])
    return {"metadata": pod_meta, "spec": spec}


class Claims:
    """Makes and keeps the claims of StatefulSets.

    Args:
        client: reads and writes.
        events: for what is made.
    """

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._events = events

    def ensure(self, stateful_set: dict[str, Any], ordinal: int) -> bool:
        """Create the missing claims of one ordinal; False while one of them is being deleted."""
        namespace, name = stateful_set["metadata"]["namespace"], stateful_set["metadata"]["name"]
        for claim, template in claim_names(stateful_set, ordinal):
            existing = self._client.store.get(PERSISTENT_VOLUME_CLAIM, namespace, claim)
            if existing is not None:
                if "deletionTimestamp" in existing["metadata"]:
                    return False
                continue
            meta = template["metadata"]
            labels = {
                **(meta.get("labels") or {}),
                **((stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}),
            }
            made = {"metadata": {"name": claim, "namespace": namespace}, "spec": clone(template["spec"])}
            if labels:
                made["metadata"]["labels"] = labels
            if meta.get("annotations"):
                made["metadata"]["annotations"] = clone(meta["annotations"])
            self._client.create(PERSISTENT_VOLUME_CLAIM, made, manager=CONTROLLER_MANAGER)
            self._events.normal(
                stateful_set,
                "SuccessfulCreate",
                f"Create Claim {claim} Pod {name}-{ordinal} in StatefulSet {name} success",
                component=COMPONENT,
            )
        return True

    def own(
        self, stateful_set: dict[str, Any], ordinal: int, pod: dict[str, Any], *, condemned: bool
    ) -> None:
        """Set the owners of an ordinal's claims as `persistentVolumeClaimRetentionPolicy` says.

        `whenDeleted: Delete` makes the set an owner, `whenScaled: Delete` a pod that is scaled away.
        """
        policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        by_set = policy.get("whenDeleted") == "Delete"
        by_pod = policy.get("whenScaled") == "Delete" and condemned
        namespace = stateful_set["metadata"]["namespace"]
        for claim, _ in claim_names(stateful_set, ordinal):
            existing = self._client.store.get(PERSISTENT_VOLUME_CLAIM, namespace, claim)
            if existing is None:
                continue
            owners = [
                *(
                    [_plain_reference(stateful_set, "apps/v1", "StatefulSet")]
                    if by_set and not by_pod
                    else ()
                ),
                *([_plain_reference(pod, "v1", "Pod")] if by_pod else ()),
            ]
            ours = {stateful_set["metadata"]["uid"], pod["metadata"]["uid"]}

            def edit(
                changed: dict[str, Any], owners: list[dict[str, Any]] = owners, ours: set[str] = ours
            ) -> None:
                meta = changed["metadata"]
                others = [ref for ref in meta.get("ownerReferences") or () if ref["uid"] not in ours]
                if others or owners:
                    meta["ownerReferences"] = others + owners
                else:
                    meta.pop("ownerReferences", None)

            self._client.change(PERSISTENT_VOLUME_CLAIM, existing, edit, manager=CONTROLLER_MANAGER)


def _plain_reference(owner: dict[str, Any], api_version: str, kind: str) -> dict[str, Any]:
    meta = owner["metadata"]
    return {"apiVersion": api_version, "kind": kind, "name": meta["name"], "uid": meta["uid"]}
