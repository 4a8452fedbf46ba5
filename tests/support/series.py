"""Which series there are for queries, and which labels they have."""

from __future__ import annotations

from k3k_core.exporter.alerts import load_groups
from k3k_core.exporter.catalogue import BASE_LABELS, SERIES, metric_of
from tests.support.promql import used

RECORDED = {record.name: record.expr for group in load_groups() for record in group.records}
# Prometheus adds these to every series it reads.
TARGET_LABELS = frozenset(["job", "instance"])
# Made by Prometheus itself, or by the exporter's process as by every other.
COMMON_SERIES = frozenset(
    [
        "up",
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    ]
)
ALL_SERIES = SERIES | COMMON_SERIES | RECORDED.keys()


def labels_of(series: str) -> frozenset[str]:
    """Return the labels a series can have.

    Args:
        series: a name as a query has it.
    """
    if series in RECORDED:
        return frozenset(BASE_LABELS) | used(RECORDED[series]).grouping
    metric = metric_of(series)
    if metric is None:
        return TARGET_LABELS
    labels = TARGET_LABELS.union(metric.all_labels)
    if metric.kind == "summary" and series == metric.name:
        return labels | {"quantile"}
    return labels | {"le"} if series.endswith("_bucket") else labels
