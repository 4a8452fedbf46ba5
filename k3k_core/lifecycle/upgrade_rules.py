"""Whether servers may be replaced in the way that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.comparison import FieldChange
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.pause import paused_problem
from k3k_core.lifecycle.standing import Standing, UpgradeRequest
from k3k_core.lifecycle.upgrade_note import going_on, under_way
from k3k_core.lifecycle.upgrade_steps import where_it_is
from k3k_core.manifests.metadata import labels
from k3k_core.names import COMPONENT_ETCD, COMPONENT_SERVER, ControlPlaneId
from k3k_core.resources import POD_DISRUPTION_BUDGET

_SHARED = frozenset({"etcd", "external"})


def strategy_problems(
    request: UpgradeRequest,
    standing: Standing,
    changes: Sequence[FieldChange],
    *,
    strategy: str,
    servers: bool,
    stops: bool,
) -> Iterator[Issue]:
    """Yield why servers cannot be replaced as is asked for.

    Args:
        request: what is asked for.
        standing: the control plane.
        changes: the values that change.
        strategy: as the plan has it.
        servers: whether servers are replaced at all.
        stops: whether several servers are stopped before any is started.
    """
    yield from _under_way(request, standing, changes)
    if paused := paused_problem(request.id, standing.root):
        yield paused
    if strategy == "blue-green":
        yield from _blue_green_problems(request, standing, changes)
    if request.canary and servers and under_way(standing.root) is None:
        if strategy == "blue-green":
            yield Issue("", "blue-green tries the second set before anybody uses it", "leave out --canary")
        elif standing.wanted.servers == 1:
            yield Issue("", "a canary is one server of several, and there is only one", "leave out --canary")
        elif stops:
            yield Issue("", "recreate stops all servers at once", "leave out --canary, or use rolling")
    if not request.wait:
        if strategy == "blue-green" or (request.canary and servers):
            yield Issue("", f"{strategy} is done in steps that wait for each other", "leave out --no-wait")
        elif request.rollback_after is not None:
            yield Issue("", "who does not wait cannot tell a failure", "leave out --no-wait")


def strategy_warnings(request: UpgradeRequest, standing: Standing, strategy: str) -> Iterator[Issue]:
    """Yield what to know about the way in which servers are replaced.

    Args:
        request: what is asked for.
        standing: the control plane.
        strategy: as the plan has it.
    """
    wanted = standing.wanted
    if strategy == "blue-green":
        requests = wanted.resources.requests
        yield Issue(
            "upgrade.strategy",
            f"for a while there are {2 * wanted.servers} servers: the host needs room for {wanted.servers} more of "
            f"{requests.cpu} cores and {requests.memory} each",
            "a quota of the namespace counts them too",
        )
    if strategy == "recreate" and (request.strategy or wanted.upgrade.strategy) == "rolling":
        yield Issue(
            "upgrade.strategy",
            "there is only one to replace, so that rolling is the same as recreate",
            "have several servers on etcd or an external datastore",
        )
    older = wanted.version != standing.stored.values.version
    if request.rollback_after is not None and older:
        yield Issue(
            "version",
            "a new version that has started may have changed what is stored before it is taken back",
            "the way back that is always right is `k3k backup restore`",
        )


async def budget_problems(
    host: HostApi, request: UpgradeRequest, *, servers: bool, etcd: bool
) -> list[Issue]:
    """Return which PodDisruptionBudgets would not have a pod taken away now.

    A StatefulSet does not ask them before it replaces its pods, so that it is asked here.

    Args:
        host: an open host.
        request: what is asked for.
        servers: whether servers are replaced.
        etcd: whether members of etcd are replaced.
    """
    identity = request.id
    if request.ignore_health:
        return []
    pods = [labels(identity, COMPONENT_SERVER)] if servers else []
    pods += [labels(identity, COMPONENT_ETCD)] if etcd else []
    budgets = (await host.list(POD_DISRUPTION_BUDGET, identity.namespace)).items
    return [
        _blocking(budget)
        for budget in budgets
        if not _own(identity, budget) and _blocks(budget) and any(_covers(budget, each) for each in pods)
    ]


def _own(identity: ControlPlaneId, budget: Mapping[str, Any]) -> bool:
    """One that k3k made: a StatefulSet that goes one by one keeps to it."""
    return str(budget["metadata"]["name"]) in {identity.root, identity.etcd, identity.green}


def _blocks(budget: Mapping[str, Any]) -> bool:
    status = budget.get("status") or {}
    return int(status.get("expectedPods") or 0) > 0 and int(status.get("disruptionsAllowed") or 0) == 0


def _covers(budget: Mapping[str, Any], pod: Mapping[str, str]) -> bool:
    """Tell whether a budget is about pods with these labels; an empty selector takes all, none takes nothing."""
    found = budget["spec"].get("selector")
    if found is None:
        return False
    exact = all(pod.get(key) == value for key, value in (found.get("matchLabels") or {}).items())
    return exact and all(_holds(each, pod) for each in found.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], pod: Mapping[str, str]) -> bool:
    value, listed = pod.get(expression["key"]), expression.get("values") or ()
    answers = {
        "In": value in listed,
        "NotIn": value not in listed,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return answers.get(expression["operator"], False)


def _blocking(budget: Mapping[str, Any]) -> Issue:
    status, name = budget.get("status") or {}, budget["metadata"]["name"]
    healthy, needed = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return Issue(
        f"PodDisruptionBudget/{name}",
        f"allows no pod to go now: {healthy} of {status.get('expectedPods', 0)} are healthy and it asks for {needed}",
        "change it for the time of the upgrade, or go on all the same (--ignore-health)",
    )


def _under_way(
    request: UpgradeRequest, standing: Standing, changes: Sequence[FieldChange]
) -> Iterator[Issue]:
    current = operation_of(standing.root)
    if current is not None and current.verb != request.verb:
        yield Issue(
            "",
            f"it is in the middle of {current.verb} ({current.phase or 'no phase'})",
            f"`k3k {current.command}` goes on with it" if current.command else "finish that first",
        )
        return
    note = under_way(standing.root)
    if note is None or not changes:
        return
    identity = request.id
    back = f"`k3k rollback {identity.name} -n {identity.namespace}` takes it back"
    command = note.command or going_on(identity, note.verb, note.facts)
    yield Issue(
        "",
        f"a {note.verb} to {note.facts.get('version', 'another version')} is under way: {where_it_is(note)}",
        f"`k3k {command}` goes on with it" + (f", {back}" if note.verb == "upgrade" else ""),
    )


def _blue_green_problems(
    request: UpgradeRequest, standing: Standing, changes: Sequence[FieldChange]
) -> Iterator[Issue]:
    identity = request.id
    if standing.wanted.datastore.kind not in _SHARED:
        yield Issue(
            "upgrade.strategy",
            "blue-green needs a datastore that two sets of servers can use, and sqlite is a file of one server",
            f"use recreate, or move the data first (`k3k migrate {identity.name} -n {identity.namespace} --to etcd`)",
        )
    if any(each.path == "datastore.external.secret_name" for each in changes):
        yield Issue(
            "datastore.external.secret_name",
            "both sets of servers have to work on the same data",
            "change how the datastore is reached in an upgrade of its own",
        )
    moving = [each.path for each in changes if each.path.startswith(("loadbalancer.", "service."))]
    if moving:
        yield Issue(
            moving[0],
            "blue-green leads clients from one set of servers to the other at an address that stays",
            "change the address in an upgrade of its own",
        )
