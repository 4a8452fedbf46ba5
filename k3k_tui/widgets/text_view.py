"""Lines to read: made only when they come into sight, scrolled, selected and copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from k3k_tui.actions.registry import bindings
from k3k_tui.services import services
from k3k_tui.view.lines import Line, line_width

_OF_TABLES = frozenset({"select", "mark", "mark_range", "mark_all", "unmark_all"})
# Makes the lines for a width and a height in cells.
Build: TypeAlias = Callable[[int, int], Sequence[Line]]


class Text(Protocol):
    """Lines that are asked for one by one."""

    def __len__(self) -> int:
        """Return how many lines there are."""
        ...

    def line(self, index: int) -> Line:
        """Return a line.

        Args:
            index: from the top, 0 for the first.
        """
        ...

    @property
    def columns(self) -> int:
        """Terminal cells of the longest line, or a little more."""
        ...


class FixedText:
    """Lines that are all there.

    Args:
        lines: from top to bottom.
    """

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        self._lines = tuple(lines)
        self.columns = max(map(line_width, self._lines), default=0)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        """Return a line."""
        return self._lines[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FixedText) and other._lines == self._lines

    def __hash__(self) -> int:
        return hash(self._lines)


class TextView(ScrollView, can_focus=True):
    """Shows lines.

    Args:
        id: of the widget.
        classes: of the widget.
    """

    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    DEFAULT_CSS = """
    TextView {
        height: 1fr;
        scrollbar-size: 0 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._text: Text = FixedText()

    @property
    def text(self) -> Text:
        """The lines that are shown."""
        return self._text

    def show(self, text: Text) -> None:
        """Show other lines from where the view stands.

        Args:
            text: what to show.
        """
        self._text = text
        self.grown()

    def grown(self) -> None:
        """Take notice that lines came, went or changed."""
        self.virtual_size = Size(self._text.columns, len(self._text))
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 (Textual's signature)
        """Hide the keys of tables that mean nothing for text: it has no cursor and no marks."""
        return action not in _OF_TABLES

    def action_move(self, step: int) -> None:
        """Scroll by lines.

        Args:
            step: how many, below zero upwards.
        """
        self.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """Scroll by pages.

        Args:
            step: how many, below zero upwards.
        """
        self.scroll_relative(y=step * max(1, self.size.height - 1), animate=False)

    def action_first(self) -> None:
        """Scroll to the first line."""
        self.scroll_to(y=0, animate=False)

    def action_last(self) -> None:
        """Scroll to the last line."""
        self.scroll_to(y=self.max_scroll_y, animate=False)

    def action_sideways(self, step: int) -> None:
        """Scroll sideways, where lines are longer than the view is wide.

        Args:
            step: how far, below zero to the left.
        """
        self.scroll_relative(x=step * max(1, self.size.width // 3), animate=False)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the widget."""
        left, top = self.scroll_offset
        index, width = top + y, self.size.width
        if index >= len(self._text):
            return Strip.blank(width, self.rich_style)
        whole = self._strip(index)
        strip = whole.crop_extend(left, left + width, self.rich_style)
        if whole.cell_length > left + width:
            # There is no bar for going sideways; a sign says that the line goes on.
            look = services(self).look
            sign = Segment(look.glyphs.ellipsis, self.rich_style + look.palette.style("accent"))
            strip = Strip([*strip.crop(0, width - 1), sign], width)
        return strip.apply_offsets(left, index)

    def _strip(self, index: int) -> Strip:
        palette = services(self).look.palette
        base = self.rich_style
        segments = [
            Segment(cell.text, base + palette.style(cell.role))
            for cell in self._text.line(index)
            if cell.text
        ]
        selection = self.text_selection
        span = None if selection is None else selection.get_span(index)
        if span is not None:
            segments = _selected(segments, span, self.screen.get_component_rich_style("screen--selection"))
        return Strip(segments)

    @property
    def plain(self) -> str:
        """All lines as text, without the blanks at their ends."""
        lines = (self._text.line(index) for index in range(len(self._text)))
        return "\n".join("".join(cell.text for cell in line).rstrip() for line in lines)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that was selected with the mouse."""
        return selection.extract(self.plain), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 (Textual's signature)
        """Draw what is selected."""
        self.refresh()


def _selected(segments: list[Segment], span: tuple[int, int], style: Style) -> list[Segment]:
    """Lay the style of a selection over some characters of a line; an end of -1 is the line's."""
    start, end = span
    drawn: list[Segment] = []
    place = 0
    for segment in segments:
        text, base = segment.text, segment.style or Style.null()
        first = min(max(start - place, 0), len(text))
        last = len(text) if end == -1 else min(max(end - place, 0), len(text))
        for part, look in ((text[:first], base), (text[first:last], base + style), (text[last:], base)):
            if part:
                drawn.append(Segment(part, look))
        place += len(text)
    return drawn


class Sheet(TextView):
    """Shows lines that are laid out for its size, again whenever that changes.

    Args:
        build: makes the lines.
        id: of the widget.
        classes: of the widget.
    """

    def __init__(self, build: Build, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._build = build

    def rebuild(self) -> None:
        """Lay the lines out anew and draw them if they differ."""
        size = self.size
        if not size.width or not size.height:
            return
        # The scroll bar's column is kept free, or it would come and go with what it makes room for.
        lines = self._build(max(1, size.width - 1), size.height)
        before, made = self._text, FixedText(lines)
        # Only beyond the edge it matters how long the longest line is.
        if len(made) != len(before) or max(made.columns, before.columns) > size.width:
            if made != before:
                self.show(made)
            return
        self._text = made
        top = self.scroll_offset.y
        differing = [
            Region(0, index - top, size.width, 1)
            for index in range(top, min(top + size.height, len(made)))
            if made.line(index) != before.line(index)
        ]
        if differing:
            self.refresh(*differing)

    def on_resize(self) -> None:
        """Lay the lines out for the new size."""
        self.rebuild()
