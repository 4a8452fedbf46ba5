"""Writing what is asked for into the root Secret, as a new revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import all_of
from k3k_core.errors import ConflictError
from k3k_core.host import HostApi
from k3k_core.lifecycle.operation import Operation, begin, noted
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.revisions import revision_secrets
from k3k_core.lifecycle.root_marks import renewed_metadata
from k3k_core.lifecycle.upgrade_note import ANNOTATION_BACK_AT, BACK
from k3k_core.lifecycle.upgrade_work import Work
from k3k_core.names import ANNOTATION_OPERATION, ControlPlaneId
from k3k_core.resources import SECRET

# How many revisions are kept for history and rollback.
KEPT_REVISIONS = 10


async def record(work: Work, note: Operation | None) -> Mapping[str, Any]:
    """Write the values into the root Secret as a new revision, if they changed, and note what is under way.

    Both are one write: whatever dies half-way, the values asked for and how they are to come about are known together.

    Args:
        work: the upgrade.
        note: what is to be noted; None for an upgrade that needs no note.

    Returns:
        The root.

    Raises:
        ConflictError: somebody else changed it at the same time.
    """
    host, identity, standing = work.host, work.id, work.standing
    if not work.plan.changes:
        if note is None:
            return standing.root
        _, root = await begin(host, identity, note)
        return root
    kept = [manifests.stored_revision(item) for item in await revision_secrets(host, identity)]
    # Not just the next one: a root that was restored from a backup is behind its own revisions.
    number = max([standing.revision, *kept]) + 1
    manifest = _new_root(work, number, note)
    try:
        root = await host.replace(manifest)
    except ConflictError as error:
        root = await _written_all_the_same(host, identity, manifest, error)
    work.progress(Step("revision", "done", f"recorded revision {number}", f"Secret/{identity.root}"))
    return root


async def still_ours(host: HostApi, identity: ControlPlaneId, revision: int) -> None:
    """See that nobody has gone on to another revision: the servers would be given values of an earlier one.

    Args:
        host: an open host.
        identity: the control plane.
        revision: number of the revision that is being carried out.

    Raises:
        ConflictError: somebody has.
    """
    root = await host.get(SECRET, identity.namespace, identity.root)
    if manifests.stored_revision(root) != revision:
        raise ConflictError(
            f"control plane {identity} was taken from revision {revision} to "
            f"{manifests.stored_revision(root)} by somebody else meanwhile",
            hint="That upgrade goes on; run this one again when it is over, if it is still wanted.",
        )


async def forget(host: HostApi, identity: ControlPlaneId, current: int) -> None:
    """Delete the oldest revisions beyond those that are kept.

    Args:
        host: an open host.
        identity: the control plane.
        current: number of the revision it is at.
    """
    numbers = [manifests.stored_revision(item) for item in await revision_secrets(host, identity)]
    old = sorted(number for number in numbers if number != current)[: max(0, len(numbers) - KEPT_REVISIONS)]
    await all_of(host.delete(SECRET, identity.namespace, identity.revision(number)) for number in old)


def _new_root(work: Work, number: int, note: Operation | None) -> dict[str, Any]:
    identity, standing = work.id, work.standing
    root, stored, wanted = standing.root, standing.stored.values, standing.wanted
    fresh = manifests.root_secret(identity, wanted, revision=number)
    metadata = renewed_metadata(root, fresh, stored, wanted)
    annotations = {key: text for key, text in metadata["annotations"].items() if key != ANNOTATION_BACK_AT}
    if work.request.back_to is not None:
        annotations[ANNOTATION_BACK_AT] = str(work.request.back_to)
    if note is not None:
        if note.phase != BACK:
            note = replace(note, facts={**note.facts, "revision": str(number)})
        annotations[ANNOTATION_OPERATION] = noted(note)
    return {**fresh, "metadata": {**metadata, "annotations": annotations}}


async def _written_all_the_same(
    host: HostApi, identity: ControlPlaneId, manifest: Mapping[str, Any], error: ConflictError
) -> dict[str, Any]:
    """Return the root if it is what was to be written: the answer to the first attempt was lost."""
    root = await host.get(SECRET, identity.namespace, identity.root)
    same_uid = root["metadata"].get("uid") == manifest["metadata"].get("uid")
    same_number = manifests.stored_revision(root) == manifests.stored_revision(manifest)
    if same_uid and same_number and root.get("data") == manifest["data"]:
        return root
    raise ConflictError(
        f"control plane {identity} was changed by somebody else meanwhile; nothing was changed",
        hint="Run the same command again: it looks at what there is now.",
        reason=error.reason,
    ) from None
