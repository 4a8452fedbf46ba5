"""The screen of one control plane, over a fleet in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events
from textual.keys import _character_to_key

from k3k_core.fleet import ChangeSet, HostState
from k3k_tui.app import K3kApp
from k3k_tui.places import ControlPlanePlace
from k3k_tui.screens.control_plane import ControlPlaneScreen
from k3k_tui.screens.control_plane.log_buffer import MOST_LINES, entry
from k3k_tui.screens.control_plane.logs_pane import LogsPane
from k3k_tui.screens.control_plane.tabs import TAB_NAMES
from k3k_tui.widgets.text_view import Sheet
from tests.support.fake_fleet import FakeFleet, lost
from tests.support.fleet_rows import NOW, degraded, fleet_row, full_signals
from tests.support.sheets import course
from tests.support.tui import dashboard, shown, until

ROW = fleet_row("storefront", signals=full_signals())


def fleet() -> FakeFleet:
    made = FakeFleet(histories={ROW.id: course()})
    made.put(ROW)
    return made


def screen_of(app: K3kApp) -> ControlPlaneScreen:
    screen = app.screen
    assert isinstance(screen, ControlPlaneScreen)
    return screen


async def test_a_number_opens_each_tab_and_the_place_says_which() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id))
    async with app.run_test(size=(80, 24)) as pilot:
        for number, name in enumerate(TAB_NAMES, start=1):
            await pilot.press(str(number))
            assert screen_of(app).place == ControlPlanePlace(ROW.id, name)
        await pilot.press("full_stop")
        assert screen_of(app).place.tab == "overview"
        await pilot.press("comma")
        assert screen_of(app).place.tab == "values"


async def test_it_looks_at_its_control_plane_so_that_it_is_read_first() -> None:
    known = fleet()
    async with dashboard(known, place=ControlPlanePlace(ROW.id)).run_test() as pilot:
        await until(pilot, lambda: known.focused == (ROW.id,))


async def test_a_tab_offers_only_what_it_can_do() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "certificates"))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()

        def offered() -> set[str]:
            return {
                name
                for each in app.screen.active_bindings.values()
                if (name := each.binding.id) and each.enabled
            }

        assert {"view.filter"} <= offered()
        assert not {"view.span", "logs.follow", "values.compare", "view.back"} & offered()
        await pilot.press("2")
        assert "view.span" in offered()
        assert "view.filter" not in offered()


async def test_a_filter_is_in_force_while_it_is_typed_and_escape_ends_it() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "certificates"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"cert-1")
        await until(pilot, lambda: "cert-10" in shown(app) and "cert-2" not in shown(app))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: "cert-2" in shown(app))
        assert screen_of(app).place.tab == "certificates"
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ControlPlaneScreen), "the fleet")


async def test_plots_look_back_as_far_as_is_asked_for() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "datastore"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "60 min ago" in shown(app))
        await pilot.press("z")
        await until(pilot, lambda: "4 h ago" in shown(app))
        await pilot.press("z")
        await until(pilot, lambda: "15 min ago" in shown(app))


async def test_what_is_wrong_marks_the_tab_that_shows_it() -> None:
    known = fleet()
    app = dashboard(known, place=ControlPlanePlace(ROW.id))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: " 3 Store" in shown(app))
        known.put(degraded(ROW, "DatastoreSlow"))
        await until(pilot, lambda: " 3▲Store" in shown(app))
        assert " 2 API" in shown(app)


async def test_one_that_is_deleted_meanwhile_keeps_what_was_known() -> None:
    known = fleet()
    app = dashboard(known, place=ControlPlanePlace(ROW.id, "datastore"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "p99 300 ms" in shown(app))
        known.remove(ROW.id)
        await until(pilot, lambda: "Deleted 0s ago." in shown(app))
        assert "p99 300 ms" in shown(app)
        await pilot.press("1")
        await until(pilot, lambda: "ci-k3k-server-0" in shown(app))


async def test_a_lost_host_is_told_with_the_age_and_the_way_to_fix_it() -> None:
    known = fleet()
    app = dashboard(known, place=ControlPlanePlace(ROW.id))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "ci-k3k-server-0" in shown(app))
        known.hosts["prod"] = HostState("prod", False, NOW, error="It timed out.", hint="Look at the VPN.")
        known._changes.put_nowait(ChangeSet(changed=(lost(ROW, NOW - 300),), hosts=(known.hosts["prod"],)))
        await until(pilot, lambda: "~ 5m old: It timed out. Look at the VPN." in shown(app))
        assert "ci-k3k-server-0" in shown(app)


@pytest.mark.parametrize("tab", ["overview", "events", "logs", "objects", "values"])
async def test_a_host_that_does_not_answer_is_told_in_place_with_what_to_do(tab: str) -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, tab))
    async with app.run_test(size=(160, 50)) as pilot:
        said = ("The host prod does not answer.", "This test has none.")
        await until(pilot, lambda: all(words in shown(app) for words in said))
        await pilot.press("ctrl+r")
        assert app.is_running


async def test_nothing_is_laid_out_anew_while_nothing_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    known = fleet()
    app = dashboard(known, place=ControlPlanePlace(ROW.id, "api"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Slowest resources" in shown(app))
        await pilot.pause()
        made: list[str | None] = []
        rebuild = Sheet.rebuild

        def counted(sheet: Sheet) -> None:
            made.append(sheet.id)
            rebuild(sheet)

        monkeypatch.setattr(Sheet, "rebuild", counted)
        screen = screen_of(app)
        for _ in range(3):
            screen.tick()
        assert made == []
        known.put(replace(ROW, signals=full_signals(scale=2.0)))
        news = screen.known.news
        await until(pilot, lambda: screen.known.news > news)
        screen.tick()
        assert made.count(None) == 1


async def test_hostile_names_and_reasons_are_shown_and_never_interpreted() -> None:
    row = fleet_row("[bold]x[/bold]\x1b[31m\u202e", signals=full_signals(), reason="[red]why[/red]\x07")
    known = FakeFleet()
    known.put(row)
    app = dashboard(known, place=ControlPlanePlace(row.id))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "[red]why[/red]\\x07" in shown(app))
        assert "Healthy  [bold]x[/bold]\\e[31m\\u202e" in shown(app)


async def test_it_fits_any_terminal() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "api"))
    async with app.run_test(size=(80, 24)) as pilot:
        for size in ((20, 5), (200, 60), (41, 12), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await until(pilot, lambda: "Reads  ⠒⠒ p99" in shown(app))


async def test_a_tab_can_be_named_on_the_command_line() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await app.commands.run("tab events")
        await until(pilot, lambda: screen_of(app).place.tab == "events")
        await app.commands.run("tab nonsense")
        await pilot.pause()
        assert screen_of(app).place.tab == "events"


def log_of(app: K3kApp) -> LogsPane:
    return app.screen.query_one(LogsPane)


async def test_a_log_stays_at_the_newest_line_until_somebody_scrolls_up() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "logs"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "The host prod does not answer." in shown(app))
        pane = log_of(app)
        pane.reading.incoming.extend(entry("pod", f"line {number}.") for number in range(100))
        await until(pilot, lambda: "line 99." in shown(app))
        await pilot.press("pageup")
        await until(pilot, lambda: "line 70." in shown(app))
        pane.reading.incoming.append(entry("pod", "line 100."))
        await until(pilot, lambda: pane.buffer.total == 101)
        assert "line 70." in shown(app)
        await pilot.press("f")
        await until(pilot, lambda: "line 100." in shown(app))


async def test_what_is_given_up_at_the_top_moves_nothing_under_the_eye() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "logs"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "The host prod does not answer." in shown(app))
        pane = log_of(app)
        pane.reading.incoming.extend(entry("pod", f"line {number}.") for number in range(MOST_LINES))
        await until(pilot, lambda: "line 9999." in shown(app))
        await pilot.press("pageup")
        await until(pilot, lambda: "line 9970." in shown(app))
        before = shown(app).split("\n")[6:-2]
        pane.reading.incoming.extend(entry("pod", f"more {number}.") for number in range(50))
        await until(pilot, lambda: "more 49." in pane.buffer.text())
        await pilot.pause()
        assert shown(app).split("\n")[6:-2] == before


async def test_what_a_tab_shows_can_be_copied() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "certificates"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "cert-10" in shown(app))
        await pilot.press("ctrl+y")
        await until(pilot, lambda: "cert-10" in app.clipboard)
        await pilot.press("7")
        pane = log_of(app)
        pane.reading.incoming.extend(entry("pod", f"line {number}.") for number in range(20_000))
        await until(pilot, lambda: pane.buffer.total == MOST_LINES)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: app.clipboard.endswith("line 19999.\n"))
        assert len(app.clipboard) == 70_000


async def test_keys_that_come_all_at_once_go_where_they_would_have_gone_one_by_one() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(ROW.id, "certificates"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "cert-2" in shown(app))
        # All of them are there before the first one is looked at, as over a slow line.
        sheet = app.focused
        for character in "/cert-1":
            app.post_message(events.Key(_character_to_key(character), character))
        app.post_message(events.Key("enter", "\r"))
        await until(pilot, lambda: "cert-10" in shown(app) and "cert-2" not in shown(app))
        await until(pilot, lambda: app.focused is sheet)
        assert isinstance(app.screen, ControlPlaneScreen)
