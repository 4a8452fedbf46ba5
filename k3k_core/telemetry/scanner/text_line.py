"""One sample line of the text format 0.0.4, read as `prometheus_client` reads it."""

from __future__ import annotations

from typing import NamedTuple

from k3k_core.telemetry.labels import (
    CLOSING_BRACE,
    OPENING_BRACE,
    find_unquoted,
    is_legacy_name,
    named,
    parse_labels,
)
from k3k_core.telemetry.scanner.numbers import read_milliseconds, read_value
from k3k_core.telemetry.scanner.words import BLANK


class TextSample(NamedTuple):
    """A sample of the text format.

    Attributes:
        name: name of the sample.
        labels: its labels, in page order.
        value: its value.
        timestamp: seconds since 1970, None when the page gives none.
    """

    name: str
    labels: dict[str, str]
    value: float
    timestamp: float | None


def read_text_sample(line: str) -> TextSample:
    """Read a sample line without the white space around it.

    Of what follows the value only the last word counts, as timestamp: so do the Python parser and this one take
    what OpenMetrics writes as an exemplar.

    Raises:
        ValueError: it is malformed.
    """
    start = find_unquoted(OPENING_BRACE, line)
    if start < 0 or " # " in line[:start]:
        end = find_unquoted(BLANK, line)
        name, labels = line[:end].strip(), dict[str, str]()
        if not is_legacy_name(name):
            raise ValueError("not the name of a metric")
    else:
        end = find_unquoted(CLOSING_BRACE, line, start)
        if end < 0:
            raise ValueError("labels without an end")
        name, labels = named(line[:start].strip(), parse_labels(line[start + 1 : end], strict=False))
    value, timestamp = _value_and_timestamp(line[end + 1 :])
    return TextSample(name, labels, value, timestamp)


def _value_and_timestamp(text: str) -> tuple[float, float | None]:
    text = text.lstrip()
    words = [word.strip() for word in text.split(" " if " " in text else "\t") if word.strip()]
    if not words:
        raise ValueError("a sample without a value")
    timestamp = read_milliseconds(words[-1]) if len(words) > 1 else None
    return read_value(words[0]), timestamp
