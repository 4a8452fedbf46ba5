"""A table for tens of thousands of lines: only those on the screen are made, only what differs is painted anew."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from functools import partial
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from k3k_tui.actions.registry import bindings
from k3k_tui.services import services
from k3k_tui.widgets.ground import ground
from k3k_tui.widgets.jump_target import JumpTarget
from k3k_tui.widgets.line_cache import LineCache, MadeLine
from k3k_tui.widgets.line_cursor import LineCursor
from k3k_tui.widgets.line_painter import LinePainter
from k3k_tui.widgets.lines import (
    GUTTER,
    AnyColumn,
    Layout,
    Line,
    Lines,
    LineSource,
    TableColumn,
    laid_out,
)

__all__ = ["AnyColumn", "Layout", "Line", "LineSource", "LineTable", "Lines", "TableColumn", "laid_out"]


class TableMessage(Message):
    """Something that a table tells.

    Args:
        table: which one.
    """

    def __init__(self, table: LineTable) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> LineTable:
        """The table."""
        return self.table


class LineTable(ScrollView, can_focus=True):
    """A table with a cursor, marks and a line of headings.

    Args:
        fixed: how many columns stay where they are when the others move sideways.
        markable: whether lines can be marked.
        id: of the widget.
        classes: of the widget.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        scrollbar-size: 1 1;
        scrollbar-gutter: stable;
    }
    """

    class Highlighted(TableMessage):
        """The cursor came to another line."""

        def __init__(self, table: LineTable, key: Hashable | None) -> None:
            super().__init__(table)
            self.key = key

    class Selected(TableMessage):
        """A line was chosen: with a key, or by a second click."""

        def __init__(self, table: LineTable, key: Hashable) -> None:
            super().__init__(table)
            self.key = key

    class Marked(TableMessage):
        """Other lines are marked than before."""

        def __init__(self, table: LineTable, keys: frozenset[Hashable]) -> None:
            super().__init__(table)
            self.keys = keys

    class HeadingPicked(TableMessage):
        """The heading of a column was clicked."""

        def __init__(self, table: LineTable, name: str) -> None:
            super().__init__(table)
            self.name = name

    def __init__(
        self,
        *,
        fixed: int = 0,
        markable: bool = False,
        id: str | None = None,  # noqa: A002 (as every widget calls it)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._fixed = fixed
        self._markable = markable
        self._source: LineSource = Lines()
        self._cache = LineCache(self._source)
        self._layout_columns: Layout = laid_out(())
        self._painter: LinePainter | None = None
        self._cursor = LineCursor()
        # Whether somebody has put the cursor where it is; until then it rests on the first line.
        self._chosen = False
        self._marked: frozenset[Hashable] = frozenset()
        self._last_marked: Hashable | None = None
        self._order = ("", False)
        # What is on the screen, by line of the widget: the line, whether under the cursor, whether marked.
        self._painted: dict[int, tuple[MadeLine, bool, bool]] = {}
        # The theme, the place sideways, and the ground.
        self._drawn_with = (-1, -1, Style.null())

    # What is shown

    def show(self, columns: Layout | Sequence[TableColumn], source: LineSource) -> None:
        """Show lines, or other columns of them; the cursor stays on its key.

        Args:
            columns: from left to right, or what chooses them for a width.
            source: the lines.
        """
        self._layout_columns = columns if callable(columns) else laid_out(columns)
        self._source = source
        self._cache = LineCache(source)
        if self._painter is None or tuple(self._columns()) != self._painter.columns:
            self._painter = None
            self.refresh()
        self.reordered()

    def show_order(self, name: str, *, descending: bool) -> None:
        """Put the sign of the order beside the heading of a column.

        Args:
            name: of the column; empty for none.
            descending: whether the order is turned round.
        """
        if self._order != (name, descending):
            self._order = (name, descending)
            self.refresh(Region(0, 0, self._width, 1))

    def changed(self, lines: Collection[int] | None = None) -> None:
        """Paint what differs in some lines; those out of sight cost nothing.

        Args:
            lines: whose cells may have changed; all by default.
        """
        for index in self._in_sight():
            if lines is None or index in lines:
                self._cache.renew(index)
        self._paint_differences()

    def reordered(self) -> None:
        """Show lines that came, went or changed places; the cursor's line stays where it is on the screen.

        A cursor that nobody has moved yet stays on the first line.
        """
        held, place = self._held()
        key = self._cursor.key
        if self._chosen:
            self._cursor.follow(self._source)
        else:
            self._cursor.move(self._source, 0, 1)
        self._fit_to_lines()
        now = None if held is None else self._source.index(held)
        if now is not None:
            self._scroll(now - place)
        self._paint_differences()
        if self._cursor.key != key:
            self.post_message(self.Highlighted(self, self._cursor.key))

    # Cursor and marks

    @property
    def cursor(self) -> Hashable | None:
        """What the line under the cursor stands for; None while there is no line."""
        return self._cursor.key

    @property
    def cursor_line(self) -> int:
        """Number of the line under the cursor; -1 while there is none."""
        return self._cursor.index

    @property
    def marked(self) -> frozenset[Hashable]:
        """What is marked."""
        return self._marked

    @property
    def keys_in_sight(self) -> tuple[Hashable, ...]:
        """What the lines on the screen stand for."""
        keys = (self._source.key(index) for index in self._in_sight())
        return tuple(key for key in keys if key is not None)

    @property
    def columns(self) -> tuple[AnyColumn, ...]:
        """The columns that are shown."""
        return self._painter.columns if self._painter is not None else ()

    def go_to(self, key: Hashable) -> bool:
        """Put the cursor on a line and bring it into sight.

        Args:
            key: what the line stands for.

        Returns:
            Whether it is there.
        """
        before = self._cursor.key
        there = self._cursor.jump(self._source, key)
        if there:
            self._came_from(before)
        return there

    def jump_targets(self) -> Iterable[JumpTarget]:
        """Offer every line in sight to jump mode."""
        place = self.content_region
        for line, index in enumerate(self._in_sight(), start=1):
            key = self._source.key(index)
            if key is not None:
                yield JumpTarget(place.x, place.y + line, partial(self._jump_to, key))

    def _jump_to(self, key: Hashable) -> None:
        self.focus()
        self.go_to(key)

    def mark(self, keys: Iterable[Hashable]) -> None:
        """Mark exactly these lines.

        Args:
            keys: what they stand for.
        """
        marked = frozenset(keys)
        if marked != self._marked:
            self._marked = marked
            self._paint_differences()
            self.post_message(self.Marked(self, marked))

    def _move(self, index: int, step: int) -> None:
        before = self._cursor.key
        self._cursor.move(self._source, index, step)
        self._came_from(before)

    def hold(self) -> None:
        """Keep the cursor on its key from now on, wherever its line goes, as if somebody had put it there."""
        self._chosen = True

    def _came_from(self, before: Hashable | None) -> None:
        self._chosen = True
        self._bring_into_sight()
        self._paint_differences()
        if self._cursor.key != before:
            self.post_message(self.Highlighted(self, self._cursor.key))

    # What keys do

    def action_move(self, lines: int) -> None:
        """Move the cursor up or down."""
        self._move(self._cursor.index + lines, 1 if lines > 0 else -1)

    def action_page(self, pages: int) -> None:
        """Move the cursor by pages."""
        self._move(self._cursor.index + pages * max(1, self._height - 1), 1 if pages > 0 else -1)

    def action_first(self) -> None:
        """Move the cursor to the first line."""
        self._move(0, 1)

    def action_last(self) -> None:
        """Move the cursor to the last line."""
        self._move(len(self._source) - 1, -1)

    def action_sideways(self, columns: int) -> None:
        """Bring columns into sight that are beside the screen."""
        painter = self._ready()
        left = self.scroll_offset.x
        stops = [start - painter.fixed_width for start in painter.starts if start >= painter.fixed_width]
        beyond = [stop for stop in stops if (stop > left if columns > 0 else stop < left)]
        if beyond:
            self.scroll_to(x=beyond[0] if columns > 0 else beyond[-1], animate=False, force=True)

    def action_select(self) -> None:
        """Choose the line under the cursor."""
        if self._cursor.key is not None:
            self.post_message(self.Selected(self, self._cursor.key))

    def action_mark(self) -> None:
        """Mark the line under the cursor, or take its mark away, and go to the next."""
        key = self._cursor.key
        if key is not None:
            self.mark(self._marked ^ {key})
            self._last_marked = key
            self.action_move(1)

    def action_mark_range(self) -> None:
        """Mark everything from the line marked last to the cursor."""
        start = None if self._last_marked is None else self._source.index(self._last_marked)
        end = self._cursor.index
        if start is None or end < 0:
            self.action_mark()
            return
        keys = (self._source.key(index) for index in range(min(start, end), max(start, end) + 1))
        self.mark(self._marked | {key for key in keys if key is not None})

    def action_mark_all(self) -> None:
        """Mark every line that is shown."""
        keys = (self._source.key(index) for index in range(len(self._source)))
        self.mark(self._marked | {key for key in keys if key is not None})

    def action_unmark_all(self) -> None:
        """Take away every mark."""
        self.mark(())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave out marks where nothing can be marked."""
        return self._markable or "mark" not in action

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click chooses the line, one with Ctrl marks it."""
        if event.y == 0:
            painter, left = self._ready(), self.scroll_offset.x
            column = painter.column_at(event.x if event.x < painter.fixed_width else event.x + left)
            if column is not None:
                self.post_message(self.HeadingPicked(self, column.name))
            return
        index = self._first + event.y - 1
        key = self._source.key(index) if index < len(self._source) else None
        if key is None:
            return
        self._move(index, 1)
        if event.ctrl and self._markable:
            self.mark(self._marked ^ {key})
            self._last_marked = key
        elif event.chain == 2:
            self.action_select()

    # Where things are

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _height(self) -> int:
        """Lines below the headings."""
        return max(0, self.scrollable_content_region.height - 1)

    @property
    def _first(self) -> int:
        """Line below the headings."""
        return self.scroll_offset.y

    def _in_sight(self) -> range:
        return range(self._first, min(self._first + self._height, len(self._source)))

    def _held(self) -> tuple[Hashable | None, int]:
        """Return the key that is to stay where it is on the screen, and how many lines are above it there.

        That is the cursor's, or the topmost one when the cursor is out of sight.
        """
        place = self._cursor.index - self._first
        if 0 <= place < self._height:
            return (self._cursor.key, place) if self._chosen else (None, 0)
        painted = (
            (made.key, y - 1) for y, (made, _, _) in sorted(self._painted.items()) if made.key is not None
        )
        return next(painted, (None, 0))

    def _scroll(self, first: int) -> None:
        """Bring a line to the top; the heading of the first group with it, should it be alone above."""
        if 0 < first < 3 and all(self._source.key(above) is None for above in range(first)):
            first = 0
        self.scroll_to(y=max(0, first), animate=False, force=True)

    def _bring_into_sight(self) -> None:
        """Scroll until the cursor is on the screen; over a slow line by half a page, so that it is seldom."""
        index, first, height = self._cursor.index, self._first, self._height
        if index < 0 or not height or first <= index < first + height:
            return
        spare = height // 2 if services(self).profile.remote else 0
        if index >= first + height:
            self._scroll(index - height + 1 + spare)
        else:
            self._scroll(index - spare)

    def _fit_to_lines(self) -> None:
        if self._width:
            self.virtual_size = Size(self._ready().width, len(self._source) + 1)

    def on_resize(self) -> None:
        """Choose the columns for the width there is now."""
        self._painter = None
        self._painted.clear()
        # Other columns have other cells.
        self._cache = LineCache(self._source)
        self._fit_to_lines()
        self._bring_into_sight()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Paint only what differs: neighbouring lines have much in common."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._paint_differences()

    # Painting

    def render_line(self, y: int) -> Strip:
        """Draw one line of the widget; the first one holds the headings."""
        painter, width = self._ready(), self._width
        if y == 0:
            order, descending = self._order
            return self._sideways(painter.header(width, order, descending=descending), painter)
        wanted = self._wanted(y)
        if wanted is None:
            self._painted.pop(y, None)
            return Strip.blank(width, painter.ground)
        self._painted[y] = wanted
        made, cursor, marked = wanted
        strip = made.strips.get((cursor, marked))
        if strip is None:
            if made.key is None:
                strip = painter.heading(made.cells, width)
            else:
                line = painter.line(made.cells, width, cursor=cursor, marked=marked)
                strip = self._sideways(line, painter)
            made.strips[cursor, marked] = strip
        return strip

    def _wanted(self, y: int) -> tuple[MadeLine, bool, bool] | None:
        """Return what belongs on a line of the widget; None below the last one."""
        index = self._first + y - 1
        if index >= len(self._source):
            return None
        made = self._cache.line(index)
        marked = bool(self._marked) and self._source.key(index) in self._marked
        return made, index == self._cursor.index, marked

    def _paint_differences(self) -> None:
        """Have painted what is not on the screen as it should be."""
        painter = self._painter
        if painter is None or not self.is_attached:
            return
        width, left = self._width, self.scroll_offset.x
        regions = []
        for y in range(1, self._height + 1):
            now, wanted = self._painted.get(y), self._wanted(y)
            if now == wanted:
                continue
            if now is None or wanted is None or now[1:] != wanted[1:] or None in {now[0].key, wanted[0].key}:
                regions.append(Region(0, y, width, 1))
            else:
                spans = painter.differences(now[0].cells, wanted[0].cells, left)
                regions += [Region(start, y, end - start, 1) for start, end in spans if start < width]
        if regions:
            self.refresh(*regions)

    def _sideways(self, strip: Strip, painter: LinePainter) -> Strip:
        """Cut a line to what is on the screen of it."""
        left, width, fixed = self.scroll_offset.x, self._width, painter.fixed_width
        if not left:
            return strip.crop(0, width)
        return Strip.join([strip.crop(0, fixed), strip.crop(fixed + left, left + width)])

    def _ready(self) -> LinePainter:
        """Return the painter for the width, the theme and the place sideways of this moment."""
        look = services(self).look
        drawn_with = (look.version, self.scroll_offset.x, ground(self))
        if drawn_with != self._drawn_with:
            if drawn_with[::2] != self._drawn_with[::2]:
                self._painter = None
            self._drawn_with = drawn_with
            self._cache.forget_strips()
        if self._painter is None:
            self._painter = LinePainter(self._columns(), self._fixed, look, drawn_with[2])
        return self._painter

    def _columns(self) -> Sequence[AnyColumn]:
        return self._layout_columns(max(0, self._width - GUTTER))
