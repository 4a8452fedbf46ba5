"""The command palette: every action and every control plane, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from k3k_core.cli.terminal import escape
from k3k_tui.actions.action import Action, Scope

# Control planes that are offered at once: more cannot be looked through.
_MOST = 50
_GO = "Go to this control plane."
# Scopes whose actions move something that the palette itself covers.
_MOVING: frozenset[Scope] = frozenset({"command-line", "help", "dialog", "table", "form"})


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
    """Offers actions by title, those of the open screen first, then control planes by name."""

    @property
    def _commands(self) -> Commands:
        return cast("HasCommands", self.app).commands

    def _actions(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        """Return what actions there are, those of the screen first: title, summary, what does it."""
        live = {each.binding.id for each in self.screen.active_bindings.values()}
        offered = [action for action in self._commands.actions if action.scope not in _MOVING]
        for action in sorted(offered, key=lambda each: (each.name not in live, each.scope == "app")):
            if action.name in live or action.command:
                yield action.title, action.summary, partial(self._commands.begin, action)

    async def discover(self) -> Hits:
        """Offer every action."""
        for title, summary, run in self._actions():
            yield DiscoveryHit(Content(title), run, text=title, help=summary)
        for name in islice(self._commands.control_planes, _MOST):
            yield DiscoveryHit(Content(escape(name)), self._way_to(name), text=name, help=_GO)

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
            yield Hit(score, Content(escape(name)), self._way_to(name), text=name, help=_GO)

    def _way_to(self, name: str) -> Callable[[], object]:
        return partial(self._commands.run, name)
