"""Readings as exposition text, and as the families of prometheus_client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from typing import Literal

from prometheus_client import Metric as ClientMetric
from prometheus_client.utils import floatToGoString

from k3k_core.exporter.catalogue import Metric
from k3k_core.exporter.readings import Labels, Reading, points

Format = Literal["text", "openmetrics"]

_number: Callable[[float], str] = floatToGoString
# Below this the two ways to write numbers are the same.
_PLAIN = 1e6
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def header(metric: Metric, form: Format) -> bytes:
    """Return the comment lines above a metric's samples.

    Args:
        metric: of the catalogue.
        form: text format 0.0.4 or OpenMetrics 1.0.
    """
    if form == "text":
        kind = "gauge" if metric.kind == "info" else metric.kind
        return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {kind}\n".encode()
    lines = f"# HELP {metric.family} {metric.help}\n# TYPE {metric.family} {metric.kind}\n"
    if metric.unit:
        lines += f"# UNIT {metric.family} {metric.unit}\n"
    return lines.encode()


def render(metric: Metric, base: Labels, readings: Mapping[Labels, Reading]) -> bytes:
    """Return the sample lines of one metric, the same in both formats.

    Args:
        metric: of the catalogue.
        base: escaped values of the labels before the metric's own; empty for none.
        readings: by the values of its own labels.
    """
    lines = []
    for labels, reading in readings.items():
        values = (*base, *map(escape, labels))
        if isinstance(reading, float):
            template, pick = _template(metric, "", "")
            lines.append(f"{template % pick(values)} {number(reading)}\n")
            continue
        for suffix, name, position, value in points(reading):
            template, pick = _template(metric, suffix, name)
            every = (*values, _position(position)) if name else values
            lines.append(f"{template % pick(every)} {number(value)}\n")
    return "".join(lines).encode()


def escape(text: str) -> str:
    """Return a label value as it stands between quotes.

    Args:
        text: a clean label value.
    """
    return text.translate(_ESCAPES) if "\\" in text or '"' in text or "\n" in text else text


def number(value: float) -> str:
    """Return a number as prometheus_client writes it.

    Args:
        value: any number.
    """
    # Python and Go differ only where Go begins to use exponents; NaN is not below anything.
    return repr(value) if -_PLAIN < value < _PLAIN else _number(value)


_position = cache(_number)


@cache
def _template(metric: Metric, suffix: str, extra: str) -> tuple[str, Callable[[Labels], object]]:
    """Return a series with a place for each label, and a function that brings the values in that order."""
    names = (*metric.all_labels, extra) if extra else metric.all_labels
    order = sorted(range(len(names)), key=names.__getitem__)
    if not order:
        return f"{metric.name}{suffix}", lambda _values: ()
    places = ",".join(f'{names[index]}="%s"' for index in order)
    return f"{metric.name}{suffix}{{{places}}}", itemgetter(*order)


def client_metric(metric: Metric) -> ClientMetric:
    """Return an empty family of prometheus_client.

    Args:
        metric: of the catalogue.
    """
    return ClientMetric(metric.family, metric.help, metric.kind, metric.unit)


def add_samples(
    family: ClientMetric, metric: Metric, base: Labels, readings: Mapping[Labels, Reading]
) -> None:
    """Add samples to a family of prometheus_client.

    Args:
        family: made by `client_metric`.
        metric: of the catalogue.
        base: values of the labels before the metric's own, not escaped.
        readings: by the values of its own labels.
    """
    for labels, reading in readings.items():
        named = dict(zip(metric.all_labels, (*base, *labels), strict=True))
        for suffix, name, position, value in points(reading):
            extra = {name: _position(position)} if name else {}
            family.add_sample(f"{metric.name}{suffix}", named | extra, value)
