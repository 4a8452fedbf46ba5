"""From a values file to a working kubectl: the main job, through the installed programs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import KUBECTL, Finished, run, start

AYEDO_VALUES = Path(__file__).parent.parent / "data" / "ayedo-values.yaml"

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="needs kubectl (Debian: kubernetes-client)")


@asynccontextmanager
async def reach(host: HostUnderTest, namespace: str, name: str) -> AsyncIterator[list[str]]:
    """Yield kubectl options with which a control plane is reached.

    The sandbox's addresses answer on this machine. A real cluster's may not: there it is a port-forward, for
    the certificate holds 127.0.0.1.
    """
    if not REAL:
        yield []
        return
    pod = f"pod/{name}-k3k-server-0"
    forward = await start(
        ["kubectl", "-n", namespace, "port-forward", pod, ":6443"], kubeconfig=host.kubeconfig
    )
    assert forward.stdout is not None
    line = (await forward.stdout.readline()).decode()
    port = re.search(r"127\.0\.0\.1:(\d+)", line)
    assert port, line
    try:
        yield ["--server", f"https://127.0.0.1:{port[1]}"]
    finally:
        forward.terminate()
        await forward.wait()


async def created(host: HostUnderTest, name: str, *arguments: str) -> Finished:
    return (await host.k3k("create", name, "-n", host.namespace, "--wait", *arguments)).checked()


async def test_the_ayedo_values_file_becomes_a_control_plane_that_kubectl_works_with(
    host: HostUnderTest, tmp_path: Path
) -> None:
    await created(host, "k3k", "-f", str(AYEDO_VALUES))

    secret = await host.kubectl("-n", host.namespace, "get", "secret", "k3k-k3k-kubeconfig", "-o", "json")
    assert list(json.loads(secret.checked().out)["data"]) == ["kubeconfig.yaml"]

    kubeconfig = tmp_path / "k3k.yaml"
    kubeconfig.write_text((await host.k3k("kubeconfig", "k3k", "-n", host.namespace)).checked().out)
    async with reach(host, host.namespace, "k3k") as options:

        async def inside(*arguments: str, stdin: str = "") -> str:
            finished = await run("kubectl", *options, *arguments, kubeconfig=kubeconfig, stdin=stdin)
            return finished.checked().out

        await inside("create", "namespace", "shop")
        config_map = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: menu, namespace: shop}\ndata: {a: b}\n"
        )
        await inside("apply", "-f", "-", stdin=config_map)
        await inside("apply", "--server-side", "-f", "-", stdin=config_map.replace("menu", "wine"))
        assert "namespace/shop" in (await inside("get", "namespaces", "-o", "name")).split()
        listed = (await inside("get", "configmaps", "-n", "shop", "-o", "name")).split()
        assert {"configmap/menu", "configmap/wine"} <= set(listed)
        refused = await run(
            "kubectl",
            *options,
            "--certificate-authority",
            str(AYEDO_VALUES),
            "get",
            "ns",
            kubeconfig=kubeconfig,
        )
        assert refused.code != 0


async def test_the_kubeconfig_is_written_to_a_private_file(host: HostUnderTest, tmp_path: Path) -> None:
    target = tmp_path / "out.yaml"
    await created(host, "one", "--kubeconfig-out", str(target))
    assert target.stat().st_mode & 0o777 == 0o600
    stored = await host.k3k("kubeconfig", "one", "-n", host.namespace)
    assert target.read_text() == stored.checked().out


async def test_a_short_lived_kubeconfig_lets_its_user_in_with_its_groups_and_no_more(
    host: HostUnderTest, tmp_path: Path
) -> None:
    await created(host, "one")
    arguments = ("kubeconfig", "one", "-n", host.namespace, "--user", "ann", "--group", "dev", "--ttl", "8h")
    kubeconfig = tmp_path / "ann.yaml"
    kubeconfig.write_text((await host.k3k(*arguments)).checked().out)
    async with reach(host, host.namespace, "one") as options:
        denied = await run("kubectl", *options, "get", "secrets", kubeconfig=kubeconfig)
        assert denied.code != 0
        assert 'User "ann" cannot list resource "secrets"' in denied.err
        version = await run("kubectl", *options, "get", "--raw", "/version", kubeconfig=kubeconfig)
        assert "gitVersion" in version.checked().out


async def test_create_again_changes_nothing_and_says_so(host: HostUnderTest) -> None:
    await created(host, "one", "-f", str(AYEDO_VALUES))
    before = await objects(host)
    again = await created(host, "one", "-f", str(AYEDO_VALUES))
    assert "exists" in again.err
    assert await objects(host) == before


async def test_create_with_other_values_is_refused_and_points_to_upgrade(host: HostUnderTest) -> None:
    await created(host, "one")
    refused = await host.k3k("create", "one", "-n", host.namespace, "--set", "k3s.cluster_cidr=10.52.0.0/16")
    assert refused.code == 4
    assert "k3s.cluster_cidr" in refused.err
    assert "k3k upgrade one" in refused.err


async def test_delete_leaves_nothing_behind(host: HostUnderTest) -> None:
    await created(host, "one", "--set", "persistence.enabled=true" if not REAL else "servers=1")
    (await host.k3k("delete", "one", "-n", host.namespace, "--yes")).checked()
    assert await objects(host) == {}
    missing = await host.k3k("describe", "one", "-n", host.namespace)
    assert missing.code == 3


async def test_delete_without_a_terminal_and_without_yes_is_refused(host: HostUnderTest) -> None:
    await created(host, "one")
    refused = await host.k3k("delete", "one", "-n", host.namespace)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert await objects(host) != {}


@pytest.mark.skipif(bool(REAL), reason="a real cluster may have no storage class")
async def test_kept_data_come_back_with_authorities_and_tokens(host: HostUnderTest, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "one.yaml"
    await created(host, "one", "--kubeconfig-out", str(kubeconfig))
    made = await run("kubectl", "create", "namespace", "kept", kubeconfig=kubeconfig)
    made.checked()
    (await host.k3k("delete", "one", "-n", host.namespace, "--yes", "--keep-data")).checked()
    left = await objects(host)
    assert sorted(kind for kind, _name in left) == ["PersistentVolumeClaim", "Secret", "Secret"]

    again = tmp_path / "again.yaml"
    await created(host, "one", "--kubeconfig-out", str(again))
    found = await run("kubectl", "get", "namespace", "kept", kubeconfig=again)
    assert "kept" in found.checked().out
    after = await objects(host)
    assert {key: after[key] for key in left} == left


@pytest.mark.skipif(bool(REAL), reason="images of a real etcd may not be at hand")
@pytest.mark.parametrize("servers", [1, 3])
async def test_a_dedicated_etcd_carries_one_or_several_servers(
    host: HostUnderTest, tmp_path: Path, servers: int
) -> None:
    kubeconfig = tmp_path / "etcd.yaml"
    values = f"servers: {servers}\ndatastore: {{kind: etcd, etcd: {{members: {servers}}}}}\n"
    finished = await host.k3k(
        "create", "ha", "-n", host.namespace, "-f", "-", "--kubeconfig-out", str(kubeconfig), stdin=values
    )
    finished.checked()
    listed = await host.k3k("list", "-n", host.namespace, "-o", "json")
    (row,) = json.loads(listed.checked().out)["items"]
    assert row["servers"] == {"ready": servers, "wanted": servers}
    assert row["datastore"] == "etcd"
    (await run("kubectl", "get", "namespaces", kubeconfig=kubeconfig)).checked()


async def test_kubectl_watches_waits_and_describes_on_the_host(host: HostUnderTest) -> None:
    (await host.kubectl("create", "namespace", host.namespace)).checked()
    watch = await start(
        ["kubectl", "-n", host.namespace, "get", "configmaps", "-w", "--watch-only", "-o", "name"],
        kubeconfig=host.kubeconfig,
    )
    assert watch.stdout is not None
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata: {a: b}\n"
    try:
        async with asyncio.timeout(60):
            while True:
                await host.kubectl("-n", host.namespace, "delete", "configmap", "seen", "--ignore-not-found")
                applied = await host.kubectl(
                    "-n", host.namespace, "apply", "--server-side", "-f", "-", stdin=config_map
                )
                applied.checked()
                try:
                    line = await asyncio.wait_for(watch.stdout.readline(), 2)
                except TimeoutError:
                    continue
                if b"configmap/seen" in line:
                    break
    finally:
        watch.terminate()
        await watch.wait()
    described = await host.kubectl("-n", host.namespace, "describe", "configmap", "seen")
    assert "Name:         seen" in described.checked().out
    (await host.kubectl("-n", host.namespace, "delete", "configmap", "seen")).checked()
    # A condition that some controller sets soon: kubectl before 1.23 waits for nothing else but deletion.
    budget = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: seen}\n"
        "spec: {minAvailable: 1, selector: {matchLabels: {nobody: has-this}}}\n"
    )
    (await host.kubectl("-n", host.namespace, "apply", "--server-side", "-f", "-", stdin=budget)).checked()
    waiting = ("wait", "poddisruptionbudget/seen", "--for=condition=DisruptionAllowed=False", "--timeout=30s")
    waited = await host.kubectl("-n", host.namespace, *waiting)
    assert "condition met" in waited.checked().out


async def objects(host: HostUnderTest) -> dict[tuple[str, str], str]:
    """Return (kind, name) -> uid of everything that carries a control plane's label."""
    kinds = (
        "secrets,configmaps,services,serviceaccounts,statefulsets,networkpolicies,poddisruptionbudgets,"
        "persistentvolumeclaims,pods"
    )
    found = await host.kubectl(
        "-n", host.namespace, "get", kinds, "-l", "k3k.ayedo.de/control-plane", "-o", "json"
    )
    items = json.loads(found.checked().out)["items"]
    return {(item["kind"], item["metadata"]["name"]): item["metadata"]["uid"] for item in items}
