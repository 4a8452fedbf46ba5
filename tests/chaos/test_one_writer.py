"""The volume of sqlite is for one pod at a time wherever the host can see to that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.existing import find_root
from k3k_core.names import ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS
from k3k_core.sandbox import Sandbox
from k3k_core.values import load_values

IDENTITY = ControlPlaneId("tenants", "dev")


@pytest.fixture
async def host(kubeconfig: Path) -> AsyncIterator[Host]:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as opened:
        yield opened


async def _with_csi(host: Host) -> None:
    """Make the default class one of a CSI driver."""
    (default,) = (await host.list(STORAGE_CLASS)).items
    await host.delete(STORAGE_CLASS, None, default["metadata"]["name"])
    meta = {"name": "csi", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    await host.create({**kind, "metadata": meta, "provisioner": "csi.example.org"})
    await host.create({**kind, "kind": "CSIDriver", "metadata": {"name": "csi.example.org"}, "spec": {}})


async def _made(sandbox: Sandbox, host: Host, values: str = "{}") -> tuple[list[str], str]:
    """Return the access modes of the volume, and what the values have about it from then on."""
    await create(host, CreateRequest(IDENTITY, load_values(values), wait=False))
    # The claim is there as soon as the controller has seen the StatefulSet.
    root = await find_root(host, IDENTITY)
    async for _ in host.watch(PERSISTENT_VOLUME_CLAIM, IDENTITY.namespace):
        break
    (claim,) = sandbox.store.list(PERSISTENT_VOLUME_CLAIM, IDENTITY.namespace)
    return claim["spec"]["accessModes"], stored_values(root).values.persistence.access_mode


async def test_with_a_csi_driver_the_volume_is_for_one_pod(sandbox: Sandbox, host: Host) -> None:
    await _with_csi(host)
    assert await _made(sandbox, host) == (["ReadWriteOncePod"], "ReadWriteOncePod")


async def test_without_one_it_is_for_one_node(sandbox: Sandbox, host: Host) -> None:
    assert await _made(sandbox, host) == (["ReadWriteOnce"], "auto")


async def test_what_the_values_say_counts(sandbox: Sandbox, host: Host) -> None:
    await _with_csi(host)
    mode = "ReadWriteOnce"
    assert await _made(sandbox, host, f"persistence: {{access_mode: {mode}}}") == ([mode], mode)


async def test_the_same_create_again_is_no_change_though_the_driver_has_gone(
    sandbox: Sandbox, host: Host
) -> None:
    await _with_csi(host)
    before = await _made(sandbox, host)
    for item in sandbox.store.list(STORAGE_CLASS):
        await host.delete(STORAGE_CLASS, None, item["metadata"]["name"])
    assert await _made(sandbox, host) == before
