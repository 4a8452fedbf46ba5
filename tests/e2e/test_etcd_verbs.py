"""`k3k etcd`: what its verbs say and do, on the members of a simulated etcd."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from k3k_core.datastores.etcd_stream import check_snapshot
from k3k_core.errors import ForbiddenError
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.etcd_status import etcd_status
from k3k_core.names import ControlPlaneId
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="looks into the sandbox")

THREE = "datastore: {kind: etcd, etcd: {members: 3}}"


@pytest.fixture
async def identity(host: HostUnderTest, api: Host) -> ControlPlaneId:
    """A control plane with an etcd of three members."""
    made = ControlPlaneId(host.namespace, "ci")
    await create(api, CreateRequest(made, load_values(THREE)))
    return made


async def test_status_shows_every_member_and_who_leads(host: HostUnderTest, identity: ControlPlaneId) -> None:
    ended = (await host.k3k("etcd", "status", identity.name, "-n", identity.namespace)).checked()
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [f"{identity.etcd}-{number}" for number in range(3)]
    assert [line.split()[1] for line in lines[1:4]].count("leader") == 1
    assert lines[-1] == "3 of 3 members work, 2 are needed; alarms: none"


async def test_status_without_a_quorum_ends_with_5_and_says_what_helps(
    host: HostUnderTest, identity: ControlPlaneId
) -> None:
    fault = "sandbox.k3k.ayedo.de/fault=etcd-quorum-lost"
    (await host.kubectl("annotate", "statefulset", identity.etcd, fault, "-n", identity.namespace)).checked()
    ended = await host.k3k("etcd", "status", identity.name, "-n", identity.namespace, "-o", "json")
    document = json.loads(ended.out)
    assert (ended.code, document["hasQuorum"], document["quorum"]) == (5, False, 2)
    assert "k3k backup restore" in ended.err


async def test_who_may_not_ask_the_members_is_told_that_and_not_that_they_are_lost(
    api: Host, identity: ControlPlaneId, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def refusing(namespace: str, pod: str, port: int) -> AsyncIterator[None]:
        raise ForbiddenError(f"You may not forward port {port} to {namespace}/{pod}.")
        yield

    monkeypatch.setattr(api, "port_forward", refusing)
    with pytest.raises(ForbiddenError, match="may not forward"):
        await etcd_status(api, identity)


async def test_doctor_tells_what_the_members_need(host: HostUnderTest, identity: ControlPlaneId) -> None:
    fault = "sandbox.k3k.ayedo.de/fault=etcd-member-down"
    (await host.kubectl("annotate", "statefulset", identity.etcd, fault, "-n", identity.namespace)).checked()
    where = (f"{identity.namespace}/{identity.name}", "--for", "1ms")
    told = await host.k3k("doctor", *where, "-o", "json")
    (advice,) = json.loads(told.out)["etcdAdvice"]
    assert advice["path"] == f"{identity.etcd}-2"
    assert f"k3k etcd replace-member {identity.name} 2" in advice["remedy"]
    assert "What its etcd needs:" in (await host.k3k("doctor", *where)).out


async def test_a_control_plane_without_an_etcd_of_its_own_has_none_to_look_after(
    host: HostUnderTest, api: Host
) -> None:
    await create(api, CreateRequest(ControlPlaneId(host.namespace, "small"), load_values("")))
    ended = await host.k3k("etcd", "status", "small", "-n", host.namespace)
    assert ended.code == 3
    assert "has no etcd of its own" in ended.err


async def test_while_it_is_paused_no_member_is_missed_and_none_is_touched(
    host: HostUnderTest, identity: ControlPlaneId
) -> None:
    where = (identity.name, "-n", identity.namespace)
    (await host.k3k("pause", *where, "--yes")).checked()
    status = await host.k3k("etcd", "status", *where)
    assert (status.code, "k3k resume" in status.err, "replace-member" in status.err) == (5, True, False)
    refused = await host.k3k("etcd", "replace-member", identity.name, "1", *where[1:], "--yes")
    assert (refused.code, "k3k resume" in refused.err) == (4, True)


async def test_replacing_asks_first_and_is_refused_without_an_answer(
    host: HostUnderTest, identity: ControlPlaneId
) -> None:
    words = ("etcd", "replace-member", identity.name, "1", "-n", identity.namespace)
    plan = (await host.k3k(*words, "--dry-run")).checked()
    assert "Add it anew as a learner" in plan.out
    refused = await host.k3k(*words)
    assert (refused.code, "--yes" in refused.err) == (2, True)


async def test_a_replaced_member_has_another_number(host: HostUnderTest, identity: ControlPlaneId) -> None:
    where = (identity.name, "-n", identity.namespace)
    before = json.loads((await host.k3k("etcd", "status", *where, "-o", "json")).checked().out)
    done = await host.k3k("etcd", "replace-member", identity.name, "2", *where[1:], "--yes", "-o", "json")
    after = json.loads((await host.k3k("etcd", "status", *where, "-o", "json")).checked().out)
    numbers = [[member["id"] for member in each["members"]] for each in (before, after)]
    assert numbers[0][:2] == numbers[1][:2]
    assert json.loads(done.checked().out)["id"] == numbers[1][2] != numbers[0][2]


async def test_there_is_no_member_beyond_the_last(host: HostUnderTest, identity: ControlPlaneId) -> None:
    ended = await host.k3k("etcd", "replace-member", identity.name, "3", "-n", identity.namespace, "--yes")
    assert (ended.code, "Its members are 0, 1, 2" in ended.err) == (2, True)


async def test_defragmenting_tells_what_was_freed(host: HostUnderTest, identity: ControlPlaneId) -> None:
    ended = (await host.k3k("etcd", "defrag", identity.name, "-n", identity.namespace)).checked()
    assert re.search(r"freed \d+ KiB", ended.out)


async def test_the_leader_is_defragmented_last(host: HostUnderTest, identity: ControlPlaneId) -> None:
    where = (identity.name, "-n", identity.namespace, "-o", "json")
    status = json.loads((await host.k3k("etcd", "status", *where)).checked().out)
    plan = json.loads((await host.k3k("etcd", "defrag", *where, "--dry-run")).checked().out)
    (leader,) = [member["name"] for member in status["members"] if member["role"] == "leader"]
    assert plan["order"][-1] == leader
    assert len(plan["order"]) == 3


async def test_there_is_nothing_to_disarm_without_an_alarm(
    host: HostUnderTest, identity: ControlPlaneId
) -> None:
    ended = (await host.k3k("etcd", "disarm", identity.name, "-n", identity.namespace)).checked()
    assert "no member has raised an alarm" in ended.err


async def test_a_snapshot_is_whole_private_and_replaces_nothing_unasked(
    host: HostUnderTest, identity: ControlPlaneId, tmp_path: Path
) -> None:
    path = tmp_path / "ci.db"
    words = ("etcd", "snapshot", identity.name, "-n", identity.namespace, "--to", str(path))
    (await host.k3k(*words)).checked()
    assert check_snapshot(path).size == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    again = await host.k3k(*words)
    assert (again.code, "--force" in again.err) == (2, True)
    (await host.k3k(*words, "--force")).checked()
