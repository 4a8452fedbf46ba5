"""The first line of a screen: where one is, and what one should know wherever one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.widget import Widget

from k3k_core.cli.terminal import escape
from k3k_tui.navigator import crumbs
from k3k_tui.places import Place
from k3k_tui.services import services
from k3k_tui.text import fit, width

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet
    from k3k_tui.jobs.job import Job


class Breadcrumbs(Widget):
    """One line: the way from the top to here; at its end running jobs, read-only, and why there is no fleet."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Breadcrumbs {
        dock: top;
        height: 1;
        background: $panel;
        color: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._endings: list[Callable[[], None]] = []
        self._shown: tuple[object, ...] = ()

    def on_mount(self) -> None:
        """Follow the jobs and the fleet."""
        known = services(self)
        self._endings += [known.jobs.listen(self._job_changed), known.fleet.listen(self._fleet_changed)]

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        for end in self._endings:
            end()

    def update(self) -> None:
        """Draw the line anew if something on it is different."""
        now = self._facts()
        if now != self._shown and self.is_attached:
            self._shown = now
            self.refresh()

    def render(self) -> Content:
        """Return the line."""
        room = self.size.width
        notes = self._notes()
        taken = sum(width(text) for text, _ in notes)
        way = " > ".join(escape(each) for each in crumbs(self._place()))
        return Content.assemble((" k3k ", "bold $accent"), fit(way, max(room - taken - 5, 0)), *notes)

    def _notes(self) -> tuple[tuple[str, str], ...]:
        known = services(self)
        notes: list[tuple[str, str]] = []
        if running := len(known.jobs.active):
            notes.append((f" {running} job{'s' if running > 1 else ''} running ", "$text-warning"))
        if known.fleet.error:
            notes.append((" no fleet ", "bold $text-error"))
        if known.read_only:
            notes.append((" read-only ", "bold $text-muted"))
        return tuple(notes)

    def _facts(self) -> tuple[object, ...]:
        return (crumbs(self._place()), self._notes())

    def _place(self) -> Place:
        return cast("Place", getattr(self.screen, "place", None))

    def _job_changed(self, _job: Job) -> None:
        self.update()

    def _fleet_changed(self, _change: ChangeSet) -> None:
        self.update()
