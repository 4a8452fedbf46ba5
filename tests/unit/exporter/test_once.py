"""One page without a server, and what is said when nobody answers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from k3k_core.errors import ForbiddenError, UnreachableError
from k3k_core.exporter.collector import FleetCollector
from k3k_core.exporter.following import follow
from k3k_core.exporter.once import export_once, unanswered
from k3k_core.fleet import HostState
from k3k_core.telemetry.signals.model import ServerHealth
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row, full_signals, round_of

SILENT = replace(
    full_signals(), servers=(ServerHealth("ci-k3k-server-0", ready=False, error="connection refused"),)
)


async def test_the_page_is_made_when_the_fleet_has_settled() -> None:
    fleet = FakeFleet()
    task = asyncio.create_task(export_once(fleet, timeout=30, stale_after=300))
    await asyncio.sleep(0)
    fleet.put(fleet_row("ci", signals=full_signals(time.time())))
    fleet.round_done.set()
    assert 'k3k_api_requests_total{host="prod",name="ci"' in await task


async def test_every_round_until_then_is_counted() -> None:
    fleet = FakeFleet()
    task = asyncio.create_task(export_once(fleet, timeout=30, stale_after=300))
    await asyncio.sleep(0)
    fleet.tell(round_of(fleet_row("ci", signals=full_signals(time.time() - 1))))
    fleet.put(fleet_row("ci", signals=full_signals(time.time())))
    fleet.round_done.set()
    assert 'k3k_api_requests_total{host="prod",name="ci",namespace="team-a"} 300.0' in await task


@pytest.mark.looptime
async def test_a_fleet_that_does_not_settle_is_shown_as_it_is() -> None:
    fleet = FakeFleet()
    fleet.put(fleet_row("ci"))
    assert 'k3k_control_plane_info{datastore="sqlite"' in await export_once(
        fleet, timeout=30, stale_after=300
    )


async def test_a_single_host_that_cannot_be_reached_speaks_for_itself() -> None:
    fleet = FakeFleet(hosts={"prod": HostState("prod", False, 0, "Host prod is gone.", "Look for it.")})
    fleet.round_done.set()
    with pytest.raises(UnreachableError, match=r"^Host prod is gone\.$") as raised:
        await export_once(fleet, timeout=30, stale_after=300)
    assert raised.value.hint == "Look for it."


async def test_a_host_that_refuses_this_identity_is_forbidden_and_not_unreachable() -> None:
    refusing = HostState("prod", False, 0, "You may not list secrets.", forbidden=True)
    fleet = FakeFleet(hosts={"prod": refusing})
    fleet.round_done.set()
    with pytest.raises(ForbiddenError, match=r"^You may not list secrets\.$"):
        await export_once(fleet, timeout=30, stale_after=300)
    fleet.hosts["stage"] = HostState("stage", False, 0, "Host stage is gone.")
    with pytest.raises(UnreachableError):
        await export_once(fleet, timeout=30, stale_after=300)


async def test_several_hosts_fail_only_together() -> None:
    gone = {name: HostState(name, False, 0, f"Host {name} is gone.") for name in ("prod", "stage")}
    fleet = FakeFleet(hosts=gone)
    fleet.round_done.set()
    with pytest.raises(UnreachableError, match=r"Host prod is gone\. Host stage is gone\."):
        await export_once(fleet, timeout=30, stale_after=300)
    fleet.hosts["stage"] = HostState("stage", True, 0, listed=True)
    page = await export_once(fleet, timeout=30, stale_after=300)
    assert 'k3k_host_up{host="prod"} 0.0' in page


def test_it_is_said_when_no_control_plane_answered() -> None:
    fleet = FakeFleet()
    assert unanswered(fleet) == ""
    fleet.put(fleet_row("ci", signals=SILENT))
    assert unanswered(fleet) == "The control plane did not answer."
    fleet.put(fleet_row("dev"))
    assert unanswered(fleet) == "None of the 2 control planes answered."
    fleet.put(fleet_row("ok", signals=full_signals()))
    assert unanswered(fleet) == ""


def test_paused_control_planes_need_not_answer() -> None:
    fleet = FakeFleet()
    fleet.put(fleet_row("ci", servers_wanted=0))
    assert unanswered(fleet) == ""


async def test_a_control_plane_that_goes_while_others_are_rendered_does_not_come_back() -> None:
    fleet, collector = FakeFleet(), FleetCollector()
    rows = [fleet_row(f"cp-{index}") for index in range(50)]
    fleet.put(*rows)
    task = asyncio.create_task(follow(fleet, collector))
    while rows[0].id not in collector:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(0)
    fleet.remove(rows[-1].id)
    while len(collector) < 49:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    assert rows[-1].id not in collector
