"""The `:` line and the palette: what may be done, what a line means, and doing it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from k3k_core.errors import K3kError, UsageError
from k3k_tui import dispatch
from k3k_tui.actions.action import Action
from k3k_tui.actions.registry import ACTIONS
from k3k_tui.actions.typed import TypedHistory, commands, complete, parse
from k3k_tui.naming import find, shortest_names
from k3k_tui.offers import Offers
from k3k_tui.places import ControlPlanePlace
from k3k_tui.widgets.command_line import CommandLine
from k3k_tui.widgets.toast import tell_error

if TYPE_CHECKING:
    from k3k_tui.app import K3kApp


class CommandMode:
    """Understands command lines and does what they say.

    Args:
        app: the dashboard.
    """

    def __init__(self, app: K3kApp) -> None:
        self._app = app
        self._typed = TypedHistory()
        self._offers = Offers(app.services, lambda: app.themes.names)

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions that may be used."""
        return tuple(action for action in ACTIONS.values() if not self._app.is_hidden(action))

    @property
    def control_planes(self) -> Iterable[str]:
        """A name for every control plane."""
        return self._offers.control_planes()

    async def ask(self, text: str = "") -> None:
        """Open the line.

        Args:
            text: what stands on it at first.
        """
        screen = self._app.screen
        if screen.query(CommandLine):
            return
        # What is about the screen is offered before what works everywhere.
        actions = sorted(self.actions, key=lambda action: action.scope == "app")
        summaries = {name: action.summary for name, action in commands(actions).items()}
        line = CommandLine(lambda typed: complete(typed, actions, self._offers), summaries, self._typed, text)
        await screen.mount(line)

    async def run(self, line: str) -> None:
        """Do what a line says.

        Args:
            line: without the colon.
        """
        keys = self._app.services.fleet.rows.keys()
        try:
            # What is left out is known, so that it is not taken for a misspelling.
            typed = parse(line, ACTIONS.values(), shortest_names(keys))
            if typed is None:
                return
            if typed.action is not None and self._app.is_hidden(typed.action):
                raise UsageError(
                    "This changes something, and this dashboard is read-only.",
                    hint="Start k3k without --read-only to change things.",
                )
            if typed.action is None:
                self._app.open_place(ControlPlanePlace(find(typed.words[0], keys)))
            else:
                await self.do(typed.action, typed.words)
        except K3kError as error:
            tell_error(self._app, error, title=f":{line}")

    async def begin(self, action: Action) -> None:
        """Do what an action says; where it cannot do without words, ask for them on the line.

        Args:
            action: what was picked.
        """
        try:
            await self.do(action, ())
        except K3kError as error:
            tell_error(self._app, error, title=action.title)

    async def do(self, action: Action, words: tuple[str, ...]) -> None:
        """Go where an action belongs, and do it.

        Args:
            action: what is to be done.
            words: what followed the command.

        Raises:
            UsageError: there is no control plane for it.
        """
        app = self._app
        target = next(iter(app.targets()), None)
        home = dispatch.home_of(action.scope, app.place, app.fleet_place, target)
        run = dispatch.run_with(action, words)
        if home is None:
            await app.run_action(run, app.screen)
            return
        app.open_place(home)
        # Its actions are there when it is mounted.
        app.call_after_refresh(app.run_action, run, app.screen)
