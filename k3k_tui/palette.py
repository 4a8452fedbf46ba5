"""The command palette: every action and every control plane, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from k3k_core.cli.terminal import escape
from k3k_tui.actions.action import Action

# Control planes that are offered at once: more cannot be looked through.
_MOST = 50


class Commanding(Protocol):
    """What the palette needs of the app."""

    def usable_actions(self) -> Iterable[Action]:
        """Return the actions that may be used here."""
        ...

    def control_plane_names(self) -> Iterable[str]:
        """Return a name for every control plane."""
        ...

    async def run_line(self, line: str) -> None:
        """Do what a command line says."""
        ...

    async def begin(self, action: Action) -> None:
        """Do what an action says, or ask for its words."""
        ...


class PaletteProvider(Provider):
    """Offers actions by title, then control planes by name."""

    @property
    def _dashboard(self) -> Commanding:
        return cast("Commanding", self.app)

    def _actions(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        for action in self._dashboard.usable_actions():
            if action.scope in {"command-line", "help", "dialog"} or action.name == "app.palette":
                continue
            yield f"{action.title}", action.summary, partial(self._dashboard.begin, action)

    async def discover(self) -> Hits:
        """Offer every action."""
        for title, summary, run in self._actions():
            yield DiscoveryHit(Content(title), run, text=title, help=summary)

    async def search(self, query: str) -> Hits:
        """Offer what matches.

        Args:
            query: as typed.
        """
        matcher = self.matcher(query)
        for title, summary, run in self._actions():
            if score := matcher.match(title):
                yield Hit(score, matcher.highlight(title), run, text=title, help=summary)
        found = ((matcher.match(name), name) for name in self._dashboard.control_plane_names())
        best = sorted((each for each in found if each[0]), reverse=True)[:_MOST]
        for score, name in best:
            run = partial(self._dashboard.run_line, name)
            yield Hit(score, Content(escape(name)), run, text=name, help="Go to this control plane.")
