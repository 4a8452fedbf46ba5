"""The exporter over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import replace

import httpx
import pytest

from k3k_core.exporter.server import ServerOptions, serving
from k3k_core.exporter.web.door import DoorLimits
from k3k_core.exporter.web.listener import Address, bind
from k3k_core.fleet import FleetRow, HostState
from k3k_core.telemetry.scraper.target import TargetId
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row, full_signals, round_of
from tests.support.serving_exporter import Served, serve


def live_row(name: str = "ci") -> FleetRow:
    """A control plane that was asked just now."""
    return fleet_row(name, signals=full_signals(time.time()))


async def until_shown(served: Served, text: str, *, there: bool = True) -> str:
    """Ask for the metrics until a text is there, or is not there any more."""
    while True:
        page = (await served.get("/metrics")).text
        if (text in page) == there:
            return page
        await asyncio.sleep(0)


async def until_nobody_is_connected(served: Served) -> None:
    """Wait until somebody has been connected and nobody is any more."""
    door = served.exporter.gate.door
    assert door is not None
    for wanted in (True, False):
        while True:
            if bool(len(door)) == wanted:
                break
            await asyncio.sleep(0.001)


async def until_ready(served: Served) -> None:
    """Ask until the exporter says that it is ready."""
    while True:
        if (await served.get("/readyz")).status_code == 200:
            return
        await asyncio.sleep(0)


@pytest.fixture
def fleet() -> FakeFleet:
    fleet = FakeFleet()
    fleet.put(live_row())
    return fleet


async def test_metrics_are_served_in_the_text_format(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        await until_shown(served, 'name="ci"')
        answer = await served.get("/metrics", Accept_Encoding="identity")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Content-Encoding" not in answer.headers
    assert 'k3k_host_up{host="prod"} 1.0' in answer.text
    assert "process_resident_memory_bytes" in answer.text


async def test_metrics_are_served_as_openmetrics_and_compressed_to_who_asks(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        await until_shown(served, 'name="ci"')
        url = httpx.URL(served.url).join("/metrics")
        request = served.client.build_request(
            "GET", url, headers={"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
        )
        answer = await served.client.send(request, stream=True)
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(raw).endswith(b"# EOF\n")


async def test_a_page_of_many_control_planes_comes_whole(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        fleet.put(*(live_row(f"cp-{index}") for index in range(50)))
        await until_shown(served, 'name="cp-49"')
        packed = await served.get("/metrics", Accept_Encoding="gzip")
        plain = await served.get("/metrics", Accept_Encoding="identity")
        head = await served.client.head("/metrics")
    assert len(plain.content) > 1_000_000
    assert plain.text.count("k3k_control_plane_info{") == packed.text.count("k3k_control_plane_info{") == 51
    assert (head.status_code, head.content) == (200, b"")


async def test_a_deleted_control_plane_vanishes(fleet: FakeFleet) -> None:
    fleet.put(live_row("other"))
    async with serve(fleet) as served:
        await until_shown(served, 'name="other"')
        fleet.remove(TargetId("prod", "team-a", "ci"))
        page = await until_shown(served, 'name="ci"', there=False)
    assert 'name="other"' in page


async def test_two_rounds_between_two_changes_are_both_counted(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        await until_shown(served, 'name="ci"')
        for ago in (2.0, 1.0):
            fleet.tell(round_of(fleet_row(signals=full_signals(time.time() - ago))))
        fleet.put(live_row())
        await until_shown(served, 'k3k_api_requests_total{host="prod",name="ci",namespace="team-a"} 450.0')


async def test_a_deleted_control_plane_that_comes_back_begins_anew(fleet: FakeFleet) -> None:
    ci = TargetId("prod", "team-a", "ci")
    counter = 'k3k_api_requests_total{host="prod",name="ci",namespace="team-a"}'
    async with serve(fleet) as served:
        fleet.put(live_row())
        await until_shown(served, f"{counter} 150.0")
        fleet.remove(ci)
        await until_shown(served, 'name="ci"', there=False)
        fleet.tell(round_of(live_row()))
        fleet.put(live_row("other"))
        await until_shown(served, 'name="other"')
        fleet.put(live_row())
        await until_shown(served, f"{counter} 150.0")


async def test_the_landing_page_links_to_the_rest(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        answer = await served.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert '<a href="/metrics">' in answer.text
    assert "Control planes: 1" in answer.text


async def test_it_is_alive_before_it_is_ready_and_says_what_is_missing(fleet: FakeFleet) -> None:
    fleet.hosts["stage"] = HostState("stage", False, 0.0, error="the host does not answer")
    async with serve(fleet) as served:
        assert (await served.get("/healthz")).status_code == 200
        answer = await served.get("/readyz")
        assert answer.status_code == 503
        assert "host stage: the host does not answer" in answer.text
        assert "first round" in answer.text
        fleet.hosts["stage"] = HostState("stage", True, 0.0, listed=True)
        fleet.round_done.set()
        await until_ready(served)


async def test_a_host_that_is_lost_later_does_not_make_it_unready(fleet: FakeFleet) -> None:
    fleet.round_done.set()
    async with serve(fleet) as served:
        await until_ready(served)
        fleet.hosts["prod"] = HostState("prod", False, 1.0, error="gone", listed=True)
        assert (await served.get("/readyz")).status_code == 200
        assert 'k3k_host_up{host="prod"} 0.0' in (await served.get("/metrics")).text


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/metrics/x", 404), ("/raw/a", 404)])
async def test_other_paths_are_not_found(fleet: FakeFleet, path: str, status: int) -> None:
    async with serve(fleet) as served:
        assert (await served.get(path)).status_code == status


async def test_nothing_can_be_posted(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        assert (await served.client.post("/metrics", content=b"x" * 100_000)).status_code == 405


async def test_a_failure_of_ours_is_a_sentence_and_no_traceback(
    fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(fleet) as served:
        monkeypatch.setattr(served.exporter.collector, "packed", lambda: 1 / 0)
        answer = await served.get("/metrics")
    assert answer.status_code == 500
    assert answer.text.startswith("The exporter could not answer this")
    assert "ZeroDivisionError" in caplog.text


async def test_service_discovery_leads_prometheus_back_to_the_exporter(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        answer = await served.get("/sd", Host="exporter.example:9809")
    assert answer.headers["Content-Type"].startswith("application/json")
    [group] = answer.json()
    assert group["targets"] == ["exporter.example:9809"]
    labels = group["labels"]
    assert labels["__param_target"] == labels["instance"] == "team-a/ci"
    assert labels["__param_host"] == "prod"
    assert labels["__scheme__"] == "http"
    assert labels["__meta_k3k_raw_path"] == "/raw/team-a/ci"
    assert all(isinstance(value, str) for value in labels.values())


async def test_service_discovery_tells_equal_names_on_two_hosts_apart(fleet: FakeFleet) -> None:
    fleet.put(fleet_row("ci", host="stage"))
    async with serve(fleet) as served:
        groups = (await served.get("/sd")).json()
    assert {group["labels"]["instance"] for group in groups} == {"prod/team-a/ci", "stage/team-a/ci"}


@pytest.mark.parametrize("host", ["a b", pytest.param("x" * 300, id="long"), '"><script>'])
async def test_service_discovery_does_not_repeat_a_nonsensical_host_header(
    fleet: FakeFleet, host: str
) -> None:
    async with serve(fleet) as served:
        [group] = (await served.get("/sd", Host=host)).json()
    assert group["targets"] == [f"127.0.0.1:{served.port}"]


async def test_a_client_that_never_finishes_its_request_is_dropped(fleet: FakeFleet) -> None:
    async with serve(fleet, ServerOptions(limits=DoorLimits(request=1.0))) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert await reader.read() == b""
        writer.close()
        assert (await served.get("/healthz")).status_code == 200


async def test_a_client_that_does_not_take_its_answer_is_dropped(fleet: FakeFleet) -> None:
    async with serve(fleet, ServerOptions(limits=DoorLimits(response=0.2))) as served:
        for row in [live_row(f"cp-{index}") for index in range(300)]:
            served.exporter.collector.count(round_of(row))
            served.exporter.collector.update(row)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        await until_nobody_is_connected(served)
        size = 0
        while part := await reader.read(1_000_000):
            size += len(part)
        writer.close()
    assert size < 9_000_000


async def test_with_too_many_connections_one_that_asked_for_nothing_has_to_go(fleet: FakeFleet) -> None:
    async with serve(fleet, ServerOptions(limits=DoorLimits(connections=2))) as served:
        idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(2)]
        assert (await served.get("/healthz")).status_code == 200
        assert await idle[0][0].read() == b""
        for _, writer in idle:
            writer.close()


async def test_with_too_many_busy_connections_a_new_one_is_refused(fleet: FakeFleet) -> None:
    async with serve(fleet, ServerOptions(limits=DoorLimits(connections=1))) as served:
        assert (await served.get("/healthz")).status_code == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="TLS"),
        pytest.param(b"GET /metrics\r\n\r\n", id="no version"),
        pytest.param(b"\x00" * 9_000, id="zeros"),
        pytest.param(b"\r\n" * 9_000, id="empty lines"),
    ],
)
async def test_a_client_that_speaks_something_else_harms_nobody(fleet: FakeFleet, text: bytes) -> None:
    async with serve(fleet, ServerOptions(limits=DoorLimits(request=1.0))) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(text)
        await reader.read()
        writer.close()
        assert (await served.get("/healthz")).status_code == 200


async def test_an_answer_under_way_is_finished_when_the_exporter_stops() -> None:
    fleet, asked, go_on = FakeFleet(), asyncio.Event(), asyncio.Event()
    fleet.put(live_row())

    async def slow(row: FleetRow) -> FleetRow:
        asked.set()
        await go_on.wait()
        return replace(row, signals=full_signals(time.time()))

    fleet.on_scrape = slow
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serve(fleet) as served:
            answer = asyncio.create_task(client.get(f"{served.url}/probe?target=team-a/ci"))
            await asked.wait()
            asyncio.get_running_loop().call_later(0.05, go_on.set)
        assert "k3k_probe_success 1.0" in (await answer).text
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{served.url}/healthz")


def test_an_address_is_read_as_people_write_it() -> None:
    assert Address.parse("127.0.0.1:9809") == Address("127.0.0.1", 9809)
    assert Address.parse("[::]:9809") == Address("::", 9809)
    assert Address.parse(":0") == Address("", 0)
    assert str(Address.parse("[::1]:1")) == "[::1]:1"


@pytest.mark.parametrize(
    "text", ["", "9809", "host", "host:", "host:x", "::1:80", "a:70000", "[::]", "[::]:"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(Exception, match="no address to listen on"):
        Address.parse(text)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_names_and_addresses_can_be_listened_on(fleet: FakeFleet, host: str) -> None:
    sockets = bind(Address(host, 0))
    port = sockets[0].getsockname()[1]
    assert {made.getsockname()[1] for made in sockets} == {port}
    async with (
        serving(fleet, sockets, ServerOptions()),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200


def test_an_address_in_use_is_one_sentence() -> None:
    [first] = bind(Address("127.0.0.1", 0))
    with (
        first,
        pytest.raises(Exception, match=r"^Cannot listen on 127\.0\.0\.1:\d+: Address already in use\.$"),
    ):
        bind(Address("127.0.0.1", first.getsockname()[1]))


def test_an_unknown_name_is_one_sentence() -> None:
    with pytest.raises(Exception, match=r"^Cannot listen on no\.such\.host\.invalid:80: "):
        bind(Address("no.such.host.invalid", 80))
