"""Pairs of pages as no server would write them: resets, series that come and go, values that are no numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

Labels = Mapping[str, str]

BOUNDS: Final = ("0.005", "0.05", "0.5", "1", "5", "30", "60", "+Inf")
FEW_BOUNDS: Final = ("0.5", "1.0", "+Inf")
SMALL_BOUNDS: Final = ("1e-08", "0.0001", "1", "10", "+Inf")

_REQUESTS: Final[tuple[Labels, ...]] = tuple(
    {
        "component": "apiserver",
        "group": group,
        "resource": resource,
        "scope": scope,
        "subresource": sub,
        "verb": verb,
    }
    for verb, scope, group, resource, sub in (
        ("GET", "resource", "", "pods", ""),
        ("GET", "resource", "", "pods", "log"),
        ("GET", "", "", "", "/healthz"),
        ("LIST", "namespace", "apps", "deployments", ""),
        ("LIST", "cluster", "", "pods", ""),
        ("LIST", "elsewhere", "", "nodes", ""),
        ("WATCH", "cluster", "", "pods", ""),
        ("CONNECT", "resource", "", "pods", "exec"),
        ("POST", "resource", "apps", "deployments", ""),
        ("PUT", "resource", "", "pods", "status"),
        ("APPLY", "resource", "", "pods", ""),
        ("DELETECOLLECTION", "namespace", "", "events", ""),
        ("HEAD", "", "", "", "/"),
    )
)
_QUEUES: Final[tuple[Labels, ...]] = ({"name": "node"}, {"name": "/v1, Kind=Pod"}, {"name": 'a "b"\\ c'})
_OPERATIONS: Final[tuple[Labels, ...]] = (
    {"operation": "get", "type": "*core.Pod"},
    {"operation": "get", "type": "*core.Node"},
    {"operation": "list", "type": "*core.Pod"},
)
_SQL: Final[tuple[Labels, ...]] = (
    {"error_code": ""},
    {"error_code": "5"},
    {"error_code": "", "name": "Insert"},
)

HISTOGRAMS: Final[Mapping[str, tuple[Sequence[Labels], Sequence[str]]]] = {
    "apiserver_request_sli_duration_seconds": (_REQUESTS, BOUNDS),
    "apiserver_request_slo_duration_seconds": (_REQUESTS, BOUNDS),
    "apiserver_request_duration_seconds": (_REQUESTS, FEW_BOUNDS),
    "etcd_request_duration_seconds": (_OPERATIONS, BOUNDS),
    "kine_sql_time_seconds": (_SQL, FEW_BOUNDS),
    "workqueue_queue_duration_seconds": (_QUEUES, SMALL_BOUNDS),
    "workqueue_work_duration_seconds": (_QUEUES, SMALL_BOUNDS),
}
COUNTERS: Final[Mapping[str, Sequence[Labels]]] = {
    "apiserver_request_total": tuple(
        {**labels, "code": code} for labels in _REQUESTS for code in ("200", "503")
    ),
    "apiserver_request_terminations_total": _REQUESTS[:4],
    "apiserver_flowcontrol_rejected_requests_total": (
        {"priority_level": "system", "reason": "time-out"},
        {"priority_level": "system", "reason": "queue-full"},
        {"priority_level": "workload-low", "reason": "queue-full"},
    ),
    "etcd_requests_total": _OPERATIONS,
    "etcd_request_errors_total": _OPERATIONS,
    "kine_sql_total": _SQL,
    "kine_compact_total": ({"result": "success"}, {"result": "error"}),
    "kine_insert_errors_total": ({"retriable": "true"}, {"retriable": "false"}),
    "go_sql_wait_duration_seconds_total": ({"db_name": "kine"},),
    "workqueue_adds_total": _QUEUES,
    "workqueue_retries_total": _QUEUES,
}
GAUGES: Final[Mapping[str, Sequence[Labels]]] = {
    "apiserver_current_inflight_requests": ({"request_kind": "mutating"}, {"request_kind": "readOnly"}),
    "apiserver_current_inqueue_requests": ({"request_kind": "mutating"},),
    "apiserver_flowcontrol_current_inqueue_requests": ({"priority_level": "system"},),
    "apiserver_longrunning_requests": _REQUESTS[6:8],
    "apiserver_longrunning_gauge": _REQUESTS[6:8],
    "apiserver_storage_size_bytes": ({"storage_cluster_id": "etcd-0"}, {"storage_cluster_id": "etcd-1"}),
    "apiserver_storage_db_total_size_in_bytes": ({"endpoint": "a"}, {"endpoint": "b"}),
    "etcd_db_total_size_in_bytes": ({"endpoint": "a"},),
    "apiserver_resource_objects": (
        {"group": "apps", "resource": "deployments"},
        {"group": "", "resource": "pods"},
    ),
    "apiserver_storage_objects": tuple({"resource": f"things{number}"} for number in range(12)),
    "etcd_object_counts": ({"resource": "pods"},),
    "go_sql_in_use_connections": ({"db_name": "kine"},),
    "go_sql_max_open_connections": ({"db_name": "kine"},),
    "workqueue_depth": _QUEUES,
    "workqueue_unfinished_work_seconds": _QUEUES,
    "workqueue_longest_running_processor_seconds": _QUEUES,
}
FAMILIES: Final = tuple(sorted((*HISTOGRAMS, *COUNTERS, *GAUGES)))


@dataclass(frozen=True)
class Oddness:
    """How often something is odd, each 0 to 1.

    Attributes:
        absent: a series is missing on one page, or a whole row.
        reset: a row of a histogram, or a counter, began anew.
        strange: a value is NaN, infinite or negative.
        torn: a bucket moves on its own, so that counts do not ascend.
        mixed: the series of a family are in another order.
    """

    absent: float = 0.0
    reset: float = 0.0
    strange: float = 0.0
    torn: float = 0.0
    mixed: float = 0.0


STRANGE: Final = (math.nan, math.inf, -math.inf, -1.0)
HUGE: Final = (*STRANGE, 1e308, -1e308, 5e-324, 1e17)

oddness: Final = st.builds(
    Oddness,
    *(st.sampled_from((0.0, 0.0, 0.02, 0.3)) for _ in range(5)),
)


@st.composite
def page_pairs(draw: st.DrawFn, values: Sequence[float] = STRANGE) -> tuple[str, str]:
    """Draw two pages of one process."""
    families = draw(st.sets(st.sampled_from(FAMILIES)))
    return _Writer(random.Random(draw(st.integers(0, 2**32))), draw(oddness), values).pages(sorted(families))


class _Writer:
    def __init__(self, chance: random.Random, odd: Oddness, strange: Sequence[float]) -> None:
        self._chance = chance
        self._odd = odd
        self._strange = strange

    def pages(self, families: Sequence[str]) -> tuple[str, str]:
        first: list[str] = []
        last: list[str] = []
        for family in families:
            for lines in (first, last):
                lines.append(f"# TYPE {family} {_kind(family)}")
            samples = list(self._samples(family))
            for lines, which in ((first, 1), (last, 2)):
                if self._happens(self._odd.mixed):
                    self._chance.shuffle(samples)
                for sample in samples:
                    if not self._happens(self._odd.absent):
                        lines.append(f"{sample[0]} {self._written(float(sample[which]))}")
        return "\n".join(first) + "\n", "\n".join(last) + "\n"

    def _samples(self, family: str) -> Iterator[tuple[str, float, float]]:
        if family in HISTOGRAMS:
            rows, bounds = HISTOGRAMS[family]
            for labels in rows:
                yield from self._histogram(family, labels, bounds)
            return
        for labels in COUNTERS.get(family, ()) or GAUGES[family]:
            before = self._chance.randrange(1000)
            grown = self._chance.choice((0, 1, self._chance.randrange(1000)))
            falls = family in GAUGES or self._happens(self._odd.reset)
            yield _series(family, labels), float(before), float(grown if falls else before + grown)

    def _histogram(
        self, family: str, labels: Labels, bounds: Sequence[str]
    ) -> Iterator[tuple[str, float, float]]:
        moves = self._chance.random() < 0.6
        reset = self._happens(self._odd.reset)
        before = after = 0.0
        total = self._chance.random() * 100
        for bound in bounds:
            before += self._chance.choice((0, self._chance.randrange(50)))
            after += self._chance.choice((0, self._chance.randrange(20))) if moves else 0
            torn = self._chance.randrange(100) if self._happens(self._odd.torn) else 0
            now = after if reset else before + after
            yield _series(f"{family}_bucket", {**labels, "le": bound}), before, now + torn
        yield _series(f"{family}_sum", labels), total, after * 0.37 if reset else total + after * 0.37
        yield _series(f"{family}_count", labels), before, after if reset else before + after

    def _written(self, value: float) -> str:
        if self._happens(self._odd.strange):
            value = self._chance.choice(self._strange)
        if math.isinf(value):
            return "+Inf" if value > 0 else "-Inf"
        return "NaN" if math.isnan(value) else repr(value)

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability


def _kind(family: str) -> str:
    if family in HISTOGRAMS:
        return "histogram"
    return "counter" if family in COUNTERS else "gauge"


def _series(name: str, labels: Labels) -> str:
    inner = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return f"{name}{{{inner}}}" if inner else name


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
