"""What there is to export of the exporter itself and of its hosts."""

from __future__ import annotations

import math
from collections.abc import Iterable

from k3k_core import __version__
from k3k_core.exporter import catalogue
from k3k_core.exporter.readings import Buckets, Readings
from k3k_core.fleet import HostState
from k3k_core.telemetry.scraper.figures import HistogramFigures, ScrapeFigures


def read_own(hosts: Iterable[HostState], figures: ScrapeFigures | None) -> Readings:
    """Return the readings of the exporter and its hosts.

    Args:
        hosts: every host.
        figures: what its scraper did; None without one.
    """
    readings = Readings()
    figures = figures or ScrapeFigures()
    for host in hosts:
        readings.flag(catalogue.HOST_UP, host.connected, host.name)
        readings.number(catalogue.HOST_CONTROL_PLANES, host.control_planes, host.name)
    for result, rounds in figures.rounds.items():
        readings.number(catalogue.SCRAPES, rounds, result)
    for kind, failures in figures.failures.items():
        readings.number(catalogue.SCRAPE_FAILURES, failures, kind)
    readings.number(catalogue.SCRAPES_MISSED, figures.missed)
    readings.histogram(catalogue.SCRAPE_DURATION, _buckets(figures.duration))
    readings.histogram(catalogue.SCRAPE_LAG, _buckets(figures.lag))
    readings.number(catalogue.SCRAPE_RECEIVED, figures.received_bytes)
    readings.number(catalogue.SCRAPES_ACTIVE, figures.active)
    readings.number(catalogue.SCRAPES_WAITING, figures.waiting)
    readings.number(catalogue.TARGETS, figures.targets)
    readings.number(catalogue.TARGETS_BACKING_OFF, figures.backing_off)
    readings.number(catalogue.WORKER_RESTARTS, figures.restarts)
    readings.info(catalogue.BUILD_INFO, __version__)
    return readings


def read_probe(*, success: bool, duration: float) -> Readings:
    """Return the readings of one probe.

    Args:
        success: whether a server answered that it is ready.
        duration: seconds it took.
    """
    readings = Readings()
    readings.flag(catalogue.PROBE_SUCCESS, success)
    readings.number(catalogue.PROBE_DURATION, duration)
    return readings


def _buckets(figures: HistogramFigures) -> Buckets:
    counts = tuple(map(float, figures.cumulative()))
    return Buckets((*figures.bounds, math.inf), counts, figures.total)
