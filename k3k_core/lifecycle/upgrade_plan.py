"""What an upgrade would do: nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.agent_pods import agents_problem
from k3k_core.lifecycle.claim import value_changes
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from k3k_core.lifecycle.diff import compare_with_host
from k3k_core.lifecycle.etcd_upgrade import member_problems
from k3k_core.lifecycle.operation import Operation
from k3k_core.lifecycle.rollout import is_complete
from k3k_core.lifecycle.standing import Standing, UpgradeRequest, look
from k3k_core.lifecycle.upgrade_backup import backup_before, missing_backup
from k3k_core.lifecycle.upgrade_checks import problems, refused_by_host, warnings
from k3k_core.lifecycle.upgrade_note import under_way
from k3k_core.lifecycle.upgrade_rules import budget_problems, strategy_problems, strategy_warnings
from k3k_core.lifecycle.upgrade_steps import steps_of
from k3k_core.manifests import Blueprint
from k3k_core.names import ControlPlaneId

_LOSS = Issue(
    "persistence.enabled",
    "is false: what is stored is in the pod that is replaced, and is lost with it",
    "go on only if that does not matter",
)

Strategy = Literal["rolling", "recreate", "blue-green", "in-place", "none"]
_NOTED: Mapping[str, Strategy] = {"blue-green": "blue-green", "recreate": "recreate"}


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """What an upgrade would do.

    Attributes:
        id: the control plane.
        from_version: k3s version that runs.
        to_version: k3s version that is asked for.
        revision: number of the revision it is at.
        next_revision: number of the revision it would be at; the same when no value changes.
        strategy: "rolling" replaces one server after the other, "recreate" stops them first, "blue-green" has a
            second set take over meanwhile, "in-place" replaces none, "none" has nothing to do.
        resumes: whether this goes on with an upgrade that was stopped or has not come to its end.
        changes: the values that change, secrets hidden.
        objects: what happens to each object, unchanged ones included; empty when there are problems with the
            values.
        steps: what will happen, in order, one sentence each.
        problems: why it is refused, each with what to do instead; empty when it may go on.
        warnings: what to know before it goes on.
        loses_data: whether what is stored is lost, because it is in a pod that is replaced and on no volume.
        takes_backup: whether a backup is taken first.
        stops_servers: whether several servers are stopped before any is started.
        phase: how far an upgrade with phases has come that is gone on with; empty for a new one.
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
    takes_backup: bool = False
    stops_servers: bool = False
    phase: str = ""

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
            "takesBackup": self.takes_backup,
            "resumes": self.resumes,
            "phase": self.phase,
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
    now, note = datetime.now(UTC), under_way(standing.root)
    backup = backup_before(request, standing, now)
    found = [*problems(request, standing)]
    if backup == "missing":
        found.append(missing_backup(request.id, standing.root, now))
    changes = value_changes(standing.stored, standing.asked)
    objects: tuple[ObjectDiff, ...] = ()
    if not found:
        objects = await compare_with_host(
            host, request.id, standing.root, standing.asked, force=request.force_conflicts
        )
        found += refused_by_host(objects)
        if refused := await agents_problem(host, _sketch(request.id, standing)):
            found.append(refused)
    replaced = _replaced(request.id, standing, objects)
    strategy = _strategy(request, standing, objects, changes, replaced, note)
    stops = _stops_servers(request, standing, replaced)
    found += strategy_problems(
        request, standing, changes, strategy=strategy, servers=replaced.servers, stops=stops
    )
    if (replaced.servers or replaced.etcd) and not found and note is None:
        found += await budget_problems(host, request, servers=replaced.servers, etcd=replaced.etcd)
    if replaced.etcd and not found and note is None and not request.ignore_health:
        found += await member_problems(host, request.id)
    loses = _loses_data(standing, replaced)
    next_revision = standing.revision + bool(changes)
    return UpgradePlan(
        id=request.id,
        from_version=str(standing.running),
        to_version=standing.wanted.version,
        revision=standing.revision,
        next_revision=next_revision,
        strategy=strategy,
        resumes=not changes and strategy != "none",
        changes=changes,
        objects=objects,
        steps=()
        if found
        else steps_of(
            request,
            standing,
            objects,
            strategy=strategy,
            next_revision=next_revision,
            etcd=replaced.etcd,
            servers=replaced.servers,
            note=note,
            takes_backup=backup == "take",
            stops=stops,
        ),
        problems=tuple(found),
        warnings=(
            *standing.asked.warnings,
            *([_LOSS] if loses else []),
            *warnings(standing, changes, backed_up=backup in {"fresh", "take"}),
            *strategy_warnings(request, standing, strategy),
        ),
        loses_data=loses,
        takes_backup=backup == "take",
        stops_servers=stops,
        phase=note.phase if note is not None else "",
    )


@dataclass(frozen=True, slots=True)
class _Replaced:
    """Whose pods are replaced."""

    servers: bool
    etcd: bool


def _sketch(identity: ControlPlaneId, standing: Standing) -> Blueprint:
    """Return what agents are rendered from: neither the address nor the kubeconfig matters to them."""
    credentials = standing.credentials
    return Blueprint(identity, standing.wanted, credentials.pki, credentials.tokens, admin_kubeconfig="")


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
    request: UpgradeRequest,
    standing: Standing,
    objects: Sequence[ObjectDiff],
    changes: Sequence[FieldChange],
    replaced: _Replaced,
    note: Operation | None,
) -> Strategy:
    if note is not None:
        return _NOTED.get(note.facts.get("strategy", ""), "rolling")
    if replaced.servers or replaced.etcd:
        if replaced.servers and _asked(request, standing) == "blue-green":
            return "blue-green"
        answers = _goes_on_answering(standing, replaced) and not _stops_servers(request, standing, replaced)
        return "rolling" if answers else "recreate"
    if changes or any(each.action != "none" for each in objects):
        return "in-place"
    return "none"


def _asked(request: UpgradeRequest, standing: Standing) -> str:
    return request.strategy or standing.wanted.upgrade.strategy


def _stops_servers(request: UpgradeRequest, standing: Standing, replaced: _Replaced) -> bool:
    return replaced.servers and standing.wanted.servers > 1 and _asked(request, standing) == "recreate"


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
