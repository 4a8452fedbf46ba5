"""The smaller operations, and what holds for all of them: read-only, wrong numbers, hosts that do not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from textual.app import SuspendNotSupported
from textual.widgets import OptionList

from k3k_core.fleet import FleetKey
from k3k_core.host import HostOptions
from k3k_tui.app import K3kApp
from k3k_tui.operations import OPERATIONS, operate
from k3k_tui.widgets.dialogs import Ask, Choose, Confirm
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row
from tests.support.stage import stage
from tests.support.tui import dashboard, until

KUBECTL = """#!/bin/sh
echo "$@" > "$OUT/arguments"
cp "$KUBECONFIG" "$OUT/kubeconfig"
exit 3
"""


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl that writes down what it was given, in a dashboard that may step aside; returns the folder."""

    @contextmanager
    def stepping_aside(_app: K3kApp) -> Iterator[None]:
        yield

    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("OUT", str(folder))
    monkeypatch.setattr(K3kApp, "suspend", stepping_aside)
    monkeypatch.setattr("sys.__stdin__", None)
    return folder


def messages(app: K3kApp) -> list[str]:
    return [notice.message for notice in app._notifications]


async def test_kubectl_runs_on_the_control_plane_through_its_host(tmp_path: Path, kubectl: Path) -> None:
    async with stage(tmp_path, "ci") as on:
        await on.begin("kubectl", "ci")
        asked = await on.dialog(Ask)
        assert asked.answer == "get namespaces"
        await on.pilot.press(*"' ", "enter")
        assert asked.is_active
        await on.pilot.press("backspace", "backspace", "enter")
        await until(on.pilot, (kubectl / "kubeconfig").exists, "kubectl runs")
        assert (kubectl / "arguments").read_text() == "get namespaces\n"
        content = yaml.safe_load((kubectl / "kubeconfig").read_text())
        assert content["clusters"][0]["cluster"]["server"].startswith("https://127.0.0.1:")
        assert content["current-context"] == "ci"
        await on.app.workers.wait_for_complete()
        assert on.app.is_running


async def test_a_program_that_is_not_there_is_named_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    fleet = FakeFleet(rows={row.id: row for row in [fleet_row("ci")]})
    app = dashboard(fleet)
    async with app.run_test(size=(80, 24)):
        for name in ("kubectl", "k9s"):
            await operate(app, name, tuple(fleet.rows)).wait()
        assert "'kubectl' was not found" in messages(app)[0]
        assert "kubernetes.io" in messages(app)[0]
        assert "'k9s' was not found" in messages(app)[1]


async def test_where_the_dashboard_cannot_step_aside_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_app: K3kApp) -> None:
        raise SuspendNotSupported("not here")

    monkeypatch.setattr(K3kApp, "suspend", refuse)
    monkeypatch.setenv("SHELL", "/bin/sh")
    fleet = FakeFleet(rows={row.id: row for row in [fleet_row("ci")]})
    app = dashboard(fleet)
    async with app.run_test(size=(80, 24)):
        await operate(app, "shell", tuple(fleet.rows)).wait()
        assert "cannot step aside here" in messages(app)[0]


async def test_anything_of_a_row_is_copied(tmp_path: Path) -> None:
    fleet = FakeFleet(rows={row.id: row for row in [fleet_row("ci", endpoint="https://192.0.2.1:6443")]})
    app = dashboard(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        (key,) = fleet.rows
        await until(pilot, lambda: key in app.services.fleet.rows, "the row")
        await operate(app, "copy", (key,), ("endpoint",)).wait()
        assert app.clipboard == "https://192.0.2.1:6443"
        await operate(app, "copy", (key,), ("nonsense",)).wait()
        assert "nothing called 'nonsense'" in messages(app)[-1]

        operate(app, "copy", (key,))
        await until(pilot, lambda: isinstance(app.screen, Choose), "what to copy")
        titles = [str(option.prompt).split()[0] for option in app.screen.query_one(OptionList).options]
        assert {"name", "path", "endpoint", "command", "version", "verdict", "age"} <= set(titles)
        for _ in range(titles.index("command")):
            await pilot.press("down")
        await pilot.press("enter")
        await until(pilot, lambda: app.clipboard.startswith("k3k "), "the command is copied")
        assert app.clipboard == "k3k describe ci -n team-a"


async def test_control_planes_are_read_out_of_turn() -> None:
    rows = [fleet_row("one"), fleet_row("two")]
    fleet = FakeFleet(rows={row.id: row for row in rows})
    app = dashboard(fleet)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 2, "the rows")
        await operate(app, "scrape", tuple(fleet.rows)).wait()
        assert fleet.scraped == list(fleet.rows)
        assert messages(app)[-1] == "2 control planes read, 2 without an answer."


async def test_values_are_saved_as_the_control_plane_has_them_and_no_file_is_replaced_unasked(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, "ci", values="k3s: {token: my-own-secret-token}\nttl: 4h") as on:
        path = tmp_path / "ci.yaml"
        await on.begin("save-values", "ci", words=(str(path),))
        await on.notice("Wrote")
        saved = yaml.safe_load(path.read_text())
        assert saved["ttl"] == "4h"
        assert "my-own-secret-token" not in path.read_text()

        path.write_text("mine")
        await on.begin("save-values", "ci", words=(str(path),))
        await on.dialog(Confirm)
        await on.pilot.press("enter")
        await on.app.workers.wait_for_complete()
        assert path.read_text() == "mine"


@pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if each.changes])
async def test_nothing_is_changed_in_a_read_only_dashboard(name: str) -> None:
    fleet = FakeFleet(rows={row.id: row for row in [fleet_row("ci")]})
    app = dashboard(fleet, read_only=True)
    async with app.run_test(size=(80, 24)):
        await operate(app, name, tuple(fleet.rows)).wait()
        assert "this dashboard is read-only" in messages(app)[0]


async def test_wrong_numbers_of_control_planes_are_refused_in_words() -> None:
    rows = [fleet_row("one"), fleet_row("two")]
    app = dashboard(FakeFleet(rows={row.id: row for row in rows}))
    async with app.run_test(size=(80, 24)):
        await operate(app, "kubeconfig", tuple(row.id for row in rows)).wait()
        await operate(app, "delete", ()).wait()
        assert "works on one control plane at a time, and 2 are marked" in messages(app)[0]
        assert "there is no control plane to work on" in messages(app)[1]


async def test_what_others_made_is_left_alone_without_asking_its_host() -> None:
    row = fleet_row("theirs", made_by="helm", read_only=True)
    app = dashboard(FakeFleet(rows={row.id: row}))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: row.id in app.services.fleet.rows, "the row")
        for name in ("delete", "restart"):
            await operate(app, name, (row.id,)).wait()
        assert ["was made by Helm; k3k only shows it" in text for text in messages(app)] == [True, True]


async def test_a_host_that_hangs_is_given_up_with_escape_and_one_that_is_gone_is_named(
    tmp_path: Path,
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    path = tmp_path / "host.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                "users": [{"name": "x", "user": {"token": "t"}}],
                "current-context": "x",
            }
        )
    )
    app = dashboard(hosts={"x": HostOptions(str(path), request_timeout=20)})
    async with server, app.run_test(size=(80, 24)) as pilot:
        key = FleetKey("x", "shop", "ci")
        worker = operate(app, "delete", (key,))
        await until(pilot, lambda: type(app.screen).__name__ == "Waiting", "it says what it waits for")
        await pilot.press("escape")
        await worker.wait()
        assert messages(app) == []
        server.close()
        await server.wait_closed()
        await operate(app, "delete", (key,)).wait()
        (message,) = messages(app)
        assert "x" in message
        assert app.is_running
