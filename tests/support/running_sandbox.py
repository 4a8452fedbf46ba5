"""A running sandbox with a control plane on it, made of nothing but API requests."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from k3k_core.pki import issue_admin_certificate, kubeconfig
from k3k_core.resources import Resource, resource_of
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.controllers.pods import is_ready
from tests.support.k3s_pods import CONFIG, config_map, pki, pki_secret, server_spec, tokens_secret
from tests.support.kube_client import kube_client

Json = dict[str, Any]


@dataclass(slots=True)
class RunningSandbox:
    """A sandbox and an administrator's client of it."""

    sandbox: Sandbox
    client: httpx.AsyncClient

    async def put(self, *objects: Json, namespace: str = "ns") -> None:
        """Create objects through the API."""
        for obj in objects:
            resource = resource_of(obj)
            path = resource.path(namespace if resource.namespaced else None)
            answer = await self.client.post(path, json=obj)
            assert answer.status_code == 201, answer.text

    async def until(
        self, resource: Resource, name: str, holds: Callable[[Json], Any], namespace: str = "ns"
    ) -> Json:
        """Wait until something is true of an object."""
        with self.sandbox.store.subscribe(resource) as changes:
            while True:
                found = self.sandbox.store.get(resource, namespace if resource.namespaced else None, name)
                if found is not None and holds(found):
                    return found
                await changes.next()

    async def until_gone(self, resource: Resource, name: str, namespace: str = "ns") -> None:
        """Wait until an object is not there any more."""
        with self.sandbox.store.subscribe(resource) as changes:
            while self.sandbox.store.get(resource, namespace if resource.namespaced else None, name):
                await changes.next()

    async def until_ready(self, resource: Resource, name: str) -> Json:
        """Wait until a pod is ready."""
        return await self.until(resource, name, is_ready)


@asynccontextmanager
async def running_sandbox(options: SandboxOptions | None = None) -> AsyncIterator[RunningSandbox]:
    """Run a sandbox whose servers are ready at once, with the namespace `ns`.

    Args:
        options: other ones.
    """
    chosen = options or SandboxOptions(start_delay=0.01)
    with tempfile.TemporaryDirectory() as directory:
        async with (
            Sandbox.start(chosen) as sandbox,
            kube_client(sandbox.kubeconfig, Path(directory)) as client,
        ):
            running = RunningSandbox(sandbox, client)
            if await _missing(client, "ns"):
                await running.put({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "ns"}})
            yield running


async def _missing(client: httpx.AsyncClient, name: str) -> bool:
    return (await client.get(f"/api/v1/namespaces/{name}")).status_code == 404


def typed(kind: str, obj: Json, api_version: str = "v1") -> Json:
    """Return an object with its type."""
    return {"kind": kind, "apiVersion": api_version, **obj}


def front_service(**spec: Any) -> Json:
    """The LoadBalancer of the control plane."""
    meta = {"name": "dev-k3k", "namespace": "ns"}
    ports = [{"name": "api", "port": 6443}]
    return typed(
        "Service",
        {
            "metadata": meta,
            "spec": {"type": "LoadBalancer", "selector": {"app": "dev"}, "ports": ports, **spec},
        },
    )


def control_plane(address: str, *, replicas: int = 1, claims: Sequence[Json] = ()) -> list[Json]:
    """Everything of a control plane but its Service.

    Args:
        address: of the Service, for the certificate.
        replicas: number of servers.
        claims: volume claim templates; the one named `data` takes the place of the emptyDir.
    """
    template = server_spec()
    template["securityContext"] = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in (*template["initContainers"], *template["containers"]):
        container["securityContext"] = {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
    names = {claim["metadata"]["name"] for claim in claims}
    template["volumes"] = [volume for volume in template["volumes"] if volume["name"] not in names]
    stateful_set = {
        "metadata": {"name": "dev-k3k-server", "namespace": "ns"},
        "spec": {
            "replicas": replicas,
            "serviceName": "dev-k3k",
            "selector": {"matchLabels": {"app": "dev"}},
            "template": {"metadata": {"labels": {"app": "dev"}}, "spec": template},
            "volumeClaimTemplates": list(claims),
        },
    }
    return [
        typed("Secret", pki_secret()),
        typed("Secret", tokens_secret()),
        typed("ConfigMap", config_map(CONFIG.replace("203.0.113.7", address))),
        typed("StatefulSet", stateful_set, "apps/v1"),
    ]


def admin_kubeconfig(address: str) -> str:
    """Return the administrator's kubeconfig for the embedded cluster."""
    now = datetime.now(UTC)
    leaf = issue_admin_certificate(pki(), now=now, lifetime=timedelta(days=1))
    return kubeconfig(
        cluster_name="dev",
        server=f"https://{address}:6443",
        ca_pem=pki().server_ca.cert_pem,
        leaf=leaf,
        user_name="admin",
        context_name="dev",
    )


def address_of(service: Json) -> str:
    """Return the address of a load balancer, "" while it has none."""
    ingress = (service.get("status", {}).get("loadBalancer") or {}).get("ingress") or [{}]
    return str(ingress[0].get("ip", ""))
