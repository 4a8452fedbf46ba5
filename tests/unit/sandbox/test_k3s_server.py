"""Simulated k3s servers: what they take from the rendered objects, and what they refuse."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from k3k_core.resources import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SECRET
from k3k_core.sandbox.controllers.pods import is_ready
from k3k_core.sandbox.node.kubelet import NoLogError
from k3k_core.sandbox.scenario import Scenario
from tests.support.k3s_node import K3sNode, k3s_node
from tests.support.k3s_pods import CONFIG, PROBE_TOKEN, config_map, pki, server_pod, tokens_secret
from tests.support.sandbox_objects import claim_template

CLAIM = {"persistentVolumeClaim": {"claimName": "data"}}


@pytest.fixture
async def node() -> AsyncIterator[K3sNode]:
    async with k3s_node() as running:
        yield running


async def put_claim(node: K3sNode) -> None:
    spec = claim_template()["spec"]
    claim = {"metadata": {"name": "data", "namespace": "ns"}, "spec": spec}
    await node.loop.put(PERSISTENT_VOLUME_CLAIM, claim)


async def configure(node: K3sNode, text: str) -> None:
    await node.loop.change(
        CONFIG_MAP, "dev-k3k-config", lambda obj: obj.update(data=config_map(text)["data"])
    )


async def test_it_becomes_ready_and_answers_ping_and_its_ca_to_anybody(node: K3sNode) -> None:
    await node.loop.put(POD, server_pod())
    await node.until_ready("dev-0")
    ping, cacerts = await node.get("dev-0", "/ping"), await node.get("dev-0", "/cacerts")
    assert (ping.status_code, ping.text) == (200, "pong")
    assert (cacerts.status_code, cacerts.text) == (200, pki().server_ca.cert_pem)
    assert ping.headers["x-k3k-sandbox"] == "simulated"


async def test_its_certificate_holds_the_names_of_the_configuration(node: K3sNode) -> None:
    await node.loop.put(POD, server_pod())
    pod = await node.until_ready("dev-0")
    context = ssl.create_default_context(cadata=pki().server_ca.cert_pem)
    url = f"https://{pod['status']['podIP']}:6443/ping"
    async with httpx.AsyncClient(verify=context) as client:
        known = await client.get(url, extensions={"sni_hostname": "dev-k3k.ns.svc"})
        assert known.status_code == 200
    async with httpx.AsyncClient(verify=context) as client:
        with pytest.raises(httpx.ConnectError, match="certificate is not valid"):
            await client.get(url, extensions={"sni_hostname": "other.ns.svc"})


async def test_a_client_certificate_of_another_authority_is_not_let_in(node: K3sNode) -> None:
    await node.loop.put(POD, server_pod())
    pod = await node.until_ready("dev-0")
    context = ssl.create_default_context(cadata=pki().client_ca.cert_pem)
    async with httpx.AsyncClient(verify=context) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"https://{pod['status']['podIP']}:6443/ping")


async def test_while_starting_everything_is_503() -> None:
    async with k3s_node(Scenario(conditions={"ns/dev-0": "never-ready"})) as node:
        await node.loop.put(POD, server_pod())
        for path in ("/ping", "/readyz", "/api/v1/namespaces"):
            answer = await node.get("dev-0", path, authorization=f"Bearer {PROBE_TOKEN}")
            assert answer.status_code == 503
        assert "HTTP probe failed with statuscode: 503" in node.loop.messages("Unhealthy")[0]


async def test_a_wrong_probe_token_fails_with_401(node: K3sNode) -> None:
    await node.loop.put(POD, server_pod(probe_token="wrong"))
    assert (
        node.loop.messages("Unhealthy")[-1] == "Startup probe failed: HTTP probe failed with statuscode: 503"
    )
    with node.loop.store.subscribe() as changes:
        while "Startup probe failed: HTTP probe failed with statuscode: 401" not in node.loop.messages(
            "Unhealthy"
        ):
            await changes.next()
    assert not is_ready(node.loop.get(POD, "dev-0"))


async def test_an_unready_server_answers_ping_and_fails_its_probe() -> None:
    async with k3s_node(Scenario(start_delay=0, conditions={"ns/*": "unready"})) as node:
        await node.loop.put(POD, server_pod())
        with node.loop.store.subscribe() as changes:
            while "Startup probe failed: HTTP probe failed with statuscode: 500" not in node.loop.messages(
                "Unhealthy"
            ):
                await changes.next()
        assert (await node.get("dev-0", "/ping")).status_code == 200


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("disable: [a\nb: c", "failed to parse /etc/k3k/config/config.yaml: yaml: line 2"),
        ("- a list", "cannot unmarshal"),
        ("token-file: /etc/k3k/tokens/nowhere", "open /etc/k3k/tokens/nowhere: no such file or directory"),
        (
            "kube-apiserver-arg: [token-auth-file=/nowhere.csv]",
            "open /nowhere.csv: no such file or directory",
        ),
        ("service-cidr: nonsense", "invalid CIDR address: nonsense"),
        ("cluster-dns: 1.2.3.4", "cluster-dns 1.2.3.4 is not within the service-cidr"),
        ("datastore-endpoint: oracle://db", "unknown storage backend oracle"),
        ("egress-selector-mode: everywhere", "invalid egress-selector-mode everywhere"),
        ("data-dir: /elsewhere", "mkdir /elsewhere: read-only file system"),
    ],
)
async def test_a_configuration_it_cannot_use_ends_it_with_a_log(node: K3sNode, text: str, line: str) -> None:
    await configure(node, text)
    await node.loop.put(POD, server_pod())
    assert node.waiting("dev-0")["reason"] == "CrashLoopBackOff"
    await node.until_logged("dev-0", line)


async def test_an_unknown_key_of_the_file_is_skipped_with_a_warning(node: K3sNode) -> None:
    await configure(node, CONFIG + "no-such-key: 1\n")
    await node.loop.put(POD, server_pod())
    await node.until_ready("dev-0")
    await node.until_logged("dev-0", "Unknown flag --no-such-key found in config.yaml, skipping")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["server", "--no-such-flag"], "flag provided but not defined: -no-such-flag"),
        ([], "--token is required"),
    ],
)
async def test_arguments_it_does_not_know_end_it(node: K3sNode, arguments: list[str], line: str) -> None:
    await node.loop.put(POD, server_pod(args=arguments))
    await node.until_logged("dev-0", line)


def without(key: str) -> Any:
    return lambda secret: secret["data"].pop(key)


@pytest.mark.parametrize("key", ["server-ca.key", "client-ca.crt"])
async def test_half_an_authority_ends_it(node: K3sNode, key: str) -> None:
    await node.loop.change(SECRET, "dev-k3k-pki", without(key))
    await node.loop.put(POD, server_pod())
    await node.until_logged("dev-0", f"open server/tls/{key}: no such file or directory")


async def test_an_authority_whose_key_does_not_fit_ends_it(node: K3sNode) -> None:
    def swap(secret: dict[str, Any]) -> None:
        secret["data"]["server-ca.key"] = secret["data"]["client-ca.key"]

    await node.loop.change(SECRET, "dev-k3k-pki", swap)
    await node.loop.put(POD, server_pod())
    await node.until_logged("dev-0", "private key does not match public key")


async def test_data_on_a_claim_outlives_the_pod_and_goes_with_the_claim(node: K3sNode) -> None:
    await put_claim(node)
    await node.loop.put(POD, server_pod(data=CLAIM))
    await node.until_ready("dev-0")
    (before,) = node.datastores
    await node.loop.delete(POD, "dev-0")
    await node.loop.put(POD, server_pod(data=CLAIM))
    await node.until_ready("dev-0")
    assert [datastore.key for datastore in node.datastores] == [before.key]
    assert next(iter(node.datastores)) is before
    await node.loop.delete(POD, "dev-0")
    await node.loop.delete(PERSISTENT_VOLUME_CLAIM, "data")
    assert list(node.datastores) == []


async def test_data_on_an_empty_dir_goes_with_the_pod(node: K3sNode) -> None:
    await node.loop.put(POD, server_pod())
    await node.until_ready("dev-0")
    await node.loop.delete(POD, "dev-0")
    assert list(node.datastores) == []


async def test_a_second_server_on_the_same_volume_is_refused(node: K3sNode) -> None:
    await put_claim(node)
    await node.loop.put(POD, server_pod("dev-0", data=CLAIM))
    await node.until_ready("dev-0")
    await node.loop.put(POD, server_pod("dev-1", data=CLAIM))
    await node.until_logged("dev-1", "database is locked: ns/dev-0 has it open")


async def test_another_server_token_on_old_data_is_fatal(node: K3sNode) -> None:
    await put_claim(node)
    await node.loop.put(POD, server_pod(data=CLAIM))
    await node.loop.delete(POD, "dev-0")
    await node.loop.change(
        SECRET, "dev-k3k-tokens", lambda obj: obj.update(data=tokens_secret("new")["data"])
    )
    await node.loop.put(POD, server_pod(data=CLAIM))
    await node.until_logged("dev-0", "bootstrap data already found and encrypted with different token")


@pytest.mark.looptime
async def test_the_log_of_the_run_before_is_kept(node: K3sNode) -> None:
    await configure(node, CONFIG + "egress-selector-mode: wrong\n")
    await node.loop.put(POD, server_pod())
    first = node.kubelet.log("ns", "dev-0", "k3s")
    assert first.ended
    await configure(node, CONFIG)
    await node.until_ready("dev-0")
    second = node.kubelet.log("ns", "dev-0", "k3s")
    assert node.kubelet.log("ns", "dev-0", "k3s", previous=True) is first
    assert (second.ended, "invalid egress-selector-mode wrong" in first.text()) == (False, True)


async def test_a_container_that_never_ended_has_no_log_of_a_run_before(node: K3sNode) -> None:
    await node.loop.put(POD, server_pod())
    await node.until_ready("dev-0")
    with pytest.raises(NoLogError, match='previous terminated container "k3s" in pod "dev-0" not found'):
        node.kubelet.log("ns", "dev-0", "k3s", previous=True)


async def test_a_container_that_waits_for_a_secret_has_no_log_yet(node: K3sNode) -> None:
    await node.loop.delete(SECRET, "dev-k3k-tokens")
    await node.loop.put(POD, server_pod())
    with pytest.raises(NoLogError, match='"k3s" in pod "dev-0" is waiting to start: PodInitializing'):
        node.kubelet.log("ns", "dev-0", "k3s")


async def test_authorities_next_to_the_data_win_over_a_changed_secret(node: K3sNode) -> None:
    await put_claim(node)
    await node.loop.put(POD, server_pod(data=CLAIM))
    await node.loop.delete(POD, "dev-0")

    def swap(secret: dict[str, Any]) -> None:
        for part in ("crt", "key"):
            secret["data"][f"server-ca.{part}"] = secret["data"][f"client-ca.{part}"]

    await node.loop.change(SECRET, "dev-k3k-pki", swap)
    await node.loop.put(POD, server_pod(data=CLAIM))
    await node.until_ready("dev-0")
    assert (await node.get("dev-0", "/cacerts")).text == pki().server_ca.cert_pem


async def test_servers_with_one_external_datastore_share_their_objects(node: K3sNode) -> None:
    await configure(node, CONFIG + "datastore-endpoint: postgres://u:p@db.example.org:5432/k3s\n")
    for name in ("dev-0", "dev-1"):
        await node.loop.put(POD, server_pod(name))
        await node.until_ready(name)
        await node.get(name, "/api")
    first, second = node.clusters
    assert first.datastore is second.datastore


async def test_a_server_waits_for_the_etcd_behind_its_endpoint(node: K3sNode) -> None:
    endpoint = "https://dev-etcd-0.dev-etcd.ns.svc:2379"
    await configure(node, CONFIG + f"datastore-endpoint: {endpoint}\n")
    await node.loop.put(POD, server_pod())
    assert not is_ready(node.loop.get(POD, "dev-0"))
    etcd = {
        "metadata": {"name": "dev-etcd-0", "namespace": "ns"},
        "spec": {
            "subdomain": "dev-etcd",
            "containers": [{"name": "etcd", "image": "quay.io/coreos/etcd:v3.6.8"}],
        },
        "status": {"phase": "Pending"},
    }
    await node.loop.put(POD, etcd)
    await node.until_ready("dev-0")


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [("node", "agenttoken123", 200), ("server", "servertoken123", 403), ("node", "wrong", 403)],
)
async def test_agents_read_their_configuration_with_the_agent_token(
    node: K3sNode, user: str, password: str, status: int
) -> None:
    await node.loop.put(POD, server_pod())
    await node.until_ready("dev-0")
    basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    assert (await node.get("dev-0", "/v1-k3s/config", authorization=basic)).status_code == status
