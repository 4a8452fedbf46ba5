"""One control plane: a row of tabs over everything that is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen

from k3k_tui.actions.registry import bindings
from k3k_tui.places import ControlPlanePlace
from k3k_tui.screens.control_plane.background import in_background
from k3k_tui.screens.control_plane.header import header_lines
from k3k_tui.screens.control_plane.pane import Pane
from k3k_tui.screens.control_plane.panes import make_pane
from k3k_tui.screens.control_plane.tab_strip import TabStrip, in_trouble
from k3k_tui.screens.control_plane.tabs import TAB_NAMES, beside
from k3k_tui.screens.control_plane.watch import ControlPlaneWatch
from k3k_tui.services import services
from k3k_tui.view.lines import Line
from k3k_tui.widgets.breadcrumbs import Breadcrumbs
from k3k_tui.widgets.key_footer import KeyFooter
from k3k_tui.widgets.text_view import Sheet
from k3k_tui.widgets.toast import tell

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

# Seconds after which ages in the header are told anew although nothing is new.
_AGED = 10.0


class ControlPlaneScreen(Screen[None]):
    """One control plane.

    Args:
        place: which one, and the tab that is open.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("targets", "control-plane")
    DEFAULT_CSS = """
    ControlPlaneScreen #header { height: 2; overflow: hidden; }
    """

    def __init__(self, place: ControlPlanePlace) -> None:
        super().__init__()
        self.place = place if place.tab in TAB_NAMES else replace(place, tab=TAB_NAMES[0])
        self._known: ControlPlaneWatch | None = None
        self._panes: dict[str, Pane] = {}
        self._open: Pane | None = None
        self._shown = -1
        self._header_at = 0.0
        self._looked_at = False

    @property
    def known(self) -> ControlPlaneWatch:
        """Everything that is known of the control plane."""
        if self._known is None:
            self._known = ControlPlaneWatch(services(self), self.place.key)
        return self._known

    def compose(self) -> ComposeResult:
        """Lay out header and tabs; a tab is made when it is opened."""
        yield Breadcrumbs()
        header = Sheet(self._header, id="header")
        header.can_focus = False
        yield header
        yield TabStrip()
        yield Vertical(id="pane")
        yield KeyFooter()

    async def on_mount(self) -> None:
        """Begin to follow the control plane."""
        known = services(self)
        self.known.start()
        await self._show(self.place.tab)
        self.set_interval(known.profile.tick, self.tick)

    async def on_unmount(self) -> None:
        """Follow nothing any more."""
        if self._open is not None:
            self._open.closed()
        await self.known.close()

    def on_screen_resume(self) -> None:
        """Have it read first again: other screens look at other control planes."""
        self._looked_at = False

    def targets(self) -> tuple[FleetKey, ...]:
        """Return what operations work on: this control plane."""
        return (self.place.key,)

    def visit(self, place: ControlPlanePlace) -> None:
        """Show another tab of the same control plane.

        Args:
            place: with the tab.
        """
        self.call_later(self.action_show_tab, place.tab)

    async def action_show_tab(self, name: str = "") -> None:
        """Open a tab.

        Args:
            name: of the tab; empty for the next one.
        """
        wanted = name.lower() or beside(self.place.tab, 1)
        if wanted not in TAB_NAMES:
            tell(self.app, f"There is no tab {name!r}; there are {', '.join(TAB_NAMES)}.", severity="warning")
            return
        await self._show(wanted)

    async def action_previous_tab(self) -> None:
        """Open the tab before."""
        await self._show(beside(self.place.tab, -1))

    def action_pane(self, verb: str) -> None:
        """Let the open tab do something.

        Args:
            verb: what.
        """
        act = self._open.verbs.get(verb) if self._open is not None else None
        if act is None:
            tell(self.app, f"The tab {self.place.tab} has nothing to {verb}.", severity="warning")
            return
        act()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what the open tab cannot do."""
        if action == "pane":
            return self._open is not None and bool(parameters) and parameters[0] in self._open.verbs
        return True

    async def on_tab_strip_picked(self, event: TabStrip.Picked) -> None:
        """Open the tab that was clicked."""
        event.stop()
        await self._show(event.name)

    async def _show(self, name: str) -> None:
        pane = self._panes.get(name)
        if self._open is not None and self._open is not pane:
            self._open.closed()
            self._open.display = False
        self.place = replace(self.place, tab=name)
        if pane is None:
            pane = self._panes[name] = make_pane(name, self.known)
            await self.query_one("#pane").mount(pane)
        pane.display = True
        self._open = pane
        pane.opened()
        pane.target.focus()
        self._load_if_due()
        self.tick()
        for crumbs in self.query(Breadcrumbs):
            crumbs.update()
        self.refresh_bindings()

    def tick(self) -> None:
        """Show what is new, if anything is."""
        if not self.is_current or self._open is None:
            return
        now = services(self).clock()
        is_new = self._shown != self.known.news
        if is_new or now - self._header_at >= _AGED:
            self._header_at = now
            self.query_one("#header", Sheet).rebuild()
        self.query_one(TabStrip).show(self.place.tab, in_trouble(self.known.subject.row))
        if not self._looked_at and self.known.subject.row is not None:
            services(self).fleet.focus((self.place.key,))
            self._looked_at = True
        if is_new:
            self._shown = self.known.news
            self._open.news()
        self._open.tick()
        self._load_if_due()

    def _load_if_due(self) -> None:
        if self._open is not None and self._open.NEEDS_DESCRIPTION and self.known.description_due:
            in_background(self, self.known.load_description, "description")

    def _header(self, columns: int, _rows: int) -> tuple[Line, ...]:
        return header_lines(self.known.view(), columns)
