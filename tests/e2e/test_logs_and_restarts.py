"""Logs, restarts, history and objects of control planes on a simulated host."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from k3k_core.errors import NotFoundError
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.log_following import follow_logs
from k3k_core.lifecycle.logs import LogOptions, log_sources, pick_sources, server_logs
from k3k_core.lifecycle.objects import list_objects
from k3k_core.lifecycle.restart import restart
from k3k_core.lifecycle.revisions import revisions
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET, STATEFUL_SET
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="looks into the sandbox")


@pytest.fixture
async def one(host: HostUnderTest, api: Host) -> ControlPlaneId:
    identity = ControlPlaneId(host.namespace, "one")
    values = load_values("", overrides=("version=v1.35.8+k3s1",))
    await create(api, CreateRequest(identity, values))
    return identity


async def test_a_log_is_followed_from_the_old_server_to_the_new_one_through_an_upgrade(
    api: Host, one: ControlPlaneId
) -> None:
    async with aclosing(follow_logs(api, one, "0", LogOptions(tail=1), every=0.05)) as lines:
        first = await anext(lines)
        upgrading = asyncio.create_task(upgrade(api, UpgradeRequest(one, version="v1.36.4+k3s1")))
        async for line in lines:
            if "Starting k3s v1.36.4+k3s1" in line.text:
                break
        await upgrading
    assert line.source.pod == first.source.pod == f"{one.server}-0"
    assert line.source.uid != first.source.uid


async def test_logs_of_servers_and_of_etcd_are_read_and_of_strangers_not(
    host: HostUnderTest, api: Host
) -> None:
    two = ControlPlaneId(host.namespace, "two")
    values = load_values("", overrides=("datastore.kind=etcd", "servers=2"))
    await create(api, CreateRequest(two, values))
    sources = await log_sources(api, two)
    assert [each.pod for each in sources] == [f"{two.server}-0", f"{two.server}-1", f"{two.etcd}-0"]

    async with aclosing(server_logs(api, two, pick_sources(two, sources, None), LogOptions(tail=1))) as lines:
        assert [line.source.pod async for line in lines] == [f"{two.server}-0", f"{two.server}-1"]
    printed = (await host.k3k("logs", "two", "-n", host.namespace, "--server", f"{two.etcd}-0")).checked()
    assert "ready to serve client requests" in printed.out


async def test_a_restart_replaces_every_server_and_nothing_that_is_stored(
    host: HostUnderTest, api: Host, one: ControlPlaneId
) -> None:
    assert host.sandbox is not None
    before = await api.get(POD, one.namespace, f"{one.server}-0")
    secrets = host.sandbox.store.list(SECRET, one.namespace)

    done = await restart(api, one)

    after = await api.get(POD, one.namespace, f"{one.server}-0")
    assert (done.servers, done.ready, done.resumed) == (1, True, False)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert host.sandbox.store.list(SECRET, one.namespace) == secrets


async def test_a_dry_run_tells_what_a_restart_would_do_and_restarts_nothing(
    host: HostUnderTest, api: Host, one: ControlPlaneId
) -> None:
    before = await api.get(POD, one.namespace, f"{one.server}-0")
    told = (await host.k3k("restart", "one", "-n", one.namespace, "--dry-run")).checked()
    assert f"1. Stop {one.server}-0 and start it again; the API does not answer meanwhile." in told.out
    assert (await api.get(POD, one.namespace, f"{one.server}-0"))["metadata"]["uid"] == before["metadata"][
        "uid"
    ]


async def test_a_restart_that_is_under_way_is_gone_on_with(api: Host, one: ControlPlaneId) -> None:
    await restart(api, one, wait=False)
    generation = (await api.get(STATEFUL_SET, one.namespace, one.server))["metadata"]["generation"]
    done = await restart(api, one)
    workload = await api.get(STATEFUL_SET, one.namespace, one.server)
    assert (done.ready, done.resumed) == (True, workload["metadata"]["generation"] == generation)


async def test_what_does_not_exist_has_no_history_and_is_not_restarted(
    host: HostUnderTest, api: Host
) -> None:
    missing = ControlPlaneId(host.namespace, "missing")
    for verb in (revisions, restart):
        with pytest.raises(NotFoundError, match="does not exist"):
            await verb(api, missing)


async def test_all_objects_are_listed_and_no_secret_is_among_them(
    host: HostUnderTest, api: Host, one: ControlPlaneId
) -> None:
    assert host.sandbox is not None
    belongings = await list_objects(api, one)
    named = {f"{each.kind}/{each.name}" for each in belongings.objects}
    assert {f"StatefulSet/{one.server}", f"Secret/{one.tokens}", f"Pod/{one.server}-0"} <= named
    shown = json.dumps([each.manifest for each in belongings.objects])
    for secret in host.sandbox.store.list(SECRET, one.namespace):
        for text in secret["data"].values():
            assert text not in shown
    assert "Bearer" not in shown
