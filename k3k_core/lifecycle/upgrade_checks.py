"""Whether a control plane may become what is asked for, and what to know before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k3k_core.errors import Issue
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from k3k_core.lifecycle.credentials import other_secrets
from k3k_core.lifecycle.immutable import immutable_changes
from k3k_core.lifecycle.servers import lagging
from k3k_core.lifecycle.standing import Standing, UpgradeRequest
from k3k_core.releases import check_step
from k3k_core.versions import K3sVersion, VersionError

# How many minors a kubelet may be behind its API server (https://kubernetes.io/releases/version-skew-policy/).
_AGENTS_BEHIND = 3
_REMEDIES = {
    "invalid": "leave what it is about as it is",
    "conflict": "change it there, or take the fields over (--force-conflicts)",
}


def problems(request: UpgradeRequest, standing: Standing) -> Iterator[Issue]:
    """Yield why a control plane cannot become what is asked for, each with what to do instead.

    Args:
        request: what is asked for.
        standing: the control plane.
    """
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
        yield Issue("version", error.problem, _back_by_other_means(request, standing) or error.remedy)
        return
    behind = lagging(standing.servers, wanted)
    if behind:
        names = ", ".join(f"{server.name} ({server.version})" for server in behind)
        yield Issue(
            "version",
            f"{wanted} cannot run beside servers that are more than one minor behind: {names}",
            f"finish the upgrade to {standing.stored.values.version} first",
        )


def _back_by_other_means(request: UpgradeRequest, standing: Standing) -> str:
    """Return how to go back to an older version all the same; empty for what is no rollback or too far back."""
    wanted, identity = K3sVersion.parse(standing.wanted.version), request.id
    if request.verb != "rollback" or wanted > standing.running:
        return ""
    restore = f"`k3k backup restore {identity.name} -n {identity.namespace}` brings back what was stored then"
    if wanted.minor < standing.running.minor - 1:
        return restore
    return f"{restore}; --allow-downgrade keeps what is stored now and hopes that {wanted} can read it"


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


def refused_by_host(objects: Sequence[ObjectDiff]) -> Iterator[Issue]:
    """Yield what the host itself refuses.

    Args:
        objects: what would change of each object, by a dry run.
    """
    for each in objects:
        for change in each.changes:
            if change.refused:
                yield Issue(each.subject, change.after.rstrip("."), _REMEDIES[change.refused])


def warnings(
    standing: Standing, changes: Sequence[FieldChange], *, backed_up: bool = False
) -> Iterator[Issue]:
    """Yield what to know before an upgrade goes on.

    Args:
        standing: the control plane.
        changes: the values that change.
        backed_up: whether there is a fresh backup, or one is taken first.
    """
    paths = {change.path for change in changes}
    stored, wanted = standing.stored.values, standing.wanted
    if wanted.version != stored.version:
        before, after = K3sVersion.parse(stored.version), K3sVersion.parse(wanted.version)
        yield from _version_warnings(before, after, backed_up=backed_up)
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


def _version_warnings(before: K3sVersion, after: K3sVersion, *, backed_up: bool) -> Iterator[Issue]:
    if not backed_up:
        yield Issue(
            "version",
            "k3s does not go back to an older version",
            "back up what is stored before, if you may need to",
        )
    if before.minor != after.minor:
        oldest = f"v{after.major}.{after.minor - _AGENTS_BEHIND}"
        yield Issue(
            "version",
            f"agents must not be older than {oldest} beside {after}, nor newer than it",
            "upgrade older agents before",
        )
