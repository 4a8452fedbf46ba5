"""Time to compute the signals of one round, beside the scan of the page they are computed from.

    python benchmarks/signals.py [--json] [--rounds 400]

One server's pages t0 and t1 are observed in turn; the rounds from t0 to t1 count. Times are CPU time of the thread, the
best and the median of all rounds. The k3s page t1 has series that t0 lacks, which is the slow case: nothing lines up.
Memory is what a tracker holds between two rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from k3k_core.telemetry.families import WANTED, wanted_for
from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.scanner import LayoutTable, scan
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.recorded_pages import MODERN_K3S, SECONDS_APART, recorded

PAGES = (MODERN_K3S, "kube-apiserver-1.36.2", "k3s-1.21.3-agentless")


def observe(tracker: Tracker, page: Page, at: float) -> float:
    """Observe a page and return the seconds of CPU that it took."""
    observation = Observation(at, (ServerObservation("server-0", page=page, page_at=at),))
    start = time.thread_time()
    tracker.observe(observation)
    return time.thread_time() - start


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Measure one pair of pages."""
    layouts = LayoutTable()
    wanted = wanted_for(scan(recorded(name, "t0"), WANTED, layouts=layouts))
    pages = [scan(recorded(name, time_), wanted, layouts=layouts) for time_ in ("t0", "t1")]
    scans = []
    for _ in range(20):
        start = time.thread_time()
        scan(recorded(name, "t1"), wanted, layouts=layouts)
        scans.append(time.thread_time() - start)
    tracker = Tracker()
    times = [observe(tracker, pages[number % 2], SECONDS_APART * (number + 1)) for number in range(rounds)]
    forward = times[1::2]
    return {
        "page": name,
        "series": sum(len(family.values) for family in pages[1].families.values()),
        "signals_ms_best": min(forward) * 1000,
        "signals_ms_median": statistics.median(forward) * 1000,
        "scan_ms_best": min(scans) * 1000,
        "tracker_kib": held(name, wanted, layouts) / 1024,
    }


def held(name: str, wanted: frozenset[str], layouts: LayoutTable) -> float:
    """Return the bytes that a tracker holds, its last page included."""
    count = 20
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        trackers = [Tracker() for _ in range(count)]
        for tracker in trackers:
            for at, time_ in ((1000.0, "t0"), (1000.0 + SECONDS_APART, "t1")):
                observe(tracker, scan(recorded(name, time_), wanted, layouts=layouts), at)
        return (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()


def main() -> None:
    """Measure every pair and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=400, help="rounds of each pair (default 400)")
    options = parser.parse_args()
    results = [measure(name, options.rounds) for name in PAGES]
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for result in results:
        print(
            f"{result['page']:24} {result['series']:6} series  signals {result['signals_ms_best']:.2f} ms best, "
            f"{result['signals_ms_median']:.2f} ms median  scan {result['scan_ms_best']:.1f} ms  "
            f"held {result['tracker_kib']:.0f} KiB"
        )


if __name__ == "__main__":
    main()
