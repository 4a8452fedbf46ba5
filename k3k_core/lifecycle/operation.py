"""The operation that is under way on a control plane, noted on its root: who comes later goes on with it or waits.

Verbs of many steps (restore, move, rotate, a blue-green upgrade) note what they are about before they touch anything,
and take the note away at their end. Whatever dies half-way, the same verb reads the note and goes on; every other
verb is refused and told which command goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from k3k_core.errors import ConflictError
from k3k_core.host import HostApi
from k3k_core.names import ANNOTATION_OPERATION, ControlPlaneId
from k3k_core.resources import SECRET

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Operation:
    """What is under way.

    Attributes:
        verb: the verb, e.g. "restore".
        phase: how far it has come; a word of the verb's own.
        facts: what is needed to go on, by name; never a secret.
        command: the command that goes on with it, without the program's name.
    """

    verb: str
    phase: str
    facts: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def operation_of(root: Mapping[str, Any]) -> Operation | None:
    """Return the operation that is under way; None when there is none.

    Args:
        root: the root Secret.
    """
    text = (root["metadata"].get("annotations") or {}).get(ANNOTATION_OPERATION, "")
    if not text:
        return None
    try:
        found = json.loads(text)
        facts = {str(key): str(value) for key, value in (found.get("facts") or {}).items()}
        return Operation(str(found["verb"]), str(found["phase"]), facts, str(found.get("command", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Written by hand, or by a later k3k: something is under way all the same.
        return Operation("an unknown operation", "")


def refuse_other_operation(identity: ControlPlaneId, root: Mapping[str, Any], verb: str) -> None:
    """See that no operation of another verb is under way.

    Args:
        identity: the control plane.
        root: its root Secret.
        verb: the verb that wants to begin or go on.

    Raises:
        ConflictError: there is one; the hint names the command that goes on with it.
    """
    current = operation_of(root)
    if current is not None and current.verb != verb:
        raise ConflictError(
            f"control plane {identity} is in the middle of {current.verb} ({current.phase or 'no phase'}); "
            "nothing was changed",
            hint=f"`k3k {current.command}` goes on with it." if current.command else "Finish that first.",
        )


async def begin(
    host: HostApi, identity: ControlPlaneId, operation: Operation
) -> tuple[Operation, dict[str, Any]]:
    """Note an operation on the root, or return the one of the same verb that is under way.

    Args:
        host: an open host.
        identity: the control plane.
        operation: what is to begin.

    Returns:
        The operation as it is noted, which may be further than its beginning, and the root.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: another verb is under way, or the root keeps changing.
    """
    for _ in range(_ATTEMPTS):
        root = await host.get(SECRET, identity.namespace, identity.root)
        refuse_other_operation(identity, root, operation.verb)
        current = operation_of(root)
        if current is not None:
            return current, root
        try:
            return operation, await _note(host, identity, root, operation)
        except ConflictError:
            continue
    raise ConflictError(
        f"Secret {identity.namespace}/{identity.root} keeps changing", hint="Run the same command again."
    )


async def advance(
    host: HostApi, identity: ControlPlaneId, operation: Operation, phase: str, **facts: str
) -> Operation:
    """Note how far an operation has come.

    Args:
        host: an open host.
        identity: the control plane.
        operation: as `begin` or `advance` returned it.
        phase: what it is at now.
        facts: laid over those that are noted.

    Returns:
        The operation as it is noted now.
    """
    further = replace(operation, phase=phase, facts={**operation.facts, **facts})
    await _annotate(host, identity, noted(further))
    return further


async def finish(host: HostApi, identity: ControlPlaneId) -> None:
    """Take the note away: nothing is under way any more.

    Args:
        host: an open host.
        identity: the control plane.
    """
    await _annotate(host, identity, None)


async def _note(
    host: HostApi, identity: ControlPlaneId, root: Mapping[str, Any], operation: Operation
) -> dict[str, Any]:
    patch = {
        "metadata": {
            "resourceVersion": root["metadata"]["resourceVersion"],
            "annotations": {ANNOTATION_OPERATION: noted(operation)},
        }
    }
    return await host.patch(SECRET, identity.namespace, identity.root, patch)


async def _annotate(host: HostApi, identity: ControlPlaneId, text: str | None) -> None:
    patch = {"metadata": {"annotations": {ANNOTATION_OPERATION: text}}}
    await host.patch(SECRET, identity.namespace, identity.root, patch)


def noted(operation: Operation) -> str:
    """Return an operation as the annotation holds it, for who writes it together with other things.

    Args:
        operation: what is under way.
    """
    document = {
        "verb": operation.verb,
        "phase": operation.phase,
        "facts": dict(operation.facts),
        "command": operation.command,
    }
    return json.dumps(document, sort_keys=True)
