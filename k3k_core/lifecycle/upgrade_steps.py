"""The steps of an upgrade in words, as its plan shows them."""

from __future__ import annotations

from collections.abc import Sequence

from k3k_core.lifecycle.comparison import ObjectDiff
from k3k_core.lifecycle.operation import Operation
from k3k_core.lifecycle.standing import Standing, UpgradeRequest
from k3k_core.lifecycle.upgrade_note import BACK, BLUE_GREEN, IN_WORDS
from k3k_core.names import ControlPlaneId


def steps_of(
    request: UpgradeRequest,
    standing: Standing,
    objects: Sequence[ObjectDiff],
    *,
    strategy: str,
    next_revision: int,
    etcd: bool,
    servers: bool,
    note: Operation | None,
    takes_backup: bool,
    stops: bool,
) -> tuple[str, ...]:
    """Return what will happen, in order; nothing where nothing is to be done.

    Args:
        request: what is asked for.
        standing: the control plane.
        objects: what happens to each object.
        strategy: how servers are replaced.
        next_revision: number of the revision it will be at.
        etcd: whether members of etcd are replaced.
        servers: whether servers are replaced.
        note: an upgrade that is under way; None when this is a new one.
        takes_backup: whether a backup is taken first.
        stops: whether several servers are stopped before any is started.
    """
    if strategy == "none":
        return ()
    if note is not None and note.phase == BACK:
        return (f"Go on taking it back to what revision {note.facts.get('from', '')} was.",)
    identity, wanted = request.id, standing.wanted
    steps = ["Take a backup."] if takes_backup else []
    if next_revision != standing.revision:
        steps.append(f"Store the values as revision {next_revision}.")
    if strategy == "blue-green":
        steps += _blue_green(identity, standing, note.phase if note else "green")
    else:
        if stops:
            steps.append(f"Stop all {wanted.servers} servers. The API does not answer until they are back.")
        # The root, which comes first, is what stores the values.
        applied = [each.subject for each in objects[1:] if each.action in {"create", "change"}]
        if applied:
            steps.append(f"Apply {', '.join(applied)}.")
        steps += _replacements(
            request, standing, strategy=strategy, etcd=etcd, servers=servers, note=note, stops=stops
        )
    if removed := [
        each.subject for each in objects if each.action == "remove" and not _green(identity, each)
    ]:
        steps.append(f"Remove {', '.join(removed)}.")
    if request.wait and strategy != "blue-green":
        many = wanted.servers > 1
        steps.append(f"Wait until {f'all {wanted.servers} servers are' if many else 'the server is'} ready.")
    if request.rollback_after is not None:
        steps.append(
            f"If it has not come to its end after {request.rollback_after:g} s, take it back to what revision "
            f"{note.facts.get('from', '') if note else standing.revision} is."
        )
    return tuple(steps)


def _replacements(
    request: UpgradeRequest,
    standing: Standing,
    *,
    strategy: str,
    etcd: bool,
    servers: bool,
    note: Operation | None,
    stops: bool,
) -> list[str]:
    identity, wanted = request.id, standing.wanted
    steps = []
    if etcd:
        steps.append(_replacement(identity.etcd, wanted.datastore.etcd.members, wanted.datastore.etcd.image))
    if servers and (request.canary or (note and note.phase == "canary")):
        last = f"{identity.server}-{wanted.servers - 1}"
        steps.append(
            f"Start {last} anew with {wanted.version}, and watch it for {request.canary_time:g} s: if it does not "
            "work, take it back."
        )
        steps.append(_replacement(identity.server, wanted.servers - 1, wanted.version))
    elif servers and stops:
        steps.append(f"Start all {wanted.servers} servers with {wanted.version}.")
    elif servers:
        steps.append(_replacement(identity.server, wanted.servers, wanted.version))
    if strategy == "recreate" and steps and not stops:
        steps[-1] += " The API does not answer meanwhile."
    return steps


def _replacement(workload: str, pods: int, what: str) -> str:
    if pods == 1:
        return f"Stop {workload}-0 and start it with {what}."
    names = [f"{workload}-{number}" for number in reversed(range(pods))]
    return f"Start {', then '.join(names)} anew with {what}, each when the one before it is ready."


def _blue_green(identity: ControlPlaneId, standing: Standing, phase: str) -> list[str]:
    """Return the phases that are left."""
    wanted = standing.wanted
    pods = f"{wanted.servers} server{'s' if wanted.servers != 1 else ''}"
    phases = {
        "green": f"Start a second set of {pods} with {wanted.version} beside the first, StatefulSet/{identity.green} "
        "on the same datastore; read and write through each of them.",
        "switch": f"Lead Service/{identity.service} to the second set.",
        "replace": f"Replace the first set, StatefulSet/{identity.server}, while it has no clients. Until that is "
        f"done, `k3k rollback {identity.name} -n {identity.namespace}` goes back.",
        "return": f"Read and write through each server of the first set, then lead Service/{identity.service} back "
        "to it.",
        "clean": "Remove the second set.",
    }
    order = [str(each) for each in BLUE_GREEN]
    left = order[order.index(phase) :] if phase in order else order
    return [phases[each] for each in left]


def where_it_is(note: Operation) -> str:
    """Return in words how far an upgrade has come.

    Args:
        note: of the upgrade.
    """
    return IN_WORDS.get(note.phase, note.phase or "it is not known how far it has come")


def _green(identity: ControlPlaneId, each: ObjectDiff) -> bool:
    """The second set goes in a step of its own."""
    return each.subject.partition("/")[2].startswith(identity.green)
