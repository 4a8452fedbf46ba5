"""What an upgrade would do, and whether it may: nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import settled, stored_values, value_changes
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from k3k_core.lifecycle.credentials import Credentials, find_credentials, other_secrets
from k3k_core.lifecycle.diff import compare_with_host
from k3k_core.lifecycle.existing import find_root, find_workload
from k3k_core.lifecycle.immutable import immutable_changes
from k3k_core.lifecycle.rollout import is_complete
from k3k_core.lifecycle.servers import Server, lagging, list_servers, newest_started
from k3k_core.names import ControlPlaneId
from k3k_core.releases import check_step
from k3k_core.values import LoadedValues, Values, join_secrets, load_given, load_values
from k3k_core.versions import K3sVersion, VersionError

Strategy = Literal["rolling", "recreate", "in-place", "none"]


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """What a control plane is to become, and how long to wait for it.

    Attributes:
        id: the control plane.
        values: all values it is to have, as for a create; None for those it has.
        version: k3s version, stronger than the values; None for theirs.
        assignments: `path=value` texts laid over the values it has; only without `values`.
        allow_downgrade: go back to an older version, by one minor at most.
        ignore_health: change the version of a control plane whose servers are not all ready.
        wait: whether to wait until every server is ready.
        timeout: seconds for the whole upgrade.
        address_timeout: seconds to wait for a load balancer's address, where that can change.
        force_conflicts: take over fields that another field manager owns.
    """

    id: ControlPlaneId
    values: LoadedValues | None = None
    version: str | None = None
    assignments: tuple[str, ...] = ()
    allow_downgrade: bool = False
    ignore_health: bool = False
    wait: bool = True
    timeout: float = 600.0
    address_timeout: float = 8.0
    force_conflicts: bool = False


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


@dataclass(frozen=True, slots=True)
class Standing:
    """A control plane as it stands before an upgrade, and the values asked for.

    Attributes:
        root: its root Secret.
        workload: the StatefulSet of its servers.
        stored: the values it has.
        asked: the values asked for.
        wanted: the same, with what the first create settled.
        credentials: its authorities and tokens.
        servers: its servers.
    """

    root: Mapping[str, Any]
    workload: Mapping[str, Any]
    stored: LoadedValues
    asked: LoadedValues
    wanted: Values
    credentials: Credentials
    servers: tuple[Server, ...]

    @property
    def revision(self) -> int:
        """Number of the revision the root stands for."""
        return manifests.stored_revision(self.root)

    @property
    def running(self) -> K3sVersion:
        """The newest version that has worked on the data, as far as that can be seen."""
        return newest_started(self.servers) or K3sVersion.parse(self.stored.values.version)


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


async def look(host: HostApi, request: UpgradeRequest) -> Standing:
    """Read everything an upgrade depends on.

    Args:
        host: an open host.
        request: what is asked for.
    """
    identity = request.id
    root = await find_root(host, identity)
    stored = stored_values(root)
    workload, servers, credentials = await together(
        find_workload(host, identity),
        list_servers(host, identity),
        find_credentials(host, identity, stored.values),
    )
    asked = _asked(root, request, credentials)
    return Standing(
        root=root,
        workload=workload,
        stored=stored,
        asked=asked,
        wanted=settled(stored.values, asked),
        credentials=credentials,
        servers=servers,
    )


def _asked(root: Mapping[str, Any], request: UpgradeRequest, credentials: Credentials) -> LoadedValues:
    """Return the values asked for, with the address of the datastore where what is stored stands for it."""
    if request.values is not None:
        asked = request.values
        if request.version is not None:
            asked = load_given({**asked.given, "version": request.version})
    else:
        overrides = [*request.assignments]
        overrides += [f"version={request.version}"] if request.version is not None else []
        source = f"Secret/{root['metadata']['name']}"
        loaded = load_values(manifests.stored_values(root), source=source, overrides=overrides)
        # All defaults are stored, and would be warned about as if somebody had asked for them.
        asked = replace(loaded, warnings=())
    endpoint = asked.values.datastore.external.endpoint
    if endpoint is None or not manifests.is_stand_in(endpoint):
        return asked
    actual = {"datastore.external.endpoint": credentials.tokens.datastore_endpoint}
    return replace(load_given(join_secrets(asked.given, actual)), warnings=asked.warnings)


async def plan_of(host: HostApi, request: UpgradeRequest, standing: Standing) -> UpgradePlan:
    """Return the plan for a control plane that was looked at; see `plan_upgrade`.

    Args:
        host: an open host.
        request: what is asked for.
        standing: of `look`.
    """
    problems = [*_value_problems(request, standing)]
    changes = value_changes(standing.stored, standing.asked)
    objects: tuple[ObjectDiff, ...] = ()
    if not problems:
        objects = await compare_with_host(host, request.id, standing.root, standing.asked)
        problems += _refused_by_host(objects)
    complete = is_complete(standing.workload, standing.wanted.servers)
    strategy = _strategy(standing, objects, changes, complete=complete)
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
        steps=_steps(request, standing, objects, changes, strategy) if not problems else (),
        problems=tuple(problems),
        warnings=(*standing.asked.warnings, *_warnings(standing, changes)),
    )


def _value_problems(request: UpgradeRequest, standing: Standing) -> Iterator[Issue]:
    stored, wanted = standing.stored.values, standing.wanted
    yield from immutable_changes(stored, wanted)
    for path in other_secrets(wanted, standing.credentials.tokens):
        yield Issue(path, "never changes once a control plane is made", "leave it out of the values")
    yield from _version_problems(request, standing)
    yield from _health_problems(request, standing)


def _version_problems(request: UpgradeRequest, standing: Standing) -> Iterator[Issue]:
    wanted = K3sVersion.parse(standing.wanted.version)
    try:
        check_step(str(standing.running), str(wanted), allow_downgrade=request.allow_downgrade)
    except VersionError as error:
        yield Issue("version", error.problem, error.remedy)
        return
    behind = lagging(standing.servers, wanted)
    if behind:
        names = ", ".join(f"{server.name} ({server.version})" for server in behind)
        yield Issue(
            "version",
            f"{wanted} cannot run beside servers that are more than one minor behind: {names}",
            f"finish the upgrade to {standing.stored.values.version} first",
        )


def _health_problems(request: UpgradeRequest, standing: Standing) -> Iterator[Issue]:
    """An upgrade of what is broken already would hide what broke it, unless it is the repair."""
    stored, wanted = standing.stored.values, standing.wanted
    unfinished = standing.workload.get("status", {})
    if wanted.version == stored.version or request.ignore_health:
        return
    if unfinished.get("currentRevision") != unfinished.get("updateRevision"):
        return
    unready = [server.name for server in standing.servers if not server.ready]
    if unready or len(standing.servers) < stored.servers:
        ready = len(standing.servers) - len(unready)
        yield Issue(
            "",
            f"only {ready} of {stored.servers} servers are ready",
            f"`k3k doctor {request.id.name} -n {request.id.namespace}` says why; --ignore-health goes on all the "
            "same",
        )


def _refused_by_host(objects: Sequence[ObjectDiff]) -> Iterator[Issue]:
    for each in objects:
        for change in each.changes:
            if change.refused:
                yield Issue(each.subject, change.after, "leave what it is about as it is")


def _strategy(
    standing: Standing, objects: Sequence[ObjectDiff], changes: Sequence[FieldChange], *, complete: bool
) -> Strategy:
    touched = {
        change.path.split(".")[1] if "." in change.path else ""
        for each in objects
        if each.subject == f"StatefulSet/{standing.workload['metadata']['name']}"
        for change in each.changes
    }
    other_version = standing.wanted.version != standing.stored.values.version
    if "template" in touched or other_version or not complete:
        return "rolling" if min(standing.wanted.servers, standing.stored.values.servers) > 1 else "recreate"
    if changes or any(each.action != "none" for each in objects):
        return "in-place"
    return "none"


def _steps(
    request: UpgradeRequest,
    standing: Standing,
    objects: Sequence[ObjectDiff],
    changes: Sequence[FieldChange],
    strategy: Strategy,
) -> tuple[str, ...]:
    if strategy == "none":
        return ()
    return tuple(_sentences(request, standing, objects, changes, strategy))


def _sentences(
    request: UpgradeRequest,
    standing: Standing,
    objects: Sequence[ObjectDiff],
    changes: Sequence[FieldChange],
    strategy: Strategy,
) -> Iterator[str]:
    identity, wanted = request.id, standing.wanted
    if changes:
        yield f"Store the values as revision {standing.revision + 1}."
    applied = [each.subject for each in objects[1:] if each.action in {"create", "change"}]
    if applied:
        yield f"Apply {', '.join(applied)}."
    removed = [each.subject for each in objects if each.action == "remove"]
    if removed:
        yield f"Remove {', '.join(removed)}."
    if f"StatefulSet/{identity.etcd}" in applied:
        yield "Replace the members of etcd, one after the other."
    if strategy == "rolling":
        names = [f"{identity.server}-{number}" for number in reversed(range(wanted.servers))]
        yield (
            f"Replace {', then '.join(names)}, each when the one before it is ready; the API goes on answering."
        )
    elif strategy == "recreate":
        yield (
            f"Stop {identity.server}-0 and start it with {wanted.version}; the API does not answer meanwhile."
        )
    if request.wait:
        yield f"Wait until {wanted.servers} of {wanted.servers} servers are ready."


def _warnings(standing: Standing, changes: Sequence[FieldChange]) -> Iterator[Issue]:
    paths = {change.path for change in changes}
    stored, wanted = standing.stored.values, standing.wanted
    if wanted.version != stored.version:
        yield Issue(
            "version",
            "k3s does not go back to an older version",
            "back up what is stored before, if you may need to",
        )
    if any(path.startswith(("loadbalancer.", "service.")) for path in paths):
        yield Issue(
            "loadbalancer",
            "the address of the API may change, and with it the admin kubeconfig",
            "tell whoever uses the old address",
        )
    if "datastore.external.secret_name" in paths:
        yield Issue(
            "datastore.external.secret_name",
            "the new Secret must lead to the same data: with others this is an empty control plane",
            "compare the databases",
        )
    if "datastore.etcd.image" in paths:
        yield Issue(
            "datastore.etcd.image",
            "etcd takes one minor version at a time and does not go back",
            "see https://etcd.io/docs/latest/upgrades/",
        )
