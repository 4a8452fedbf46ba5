"""Ways through the dashboard: keys, the `:` line, the palette, jump mode, history, help."""

from __future__ import annotations

from dataclasses import replace

from rich.cells import cell_len
from textual.widgets import Input, OptionList

from k3k_core.fleet import FleetKey
from k3k_tui.actions.registry import ACTIONS
from k3k_tui.app import K3kApp
from k3k_tui.config import TuiConfig
from k3k_tui.places import ControlPlanePlace, FleetPlace, HostsPlace, JobsPlace, Place
from k3k_tui.widgets.breadcrumbs import Breadcrumbs
from k3k_tui.widgets.command_line import CommandLine
from k3k_tui.widgets.dialogs import Confirm
from k3k_tui.widgets.help import HelpScreen
from k3k_tui.widgets.jump import JumpScreen
from k3k_tui.widgets.key_footer import KeyFooter
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row
from tests.support.tui import dashboard, until
from tests.support.tui import shown as screen_text

SHOP = FleetKey("prod", "team-a", "shop")


def fleet() -> FakeFleet:
    shown = FakeFleet()
    rows = (fleet_row("shop"), fleet_row("billing"), fleet_row("ci"))
    shown.rows = {row.id: row for row in rows}
    return shown


def notices(app: K3kApp) -> list[str]:
    return [str(each.message) for each in app._notifications]


async def test_keys_lead_to_places_and_the_history_leads_back() -> None:
    app = dashboard(fleet())
    places: list[Place] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        await pilot.pause()
        for key in ("d", "H", "J", "[", "[", "]", "-", "-", "escape", "escape"):
            await pilot.press(key)
            await pilot.pause()
            places.append(app.place)
    first = places[0]
    assert isinstance(first, ControlPlanePlace)
    assert first.tab == "overview"
    assert places[1:9] == [
        HostsPlace(),
        JobsPlace(),
        HostsPlace(),
        first,
        HostsPlace(),
        first,
        HostsPlace(),
        places[-1],
    ]
    assert isinstance(places[-1], FleetPlace)


async def test_the_fleet_is_found_again_as_it_was_left() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        before = app.screen
        await app.commands.run("ns team-a")
        await app.commands.run("sort name")
        await pilot.pause()
        seen = app.place
        assert isinstance(seen, FleetPlace)
        assert (seen.view.filter, seen.view.sort) == ("ns=team-a", "name")
        await app.commands.run("shop")
        await pilot.pause()
        assert app.place == ControlPlanePlace(SHOP)
        await app.commands.run("jobs")
        await app.commands.run("fleet")
        await pilot.pause()
        again = app.place
        assert app.screen is before
    assert isinstance(again, FleetPlace)
    assert (again.view.filter, again.view.sort) == ("ns=team-a", "name")


async def test_a_command_is_completed_and_remembered() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        await pilot.press("colon", *"jo", "tab")
        line = app.screen.query_one(CommandLine)
        assert line.query_one(Input).value == "jobs "
        await pilot.press("enter")
        await until(pilot, lambda: app.place == JobsPlace(), "the jobs")
        assert not app.screen.query(CommandLine)
        await pilot.press("colon", "pageup")
        assert app.screen.query_one(Input).value == "jobs"
        await pilot.press("escape")
        await pilot.pause()
        assert not app.screen.query(CommandLine)
        assert app.place == JobsPlace()


async def test_arrows_choose_among_what_is_offered() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        await pilot.press("colon", *"describe ", "down", "down")
        line = app.screen.query_one(CommandLine)
        assert line.offers == ("describe billing", "describe ci", "describe shop")
        assert line.chosen == "describe ci"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.place, ControlPlanePlace), "the control plane")
    assert app.place == ControlPlanePlace(FleetKey("prod", "team-a", "ci"))


async def test_what_means_nothing_is_told_and_changes_nothing() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        before = app.place
        await app.commands.run("delete shpo")
        await app.commands.run("upgrad")
        await pilot.pause()
        assert app.place == before
        assert notices(app) == [
            "There is no control plane 'shpo'.\nDid you mean 'shop'?",
            "There is no command and no control plane 'upgrad'.\nDid you mean 'upgrade'?",
        ]


async def test_the_palette_finds_actions_and_control_planes() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        await pilot.press("ctrl+p", *"billing")
        await until(pilot, lambda: app.screen.query_one("CommandList").option_count == 1, "one hit")  # type: ignore[attr-defined] # Textual does not export it
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.place, ControlPlanePlace), "the control plane")
    assert app.place == ControlPlanePlace(FleetKey("prod", "team-a", "billing"))


async def test_help_tells_the_keys_of_what_has_the_cursor() -> None:
    app = dashboard(fleet(), config=TuiConfig(keys={"app.jobs": "f5"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        help_screen = app.screen
        assert isinstance(help_screen, HelpScreen)
        keys = {line.title: line.keys for line in help_screen.lines}
        assert keys["Jobs"] == ("f5",)
        assert keys["Filter"] == ("/",)
        assert "Follow" not in keys
        await pilot.press("escape")
        assert app.screen is not help_screen


async def test_jump_mode_puts_the_cursor_where_a_letter_stands() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.targets()) == 1, "the cursor")
        before = app.targets()
        await pilot.press("ctrl+o")
        jump = app.screen
        assert isinstance(jump, JumpScreen)
        assert len(jump.targets) == 3
        await pilot.press("d")
        await pilot.pause()
        there = app.targets()
        assert there != before
        await pilot.press("ctrl+o", "f1")
        await pilot.pause()
        assert app.targets() == there


async def test_jump_mode_reaches_tabs() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(SHOP))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        await pilot.press("ctrl+o", "s")
        await until(pilot, lambda: app.place == ControlPlanePlace(SHOP, "api"), "the tab")


async def test_the_footer_has_the_keys_that_are_in_force_and_a_click_presses_them() -> None:
    app = dashboard(fleet(), config=TuiConfig(keys={"app.help": "f1"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        footer = app.screen.query_one(KeyFooter)
        line = footer.render().plain
        assert line.endswith("f1 Help ")
        assert len(line) <= 80
        await pilot.click(footer, offset=(len(line) - 4, 0))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "the help")


async def test_breadcrumbs_say_where_one_is_and_that_nothing_can_be_changed() -> None:
    app = dashboard(fleet(), place=ControlPlanePlace(SHOP), read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        line = app.screen.query_one(Breadcrumbs).render().plain
    assert line.startswith(" k3k fleet > prod > team-a > shop > overview")
    assert line.endswith(" read-only ")


async def test_read_only_leaves_no_way_to_change_anything() -> None:
    app = dashboard(fleet(), read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 3, "the fleet")
        await pilot.pause()
        dangerous = {name for name, action in ACTIONS.items() if action.danger != "none"}
        live = {active.binding.id for active in app.screen.active_bindings.values()}
        assert live & dangerous <= {
            active.binding.id
            for active in app.screen.active_bindings.values()
            if active.binding.key.startswith("unbound:")
        }
        assert dangerous.isdisjoint(action.name for action in app.commands.actions)
        await app.commands.run("delete shop")
        await until(pilot, lambda: bool(notices(app)), "a notice")
        assert notices(app)[-1].startswith("This changes something, and this dashboard is read-only.")
        assert await app.run_action("app.operate('delete')")
        await pilot.press("question_mark")
        help_screen = app.screen
        assert isinstance(help_screen, HelpScreen)
        assert "Delete" not in {line.title for line in help_screen.lines}
        assert notices(app)[-1] == "This dashboard is read-only."
        assert app.services.jobs.all == ()


async def test_another_keymap_is_put_on_while_the_dashboard_runs() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await app.commands.run("keymap k9s")
        await pilot.press("q")
        await pilot.pause()
        assert app.keys.name == "k9s"
        assert app.is_running
        await app.commands.run("keymap emacs")
        assert app.keys.name == "k9s"
        await app.commands.run("q")
    assert app.return_value == 0


async def test_choices_that_make_no_sense_are_told_and_the_dashboard_opens() -> None:
    app = dashboard(fleet(), config=TuiConfig(keymap="emacs", keys={"app.help": "q"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert len(notices(app)) == 2
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)


async def test_going_somewhere_closes_a_dialog_without_an_answer() -> None:
    app = dashboard(fleet())
    answers: list[bool | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.push_screen(Confirm("Delete", (), label="Delete", danger=True), answers.append)
        await pilot.pause()
        app.open_place(JobsPlace())
        await until(pilot, lambda: bool(answers), "the end of the dialog")
        assert answers == [None]
        assert app.place == JobsPlace()
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.place, FleetPlace)


async def test_ctrl_c_ends_the_dashboard_but_not_out_of_a_dialog() -> None:
    app = dashboard(fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await app.push_screen(Confirm("Delete", (), label="Delete", danger=True))
        for key in ("ctrl+c", "ctrl+q"):
            await pilot.press(key)
        await pilot.pause()
        assert app.is_running
        assert "Close this first to end the dashboard." in notices(app)
        await pilot.press("escape", "ctrl+c")
    assert app.return_value == 0


async def test_names_are_shown_and_never_obeyed() -> None:
    shown = FakeFleet()
    row = fleet_row("shop")
    hosts = ("a[b]x[/b]", "c\x1b[31m", "\u202eevil", "漢字" * 30)
    rows = [replace(row, control_plane=replace(row.control_plane, host=host)) for host in hosts]
    shown.rows = {each.id: each for each in rows}
    app = dashboard(shown)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.services.fleet.rows) == 4, "the fleet")
        await pilot.press(":", *"describe ")
        assert [each for each in app.screen.query_one(CommandLine).offers if "\x1b" in each] == []
        await pilot.press("escape", "ctrl+p", *"shop")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 4, "four hits")
        assert "a[b]x[/b]/team-a/shop" in screen_text(app)
        await pilot.press("escape")
        for each in rows:
            app.open_place(ControlPlanePlace(each.id))
            await pilot.pause()
            line = app.screen.query_one(Breadcrumbs).render().plain
            assert cell_len(line) == 80
            assert "\x1b" not in line
            assert "\u202e" not in line
