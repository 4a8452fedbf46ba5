"""Makes the pages of simulated servers from the recorded ones: `python -m tests.support.simulated_pages`.

A page joins two recordings of one server, some seconds apart: a line holds a series, its first value and, where it
differs, its second. What no k3s shows is left out: the `system_client` label of another distribution, and families
that Kubernetes hides by default.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

RECORDINGS = Path(__file__).parent.parent / "data/metrics"
PAGES = Path(__file__).parents[2] / "k3k_core/sandbox/k3s/pages"
_SOURCES = {
    "k3s-1.21": (("k3s-1.21.3-agentless",), 14),
    "k3s-1.36": (("kube-apiserver-1.36.2", "kube-controller-manager-1.36.2"), 14),
    "etcd-3.6": (("etcd-3.6.8",), 15),
}
# Hidden since 1.28, 1.29, 1.31 and 1.32, or of another distribution.
_HIDDEN = {
    "apiserver_request_slo_duration_seconds",
    "apiserver_storage_db_total_size_in_bytes",
    "apiserver_flowcontrol_request_concurrency_limit",
    "apiserver_flowcontrol_request_concurrency_in_use",
    "version_info",
}
_FOREIGN_LABEL = re.compile(r'system_client="[^"]*",?')


@dataclass
class _Family:
    header: list[str] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)


def _series(text: str) -> tuple[str, float]:
    end = text.rfind("}") + 1 or text.index(" ")
    name, value = text[:end], float(text[end:].split(maxsplit=1)[0])
    name = _FOREIGN_LABEL.sub("", name).replace(",}", "}")
    return name, value


def _read(name: str) -> Iterator[tuple[str, list[str], str]]:
    """Yield family, header and line of each series."""
    family, header = "", []
    for line in gzip.decompress((RECORDINGS / f"{name}.txt.gz").read_bytes()).decode().splitlines():
        if line.startswith("# HELP "):
            family, header = line.split(" ")[2], [line]
        elif line.startswith("# TYPE "):
            family = line.split(" ")[2]
            header = [*(each for each in header if each.split(" ")[2] == family), line]
        else:
            yield family, header, line


def join(recordings: Iterable[str]) -> dict[str, _Family]:
    """Join the two pages of each recording; of a series that several have, the first recording's counts."""
    joined: dict[str, _Family] = {}
    for recording in recordings:
        taken = {series for family in joined.values() for series in family.values}
        for moment in (0, 1):
            for name, header, line in _read(f"{recording}-t{moment}"):
                series, value = _series(line)
                if name in _HIDDEN or series in taken:
                    continue
                family = joined.setdefault(name, _Family(header))
                family.values.setdefault(series, [0.0, 0.0])[moment] += value
    return joined


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def write(name: str) -> None:
    """Write one page."""
    recordings, seconds = _SOURCES[name]
    lines = [
        f"#! two /metrics pages each of {' and '.join(recordings)}, joined as one process shows them",
        "#! each line: series, first value, second value where it differs",
        f"#! seconds {seconds}",
    ]
    for family in (each for _, each in sorted(join(recordings).items())):
        lines += family.header
        for series, (first, second) in family.values.items():
            lines.append(f"{series} {_number(first)}" + (f" {_number(second)}" if second != first else ""))
    data = gzip.compress("\n".join(lines).encode() + b"\n", 9, mtime=0)
    (PAGES / f"{name}.txt.gz").write_bytes(data)


if __name__ == "__main__":
    for page in sys.argv[1:] or _SOURCES:
        write(page)
