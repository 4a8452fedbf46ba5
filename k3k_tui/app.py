"""The dashboard's application: it holds the services, opens places and runs actions; screens do the rest."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import RenderableType
from textual import work
from textual.app import App
from textual.binding import BindingType
from textual.events import Event, Key
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from k3k_core.errors import K3kError
from k3k_tui import dispatch
from k3k_tui.actions.action import Action
from k3k_tui.actions.chosen import ChosenKeys, choose_keys
from k3k_tui.actions.keys import is_bound
from k3k_tui.actions.registry import ACTIONS, bindings, changed_keys
from k3k_tui.command_mode import CommandMode
from k3k_tui.key_queue import KeyQueue
from k3k_tui.look.filters import line_filters
from k3k_tui.look.frugal import frugal
from k3k_tui.look.pacing import Pacing
from k3k_tui.look.themes import install
from k3k_tui.naming import find
from k3k_tui.navigator import with_filter
from k3k_tui.places import ControlPlanePlace, FleetPlace, HostsPlace, JobsPlace, Place
from k3k_tui.screens.factory import screen_for
from k3k_tui.screens.stack import PlaceStack, place_of, place_screen, show
from k3k_tui.services import Services
from k3k_tui.widgets.command_line import CommandLine
from k3k_tui.widgets.toast import tell, tell_error

if TYPE_CHECKING:
    from textual.command import Provider

    from k3k_core.fleet import FleetKey

logger = logging.getLogger(__name__)


def _palette_provider() -> type[Provider]:
    """Return what fills the palette; it is imported when the palette is opened."""
    from k3k_tui.palette import PaletteProvider

    return PaletteProvider


class K3kApp(App[int]):
    """The dashboard.

    Args:
        services: what its screens work with.
        place: where it opens.
        notes: what is wrong with the user's choices; it is shown, and nothing else comes of it.
    """

    TITLE = "k3k"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    COMMANDS: ClassVar[set[Any]] = {_palette_provider}
    CSS = "Screen { layers: default command-line; }"

    def __init__(self, services: Services, place: Place | None = None, notes: Sequence[str] = ()) -> None:
        self.services = services
        self._first = place or FleetPlace()
        super().__init__()
        self._notes = tuple(notes)
        self._line_filters = line_filters(services.profile)
        self._places = PlaceStack(self, self._first)
        self._commands = CommandMode(self)
        self._pacing = Pacing(self)
        # Before the first frame, so that nothing is styled twice.
        self.themes = install(self, services)
        self.keys = ChosenKeys("", {})
        self._key_queue = KeyQueue(self, self._dispatch_key)
        self.failure: Exception | None = None

    def get_default_screen(self) -> Screen[Any]:
        """Return the screen below all others: the fleet."""
        return screen_for(self._first if isinstance(self._first, FleetPlace) else FleetPlace())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what makes drawn lines fit the terminal."""
        return [*super().get_line_filters(), *self._line_filters]

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send a frame, without what has not changed, and no faster than the terminal takes it."""
        if renderable is not None:
            self._pacing.sending()
        super()._display(screen, frugal(renderable))

    def on_mount(self) -> None:
        """Put the keys in place, open the first place, and the fleet once that is painted."""
        self.themes.follow()
        # The shell has written over everything meanwhile.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        config = self.services.config
        self.use_keys(choose_keys(config.keymap, config.keys, ACTIONS))
        for note in (*self._notes, *self.keys.problems):
            tell(self, note, title="Configuration", severity="warning")
        if not isinstance(self._first, FleetPlace):
            show(self, self._first)
        self.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        """Begin what the first frame did not have to wait for."""
        from k3k_tui.operations import announce

        announce(self)
        self.services.fleet.start()

    async def on_event(self, event: Event) -> None:
        """Deal with an event; keys one after the other."""
        if isinstance(event, Key) and not event.is_forwarded:
            self._key_queue.put(event)
        else:
            await super().on_event(event)

    async def _dispatch_key(self, key: Key) -> None:
        await super().on_event(key)

    async def on_unmount(self) -> None:
        """End what goes on in the background; a person has the terminal back before connections are closed."""
        await self._key_queue.close()
        await self.services.jobs.close()
        if self.is_headless:
            await self.services.fleet.close()

    def use_keys(self, keys: ChosenKeys) -> None:
        """Let the keys do what was chosen.

        Args:
            keys: by name of action.
        """
        self.keys = keys
        self.set_keymap(
            changed_keys(keys.keys, (action.name for action in ACTIONS.values() if self.is_hidden(action)))
        )

    def get_key_display(self, binding: Any) -> str:
        """Return how a key is written, with the signs that the terminal has."""
        if not is_bound(binding.key):
            return ""
        shown = super().get_key_display(binding)
        return shown if shown.isascii() or not self.services.profile.ascii else binding.key

    @property
    def place(self) -> Place:
        """Where one is, as it is now."""
        return self._places.current

    @property
    def fleet_place(self) -> FleetPlace:
        """The fleet as it was last seen."""
        return self._places.fleet

    def open_place(self, place: Place) -> None:
        """Go somewhere; where one was becomes history.

        Args:
            place: where to.
        """
        self._places.open(place)

    async def run_action(
        self, action: Any, default_namespace: Any = None, namespaces: Mapping[str, Any] | None = None
    ) -> bool:
        """Run a Textual action; what would change something is refused in a read-only dashboard."""
        if self.services.read_only and dispatch.is_dangerous(action, ACTIONS.values()):
            tell(self, "This dashboard is read-only.", title="Not done", severity="warning")
            return True
        try:
            if not isinstance(action, str) and action[0] in {"app", "screen"}:
                return await dispatch.perform(self if action[0] == "app" else self.screen, *action[1:])
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:  # noqa: BLE001 (a key that fails must not end what runs in the background)
            tell_failure(self, error)
            return True

    def targets(self) -> tuple[FleetKey, ...]:
        """Return the control planes an operation would work on: those marked, else the one under the cursor."""
        find = getattr(place_screen(self), "targets", None)
        return tuple(find()) if find is not None else ()

    def is_hidden(self, action: Action) -> bool:
        """Tell whether an action is left out.

        Args:
            action: any.
        """
        return self.services.read_only and action.danger != "none"

    @property
    def commands(self) -> CommandMode:
        """What the `:` line and the palette do."""
        return self._commands

    async def on_command_line_submitted(self, message: CommandLine.Submitted) -> None:
        """Do what was typed."""
        await self._commands.run(message.line)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong in the background."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            tell_failure(self, event.worker.error)

    def _handle_exception(self, error: Exception) -> None:
        # The command line tells of it after the terminal is itself again.
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with the values of variables; there may be secrets among them.
        self._close_messages_no_wait()

    async def action_command_line(self) -> None:
        """Open the `:` line; it is there for the next key."""
        await self._commands.ask()

    def action_command_palette(self) -> None:
        """Open the palette."""
        from textual.command import CommandPalette

        if not any(isinstance(each, CommandPalette) for each in self.screen_stack):
            self.push_screen(CommandPalette(placeholder="Commands and control planes"))

    def action_help(self) -> None:
        """Show what the keys do here."""
        from k3k_tui.widgets.help import HelpScreen, help_lines

        live = [
            (binding.id or "", self.get_key_display(binding), binding.description, tooltip)
            for _, binding, enabled, tooltip in self.screen.active_bindings.values()
            if enabled and is_bound(binding.key) and not binding.system
        ]
        lines = help_lines(live, ACTIONS, read_only=self.services.read_only)
        self.push_screen(HelpScreen(lines, f"Keys ({self.keys.name})"))

    def action_jump(self) -> None:
        """Put a letter on everything that can have the cursor."""
        from k3k_tui.widgets.jump import JumpScreen, jump_targets

        found = jump_targets(self.screen)
        if found:
            self.push_screen(JumpScreen(found), lambda target: target and target.go())

    def action_go_up(self) -> None:
        """Close what is open, or go up to the fleet."""
        self._places.up()

    def action_go_back(self) -> None:
        """Go back to where one was before."""
        self._places.back()

    def action_go_forward(self) -> None:
        """Go forward again."""
        self._places.forward()

    def action_go_last(self) -> None:
        """Go to the last place."""
        self._places.last()

    def action_open_fleet(self) -> None:
        """Go to the fleet."""
        self.open_place(self.fleet_place)

    def action_open_hosts(self) -> None:
        """Go to the hosts."""
        self.open_place(HostsPlace())

    def action_open_jobs(self) -> None:
        """Go to what runs in the background."""
        self.open_place(JobsPlace())

    def action_open_tab(self, tab: str, name: str = "") -> None:
        """Go to a control plane.

        Args:
            tab: which side of it.
            name: which one; empty for the one under the cursor.
        """
        try:
            keys = self.services.fleet.rows.keys()
            key = find(name, keys) if name else next(iter(self.targets()), None)
        except K3kError as error:
            tell_error(self, error, title=f":{tab}")
            return
        if key is not None:
            self.open_place(ControlPlanePlace(key, tab))

    def action_only(self, field: str, *words: str) -> None:
        """Show a part of the fleet.

        Args:
            field: of the filter.
            words: what it is to be; none for all.
        """
        self.open_place(with_filter(self.fleet_place, field, " ".join(words)))

    async def action_switch_theme(self, name: str = "") -> None:
        """Change the colours.

        Args:
            name: of the theme; empty asks.
        """
        if not name:
            await self._commands.ask("theme ")
            return
        try:
            self.themes.use(name)
        except K3kError as error:
            tell_error(self, error, title=":theme")

    async def action_switch_keymap(self, name: str = "") -> None:
        """Change what the keys do.

        Args:
            name: of the keymap; empty asks.
        """
        if not name:
            await self._commands.ask("keymap ")
            return
        keys = choose_keys(name, self.services.config.keys, ACTIONS)
        for problem in keys.problems:
            tell(self, problem, title=":keymap", severity="warning")
        if keys.name == name:
            self.use_keys(keys)

    def action_info(self) -> None:
        """Show the version, and where the files are."""
        from k3k_tui.about import about

        tell(self, about(self.services, self.keys.name, self.theme), title="k3k")

    def action_operate(self, name: str, *words: str) -> None:
        """Begin an operation on control planes.

        Args:
            name: of the operation.
            words: what followed the command.
        """
        from k3k_tui.operations import operate, until_asked

        action = next((each for each in ACTIONS.values() if each.run == f"app.operate('{name}')"), None)
        try:
            targets, rest = dispatch.split_targets(
                action, words, self.targets(), self.services.fleet.rows.keys()
            )
        except K3kError as error:
            tell_error(self, error, title=f":{name}")
            return
        self._key_queue.hold(until_asked(self, operate(self, name, targets, rest)))

    async def action_quit(self) -> None:
        """End on Ctrl-Q, as on Ctrl-C."""
        self.action_help_quit()

    def action_help_quit(self) -> None:
        """End on Ctrl-C, but not out of a form that somebody has filled in or may have wanted to copy from."""
        if place_of(self.screen) is not None:
            self.action_leave()
        else:
            tell(self, "Close this first to end the dashboard.", title="Not yet")

    @work(group="leaving", exclusive=True, exit_on_error=False)
    async def action_leave(self) -> None:
        """End, unless jobs run and somebody wants to wait for them."""
        if self.services.jobs.active:
            from k3k_tui.operations.quit import may_leave

            if not await may_leave(self):
                return
        self.exit(0)


def tell_failure(app: K3kApp, error: BaseException) -> None:
    """Say what went wrong; what nobody expected is told without its details.

    Args:
        app: the dashboard.
        error: what was raised.
    """
    if isinstance(error, K3kError):
        tell_error(app, error)
        return
    logger.error("an action failed", exc_info=error)
    tell(app, f"Something went wrong within k3k ({type(error).__name__}).", severity="error")
