"""Carrying out what the root Secret says: the address, the kubeconfig, the objects, the servers last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.discovery.addresses import load_balancer_host
from k3k_core.errors import NotFoundError
from k3k_core.lifecycle.addressing import await_other_address, cluster_ips, settle_address
from k3k_core.lifecycle.agent_pods import settle_agents
from k3k_core.lifecycle.applying import apply_servers, apply_supports, store_kubeconfig
from k3k_core.lifecycle.claim import owner_of
from k3k_core.lifecycle.diff import address_of
from k3k_core.lifecycle.etcd_state import note_formed
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.relabelling import relabel
from k3k_core.lifecycle.upgrade_record import still_ours
from k3k_core.lifecycle.upgrade_work import Work
from k3k_core.manifests import Address, Blueprint
from k3k_core.manifests.green import led_to
from k3k_core.resources import KNOWN, SERVICE


async def make_blueprint(work: Work, root: Mapping[str, Any], *, lead: bool = True) -> Blueprint:
    """Settle the address and the kubeconfig, and return what everything else is made from.

    Args:
        work: the upgrade.
        root: the root Secret as it is now.
        lead: whether the front Service is applied, and leads to the servers; else it stays as it is.
    """
    now = datetime.now(UTC)
    owner, wanted = owner_of(root), work.standing.wanted
    credentials = work.standing.credentials
    address = await (_settled_address(work, root) if lead else _known_address(work))
    document = await store_kubeconfig(work.host, work.id, wanted, owner, credentials.pki, address, now=now)
    return Blueprint(
        id=work.id,
        values=wanted,
        pki=credentials.pki,
        tokens=credentials.tokens,
        admin_kubeconfig=document,
        address=address,
        owner=owner,
        revision=manifests.stored_revision(root),
        etcd_pki=credentials.etcd_pki,
        datastore_files=credentials.datastore_files,
    )


async def apply_all(
    work: Work, blueprint: Blueprint, before: frozenset[str], *, partition: int = 0
) -> dict[str, Any]:
    """Apply everything; a dedicated etcd is whole again before the servers are touched.

    Args:
        work: the upgrade.
        blueprint: the control plane as it is to become.
        before: uids of the pods that were there before.
        partition: only servers of this number and above are replaced.

    Returns:
        The StatefulSet of the servers.
    """
    identity, values = blueprint.id, blueprint.values
    force = work.request.force_conflicts
    supports = await apply_supports(work.host, blueprint, force=force)
    if values.datastore.kind == "etcd" and work.request.wait:
        await work.rollout(identity.etcd, values.datastore.etcd.members, before)
    await still_ours(work.host, identity, blueprint.revision)
    return await apply_servers(
        work.host, blueprint, supports, work.progress, force=force, partition=partition
    )


async def lead_to(work: Work, blueprint: Blueprint, component: str) -> None:
    """Have the front Service lead to one of the two sets of servers.

    Args:
        work: the upgrade.
        blueprint: the control plane.
        component: `COMPONENT_SERVER` or `COMPONENT_GREEN`.
    """
    front = manifests.front_service(work.id, blueprint.values, blueprint.owner)
    await work.host.apply(led_to(front, work.id, component), force=work.request.force_conflicts)


async def remove_superfluous(work: Work, blueprint: Blueprint) -> None:
    """Delete objects of this control plane for which its values have no use any more.

    Args:
        work: the upgrade.
        blueprint: the control plane as it has become.
    """
    by_kind = {resource.kind: resource for resource in KNOWN}
    for each in work.plan.objects:
        if each.action != "remove":
            continue
        kind, _, name = each.subject.partition("/")
        try:
            live = await work.host.get(by_kind[kind], work.id.namespace, name)
        except NotFoundError:
            continue
        owners = live["metadata"].get("ownerReferences") or ()
        if blueprint.owner is None or all(owner["uid"] != blueprint.owner.uid for owner in owners):
            continue
        await work.host.delete(by_kind[kind], work.id.namespace, name, uid=live["metadata"]["uid"])
        work.progress(Step("remove", "done", f"removed {each.subject}", each.subject))


async def settle_rest(work: Work, blueprint: Blueprint) -> None:
    """Do what comes when the servers are replaced: the note of the etcd, agents, labels of what others made.

    Args:
        work: the upgrade.
        blueprint: the control plane as it has become.
    """
    if work.request.wait:
        await note_formed(work.host, work.id, blueprint.values)
    await settle_agents(
        work.host,
        blueprint,
        work.progress,
        verb=work.request.verb,
        force=work.request.force_conflicts,
        timeout=work.left() if work.request.wait else None,
    )
    before = work.standing.stored.values.labels
    await relabel(work.host, work.id, blueprint.values.labels, before, work.progress)


async def _known_address(work: Work) -> Address:
    service, document = await together(
        work.host.get(SERVICE, work.id.namespace, work.id.service), fetch_kubeconfig(work.host, work.id)
    )
    known = address_of(document)
    return Address(known.host, known.port, cluster_ips(service))


async def _settled_address(work: Work, root: Mapping[str, Any]) -> Address:
    """Return where the API is, asking the load balancer again only when it may have changed.

    A host without one never answers, and an upgrade that has nothing to do with it must not wait for that.
    """
    host, identity, request = work.host, work.id, work.request
    before, document = await together(
        host.get(SERVICE, identity.namespace, identity.service), fetch_kubeconfig(host, identity)
    )
    manifest = manifests.front_service(identity, work.standing.wanted, owner_of(root))
    service = await host.apply(manifest, force=request.force_conflicts)
    known = address_of(document)
    unchanged = before["spec"] == service["spec"]
    if unchanged and (not load_balancer_host(service) or load_balancer_host(service) == known.host):
        return Address(known.host, known.port, cluster_ips(service))
    current: Mapping[str, Any] = service
    if _moves(before, service):
        current = await await_other_address(host, service, timeout=request.address_timeout)
    address = await settle_address(host, current, timeout=request.address_timeout, progress=work.progress)
    work.progress(Step("address", "done", f"{address.host}:{address.port}", f"Service/{identity.service}"))
    return address


def _moves(before: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Tell whether the load balancer was just asked for another address than the one it reports."""
    wanted = service["spec"].get("loadBalancerIP", "")
    asked_before = before["spec"].get("loadBalancerIP", "")
    return wanted not in {"", asked_before} and load_balancer_host(service) not in {"", wanted}
