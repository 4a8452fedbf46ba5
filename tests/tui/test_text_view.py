"""Text that is scrolled, selected and copied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection

from k3k_tui.look.look import Look
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.text_view import FixedText, Sheet, TextView


@dataclass
class OnlyLook:
    """The part of the services that drawing takes."""

    look: Look = field(default_factory=Look)


class ViewApp(App[None]):
    """A view and nothing else."""

    def __init__(self, view: TextView) -> None:
        super().__init__()
        self.services = OnlyLook()
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view


def numbered(count: int) -> FixedText:
    return FixedText([(Cell(f"line {number} "), Cell("x" * 60 + "end", "muted")) for number in range(count)])


@asynccontextmanager
async def viewing(view: TextView) -> AsyncIterator[Pilot[Any]]:
    async with ViewApp(view).run_test(size=(40, 10)) as pilot:
        view.focus()
        await pilot.pause()
        yield pilot


async def test_it_scrolls_with_the_keys_of_tables() -> None:
    view = TextView()
    async with viewing(view) as pilot:
        view.show(numbered(100))
        seen = []
        for key in ("down", "pagedown", "end", "up", "home"):
            await pilot.press(key)
            seen.append(view.scroll_offset.y)
        assert seen == [1, 10, 90, 89, 0]


async def test_a_line_that_goes_on_beyond_the_edge_says_so_and_can_be_followed() -> None:
    view = TextView()
    async with viewing(view) as pilot:
        view.show(numbered(3))
        await pilot.pause()
        assert view.render_line(0).text.rstrip().endswith("x…")
        for _ in range(3):
            await pilot.press("right")
        assert view.render_line(0).text.rstrip().endswith("end")


async def test_what_is_selected_can_be_copied_without_what_is_only_drawn() -> None:
    view = TextView()
    async with viewing(view) as pilot:
        view.show(numbered(20))
        pilot.app.screen.selections = {view: Selection(Offset(5, 1), Offset(6, 2))}
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == f"1 {'x' * 60}end\nline 2"


async def test_a_sheet_is_laid_out_for_its_size_again_when_that_changes() -> None:
    asked: list[tuple[int, int]] = []

    def build(columns: int, rows: int) -> list[Line]:
        asked.append((columns, rows))
        return [(Cell("x"),)]

    async with viewing(Sheet(build)) as pilot:
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
    assert asked[-1] == (59, 12)
    assert (39, 10) in asked


async def test_only_lines_in_sight_that_differ_are_painted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {"first": "same", "second": "one", "last": "far below"}

    def build(_columns: int, rows: int) -> list[Line]:
        middle = ["" for _ in range(rows)]
        return [(Cell(text),) for text in (shown["first"], shown["second"], *middle, shown["last"])]

    sheet = Sheet(build)
    async with viewing(sheet):
        painted: list[tuple[Any, ...]] = []
        monkeypatch.setattr(sheet, "refresh", lambda *regions, **_: painted.append(regions))
        sheet.rebuild()
        shown["last"] = "changed out of sight"
        sheet.rebuild()
        assert painted == []
        shown["second"] = "another and longer one"
        sheet.rebuild()
        assert [[region.y for region in regions] for regions in painted] == [[1]]
