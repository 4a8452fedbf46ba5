"""Protecting a control plane: delete and prune refuse it until the protection is taken off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.errors import ConflictError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import refuse_applied
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.names import ANNOTATION_PROTECTED, ControlPlaneId
from k3k_core.resources import SECRET


@dataclass(frozen=True, slots=True)
class Protection:
    """Whether a control plane is protected.

    Attributes:
        id: the control plane.
        protected: whether delete and prune refuse it now.
        changed: whether that was different before.
    """

    id: ControlPlaneId
    protected: bool
    changed: bool


def is_protected(root: Mapping[str, Any]) -> bool:
    """Tell whether delete and prune refuse a control plane.

    Args:
        root: its root Secret.
    """
    return (root["metadata"].get("annotations") or {}).get(ANNOTATION_PROTECTED) == "true"


def refuse_protected(identity: ControlPlaneId, root: Mapping[str, Any]) -> None:
    """See that a control plane is not protected.

    Args:
        identity: the control plane.
        root: its root Secret.

    Raises:
        ConflictError: it is; the hint names the command that takes the protection off.
    """
    if is_protected(root):
        raise ConflictError(
            f"control plane {identity} is protected; nothing was deleted",
            hint=f"`{protect_command(identity, on=False)}` takes the protection off.",
        )


def protect_command(identity: ControlPlaneId, *, on: bool) -> str:
    """Return the command that protects a control plane, or takes the protection off.

    Args:
        identity: the control plane.
        on: which of the two.
    """
    return f"k3k protect {identity.name} -n {identity.namespace}" + ("" if on else " --off")


async def plan_protect(host: HostApi, identity: ControlPlaneId, *, on: bool) -> Plan:
    """Say what would change; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.
        on: whether it is to be protected.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, or is being deleted.
    """
    root = await _look(host, identity)
    if is_protected(root) == on:
        summary = f"it is {'protected' if on else 'not protected'} already"
        return Plan(identity, "protect", summary, facts={"protected": on})
    summary = f"delete and prune will {'refuse' if on else 'take'} it"
    step = "mark its root as protected" if on else "take the mark off its root"
    return Plan(identity, "protect", summary, (step,), facts={"protected": on})


async def protect(
    host: HostApi, identity: ControlPlaneId, progress: Progress = silent, *, on: bool = True
) -> Protection:
    """Have delete and prune refuse a control plane, or take it again.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about the change.
        on: whether it is to be protected.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, or is being deleted.
    """
    root = await _look(host, identity)
    changed = is_protected(root) != on
    if changed:
        patch = {"metadata": {"annotations": {ANNOTATION_PROTECTED: "true" if on else None}}}
        await host.patch(SECRET, identity.namespace, identity.root, patch)
        text = "delete and prune refuse it now" if on else "delete and prune take it again"
        progress(Step("protect", "done", text, f"Secret/{identity.root}"))
    return Protection(identity, on, changed)


async def _look(host: HostApi, identity: ControlPlaneId) -> dict[str, Any]:
    root = await find_root(host, identity)
    refuse_applied(identity, root)
    return root
