"""The datastore: how fast it answers, how full it is, and what its kind of datastore tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k3k_core.telemetry.quantities import Unit
from k3k_tui.screens.control_plane.sheet import WIDE, SheetView, amount, name, plot_rows, plotted, quantiles
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line, beside, section, table

if TYPE_CHECKING:
    from k3k_core.telemetry.signals.model import DatastoreSignals, EtcdSignals

_NUMBERS = frozenset({1, 2, 3, 4})


def datastore_lines(view: SheetView, columns: int, rows: int) -> list[Line]:
    """Return the sheet of the datastore.

    Args:
        view: what there is to show.
        columns: cells of a line.
        rows: lines there are; more can be scrolled.
    """
    half = (columns - 2) // 2
    height = plot_rows(rows, 8, 1)
    lines = beside(
        plotted(view, "Latency", "seconds", [("p99", "datastore_p99", "area")], half, height),
        plotted(view, "Size", "bytes", [("data", "datastore_size", "area")], columns - half - 2, height),
        half,
    )
    if view.signals is None:
        return lines
    store = view.signals.datastore
    if columns < WIDE:
        return [
            *lines,
            *section("Operations", _operations(store, columns)),
            *section("State", _facts(store, columns)),
            *section("Objects", _objects(view, store, columns)),
        ]
    right = columns - half - 2
    return [
        *lines,
        *beside(
            [
                *section("Operations", _operations(store, half)),
                *section("Objects", _objects(view, store, half)),
            ],
            section("State", _facts(store, right)),
            half,
        ),
    ]


def _operations(store: DatastoreSignals, columns: int) -> list[Line]:
    named = [("all", store.latency), *store.by_operation.items()]
    if store.sql is not None:
        named.append(("SQL statements", store.sql))
    if store.etcd is not None:
        named += [
            ("etcd log sync", store.etcd.fsync),
            ("etcd commit", store.etcd.commit),
            ("etcd peer round trip", store.etcd.peer_round_trip),
        ]
    return table(
        ("OPERATION", "REQUESTS", "P50", "P90", "P99"),
        [(name(title, "title"), *quantiles(latency)) for title, latency in named[:24] if latency is not None],
        columns,
        right=_NUMBERS,
        flexible=0,
    )


def _facts(store: DatastoreSignals, columns: int) -> list[Line]:
    facts: list[tuple[str, float | None, Unit]] = [
        ("Size", store.size_bytes, "bytes"),
        ("Growth", store.growth, "bytes/second"),
        ("Requests", store.requests, "count"),
        ("Failed", store.errors, "count"),
        ("Share that failed", store.error_ratio, "ratio"),
        ("SQL statements that failed", store.sql_errors, "count"),
        ("Inserts given up", store.insert_errors, "count"),
        *(
            (f"Compactions: {result}", count, "count")
            for result, count in list(store.compactions.items())[:4]
        ),
        ("Connections in use", store.connections_in_use, "items"),
        ("Connections allowed, 0 for any", store.connections_max, "items"),
        ("Wait for a connection", store.connection_wait, "seconds"),
    ]
    rows = [(name(title), amount(value, unit)) for title, value, unit in facts if value is not None]
    rows = [(Cell("Kind"), name(store.kind or "unknown")), *rows]
    if store.etcd is not None:
        rows += _etcd(store.etcd)
    return table(("", "NOW"), rows, columns, right=frozenset({1}), flexible=0)


def _etcd(etcd: EtcdSignals) -> list[tuple[Cell, Cell]]:
    up = f"{etcd.members_up} of {etcd.members}"
    leader = {True: Cell("yes", "good"), False: Cell("no", "bad"), None: Cell("-", "muted")}[etcd.has_leader]
    facts: list[tuple[str, float | None, Unit]] = [
        ("Changes of leader", etcd.leader_changes, "count"),
        ("Proposals waiting", etcd.proposals_pending, "items"),
        ("Proposals that failed", etcd.proposals_failed, "count"),
        ("Database file", etcd.size_bytes, "bytes"),
        ("of it in use", etcd.in_use_bytes, "bytes"),
        ("Writes are refused at", etcd.quota_bytes, "bytes"),
    ]
    return [
        (Cell("etcd members that answer"), Cell(up, "good" if etcd.members_up == etcd.members else "bad")),
        (Cell("Every member knows a leader"), leader),
        *((Cell(title), amount(value, unit)) for title, value, unit in facts),
    ]


def _objects(view: SheetView, store: DatastoreSignals, columns: int) -> list[Line]:
    """Return the resources with most objects, a bar each."""
    ranked = sorted(store.objects.items(), key=lambda item: (-item[1], item[0]))[:10]
    most = max((count for _, count in ranked), default=0.0)
    room = max(4, columns - 46)
    return table(
        ("RESOURCE", "OBJECTS", ""),
        [
            (
                name(resource),
                amount(count, "count"),
                Cell(view.signs.bar * (round(room * count / most) if 0 < count <= most else 0), "plot-1"),
            )
            for resource, count in ranked
        ],
        columns,
        right=frozenset({1}),
        flexible=0,
    )
