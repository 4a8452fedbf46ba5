"""Many creates at once, and the same one from several processes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from k3k_core.concurrency import all_of
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.names import ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.values import load_values
from tests.support.hosts import HostUnderTest


async def test_ten_control_planes_created_at_once_are_all_ready(host: HostUnderTest, api: Host) -> None:
    values = load_values("")
    made = await all_of(
        create(api, CreateRequest(ControlPlaneId(host.namespace, f"cp-{number}"), values))
        for number in range(10)
    )
    assert all(item.ready for item in made)
    assert len({item.endpoint for item in made}) == 10
    listed = await host.k3k("list", "-n", host.namespace, "-o", "json")
    rows = json.loads(listed.checked().out)["items"]
    assert [row["verdict"] for row in rows] == ["Healthy"] * 10


async def secrets(api: Host, host: HostUnderTest) -> dict[str, Any]:
    listing = await api.list(SECRET, host.namespace, labels="k3k.ayedo.de/control-plane=one")
    return {item["metadata"]["name"]: item["data"] for item in listing.items}


async def test_two_processes_that_create_the_same_agree(host: HostUnderTest, api: Host) -> None:
    command = ("create", "one", "-n", host.namespace, "--timeout", "60s")
    first, second = await asyncio.gather(host.k3k(*command), host.k3k(*command))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    found = await secrets(api, host)
    assert sorted(found) == sorted(
        f"one-k3k{suffix}" for suffix in ("", "-kubeconfig", "-pki", "-r1", "-tokens")
    )
    printed = [
        await host.k3k("kubeconfig", "one", "-n", host.namespace),
        await host.k3k("kubeconfig", "one", "-n", host.namespace),
    ]
    assert printed[0].checked().out == printed[1].checked().out


async def test_of_two_processes_with_different_values_one_wins_whole(host: HostUnderTest, api: Host) -> None:
    def command(cidr: str) -> tuple[str, ...]:
        cidr_option = f"k3s.cluster_cidr={cidr}"
        return ("create", "one", "-n", host.namespace, "--timeout", "60s", "--set", cidr_option)

    cidrs = ("10.52.0.0/16", "10.62.0.0/16")
    ended = await asyncio.gather(*(host.k3k(*command(cidr)) for cidr in cidrs))
    assert sorted(item.code for item in ended) == [0, 4], [item.err for item in ended]
    winner = cidrs[[item.code for item in ended].index(0)]
    config = await host.kubectl("-n", host.namespace, "get", "configmap", "one-k3k-config", "-o", "yaml")
    assert f"cluster-cidr: {winner}" in config.checked().out
    described = await host.k3k("describe", "one", "-n", host.namespace, "-o", "json")
    assert json.loads(described.checked().out)["values"]["k3s"]["cluster_cidr"] == winner


@pytest.mark.parametrize("again", range(3))
async def test_tokens_that_were_generated_never_change(host: HostUnderTest, api: Host, again: int) -> None:
    identity = ControlPlaneId(host.namespace, "one")
    request = CreateRequest(identity, load_values(""))
    await create(api, request)
    before = await secrets(api, host)
    for _ in range(again):
        await create(api, request)
    assert await secrets(api, host) == before
