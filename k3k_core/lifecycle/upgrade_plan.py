"""What an upgrade would do: nothing is changed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import value_changes
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from k3k_core.lifecycle.diff import compare_with_host
from k3k_core.lifecycle.rollout import is_complete
from k3k_core.lifecycle.standing import Standing, UpgradeRequest, look
from k3k_core.lifecycle.upgrade_checks import problems, refused_by_host, warnings
from k3k_core.names import ControlPlaneId

_LOSS = Issue(
    "persistence.enabled",
    "is false: what is stored is in the pod that is replaced, and is lost with it",
    "go on only if that does not matter",
)

Strategy = Literal["rolling", "recreate", "in-place", "none"]


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """What an upgrade would do.

    Attributes:
        id: the control plane.
        from_version: k3s version that runs.
        to_version: k3s version that is asked for.
        revision: number of the revision it is at.
        next_revision: number of the revision it would be at; the same when no value changes.
        strategy: "rolling" replaces one server after the other, "recreate" the only one, "in-place" none,
            "none" has nothing to do.
        resumes: whether this goes on with an upgrade that was stopped or has not come to its end.
        changes: the values that change, secrets hidden.
        objects: what happens to each object, unchanged ones included; empty when there are problems with the
            values.
        steps: what will happen, in order, one sentence each.
        problems: why it is refused, each with what to do instead; empty when it may go on.
        warnings: what to know before it goes on.
        loses_data: whether what is stored is lost, because it is in a pod that is replaced and on no volume.
    """

    id: ControlPlaneId
    from_version: str
    to_version: str
    revision: int
    next_revision: int
    strategy: Strategy
    resumes: bool
    changes: tuple[FieldChange, ...]
    objects: tuple[ObjectDiff, ...]
    steps: tuple[str, ...]
    problems: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    loses_data: bool = False

    @property
    def refused(self) -> bool:
        """Whether the upgrade would be refused."""
        return bool(self.problems)

    @property
    def nothing_to_do(self) -> bool:
        """Whether the control plane is already as asked for."""
        return self.strategy == "none" and not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k upgrade --dry-run -o json`)."""
        return {
            "namespace": self.id.namespace,
            "name": self.id.name,
            "fromVersion": self.from_version,
            "toVersion": self.to_version,
            "revision": self.revision,
            "nextRevision": self.next_revision,
            "strategy": self.strategy,
            "losesData": self.loses_data,
            "resumes": self.resumes,
            "changes": [
                {"path": each.path, "before": each.before, "after": each.after} for each in self.changes
            ],
            "objects": [each.to_dict() for each in self.objects if each.action != "none"],
            "steps": list(self.steps),
            "problems": [_issue(each) for each in self.problems],
            "warnings": [_issue(each) for each in self.warnings],
        }


def _issue(issue: Issue) -> dict[str, str]:
    return {"path": issue.path, "problem": issue.problem, "remedy": issue.remedy}


async def plan_upgrade(host: HostApi, request: UpgradeRequest) -> UpgradePlan:
    """Find out what an upgrade would do and whether it may; nothing is changed.

    Args:
        host: an open host.
        request: what is asked for.

    Returns:
        The plan; its `problems` say why the upgrade would be refused.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it was made by Helm, or is being deleted.
        ValuesError: the values asked for are wrong in themselves.
        K3kError: the host refuses or does not answer.
    """
    return await plan_of(host, request, await look(host, request))


async def plan_of(host: HostApi, request: UpgradeRequest, standing: Standing) -> UpgradePlan:
    """Return the plan for a control plane that was looked at; see `plan_upgrade`.

    Args:
        host: an open host.
        request: what is asked for.
        standing: of `look`.
    """
    found = [*problems(request, standing)]
    changes = value_changes(standing.stored, standing.asked)
    objects: tuple[ObjectDiff, ...] = ()
    if not found:
        objects = await compare_with_host(
            host, request.id, standing.root, standing.asked, force=request.force_conflicts
        )
        found += refused_by_host(objects)
    replaced = _replaced(request.id, standing, objects)
    strategy = _strategy(standing, objects, changes, replaced)
    loses = _loses_data(standing, replaced)
    return UpgradePlan(
        id=request.id,
        from_version=str(standing.running),
        to_version=standing.wanted.version,
        revision=standing.revision,
        next_revision=standing.revision + bool(changes),
        strategy=strategy,
        resumes=not changes and strategy != "none",
        changes=changes,
        objects=objects,
        steps=_steps(request, standing, objects, changes, replaced) if not found else (),
        problems=tuple(found),
        warnings=(*standing.asked.warnings, *([_LOSS] if loses else []), *warnings(standing, changes)),
        loses_data=loses,
    )


@dataclass(frozen=True, slots=True)
class _Replaced:
    """Whose pods are replaced."""

    servers: bool
    etcd: bool


def _replaced(identity: ControlPlaneId, standing: Standing, objects: Sequence[ObjectDiff]) -> _Replaced:
    """Tell whose pods are replaced; servers also where an earlier replacement has not come to its end."""
    touched = {
        each.subject
        for each in objects
        if any(change.path.startswith("spec.template.") for change in each.changes)
    }
    complete = is_complete(standing.workload, int(standing.workload["spec"].get("replicas", 1)))
    other_version = standing.wanted.version != standing.stored.values.version
    return _Replaced(
        servers=other_version or not complete or f"StatefulSet/{identity.server}" in touched,
        etcd=f"StatefulSet/{identity.etcd}" in touched,
    )


def _strategy(
    standing: Standing, objects: Sequence[ObjectDiff], changes: Sequence[FieldChange], replaced: _Replaced
) -> Strategy:
    if replaced.servers or replaced.etcd:
        return "rolling" if _goes_on_answering(standing, replaced) else "recreate"
    if changes or any(each.action != "none" for each in objects):
        return "in-place"
    return "none"


def _goes_on_answering(standing: Standing, replaced: _Replaced) -> bool:
    """Tell whether another server, and another member of etcd, is there while one is replaced."""
    wanted = standing.wanted
    return not (replaced.servers and wanted.servers == 1) and not (
        replaced.etcd and wanted.datastore.etcd.members == 1
    )


def _loses_data(standing: Standing, replaced: _Replaced) -> bool:
    stored = standing.stored.values
    holders = {"sqlite": replaced.servers, "etcd": replaced.etcd}
    return holders.get(stored.datastore.kind, False) and not stored.persistence.enabled


def _steps(
    request: UpgradeRequest,
    standing: Standing,
    objects: Sequence[ObjectDiff],
    changes: Sequence[FieldChange],
    replaced: _Replaced,
) -> tuple[str, ...]:
    """Return what will happen, in order; nothing where nothing is to be done."""
    if _strategy(standing, objects, changes, replaced) == "none":
        return ()
    wanted, etcd = standing.wanted, standing.wanted.datastore.etcd
    steps = []
    if changes:
        steps.append(f"Store the values as revision {standing.revision + 1}.")
    # The root, which comes first, is what stores the values.
    if applied := [each.subject for each in objects[1:] if each.action in {"create", "change"}]:
        steps.append(f"Apply {', '.join(applied)}.")
    if replaced.etcd:
        steps.append(_replacement(request.id.etcd, etcd.members, etcd.image))
    if replaced.servers:
        steps.append(_replacement(request.id.server, wanted.servers, wanted.version))
    if not _goes_on_answering(standing, replaced):
        steps[-1] += " The API does not answer meanwhile."
    if removed := [each.subject for each in objects if each.action == "remove"]:
        steps.append(f"Remove {', '.join(removed)}.")
    if request.wait:
        many = wanted.servers > 1
        steps.append(f"Wait until {f'all {wanted.servers} servers are' if many else 'the server is'} ready.")
    return tuple(steps)


def _replacement(workload: str, pods: int, what: str) -> str:
    if pods == 1:
        return f"Stop {workload}-0 and start it with {what}."
    names = [f"{workload}-{number}" for number in reversed(range(pods))]
    return f"Start {', then '.join(names)} anew with {what}, each when the one before it is ready."
