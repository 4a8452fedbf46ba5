"""From values to Kubernetes objects: pure functions, one module per kind of object.

Equal input gives equal output: no clock, no randomness, no input or output.
"""

from __future__ import annotations

from k3k_core.manifests.agents import agent_pod, agent_stateful_set
from k3k_core.manifests.backup_schedule import backup_schedule
from k3k_core.manifests.blueprint import Address, Blueprint, Manifest, OwnerReference
from k3k_core.manifests.config import config_map, k3s_config, tls_sans
from k3k_core.manifests.etcd import etcd_dns_names, etcd_stateful_set
from k3k_core.manifests.hardening import own_manifests
from k3k_core.manifests.metadata import labelled, secret_data
from k3k_core.manifests.policies import (
    etcd_network_policy,
    etcd_pod_disruption_budget,
    namespace,
    network_policy,
    pod_disruption_budget,
    service_account,
)
from k3k_core.manifests.secrets import (
    etcd_pki_secret,
    is_stand_in,
    kubeconfig_secret,
    pki_secret,
    revision_secret,
    root_secret,
    stored_revision,
    stored_values,
    tokens_secret,
)
from k3k_core.manifests.servers import server_stateful_set
from k3k_core.manifests.services import etcd_service, front_service, servers_service
from k3k_core.manifests.tenancy import limit_range, resource_quota

__all__ = [
    "Address",
    "Blueprint",
    "Manifest",
    "OwnerReference",
    "agent_pod",
    "agent_stateful_set",
    "backup_schedule",
    "config_map",
    "etcd_dns_names",
    "etcd_network_policy",
    "etcd_pki_secret",
    "etcd_pod_disruption_budget",
    "etcd_service",
    "etcd_stateful_set",
    "front_service",
    "is_stand_in",
    "k3s_config",
    "kubeconfig_secret",
    "labelled",
    "limit_range",
    "namespace",
    "network_policy",
    "own_manifests",
    "pki_secret",
    "pod_disruption_budget",
    "render",
    "render_agents",
    "render_applied",
    "render_secrets",
    "resource_quota",
    "revision_secret",
    "root_secret",
    "secret_data",
    "server_stateful_set",
    "servers_service",
    "service_account",
    "stored_revision",
    "stored_values",
    "tls_sans",
    "tokens_secret",
]


def render(blueprint: Blueprint) -> tuple[Manifest, ...]:
    """Return every object of a control plane in the order in which to apply them.

    Args:
        blueprint: the control plane.

    Raises:
        ValueError: `datastore.kind` is etcd and the blueprint has no `etcd_pki`.
    """
    identity, values = blueprint.id, blueprint.values
    return (
        root_secret(identity, values, revision=blueprint.revision, expires_at=blueprint.expires_at),
        front_service(identity, values, blueprint.owner),
        *render_secrets(blueprint),
        *render_applied(blueprint),
        *render_agents(blueprint),
    )


def render_secrets(blueprint: Blueprint) -> tuple[Manifest, ...]:
    """Return the Secrets that are created once; all but the root.

    Args:
        blueprint: the control plane.

    Raises:
        ValueError: `datastore.kind` is etcd and the blueprint has no `etcd_pki`.
    """
    identity, values, owner = blueprint.id, blueprint.values, blueprint.owner
    found = [
        revision_secret(blueprint),
        pki_secret(identity, blueprint.pki, owner),
        tokens_secret(identity, blueprint.tokens, owner),
        kubeconfig_secret(identity, values, blueprint.admin_kubeconfig, owner),
    ]
    if values.datastore.kind == "etcd":
        if blueprint.etcd_pki is None:
            raise ValueError("a control plane with a dedicated etcd needs Blueprint.etcd_pki")
        found.append(etcd_pki_secret(identity, blueprint.etcd_pki, owner))
    return tuple(labelled(item, values.labels) for item in found)


def render_applied(blueprint: Blueprint) -> tuple[Manifest, ...]:
    """Return what is applied again and again: all but Secrets and the front Service, the servers last.

    Args:
        blueprint: the control plane.
    """
    values = blueprint.values
    etcd = values.datastore.etcd.members if values.datastore.kind == "etcd" else 0
    found = [service_account(blueprint), config_map(blueprint), servers_service(blueprint)]
    found += backup_schedule(blueprint)
    if values.k3s.manifests:
        found.append(own_manifests(blueprint))
    if values.tenancy.quota.enabled:
        found.append(resource_quota(blueprint))
    if values.tenancy.limits.enabled:
        found.append(limit_range(blueprint))
    if values.network_policy.enabled:
        found.append(network_policy(blueprint))
        if etcd:
            found.append(etcd_network_policy(blueprint))
    if values.servers > 1:
        found.append(pod_disruption_budget(blueprint))
    if etcd > 1:
        found.append(etcd_pod_disruption_budget(blueprint))
    if etcd:
        found += [etcd_service(blueprint), etcd_stateful_set(blueprint)]
    found.append(server_stateful_set(blueprint))
    return tuple(labelled(item, values.labels) for item in found)


def render_agents(blueprint: Blueprint) -> tuple[Manifest, ...]:
    """Return the agents as pods, which are applied when the servers run: no agent may be newer than they are.

    Args:
        blueprint: the control plane.
    """
    if not blueprint.values.agents.replicas:
        return ()
    return (labelled(agent_stateful_set(blueprint), blueprint.values.labels),)
