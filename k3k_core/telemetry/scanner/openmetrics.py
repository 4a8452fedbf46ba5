"""Samples into families, and what OpenMetrics 1.0 forbids, as `prometheus_client` reads that format."""

from __future__ import annotations

from collections.abc import Iterator

from k3k_core.errors import PageError
from k3k_core.telemetry.labels import is_legacy_name, parse_series, spell_series, unquote
from k3k_core.telemetry.page import Exemplar, Family
from k3k_core.telemetry.scanner.collector import Collector
from k3k_core.telemetry.scanner.journal import Entry, Journal
from k3k_core.telemetry.scanner.metrics_family import MetricsFamily
from k3k_core.telemetry.scanner.numbers import as_float, as_seconds
from k3k_core.telemetry.scanner.openmetrics_line import (
    MetricsSample,
    read_metrics_sample,
    read_native_histogram,
)
from k3k_core.telemetry.scanner.plan import METRICS_SUFFIXES, Wanted
from k3k_core.telemetry.scanner.reader import line_error
from k3k_core.telemetry.scanner.table import Allowance, LayoutTable
from k3k_core.telemetry.scanner.words import SPACE, read_name, split_words


def read_journal(journal: Journal, wanted: Wanted, table: LayoutTable) -> dict[str, Family]:
    """Return the wanted families of an OpenMetrics page.

    All declarations are checked, and all samples of wanted families.

    Args:
        journal: notes of the whole page.
        wanted: what is wanted.
        table: what pages share.

    Raises:
        PageError: the page is malformed, or its end is missing.
    """
    reader = _MetricsReader(wanted, table)
    for entry in journal.entries:
        reader.read(entry)
    reader.finish()
    if not journal.ended:
        raise PageError("the page was cut off: OpenMetrics ends with # EOF", hint="Ask the target again.")
    return {name: found.family() for name, found in reader.found.items() if len(found)}


class _MetricsReader:
    def __init__(self, wanted: Wanted, table: LayoutTable) -> None:
        self.found: dict[str, Collector] = {}
        self._wanted = wanted
        self._table = table
        self._allowance = Allowance(table.page_bytes)
        self._family: MetricsFamily | None = None
        self._names: set[str] = set()
        self._line = 0

    def read(self, entry: Entry) -> None:
        self._line, _, content = entry
        shown = content if isinstance(content, bytes) else b""
        try:
            self._dispatch(entry)
        except ValueError as error:
            raise line_error(error, self._line, shown) from None

    def finish(self) -> None:
        try:
            self._leave()
        except ValueError as error:
            raise line_error(error, self._line) from None

    def _dispatch(self, entry: Entry) -> None:
        _, what, content = entry
        if isinstance(content, tuple):
            self._line -= 1
            for series, value in zip(*content, strict=True):
                self._line += 1
                name, labels = parse_series(series)
                self._add(MetricsSample(name, labels, value))
        elif what == "declaration" and isinstance(content, bytes):
            declaration = content.decode()
            self._declare(f"# HELP {declaration.partition(' ')[0]} .")
            self._declare(f"# TYPE {declaration}")
        elif what == "comment" and isinstance(content, bytes):
            self._declare(content.decode().removesuffix("\n"))
        elif isinstance(content, bytes):
            self._add(self._parse(content.decode().removesuffix("\n")))
        elif what == "skipped":
            if self._family is not None:
                self._family.begun = True
        elif what == "foreign":
            self._leave()
        else:
            raise ValueError(f"OpenMetrics does not allow {content}")

    def _declare(self, line: str) -> None:
        words = split_words(line, SPACE)
        if len(words) < 4 or words[1] not in {"HELP", "TYPE", "UNIT"}:
            raise ValueError("OpenMetrics does not allow such a comment")
        name, family = read_name(words[2]), self._family
        if family is None or family.name != name:
            self._leave()
            family = self._family = MetricsFamily(name)
        family.declare(words[1], words[3])

    def _parse(self, line: str) -> MetricsSample:
        if not line:
            raise ValueError("OpenMetrics does not allow a blank line")
        native = None
        if self._family is not None and self._family.kind == "histogram":
            native = read_native_histogram(line)
        return native or read_metrics_sample(line)

    def _add(self, sample: MetricsSample) -> None:
        family = self._family
        if family is None or (sample.value is not None and sample.name not in family.allowed):
            self._leave()
            name, quoted = unquote(sample.name)
            if not quoted and not is_legacy_name(name):
                raise ValueError("a name in quotes is not declared")
            family = self._family = MetricsFamily(name, kind="unknown", sample=sample.name)
        if self._wanted.metrics_name(family.name, family.kind or "unknown") is None:
            family.begun = True
        else:
            family.add(sample)

    def _leave(self) -> None:
        """End the current family and take over its samples if they are wanted."""
        family, self._family = self._family, None
        if family is None:
            return
        family.check()
        kind = family.kind or "unknown"
        taken = {family.name + suffix for suffix in (*METRICS_SUFFIXES.get(kind, ()), "")}
        if clash := taken & self._names:
            raise ValueError(f"two families have samples of one name: {min(clash)[:100]!r}")
        self._names |= taken
        name = self._wanted.metrics_name(family.name, kind)
        if name is None:
            return
        found = self.found[name] = Collector(name, self._table, self._allowance)
        found.settle(kind)
        for series, value, timestamp, exemplar in _kept(family.samples):
            found.add(series, (name, f"openmetrics {kind}"), value, timestamp, exemplar)


def _kept(samples: list[MetricsSample]) -> Iterator[tuple[bytes, float, float | None, Exemplar | None]]:
    """Yield the samples that have a value: all but native histograms."""
    for sample in samples:
        if sample.value is None:
            continue
        exemplar = None
        if sample.exemplar is not None:
            labels, value, at = sample.exemplar
            exemplar = Exemplar(labels, as_float(value), None if at is None else as_seconds(at))
        timestamp = None if sample.timestamp is None else as_seconds(sample.timestamp)
        yield spell_series(sample.name, sample.labels or {}), as_float(sample.value), timestamp, exemplar
