"""The API: how fast it answers and how much it is asked, over time and by verb, and what is slowest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from k3k_core.telemetry.quantities import Unit
from k3k_tui.screens.control_plane.sheet import (
    WIDE,
    SheetView,
    amount,
    name,
    plot_rows,
    plotted,
    quantiles,
    why_empty,
)
from k3k_tui.text import fit
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, beside, section, table
from k3k_tui.widgets.plot import Limit, Plot, Series, plot_lines
from k3k_tui.widgets.plot_canvas import Form

if TYPE_CHECKING:
    from k3k_core.telemetry.signals.model import ApiSignals

# Seconds within which single objects shall be read and written (kubernetes-mixin).
_LIMIT: Final = Limit("limit", 1.0)
# Where the error budget of 30 days lasts exactly so long.
_BUDGET: Final = Limit("budget", 1.0)
# Lines of a table; what is measured keeps to ten.
_MOST: Final = 12
_COLOURS: Final[tuple[Role, ...]] = ("plot-1", "plot-2", "plot-3", "plot-4")


def api_lines(view: SheetView, columns: int, rows: int) -> list[Line]:
    """Return the sheet of the API.

    Args:
        view: what there is to show.
        columns: cells of a line.
        rows: lines there are; more can be scrolled.
    """
    across = 3 if columns >= 150 else 2
    width = (columns - 2 * (across - 1)) // across
    # Two rows of plots, and what is slowest still begins on the same screen.
    height = plot_rows(rows, 5 if rows > 20 else 4, 2)
    made = [
        plotted(view, "Reads", "seconds", _both("read"), width, height, limit=_LIMIT),
        plotted(view, "Writes", "seconds", _both("write"), width, height, limit=_LIMIT),
        plotted(view, "Requests", "count/second", [("all", "request_rate", "area")], width, height),
        plotted(view, "Errors 5xx", "ratio", [("share", "error_ratio", "area")], width, height),
        plotted(view, "In flight", "items", [("requests", "in_flight", "area")], width, height),
        plotted(
            view, "Error budget", "count", [("burn 1 h", "burn_1h", "line")], width, height, limit=_BUDGET
        ),
    ]
    shown = made if across == 3 else made[:4]
    lines: list[Line] = []
    for first in range(0, len(shown), across):
        lines += _in_a_row(shown[first : first + across], width)
    signals = view.signals
    if signals is None:
        return lines
    rest = made[4:] if across == 2 else []
    return [
        *lines,
        *_tables(view, signals.api, columns),
        *section("By verb since this screen was opened", _verb_plot(view, columns, height)),
        *_in_a_row(rest, width),
    ]


def _both(group: str) -> list[tuple[str, str, Form]]:
    return [("p50", f"{group}_p50", "area"), ("p99", f"{group}_p99", "line")]


def _in_a_row(blocks: Sequence[list[Line]], width: int) -> list[Line]:
    if not blocks:
        return []
    lines = blocks[0]
    for number, block in enumerate(blocks[1:], start=1):
        lines = beside(lines, block, number * width + 2 * (number - 1))
    return lines


def _tables(view: SheetView, api: ApiSignals, columns: int) -> list[Line]:
    if columns < WIDE:
        return [
            *section("Slowest resources", _slowest(api, columns)),
            *section("Requests by verb, now", _verbs(view, api, columns)),
            *section("By scope, now", _scopes(api, columns)),
            *section("Priority and fairness", _fairness(api, columns)),
        ]
    left = columns // 2 - 1
    right = columns - left - 2
    return beside(
        [*section("Slowest resources", _slowest(api, left)), *section("By scope, now", _scopes(api, left))],
        [
            *section("Requests by verb, now", _verbs(view, api, right)),
            *section("Priority and fairness", _fairness(api, right)),
        ],
        left,
    )


def _slowest(api: ApiSignals, columns: int) -> list[Line]:
    return table(
        ("RESOURCE", "KIND", "REQUESTS", "P50", "P90", "P99"),
        [
            (name(one.resource, "title"), Cell(one.group), *quantiles(one.latency))
            for one in api.slowest[:_MOST]
        ],
        columns,
        right=frozenset({2, 3, 4, 5}),
        flexible=0,
    )


def _scopes(api: ApiSignals, columns: int) -> list[Line]:
    return table(
        ("SCOPE", "KIND", "REQUESTS", "P50", "P90", "P99"),
        [
            (name(scope), name(group), *quantiles(latency))
            for (group, scope), latency in list(api.by_scope.items())[:_MOST]
        ],
        columns,
        right=frozenset({2, 3, 4, 5}),
        flexible=0,
    )


def _verbs(view: SheetView, api: ApiSignals, columns: int) -> list[Line]:
    """Return a bar for each verb."""
    ranked = sorted(api.rate_by_verb.items(), key=lambda item: (-item[1], item[0]))[:10]
    most = max((rate for _, rate in ranked), default=0.0)
    room = max(4, columns - 34)
    lines: list[Line] = []
    for verb, rate in ranked:
        cells = round(room * rate / most) if most > 0 else 0
        share = rate / sum(api.rate_by_verb.values()) if most > 0 else 0.0
        lines.append(
            (
                Cell(fit(verb, 18), "text"),
                Cell(fit(amount(rate, "count/second").text, 8, align="right")),
                Cell(f"{share * 100:5.0f} %  ", "muted"),
                Cell(view.signs.bar * max(cells, 0), "plot-1"),
            )
        )
    return lines


def _fairness(api: ApiSignals, columns: int) -> list[Line]:
    facts: list[tuple[str, float | None, Unit]] = [
        ("Watches and other open requests", api.long_running, "items"),
        ("Waiting in queues", api.in_queue, "items"),
        ("Turned away", api.rejected_rate, "count/second"),
        ("Cut short by the server", api.terminated_ratio, "ratio"),
        ("Error budget burnt, 1 hour", api.burn_1h, "count"),
        ("Error budget burnt, 6 hours", api.burn_6h, "count"),
    ]
    rejected = [
        (name(f"Turned away from {level}"), amount(count, "count"))
        for level, count in list(api.rejected.items())[:_MOST]
    ]
    rows = [(Cell(title), amount(value, unit)) for title, value, unit in facts]
    return table(("", "NOW"), [*rows, *rejected], columns, right=frozenset({1}), flexible=0)


def _verb_plot(view: SheetView, columns: int, rows: int) -> list[Line]:
    signals = view.signals
    if signals is None or view.rates.since is None:
        return []
    span = min(view.span, max(60.0, view.now - view.rates.since))
    ranked = sorted(signals.api.rate_by_verb.items(), key=lambda item: (-item[1], item[0]))
    series = tuple(
        Series(fit(verb, min(len(verb), 12)), view.rates.course(verb, columns, span, view.now), colour)
        for (verb, _), colour in zip(ranked, _COLOURS, strict=False)
    )
    return plot_lines(
        Plot("", "count/second", span, series, empty=why_empty(view)), columns, rows, view.signs
    )
