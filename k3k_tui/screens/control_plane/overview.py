"""The overview: the verdict with its reasons and advice, key figures, servers, and who reaches the API how."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from k3k_core.ages import format_age
from k3k_core.telemetry.history import VERDICT_CODES
from k3k_core.telemetry.quantities import Unit
from k3k_tui.screens.control_plane.described import described_lines, server_lines
from k3k_tui.screens.control_plane.sheet import WIDE, SheetView, loading_lines, name, plotted
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.figures import sparkline
from k3k_tui.view.lines import Line, beside, fields, section, wrap
from k3k_tui.view.row_cells import VERDICT_ROLES
from k3k_tui.widgets.plot_canvas import Form
from k3k_tui.widgets.plot_scale import ago, label

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow
    from k3k_core.telemetry.judgement import Finding, Severity, Verdict

_WORDS: Final[dict[float, Verdict]] = {code: verdict for verdict, code in VERDICT_CODES.items()}
_ROLES: Final[dict[Severity, Role]] = {"critical": "bad", "warning": "warn", "info": "info"}
# Title, unit and series of what stands beside a small course.
_FIGURES: Final[tuple[tuple[str, Unit, str], ...]] = (
    ("Requests", "count/second", "request_rate"),
    ("Reads p99", "seconds", "read_p99"),
    ("Writes p99", "seconds", "write_p99"),
    ("Errors", "ratio", "error_ratio"),
    ("Datastore p99", "seconds", "datastore_p99"),
    ("Queue depth", "items", "queue_depth"),
    ("Memory", "bytes", "memory"),
    ("CPU", "cores", "cpu"),
)
_WAYS: Final[dict[str, str]] = {
    "pods": "straight from its pods",
    "load-balancer": "through its load balancer",
    "node-port": "through a port of the nodes",
    "cluster-ip": "through its address inside the host",
    "kubeconfig": "at the address its kubeconfig names",
    "tunnel": "through the host's API, by port-forwarding",
}


def overview_lines(view: SheetView, columns: int, rows: int) -> list[Line]:
    """Return the overview.

    Args:
        view: what there is to show.
        columns: cells of a line.
        rows: lines there are; more can be scrolled.
    """
    if columns < WIDE:
        return [*_left(view, columns), *_right(view, columns), *section("Facts", _facts(view, columns))]
    left = columns // 2 - 1
    told = [*_left(view, left), *section("Facts", _facts(view, left))]
    right = _right(view, columns - left - 2)
    return beside([*told, *_plots(view, left, rows - len(told))], right, left)


def _plots(view: SheetView, columns: int, rows: int) -> list[Line]:
    """Return as many plots as there is room for."""
    count = min(rows // 7, 2)
    if count < 1:
        return []
    height = min(rows // count, 11)
    latency: list[tuple[str, str, Form]] = [("writes", "write_p99", "line"), ("reads", "read_p99", "line")]
    made = [
        plotted(view, "Latency p99", "seconds", latency, columns, height),
        plotted(view, "Requests", "count/second", [("all", "request_rate", "area")], columns, height),
    ]
    return [line for block in made[:count] for line in block]


def _left(view: SheetView, columns: int) -> list[Line]:
    row = view.subject.row
    if row is None:
        return []
    return [
        *section("Why", _reasons(view, row, columns)),
        *section("Last four hours", _timeline(view, columns)),
        *section("Figures", _figures(view, columns)),
    ]


def _right(view: SheetView, columns: int) -> list[Line]:
    description = view.description.value
    return [
        *section("Servers", server_lines(view, columns)),
        *loading_lines(view.description, "objects", columns),
        *(described_lines(description, columns) if description is not None else []),
        *section("How its figures are read", _reach(view, columns)),
    ]


def _reasons(view: SheetView, row: FleetRow, columns: int) -> list[Line]:
    lines: list[Line] = []
    for finding in row.judgement.findings:
        lines += _finding(view, finding, columns)
    if not row.judgement.findings:
        if row.control_plane.reason:
            lines += wrap(row.control_plane.reason, columns, "warn")
        elif row.judgement.verdict == "Healthy":
            lines.append((Cell("All rules are kept.", "good"),))
    for finding in row.judgement.pending:
        lines += wrap(
            f"Not yet, but for {format_age(view.now - finding.since)}: {finding.summary}", columns, "info"
        )
    return lines or [(Cell("Nothing more is known.", "muted"),)]


def _finding(view: SheetView, finding: Finding, columns: int) -> list[Line]:
    role = _ROLES[finding.severity]
    sign = view.glyphs.verdicts.get(finding.verdict if finding.severity != "info" else "Unknown", "?")
    first, *rest = wrap(f"{finding.summary}", columns - 2)
    lines: list[Line] = [(Cell(f"{sign} ", role), *first)]
    lines += [(Cell("  "), *line) for line in rest]
    about = f"{finding.severity}, {finding.rule}, for {format_age(view.now - finding.since)}"
    lines += wrap(about, columns, "muted", indent="  ")
    return lines + (wrap(finding.advice, columns, "info", indent="  ") if finding.advice else [])


def _timeline(view: SheetView, columns: int) -> list[Line]:
    """Return the verdicts of the last hours: a sign for each moment, and what it means."""
    span = view.history.step * view.history.slots
    codes = view.history.downsample("verdict", columns, "max", span=span, until=view.now)
    if all(map(math.isnan, codes)):
        return []
    verdicts = [None if math.isnan(code) else _WORDS.get(code) for code in codes]
    signs = tuple(
        Cell(" ") if verdict is None else Cell(view.glyphs.verdicts.get(verdict, "?"), VERDICT_ROLES[verdict])
        for verdict in verdicts
    )
    # Of the verdicts in one place the worst is shown; those without a judgement give way to one that has it.
    seen = [verdict for verdict in VERDICT_CODES if verdict in verdicts]
    legend = [
        cell
        for verdict in seen
        for cell in (
            Cell(view.glyphs.verdicts.get(verdict, "?"), VERDICT_ROLES[verdict]),
            Cell(f" {verdict}  ", "muted"),
        )
    ]
    left, right = ago(span), ago(0)
    room = columns - len(left) - len(right) - sum(len(cell.text) for cell in legend)
    before, after = (" " * max(1, room // 2), " " * max(1, room - room // 2))
    return [signs, (Cell(left + before, "muted"), *legend, Cell(after + right, "muted"))]


def _figures(view: SheetView, columns: int) -> list[Line]:
    """Return the figures with their courses, two beside each other where there is room."""
    width = (columns - 2) // 2 if columns >= 74 else columns
    course = max(6, width - 14 - 11)
    made: list[Line] = []
    for title, unit, series in _FIGURES:
        values = view.history.downsample(series, course, span=view.span, until=view.now)
        newest = view.history.last(series)
        # A value that never changes stands in the middle, and not like a wall.
        top = 1.4 * max((value for value in values if math.isfinite(value)), default=0.0)
        value = "-" if newest is None else label(newest, unit)
        made.append(
            (
                Cell(f"{title:<14}", "muted"),
                Cell(f"{value:>9}  ", "text" if newest is not None else "muted"),
                Cell(sparkline(values, view.glyphs.sparkline, top=top), "accent"),
            )
        )
    if width == columns:
        return made
    half = (len(made) + 1) // 2
    return beside(made[:half], made[half:], width)


def _facts(view: SheetView, columns: int) -> list[Line]:
    row = view.subject.row
    if row is None:
        return []
    plane, described = row.control_plane, view.description.value
    made = f"{plane.made_by} ({plane.system}{', only shown' if plane.read_only else ''})"
    pairs: list[tuple[str, str]] = [
        ("Version", plane.version),
        ("Endpoint", plane.endpoint or "none yet"),
        ("Datastore", plane.datastore),
        ("Made by", made),
        ("Created", _moment(plane.created_at, view.now)),
        ("Ends", _moment(plane.expires_at, view.now)),
        ("Revision", str(described.revision) if described is not None and described.revision else ""),
        ("Read", _moment(_time(view.signals.at if view.signals else None), view.now)),
    ]
    return fields(((title, (name(text),)) for title, text in pairs if text), columns)


def _time(seconds: float | None) -> datetime | None:
    if seconds is None or not 0 <= seconds < 1e11:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _moment(moment: datetime | None, now: float) -> str:
    if moment is None:
        return ""
    seconds = now - moment.timestamp()
    distance = f"{format_age(seconds)} ago" if seconds >= 0 else f"in {format_age(-seconds)}"
    if abs(seconds) < 2:
        distance = "just now"
    return f"{moment:%Y-%m-%d %H:%M} UTC, {distance}"


def _reach(view: SheetView, columns: int) -> list[Line]:
    row = view.subject.row
    if row is None:
        return []
    if row.reach.reason:
        advice = wrap(row.reach.hint, columns, "info") if row.reach.hint else []
        return [*wrap(row.reach.reason, columns, "bad"), *advice]
    way = row.reach.way
    lines: list[Line] = [
        (
            Cell(
                f"{_WAYS[way][:1].upper()}{_WAYS[way][1:]}." if way else "Not tried yet.",
                "text" if way else "muted",
            ),
        )
    ]
    for error in (row.scraped.errors if row.scraped is not None else ())[:10]:
        lines += wrap(error, columns, "warn")
    return lines
