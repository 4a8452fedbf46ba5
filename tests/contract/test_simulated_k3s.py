"""A simulated k3s as its clients see it: like the recorded real one, and good enough for a real kubectl."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from k3k_core.resources import POD, SERVICE
from k3k_core.sandbox.k3s.metrics import Build, Metrics
from tests.support.k3s_pods import PROBE_TOKEN, pki
from tests.support.kube_client import kube_client
from tests.support.programs import KUBECTL, run
from tests.support.running_sandbox import (
    RunningSandbox,
    address_of,
    admin_kubeconfig,
    control_plane,
    front_service,
    running_sandbox,
)

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
UNAUTHORIZED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Unauthorized",
    "reason": "Unauthorized",
    "code": 401,
}


@dataclass(slots=True)
class K3s:
    """A ready simulated k3s."""

    address: str
    sandbox: RunningSandbox

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask without a client certificate."""
        context = ssl.create_default_context(cadata=pki().server_ca.cert_pem)
        async with httpx.AsyncClient(verify=context) as client:
            return await client.get(f"https://{self.address}:6443{path}", headers=headers)


@pytest.fixture
async def k3s() -> AsyncIterator[K3s]:
    async with running_sandbox() as sandbox:
        await sandbox.put(front_service(loadBalancerIP="203.0.113.7"))
        service = await sandbox.until(SERVICE, "dev-k3k", address_of)
        await sandbox.put(*control_plane(address_of(service)))
        await sandbox.until_ready(POD, "dev-k3k-server-0")
        yield K3s(address_of(service), sandbox)


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


ANONYMOUS: dict[str, str] = {}
PROBE = {"authorization": f"Bearer {PROBE_TOKEN}"}
MONITOR = {"authorization": "Bearer mettok"}
AGENT = basic("node", "agenttoken123")
SERVER = basic("server", "servertoken123")

# Recorded from a real k3s v1.21.3+k3s1 (--disable-agent, sqlite).
ANSWERS = [
    (ANONYMOUS, 200, ("/ping", "/cacerts")),
    (ANONYMOUS, 401, ("/", "/healthz", "/livez?verbose", "/readyz", "/version", "/metrics", "/api", "/apis")),
    (ANONYMOUS, 401, ("/api/v1/namespaces", "/v1-k3s/server-bootstrap", "/nope")),
    (ANONYMOUS, 403, ("/v1-k3s/config",)),
    (PROBE, 200, ("/ping", "/cacerts", "/healthz", "/livez", "/readyz?verbose", "/version", "/api", "/apis")),
    (PROBE, 403, ("/", "/readyz/etcd", "/metrics", "/api/v1/namespaces", "/api/v1/nodes", "/nope")),
    (PROBE, 403, ("/v1-k3s/config", "/v1-k3s/server-bootstrap")),
    (MONITOR, 200, ("/metrics", "/readyz")),
    (MONITOR, 403, ("/api/v1/namespaces",)),
    (AGENT, 200, ("/ping", "/cacerts", "/v1-k3s/config")),
    (AGENT, 401, ("/", "/readyz", "/version", "/metrics", "/api/v1/namespaces", "/v1-k3s/server-bootstrap")),
    (SERVER, 401, ("/readyz", "/api", "/v1-k3s/server-bootstrap")),
    (SERVER, 403, ("/v1-k3s/config",)),
]


async def test_each_identity_gets_the_recorded_answers(k3s: K3s) -> None:
    seen = {
        (path, status): (await k3s.get(path, **headers)).status_code
        for headers, status, paths in ANSWERS
        for path in paths
    }
    assert seen == {key: key[1] for key in seen}


async def test_anonymous_requests_get_the_recorded_body(k3s: K3s) -> None:
    answer = await k3s.get("/api/v1/namespaces")
    assert answer.json() == UNAUTHORIZED
    assert answer.headers["content-type"] == "application/json"


async def test_forbidden_requests_get_the_recorded_words(k3s: K3s) -> None:
    path = await k3s.get("/metrics", **PROBE)
    assert path.json()["message"] == 'forbidden: User "k3k:probe" cannot get path "/metrics"'
    listing = await k3s.get("/api/v1/namespaces", **PROBE)
    assert listing.json()["message"] == (
        'namespaces is forbidden: User "k3k:probe" cannot list resource "namespaces" '
        'in API group "" at the cluster scope'
    )


async def test_an_administrators_certificate_may_do_everything(k3s: K3s, tmp_path: Path) -> None:
    async with kube_client(admin_kubeconfig(k3s.address), tmp_path) as client:
        for path in ("/metrics", "/livez/etcd", "/api/v1/nodes", "/version"):
            assert (await client.get(path)).status_code == 200
        version = (await client.get("/version")).json()
    assert version["gitVersion"] == "v1.33.4+k3s1"


async def test_it_says_that_it_is_simulated(k3s: K3s) -> None:
    for path, headers in (("/ping", ANONYMOUS), ("/version", PROBE), ("/metrics", MONITOR)):
        assert (await k3s.get(path, **headers)).headers["x-k3k-sandbox"] == "simulated"


async def test_metrics_come_compressed_when_asked_for(k3s: K3s) -> None:
    answer = await k3s.get("/metrics", **MONITOR, **{"accept-encoding": "gzip"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert 'git_version="v1.33.4+k3s1"' in answer.text
    assert "apiserver_request_total{" in answer.text


@pytest.mark.parametrize("header", ["identity", "gzip;q=0", "br, zstd", ""])
async def test_metrics_come_as_they_are_to_those_who_take_no_gzip(k3s: K3s, header: str) -> None:
    answer = await k3s.get("/metrics", **MONITOR, **{"accept-encoding": header})
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content) > 1_000_000


async def pod_of(k3s: K3s) -> str:
    """The address of the server's pod, which is there whether or not it is ready."""
    pod = k3s.sandbox.sandbox.store.get(POD, "ns", "dev-k3k-server-0")
    assert pod is not None
    return str(pod["status"]["podIP"])


async def test_a_page_that_cannot_be_read_is_500_while_all_else_is_well(k3s: K3s) -> None:
    k3s.sandbox.sandbox.faults_of("ns", "dev-k3k-server-0").switch_on("page-unreadable")
    assert (await k3s.get("/metrics", **MONITOR)).status_code == 500
    assert (await k3s.get("/metrics", **PROBE)).status_code == 403
    assert (await k3s.get("/readyz", **PROBE)).status_code == 200


@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        ("check-failing:informer-sync", {"informer-sync"}),
        ("check-failing:etcd", {"etcd", "etcd-readiness"}),
        ("unready", {"etcd", "etcd-readiness"}),
    ],
)
async def test_a_failing_check_is_named_among_those_that_pass(
    k3s: K3s, fault: str, failing: set[str]
) -> None:
    k3s.sandbox.sandbox.faults_of("ns", "dev-k3k-server-0").switch_on(fault)
    # The Service leads nowhere any more.
    at_pod = K3s(await pod_of(k3s), k3s.sandbox)
    answer = await at_pod.get("/readyz?verbose", **PROBE)
    assert answer.status_code == 500
    lines = answer.text.splitlines()
    assert lines[0] == "[+]ping ok"
    assert {line for line in lines if line.startswith("[-]")} == {
        f"[-]{check} failed: reason withheld" for check in failing
    }
    assert lines[-1] == "readyz check failed"
    assert len(lines) > 20


def test_a_page_is_as_large_as_the_real_one() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 11, 22, tzinfo=UTC)
    page = Metrics(Build("v1.36.2+k3s1", "sqlite"), now, "seed").plain(now.timestamp())
    assert 25_000 < page.count(b"\n") < 34_000


@needs_kubectl
async def test_kubectl_works_in_the_embedded_cluster(k3s: K3s, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(admin_kubeconfig(k3s.address))

    async def kubectl(*arguments: str, stdin: str = "") -> str:
        return (await run("kubectl", *arguments, kubeconfig=path, stdin=stdin)).checked().out

    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"colour": "blue"},
    }
    for obj in (namespace, config):
        assert "created" in await kubectl("apply", "-f", "-", stdin=json.dumps(obj))
    assert "serverside-applied" in await kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(config)
    )
    listed = await kubectl("get", "configmaps", "-n", "shop", "-o", "name")
    assert set(listed.split()) == {"configmap/kube-root-ca.crt", "configmap/settings"}
    value = await kubectl("get", "configmap", "settings", "-n", "shop", "-o", "jsonpath={.data.colour}")
    assert value == "blue"
    assert "deleted" in await kubectl("delete", "namespace", "shop", "--wait")


@needs_kubectl
async def test_kubectl_works_on_the_host(k3s: K3s, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(k3s.sandbox.sandbox.kubeconfig)

    async def kubectl(*arguments: str) -> str:
        return (await run("kubectl", *arguments, kubeconfig=path)).checked().out

    assert await kubectl("config", "current-context") == "k3k-sandbox\n"
    assert "sandbox-node" in await kubectl("get", "nodes", "-o", "name")
    described = await kubectl("describe", "service", "dev-k3k", "-n", "ns")
    assert f"its load balancer answers on {k3s.address} instead" in described
    assert "simulated" in await kubectl("logs", "dev-k3k-server-0", "-n", "ns")
    waited = await kubectl("wait", "--for=condition=Ready", "pod/dev-k3k-server-0", "-n", "ns")
    assert "condition met" in waited
    assert "deleted" in await kubectl("delete", "statefulset", "dev-k3k-server", "-n", "ns")
