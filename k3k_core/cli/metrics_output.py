"""The page of `k3k metrics` for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core.ages import format_age
from k3k_core.cli.output import Cell, fields, table
from k3k_core.cli.rows import verdict_style
from k3k_core.cli.signal_cells import absent, amount, days_left, quantiles, short, why_absent
from k3k_core.cli.terminal import Terminal
from k3k_core.telemetry.quantities import format_value
from k3k_core.telemetry.signals.model import (
    ApiSignals,
    ControllerSignals,
    DatastoreSignals,
    EtcdSignals,
    Signals,
)

if TYPE_CHECKING:
    from k3k_core.fleet.rows import FleetRow

_FEW = 5
# Rows of a table; a hostile control plane may name thousands of things.
_SOME, _MANY = 8, 200
_QUIET = "nothing of the kind happened in the window"
_UNTOLD = "its page does not tell"
_BRIEF = "too little has been seen"

Row = list[Cell | str]


def metrics_text(terminal: Terminal, row: FleetRow, *, wide: bool = False, host_error: str = "") -> str:
    """Return everything that was measured of a control plane, section by section.

    Args:
        terminal: where it will be shown.
        row: of a fleet.
        wide: also what is of interest only now and then.
        host_error: why its host is not followed at the moment; empty while it is.
    """
    head = _summary(terminal, row, host_error)
    signals = row.signals
    if signals is None or row.reach.way is None:
        reason = row.reach.reason or "it has not been reached yet"
        return f"{head}\n\n{fields(terminal, [('Signals', absent(reason))])}"
    why = why_absent(signals)
    sections = [
        ("Servers", _servers(terminal, signals)),
        ("API", _api(terminal, signals.api, why, wide=wide)),
        ("Datastore", _datastore(terminal, signals.datastore, why, wide=wide)),
        ("Controllers", _controllers(terminal, signals.controllers, why, wide=wide)),
        ("Certificates", _certificates(terminal, signals, wide=wide)),
        ("Processes", _processes(terminal, signals)),
    ]
    return "\n\n".join([head, *(_section(terminal, title, body) for title, body in sections)])


def _section(terminal: Terminal, title: str, body: str) -> str:
    indented = "\n".join(f"  {line}".rstrip() for line in body.split("\n"))
    return f"{terminal.style(f'{title}:', 'bold')}\n{indented}"


def _table(
    terminal: Terminal, headings: Sequence[str], rows: Sequence[Row], why: str = "", *, limit: int = _MANY
) -> str:
    if not rows:
        cell = absent(why)
        return terminal.style(cell.text, cell.style)
    text = table(terminal, headings, rows[:limit])
    if len(rows) <= limit:
        return text
    place = "-o wide" if limit < _MANY else "-o json"
    more = terminal.style(f"... and {len(rows) - limit} more: {place}", "dim")
    return f"{text}\n{more}"


def _summary(terminal: Terminal, row: FleetRow, host_error: str) -> str:
    plane, signals = row.control_plane, row.signals
    pairs: list[tuple[str, Cell | str]] = [
        ("Name", plane.name),
        ("Namespace", plane.namespace),
        ("Host", _host(row, host_error)),
        ("Status", Cell(row.judgement.verdict, verdict_style(row.judgement.verdict))),
        *([("Reason", row.reason)] if row.reason else []),
        *[("Seen too", Cell(item.summary, "warn")) for item in row.judgement.pending[:1]],
        ("Version", plane.version),
        ("Reached by", row.reach.way or ""),
    ]
    if signals is not None:
        pairs.append(("Measured", f"{datetime.fromtimestamp(signals.at, UTC):%Y-%m-%d %H:%M:%S} UTC"))
        window = format_value(signals.window, "seconds") if signals.window else absent("one scrape so far")
        pairs.append(("Window", window))
    return fields(terminal, pairs)


def _host(row: FleetRow, error: str) -> Cell | str:
    name = row.control_plane.host
    if row.stale_since is None:
        return name
    since = f"{datetime.fromtimestamp(row.stale_since, UTC):%H:%M:%S} UTC"
    return Cell(f"{name} (not followed since {since}{': ' if error else ''}{error})", "bad")


def _servers(terminal: Terminal, signals: Signals) -> str:
    rows: list[Row] = [
        [
            server.server,
            Cell("yes", "good") if server.ready else Cell("no", "bad"),
            short(server.round_trip, "seconds"),
            Cell(", ".join(server.failing), "bad"),
            Cell(server.error or server.page_error, "bad"),
        ]
        for server in signals.servers
    ]
    return _table(terminal, ("SERVER", "READY", "ROUND TRIP", "FAILING CHECKS", "ERROR"), rows)


def _api(terminal: Terminal, api: ApiSignals, why: str, *, wide: bool) -> str:
    idle = _UNTOLD if api.requests else _QUIET
    pairs: list[tuple[str, Cell | str]] = [
        ("Requests", amount(api.request_rate, "count/second", why or _UNTOLD)),
        ("Errors (5xx)", _share(api.error_ratio, api.errors, why or idle)),
        ("In flight", _by_name(api.in_flight, why or _UNTOLD)),
        ("Queued", amount(api.in_queue, "count", why or _UNTOLD)),
        ("Turned away", amount(api.rejected_rate, "count/second", why or _UNTOLD)),
        ("Cut short", amount(api.terminated_ratio, "ratio", why or idle)),
        ("Watches open", amount(api.long_running, "count", why or _UNTOLD)),
        ("Budget burn", _burn(api, why)),
    ]
    if wide:
        pairs.insert(1, ("By verb", _by_name(api.rate_by_verb, why or _QUIET, "/s")))
    groups: list[Row] = [["reads", "all", *quantiles(api.reads)], ["writes", "all", *quantiles(api.writes)]]
    if wide:
        groups += [
            [f"{group}s", scope, *quantiles(latency)]
            for (group, scope), latency in sorted(api.by_scope.items())
        ]
    slowest: list[Row] = [
        [item.resource, f"{item.group}s", *quantiles(item.latency)]
        for item in api.slowest[: None if wide else _FEW]
    ]
    known = api.reads is not None or api.writes is not None
    blocks = [
        fields(terminal, pairs),
        _table(
            terminal,
            ("LATENCY", "SCOPE", "COUNT", "P50", "P90", "P99"),
            groups if known else [],
            why or _QUIET,
        ),
    ]
    if slowest:
        blocks.append(_table(terminal, ("SLOWEST", "GROUP", "COUNT", "P50", "P90", "P99"), slowest))
    return "\n\n".join(blocks)


def _burn(api: ApiSignals, why: str) -> Cell | str:
    if api.burn_1h is None and api.burn_6h is None:
        return absent(why or _BRIEF)
    parts = [
        f"{value:.3g}x over {hours} h"
        for value, hours in ((api.burn_1h, 1), (api.burn_6h, 6))
        if value is not None
    ]
    return ", ".join(parts)


def _datastore(terminal: Terminal, store: DatastoreSignals, why: str, *, wide: bool) -> str:
    pairs: list[tuple[str, Cell | str]] = [
        ("Kind", store.kind),
        ("Requests", amount(store.requests, "count", why or _UNTOLD)),
        ("Failed", _share(store.error_ratio, store.errors, why or _UNTOLD)),
        ("Size", amount(store.size_bytes, "bytes", why or _UNTOLD)),
        ("Growth", amount(store.growth, "bytes/second", why or _UNTOLD)),
    ]
    if store.sql is not None or store.sql_errors is not None or store.kind in {"sqlite", "external"}:
        pairs += [
            ("SQL p99", amount(store.sql.p99 if store.sql else None, "seconds", why or _UNTOLD)),
            ("SQL failed", _share(store.sql_error_ratio, store.sql_errors, why or _UNTOLD)),
            ("Compactions", _by_name(store.compactions, why or _UNTOLD)),
        ]
    if store.connections_in_use is not None:
        limit = f" of {store.connections_max:.0f}" if store.connections_max else ""
        pairs.append(("Connections", f"{store.connections_in_use:.0f}{limit} in use"))
    if store.etcd is not None:
        pairs += _etcd(store.etcd, why)
    operations: list[Row] = [["all", *quantiles(store.latency)]] if store.latency is not None else []
    ranked = sorted(store.by_operation.items(), key=lambda item: -item[1].count)
    operations += [[name, *quantiles(latency)] for name, latency in ranked[: None if wide else _FEW]]
    blocks = [
        fields(terminal, pairs),
        _table(terminal, ("LATENCY", "COUNT", "P50", "P90", "P99"), operations, why or _UNTOLD),
    ]
    if store.objects:
        largest = sorted(store.objects.items(), key=lambda item: -item[1])
        rows: list[Row] = [[name, f"{count:.0f}"] for name, count in largest[: None if wide else _FEW]]
        blocks.append(_table(terminal, ("MOST OBJECTS", "COUNT"), rows))
    return "\n\n".join(blocks)


def _etcd(etcd: EtcdSignals, why: str) -> list[tuple[str, Cell | str]]:
    up = f"{etcd.members_up} of {etcd.members}"
    full = f" of {format_value(etcd.quota_bytes, 'bytes')}" if etcd.quota_bytes else ""
    size = format_value(etcd.size_bytes, "bytes") + full if etcd.size_bytes is not None else absent(why)
    leader: Cell | str = absent(why) if etcd.has_leader is None else Cell("yes" if etcd.has_leader else "no")
    return [
        ("etcd members up", Cell(up, None if etcd.members_up == etcd.members else "bad")),
        ("etcd leader", Cell("no", "bad") if etcd.has_leader is False else leader),
        ("Leader changes", amount(etcd.leader_changes, "count", why)),
        ("Disk sync p99", amount(etcd.fsync.p99 if etcd.fsync else None, "seconds", why or _QUIET)),
        ("Commit p99", amount(etcd.commit.p99 if etcd.commit else None, "seconds", why or _QUIET)),
        ("etcd size", size),
    ]


def _controllers(terminal: Terminal, found: ControllerSignals, why: str, *, wide: bool) -> str:
    pairs: list[tuple[str, Cell | str]] = [
        ("Waiting", amount(found.depth, "items", why or _UNTOLD)),
        ("Pending pods", amount(found.pending_pods, "count", why or _UNTOLD)),
    ]
    if found.unavailable_api_services:
        pairs.append(("APIs that do not answer", Cell(", ".join(found.unavailable_api_services), "bad")))
    rows: list[Row] = [
        [
            queue.name,
            short(queue.depth, "items"),
            short(queue.added, "items"),
            short(queue.retries, "items"),
            short(queue.wait.p99 if queue.wait else None, "seconds"),
            short(queue.work.p99 if queue.work else None, "seconds"),
            short(queue.longest_running, "seconds"),
            Cell("stuck", "bad") if queue.stuck else "",
        ]
        for queue in found.queues[: None if wide else _FEW]
    ]
    headings = ("QUEUE", "DEPTH", "ADDED", "RETRIES", "WAIT P99", "WORK P99", "LONGEST", "STATE")
    return f"{fields(terminal, pairs)}\n\n{_table(terminal, headings, rows, why or _UNTOLD)}"


def _certificates(terminal: Terminal, signals: Signals, *, wide: bool) -> str:
    rows: list[Row] = [
        [item.name, item.server, item.source, _day(item.expires_at), days_left(item.days_left)]
        for item in sorted(signals.certificates, key=lambda item: item.expires_at)
    ]
    headings = ("NAME", "SERVER", "SEEN IN", "EXPIRES", "LEFT")
    return _table(terminal, headings, rows, "none was seen", limit=_MANY if wide else _SOME)


def _day(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
    except (OverflowError, ValueError, OSError):
        return ""


def _processes(terminal: Terminal, signals: Signals) -> str:
    rows: list[Row] = [
        [
            item.server,
            item.version,
            short(item.memory_bytes, "bytes"),
            short(item.cpu, "cores"),
            _files(item.open_files, item.max_files),
            short(item.goroutines, "count"),
            format_age(signals.at - item.started_at) if item.started_at else "",
            Cell("restarted", "warn") if item.restarted else "",
        ]
        for item in signals.processes
    ]
    headings = ("SERVER", "VERSION", "MEMORY", "CPU", "OPEN FILES", "GOROUTINES", "UP FOR", "STATE")
    return _table(terminal, headings, rows, why_absent(signals))


def _files(used: float | None, limit: float | None) -> str:
    if used is None:
        return ""
    return f"{used:.0f} of {limit:.0f}" if limit else f"{used:.0f}"


def _share(ratio: float | None, count: float | None, why: str) -> Cell | str:
    if ratio is None:
        return absent(why)
    counted = f" ({count:.0f})" if count is not None else ""
    return Cell(f"{format_value(ratio, 'ratio')}{counted}", "bad" if ratio > 0.01 else None)


def _by_name(values: Mapping[str, float], why: str, unit: str = "") -> Cell | str:
    if not values:
        return absent(why)
    shown = [f"{name} {value:.3g}{unit}" for name, value in sorted(values.items())]
    return ", ".join(shown[:_SOME]) + (f" and {len(shown) - _SOME} more" if len(shown) > _SOME else "")
