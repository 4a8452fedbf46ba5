"""Pause and resume, times to live, protection and pruning, through the command on a host."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from k3k_core.discovery.control_plane import format_time
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.names import ANNOTATION_EXPIRES_AT, ControlPlaneId
from k3k_core.resources import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SECRET
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import Finished, run_k3k


async def made(host: HostUnderTest, api: Host, name: str, *overrides: str) -> ControlPlaneId:
    identity = ControlPlaneId(host.namespace, name)
    await create(api, CreateRequest(identity, load_values("", overrides=overrides), wait=False))
    return identity


async def ended(api: Host, identity: ControlPlaneId, hours_ago: float) -> None:
    """Let its time to live be over since some hours, or end in some when they are negative."""
    moment = format_time(datetime.now(UTC) - timedelta(hours=hours_ago))
    patch = {"metadata": {"annotations": {ANNOTATION_EXPIRES_AT: moment}}}
    await api.patch(SECRET, identity.namespace, identity.root, patch)


async def names(api: Host, namespace: str) -> set[str]:
    """The names of the control planes that have a root."""
    listing = await api.list(SECRET, namespace, fields="type=k3k.ayedo.de/control-plane", metadata_only=True)
    return {item["metadata"]["name"].removesuffix("-k3k") for item in listing.items}


def rows(finished: Finished) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(finished.checked().out)["items"]}


async def test_a_paused_control_plane_runs_nothing_and_has_all_it_had_when_it_is_resumed(
    host: HostUnderTest, api: Host
) -> None:
    one = ControlPlaneId(host.namespace, "one")
    await create(api, CreateRequest(one, load_values("")))
    kubeconfig = (await api.get(SECRET, one.namespace, one.kubeconfig))["data"]
    note = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "note", "namespace": "default"},
        "data": {"kept": "yes"},
    }
    async with open_control_plane(api, one) as own:
        await own.create(note)

    paused = json.loads((await host.k3k("pause", "one", "-n", host.namespace, "-o", "json")).checked().out)
    assert (paused["schema"], paused["changed"]) == ("k3k.pause/v1", True)
    assert (await api.list(POD, one.namespace)).items == []
    row = rows(await host.k3k("list", "-n", host.namespace, "-o", "json"))["one"]
    assert (row["verdict"], row["pausedAt"]) == ("Paused", paused["pausedAt"])
    described = (await host.k3k("describe", "one", "-n", host.namespace)).checked().out
    assert "Paused" in described
    for verb in (("restart", "one"), ("create", "one"), ("upgrade", "one", "--set", "k3s.debug=true", "-y")):
        refused = await host.k3k(*verb, "-n", host.namespace)
        assert (refused.code, "k3k resume one" in refused.err) == (4, True), verb
    same = await host.k3k("diff", "one", "-n", host.namespace, "--set", "servers=1", "--exit-code")
    assert same.code == 0

    (await host.k3k("resume", "one", "-n", host.namespace)).checked()
    assert (await api.get(SECRET, one.namespace, one.kubeconfig))["data"] == kubeconfig
    async with open_control_plane(api, one) as own:
        assert (await own.get(CONFIG_MAP, "default", "note"))["data"] == {"kept": "yes"}


async def test_all_with_a_label_are_paused_and_one_that_would_lose_its_data_is_left_alone(
    host: HostUnderTest, api: Host
) -> None:
    for name in ("one", "two"):
        await made(host, api, name, "labels.team=a")
    await made(host, api, "tmp", "labels.team=a", "persistence.enabled=false")
    await made(host, api, "other")
    done = await host.k3k("pause", "-l", "team=a", "-n", host.namespace, "--yes", "-o", "json")
    assert done.code == 4
    assert "tmp stores is on no volume" in done.err
    results = {each["name"]: each["state"] for each in json.loads(done.out)["results"]}
    assert results == {"one": "done", "tmp": "failed", "two": "done"}
    found = rows(await host.k3k("list", "-n", host.namespace, "-o", "json"))
    assert {name for name, row in found.items() if row["verdict"] == "Paused"} == {"one", "two"}


async def test_a_pause_that_loses_data_says_so_though_nobody_is_asked(host: HostUnderTest, api: Host) -> None:
    await made(host, api, "tmp", "persistence.enabled=false")
    paused = await host.k3k("pause", "tmp", "-n", host.namespace, "--yes")
    assert "is lost with its pods" in paused.checked().err


async def test_a_protected_control_plane_is_neither_deleted_nor_pruned(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api, "one", "protect=true")
    await ended(api, one, hours_ago=1)
    refused = await host.k3k("delete", "one", "-n", host.namespace, "--yes")
    assert refused.code == 4
    assert f"k3k protect one -n {host.namespace} --off" in refused.err
    pruned = await host.k3k("prune", "-n", host.namespace, "--yes")
    assert "is protected" in pruned.checked().err
    assert await names(api, host.namespace) == {"one"}

    (await host.k3k("protect", "one", "-n", host.namespace, "--off")).checked()
    (await host.k3k("prune", "-n", host.namespace, "--yes")).checked()
    assert await names(api, host.namespace) == set()


async def test_prune_deletes_what_has_ended_warns_of_what_soon_does_and_leaves_the_rest(
    host: HostUnderTest, api: Host
) -> None:
    for name, hours_ago in (("old", 30.0), ("fresh", 1.0), ("soon", -0.5), ("later", -5.0)):
        await ended(api, await made(host, api, name), hours_ago)
    await made(host, api, "forever")
    plan = await host.k3k("prune", "-n", host.namespace, "--older-than", "1d", "--dry-run", "-o", "json")
    fates = {each["name"]: each["fate"] for each in json.loads(plan.checked().out)["controlPlanes"]}
    assert fates == {"old": "delete", "fresh": "waits", "soon": "soon"}
    assert await names(api, host.namespace) == {"old", "fresh", "soon", "later", "forever"}

    done = (await host.k3k("prune", "-n", host.namespace, "--yes", "-o", "name")).checked()
    assert done.out.split() == [f"{host.namespace}/old", f"{host.namespace}/fresh"]
    assert "soon ends in" in done.err
    assert await names(api, host.namespace) == {"soon", "later", "forever"}


async def test_a_time_to_live_is_shown_made_longer_and_taken_away(host: HostUnderTest, api: Host) -> None:
    one = await made(host, api, "one", "ttl=1h")
    at = ("-n", host.namespace, "-o", "json")
    first = json.loads((await host.k3k("ttl", "one", *at)).checked().out)
    longer = json.loads((await host.k3k("ttl", "one", "+1h", *at)).checked().out)
    hour = datetime.fromisoformat(longer["expiresAt"]) - datetime.fromisoformat(first["expiresAt"])
    assert (longer["before"], hour) == (first["expiresAt"], timedelta(hours=1))
    (await host.k3k("ttl", "one", "never", "-n", host.namespace)).checked()
    root = await api.get(SECRET, one.namespace, one.root)
    assert ANNOTATION_EXPIRES_AT not in root["metadata"]["annotations"]


async def test_the_volume_with_backups_outlives_its_control_plane_until_it_is_asked_for(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api, "one")
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": one.backups,
            "namespace": one.namespace,
            "labels": {"k3k.ayedo.de/control-plane": one.name},
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    await api.create(claim)
    kept = await host.k3k("delete", "one", "-n", host.namespace, "--yes")
    assert f"kept: PersistentVolumeClaim/{one.backups}" in kept.checked().out
    left = await api.list(PERSISTENT_VOLUME_CLAIM, one.namespace)
    assert [item["metadata"]["name"] for item in left.items] == [one.backups]

    (await host.k3k("delete", "one", "-n", host.namespace, "--yes", "--delete-backups")).checked()
    assert (await api.list(PERSISTENT_VOLUME_CLAIM, one.namespace)).items == []


@pytest.mark.skipif(bool(REAL), reason="its names are fixed: they belong to whoever uses the cluster")
@pytest.mark.parametrize("everywhere", [False, True], ids=["a namespace", "everywhere"])
async def test_the_command_of_the_rendered_cron_job_prunes_with_the_rights_rendered_beside_it(
    host: HostUnderTest, api: Host, tmp_path: Path, everywhere: bool
) -> None:
    for name in ("one", "two"):
        await made(host, api, name)
    await ended(api, ControlPlaneId(host.namespace, "one"), hours_ago=1)
    scope = ["--all-namespaces"] if everywhere else ["-n", host.namespace]
    printed = await host.k3k("prune", *scope, "--manifest", "--image", "example.org/k3k:1")
    objects = list(yaml.safe_load_all(printed.checked().out))
    (await host.kubectl("apply", "-f", "-", stdin=printed.out)).checked()
    cron_job = next(each for each in objects if each["kind"] == "CronJob")
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    command = pod["containers"][0]["command"]
    assert command[0] == "k3k"
    config = yaml.safe_load(host.kubeconfig.read_text())
    account = f"system:serviceaccount:{cron_job['metadata']['namespace']}:{pod['serviceAccountName']}"
    config["users"][0]["user"]["as"] = account
    limited = tmp_path / "limited.yaml"
    limited.write_text(yaml.safe_dump(config))
    (await run_k3k(*command[1:], kubeconfig=limited)).checked()
    assert await names(api, host.namespace) == {"two"}
