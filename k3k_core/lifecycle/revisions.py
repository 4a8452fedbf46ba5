"""The revisions of a control plane: what it was asked to be, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.discovery.control_plane import format_time, parse_time
from k3k_core.errors import K3kError
from k3k_core.host import HostApi
from k3k_core.lifecycle.comparison import FieldChange, field_changes
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.upgrade_note import ANNOTATION_TAKEN_BACK
from k3k_core.names import ANNOTATION_VERSION, LABEL_CONTROL_PLANE, TYPE_REVISION, ControlPlaneId
from k3k_core.resources import SECRET


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision.

    Attributes:
        number: 1, 2, ...
        at: when it was made (UTC); None when the host does not say.
        version: its k3s version.
        values: all its values as YAML, without tokens and passwords; empty when they cannot be read.
        current: whether it is the one the control plane is at.
        changes: the values in which it differs from the revision before it that is still kept.
        taken_back: whether it did not work and was taken back.
    """

    number: int
    at: datetime | None
    version: str
    values: str
    current: bool = False
    changes: tuple[FieldChange, ...] = ()
    taken_back: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k history -o json`), times in RFC 3339."""
        return {
            "revision": self.number,
            "at": format_time(self.at),
            "version": self.version,
            "current": self.current,
            "takenBack": self.taken_back,
            "changes": [
                {"path": change.path, "before": change.before, "after": change.after}
                for change in self.changes
            ],
            "values": _tree(self.values),
        }


async def revisions(host: HostApi, identity: ControlPlaneId) -> tuple[Revision, ...]:
    """Return the revisions that are kept, the newest first.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, which keeps its own history.
        K3kError: the host refuses or does not answer.
    """
    root, secrets = await together(find_root(host, identity), revision_secrets(host, identity))
    current = manifests.stored_revision(root)
    kept = {manifests.stored_revision(secret): secret for secret in secrets}
    # An upgrade that was stopped early has not made the Secret yet; the root holds the same values.
    kept.setdefault(current, root)
    found: list[Revision] = []
    before: str | None = None
    for number, secret in sorted(kept.items()):
        text = _values_of(secret)
        changes = () if before is None else tuple(field_changes(_tree(before), _tree(text)))
        found.append(_revision(secret, number, text, current=number == current, changes=changes))
        before = text
    return tuple(reversed(found))


async def revision_secrets(host: HostApi, identity: ControlPlaneId) -> list[dict[str, Any]]:
    """Return the Secrets that keep a control plane's revisions, in no order.

    Args:
        host: an open host.
        identity: the control plane.
    """
    listing = await host.list(
        SECRET,
        identity.namespace,
        labels=f"{LABEL_CONTROL_PLANE}={identity.name}",
        fields=f"type={TYPE_REVISION}",
    )
    return [
        item
        for item in listing.items
        if item["metadata"]["name"] == identity.revision(manifests.stored_revision(item))
    ]


def _revision(
    secret: Mapping[str, Any], number: int, text: str, *, current: bool, changes: tuple[FieldChange, ...]
) -> Revision:
    metadata = secret["metadata"]
    return Revision(
        number=number,
        at=parse_time(metadata.get("creationTimestamp")),
        version=(metadata.get("annotations") or {}).get(ANNOTATION_VERSION, ""),
        values=text,
        current=current,
        changes=changes,
        taken_back=ANNOTATION_TAKEN_BACK in (metadata.get("annotations") or {}),
    )


def _values_of(secret: Mapping[str, Any]) -> str:
    try:
        return manifests.stored_values(secret)
    except K3kError:
        # Damaged: the others can still be told.
        return ""


def _tree(text: str) -> Any:
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError:
        return {}
