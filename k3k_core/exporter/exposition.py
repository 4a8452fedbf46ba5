"""A page of metrics: which format a client wants, its parts, compression."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from k3k_core.exporter.catalogue import Metric
from k3k_core.exporter.collector import FleetCollector
from k3k_core.exporter.packing import Packed, Packer, gzip_of
from k3k_core.exporter.readings import Readings
from k3k_core.exporter.rendering import Format, header, render

CONTENT_TYPES: dict[Format, str] = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}
_END = b"# EOF\n"
_generate_openmetrics: Callable[[CollectorRegistry], bytes] = generate_openmetrics


@dataclass(frozen=True, slots=True)
class Weighted:
    """One element of an `Accept` or `Accept-Encoding` header.

    Attributes:
        value: such as "text/plain" or "gzip", in lower case.
        version: its `version` parameter; empty without one.
        weight: how much it is wanted, 0 to 1.
    """

    value: str
    version: str
    weight: float


def weighted(header_value: str) -> Iterator[Weighted]:
    """Yield the elements of an `Accept` or `Accept-Encoding` header (RFC 9110, 12.4).

    Args:
        header_value: of a client; elements that make no sense count as not wanted.
    """
    for element in header_value.split(","):
        value, *parameters = (part.strip() for part in element.split(";"))
        named = dict(part.partition("=")[::2] for part in parameters)
        try:
            weight = float(named.get("q", "1"))
        except ValueError:
            weight = 0.0
        yield Weighted(value.lower(), named.get("version", "").strip('"'), weight)


def choose_format(accept: str) -> Format:
    """Return the format for an `Accept` header: OpenMetrics only when it is wanted most.

    Args:
        accept: the header, empty for none.
    """
    best: tuple[float, Format] = (0.0, "text")
    for wanted in weighted(accept):
        form: Format | None = None
        if wanted.value == "application/openmetrics-text" and wanted.version in {"", "1.0.0"}:
            form = "openmetrics"
        elif wanted.value in {"text/plain", "text/*", "*/*"}:
            form = "text"
        if form is not None and wanted.weight > best[0]:
            best = (wanted.weight, form)
    return best[1]


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an answer may be compressed with gzip.

    Args:
        accept_encoding: the header, empty for none.
    """
    weights = {wanted.value: wanted.weight for wanted in weighted(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def sample_lines(readings: Readings) -> Iterator[tuple[Metric, Iterable[bytes]]]:
    """Yield sample lines of readings that stand for themselves, without identity of a control plane.

    Args:
        readings: of the exporter, of hosts, or of a probe.
    """
    for metric, found in readings.by_metric.items():
        yield metric, (render(metric, (), found),)


def assemble(*sources: Iterable[tuple[Metric, Iterable[bytes]]], form: Format, rest: bytes = b"") -> bytes:
    """Return a page.

    Args:
        sources: sample lines by metric; each metric stands in one source only.
        form: text format 0.0.4 or OpenMetrics 1.0.
        rest: families that are text already.
    """
    parts: list[bytes] = []
    for source in sources:
        for metric, lines in source:
            found = [*lines]
            if found:
                parts.append(header(metric, form))
                parts += found
    parts.append(rest)
    if form == "openmetrics":
        parts.append(_END)
    return b"".join(parts)


@cache
def _packed_header(metric: Metric, form: Format) -> Packed:
    return Packer().pack(header(metric, form))


class Pages:
    """Makes the pages of `/metrics`.

    Args:
        fleet: the control planes.
        own: readings of the exporter itself and of its hosts, asked for with every page.
        process: what else to show, such as the exporter's process.
    """

    def __init__(
        self, fleet: FleetCollector, own: Callable[[], Readings], process: CollectorRegistry | None = None
    ) -> None:
        self._fleet = fleet
        self._own = own
        self._process = process
        self._packing: dict[Format, asyncio.Task[bytes]] = {}

    def make(self, form: Format) -> bytes:
        """Return a page.

        Args:
            form: text format 0.0.4 or OpenMetrics 1.0.
        """
        return assemble(self._fleet.lines(), sample_lines(self._own()), form=form, rest=self._rest(form))

    async def make_packed(self, form: Format) -> bytes:
        """Return a page compressed with gzip; clients that ask while one is being made share it.

        Args:
            form: text format 0.0.4 or OpenMetrics 1.0.
        """
        task = self._packing.get(form)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(gzip_of, self._pieces(form)))
            self._packing[form] = task
            task.add_done_callback(lambda _done: self._packing.pop(form, None))
        return await asyncio.shield(task)

    def _pieces(self, form: Format) -> list[Packed]:
        pieces: list[Packed] = []
        for metric, found in self._fleet.packed():
            if found:
                pieces.append(_packed_header(metric, form))
                pieces += found
        rest = assemble(sample_lines(self._own()), form=form, rest=self._rest(form))
        return [*pieces, Packer().pack(rest)]

    def _rest(self, form: Format) -> bytes:
        if self._process is None:
            return b""
        generate = generate_latest if form == "text" else _generate_openmetrics
        return generate(self._process).removesuffix(_END)
