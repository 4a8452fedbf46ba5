"""The row of tabs: number and word of each; a sign where a rule that fires is about what a tab shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from k3k_tui.screens.control_plane.tabs import TABS, Tab
from k3k_tui.services import services
from k3k_tui.widgets.jump_target import JumpTarget

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow

# Beginnings of the names of the rules that are about what a tab shows.
_ABOUT: Final = {
    "api": ("Api",),
    "datastore": ("Datastore", "Kine", "Etcd"),
    "controllers": ("Queue", "PodsPending", "AggregatedApi"),
    "certificates": ("Certificate", "Authority"),
}


def in_trouble(row: FleetRow | None) -> frozenset[str]:
    """Return the tabs that show something a rule fires about.

    Args:
        row: of the fleet.
    """
    if row is None:
        return frozenset()
    rules = [finding.rule for finding in row.judgement.findings if finding.severity != "info"]
    return frozenset(tab for tab, starts in _ABOUT.items() if any(rule.startswith(starts) for rule in rules))


class TabStrip(Widget):
    """One line with the tabs; a click opens one."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TabStrip {
        height: 1;
        background: $surface;
    }
    """

    class Picked(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__()
        self._active = TABS[0].name
        self._marked: frozenset[str] = frozenset()

    def show(self, active: str, marked: Collection[str]) -> None:
        """Show which tab is open.

        Args:
            active: name of it.
            marked: names of those where something is wrong.
        """
        if (active, frozenset(marked)) != (self._active, self._marked):
            self._active, self._marked = active, frozenset(marked)
            self.refresh()

    def render(self) -> Text:
        """Draw the line."""
        palette, glyphs = services(self).look.palette, services(self).look.glyphs
        line = Text(no_wrap=True)
        for number, tab in enumerate(TABS, start=1):
            over = palette.cursor if tab.name == self._active else None
            parts = (
                (f" {number}", palette.style("muted")),
                (glyphs.verdicts.get("Degraded", "!"), palette.style("warn"))
                if tab.name in self._marked
                else (" ", palette.style("text")),
                (f"{self._title(tab)}{self._gap}", palette.style("title" if over else "text")),
            )
            for text, style in parts:
                line.append(text, style + over if over else style)
        return line

    def on_click(self, event: Click) -> None:
        """Open the tab that was clicked."""
        place = 0
        for tab in TABS:
            place += 3 + len(self._title(tab)) + len(self._gap)
            if event.x < place:
                self.post_message(self.Picked(tab.name))
                return

    def jump_targets(self) -> Iterable[JumpTarget]:
        """Offer every tab to jump mode."""
        place = self.region.x
        for tab in TABS:
            yield JumpTarget(place, self.region.y, partial(self.post_message, self.Picked(tab.name)))
            place += 3 + len(self._title(tab)) + len(self._gap)

    @property
    def _gap(self) -> str:
        return " " if self._is_wide else ""

    @property
    def _is_wide(self) -> bool:
        return self.size.width >= sum(len(tab.title) + 4 for tab in TABS)

    def _title(self, tab: Tab) -> str:
        return tab.title if self._is_wide else tab.short
