"""What there is to export of one control plane."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import get_args

from k3k_core.exporter import catalogue
from k3k_core.exporter.choices import Choices
from k3k_core.exporter.readings import Readings
from k3k_core.exporter.signal_readings import read_signals
from k3k_core.exporter.totals import Totals
from k3k_core.fleet import FleetRow
from k3k_core.telemetry.judgement import Verdict
from k3k_core.telemetry.signals.model import Signals

MAX_RULES = 32


def read_row(row: FleetRow, signals: Signals | None, totals: Totals, choices: Choices) -> Readings:
    """Return the readings of one control plane.

    Args:
        row: the control plane.
        signals: its signals while they are new enough to be shown.
        totals: its totals, the window of `signals` among them.
        choices: which of its queues and resources are shown.
    """
    readings = Readings()
    plane = row.control_plane
    readings.info(catalogue.INFO, plane.system, plane.made_by, plane.version, plane.datastore)
    readings.flag(catalogue.UP, _up(row, signals))
    readings.number(catalogue.READY_SERVERS, plane.servers_ready)
    readings.number(catalogue.WANTED_SERVERS, plane.servers_wanted)
    readings.number(catalogue.CREATED, _timestamp(plane.created_at))
    readings.number(catalogue.EXPIRY, _timestamp(plane.expires_at))
    if row.signals is not None:
        # However old it is: that nobody has asked for long is what it is there to tell.
        readings.number(catalogue.LAST_SCRAPE, row.signals.at)
    _read_judgement(readings, row)
    if signals is not None:
        read_signals(readings, signals, totals, choices)
    return readings


def _up(row: FleetRow, signals: Signals | None) -> bool | None:
    """Tell whether a server is ready, as asked last; no way to ask is no, and not having asked yet is unknown.

    Where there is nobody to ask the host's word counts.
    """
    if signals is not None and signals.servers:
        return signals.servers_ready > 0
    cannot_be_asked = row.reach.way is None and not row.reach.undecided
    return False if cannot_be_asked or not row.control_plane.servers_ready else None


def _read_judgement(readings: Readings, row: FleetRow) -> None:
    judgement = row.judgement
    for verdict in get_args(Verdict):
        readings.flag(catalogue.VERDICT, verdict == judgement.verdict, verdict)
    for finding in islice(judgement.findings, MAX_RULES):
        readings.info(catalogue.RULE_FIRING, finding.rule, finding.severity)


def _timestamp(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None
