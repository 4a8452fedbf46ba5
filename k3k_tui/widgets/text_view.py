"""Lines to read: made only when they come into sight, scrolled, selected and copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from k3k_tui.services import services
from k3k_tui.view.lines import Line, line_width

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
    DEFAULT_CSS = """
    TextView {
        height: 1fr;
        scrollbar-size: 1 1;
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

    def render_line(self, y: int) -> Strip:
        """Draw one line of the widget."""
        left, top = self.scroll_offset
        index, width = top + y, self.size.width
        if index >= len(self._text):
            return Strip.blank(width, self.rich_style)
        strip = self._strip(index).crop_extend(left, left + width, self.rich_style)
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

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that was selected with the mouse."""
        text = "\n".join(
            "".join(cell.text for cell in self._text.line(index)) for index in range(len(self._text))
        )
        return selection.extract(text), "\n"

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
        made = FixedText(self._build(max(1, size.width - 1), size.height))
        if made != self.text:
            self.show(made)

    def on_resize(self) -> None:
        """Lay the lines out for the new size."""
        self.rebuild()
