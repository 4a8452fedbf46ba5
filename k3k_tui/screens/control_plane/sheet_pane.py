"""Tabs that are one sheet: laid out anew when something new is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from textual.app import ComposeResult
from textual.widget import Widget

from k3k_tui.screens.control_plane.api import api_lines
from k3k_tui.screens.control_plane.background import in_background
from k3k_tui.screens.control_plane.certificates import certificates_lines
from k3k_tui.screens.control_plane.controllers import controllers_lines
from k3k_tui.screens.control_plane.datastore import datastore_lines
from k3k_tui.screens.control_plane.events import events_lines
from k3k_tui.screens.control_plane.overview import overview_lines
from k3k_tui.screens.control_plane.pane import Pane
from k3k_tui.screens.control_plane.sheet import SheetView
from k3k_tui.services import services
from k3k_tui.view.lines import Line
from k3k_tui.view.text_filter import TextFilter, parse_text
from k3k_tui.widgets.ask_line import AskLine
from k3k_tui.widgets.text_view import Sheet

if TYPE_CHECKING:
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch

Matches: TypeAlias = Callable[[str], bool]
# Makes the lines of a sheet from what is known, for a width and a height, those that match where it has a filter.
Layout: TypeAlias = Callable[[SheetView, int, int, Matches], Sequence[Line]]
# Seconds after which ages on a sheet are told anew although nothing is new.
_AGED = 10.0


class SheetPane(Pane):
    """One sheet.

    Args:
        known: everything that is known of the control plane.
        layout: makes its lines.
        plots: whether it has plots, whose span can be chosen.
        filtered: whether it has lines that can be filtered.
    """

    def __init__(
        self, known: ControlPlaneWatch, layout: Layout, *, plots: bool = False, filtered: bool = False
    ) -> None:
        super().__init__(known)
        self._layout_lines = layout
        self._plots = plots
        self._filtered = filtered
        self._filter: TextFilter = parse_text("")
        self._typed = ""
        self._drawn_at = 0.0

    def compose(self) -> ComposeResult:
        """Lay out the sheet and the line for its filter."""
        yield Sheet(self._lines)
        yield AskLine()

    @property
    def target(self) -> Widget:
        """The sheet."""
        return self.query_one(Sheet)

    @property
    def verbs(self) -> Mapping[str, Callable[[], None]]:
        """What can be done with the sheet."""
        verbs: dict[str, Callable[[], None]] = {"reload": self._reload, "copy": self.copy}
        if self._plots:
            verbs["span"] = self._next_span
        if self._filtered:
            verbs["filter"] = self._ask_filter
            if self.is_mounted and self.query_one(AskLine).what:
                verbs["back"] = self._end_filter
        return verbs

    @property
    def copied(self) -> tuple[str, str]:
        """The sheet."""
        return self.query_one(Sheet).plain, "what the tab shows"

    def opened(self) -> None:
        """Show what has become of it meanwhile."""
        self.news()

    def news(self) -> None:
        """Lay the sheet out anew."""
        self._drawn_at = services(self).clock()
        self.query_one(Sheet).rebuild()

    def tick(self) -> None:
        """Let ages grow."""
        if services(self).clock() - self._drawn_at >= _AGED:
            self.news()

    def _lines(self, columns: int, rows: int) -> Sequence[Line]:
        return self._layout_lines(self.known.view(), columns, rows, self._filter.matches)

    def _reload(self) -> None:
        in_background(self, self.known.load_description, "description")

    def _next_span(self) -> None:
        self.known.next_span()
        self.news()

    def _ask_filter(self) -> None:
        self.query_one(AskLine).ask("filter", "/", self._typed)

    def _end_filter(self) -> None:
        self.query_one(AskLine).close()
        self._filter, self._typed = parse_text(""), ""
        self.target.focus()
        self.news()

    def on_ask_line_changed(self, event: AskLine.Changed) -> None:
        """Filter while it is typed; what is wrong leaves the filter before in force."""
        event.stop()
        found = parse_text(event.text)
        self.query_one(AskLine).say(found.problem.message if found.problem else "")
        if not found.problem:
            self._filter, self._typed = found, event.text
            self.news()

    def on_ask_line_entered(self, event: AskLine.Entered) -> None:
        """Go back to the sheet; an empty filter is none."""
        event.stop()
        if event.text.strip():
            self.target.focus()
        else:
            self._end_filter()


class DescriptionPane(SheetPane):
    """One sheet that shows what the host's objects say, too."""

    NEEDS_DESCRIPTION = True


def _unfiltered(make: Callable[[SheetView, int, int], Sequence[Line]]) -> Layout:
    return lambda view, columns, rows, _matches: make(view, columns, rows)


def sheet_pane(name: str, known: ControlPlaneWatch) -> SheetPane:
    """Make the pane of a tab that is one sheet.

    Args:
        name: of the tab.
        known: everything that is known of the control plane.

    Raises:
        KeyError: the tab is no sheet.
    """
    made: dict[str, Callable[[], SheetPane]] = {
        "overview": lambda: DescriptionPane(known, _unfiltered(overview_lines), plots=True),
        "api": lambda: SheetPane(known, _unfiltered(api_lines), plots=True),
        "datastore": lambda: SheetPane(known, _unfiltered(datastore_lines), plots=True),
        "controllers": lambda: SheetPane(known, controllers_lines, plots=True, filtered=True),
        "certificates": lambda: DescriptionPane(known, certificates_lines, filtered=True),
        "events": lambda: DescriptionPane(known, events_lines, filtered=True),
    }
    return made[name]()
