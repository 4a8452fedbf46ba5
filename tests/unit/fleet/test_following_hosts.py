"""A fleet follows its hosts, and keeps what it knows when they fail."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from k3k_core.errors import ForbiddenError, UnauthorizedError, UnreachableError, UsageError
from k3k_core.fleet import ChangeSet, Fleet, Shard
from k3k_core.names import ControlPlaneId
from k3k_core.telemetry.scraper.target import TargetId
from tests.support.fleet_host import FleetHost, control_plane, stateful_set
from tests.unit.fleet.conftest import START, Open

pytestmark = pytest.mark.looptime

CI = TargetId("prod", "team-a", "ci")
DOWN = UnreachableError("Host prod cannot be reached.", hint="Check that it is up.")
EXPIRED = UnauthorizedError("Host prod does not accept these credentials.", hint="Log in again.")


def verdicts(fleet: Fleet) -> dict[str, str]:
    """Verdicts by the names of control planes."""
    return {key.name: row.judgement.verdict for key, row in fleet.rows.items()}


async def test_rows_are_sorted_by_host_namespace_and_name(open_fleet: Open) -> None:
    first, second = FleetHost("stage"), FleetHost("prod")
    for host in (first, second):
        host.put(*control_plane("b"), *control_plane("a"), *control_plane("c", "team-0"))
    async with open_fleet(first, second) as fleet:
        assert await fleet.settled(10)
        assert [(key.host, key.namespace, key.name) for key in fleet.rows] == [
            (host, namespace, name)
            for host in ("prod", "stage")
            for namespace, name in (("team-0", "c"), ("team-a", "a"), ("team-a", "b"))
        ]


async def test_a_snapshot_of_the_rows_does_not_change(open_fleet: Open) -> None:
    host = FleetHost()
    host.put(*control_plane("a"))
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        before = fleet.rows
        host.put(*control_plane("b"))
        await asyncio.sleep(1)
        assert (len(before), len(fleet.rows)) == (1, 2)


async def test_what_changes_on_a_host_changes_its_rows(open_fleet: Open) -> None:
    host = FleetHost()
    host.put(*control_plane("ci"))
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        host.put(stateful_set(ControlPlaneId("team-a", "ci"), ready=0))
        await asyncio.sleep(1)
        assert verdicts(fleet) == {"ci": "Down"}
        assert "0 of 1 servers ready" in fleet.rows[CI].reason


async def test_subscribers_hear_of_rows_that_come_change_and_go(open_fleet: Open) -> None:
    host = FleetHost()
    objects = control_plane("ci")
    host.put(*objects)
    heard: list[ChangeSet] = []
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        async with aclosing(fleet.changes()) as sets:
            heard.append(await anext(sets))
            host.put(stateful_set(ControlPlaneId("team-a", "ci"), ready=0))
            heard.append(await anext(sets))
            host.remove(objects[0])
            heard.append(await anext(sets))
    first, second, third = heard
    assert [(row.id, row.judgement.verdict) for row in first.changed] == [(CI, "Healthy")]
    assert [state.name for state in first.hosts] == ["prod"]
    assert [(row.id, row.judgement.verdict) for row in second.changed] == [(CI, "Down")]
    assert (third.changed, third.removed) == ((), (CI,))


async def test_a_host_that_fails_keeps_its_rows_and_says_since_when(open_fleet: Open) -> None:
    host = FleetHost()
    host.put(*control_plane("ci"))
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        await asyncio.sleep(30)
        host.fail(DOWN)
        await asyncio.sleep(60)
        state = fleet.hosts["prod"]
        assert (state.connected, state.listed, state.error, state.hint) == (
            False,
            True,
            "Host prod cannot be reached.",
            "Check that it is up.",
        )
        assert fleet.rows[CI].stale_since == state.since == pytest.approx(START + 30, abs=1)
        assert verdicts(fleet) == {"ci": "Healthy"}


async def test_a_host_that_comes_back_is_followed_again(open_fleet: Open) -> None:
    host = FleetHost()
    host.put(*control_plane("ci"))
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        host.fail(DOWN)
        await asyncio.sleep(300)
        host.put(*control_plane("new"))
        host.recover()
        await asyncio.sleep(120)
        assert set(verdicts(fleet)) == {"ci", "new"}
        assert fleet.rows[CI].stale_since is None
        assert (fleet.hosts["prod"].connected, fleet.hosts["prod"].error) == (True, "")


async def test_a_control_plane_deleted_during_an_outage_is_gone_afterwards(open_fleet: Open) -> None:
    host = FleetHost()
    objects = control_plane("ci")
    host.put(*objects)
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        host.fail(DOWN)
        host.remove(objects[0])
        await asyncio.sleep(30)
        assert CI in fleet.rows
        host.recover()
        await asyncio.sleep(120)
        assert CI not in fleet.rows


async def test_one_dead_host_does_not_keep_the_others_from_being_shown(open_fleet: Open) -> None:
    dead, alive = FleetHost("dead"), FleetHost("alive")
    dead.fail(UnreachableError("Host dead cannot be reached."))
    alive.put(*control_plane("ci"))
    async with open_fleet(dead, alive) as fleet:
        assert await fleet.settled(10)
        assert verdicts(fleet) == {"ci": "Healthy"}
        assert [(state.name, state.connected) for state in fleet.hosts.values()] == [
            ("dead", False),
            ("alive", True),
        ]


async def test_a_host_with_expired_credentials_is_opened_anew_until_they_are_good(open_fleet: Open) -> None:
    host = FleetHost()
    host.fail(EXPIRED)
    async with open_fleet(host) as fleet:
        assert await fleet.settled(10)
        assert fleet.hosts["prod"].hint == "Log in again."
        await asyncio.sleep(200)
        assert 3 < host.opened < 30
        host.recover()
        host.put(*control_plane("ci"))
        await asyncio.sleep(120)
        assert verdicts(fleet) == {"ci": "Healthy"}


async def test_a_kubeconfig_that_cannot_be_read_is_a_state_not_an_end(open_fleet: Open) -> None:
    class Broken(FleetHost):
        def open(self, _: object) -> None:  # type: ignore[override] # raises before anything is entered
            raise UsageError("Kubeconfig a has no context 'prod'.", hint="Known contexts: b.")

    async with open_fleet(Broken("prod")) as fleet:
        assert await fleet.settled(10)
        state = fleet.hosts["prod"]
        assert (state.connected, state.listed, state.error) == (
            False,
            False,
            "Kubeconfig a has no context 'prod'.",
        )


@pytest.mark.parametrize("spec", ["three", {"replicas": "three"}], ids=["a text", "a number in words"])
async def test_objects_that_make_no_sense_do_not_end_the_fleet(open_fleet: Open, spec: object) -> None:
    odd, alive = FleetHost("odd"), FleetHost("alive")
    objects = control_plane("ci")
    objects[1]["spec"] = spec
    odd.put(*objects)
    alive.put(*control_plane("ci"))
    async with open_fleet(odd, alive) as fleet:
        assert await fleet.settled(60)
        assert [key.host for key in fleet.rows] == ["alive"]
        assert "cannot be used" in fleet.hosts["odd"].error


async def test_a_host_that_swallows_packets_is_noticed(open_fleet: Open) -> None:
    class Mute(FleetHost):
        mute = False

        async def version(self) -> str:
            if self.mute:
                await asyncio.Future()
            return await super().version()

    host = Mute()
    host.put(*control_plane("ci"))
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        host.mute = True
        await asyncio.sleep(60)
        assert "has stopped answering" in fleet.hosts["prod"].error
        assert fleet.rows[CI].stale_since is not None


async def test_what_an_identity_may_not_see_is_told(open_fleet: Open) -> None:
    host = FleetHost()
    host.fail(ForbiddenError("Host prod: you may not list secrets.", hint="Ask for it."))
    async with open_fleet(host) as fleet:
        assert await fleet.settled(10)
        state = fleet.hosts["prod"]
        assert (state.error, state.hint, state.forbidden) == (
            "Host prod: you may not list secrets.",
            "Ask for it.",
            True,
        )


async def test_only_a_namespace(open_fleet: Open) -> None:
    host = FleetHost()
    host.put(*control_plane("a", "team-a"), *control_plane("b", "team-b"))
    async with open_fleet(host, namespace="team-b") as fleet:
        await fleet.settled(10)
        assert list(verdicts(fleet)) == ["b"]


async def test_only_some_names(open_fleet: Open) -> None:
    host = FleetHost()
    host.put(*control_plane("a"), *control_plane("b"))
    async with open_fleet(host, only=frozenset((ControlPlaneId("team-a", "b"),))) as fleet:
        await fleet.settled(10)
        assert list(verdicts(fleet)) == ["b"]


async def test_parts_of_a_fleet_are_the_fleet(open_fleet: Open) -> None:
    host = FleetHost()
    names = [f"cp-{number}" for number in range(12)]
    for name in names:
        host.put(*control_plane(name))
    seen: list[str] = []
    for index in range(3):
        async with open_fleet(host, shard=Shard(index, 3)) as fleet:
            await fleet.settled(10)
            seen += verdicts(fleet)
            assert fleet.hosts["prod"].control_planes == len(fleet.rows)
    assert sorted(seen) == sorted(names)


async def test_time_alone_changes_rows(open_fleet: Open) -> None:
    host = FleetHost()
    objects = control_plane("ci")
    objects[0]["metadata"]["annotations"]["k3k.ayedo.de/expires-at"] = "2026-06-01T00:01:00Z"
    host.put(*objects)
    async with open_fleet(host) as fleet:
        await fleet.settled(10)
        assert verdicts(fleet) == {"ci": "Healthy"}
        await asyncio.sleep(80)
        assert verdicts(fleet) == {"ci": "Expired"}


async def test_what_is_raised_within_a_fleet_is_raised_as_itself(open_fleet: Open) -> None:
    with pytest.raises(UsageError, match="no"):
        async with open_fleet(FleetHost()):
            raise UsageError("no")


async def test_nothing_is_settled_before_a_host_has_answered(open_fleet: Open) -> None:
    class Slow(FleetHost):
        async def list(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
            await asyncio.sleep(20)
            return await super().list(*arguments, **options)  # type: ignore[arg-type]

    host = Slow()
    host.put(*control_plane("ci"))
    async with open_fleet(host) as fleet:
        assert not await fleet.settled(5)
        assert fleet.rows == {}
        assert await fleet.settled(60)
        assert list(verdicts(fleet)) == ["ci"]
