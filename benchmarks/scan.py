"""Time to scan a metrics page, beside `prometheus_client`'s parser on the same page in the same run.

    python benchmarks/scan.py [--json] [--rounds 7] [PAGE ...]

Both begin with the gzipped bytes and end with samples in memory: the parser with all of them, the scanner with those
of the families that signals are computed from. "Steady" is what a scraper sees from the second page of a target on:
its series are known, values are new. "Cold" is the first page of the first target: nothing is known, and families
that others replace are still asked for. Times are the best of all rounds, taken in turns. Memory is what Python
allocates at most during one scan (or parse) beyond what was there before, including what is handed back.

Without PAGE the recorded pages are taken: kube-apiserver 1.36 (4.4 MB), what a k3s of today serves (its families and
those of kube-controller-manager), and k3s 1.21. A PAGE is a file, gzipped or not. The JSON's `ratio` and `ratio_cold`
are those of the first page.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from k3k_core.telemetry.families import WANTED, wanted_for
from k3k_core.telemetry.scanner import LayoutTable, scan

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data" / "metrics"
API_SERVER = "kube-apiserver-1.36.2-t1"
CONTROLLER_MANAGER = "kube-controller-manager-1.36.2-t1"
K3S = "k3s-1.21.3-agentless-t1"
# One run of the parser takes as long as many scans.
SCANS_PER_PARSE = 8


def recorded(name: str) -> bytes:
    """Return the text of a recorded page."""
    return gzip.decompress((DATA / f"{name}.txt.gz").read_bytes())


def modern_k3s() -> bytes:
    """Return one page with the families of kube-apiserver and kube-controller-manager, the first one's first."""
    families: dict[bytes, bytes] = {}
    for name in (API_SERVER, CONTROLLER_MANAGER):
        for block in recorded(name).split(b"# HELP ")[1:]:
            families.setdefault(block.split(b" ", 1)[0], block)
    return b"".join(b"# HELP " + block for block in families.values())


def given(path: Path) -> bytes:
    """Return the text of a page in a file."""
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def parse(compressed: bytes) -> list[Any]:
    """Read a page as the peer does, all samples in memory."""
    return list(text_string_to_metric_families(gzip.decompress(compressed).decode()))


def best(before: float, work: Callable[[], object]) -> float:
    """Return the shorter of a time and the time that some work takes, seconds."""
    began = time.perf_counter()
    result = work()
    taken = time.perf_counter() - began
    del result
    return min(before, taken)


def peak(work: Callable[[], object]) -> float:
    """Return how much memory some work allocates at most, MiB."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def measure(name: str, text: bytes, rounds: int) -> dict[str, Any]:
    """Measure one page."""
    compressed = gzip.compress(text, 6)
    table = LayoutTable()
    first = scan(compressed, WANTED, layouts=table)
    wanted = wanted_for(first)
    held = scan(compressed, wanted, layouts=table, previous=first)

    def steady() -> object:
        return scan(compressed, wanted, layouts=table, previous=held)

    def cold() -> object:
        return scan(compressed, WANTED, layouts=LayoutTable())

    parsing = scanning = starting = float("inf")
    gc.disable()
    try:
        for _ in range(rounds):
            parsing = best(parsing, lambda: parse(compressed))
            for _ in range(SCANS_PER_PARSE):
                scanning = best(scanning, steady)
                starting = best(starting, cold)
            gc.collect()
    finally:
        gc.enable()
    return {
        "page": name,
        "bytes": len(text),
        "compressed_bytes": len(compressed),
        "lines": text.count(b"\n"),
        "samples_kept": sum(len(family.values) for family in held.families.values()),
        "samples_kept_cold": sum(len(family.values) for family in first.families.values()),
        "prometheus_client_ms": round(parsing * 1000, 1),
        "scan_ms": round(scanning * 1000, 2),
        "scan_cold_ms": round(starting * 1000, 2),
        "ratio": round(parsing / scanning, 1),
        "ratio_cold": round(parsing / starting, 1),
        "prometheus_client_peak_mib": round(peak(lambda: parse(compressed)), 1),
        "scan_peak_mib": round(peak(steady), 2),
        "scan_cold_peak_mib": round(peak(cold), 2),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE")
    arguments = parser.parse_args()
    pages = [(path.name, given(path)) for path in arguments.pages] or [
        ("kube-apiserver 1.36", recorded(API_SERVER)),
        ("k3s of today", modern_k3s()),
        ("k3s 1.21", recorded(K3S)),
    ]
    found = [measure(name, text, arguments.rounds) for name, text in pages]
    result = {
        "ratio": found[0]["ratio"],
        "ratio_cold": found[0]["ratio_cold"],
        "ratio_is": "steady: series known from the target's page before, values new",
        "rounds": arguments.rounds,
        "python": sys.version.split()[0],
        "pages": found,
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'page':<24}{'size':>9}{'lines':>8}{'peer':>11}{'steady':>11}{'cold':>11}{'ratio':>9}{'cold':>8}")
    for page in found:
        print(
            f"{page['page']:<24}{page['bytes'] / 1e6:>6.1f} MB{page['lines']:>8}"
            f"{page['prometheus_client_ms']:>8.0f} ms{page['scan_ms']:>8.2f} ms{page['scan_cold_ms']:>8.2f} ms"
            f"{page['ratio']:>8.0f}x{page['ratio_cold']:>7.0f}x"
        )
    print(
        "\npeak memory: "
        + "; ".join(
            f"{page['page']}: peer {page['prometheus_client_peak_mib']:.0f} MiB, "
            f"steady {page['scan_peak_mib']:.1f} MiB, cold {page['scan_cold_peak_mib']:.1f} MiB"
            for page in found
        )
    )


if __name__ == "__main__":
    main()
