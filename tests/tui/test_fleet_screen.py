"""The fleet screen: what it shows, and what its keys and commands do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot

from k3k_core.fleet import FleetKey, FleetRow, HostState
from k3k_core.telemetry.judgement import Judgement
from k3k_tui.app import K3kApp
from k3k_tui.places import ControlPlanePlace
from k3k_tui.screens.fleet import FleetScreen
from k3k_tui.screens.hosts import HostsScreen
from k3k_tui.screens.stack import place_of
from k3k_tui.terminal import Profile
from k3k_tui.widgets.filter_bar import FilterBar
from k3k_tui.widgets.fleet_header import FleetHeader
from k3k_tui.widgets.line_table import LineTable
from k3k_tui.widgets.steady_lines import SteadyLines
from tests.support.fake_fleet import FakeFleet, lost
from tests.support.fleet_rows import NOW, degraded, fleet_row, full_signals
from tests.support.tui import dashboard, until

HOSTS = {
    name: HostState(name, True, NOW - 60, listed=True, control_planes=count)
    for name, count in (("edge", 2), ("prod", 3))
}


def rows() -> list[FleetRow]:
    """Five control planes on two hosts."""
    return [
        fleet_row("api", host="prod", namespace="shop", signals=full_signals(scale=0.5)),
        degraded(
            fleet_row("build", host="prod", namespace="ci", signals=full_signals(scale=2.0)), "ApiReadsSlow"
        ),
        replace(fleet_row("cart", host="prod", namespace="shop"), judgement=Judgement("Down", NOW - 60)),
        fleet_row("data", host="edge", namespace="shop", signals=full_signals(scale=1.0)),
        fleet_row("edge-1", host="edge", namespace="ci", signals=full_signals(scale=0.1)),
    ]


def fleet_of(*members: FleetRow, hosts: dict[str, HostState] | None = None) -> FakeFleet:
    """A fleet in memory."""
    return FakeFleet(rows={row.id: row for row in members}, hosts=dict(HOSTS if hosts is None else hosts))


def names(app: K3kApp) -> list[str]:
    """The names on the lines of the table, from the top; headings in brackets."""
    screen = fleet_screen(app)
    view = screen._view
    keys = [view.key(index) for index in range(len(view.lines))]
    return [key.name if key is not None else "[]" for key in keys]


def fleet_screen(app: K3kApp) -> FleetScreen:
    """The fleet screen, whatever is on top of it."""
    return next(screen for screen in app.screen_stack if isinstance(screen, FleetScreen))


def table(app: K3kApp) -> LineTable:
    """Its table."""
    return fleet_screen(app).query_one(LineTable)


def said(app: K3kApp, selector: str) -> str:
    """What a few lines of the screen on top say."""
    lines = app.screen.query_one(selector, SteadyLines).lines
    return "\n".join("".join(cell.text for cell in line) for line in lines)


def cursor(app: K3kApp) -> str:
    """The name under the cursor."""
    key = table(app).cursor
    return key.name if isinstance(key, FleetKey) else ""


@asynccontextmanager
async def opened(
    fleet: FakeFleet, *, size: tuple[int, int] = (160, 40), **options: Any
) -> AsyncIterator[tuple[K3kApp, Pilot[Any]]]:
    """The dashboard on a fleet, its rows on the screen."""
    app = dashboard(fleet, profile=Profile(tick=0.02), **options)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(fleet_screen(app)._view.rows) == len(fleet.rows), "the rows")
        await until(pilot, lambda: fleet_screen(app)._view.hosts.keys() == fleet.hosts.keys(), "the hosts")
        await pilot.pause()
        yield app, pilot


async def command(app: K3kApp, pilot: Pilot[Any], line: str) -> None:
    """Do what a line after the colon says."""
    await app.commands.run(line)
    await pilot.pause()


async def test_the_worst_come_first_and_other_orders_can_be_chosen() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        assert names(app) == ["cart", "build", "api", "data", "edge-1"]
        await command(app, pilot, "sort p99")
        assert names(app) == ["build", "data", "api", "edge-1", "cart"]
        assert app.screen.query_one(LineTable)._order == ("p99", True)
        await pilot.press("O")
        assert names(app)[:4] == ["edge-1", "api", "data", "build"]
        await command(app, pilot, "sort name")
        await pilot.press("greater_than_sign")
        assert fleet_screen(app).state.sort == "host"
        await pilot.press("less_than_sign", "less_than_sign")
        assert fleet_screen(app).state.sort == ""
        await pilot.press("o", "down", "enter")
        await until(pilot, lambda: fleet_screen(app).state.sort == "name", "the picked order")
        await pilot.click(LineTable, offset=(4, 0))
        await until(pilot, lambda: fleet_screen(app).state.sort == "", "the clicked order")


async def test_rows_are_grouped_and_only_faults_shown() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        await command(app, pilot, "group namespace")
        assert names(app) == ["[]", "build", "edge-1", "[]", "cart", "api", "data"]
        assert "namespace" not in [column.name for column in table(app).columns]
        await pilot.press("f")
        assert names(app) == ["[]", "build", "[]", "cart"]
        assert "2 of 5 shown" in said(app, "#status")
        assert "faults only" in said(app, "#status")
        await pilot.press("f", "g", "up", "up", "enter")
        await until(pilot, lambda: fleet_screen(app).state.group == "", "no groups")
        assert names(app) == ["cart", "build", "api", "data", "edge-1"]


async def test_the_filter_is_in_force_while_it_is_typed() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        bar = app.screen.query_one(FilterBar)
        await pilot.press("slash", *"shop")
        assert names(app) == ["cart", "api", "data"]
        await pilot.press("enter")
        assert not bar.is_open
        assert "filter shop" in said(app, "#status")
        assert app.focused is table(app)
        await pilot.press("slash", *"host", "colon", *"edge")
        assert names(app) == ["data"]
        await pilot.press("escape")
        assert names(app) == ["cart", "api", "data"]
        await pilot.press("escape")
        assert len(names(app)) == 5


async def test_a_filter_that_cannot_be_used_says_why_and_what_to_write() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        bar = app.screen.query_one(FilterBar)
        await pilot.press("slash", *"verdct:down")
        assert "There is no field verdct. Write verdict" in bar.help
        await pilot.press("enter")
        assert bar.is_open
        await pilot.press("escape")
        assert bar.help == ""
        assert len(names(app)) == 5


async def test_what_a_filter_can_be_is_offered() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        bar = app.screen.query_one(FilterBar)
        await pilot.press("slash", *"verd")
        assert "verdict" in bar.help
        await pilot.press("tab")
        assert "Down" in bar.help
        await pilot.press("enter")
        assert "wants a value" in bar.help
        await pilot.press(*"do", "tab")
        assert fleet_screen(app).state.filter == "verdict:Down"
        assert names(app) == ["cart"]
        await pilot.press("enter")
        await until(pilot, lambda: not bar.is_open, "the end of typing")
        await pilot.press("escape", "slash", "pageup")
        assert fleet_screen(app).state.filter == "verdict:Down"


async def test_marked_control_planes_are_what_an_operation_works_on_in_the_order_shown() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        assert [key.name for key in app.targets()] == ["cart"]
        await pilot.press("end", "space", "home", "space")
        assert [key.name for key in app.targets()] == ["cart", "edge-1"]
        assert "2 marked" in said(app, "#status")
        await command(app, pilot, "filter cart")
        assert [key.name for key in app.targets()] == ["cart", "edge-1"]
        await pilot.press("escape", "escape")
        assert len(app.targets()) == 1


async def test_a_control_plane_that_goes_takes_its_mark_along() -> None:
    fleet = fleet_of(*rows())
    async with opened(fleet) as (app, pilot):
        await pilot.press("space", "space")
        fleet.remove(next(key for key in fleet.rows if key.name == "cart"))
        await until(pilot, lambda: len(table(app).marked) == 1, "the end of a mark")
        assert [key.name for key in app.targets()] == ["build"]


async def test_columns_follow_the_width_and_can_be_chosen() -> None:
    async with opened(fleet_of(*rows()), size=(80, 24)) as (app, pilot):
        narrow = [column.name for column in table(app).columns]
        assert {"verdict", "name", "p99"} <= set(narrow)
        await pilot.resize_terminal(200, 40)
        await until(pilot, lambda: len(table(app).columns) > len(narrow), "more columns")
        await command(app, pilot, "columns name p99 verdict")
        assert [column.name for column in table(app).columns] == ["name", "p99", "verdict"]
        await pilot.press("W", "down", "space", "enter")
        await until(pilot, lambda: fleet_screen(app).state.columns == ("name", "verdict"), "the chosen ones")
        await command(app, pilot, "columns auto")
        await pilot.press("w")
        assert len(table(app).columns) > 25
        await pilot.press("right")
        assert table(app).scroll_offset.x > 0


async def test_a_column_or_group_that_is_not_there_is_refused_and_nothing_changes() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        before = fleet_screen(app).state
        for line in ("sort nonsense", "group nonsense", "columns nonsense"):
            await command(app, pilot, line)
        assert fleet_screen(app).state == before
        assert [each.severity for each in app._notifications] == ["error"] * 3


async def test_changes_come_in_while_the_cursor_stays_on_its_row() -> None:
    fleet = fleet_of(*rows())
    async with opened(fleet) as (app, pilot):
        await pilot.press("down", "down")
        assert cursor(app) == "api"
        fleet.put(
            *(replace(fleet_row(f"new-{number}"), judgement=Judgement("Down", NOW)) for number in range(3))
        )
        await until(pilot, lambda: len(names(app)) == 8, "the new rows")
        assert (cursor(app), table(app).cursor_line) == ("api", 5)
        fleet.remove(next(key for key in fleet.rows if key.name == "api"))
        await until(pilot, lambda: "api" not in names(app), "the end of a row")
        assert cursor(app) == "data"


async def test_filter_order_and_cursor_survive_a_visit_elsewhere() -> None:
    async with opened(fleet_of(*rows())) as (app, pilot):
        await command(app, pilot, "sort name")
        await command(app, pilot, "filter shop")
        await pilot.press("home", "down", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the control plane")
        place = place_of(app.screen)
        assert isinstance(place, ControlPlanePlace)
        assert place.key.name == "cart"
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: isinstance(app.screen, FleetScreen), "the fleet")
        assert names(app) == ["api", "cart", "data"]
        assert cursor(app) == "cart"
        assert fleet_screen(app).state.sort == "name"


async def test_nothing_is_drawn_behind_another_screen_and_everything_after_it() -> None:
    fleet = fleet_of(*rows())
    async with opened(fleet) as (app, pilot):
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, HostsScreen), "the hosts")
        drawn: list[object] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table(app), "refresh", lambda *regions, **_: drawn.append(regions))
            fleet.put(fleet_row("late"))
            await until(pilot, lambda: bool(fleet_screen(app)._pending), "the change")
            fleet_screen(app)._next_ages = 0.0
            fleet_screen(app)._tick()
        assert drawn == []
        assert fleet_screen(app)._view.totals.rows == 6
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FleetScreen), "the fleet")
        assert "6 control planes" in said(app, "FleetHeader")


async def test_nothing_is_sent_to_the_terminal_when_nothing_changes() -> None:
    fleet = fleet_of(*rows())
    async with opened(fleet) as (app, pilot):
        fleet.put(fleet_row("late"))
        await until(pilot, lambda: "late" in names(app), "a first change")
        await pilot.pause()
        ticks, sent = fleet_screen(app)._ticks, []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app, "_display", lambda _screen, update: sent.append(update))
            fleet.put(*rows())
            await until(pilot, lambda: fleet_screen(app)._ticks > ticks + 5, "some ticks")
        assert [update for update in sent if isinstance(update, CompositorUpdate)] == []


async def test_those_on_the_screen_are_read_first() -> None:
    fleet = fleet_of(*(fleet_row(f"plane-{number:03}") for number in range(200)))
    async with opened(fleet, size=(80, 24)) as (_, pilot):
        await until(pilot, lambda: "plane-000" in [key.name for key in fleet.focused], "the first page")
        assert len(fleet.focused) < 24
        await pilot.press("end")
        await until(pilot, lambda: "plane-199" in [key.name for key in fleet.focused], "the last page")


async def test_a_lost_host_leaves_its_rows_and_the_header_says_why() -> None:
    fleet = fleet_of(*rows())
    async with opened(fleet, size=(80, 24)) as (app, pilot):
        fleet.hosts["edge"] = HostState(
            "edge", False, NOW - 300, "Host edge does not answer.", "Check its address.", listed=True
        )
        fleet.put(*(lost(row, NOW - 300) for row in rows() if row.id.host == "edge"))
        fleet.tell_hosts()
        await until(pilot, lambda: "Check its address." in said(app, "FleetHeader"), "the reason")
        assert len(names(app)) == 5
        await pilot.press("end")
        assert "as it was 5m ago" in said(app, "#detail")
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, HostsScreen), "the hosts")
        assert "edge  out of date for 5m" in said(app, "#details")
        assert "Check its address." in said(app, "#details")
        await pilot.press("c")
        assert "Check its address." in app.clipboard
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, FleetScreen), "the fleet")
        assert fleet_screen(app).state.filter == "host=prod"
        assert sorted(names(app)) == ["api", "build", "cart"]


async def test_an_empty_fleet_says_what_to_do_and_rows_appear() -> None:
    fleet = fleet_of(hosts={"prod": HOSTS["prod"]})
    async with opened(fleet) as (app, pilot):
        assert "There are no control planes yet." in said(app, "#empty")
        assert "Create one: n" in said(app, "#empty")
        fleet.put(*rows())
        await until(pilot, lambda: len(names(app)) == 5, "the rows")
        assert said(app, "#empty") == ""
        await command(app, pilot, "filter nothing-like-it")
        assert "None of 5 control planes matches nothing-like-it." in said(app, "#empty")
        assert "Show all: esc" in said(app, "#empty")
        assert said(app, "#detail") == ""
        await pilot.press("escape")
        assert cursor(app) == "cart"


async def test_hostile_names_keep_to_their_line() -> None:
    hostile: Sequence[str] = (
        "\x1b[2J\x1b]0;title\x07",
        "[bold red]markup[/]",
        "\u202eright-to-left",
        "\u65e5\u672c\u8a9e" * 84,
        "x" * 253,
        "\ud800lone",
    )
    fleet = fleet_of(*(fleet_row(name, host="prod") for name in hostile))
    async with opened(fleet, size=(80, 24)) as (app, pilot):
        for _ in hostile:
            for strip in app.screen._compositor.render_strips():
                assert strip.cell_length == 80
                assert all(segment.text.isprintable() for segment in strip)
            await pilot.press("down")
        assert "[bold red]" in "".join(
            segment.text for strip in app.screen._compositor.render_strips() for segment in strip
        )


async def test_the_header_counts_what_there_is() -> None:
    async with opened(fleet_of(*rows())) as (app, _):
        header = said(app, "FleetHeader")
        assert isinstance(app.screen.query_one(FleetHeader), SteadyLines)
        for told in ("5 control planes", "1 Down", "1 Degraded", "3 Healthy", "edge 2", "prod 3"):
            assert told in header
