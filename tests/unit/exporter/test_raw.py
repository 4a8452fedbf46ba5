"""`/raw`."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import httpx
import pytest

from k3k_core.errors import UnreachableError, UsageError
from k3k_core.exporter.asking import TIMEOUT_HEADER
from k3k_core.exporter.raw import MAX_PAGES, TokenFile
from k3k_core.exporter.server import ServerOptions
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row
from tests.support.serving_exporter import Served, serve

TOKEN = "0123456789abcdef0123456789abcdef"
PAGE = b"# TYPE up gauge\nup 1\n" * 10_000


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
def options(token_file: Path) -> ServerOptions:
    return ServerOptions(token=TokenFile(token_file))


@pytest.fixture
def fleet() -> FakeFleet:
    fleet = FakeFleet(page=[PAGE[:1000], PAGE[1000:]])
    fleet.put(fleet_row("ci"))
    return fleet


async def fetch(served: Served, path: str = "/raw/team-a/ci", **headers: str) -> httpx.Response:
    """Ask with the right token."""
    return await served.get(path, **{"Authorization": f"Bearer {TOKEN}", **headers})


async def test_it_is_off_without_a_token_and_says_how_it_is_turned_on(fleet: FakeFleet) -> None:
    async with serve(fleet) as served:
        answer = await fetch(served)
    assert answer.status_code == 404
    assert "--raw-token-file" in answer.text
    assert not fleet.fetched


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \xff",
    ],
)
async def test_without_the_token_nothing_is_passed_on(
    fleet: FakeFleet, options: ServerOptions, authorization: str
) -> None:
    async with serve(fleet, options) as served:
        headers = [(b"Authorization", authorization.encode("latin-1"))]
        answer = await served.client.get("/raw/team-a/ci", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not fleet.fetched


async def test_a_page_is_passed_on_as_it_is(fleet: FakeFleet, options: ServerOptions) -> None:
    async with serve(fleet, options) as served:
        answer = await fetch(served)
        assert answer.content == PAGE
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        await fetch(served, "/raw/team-a/ci/ci-k3k-server-1?host=prod")
    assert [server for _, server in fleet.fetched] == [None, "ci-k3k-server-1"]


async def test_a_compressed_page_stays_compressed_for_who_takes_it(
    fleet: FakeFleet, options: ServerOptions
) -> None:
    packed = gzip.compress(PAGE)
    fleet.page, fleet.page_gzip = [packed[:100], packed[100:]], True
    async with serve(fleet, options) as served:
        request = served.client.build_request(
            "GET",
            "/raw/team-a/ci",
            headers={"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "gzip"},
        )
        answer = await served.client.send(request, stream=True)
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["Content-Encoding"] == "gzip"
    assert raw == packed


async def test_a_compressed_page_is_unpacked_for_who_does_not_take_it(
    fleet: FakeFleet, options: ServerOptions
) -> None:
    packed = gzip.compress(PAGE)
    fleet.page, fleet.page_gzip = [packed[:100], packed[100:]], True
    async with serve(fleet, options) as served:
        answer = await fetch(served, Accept_Encoding="identity")
    assert "Content-Encoding" not in answer.headers
    assert answer.content == PAGE


@pytest.mark.parametrize(
    "page",
    [
        pytest.param([gzip.compress(PAGE)[:-20]], id="cut off"),
        pytest.param([b"no gzip at all"], id="no gzip"),
        pytest.param([gzip.compress(bytes(100_000_000), 9)], id="a bomb"),
        pytest.param([gzip.compress(PAGE)[:100], UnreachableError("gone")], id="breaks off"),
    ],
)
async def test_a_page_that_goes_wrong_on_the_way_is_never_taken_for_whole(
    fleet: FakeFleet, options: ServerOptions, page: list[bytes | Exception | asyncio.Event]
) -> None:
    fleet.page, fleet.page_gzip = page, True
    async with serve(fleet, options) as served:
        with pytest.raises(httpx.RemoteProtocolError):
            await fetch(served, Accept_Encoding="identity")
        assert (await served.get("/healthz")).status_code == 200


async def test_a_server_that_is_not_reached_is_a_bad_gateway(
    fleet: FakeFleet, options: ServerOptions
) -> None:
    fleet.page = [UnreachableError("The server refused the connection.")]
    async with serve(fleet, options) as served:
        answer = await fetch(served)
    assert (answer.status_code, answer.text) == (502, "The server refused the connection.\n")


async def test_a_server_that_hangs_before_its_page_begins_is_a_time_out(
    fleet: FakeFleet, options: ServerOptions
) -> None:
    fleet.page = [asyncio.Event()]
    async with serve(fleet, options) as served:
        headers = {"Authorization": f"Bearer {TOKEN}", TIMEOUT_HEADER: "0.1"}
        answer = await served.client.get("/raw/team-a/ci", headers=headers)
    assert answer.status_code == 504


async def test_a_server_that_hangs_within_its_page_breaks_it_off(
    fleet: FakeFleet, options: ServerOptions
) -> None:
    fleet.page = [PAGE[:1000], asyncio.Event()]
    async with serve(fleet, options) as served:
        headers = {"Authorization": f"Bearer {TOKEN}", TIMEOUT_HEADER: "2"}
        with pytest.raises(httpx.RemoteProtocolError):
            await served.client.get("/raw/team-a/ci", headers=headers)


async def test_a_control_plane_that_is_not_there_is_not_found(
    fleet: FakeFleet, options: ServerOptions
) -> None:
    async with serve(fleet, options) as served:
        assert (await fetch(served, "/raw/team-a/none")).status_code == 404


async def test_more_pages_than_there_are_places_are_told_to_come_back(
    fleet: FakeFleet, options: ServerOptions
) -> None:
    go_on = asyncio.Event()
    fleet.page = [go_on, PAGE]
    async with serve(fleet, options) as served:
        pages = [asyncio.create_task(fetch(served)) for _ in range(MAX_PAGES)]
        while len(fleet.fetched) < MAX_PAGES:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0)
        assert (await fetch(served)).status_code == 503
        go_on.set()
        assert {(await page).status_code for page in pages} == {200}


async def test_a_new_token_is_in_force_at_once(
    fleet: FakeFleet, options: ServerOptions, token_file: Path
) -> None:
    async with serve(fleet, options) as served:
        await asyncio.to_thread(token_file.write_text, "another-token-of-some-length")
        assert (await fetch(served)).status_code == 401
        assert (await fetch(served, Authorization="Bearer another-token-of-some-length")).status_code == 200


async def test_without_its_token_file_nobody_is_let_in(
    fleet: FakeFleet, options: ServerOptions, token_file: Path
) -> None:
    async with serve(fleet, options) as served:
        await asyncio.to_thread(token_file.unlink)
        assert (await fetch(served)).status_code == 401


@pytest.mark.parametrize("content", [None, "", "short", "two tokens in one file"])
def test_a_token_file_without_a_usable_token_is_refused_and_not_shown(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError) as refused:
        TokenFile(path)
    assert str(path) in str(refused.value)
    assert not content or content not in str(refused.value)
