"""The sandbox's port-forwards, seen through the tunnel of the host room."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from k3k_core.errors import HostError, NotFoundError, UnreachableError
from k3k_core.host import Host, HostOptions, open_host, open_tunnel
from k3k_core.resources import POD
from tests.support.k3s_pods import pki
from tests.support.running_sandbox import RunningSandbox, control_plane, running_sandbox

SERVER = "dev-k3k-server-0"


@asynccontextmanager
async def host_of(running: RunningSandbox, folder: Path) -> AsyncIterator[Host]:
    """Open the running sandbox as a host."""
    path = folder / "kubeconfig.yaml"
    path.write_text(running.sandbox.kubeconfig, encoding="utf-8")
    async with open_host(HostOptions(kubeconfig=str(path))) as host:
        yield host


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as sandbox:
        await sandbox.put(*control_plane("203.0.113.7"))
        await sandbox.until_ready(POD, SERVER)
        yield sandbox


async def test_a_server_answers_through_a_tunnel_with_its_own_certificate(
    running: RunningSandbox, tmp_path: Path
) -> None:
    context = ssl.create_default_context(cadata=pki().server_ca.cert_pem)
    async with (
        host_of(running, tmp_path) as host,
        open_tunnel(host, "ns", SERVER, 6443) as tunnel,
        httpx.AsyncClient(verify=context, trust_env=False) as client,
    ):
        name = {"sni_hostname": "dev-k3k.ns.svc"}
        answer = await client.get(f"https://127.0.0.1:{tunnel.port}/ping", extensions=name)

    assert answer.text == "pong"


async def test_a_port_nobody_listens_on_is_refused_in_the_kubelets_words(
    running: RunningSandbox, tmp_path: Path
) -> None:
    async with host_of(running, tmp_path) as host, host.port_forward("ns", SERVER, 1) as connection:
        with pytest.raises(UnreachableError, match=r"error occurred forwarding 1: .*connection refused"):
            await connection.read()


async def test_a_pod_that_does_not_exist_is_not_found(running: RunningSandbox, tmp_path: Path) -> None:
    async with host_of(running, tmp_path) as host:
        with pytest.raises(NotFoundError):
            async with host.port_forward("ns", "nobody", 6443):
                pass


async def test_a_pod_without_an_address_is_refused(running: RunningSandbox, tmp_path: Path) -> None:
    await running.put({"apiVersion": "v1", "kind": "Pod", **_unschedulable()})
    async with host_of(running, tmp_path) as host:
        with pytest.raises(HostError):
            async with host.port_forward("ns", "stranded", 6443):
                pass


async def test_a_request_without_an_upgrade_is_refused(running: RunningSandbox) -> None:
    answer = await running.client.get(f"/api/v1/namespaces/ns/pods/{SERVER}/portforward?ports=6443")
    assert (answer.status_code, answer.json()["message"]) == (400, "Upgrade request required")


@pytest.mark.parametrize("query", ["", "?ports=0", "?ports=x", "?ports=70000"])
async def test_a_request_without_a_port_is_refused(running: RunningSandbox, query: str) -> None:
    answer = await running.client.get(f"/api/v1/namespaces/ns/pods/{SERVER}/portforward{query}")
    assert answer.status_code == 400
    assert '"ports" is required' in answer.json()["message"]


def _unschedulable() -> dict[str, object]:
    container = {"name": "main", "image": "busybox"}
    return {
        "metadata": {"name": "stranded", "namespace": "ns"},
        "spec": {"containers": [container], "nodeSelector": {"there": "is-none"}},
    }
