"""One sample line of OpenMetrics 1.0, read as `prometheus_client` reads it."""

from __future__ import annotations

import re
from typing import NamedTuple

from k3k_core.telemetry.labels import (
    CLOSING_BRACE,
    OPENING_BRACE,
    find_unquoted,
    is_legacy_name,
    named,
    parse_labels,
    seeker,
)
from k3k_core.telemetry.scanner.numbers import Timestamp, read_seconds, read_value
from k3k_core.telemetry.scanner.words import SPACE

_SPACE_OR_BRACE = seeker(" {")
_HASH = seeker("#")
# A quote here ends at the next one, escaped or not; what it hides is left out, its end is not.
_HIDDEN = re.compile(r'"[^"]*("?)')
_TIMESTAMP = re.compile(r"[^ #][^ ]*")
_EXEMPLAR = re.compile(
    r"(?:(?P<timestamp>[^ #][^ ]*+)? )?# \{[^}]*\} (?P<value>[^ ]+)(?: (?P<at>.+))?", re.DOTALL
)
_EXEMPLAR_CHARACTERS = 128
_NATIVE_FIELD = re.compile(r"(?<!\w)(\w++):\s*([^,}]+)")
_CLASSIC_SUFFIXES = ("_count", "_sum", "_bucket", "_created")


class RawExemplar(NamedTuple):
    """An exemplar: its labels, its value and its timestamp."""

    labels: dict[str, str]
    value: float
    timestamp: Timestamp | None


class MetricsSample(NamedTuple):
    """A sample of OpenMetrics.

    Attributes:
        name: name of the sample.
        labels: its labels, in page order; None for a native histogram without any.
        value: its value; None for a native histogram, whose buckets are not kept.
        timestamp: None when the page gives none.
        exemplar: None when the page gives none.
    """

    name: str
    labels: dict[str, str] | None
    value: float | None
    timestamp: Timestamp | None = None
    exemplar: RawExemplar | None = None


def read_metrics_sample(line: str) -> MetricsSample:
    """Read a sample line without its end.

    Raises:
        ValueError: it is malformed.
    """
    start = find_unquoted(OPENING_BRACE, line)
    if start < 0 or " # " in line[:start]:
        end = find_unquoted(SPACE, line)
        name, labels = line[:end], dict[str, str]()
        if not is_legacy_name(name):
            raise ValueError("not the name of a metric")
        rest = line[end + 1 :]
    else:
        end = find_unquoted(CLOSING_BRACE, line)
        if end < start:
            raise ValueError("labels without an end")
        name, labels = named(line[:start], parse_labels(line[start + 1 : end], strict=True))
        rest = line[end + 2 :]
    value, timestamp, exemplar = _read_rest(rest)
    return MetricsSample(name, labels, value, timestamp, exemplar)


def read_native_histogram(line: str) -> MetricsSample | None:
    """Read a line of a histogram if it is a sample of a native one, `name{labels} {count:1,...}`.

    Raises:
        ValueError: it is, and malformed.
    """
    end = find_unquoted(_SPACE_OR_BRACE, line)
    if end < 0:
        return None
    start = end if line[end] == "{" else -1
    if start >= 0:
        end = _closing(line, start)
    opening = find_unquoted(OPENING_BRACE, line, end + 1)
    exemplar = find_unquoted(_HASH, line, end + 1)
    if opening < 0 or 0 <= exemplar < opening:
        return None
    _closing(line, opening)
    name = line[: opening - 1] if start < 0 else line[:start]
    if name.endswith(_CLASSIC_SUFFIXES):
        raise ValueError("a native histogram with the suffix of a classic one")
    labels = None if start < 0 else parse_labels(line[start + 1 : end], strict=True)
    if labels is not None and not name:
        name, labels = named(name, labels)
        labels = labels or None
    _check_native(line[opening:])
    return MetricsSample(name, labels, None)


def _closing(line: str, start: int) -> int:
    end = find_unquoted(CLOSING_BRACE, line, start)
    if end < 0:
        raise ValueError("a brace without its end")
    return end


def _check_native(text: str) -> None:
    fields = dict(_NATIVE_FIELD.findall(text))
    try:
        for field in ("count", "schema", "zero_count"):
            int(fields[field])
        for field in ("sum", "zero_threshold"):
            float(fields[field])
    except KeyError as missing:
        raise ValueError(f"a native histogram without {missing.args[0]}") from None


def _read_rest(text: str) -> tuple[float, Timestamp | None, RawExemplar | None]:
    first, space, rest = text.partition(" ")
    value = read_value(first)
    if not space:
        return value, None, None
    seen = _HIDDEN.sub(r"\1", rest)
    if _TIMESTAMP.fullmatch(seen):
        return value, read_seconds(seen), None
    match = _EXEMPLAR.fullmatch(seen)
    if match is None:
        raise ValueError("neither a timestamp nor an exemplar after the value")
    start, end = find_unquoted(OPENING_BRACE, rest), _last_closing_brace(rest)
    labels = parse_labels(rest[start + 1 : end], strict=True)
    if sum(len(label) + len(text) for label, text in labels.items()) > _EXEMPLAR_CHARACTERS:
        raise ValueError("an exemplar with more than 128 characters of labels")
    timestamp = None if match["timestamp"] is None else read_seconds(match["timestamp"])
    at = None if match["at"] is None else read_seconds(match["at"])
    return value, timestamp, RawExemplar(labels, read_value(match["value"]), at)


def _last_closing_brace(text: str) -> int:
    quoted = False
    for position in range(len(text) - 1, 0, -1):
        character = text[position]
        if character == '"':
            slash = position
            while slash and text[slash - 1] == "\\":
                slash -= 1
            quoted ^= (position - slash) % 2 == 0
        elif character == "}" and not quoted:
            return position
    return -1
