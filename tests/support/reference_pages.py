"""The truth about a page: what `prometheus_client`'s parsers read, in the form in which a scanner keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from k3k_core.telemetry.page import Page, Sample

# The text parser renames counters and their samples; for a kind that takes the same samples it does not.
_STAND_IN = "stateset"
_COUNTER = re.compile(r"^([^\n]*TYPE[^\n]*[ \t])counter(?=\s*$)", re.MULTILINE)


class Told(NamedTuple):
    """One sample.

    Attributes:
        name: name of the sample.
        labels: its labels, in page order.
        value: its value, as `repr` writes it, so that NaN equals NaN.
        timestamp: seconds since 1970, the same way; empty for none.
        exemplar: labels, value and timestamp; None for none.
    """

    name: str
    labels: tuple[tuple[str, str], ...]
    value: str
    timestamp: str
    exemplar: tuple[tuple[tuple[str, str], ...], str, str] | None


# By name: the kind, and the samples in page order.
Families = dict[str, tuple[str, list[Told]]]


def text_families(text: str) -> Families:
    """Return the families with samples of a page in the text format, counters with the names they have on the page.

    Raises:
        Exception: the parser does not accept the page.
    """
    metrics = parse_text(_COUNTER.sub(rf"\1{_STAND_IN}", text))
    return _gather(
        (metric.name, "counter" if metric.type == _STAND_IN else metric.type, metric) for metric in metrics
    )


def metrics_families(text: str) -> Families:
    """Return the families with samples of an OpenMetrics page, native histograms left out.

    Counters and infos go by the name of their samples, as a scanner is asked for them.

    Raises:
        Exception: the parser does not accept the page.
    """
    suffixes = {"counter": "_total", "info": "_info"}
    metrics = parse_metrics(text)
    return _gather((metric.name + suffixes.get(metric.type, ""), metric.type, metric) for metric in metrics)


def scanned_families(page: Page) -> Families:
    """Return what a scanner kept."""
    return {
        family.name: (family.kind, [_kept(sample) for sample in family.samples()])
        for family in page.families.values()
    }


def _kept(sample: Sample) -> Told:
    exemplar = None
    if sample.exemplar is not None:
        labels, value, timestamp = sample.exemplar.labels, sample.exemplar.value, sample.exemplar.timestamp
        exemplar = tuple(labels.items()), repr(value), _moment(timestamp)
    return Told(
        sample.name, tuple(sample.labels.items()), repr(sample.value), _moment(sample.timestamp), exemplar
    )


def _gather(metrics: Iterable[tuple[str, str, Any]]) -> Families:
    found: Families = {}
    for name, kind, metric in metrics:
        samples = [_told(sample) for sample in metric.samples if sample.native_histogram is None]
        if samples:
            before, earlier = found.get(name, ("unknown", []))
            found[name] = (kind if before == "unknown" else before, earlier + samples)
    return found


def _told(sample: Any) -> Told:
    exemplar = None
    if sample.exemplar is not None:
        labels, value, timestamp = sample.exemplar
        exemplar = tuple(labels.items()), _number(value), _moment(timestamp)
    return Told(
        sample.name, tuple(sample.labels.items()), _number(sample.value), _moment(sample.timestamp), exemplar
    )


def _number(value: float) -> str:
    try:
        return repr(float(value))
    except OverflowError:
        return "inf" if value > 0 else "-inf"


def _moment(timestamp: Any) -> str:
    return "" if timestamp is None else repr(float(timestamp))
