"""Signals in a list of control planes: how they are gathered, and the columns they fill."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from k3k_core.cli.connect import host_options, run
from k3k_core.cli.output import Cell
from k3k_core.cli.session import Session
from k3k_core.cli.signal_cells import days_left, queue_cell, short

if TYPE_CHECKING:
    from k3k_core.discovery import ControlPlane
    from k3k_core.fleet import FleetRow
    from k3k_core.telemetry.rules import Rule

Measured: TypeAlias = "Mapping[tuple[str, str, str], FleetRow]"

HEADINGS = ("READ P99", "WRITE P99", "DATASTORE P99", "QUEUE", "CERT")
# Seconds between the two readings, and how much longer they are apart for each control plane: reading and
# scanning a page twice costs about so much of one core.
_WINDOW, _WINDOW_EACH = 3.0, 0.03
# A shorter time between two readings says too little.
_SHORTEST = 1.0
# Seconds all of it may take beyond the windows, and how much longer for each control plane.
_LIMIT, _LIMIT_EACH = 12.0, 0.05
# Control planes that are worth a process of their own.
_PER_WORKER = 150


def measure(
    session: Session,
    contexts: Sequence[str | None],
    rows: Sequence[ControlPlane],
    *,
    rules: tuple[Rule, ...],
) -> Measured:
    """Read the metrics of listed control planes twice, and say what came of it when not all could be read.

    Args:
        session: of the verb.
        contexts: their hosts, as they were asked for.
        rows: the control planes.
        rules: what their verdicts are made by.

    Returns:
        Rows of a fleet by host, namespace and name.
    """
    if not rows:
        return {}
    from k3k_core.fleet import FleetOptions
    from k3k_core.fleet.snapshot import look
    from k3k_core.telemetry.scraper import ScrapeOptions

    settings = session.settings
    workers = min(len(rows) // _PER_WORKER, os.cpu_count() or 1)
    window = _WINDOW + _WINDOW_EACH * len(rows) / max(workers, 1)
    options = FleetOptions(
        hosts=tuple(host_options(session, context) for context in contexts),
        namespace=None if settings.all_namespaces else settings.namespace,
        scrape=ScrapeOptions(interval=window),
        workers=workers if workers > 1 else 0,
        rules=rules,
        history=False,
    )
    limit = 2 * window + _LIMIT + _LIMIT_EACH * len(rows)
    found = run(look(options, timeout=limit, window=_SHORTEST))
    measured = {(key.host, key.namespace, key.name): row for key, row in found.items()}
    _tell_missing(session, rows, measured)
    return measured


def cells(row: FleetRow | None) -> list[Cell | str]:
    """Return the cells below `HEADINGS`; empty ones where nothing is known.

    Args:
        row: of a fleet; None when there is none.
    """
    signals = row.signals if row is not None else None
    if signals is None:
        return [""] * len(HEADINGS)
    reads, writes, store = signals.api.reads, signals.api.writes, signals.datastore.latency
    certificate = signals.first_to_expire
    return [
        short(reads.p99 if reads else None, "seconds"),
        short(writes.p99 if writes else None, "seconds"),
        short(store.p99 if store else None, "seconds"),
        queue_cell(signals.controllers.worst),
        days_left(certificate.days_left) if certificate else "",
    ]


def _tell_missing(session: Session, rows: Sequence[ControlPlane], measured: Measured) -> None:
    """Say how many control planes have no signals, and why the first of them has not."""
    missing = []
    for row in rows:
        found = measured.get((row.host, row.namespace, row.name))
        if found is None or found.signals is None or not found.signals.window:
            missing.append((row, found))
    if not missing:
        return
    row, found = missing[0]
    why = "there was no time for two readings"
    if found is None:
        why = "its host did not answer again"
    elif found.scraped is None:
        why = found.reach.reason or why
    elif found.scraped.errors:
        why = found.scraped.errors[0]
    session.console.note(
        f"{len(missing)} of {len(rows)} control planes without signals; {row.namespace}/{row.name}: {why.rstrip('.')}."
    )
