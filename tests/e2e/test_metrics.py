"""What is measured of a control plane that was created from a values file: metrics, doctor, the wide list."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import pytest

from k3k_core.fleet import Fleet, FleetOptions, reach
from k3k_core.host import HostOptions
from k3k_core.telemetry.scraper import ScrapeOptions
from tests.support.hosts import HostUnderTest
from tests.support.programs import K3K, start

ETCD = "servers: 2\ndatastore:\n  kind: etcd\n  etcd:\n    members: 3\n"
FAULT = "sandbox.k3k.ayedo.de/fault"


async def created(host: HostUnderTest, name: str, values: str = "") -> None:
    """Create a control plane from a values file and wait for it."""
    (
        await host.k3k("create", name, "-n", host.namespace, "-f", "-", stdin=values or "servers: 1\n")
    ).checked()


async def measured(host: HostUnderTest, name: str) -> dict[str, Any]:
    """What `k3k metrics` measures of it, for programs."""
    where = ("metrics", name, "-n", host.namespace, "--window", "1s")
    document: dict[str, Any] = json.loads((await host.k3k(*where, "-o", "json")).checked().out)
    return document


async def broken(host: HostUnderTest, name: str, fault: str) -> None:
    """Give the servers of a control plane a fault."""
    if host.sandbox is None:
        pytest.skip("only the sandbox has faults that can be switched on")
    what = ("statefulset", f"{name}-k3k-server", f"{FAULT}={fault}")
    (await host.kubectl("annotate", "-n", host.namespace, *what)).checked()


async def test_figures_of_every_kind_are_measured(host: HostUnderTest) -> None:
    await created(host, "one")
    document = await measured(host, "one")
    signals = document["signals"]
    assert document["schema"] == "k3k.metrics/v1"
    assert (document["verdict"], document["reach"]["reason"]) == ("Healthy", "")
    assert signals["window"] >= 0.8
    assert [server["ready"] for server in signals["servers"]] == [True]
    assert signals["api"]["requestRate"] > 0
    assert signals["api"]["reads"]["p99"] > 0
    assert signals["datastore"]["latency"]["count"] > 0
    assert signals["controllers"]["queues"]
    assert {"handshake", "secret"} <= {item["source"] for item in signals["certificates"]}
    assert signals["processes"][0]["memoryBytes"] > 0


async def test_figures_move(host: HostUnderTest) -> None:
    await created(host, "one")
    first, second = await measured(host, "one"), await measured(host, "one")
    assert first["signals"]["at"] <= second["signals"]["at"]
    assert first["signals"]["api"] != second["signals"]["api"]


async def test_each_server_and_each_member_of_its_etcd_is_measured(host: HostUnderTest) -> None:
    await created(host, "one", ETCD)
    signals = (await measured(host, "one"))["signals"]
    assert [server["server"] for server in signals["servers"]] == ["one-k3k-server-0", "one-k3k-server-1"]
    etcd = signals["datastore"]["etcd"]
    assert (etcd["members"], etcd["membersUp"], etcd["hasLeader"]) == (3, 3, True)


async def test_a_page_for_people_has_every_section(host: HostUnderTest) -> None:
    await created(host, "one")
    where = ("metrics", "one", "-n", host.namespace, "--window", "1s")
    for printed in await asyncio.gather(*(host.k3k(*where, "-o", output) for output in ("table", "wide"))):
        lines = printed.checked().out.splitlines()
        for section in ("Servers:", "API:", "Datastore:", "Controllers:", "Certificates:", "Processes:"):
            assert section in lines


async def test_watching_prints_a_document_a_line_until_it_is_told_to_stop(host: HostUnderTest) -> None:
    await created(host, "one")
    command = (K3K, "metrics", "one", "-n", host.namespace, "--window", "1s", "--watch", "-o", "json")
    process = await start(command, kubeconfig=host.kubeconfig)
    assert process.stdout is not None
    documents = [json.loads(await process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    rest, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")
    assert all(json.loads(line) for line in rest.splitlines())
    moments = [document["signals"]["at"] for document in documents]
    assert moments == sorted(moments)
    assert all(document["signals"]["window"] > 0 for document in documents)


async def test_a_missing_control_plane_ends_with_3(host: HostUnderTest) -> None:
    await created(host, "one")
    for verb in ("metrics", "doctor"):
        ended = await host.k3k(verb, "other", "-n", host.namespace)
        assert (ended.code, ended.out) == (3, "")
        assert "other does not exist" in ended.err


async def test_a_paused_control_plane_has_no_figures_and_the_error_says_why(host: HostUnderTest) -> None:
    await created(host, "one")
    scale = ("scale", "statefulset", "one-k3k-server", "-n", host.namespace, "--replicas=0")
    (await host.kubectl(*scale)).checked()
    gone = ("wait", "--for=delete", "pod/one-k3k-server-0", "-n", host.namespace, "--timeout=60s")
    (await host.kubectl(*gone)).checked()
    ended = await host.k3k("metrics", "one", "-n", host.namespace, "--window", "1s")
    assert (ended.code, ended.out) == (6, "")
    assert "none of its servers has an address" in ended.err
    assert "Paused" in ended.err


async def test_the_wide_list_has_figures(host: HostUnderTest) -> None:
    await created(host, "one")
    heading, line = (await host.k3k("list", "-n", host.namespace, "-o", "wide")).checked().out.splitlines()
    columns = ("READ P99", "WRITE P99", "DATASTORE P99", "QUEUE", "CERT")
    assert all(column in heading for column in columns)
    at = heading.index("READ P99"), heading.index("WRITE P99"), heading.index("DATASTORE P99")
    assert all(line[start:].split()[1] in {"s", "ms"} for start in at)
    assert line[heading.index("CERT") :].split()[0].endswith("d")


async def test_a_list_for_programs_has_signals_when_asked(host: HostUnderTest) -> None:
    await created(host, "one")
    where = ("list", "-n", host.namespace, "-o", "json")
    (plain,) = json.loads((await host.k3k(*where)).checked().out)["items"]
    (full,) = json.loads((await host.k3k(*where, "--signals")).checked().out)["items"]
    assert "signals" not in plain
    assert full["signals"]["window"] > 0
    assert plain.keys() <= full.keys()


async def test_doctor_finds_nothing_wrong_with_a_healthy_one(host: HostUnderTest) -> None:
    await created(host, "one")
    ended = (await host.k3k("doctor", "one", "-n", host.namespace, "--for", "1s")).checked()
    assert ended.out.startswith(f"{host.namespace}/one: Healthy")
    assert "Checked and fine:" in ended.out


async def test_doctor_names_what_is_wrong_and_ends_with_1(host: HostUnderTest) -> None:
    await created(host, "one")
    await broken(host, "one", "check-failing:poststarthook/rbac/bootstrap-roles")
    unready = ("wait", "--for=condition=Ready=false", "pod/one-k3k-server-0", "-n", host.namespace)
    (await host.kubectl(*unready, "--timeout=60s")).checked()
    ended = await host.k3k("doctor", "one", "-n", host.namespace, "--for", "3s", "-o", "json")
    document = json.loads(ended.out)
    assert ended.code == 1
    assert document["schema"] == "k3k.doctor/v1"
    assert document["verdict"] != "Healthy"
    assert [pod["ready"] for pod in document["pods"]] == [False]
    assert "ReadinessCheckFailing" in {
        item["rule"] for item in document["findings"] + document["pending"]
    } or any(
        "poststarthook/rbac/bootstrap-roles" in server["failing"]
        for server in (await measured(host, "one"))["signals"]["servers"]
    )


async def test_a_control_plane_is_measured_through_its_host_where_there_is_no_other_way(
    host: HostUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await created(host, "one", ETCD)
    monkeypatch.setattr(reach, "candidates", lambda *_: ())
    options = FleetOptions(
        hosts=(HostOptions(kubeconfig=str(host.kubeconfig)),),
        namespace=host.namespace,
        scrape=ScrapeOptions(interval=1.0),
    )
    async with Fleet(options) as fleet:
        assert await fleet.settled(60)
        (row,) = fleet.rows.values()
    assert row.reach.way == "tunnel"
    assert row.signals is not None
    assert row.signals.servers_ready == 2
    assert row.signals.datastore.etcd is not None
    assert row.signals.datastore.etcd.members_up == 3
