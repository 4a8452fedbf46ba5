"""Labels of the values, on everything a control plane is made of."""

from __future__ import annotations

from typing import Any, cast

from k3k_core.errors import ForbiddenError
from k3k_core.host import Host, HostApi
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.relabelling import relabel
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import (
    CONFIG_MAP,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Resource,
)
from k3k_core.values import load_values
from tests.support.hosts import HostUnderTest

KINDS = (SECRET, CONFIG_MAP, SERVICE, STATEFUL_SET, POD, PERSISTENT_VOLUME_CLAIM)


async def labels(api: Host, identity: ControlPlaneId, key: str) -> dict[str, str | None]:
    """What every object has under a key, revisions aside: they never change."""
    found = {}
    for kind in KINDS:
        listing = await api.list(kind, identity.namespace, labels=f"{LABEL_CONTROL_PLANE}={identity.name}")
        for item in listing.items:
            if item.get("type") != "k3k.ayedo.de/revision":
                name = f"{kind.kind}/{item['metadata']['name']}"
                found[name] = item["metadata"]["labels"].get(key)
    return found


async def test_volumes_and_credentials_bear_them_too_and_follow_a_change(
    host: HostUnderTest, api: Host
) -> None:
    one = ControlPlaneId(host.namespace, "one")
    await create(api, CreateRequest(one, load_values("labels: {team: a, cost: x}")))
    first = await labels(api, one, "team")
    assert {
        "PersistentVolumeClaim/data-one-k3k-server-0",
        "Secret/one-k3k-pki",
        "Pod/one-k3k-server-0",
    } <= set(first)
    assert set(first.values()) == {"a"}

    await upgrade(api, UpgradeRequest(one, values=load_values("labels: {team: b}")))
    assert set((await labels(api, one, "team")).values()) == {"b"}
    assert set((await labels(api, one, "cost")).values()) == {None}


class WithoutVolumes:
    """A host whose user may not change volumes."""

    def __init__(self, api: Host) -> None:
        self.list = api.list
        self._api = api

    async def patch(
        self, resource: Resource, namespace: str, name: str, changes: dict[str, Any]
    ) -> dict[str, Any]:
        if resource == PERSISTENT_VOLUME_CLAIM:
            raise ForbiddenError(f"You may not patch {name}.")
        return await self._api.patch(resource, namespace, name, changes)


async def test_who_may_not_change_volumes_is_told_and_all_else_gets_its_labels(
    host: HostUnderTest, api: Host
) -> None:
    one = ControlPlaneId(host.namespace, "one")
    await create(api, CreateRequest(one, load_values("labels: {team: a}")))
    steps: list[Step] = []
    await relabel(cast("HostApi", WithoutVolumes(api)), one, {"team": "b"}, {"team": "a"}, steps.append)
    found = await labels(api, one, "team")
    assert found["Secret/one-k3k-pki"] == "b"
    assert found["PersistentVolumeClaim/data-one-k3k-server-0"] == "a"
    (warned,) = steps
    assert (warned.state, warned.subject) == ("warning", "PersistentVolumeClaim/data-one-k3k-server-0")
