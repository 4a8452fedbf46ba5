"""A control plane as it stands before an upgrade, and what it is to become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import refuse_applied, settled, stored_values
from k3k_core.lifecycle.credentials import Credentials, find_credentials, find_datastore_files
from k3k_core.lifecycle.existing import find_root, find_workload
from k3k_core.lifecycle.servers import Server, list_servers, newest_started
from k3k_core.names import ControlPlaneId
from k3k_core.values import LoadedValues, Values, join_secrets, load_given, load_values
from k3k_core.versions import K3sVersion

StrategyName = Literal["auto", "rolling", "recreate", "blue-green"]


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """What a control plane is to become, how, and how long to wait for it.

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
        strategy: how servers are replaced; None for what the values say.
        canary: replace one server first, and the others when it has worked for a while.
        canary_time: seconds to watch it.
        rollback_after: seconds after which an upgrade that has not come to its end is taken back; None for never.
        backup: before another version: "required" is content with a fresh one and takes one where it can, "create"
            takes one, "skip" goes on without.
        drain: seconds that clients of a Service are given to follow it to other servers.
        back_to: number of the revision whose values these are; only for a rollback.
        verb: the verb that asks for it, for messages and the note of what is under way.
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
    strategy: StrategyName | None = None
    canary: bool = False
    canary_time: float = 30.0
    rollback_after: float | None = None
    backup: Literal["required", "create", "skip"] = "skip"
    drain: float = 5.0
    back_to: int | None = None
    verb: Literal["upgrade", "rollback"] = "upgrade"


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


async def look(host: HostApi, request: UpgradeRequest) -> Standing:
    """Read everything an upgrade depends on.

    Args:
        host: an open host.
        request: what is asked for.
    """
    identity = request.id
    root = await find_root(host, identity)
    if not request.force_conflicts:
        refuse_applied(identity, root)
    stored = stored_values(root)
    # First, for a create that was stopped early has made neither this nor what the others look for.
    workload = await find_workload(host, identity)
    servers, credentials = await together(
        list_servers(host, identity), find_credentials(host, identity, stored.values)
    )
    asked = _asked(root, request, credentials)
    wanted = settled(stored.values, asked)
    if wanted.datastore.external.secret_name != stored.values.datastore.external.secret_name:
        # Which files the Secret holds decides which flags the servers are given.
        files = await find_datastore_files(host, identity, wanted)
        credentials = replace(credentials, datastore_files=files)
    return Standing(
        root=root,
        workload=workload,
        stored=stored,
        asked=asked,
        wanted=wanted,
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
        source = f"The values of {request.id} with what is asked for"
        loaded = load_values(manifests.stored_values(root), source=source, overrides=overrides)
        # All defaults are stored, and would be warned about as if somebody had asked for them.
        asked = replace(loaded, warnings=())
    endpoint = asked.values.datastore.external.endpoint
    if endpoint is None or not manifests.is_stand_in(endpoint):
        return asked
    actual = {"datastore.external.endpoint": credentials.tokens.datastore_endpoint}
    return replace(load_given(join_secrets(asked.given, actual)), warnings=asked.warnings)
