"""A block of text of a few lines whose parts have a meaning each; long lines are wrapped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.widget import Widget

from k3k_tui.look.look import Look
from k3k_tui.services import services
from k3k_tui.text import clean
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line


class CellLines(Widget):
    """Shows lines.

    Args:
        lines: from top to bottom.
        id: of the widget.
        classes: of the widget.
    """

    DEFAULT_CSS = """
    CellLines {
        width: 1fr;
        height: auto;
    }
    """

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        id: str | None = None,  # noqa: A002 (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines = tuple(lines)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def show(self, lines: Iterable[Line]) -> None:
        """Show other lines.

        Args:
            lines: from top to bottom.
        """
        self._lines = tuple(lines)
        self.refresh(layout=True)

    def render(self) -> Text:
        """Draw the lines in the colours of the theme that is on."""
        return text_of(self._lines, services(self).look)


def text_of(lines: Iterable[Line], look: Look) -> Text:
    """Return lines as one text for Textual; nothing in them is markup.

    Args:
        lines: from top to bottom.
        look: what to draw with.
    """
    drawn = Text("\n").join(
        Text.assemble(*((clean(cell.text), look.palette.style(cell.role)) for cell in line)) for line in lines
    )
    drawn.no_wrap = False
    return drawn


def say(text: str, role: Role = "text") -> Line:
    """Return a line of one part.

    Args:
        text: what it says.
        role: what it means.
    """
    return (Cell(text, role),)
