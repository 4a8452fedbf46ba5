"""The cells of a row of the fleet."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from k3k_tui.text import clean
from k3k_tui.view import figures
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.columns import Column
from k3k_tui.view.readings import DAY, READINGS, worst_queue
from k3k_tui.view.signs import Signs

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey, FleetRow
    from k3k_core.telemetry.history import History
    from k3k_core.telemetry.judgement import Severity, Verdict

EMPTY: Final = Cell("-", "muted")
VERDICT_ROLES: Final[Mapping[Verdict, Role]] = {
    "Healthy": "healthy",
    "Degraded": "degraded",
    "Down": "down",
    "Progressing": "progressing",
    "Paused": "paused",
    "Expired": "expired",
    "Unknown": "unknown",
}
# What the course of a latency looks back on, seconds.
_COURSE: Final = 1800.0
# What the highest sign of such a course stands for at least, seconds: a calm one shall look calm.
_TALL: Final = 0.05
# Days before the end of a certificate from which it stands out, as in `k3k list -o wide`.
_SOON, _VERY_SOON = 30.0, 7.0
# Seconds before the end of a life from which it stands out.
_NEAR_END: Final = 3600.0
# Beginnings of the names of the rules that speak about a column.
COLUMN_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "servers": (
        "HostCalls",
        "HostDisagrees",
        "ApiNotReady",
        "ApiDown",
        "ApiUnreachable",
        "ServerNot",
        "ServerUn",
        "Readiness",
    ),
    "p99": ("ApiReads", "ApiWrites", "ApiNamespaceLists", "ApiClusterLists", "ApiSlow"),
    "datastore-latency": ("DatastoreVerySlow", "DatastoreSlow", "KineSql", "EtcdFsync", "EtcdCommit"),
    "errors": ("ApiErrorsHigh", "ApiErrorsVeryHigh"),
    "burn": ("ApiErrorBudget",),
    "queue": ("QueueStuck", "QueueDeep"),
    "queue-name": ("Queue",),
    "certificates": ("Certificate", "Authority"),
    "memory": ("ServerMemoryHigh",),
    "size": ("DatastoreLarge", "DatastoreGrowsFast", "EtcdQuota"),
}
_SEVERITY_ROLES: Final[Mapping[Severity, Role]] = {"critical": "bad", "warning": "warn", "info": "info"}


@dataclass(frozen=True, slots=True)
class _Draw:
    """What a cell is made from besides its row.

    Attributes:
        column: the column it stands in.
        now: seconds since 1970.
        glyphs: signs there are.
        history: finds the course of a row's signals.
    """

    column: Column
    now: float
    glyphs: Signs
    history: Callable[[FleetKey], History] | None


def cells(
    row: FleetRow,
    columns: Sequence[Column],
    now: float,
    glyphs: Signs,
    history: Callable[[FleetKey], History] | None = None,
) -> tuple[Cell, ...]:
    """Return the cells of a row, ready to be cut to their columns.

    A row whose host cannot be followed is muted as a whole, and its verdict tells for how long that has been.

    Args:
        row: of the fleet.
        columns: what to show of it.
        now: seconds since 1970.
        glyphs: signs of the terminal.
        history: finds the course of its signals, where a column shows one.
    """
    made = tuple(
        _MAKERS[column.name](row, _Draw(column, now, glyphs, history)) if column.name in _MAKERS else EMPTY
        for column in columns
    )
    if row.stale_since is None:
        return made
    return tuple(Cell(cell.text, "muted") for cell in made)


def group_cells(title: str, counts: Sequence[tuple[Verdict, int]], glyphs: Signs) -> tuple[Cell, ...]:
    """Return the cells of a group's heading: its title and how many, then a cell for each verdict with its number.

    Args:
        title: of the group; empty where that is not known.
        counts: how many have which verdict.
        glyphs: signs of the terminal.
    """
    total = sum(count for _, count in counts)
    name = clean(title) or "not known"
    heading = Cell(f"{name} ({total})", "title")
    return (
        heading,
        *(
            Cell(
                f"{glyphs.verdicts.get(verdict, '?')} {count} {verdict}",
                VERDICT_ROLES.get(verdict, "unknown"),
            )
            for verdict, count in counts
        ),
    )


def _verdict(row: FleetRow, draw: _Draw) -> Cell:
    verdict = row.judgement.verdict
    if row.stale_since is not None:
        # The age comes first: a narrow column cuts off the end.
        past = figures.age(_whole_units(draw.now - row.stale_since))
        return Cell(f"{draw.glyphs.stale}{past} {verdict}", "muted")
    sign = draw.glyphs.verdicts.get(verdict, "?")
    return Cell(f"{sign} {verdict}", VERDICT_ROLES.get(verdict, "unknown"))


def _whole_units(seconds: float) -> float:
    """Leave out the smaller unit of an age, so that it is short."""
    for unit in (DAY, 3600.0, 60.0):
        if seconds >= 2 * unit:
            return seconds // unit * unit
    return seconds


def _text(read: Callable[[FleetRow], str], role: Role = "text") -> Callable[[FleetRow, _Draw], Cell]:
    def make(row: FleetRow, _draw: _Draw) -> Cell:
        text = clean(read(row))
        return Cell(text, role) if text else EMPTY

    return make


def _figure(write: Callable[[float | None], str]) -> Callable[[FleetRow, _Draw], Cell]:
    def make(row: FleetRow, draw: _Draw) -> Cell:
        text = write(READINGS[draw.column.name](row, draw.now))
        return Cell(text, _ruled(row, draw.column.name)) if text else EMPTY

    return make


def _ruled(row: FleetRow, column: str, otherwise: Role = "text") -> Role:
    """Give a cell the severity of the worst rule that speaks about it, also of one that waits for its time."""
    names = COLUMN_RULES.get(column, ())
    if not names or not (row.judgement.findings or row.judgement.pending):
        return otherwise
    for finding in row.judgement.findings:
        if finding.rule.startswith(names):
            return _SEVERITY_ROLES[finding.severity]
    if any(finding.rule.startswith(names) for finding in row.judgement.pending):
        return "info"
    return otherwise


def _servers(row: FleetRow, _draw: _Draw) -> Cell:
    plane = row.control_plane
    ready, wanted = plane.servers_ready, plane.servers_wanted
    worse: Role = "bad" if not ready and wanted else "warn" if ready < wanted else "text"
    return Cell(f"{ready}/{wanted}", _ruled(row, "servers", worse))


def _queue(row: FleetRow, draw: _Draw) -> Cell:
    queue = worst_queue(row)
    text = figures.count(queue.depth) if queue is not None else ""
    if not text:
        return EMPTY
    stuck = queue is not None and queue.stuck
    return Cell(f"{text}!" if stuck else text, _ruled(row, draw.column.name, "bad" if stuck else "text"))


def _queue_name(row: FleetRow, _draw: _Draw) -> Cell:
    queue = worst_queue(row)
    # A queue in which nothing waits needs nobody's attention.
    if queue is None or not (queue.depth or queue.stuck):
        return EMPTY
    return Cell(clean(queue.name), _ruled(row, "queue-name"))


def _certificates(row: FleetRow, draw: _Draw) -> Cell:
    left = READINGS["certificates"](row, draw.now)
    text = figures.days(left)
    if left is None or not text:
        return EMPTY
    near: Role = "bad" if left < _VERY_SOON else "warn" if left < _SOON else "text"
    return Cell(text, _ruled(row, "certificates", near))


def _ttl(row: FleetRow, draw: _Draw) -> Cell:
    left = READINGS["ttl"](row, draw.now)
    if left is None:
        return EMPTY
    return (
        Cell("ended", "expired")
        if left <= 0
        else Cell(figures.age(left), "warn" if left < _NEAR_END else "text")
    )


def _latency(row: FleetRow, draw: _Draw) -> Cell:
    if draw.history is None:
        return EMPTY
    history = draw.history(row.id)
    points = draw.column.width
    reads, writes = (
        history.downsample(name, points, span=_COURSE, until=draw.now) for name in ("read_p99", "write_p99")
    )
    slowest = [
        read if math.isnan(write) or read > write else write
        for read, write in zip(reads, writes, strict=True)
    ]
    top = figures.calm_top(slowest, _TALL)
    drawn = figures.sparkline(slowest, draw.glyphs.sparkline, top=top)
    return Cell(drawn, _ruled(row, "p99", "accent")) if drawn.strip() else EMPTY


def _way(row: FleetRow) -> str:
    reach = row.reach
    return reach.way or ("" if reach.undecided else "unreachable")


_MAKERS: Final[Mapping[str, Callable[[FleetRow, _Draw], Cell]]] = {
    "verdict": _verdict,
    "name": _text(lambda row: row.control_plane.name, "title"),
    "host": _text(lambda row: row.control_plane.host),
    "namespace": _text(lambda row: row.control_plane.namespace),
    "system": _text(lambda row: row.control_plane.system),
    "version": _text(lambda row: row.control_plane.version.removeprefix("v")),
    "servers": _servers,
    "datastore": _text(lambda row: row.control_plane.datastore),
    "datastore-latency": _figure(figures.seconds),
    "p50": _figure(figures.seconds),
    "p99": _figure(figures.seconds),
    "latency": _latency,
    "errors": _figure(figures.share),
    "rate": _figure(figures.count),
    "queue": _queue,
    "queue-name": _queue_name,
    "certificates": _certificates,
    "memory": _figure(lambda value: figures.figure(value, "bytes")),
    "cpu": _figure(lambda value: figures.figure(value, "count")),
    "size": _figure(lambda value: figures.figure(value, "bytes")),
    "burn": _figure(lambda value: figures.figure(value, "count")),
    "age": _figure(figures.age),
    "ttl": _ttl,
    "since": _figure(figures.age),
    "seen": _figure(figures.age),
    "way": _text(_way, "muted"),
    "endpoint": _text(lambda row: row.control_plane.endpoint.removeprefix("https://"), "muted"),
    "reason": _text(lambda row: row.reason),
}
