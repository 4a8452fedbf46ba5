"""What a scanner keeps of one answer of `/metrics`: the wanted families, in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from k3k_core.telemetry.labels import parse_series


@dataclass(frozen=True, eq=False)
class Layout:
    """The series of one family in page order, shared by every page that has the same ones.

    Two pages with the same series share one layout, so that `is` tells whether their columns line up, and what
    is derived from the series alone can be kept by layout (weakly).

    Attributes:
        series: each series as the page spells it: name, and labels in braces where it has any. Odd spellings
            (white space between labels, a comma after the last one) are put in the usual form.
    """

    series: tuple[bytes, ...]

    @cached_property
    def size(self) -> int:
        """Bytes of all series together."""
        return sum(map(len, self.series))

    @cached_property
    def names(self) -> frozenset[bytes]:
        """Names of the samples; empty for one in quotes."""
        return frozenset(text.partition(b"{")[0] for text in self.series)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """An OpenMetrics exemplar.

    Attributes:
        labels: its labels.
        value: its value.
        timestamp: seconds since 1970, None when not given.
    """

    labels: Mapping[str, str]
    value: float
    timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a page.

    Attributes:
        name: name of the sample, such as "apiserver_request_total".
        labels: its labels, in page order.
        value: its value.
        timestamp: seconds since 1970, None when the page gives none.
        exemplar: None when the page gives none.
    """

    name: str
    labels: Mapping[str, str]
    value: float
    timestamp: float | None = None
    exemplar: Exemplar | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """The samples of one wanted family, in page order, wherever on the page they stand.

    To a family belong the samples that `prometheus_client` puts into it. In the text format those are the ones
    below its `# HELP` or `# TYPE` line that bear its name (of a histogram: with `_bucket`, `_sum` or `_count`; of
    a summary: bare or with `_sum` or `_count`), up to the next such line of another family or the first sample that
    belongs elsewhere; any other sample is a family of its own name and of unknown kind. In OpenMetrics the
    suffixes are those of its kind, and `_created` is one of them.

    Native histograms have no single value; their samples are left out.

    Attributes:
        name: the name it was asked for: as its `# TYPE` line says, the sample's name where there is no such line.
            A counter of OpenMetrics goes by its `_total` (`apiserver_request_total`, whose `# TYPE` line says
            `apiserver_request`), and an info by its `_info`, so that one name finds a family in both formats.
        kind: "counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram" or "unknown"; what
            the first of its declarations says if a page has more than one.
        layout: its series.
        values: one value for each series of the layout.
        timestamps: by position, seconds since 1970; only where the page gives one.
        exemplars: by position; only where the page gives one.
    """

    name: str
    kind: str
    layout: Layout
    values: array[float]
    timestamps: Mapping[int, float] = field(default_factory=dict)
    exemplars: Mapping[int, Exemplar] = field(default_factory=dict)

    def samples(self) -> Iterator[Sample]:
        """Yield the samples with their labels parsed: convenient, not fast."""
        for position, text in enumerate(self.layout.series):
            name, labels = parse_series(text)
            yield Sample(
                name,
                labels,
                self.values[position],
                self.timestamps.get(position),
                self.exemplars.get(position),
            )


@dataclass(frozen=True, slots=True)
class Page:
    """The wanted part of one `/metrics` answer.

    Attributes:
        families: by name; a family that the page does not have is absent, never empty.
        size: bytes of the whole page after decompression.
    """

    families: Mapping[str, Family]
    size: int

    def __contains__(self, family: str) -> bool:
        return family in self.families

    def get(self, family: str) -> Family | None:
        """Return a family, None when the page does not have it."""
        return self.families.get(family)
