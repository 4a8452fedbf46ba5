"""Control planes that Helm made are shown, measured and reached, and no verb changes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k3k_core.host import Host
from k3k_core.names import LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.resources import SECRET, SERVICE
from k3k_core.sandbox.helm_release import install
from tests.support.hosts import HostUnderTest
from tests.support.programs import run


async def release(host: HostUnderTest, api: Host) -> None:
    """Leave what a release of the ayedo chart leaves, as far as its credentials go."""
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": host.namespace}})
    await api.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "shop-k3k-kubeconfig",
                "namespace": host.namespace,
                "labels": {LABEL_MANAGED_BY: "Helm"},
                "annotations": {"meta.helm.sh/release-name": "shop"},
            },
            "stringData": {"kubeconfig.yaml": "apiVersion: v1\nkind: Config\nclusters: []\n"},
        }
    )


@pytest.mark.parametrize(
    "verb",
    [
        ("create", "shop"),
        ("create", "shop", "--dry-run=server"),
        ("create", "shop", "--force-conflicts"),
        ("diff", "shop", "--set", "servers=1"),
        ("upgrade", "shop", "--version", "v1.36.3+k3s1", "--yes"),
        ("restart", "shop"),
        ("delete", "shop", "--yes"),
        ("kubeconfig", "shop", "--user", "somebody"),
    ],
    ids=" ".join,
)
async def test_a_verb_that_would_change_one_is_refused_and_changes_nothing(
    host: HostUnderTest, api: Host, verb: tuple[str, ...]
) -> None:
    await release(host, api)

    ended = await host.k3k(*verb, "-n", host.namespace)
    assert (ended.code, "Helm" in ended.err) == (4, True), ended.err
    listing = await api.list(SECRET, host.namespace)
    assert [item["metadata"]["name"] for item in listing.items] == ["shop-k3k-kubeconfig"]
    assert (await api.list(SERVICE, host.namespace)).items == []


@pytest.fixture
async def running(host: HostUnderTest, api: Host) -> HostUnderTest:
    """A host with the release `shop`, which runs and whose kubeconfig is in its Secret."""
    if host.sandbox is None:
        pytest.skip("its server is made for the sandbox: on another host it would need a chart")
    await install(api, ControlPlaneId(host.namespace, "shop"), timeout=60)
    return host


async def test_one_is_measured_with_the_client_certificate_of_its_kubeconfig(running: HostUnderTest) -> None:
    ended = await running.k3k("metrics", "shop", "-n", running.namespace, "--window", "1s", "-o", "json")
    document = json.loads(ended.checked().out)
    assert (document["verdict"], document["reach"]["reason"]) == ("Healthy", "")
    assert document["signals"]["api"]["requestRate"] > 0


async def test_one_is_listed_with_what_is_measured(running: HostUnderTest) -> None:
    listed = (await running.k3k("list", "-n", running.namespace, "-o", "wide")).checked().out
    heading, row = listed.splitlines()
    assert row.split()[:3] == ["shop", running.namespace, "Healthy"]
    assert " ms " in row[heading.index("READ P99") :]


async def test_its_kubeconfig_is_handed_out_and_opens_it(running: HostUnderTest, tmp_path: Path) -> None:
    document = (await running.k3k("kubeconfig", "shop", "-n", running.namespace)).checked().out
    path = tmp_path / "shop.yaml"
    path.write_text(document)
    listed = (await run("kubectl", "get", "namespaces", "-o", "name", kubeconfig=path)).checked().out
    assert "namespace/kube-system" in listed.split()


async def test_a_command_reaches_one_through_the_host(running: HostUnderTest) -> None:
    command = ("kubectl", "get", "namespaces", "-o", "name")
    ended = await running.k3k("connect", "shop", "-n", running.namespace, "--", *command)
    listed = ended.checked().out.split()
    assert "namespace/kube-system" in listed
    assert f"namespace/{running.namespace}" not in listed
