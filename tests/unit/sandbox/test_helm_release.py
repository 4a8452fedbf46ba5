"""The Helm-made control plane of the demonstration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from k3k_core.discovery.helm import is_release, release_of, version_of
from k3k_core.errors import NotReadyError
from k3k_core.fleet.credentials import access_of_kubeconfig
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.manifests import Address
from k3k_core.manifests.metadata import secret_data
from k3k_core.names import ControlPlaneId
from k3k_core.resources import SECRET, SERVICE
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.helm_release import VERSION, install, kubeconfig_secret, stateful_set
from tests.support.kube_client import kube_client

INTRANET = ControlPlaneId("legacy", "intranet")


@asynccontextmanager
async def sandbox_host(folder: Path, options: SandboxOptions | None = None) -> AsyncIterator[Host]:
    """A client of a sandbox whose servers are ready at once."""
    async with Sandbox.start(options or SandboxOptions(start_delay=0.01)) as sandbox:
        path = folder / "host.yaml"
        path.write_text(sandbox.kubeconfig)
        async with open_host(HostOptions(kubeconfig=str(path))) as host:
            yield host


async def kubeconfig_of(host: Host) -> str:
    """The kubeconfig of the release, empty when there is none."""
    found = await host.get(SECRET, INTRANET.namespace, INTRANET.kubeconfig)
    return secret_data(found).get("kubeconfig.yaml", "")


async def status_of_namespaces(document: str, folder: Path) -> int:
    """What the server of a kubeconfig answers to a list of namespaces."""
    async with kube_client(document, folder) as client:
        return (await client.get("/api/v1/namespaces")).status_code


def test_a_release_is_recognised_by_discovery() -> None:
    secret = kubeconfig_secret(INTRANET)
    assert is_release(secret)
    assert release_of(secret) == "intranet"
    assert secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert version_of(stateful_set(INTRANET, Address("203.0.113.7", 6443))) == VERSION


async def test_its_kubeconfig_leads_an_administrator_to_its_service(tmp_path: Path) -> None:
    async with sandbox_host(tmp_path) as host:
        await install(host, INTRANET, timeout=30)
        document = await kubeconfig_of(host)
        access = access_of_kubeconfig(INTRANET, {"kubeconfig.yaml": document})
        service = await host.get(SERVICE, INTRANET.namespace, INTRANET.service)
        assert access.server == (service["status"]["loadBalancer"]["ingress"][0]["ip"], 6443)
        assert access.client_certificate
        assert await status_of_namespaces(document, tmp_path) == 200


async def test_made_again_it_keeps_its_authorities(tmp_path: Path) -> None:
    async with sandbox_host(tmp_path) as host:
        await install(host, INTRANET, timeout=30)
        first = access_of_kubeconfig(INTRANET, {"": await kubeconfig_of(host)})
        await install(host, INTRANET, timeout=30)
        document = await kubeconfig_of(host)
        assert access_of_kubeconfig(INTRANET, {"": document}).ca_pem == first.ca_pem
        assert await status_of_namespaces(document, tmp_path) == 200


async def test_it_has_no_kubeconfig_while_its_server_is_not_ready(tmp_path: Path) -> None:
    never = SandboxOptions(conditions={"legacy/intranet-k3k-0": "never-ready"})
    async with sandbox_host(tmp_path, never) as host:
        with pytest.raises(NotReadyError, match="Helm release legacy/intranet"):
            await install(host, INTRANET, timeout=1)
        assert await kubeconfig_of(host) == ""
