"""Memory, CPU, open files and starts of each server's process."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from k3k_core.telemetry.families import (
    BUILD_INFO,
    GOROUTINES,
    PROCESS_CPU,
    PROCESS_FILES,
    PROCESS_MAX_FILES,
    PROCESS_MEMORY,
)
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.signals.columns import SeriesReader
from k3k_core.telemetry.signals.deltas import increases
from k3k_core.telemetry.signals.gauges import amount, name_of, single
from k3k_core.telemetry.signals.label_sets import Labels
from k3k_core.telemetry.signals.model import ProcessSignals
from k3k_core.telemetry.signals.pairs import Pair


def _version(labels: Labels) -> str | None:
    # The label was gitVersion until Kubernetes 1.21.
    return name_of(labels.get("git_version") or labels.get("gitVersion") or "") or None


_VERSIONS: SeriesReader[str] = SeriesReader(_version)


def process_signals(pairs: Iterable[Pair]) -> tuple[ProcessSignals, ...]:
    """Return the signals of the processes whose pages were read, in the order of the pairs."""
    return tuple(
        ProcessSignals(
            server=pair.server,
            version=_git_version(pair.page),
            started_at=pair.instance,
            restarted=pair.restarted,
            memory_bytes=amount(single(PROCESS_MEMORY, pair.page)),
            cpu=_cores(pair),
            open_files=amount(single(PROCESS_FILES, pair.page)),
            max_files=amount(single(PROCESS_MAX_FILES, pair.page)),
            goroutines=amount(single(GOROUTINES, pair.page)),
        )
        for pair in pairs
    )


def _git_version(page: Page) -> str:
    family = BUILD_INFO.find(page)
    return next(iter(_VERSIONS.values(family)), "") if family is not None else ""


def _cores(pair: Pair) -> float | None:
    families = pair.families(PROCESS_CPU)
    if families is None:
        return None
    seconds = [grown for grown in increases(*families) if isfinite(grown)]
    return amount(sum(seconds) / pair.window) if seconds else None
