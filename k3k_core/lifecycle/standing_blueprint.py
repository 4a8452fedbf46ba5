"""What a control plane is made from as it stands, for verbs that have to render some of it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.host import HostApi
from k3k_core.lifecycle.addressing import cluster_ips
from k3k_core.lifecycle.claim import owner_of
from k3k_core.lifecycle.diff import address_of
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig
from k3k_core.lifecycle.standing import Standing, UpgradeRequest, look
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import ControlPlaneId
from k3k_core.resources import SERVICE


async def blueprint_of(host: HostApi, identity: ControlPlaneId) -> tuple[Mapping[str, Any], Blueprint]:
    """Return the root of a control plane, and what everything else of it is made from.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist, or has no servers yet.
        ConflictError: it was made by Helm or applied from manifests, or is being deleted.
    """
    standing, blueprint = await stand_of(host, identity)
    return standing.root, blueprint


async def stand_of(host: HostApi, identity: ControlPlaneId) -> tuple[Standing, Blueprint]:
    """Return a control plane as it stands, and what it is made from.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist, or has no servers yet.
        ConflictError: it was made by Helm or applied from manifests, or is being deleted.
    """
    standing, service, document = await together(
        look(host, UpgradeRequest(id=identity)),
        host.get(SERVICE, identity.namespace, identity.service),
        fetch_kubeconfig(host, identity),
    )
    known, credentials = address_of(document), standing.credentials
    blueprint = Blueprint(
        id=identity,
        values=standing.wanted,
        pki=credentials.pki,
        tokens=credentials.tokens,
        admin_kubeconfig=document,
        address=Address(known.host, known.port, cluster_ips(service)),
        owner=owner_of(standing.root),
        revision=manifests.stored_revision(standing.root),
        etcd_pki=credentials.etcd_pki,
        datastore_files=credentials.datastore_files,
    )
    return standing, blueprint
