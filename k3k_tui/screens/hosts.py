"""The hosts screen: how each host is, and what to do about one that is not well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from k3k_tui.actions.registry import bindings
from k3k_tui.places import HostsPlace, Place
from k3k_tui.services import services
from k3k_tui.view.cells import Cell
from k3k_tui.widgets.breadcrumbs import Breadcrumbs
from k3k_tui.widgets.host_lines import COLUMNS, host_details, host_lines, verdicts_by_host
from k3k_tui.widgets.key_footer import KeyFooter
from k3k_tui.widgets.line_table import LineTable
from k3k_tui.widgets.steady_lines import SteadyLines
from k3k_tui.widgets.toast import tell

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, HostState

# Seconds between two looks at ages.
_AGES = 5.0


class HostsScreen(Screen[None]):
    """Every host."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("hosts")
    DEFAULT_CSS = """
    HostsScreen #details {
        background: $surface;
        margin-top: 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.place: Place = HostsPlace()
        self._stop: Callable[[], None] | None = None
        self._stale = False

    def compose(self) -> ComposeResult:
        """Lay out the list and what is known of one host."""
        yield Breadcrumbs()
        yield LineTable()
        yield SteadyLines(id="details")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the hosts, and follow them."""
        known = services(self)
        self._stop = known.fleet.listen(self._hear)
        self.query_one(LineTable).focus()
        self._show()
        self.set_interval(known.profile.tick, self._tick)
        self.set_interval(_AGES, self._show)

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        if self._stop is not None:
            self._stop()

    def on_resize(self) -> None:
        """Break the sentences anew."""
        if self._stop is not None:
            self._show_details()

    def on_screen_resume(self) -> None:
        """Catch up."""
        if self._stop is not None:
            self._show()

    def visit(self, place: Place) -> None:
        """Show the hosts; there is only one such place.

        Args:
            place: it.
        """

    def _hear(self, _change: ChangeSet) -> None:
        self._stale = True

    def _tick(self) -> None:
        if self._stale:
            self._show()

    def _show(self) -> None:
        if not self.is_current:
            return
        self._stale = False
        known = services(self)
        counts = verdicts_by_host(known.fleet.rows.values())
        lines = host_lines(known.fleet.hosts.values(), counts, known.clock(), known.look.glyphs)
        self.query_one(LineTable).show(COLUMNS, lines)
        self._show_details()

    def _show_details(self) -> None:
        known, host = services(self), self._host()
        details = self.query_one("#details", SteadyLines)
        if host is None:
            waiting = "   Connecting." if known.hosts else "   There are no hosts: no kubeconfig names one."
            error = f"   {known.fleet.error} {known.fleet.hint}" if known.fleet.error else waiting
            details.show([(Cell(error.rstrip(), "bad" if known.fleet.error else "muted"),)])
            return
        options = known.hosts.get(host.name)
        verdicts = verdicts_by_host(known.fleet.rows.values()).get(host.name, Counter())
        details.show(
            host_details(
                host,
                verdicts,
                options.kubeconfig if options is not None else None,
                known.clock(),
                self.size.width,
                known.look.glyphs,
            )
        )

    def _host(self) -> HostState | None:
        """Return the host under the cursor."""
        return services(self).fleet.hosts.get(str(self.query_one(LineTable).cursor))

    @on(LineTable.Highlighted)
    def _cursor_moved(self) -> None:
        self._show_details()

    @on(LineTable.Selected)
    async def _opened(self, event: LineTable.Selected) -> None:
        """Show the control planes of the host."""
        run = ("app", "only", ("host", cast("str", event.key)))
        await self.app.run_action(run)

    def action_copy(self) -> None:
        """Copy what is told about the host."""
        details = self.query_one("#details", SteadyLines).lines
        text = "\n".join("".join(cell.text for cell in line).strip() for line in details)
        self.app.copy_to_clipboard(text)
        tell(self.app, "How the host is was copied to the clipboard.")
