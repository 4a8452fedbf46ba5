"""One family of an OpenMetrics page, with the checks that `prometheus_client` makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from k3k_core.telemetry.scanner.numbers import Timestamp
from k3k_core.telemetry.scanner.openmetrics_line import MetricsSample
from k3k_core.telemetry.scanner.plan import KINDS, METRICS_SUFFIXES

Group = tuple[tuple[str, str], ...]

_COUNTED = frozenset({"_total", "_sum", "_count", "_bucket", "_gcount", "_gsum"})


class MetricsFamily:
    """Takes the lines of one family in page order.

    Args:
        name: its name.
        kind: "unknown" for one without a declaration.
        sample: name of the sample that such a one is known by.
    """

    def __init__(self, name: str, *, kind: str | None = None, sample: str | None = None) -> None:
        self.name = name
        self.kind = kind
        self.allowed: frozenset[str] = frozenset({name if sample is None else sample})
        self.samples: list[MetricsSample] = []
        self.begun = False
        self._unit: str | None = None
        self._documented = False
        self._group: Group | None = None
        self._groups: set[Group] = set()
        self._timestamp: Timestamp | None = None
        self._seen: set[tuple[str, Group]] = set()

    def declare(self, what: str, text: str) -> None:
        """Take a comment line.

        Args:
            what: "HELP", "TYPE" or "UNIT".
            text: what it says.

        Raises:
            ValueError: it comes too late or twice, or says what is not allowed.
        """
        if self.begun:
            raise ValueError("a declaration after the samples it is about")
        if what == "HELP":
            if self._documented:
                raise ValueError("a second HELP for one family")
            self._documented = True
        elif what == "TYPE":
            if self.kind is not None or text == "untyped":
                raise ValueError("a second TYPE for one family" if self.kind else "a TYPE of untyped")
            self.kind = text
            self.allowed = frozenset(self.name + suffix for suffix in METRICS_SUFFIXES.get(text, ("",)))
        else:
            if self._unit is not None:
                raise ValueError("a second UNIT for one family")
            self._unit = text

    def add(self, sample: MetricsSample) -> None:
        """Take a sample.

        Raises:
            ValueError: its kind of family does not allow it, here or at all.
        """
        self.begun = True
        if sample.value is None or sample.labels is None:
            if sample.name[len(self.name) :] in _COUNTED:
                raise ValueError("a native histogram with the suffix of a classic one")
            self.samples.append(sample)
            return
        self._check_labels(sample, sample.labels, sample.value)
        self._check_order(sample, sample.labels)
        self._check_value(sample, sample.value)

    def check(self) -> None:
        """Check the family as a whole, after its last line.

        Raises:
            ValueError: something is missing or does not fit.
        """
        kind, unit = self.kind or "unknown", self._unit or ""
        if not self.name:
            raise ValueError("a family without a name")
        if unit and not self.name.endswith(f"_{unit}"):
            raise ValueError(f"the unit of {self.name[:100]!r} is not part of its name")
        if unit and kind in {"info", "stateset"}:
            raise ValueError(f"{self.name[:100]!r} may not have a unit")
        if kind not in KINDS or kind == "untyped":
            raise ValueError(f"{self.name[:100]!r} is of no known kind: {kind[:60]!r}")
        if kind in {"histogram", "gaugehistogram"}:
            check_histograms(self.samples, self.name)

    def _check_labels(self, sample: MetricsSample, labels: dict[str, str], value: float) -> None:
        if self.kind == "stateset" and self.name not in labels:
            raise ValueError("a state without its label")
        if sample.name == f"{self.name}_bucket":
            bound = labels.get("le", "NaN")
            if bound == "NaN" or not _is_canonical(bound):
                raise ValueError("a bucket without a proper le")
            _check_whole(value)
        elif sample.name in {f"{self.name}_count", f"{self.name}_gcount"}:
            _check_whole(value)
        elif self.kind == "summary" and sample.name == self.name:
            quantile = labels.get("quantile", "-1")
            if not 0 <= float(quantile) <= 1 or not _is_canonical(quantile):
                raise ValueError("a quantile without a proper label")

    def _check_order(self, sample: MetricsSample, labels: dict[str, str]) -> None:
        """Samples of one set of labels stand together, and their timestamps do not go back."""
        group = self._group_of(sample, labels)
        if self._group is not None and group != self._group and group in self._groups:
            raise ValueError("samples that belong together stand apart")
        if group == self._group:
            if (sample.timestamp is None) != (self._timestamp is None):
                raise ValueError("samples with and without a timestamp stand together")
            if self.kind != "info" and _is_after(self._timestamp, sample.timestamp):
                raise ValueError("a timestamp that goes back")
        else:
            self._seen = set()
        series = sample.name, tuple(sorted(labels.items()))
        if sample.timestamp != self._timestamp or series not in self._seen:
            self.samples.append(sample)
        self._seen.add(series)
        self._group, self._timestamp = group, sample.timestamp
        self._groups.add(group)

    def _group_of(self, sample: MetricsSample, labels: dict[str, str]) -> Group:
        if self.kind == "info":
            return ()
        own = {
            "summary": "quantile" if sample.name == self.name else None,
            "stateset": self.name,
            "histogram": "le" if sample.name == f"{self.name}_bucket" else None,
            "gaugehistogram": "le" if sample.name == f"{self.name}_bucket" else None,
        }.get(self.kind or "")
        return tuple(sorted(item for item in labels.items() if item[0] != own))

    def _check_value(self, sample: MetricsSample, value: float) -> None:
        suffix = sample.name[len(self.name) :]
        if self.kind == "stateset" and value not in {0, 1}:
            raise ValueError("a state that is neither 0 nor 1")
        if self.kind == "info" and value != 1:
            raise ValueError("an info that is not 1")
        if self.kind == "summary" and sample.name == self.name and value < 0:
            raise ValueError("a quantile below zero")
        if suffix in _COUNTED and math.isnan(value):
            raise ValueError("a count that is not a number")
        if suffix in _COUNTED - {"_gsum"} and value < 0:
            raise ValueError("a count below zero")
        bucket = self.kind in {"histogram", "gaugehistogram"} and sample.name.endswith("_bucket")
        total = self.kind == "counter" and sample.name.endswith("_total")
        if sample.exemplar is not None and not (bucket or total):
            raise ValueError("an exemplar where none may be")


def check_histograms(samples: Iterable[MetricsSample], name: str) -> None:
    """Check that buckets rise to +Inf and agree with the count.

    Args:
        samples: all samples of the family.
        name: name of the family.

    Raises:
        ValueError: they do not.
    """
    current: _Buckets | None = None
    group: dict[str, str] | None = None
    timestamp: Timestamp | None = None
    for sample in samples:
        suffix = sample.name[len(name) :]
        if not suffix:
            continue
        labels = dict(sample.labels or {})
        bound = labels.pop("le") if suffix == "_bucket" else ""
        if labels != group or sample.timestamp != timestamp:
            if current is not None:
                current.check()
            current = _Buckets()
        group, timestamp = labels, sample.timestamp
        if current is not None and sample.value is not None:
            current.add(suffix, bound, sample.value)
    if current is not None:
        current.check()


class _Buckets:
    def __init__(self) -> None:
        self.bound: float | None = None
        self.value: float = 0
        self.count: float | None = None
        self.sums: set[str] = set()
        self.negative = self.negative_sum = False

    def add(self, suffix: str, bound: str, value: float) -> None:
        if suffix == "_bucket":
            upper = float(bound)
            self.negative |= upper < 0
            if (self.bound is not None and upper <= self.bound) or value < self.value:
                raise ValueError("buckets out of order")
            self.bound, self.value = upper, value
        elif suffix in {"_count", "_gcount"}:
            self.count = value
        elif suffix in {"_sum", "_gsum"}:
            self.sums.add(suffix)
            self.negative_sum |= suffix == "_gsum" and value < 0

    def check(self) -> None:
        if self.bound != math.inf:
            raise ValueError("a histogram without a bucket of +Inf")
        if self.count is not None and self.value != self.count:
            raise ValueError("the count of a histogram is not that of its last bucket")
        if bool(self.sums) != (self.count is not None):
            raise ValueError("a histogram with only one of sum and count")
        if self.negative and "_sum" in self.sums:
            raise ValueError("a histogram with negative buckets and a sum")
        if not self.negative and self.negative_sum:
            raise ValueError("a histogram with a negative sum and no negative bucket")


def _is_canonical(number: str) -> bool:
    return float(number) != math.inf or number == "+Inf"


def _check_whole(value: float) -> None:
    if not isinstance(value, int) and not value.is_integer():
        raise ValueError("a count that is not whole")


def _is_after(one: Timestamp | None, other: Timestamp | None) -> bool:
    if one is None or other is None:
        return False
    if isinstance(one, tuple):
        if isinstance(other, tuple):
            return one > other
    elif not isinstance(other, tuple):
        return one > other
    raise ValueError("timestamps of two precisions")
