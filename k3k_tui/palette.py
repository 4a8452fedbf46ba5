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


class Commands(Protocol):
    """What the palette needs of the `:` line."""

    @property
    def actions(self) -> Iterable[Action]:
        """The actions that may be used."""
        ...

    @property
    def control_planes(self) -> Iterable[str]:
        """A name for every control plane."""
        ...

    async def run(self, line: str) -> None:
        """Do what a line says."""
        ...

    async def begin(self, action: Action) -> None:
        """Do what an action says."""
        ...


class HasCommands(Protocol):
    """An app with a `:` line."""

    @property
    def commands(self) -> Commands: ...


class PaletteProvider(Provider):
    """Offers actions by title, then control planes by name."""

    @property
    def _commands(self) -> Commands:
        return cast("HasCommands", self.app).commands

    def _actions(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        for action in self._commands.actions:
            if action.scope in {"command-line", "help", "dialog"} or action.name == "app.palette":
                continue
            yield f"{action.title}", action.summary, partial(self._commands.begin, action)

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
        found = ((matcher.match(name), name) for name in self._commands.control_planes)
        best = sorted((each for each in found if each[0]), reverse=True)[:_MOST]
        for score, name in best:
            run = partial(self._commands.run, name)
            yield Hit(score, Content(escape(name)), run, text=name, help="Go to this control plane.")
