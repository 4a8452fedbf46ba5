"""`/probe`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from k3k_core.errors import UnreachableError
from k3k_core.exporter.asking import TIMEOUT_HEADER
from k3k_core.exporter.probe import MAX_PROBES
from k3k_core.fleet import FleetRow
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row, full_signals, round_of
from tests.support.serving_exporter import serve

PROBE = "/probe?target=team-a/ci"


def asked(row: FleetRow) -> FleetRow:
    """The row after a round."""
    return replace(row, signals=full_signals(time.time()))


def not_ready(row: FleetRow) -> FleetRow:
    """The row after a round in which no server was ready."""
    signals = full_signals(time.time())
    return replace(row, signals=replace(signals, servers=signals.servers[1:]))


def refused(_row: FleetRow) -> FleetRow:
    """Nobody answers."""
    raise UnreachableError("no answer")


def success_of(answer: httpx.Response) -> float:
    """Return k3k_probe_success of an answer."""
    assert answer.status_code == 200, answer.text
    return {family.name: family.samples[0].value for family in parse(answer.text)}["k3k_probe_success"]


@pytest.fixture
def fleet() -> FakeFleet:
    fleet = FakeFleet(on_scrape=asked)
    fleet.put(fleet_row("ci"), fleet_row("other"))
    return fleet


async def test_a_control_plane_is_asked_now_and_only_its_metrics_are_given(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        answer = await served.get(PROBE)
    assert success_of(answer) == 1
    assert [key.name for key in fleet.scraped] == ["ci"]
    assert 'k3k_api_requests_total{host="prod",name="ci",namespace="team-a"} 150.0' in answer.text
    assert 'name="other"' not in answer.text
    assert "k3k_probe_duration_seconds " in answer.text
    assert "k3k_host_up" not in answer.text


async def test_counters_of_probes_go_on(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        await served.get(PROBE)
        assert 'namespace="team-a"} 300.0' in (await served.get(PROBE)).text


async def test_a_probe_between_two_rounds_loses_nothing_and_adds_nothing_twice(fleet: FakeFleet) -> None:
    counter = 'k3k_api_requests_total{host="prod",name="ci",namespace="team-a"}'
    async with serve(fleet) as served:
        # Its row is overtaken before anybody is told of it.
        fleet.tell(round_of(fleet_row("ci", signals=full_signals(time.time() - 1, scale=2))))
        assert f"{counter} 450.0" in (await served.get(PROBE)).text
        fleet.put(fleet_row("ci", signals=full_signals(time.time(), scale=4)))
        while f"{counter} 1050.0" not in (page := (await served.get("/metrics")).text):
            assert f"{counter} 450.0" in page
            await asyncio.sleep(0)


async def test_a_control_plane_that_is_deleted_while_it_is_asked_does_not_come_back(fleet: FakeFleet) -> None:
    async def deleted(row: FleetRow) -> FleetRow:
        fleet.remove(row.id)
        while row.id in served.exporter.collector:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)
        return asked(row)

    fleet.on_scrape = deleted
    async with serve(fleet) as served:
        await served.get(PROBE)
        assert 'name="ci"' not in (await served.get("/metrics")).text


async def test_openmetrics_is_given_to_who_wants_it(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        answer = await served.get(PROBE, Accept="application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("outcome", [not_ready, refused])
async def test_a_control_plane_that_does_not_answer_or_is_not_ready_is_a_failed_probe(
    fleet: FakeFleet, outcome: Callable[[FleetRow], FleetRow]
) -> None:
    fleet.on_scrape = outcome
    async with serve(fleet) as served:
        assert success_of(await served.get(PROBE)) == 0


async def test_signals_of_an_earlier_round_are_no_success(fleet: FakeFleet) -> None:
    fleet.on_scrape = lambda row: replace(row, signals=full_signals(time.time() - 60))
    async with serve(fleet) as served:
        assert success_of(await served.get(PROBE)) == 0


async def test_a_control_plane_that_is_not_there_is_a_failed_probe(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        assert success_of(await served.get("/probe?target=team-a/none")) == 0
        assert success_of(await served.get(f"{PROBE}&host=elsewhere")) == 0
    assert not fleet.scraped


@pytest.mark.parametrize("query", ["", "?target=", "?target=ci", "?target=a/", "?target=/b", "?target=a/b/c"])
async def test_a_target_that_makes_no_sense_is_refused(fleet: FakeFleet, query: str) -> None:
    async with serve(fleet) as served:
        answer = await served.get(f"/probe{query}")
    assert answer.status_code == 400
    assert answer.text == "Name a control plane: /probe?target=NAMESPACE/NAME\n"


async def test_a_name_on_two_hosts_needs_the_host(fleet: FakeFleet) -> None:
    fleet.put(fleet_row("ci", host="stage"))
    async with serve(fleet) as served:
        assert (await served.get(PROBE)).status_code == 400
        assert success_of(await served.get(f"{PROBE}&host=stage")) == 1
    assert fleet.scraped[0].host == "stage"


async def test_a_probe_ends_before_prometheus_gives_up(fleet: FakeFleet) -> None:
    async def hang(row: FleetRow) -> FleetRow:
        await asyncio.Event().wait()
        return row

    fleet.on_scrape = hang
    async with serve(fleet) as served:
        answer = await served.client.get(PROBE, headers={TIMEOUT_HEADER: "0.1"})
    assert success_of(answer) == 0


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "nan", "inf", "1e999"])
async def test_a_time_out_that_makes_no_sense_is_refused(fleet: FakeFleet, seconds: str) -> None:
    async with serve(fleet) as served:
        answer = await served.client.get(PROBE, headers={TIMEOUT_HEADER: seconds})
    assert answer.status_code == 400


async def test_probes_of_one_control_plane_share_a_round(fleet: FakeFleet) -> None:
    go_on = asyncio.Event()

    async def slow(row: FleetRow) -> FleetRow:
        await go_on.wait()
        return asked(row)

    fleet.on_scrape = slow
    async with serve(fleet) as served:
        probes = [asyncio.create_task(served.get(PROBE)) for _ in range(5)]
        while not fleet.scraped:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)
        go_on.set()
        assert [success_of(await probe) for probe in probes] == [1] * 5
    assert len(fleet.scraped) == 1


async def test_more_probes_than_there_are_places_are_told_to_come_back(fleet: FakeFleet) -> None:
    go_on = asyncio.Event()

    async def slow(row: FleetRow) -> FleetRow:
        await go_on.wait()
        return asked(row)

    names = [f"cp-{index}" for index in range(MAX_PROBES)]
    fleet.put(*map(fleet_row, names))
    fleet.on_scrape = slow
    async with serve(fleet) as served:
        probes = [asyncio.create_task(served.get(f"/probe?target=team-a/{name}")) for name in names]
        while len(fleet.scraped) < MAX_PROBES:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)
        answer = await served.get(PROBE)
        go_on.set()
        await asyncio.gather(*probes)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert success_of(await served.get(PROBE)) == 1
