"""What there is to export of one thing at one moment: numbers and distributions by metric and labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from k3k_core.exporter.catalogue import Metric
from k3k_core.exporter.label_values import clean

# The last bound on what one control plane can put into one metric, whatever else was bounded before.
MAX_SERIES = 64

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A summary's values.

    Attributes:
        quantiles: (quantile, value) in ascending order; those of the last window.
        total: sum of everything observed so far; None leaves `_sum` and `_count` out.
        count: how much was observed so far.
    """

    quantiles: tuple[tuple[float, float], ...] = ()
    total: float | None = None
    count: float | None = None


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram's values.

    Attributes:
        bounds: upper bounds in ascending order, the last one infinite.
        counts: observations up to each bound, cumulative.
        total: sum of everything observed.
    """

    bounds: tuple[float, ...]
    counts: tuple[float, ...]
    total: float


Reading = float | Distribution | Buckets


@dataclass(slots=True)
class Readings:
    """Readings by metric and label values; the first of several with the same labels counts.

    Attributes:
        by_metric: label values, in the order of `Metric.labels`, to the reading.
    """

    by_metric: dict[Metric, dict[Labels, Reading]] = field(default_factory=dict)

    def number(self, metric: Metric, value: float | None, *labels: str) -> None:
        """Take a number; None and what is not finite are not available and left out.

        Args:
            metric: a gauge, a counter or an info.
            value: the number.
            labels: values of the metric's own labels.
        """
        if value is not None and math.isfinite(value):
            self._put(metric, labels, float(value))

    def flag(self, metric: Metric, value: bool | None, *labels: str) -> None:
        """Take a yes or no as 1 or 0.

        Args:
            metric: a gauge.
            value: None when not available.
            labels: values of the metric's own labels.
        """
        if value is not None:
            self._put(metric, labels, float(value))

    def info(self, metric: Metric, *labels: str) -> None:
        """Take a set of labels that say something by themselves.

        Args:
            metric: an info, or a gauge that is 1 or absent.
            labels: values of the metric's own labels.
        """
        self._put(metric, labels, 1.0)

    def distribution(self, metric: Metric, value: Distribution, *labels: str) -> None:
        """Take a summary; one without any value is left out.

        Args:
            metric: a summary.
            value: its quantiles and totals.
            labels: values of the metric's own labels.
        """
        if value.quantiles or value.count is not None:
            self._put(metric, labels, value)

    def histogram(self, metric: Metric, value: Buckets, *labels: str) -> None:
        """Take a histogram.

        Args:
            metric: a histogram.
            value: its buckets.
            labels: values of the metric's own labels.
        """
        self._put(metric, labels, value)

    def _put(self, metric: Metric, labels: Labels, reading: Reading) -> None:
        family = self.by_metric.setdefault(metric, {})
        if len(family) < MAX_SERIES:
            family.setdefault(tuple(map(clean, labels)), reading)


def points(reading: Reading) -> Iterator[tuple[str, str, float, float]]:
    """Yield the samples of one reading: suffix of the name, label that tells them apart, its value, the number.

    Args:
        reading: of a metric.
    """
    if isinstance(reading, Distribution):
        for quantile, value in reading.quantiles:
            yield "", "quantile", quantile, value
        if reading.count is not None and reading.total is not None:
            yield "_count", "", 0.0, reading.count
            yield "_sum", "", 0.0, reading.total
    elif isinstance(reading, Buckets):
        for bound, count in zip(reading.bounds, reading.counts, strict=True):
            yield "_bucket", "le", bound, count
        yield "_count", "", 0.0, reading.counts[-1]
        yield "_sum", "", 0.0, reading.total
    else:
        yield "", "", 0.0, reading


Families = Mapping[Metric, Mapping[Labels, Reading]]
