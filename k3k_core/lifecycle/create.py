"""Creating a control plane: claim the name, settle the address, apply, wait.

Every step can be repeated: whatever dies half-way, the same create goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.discovery.addresses import url
from k3k_core.host import HostApi
from k3k_core.lifecycle.addressing import settle_address
from k3k_core.lifecycle.agent_pods import check_agents, settle_agents
from k3k_core.lifecycle.applying import apply_servers, apply_supports, store_kubeconfig
from k3k_core.lifecycle.claim import Claim, claim
from k3k_core.lifecycle.comparison import subject
from k3k_core.lifecycle.credentials import Credentials, ensure_credentials
from k3k_core.lifecycle.etcd_state import note_formed
from k3k_core.lifecycle.operation import refuse_other_operation
from k3k_core.lifecycle.pause import refuse_paused
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.readiness import wait_until_ready
from k3k_core.lifecycle.relabelling import relabel
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId, validate_name, validate_namespace
from k3k_core.resources import SECRET
from k3k_core.values import LoadedValues

# Load balancers inside a cluster answer within a second; a host that has none must not cost half a minute.
_ADDRESS_TIMEOUT = 8.0
_FIXED_ADDRESS_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """What to create, and how long to wait for it.

    Attributes:
        id: the control plane.
        values: checked values.
        wait: whether to wait until every server is ready.
        timeout: seconds for the whole create.
        address_timeout: seconds to wait for a load balancer's address; None waits briefly if the values fix
            it, and a little longer if only the load balancer can tell it.
        force_conflicts: whether to take over fields that another field manager owns.
    """

    id: ControlPlaneId
    values: LoadedValues
    wait: bool = True
    timeout: float = 300.0
    address_timeout: float | None = None
    force_conflicts: bool = False


@dataclass(frozen=True, slots=True)
class Created:
    """A control plane as a create leaves it.

    Attributes:
        id: the control plane.
        version: its k3s version.
        revision: its revision number.
        endpoint: URL of its API.
        kubeconfig: the admin kubeconfig as stored in the host.
        existed: whether it was there before.
        ready: whether every server was seen ready.
        elapsed: seconds the create took.
    """

    id: ControlPlaneId
    version: str
    revision: int
    endpoint: str
    kubeconfig: str = field(repr=False)
    existed: bool
    ready: bool
    elapsed: float


async def create(host: HostApi, request: CreateRequest, progress: Progress = silent) -> Created:
    """Create a control plane, or finish one that was left half-made.

    Args:
        host: an open host.
        request: what to create.
        progress: told about each step.

    Returns:
        Where the control plane is and how to use it.

    Raises:
        ConflictError: it exists with other values, or somebody else owns one of its fields.
        NotReadyError: everything is applied, but the servers are not ready in time.
        K3kError: the host refuses or does not answer.
    """
    validate_name(request.id.name)
    validate_namespace(request.id.namespace)
    started = time.monotonic()
    now = datetime.now(UTC)
    claimed = await claim(
        host,
        request.id,
        request.values,
        now=now,
        progress=progress,
        take_over=request.force_conflicts,
    )
    if claimed.existed:
        refuse_other_operation(request.id, claimed.root, "create")
        refuse_paused(request.id, claimed.root)
    address, credentials = await together(
        _settle_address(host, request, claimed, progress),
        _settle_credentials(host, request, claimed, now, progress),
    )
    document = await store_kubeconfig(
        host, request.id, claimed.values, claimed.owner, credentials.pki, address, now=now
    )
    progress(Step("credentials", "done", "authorities, tokens and admin kubeconfig are stored"))
    blueprint = Blueprint(
        id=request.id,
        values=claimed.values,
        pki=credentials.pki,
        tokens=credentials.tokens,
        admin_kubeconfig=document,
        address=address,
        owner=claimed.owner,
        revision=claimed.revision,
        etcd_pki=credentials.etcd_pki,
        datastore_files=credentials.datastore_files,
    )
    await check_agents(host, blueprint, "create")
    supports = await apply_supports(host, blueprint, force=request.force_conflicts)
    await apply_servers(host, blueprint, supports, progress, force=request.force_conflicts)
    if request.wait:
        servers = claimed.values.servers
        progress(Step("ready", "started", f"waiting for {servers} server{'s' if servers != 1 else ''}"))
        spare = request.timeout - (time.monotonic() - started)
        await wait_until_ready(host, request.id, servers=servers, timeout=max(spare, 1.0), progress=progress)
        progress(Step("ready", "done", f"{servers} of {servers} servers ready"))
        await note_formed(host, request.id, claimed.values)
    await relabel(host, request.id, claimed.values.labels, {})
    left = max(request.timeout - (time.monotonic() - started), 1.0) if request.wait else None
    await settle_agents(host, blueprint, progress, verb="create", force=request.force_conflicts, timeout=left)
    return Created(
        id=request.id,
        version=claimed.values.version,
        revision=claimed.revision,
        endpoint=url(address.host, address.port),
        kubeconfig=document,
        existed=claimed.existed,
        ready=request.wait,
        elapsed=time.monotonic() - started,
    )


async def _settle_address(
    host: HostApi, request: CreateRequest, claimed: Claim, progress: Progress
) -> Address:
    manifest = manifests.front_service(request.id, claimed.values, claimed.owner)
    service = await host.apply(manifest, force=request.force_conflicts)
    progress(Step("address", "started", f"{service['spec']['type']} Service applied", subject(service)))
    timeout = request.address_timeout
    if timeout is None:
        timeout = _FIXED_ADDRESS_TIMEOUT if claimed.values.loadbalancer.ip else _ADDRESS_TIMEOUT
    address = await settle_address(host, service, timeout=timeout, progress=progress)
    progress(Step("address", "done", f"{address.host}:{address.port}", subject(service)))
    return address


async def _settle_credentials(
    host: HostApi, request: CreateRequest, claimed: Claim, now: datetime, progress: Progress
) -> Credentials:
    present: dict[str, Mapping[str, Any]] = {}
    if claimed.existed:
        labels = f"{LABEL_CONTROL_PLANE}={request.id.name}"
        listing = await host.list(SECRET, request.id.namespace, labels=labels)
        present = {item["metadata"]["name"]: item for item in listing.items}
    credentials = await ensure_credentials(
        host, request.id, claimed.owner, values=claimed.values, present=present, now=now
    )
    if credentials.adopted:
        names = ", ".join(f"Secret/{name}" for name in credentials.adopted)
        progress(Step("credentials", "skipped", f"using again what an earlier control plane left: {names}"))
    return credentials
