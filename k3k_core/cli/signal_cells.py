"""Signals as text: values with units, and why one is not there."""

from __future__ import annotations

from k3k_core.cli.output import Cell
from k3k_core.cli.terminal import Style
from k3k_core.telemetry.quantities import Unit, format_value
from k3k_core.telemetry.signals.model import Latency, QueueSignals, Signals

# Days before the end of a certificate from which it is shown as a warning, and as bad.
_SOON, _VERY_SOON = 30.0, 7.0


def amount(value: float | None, unit: Unit, why: str = "") -> Cell | str:
    """Return a value with its unit, or that it is not available.

    Args:
        value: None when it is not.
        unit: of the value.
        why: why it is not.
    """
    return absent(why) if value is None else format_value(value, unit)


def short(value: float | None, unit: Unit) -> str:
    """Return a value with its unit for a cell of a table; empty when it is not available.

    Args:
        value: None when it is not.
        unit: of the value.
    """
    return "" if value is None else format_value(value, unit)


def absent(why: str) -> Cell:
    """Return that something is not available.

    Args:
        why: why not.
    """
    return Cell(f"not available ({why})" if why else "not available", "dim")


def why_absent(signals: Signals) -> str:
    """Return why signals may be missing, as far as that holds for all of them.

    Args:
        signals: of one control plane.
    """
    if not signals.processes:
        error = next(
            (item.page_error or item.error for item in signals.servers if item.page_error or item.error), ""
        )
        return f"no page was read: {error}" if error else "no page was read"
    if not signals.window:
        return "it takes two scrapes, and there has been one"
    return ""


def quantiles(latency: Latency | None) -> list[Cell | str]:
    """Return count, median, 90th and 99th percentile for cells of a table.

    Args:
        latency: None when nothing is known.
    """
    if latency is None:
        return ["", "", "", ""]
    return [
        f"{latency.count:.0f}",
        short(latency.p50, "seconds"),
        short(latency.p90, "seconds"),
        short(latency.p99, "seconds"),
    ]


def days_left(days: float) -> Cell:
    """Return the days a certificate has left.

    Args:
        days: negative when it has ended.
    """
    if days < 0:
        return Cell("expired", "bad")
    style: Style | None = "bad" if days < _VERY_SOON else "warn" if days < _SOON else None
    return Cell(f"{int(days)}d", style)


def queue_cell(queue: QueueSignals | None) -> Cell | str:
    """Return what is worst among queues; empty when nothing waits.

    Args:
        queue: the worst one, None for none.
    """
    if queue is None or queue.depth is None:
        return ""
    if queue.stuck:
        return Cell(f"{queue.name} {queue.depth:.0f} stuck", "bad")
    return f"{queue.name} {queue.depth:.0f}" if queue.depth else "0"
