"""Pages of a few families, written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k3k_core.telemetry.families import ETCD_WANTED, WANTED
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.scanner import scan

Samples = Mapping[str, float]


def page(*families: str) -> Page:
    """Scan a page made of families, each as `gauge`, `counter` and `histogram` below write them."""
    return scan("".join(families).encode(), WANTED | ETCD_WANTED)


def gauge(name: str, samples: Samples | float) -> str:
    """Write a gauge: values by labels, such as `{'name="node"': 3}`, or one value."""
    return _written(name, "gauge", samples)


def counter(name: str, samples: Samples | float) -> str:
    """Write a counter."""
    return _written(name, "counter", samples)


def histogram(name: str, rows: Mapping[str, Sequence[float]], bounds: Sequence[float] = (1, 5, 30)) -> str:
    """Write a histogram.

    Args:
        name: name of the family.
        rows: by labels: how many observations were in each bucket, the unbounded one last. Their sum is their number.
        bounds: upper bounds.
    """
    lines = [f"# TYPE {name} histogram\n"]
    for labels, counts in rows.items():
        comma = "," if labels else ""
        total = 0.0
        for bound, count in zip([*map(str, bounds), "+Inf"], counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{{labels}{comma}le="{bound}"}} {total}\n')
        braces = f"{{{labels}}}" if labels else ""
        lines += [f"{name}_sum{braces} {total}\n", f"{name}_count{braces} {total}\n"]
    return "".join(lines)


def started(at: float) -> str:
    """Write when the process started."""
    return gauge("process_start_time_seconds", at)


def _written(name: str, kind: str, samples: Samples | float) -> str:
    rows = samples if isinstance(samples, Mapping) else {"": samples}
    lines = [
        f"{name}{{{labels}}} {value}\n" if labels else f"{name} {value}\n" for labels, value in rows.items()
    ]
    return "".join([f"# TYPE {name} {kind}\n", *lines])
