"""The note on the root of an upgrade that has phases: which one it is at, and where it can go back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from k3k_core.lifecycle.operation import Operation, operation_of
from k3k_core.lifecycle.standing import UpgradeRequest
from k3k_core.names import DOMAIN, ControlPlaneId

Phase = Literal["roll", "stop", "canary", "others", "green", "switch", "replace", "return", "clean", "back"]

# In this order; a phase that is noted has begun, those before it are done.
BLUE_GREEN: Final[tuple[Phase, ...]] = ("green", "switch", "replace", "return", "clean")
BACK: Final[Phase] = "back"
# On the Secret of a revision that did not work and was taken back.
ANNOTATION_TAKEN_BACK: Final = f"{DOMAIN}/taken-back"
# On a root whose values are those of an earlier revision: which. A rollback that is repeated does not go further back.
ANNOTATION_BACK_AT: Final = f"{DOMAIN}/back-at"
_VERBS = frozenset({"upgrade", "rollback"})

IN_WORDS: Final[Mapping[str, str]] = {
    "roll": "the servers are being replaced",
    "stop": "the servers are being stopped",
    "canary": "the first server is being tried",
    "others": "the first server has proved itself, the others are being replaced",
    "green": "the second set of servers is being started and probed",
    "switch": "the Service is being led to the second set of servers",
    "replace": "the first set of servers is being replaced, while the second serves",
    "return": "the Service is being led back to the first set of servers",
    "clean": "the second set of servers is being removed",
    "back": "it is being taken back",
}


def under_way(root: Mapping[str, Any]) -> Operation | None:
    """Return the upgrade or rollback that is noted on a root; None when there is none.

    Args:
        root: the root Secret.
    """
    found = operation_of(root)
    return found if found is not None and found.verb in _VERBS else None


def new_note(
    request: UpgradeRequest, strategy: str, *, revision: int, version: str, stops: bool
) -> Operation | None:
    """Return the note of an upgrade that begins; None for one that needs none.

    Args:
        request: what is asked for.
        strategy: how servers will be replaced.
        revision: number of the revision to which it can go back.
        version: k3s version it is to have.
        stops: whether several servers are stopped before any is started.
    """
    if strategy == "blue-green":
        phase: Phase = "green"
    elif stops:
        # Noted, so that servers which are back already are not stopped a second time.
        phase = "stop"
    elif request.canary:
        phase = "canary"
    elif request.rollback_after is not None or request.verb == "rollback":
        phase = "roll"
    else:
        return None
    facts = {"strategy": strategy, "from": str(revision), "version": version}
    if request.back_to is not None:
        facts["to"] = str(request.back_to)
    return Operation(request.verb, phase, facts, going_on(request.id, request.verb, facts))


def back_at(root: Mapping[str, Any]) -> int:
    """Return the revision to which a control plane was rolled back last; 0 when it has gone on since.

    Args:
        root: the root Secret.
    """
    text = (root["metadata"].get("annotations") or {}).get(ANNOTATION_BACK_AT, "")
    return int(text) if text.isdecimal() else 0


def going_on(identity: ControlPlaneId, verb: str, facts: Mapping[str, str]) -> str:
    """Return the command that goes on with what is noted, without the program's name.

    Args:
        identity: the control plane.
        verb: "upgrade" or "rollback".
        facts: of the note.
    """
    where = f"{identity.name} -n {identity.namespace}"
    if verb == "rollback":
        return f"rollback {where}"
    return f"upgrade {where} --version {facts.get('version', '')}"
