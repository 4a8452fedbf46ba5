"""A second set of servers takes over while the first is replaced: the API goes on answering throughout.

Five phases, each noted on the root before it begins and each fit to be done again from its start:

1. green: the second set is started on the same datastore and tried. Nobody uses it, the first set is untouched.
2. switch: the front Service leads to the second set; connections to the first set live on.
3. replace: the first set is replaced, one server at a time, while it has no new clients.
4. return: the first set is tried, and the front Service leads to it again.
5. clean: the second set goes. At rest the names are what they always were.

Until the end of the third, going back means: give the first set its old values, wait for it, lead the Service to it
(`going_back`). A Service's endpoints follow its selector within moments and connections that stand are not cut, so that
clients see no more than connections that end when a server does, which every client of Kubernetes opens again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import all_of
from k3k_core.errors import NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.applying import keep_revision
from k3k_core.lifecycle.operation import Operation, advance
from k3k_core.lifecycle.probing import probe_servers
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.rollout import servers_of
from k3k_core.lifecycle.upgrade_apply import apply_all, lead_to, make_blueprint
from k3k_core.lifecycle.upgrade_note import BLUE_GREEN, Phase
from k3k_core.lifecycle.upgrade_record import still_ours
from k3k_core.lifecycle.upgrade_work import Work
from k3k_core.manifests import Blueprint
from k3k_core.manifests.green import green_objects
from k3k_core.names import (
    COMPONENT_ETCD,
    COMPONENT_GREEN,
    COMPONENT_SERVER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    ControlPlaneId,
)
from k3k_core.resources import (
    CONFIG_MAP,
    NETWORK_POLICY,
    POD,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    STATEFUL_SET,
)

# Seconds that pods may take to end: their grace period, and then some.
_LONGEST_END = 60.0
# In the order in which they go: what leads to the pods last.
_GREEN_KINDS = (STATEFUL_SET, POD_DISRUPTION_BUDGET, NETWORK_POLICY, CONFIG_MAP, SERVICE)


async def run_blue_green(work: Work, root: Mapping[str, Any], note: Operation) -> Blueprint:
    """Go through the phases, from the one that is noted.

    Args:
        work: the upgrade.
        root: the root Secret as it is now.
        note: of the upgrade.

    Returns:
        The control plane as it has become; the note still stands.

    Raises:
        NotReadyError: one of the two sets is not ready in time, or cannot be used.
    """
    blueprint = await make_blueprint(work, root, lead=False)
    steps = {
        "green": _start_green,
        "switch": _switch,
        "replace": _replace,
        "return": _return,
        "clean": _clean,
    }
    begun = BLUE_GREEN.index(_phase(note))
    for phase in BLUE_GREEN[begun:]:
        if phase != note.phase:
            await still_ours(work.host, work.id, blueprint.revision)
            note = await advance(work.host, work.id, note, phase)
        await steps[phase](work, blueprint)
    return blueprint


async def remove_green(host: HostApi, identity: ControlPlaneId, progress: Progress) -> None:
    """Delete the second set and what belongs to it, as far as it is there.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about it.
    """
    labels = f"{LABEL_CONTROL_PLANE}={identity.name},{LABEL_COMPONENT}={COMPONENT_GREEN}"
    for kind in _GREEN_KINDS:
        listing = await host.list(kind, identity.namespace, labels=labels, metadata_only=True)
        await all_of(
            host.delete(kind, identity.namespace, item["metadata"]["name"], uid=item["metadata"]["uid"])
            for item in listing.items
        )
    subject = f"StatefulSet/{identity.green}"
    try:
        await wait_for(
            host,
            POD,
            identity.namespace,
            lambda pods: None if pods else True,
            labels=labels,
            timeout=_LONGEST_END,
            what=f"The end of the second set of servers of {identity}",
        )
    except NotReadyError as error:
        # On a node that is lost a pod stays until the node is back; nobody is led to it any more.
        progress(Step("green", "warning", error.message, subject))
        return
    progress(Step("green", "done", "removed the second set of servers", subject))


async def _start_green(work: Work, blueprint: Blueprint) -> None:
    identity, servers = work.id, blueprint.values.servers
    before = await servers_of(work.host, identity)
    # Now, so that history knows what was tried also when it is taken back.
    await keep_revision(work.host, blueprint)
    await _admit_green(work, blueprint)
    for item in green_objects(blueprint, manifests.render_applied(blueprint)):
        await work.host.apply(item, force=work.request.force_conflicts)
    started = f"starting {servers} server{'s' if servers != 1 else ''} beside the first"
    work.progress(Step("green", "started", started, f"StatefulSet/{identity.green}"))
    await work.rollout(identity.green, servers, before)
    await probe_servers(work.host, identity, blueprint.admin_kubeconfig, _pods(identity.green, servers))
    text = f"the second set is ready: reading and writing through {'each of ' if servers > 1 else ''}it works"
    work.progress(Step("green", "done", text, f"StatefulSet/{identity.green}"))


async def _admit_green(work: Work, blueprint: Blueprint) -> None:
    """Let the second set reach a dedicated etcd whose network policy is of a k3k that knew no second set."""
    for item in manifests.render_applied(blueprint):
        if item["kind"] == "NetworkPolicy" and item["metadata"]["labels"][LABEL_COMPONENT] == COMPONENT_ETCD:
            await work.host.apply(item, force=work.request.force_conflicts)


async def _switch(work: Work, blueprint: Blueprint) -> None:
    await lead_to(work, blueprint, COMPONENT_GREEN)
    text = "clients are led to the second set"
    work.progress(Step("switch", "done", text, f"Service/{work.id.service}"))
    await asyncio.sleep(work.request.drain)


async def _replace(work: Work, blueprint: Blueprint) -> None:
    identity, servers = work.id, blueprint.values.servers
    before = await servers_of(work.host, identity)
    # Gone on with after a while: whoever serves must be whole before anything is taken away.
    await work.rollout(identity.green, servers, before)
    work.progress(Step("replace", "started", "replacing the first set", f"StatefulSet/{identity.server}"))
    await apply_all(work, blueprint, before)
    await work.rollout(identity.server, servers, before)
    work.progress(Step("replace", "done", "the first set is replaced", f"StatefulSet/{identity.server}"))


async def _return(work: Work, blueprint: Blueprint) -> None:
    identity, servers = work.id, blueprint.values.servers
    await work.rollout(identity.server, servers, frozenset())
    await probe_servers(work.host, identity, blueprint.admin_kubeconfig, _pods(identity.server, servers))
    await lead_to(work, blueprint, COMPONENT_SERVER)
    text = "clients are led to the first set again"
    work.progress(Step("return", "done", text, f"Service/{identity.service}"))
    await asyncio.sleep(work.request.drain)


async def _clean(work: Work, _blueprint: Blueprint) -> None:
    await remove_green(work.host, work.id, work.progress)


def _pods(workload: str, count: int) -> list[str]:
    return [f"{workload}-{number}" for number in range(count)]


def _phase(note: Operation) -> Phase:
    for phase in BLUE_GREEN:
        if phase == note.phase:
            return phase
    # Noted by a k3k that has other phases: every phase can be done again from the first.
    return BLUE_GREEN[0]
