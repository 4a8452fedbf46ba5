"""The table that every list of the dashboard is drawn with."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager

from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from k3k_tui.services import Services
from k3k_tui.terminal import Profile
from k3k_tui.view.cells import Cell
from k3k_tui.widgets.line_table import Line, Lines, LineTable, TableColumn
from tests.support.painted import PaintingApp
from tests.support.tui import dashboard

COLUMNS = (TableColumn("name", "NAME", 10), TableColumn("value", "VALUE", 12), TableColumn("why", "WHY"))
WIDTH, HEIGHT = 60, 12
# Lines of the table below its headings.
PAGE = HEIGHT - 1


class OneTable(PaintingApp):
    """A table that fills the screen."""

    def __init__(self, services: Services, *, fixed: int = 0) -> None:
        super().__init__()
        self.services = services
        self.table = LineTable(markable=True, fixed=fixed)
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield self.table

    def on_line_table_highlighted(self, message: LineTable.Highlighted) -> None:
        """Keep it."""
        self.heard.append(message)

    def on_line_table_selected(self, message: LineTable.Selected) -> None:
        """Keep it."""
        self.heard.append(message)

    def on_line_table_marked(self, message: LineTable.Marked) -> None:
        """Keep it."""
        self.heard.append(message)

    def on_line_table_heading_picked(self, message: LineTable.HeadingPicked) -> None:
        """Keep it."""
        self.heard.append(message)


class Counted(Lines):
    """Lines that count how often their cells are asked for."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(lines)
        self.asked = 0

    def cells(self, index: int) -> Sequence[Cell]:
        """Return the cells of a line."""
        self.asked += 1
        return super().cells(index)


def line(key: Hashable, value: str = "", why: str = "") -> Line:
    """One line."""
    return Line(key, (Cell(str(key), "title"), Cell(value), Cell(why, "muted")))


def numbered(count: int) -> list[Line]:
    """Lines named by their numbers."""
    return [line(number) for number in range(count)]


@asynccontextmanager
async def shown(
    lines: Lines, *, fixed: int = 0, remote: bool = False
) -> AsyncIterator[tuple[LineTable, Pilot[object], OneTable]]:
    """Show lines in a table that fills a small screen."""
    app = OneTable(dashboard(profile=Profile(remote=remote)).services, fixed=fixed)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.table.show(COLUMNS, lines)
        app.table.focus()
        await pilot.pause()
        yield app.table, pilot, app


async def test_only_the_lines_on_the_screen_are_made() -> None:
    lines = Counted(numbered(20_000))
    async with shown(lines) as (table, pilot, _):
        assert lines.asked == PAGE
        await pilot.press("end")
        assert table.cursor == 19_999
        assert lines.asked == 2 * PAGE


async def test_keys_move_the_cursor_and_the_lines_with_it() -> None:
    async with shown(Lines(numbered(100))) as (table, pilot, app):
        await pilot.press("down", "down", "up")
        await pilot.press("pagedown", "pagedown")
        assert table.cursor == 1 + 2 * (PAGE - 1)
        assert table.cursor in table.keys_in_sight
        await pilot.press("end")
        assert table.keys_in_sight == tuple(range(100 - PAGE, 100))
        await pilot.press("home")
        assert table.keys_in_sight == tuple(range(PAGE))
        assert [message.key for message in app.heard if isinstance(message, LineTable.Highlighted)][-1] == 0


async def test_the_first_line_brings_the_heading_above_it_into_sight() -> None:
    lines = Lines([Line(None, (Cell("group", "title"),)), *numbered(50)])
    async with shown(lines) as (_, pilot, app):
        await pilot.press("end", "home")
        assert app.whole()[1].startswith("group")


async def test_the_line_under_the_cursor_stays_in_its_place_when_lines_come_above_it() -> None:
    async with shown(Lines(numbered(100))) as (table, pilot, app):
        await pilot.press(*["down"] * 20)
        place = next(index for index, text in enumerate(app.whole()) if text.split()[:1] == ["20"])
        table.show(COLUMNS, Lines([*(line(f"new-{number}") for number in range(7)), *numbered(100)]))
        await pilot.pause()
        assert table.cursor == 20
        assert table.cursor_line == 27
        assert app.whole()[place].split()[:1] == ["20"]


async def test_what_is_in_sight_stays_when_the_cursor_is_elsewhere() -> None:
    async with shown(Lines(numbered(100))) as (table, pilot, _):
        await pilot.press("down")
        table.scroll_to(y=40, animate=False)
        await pilot.pause()
        table.show(COLUMNS, Lines([line("new"), *numbered(100)]))
        await pilot.pause()
        assert table.keys_in_sight == tuple(range(40, 40 + PAGE))
        assert table.cursor == 1


async def test_a_cursor_that_nobody_has_moved_stays_on_the_first_line() -> None:
    async with shown(Lines(numbered(100))) as (table, _, _app):
        table.show(COLUMNS, Lines([line("new"), *numbered(100)]))
        assert table.keys_in_sight[0] == table.cursor == "new"
        table.hold()
        table.show(COLUMNS, Lines([line("newer"), line("new"), *numbered(100)]))
        assert (table.cursor, table.cursor_line) == ("new", 1)


async def test_marks_are_put_one_by_one_as_a_range_all_and_taken_away() -> None:
    async with shown(Lines([*numbered(4), Line(None, (Cell("group"),)), *numbered(9)[4:]])) as (
        table,
        pilot,
        app,
    ):
        await pilot.press("space")
        assert (table.marked, table.cursor) == (frozenset({0}), 1)
        await pilot.press("down", "down", "down", "down", "V")
        assert table.marked == frozenset({0, 1, 2, 3, 4, 5})
        await pilot.press("up", "space")
        assert table.marked == frozenset({0, 1, 2, 3, 5})
        await pilot.press("asterisk")
        assert table.marked == frozenset(range(9))
        await pilot.press("backslash")
        assert table.marked == frozenset()
        assert [message for message in app.heard if isinstance(message, LineTable.Marked)][
            -1
        ].keys == frozenset()


async def test_a_mark_is_a_sign_beside_the_line() -> None:
    async with shown(Lines(numbered(3))) as (_, pilot, app):
        await pilot.press("space")
        assert app.whole()[1].startswith(app.services.look.glyphs.marked)
        assert not app.whole()[2].startswith(app.services.look.glyphs.marked)


async def test_enter_and_a_double_click_choose_a_line() -> None:
    async with shown(Lines(numbered(5))) as (table, pilot, app):
        await pilot.press("down", "enter")
        await pilot.click(table, offset=(5, 4))
        assert table.cursor == 3
        await pilot.click(table, offset=(5, 3), times=2)
        chosen = [message.key for message in app.heard if isinstance(message, LineTable.Selected)]
        assert chosen == [1, 2]


async def test_a_click_on_a_heading_tells_its_column() -> None:
    async with shown(Lines(numbered(5))) as (table, pilot, app):
        await pilot.click(table, offset=(14, 0))
        assert [message.name for message in app.heard if isinstance(message, LineTable.HeadingPicked)] == [
            "value"
        ]


async def test_a_click_beside_the_lines_does_nothing() -> None:
    async with shown(Lines(numbered(2))) as (table, pilot, app):
        app.heard.clear()
        await pilot.click(table, offset=(5, 8), times=2)
        assert app.heard == []


async def test_the_heading_of_the_ordering_column_has_a_sign() -> None:
    async with shown(Lines(numbered(2))) as (table, pilot, app):
        glyphs = app.services.look.glyphs
        table.show_order("value", descending=True)
        await pilot.pause()
        assert f"VALUE{glyphs.descending}" in app.painted.lines[0]
        table.show_order("name", descending=False)
        await pilot.pause()
        assert f"NAME{glyphs.ascending}" in app.painted.lines[0]
        assert glyphs.descending not in app.painted.lines[0]


async def test_columns_move_sideways_except_the_fixed_ones() -> None:
    wide = [TableColumn(f"column-{number}", f"C{number}", 15) for number in range(8)]
    async with shown(Lines([Line("a", tuple(Cell(f"v{number}") for number in range(8)))]), fixed=1) as (
        table,
        pilot,
        app,
    ):
        table.show(wide, Lines([Line("a", tuple(Cell(f"v{number}") for number in range(8)))]))
        await pilot.pause()
        assert app.whole()[0].split() == ["C0", "C1", "C2", "C3"]
        await pilot.press("right", "right")
        assert app.whole()[0].split() == ["C0", "C3", "C4", "C5"]
        assert app.whole()[1].split() == ["v0", "v3", "v4", "v5"]
        await pilot.press("left", "left", "left")
        assert app.whole()[1].split() == ["v0", "v1", "v2", "v3"]


async def test_an_empty_table_takes_every_key() -> None:
    async with shown(Lines()) as (table, pilot, _):
        await pilot.press("down", "up", "pagedown", "home", "end", "space", "V", "asterisk", "enter", "right")
        assert table.cursor is None
        assert table.marked == frozenset()


async def test_hostile_text_stays_in_its_column() -> None:
    hostile = [
        "\x1b[2J[red]x[/red]",
        "日本" * 100,
        "\u202eabc",
        "e\u0301" * 300,
        "\ud800",
        "x" * 253,
        "👩‍👩‍👧‍👦" * 20,
    ]
    lines = Lines([Line(index, (Cell(text), Cell("here"), Cell(text))) for index, text in enumerate(hostile)])
    async with shown(lines) as (_, _, app):
        for strip in app.screen._compositor.render_strips():
            assert strip.cell_length == WIDTH
        for text in app.painted.lines[1 : 1 + len(hostile)]:
            assert "\x1b" not in text
        assert sum("here" in text for text in app.painted.lines) == len(hostile)


async def test_nothing_is_sent_when_nothing_has_changed() -> None:
    async with shown(Lines(numbered(50))) as (table, pilot, app):
        received = -1
        while received != app.painted.received:
            received = app.painted.received
            await pilot.pause(0.05)
        table.changed()
        table.changed({1, 2, 3})
        table.reordered()
        table.show_order("", descending=False)
        await pilot.pause()
        assert app.painted.received == received


async def test_over_a_slow_line_the_cursor_takes_half_a_page_with_it() -> None:
    async with shown(Lines(numbered(100)), remote=True) as (table, pilot, _):
        await pilot.press(*["down"] * PAGE)
        assert table.keys_in_sight[0] == 1 + PAGE // 2
        await pilot.press("up", *["up"] * (PAGE // 2))
        assert table.cursor in table.keys_in_sight


async def test_the_terminal_shows_what_a_full_repaint_would() -> None:
    """What is sent are differences only: they must add up, whatever happens in whatever order."""
    chance = random.Random(4)
    words = ["", "ready", "a long reason that is cut", "日本語", "v1.36.2"]

    def made(keys: Sequence[int]) -> Lines:
        grouped: list[Line] = []
        for number, key in enumerate(keys):
            if number % 9 == 0:
                grouped.append(Line(None, (Cell(f"group {key}", "title"),)))
            grouped.append(line(key, chance.choice(words), chance.choice(words)))
        return Lines(grouped)

    keys = list(range(60))
    async with shown(made(keys), fixed=1) as (table, pilot, app):
        for _ in range(60):
            match chance.randrange(5):
                case 0:
                    chance.shuffle(keys)
                    table.show(COLUMNS, made(keys[: chance.choice([7, 50, 50, 50])]))
                case 1:
                    table.mark(chance.sample(keys, 20))
                case 2:
                    table.scroll_to(y=chance.randrange(60), animate=False)
                case 3:
                    table.go_to(chance.choice(keys))
                case _:
                    table.action_page(chance.choice([-1, 1]))
            if chance.random() < 0.7:
                await pilot.pause()
                assert app.painted.lines == app.whole()
