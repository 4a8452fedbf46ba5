"""Agents as pods of the host: whether the host lets them in, and bringing them up when the servers run."""

from __future__ import annotations

from k3k_core import manifests
from k3k_core.errors import ConflictError, ForbiddenError, Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.rollout import Rollout, servers_of, wait_for_rollout
from k3k_core.manifests import Blueprint
from k3k_core.names import ControlPlaneId
from k3k_core.resources import SECRET

# What the admission of pods says, by the names of the levels.
_POD_SECURITY = "PodSecurity"
_SYSTEM = "kube-system"


async def agents_problem(host: HostApi, blueprint: Blueprint) -> Issue | None:
    """Return why the host does not let agents in; None when it does, or none are wanted.

    A StatefulSet is always let in; it is its pods that a namespace refuses. So one is asked about, without making it.

    Args:
        host: an open host.
        blueprint: the control plane.
    """
    if not blueprint.values.agents.replicas:
        return None
    try:
        await host.create(manifests.agent_pod(blueprint), dry_run=True)
    except ForbiddenError as error:
        if _POD_SECURITY not in error.message:
            # Said of this identity or of a ServiceAccount that is yet to come; the pods tell.
            return None
        namespace = blueprint.id.namespace
        return Issue(
            "agents",
            f"namespace {namespace} lets no privileged pods in, and agents are",
            f"`kubectl label namespace {namespace} --overwrite pod-security.kubernetes.io/enforce=privileged`, "
            "when that is wanted",
        )
    except ConflictError:
        # There is one already.
        return None
    return None


async def check_agents(host: HostApi, blueprint: Blueprint, verb: str) -> None:
    """See that the host lets agents in, before anything is started.

    Args:
        host: an open host.
        blueprint: the control plane.
        verb: the verb, for the hint.

    Raises:
        ConflictError: it does not.
    """
    if problem := await agents_problem(host, blueprint):
        identity = blueprint.id
        raise ConflictError(
            f"agents of control plane {identity} cannot run: {problem.problem}",
            hint=f"{problem.remedy}; then the same `k3k {verb}` goes on.",
        )


async def settle_agents(
    host: HostApi,
    blueprint: Blueprint,
    progress: Progress,
    *,
    verb: str,
    force: bool,
    timeout: float | None,
) -> None:
    """Apply the agents when the servers run, and wait until they are ready; nothing where none are wanted.

    Args:
        host: an open host.
        blueprint: the control plane.
        progress: told about each agent.
        verb: the verb, for messages.
        force: whether to take over fields that another field manager owns.
        timeout: seconds to wait for them; None does not wait.

    Raises:
        NotReadyError: they are not ready in time.
    """
    rendered = manifests.render_agents(blueprint)
    if not rendered:
        return
    identity, replicas = blueprint.id, blueprint.values.agents.replicas
    before = await servers_of(host, identity)
    for item in rendered:
        await host.apply(item, force=force)
    progress(Step("agents", "warning", _loud(identity, replicas), f"StatefulSet/{identity.agent}"))
    if timeout is None:
        return
    rollout = Rollout(identity, identity.agent, replicas, before, verb)
    await wait_for_rollout(host, rollout, timeout=timeout, progress=progress)
    progress(Step("agents", "done", f"{replicas} of {replicas} agents run", f"StatefulSet/{identity.agent}"))


async def renew_agents(
    host: HostApi, blueprint: Blueprint, progress: Progress, *, verb: str, timeout: float
) -> None:
    """Start agents again with another token or authority; nothing where there are none.

    A node is let in again only with the password it first came with, and an agent's follows from its token: k3s forgets
    the old one with its Secret (https://docs.k3s.io/architecture#how-agent-node-registration-works).

    Args:
        host: an open host.
        blueprint: the control plane as it is now.
        progress: told about each agent.
        verb: the verb, for messages.
        timeout: seconds to wait for them.
    """
    replicas = blueprint.values.agents.replicas
    if not replicas:
        return
    async with open_control_plane(host, blueprint.id) as own:
        for number in range(replicas):
            await own.delete(SECRET, _SYSTEM, f"{blueprint.id.agent}-{number}.node-password.k3s")
    await settle_agents(host, blueprint, progress, verb=verb, force=False, timeout=timeout)


def _loud(identity: ControlPlaneId, replicas: int) -> str:
    one = replicas == 1
    return (
        f"{'an agent runs as a PRIVILEGED pod' if one else f'{replicas} agents run as PRIVILEGED pods'} in namespace "
        f"{identity.namespace}: whoever runs pods on {'it' if one else 'them'} can take over the "
        f"node{'' if one else 's'} of the host {'it is' if one else 'they are'} on"
    )
