"""The header of the fleet screen."""

from __future__ import annotations

from k3k_tui.services import services
from k3k_tui.widgets.fleet_summary import FleetFacts, summary_lines
from k3k_tui.widgets.steady_lines import SteadyLines


class FleetHeader(SteadyLines):
    """Totals, courses and hosts of the fleet."""

    DEFAULT_CSS = """
    FleetHeader {
        background: $surface;
    }
    """

    def tell(self, facts: FleetFacts) -> None:
        """Show the fleet as it is.

        Args:
            facts: what to tell of it.
        """
        screen = self.screen.size
        if screen.width:
            self.show(summary_lines(facts, screen.width, screen.height, services(self).look.glyphs))
