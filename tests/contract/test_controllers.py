"""The sandbox's controllers behind its API: what follows from a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from k3k_core.resources import NAMESPACE, PERSISTENT_VOLUME_CLAIM, POD, SERVICE, SERVICE_ACCOUNT, STATEFUL_SET
from k3k_core.sandbox import SandboxOptions
from tests.support.kube_client import kube_client
from tests.support.running_sandbox import (
    Json,
    RunningSandbox,
    address_of,
    admin_kubeconfig,
    control_plane,
    front_service,
    running_sandbox,
    typed,
)
from tests.support.sandbox_objects import claim_template

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as running:
        yield running


async def provision(sandbox: RunningSandbox, *, claims: Sequence[Json] = ()) -> str:
    """Make a control plane and wait until it is ready; returns its address."""
    await sandbox.put(front_service())
    service = await sandbox.until(SERVICE, "dev-k3k", address_of)
    await sandbox.put(*control_plane(address_of(service), claims=claims))
    await sandbox.until_ready(POD, "dev-k3k-server-0")
    return address_of(service)


async def test_a_control_plane_gets_ready_and_its_cluster_works(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    address = await provision(sandbox)
    async with kube_client(admin_kubeconfig(address), tmp_path) as client:
        made = await client.post("/api/v1/namespaces", json={"metadata": {"name": "inner"}})
        assert made.status_code == 201
        listed = await client.get("/api/v1/namespaces")
        names = [item["metadata"]["name"] for item in listed.json()["items"]]
    assert names == ["default", "inner", "kube-node-lease", "kube-public", "kube-system"]


async def test_the_restricted_standard_lets_it_run(sandbox: RunningSandbox) -> None:
    patch = {"metadata": {"labels": RESTRICTED}}
    headers = {"content-type": "application/merge-patch+json"}
    await sandbox.client.patch("/api/v1/namespaces/ns", json=patch, headers=headers)
    await provision(sandbox)


async def test_a_pod_that_violates_the_restricted_standard_is_forbidden(sandbox: RunningSandbox) -> None:
    namespace = {"metadata": {"name": "strict", "labels": RESTRICTED}}
    await sandbox.put(typed("Namespace", namespace))
    await sandbox.until(SERVICE_ACCOUNT, "default", bool, namespace="strict")
    bare = typed("Pod", {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "k3s", "image": "a"}]}})
    answer = await sandbox.client.post("/api/v1/namespaces/strict/pods", json=bare)
    assert answer.status_code == 403
    assert answer.json()["message"].startswith(
        'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
    )


async def test_data_on_a_claim_survives_the_pod(sandbox: RunningSandbox, tmp_path: Path) -> None:
    address = await provision(sandbox, claims=[claim_template()])
    body = {"metadata": {"name": "kept"}, "data": {"a": "1"}}
    async with kube_client(admin_kubeconfig(address), tmp_path) as client:
        made = await client.post("/api/v1/namespaces/default/configmaps", json=body)
        assert made.status_code == 201
    before = sandbox.sandbox.store.get(POD, "ns", "dev-k3k-server-0")
    assert before is not None
    await sandbox.client.delete(POD.path("ns", "dev-k3k-server-0"))
    await sandbox.until(
        POD, "dev-k3k-server-0", lambda pod: pod["metadata"]["uid"] != before["metadata"]["uid"]
    )
    await sandbox.until_ready(POD, "dev-k3k-server-0")
    async with kube_client(admin_kubeconfig(address), tmp_path) as client:
        found = await client.get("/api/v1/namespaces/default/configmaps/kept")
    assert found.json()["data"] == {"a": "1"}


async def test_deleting_the_namespace_takes_everything_along(sandbox: RunningSandbox) -> None:
    await provision(sandbox, claims=[claim_template()])
    await sandbox.client.delete(NAMESPACE.path(None, "ns"))
    await sandbox.until_gone(NAMESPACE, "ns")
    store = sandbox.sandbox.store
    for resource in (POD, STATEFUL_SET, PERSISTENT_VOLUME_CLAIM):
        assert store.list(resource, "ns") == []


async def test_logs_of_a_server_can_be_read(sandbox: RunningSandbox) -> None:
    await provision(sandbox)
    answer = await sandbox.client.get(POD.path("ns", "dev-k3k-server-0", "log"))
    assert answer.status_code == 200
    assert "simulated by the k3k sandbox" in answer.text


async def test_attach_says_that_it_is_not_simulated(sandbox: RunningSandbox) -> None:
    await provision(sandbox)
    answer = await sandbox.client.post(POD.path("ns", "dev-k3k-server-0", "attach"))
    assert answer.status_code == 501
    assert "does not simulate attach" in answer.json()["message"]


async def test_a_sandbox_with_a_folder_goes_on_where_it_stopped(tmp_path: Path) -> None:
    options = SandboxOptions(data_dir=tmp_path / "data", start_delay=0.01)
    inner = {"metadata": {"name": "kept"}}
    async with running_sandbox(options) as first:
        address = await provision(first, claims=[claim_template()])
        url, text = first.sandbox.url, first.sandbox.kubeconfig
        async with kube_client(admin_kubeconfig(address), tmp_path) as client:
            await client.post("/api/v1/namespaces", json=inner)
    async with running_sandbox(options) as second:
        assert second.sandbox.url == url
        async with kube_client(text, tmp_path) as old_credentials:
            assert (await old_credentials.get("/api/v1/namespaces/ns")).status_code == 200
        await second.until_ready(POD, "dev-k3k-server-0")
        async with kube_client(admin_kubeconfig(address), tmp_path) as client:
            assert (await client.get("/api/v1/namespaces/kept")).status_code == 200
