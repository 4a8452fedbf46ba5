"""Gathers the samples of one wanted family while a page goes by."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import islice

from k3k_core.telemetry.page import Exemplar, Family, Layout
from k3k_core.telemetry.scanner.plan import Plan
from k3k_core.telemetry.scanner.table import Allowance, LayoutTable

# Found in a number, these would be read by float() but not by the reference parser, or by only one of the formats.
_ODD = (b"_", b"\t", b"\r", b"\v", b"\f")


class Collector:
    """The samples of one family, in page order.

    As long as its series are those of a layout known from an earlier page, only the values are kept.

    Args:
        name: name of the family.
        table: what pages share.
        allowance: what this page may add to it.
        before: layout of the family on the page before, if there was one.
    """

    __slots__ = (
        "_allowance",
        "_before",
        "_checked",
        "_followed",
        "_series",
        "_table",
        "exemplars",
        "kind",
        "name",
        "timestamps",
        "values",
    )

    def __init__(
        self, name: str, table: LayoutTable, allowance: Allowance, before: Layout | None = None
    ) -> None:
        self.name = name
        self.kind = "unknown"
        self.values = array("d")
        self.timestamps: dict[int, float] = {}
        self.exemplars: dict[int, Exemplar] = {}
        self._table = table
        self._allowance = allowance
        self._before = before
        self._followed: Layout | None = None
        self._series: list[bytes] | None = None
        self._checked: Plan | None = None

    def __len__(self) -> int:
        return len(self.values)

    def settle(self, kind: str) -> None:
        """Take over the kind of a declaration, unless an earlier one said more than nothing."""
        if self.kind == "unknown" and kind != "untyped":
            self.kind = kind

    def add(
        self,
        series: bytes,
        place: tuple[str, str],
        value: float,
        timestamp: float | None = None,
        exemplar: Exemplar | None = None,
    ) -> None:
        """Add one sample.

        Args:
            series: in its usual spelling.
            place: where the table keeps it.
            value: its value.
            timestamp: seconds since 1970.
            exemplar: its exemplar.
        """
        position = len(self.values)
        if timestamp is not None:
            self.timestamps[position] = timestamp
        if exemplar is not None:
            self.exemplars[position] = exemplar
        self._extend([self._table.keep(series, place, self._allowance)], [value])

    def take(self, lines: list[bytes], size: int, plan: Plan) -> tuple[Sequence[bytes], list[float]] | None:
        """Add the samples of whole lines if each is just a series, one space and a number.

        Args:
            lines: with their ends.
            size: bytes of all lines.
            plan: the declaration they stand below.

        Returns:
            what was added; None if a line needs a closer look, and then nothing was added.
        """
        return self._take_known(lines, size, plan) or self._take_any(lines, plan)

    def family(self) -> Family:
        """Return what was gathered; there must be something."""
        layout, count = self._followed, len(self.values)
        if layout is None or self._series is not None or count < len(layout.series):
            layout = self._table.layout(self._own())
        return Family(self.name, self.kind, layout, self.values, self.timestamps, self.exemplars)

    def _take_known(
        self, lines: list[bytes], size: int, plan: Plan
    ) -> tuple[Sequence[bytes], list[float]] | None:
        """Take lines whose series are the next ones of the layout that is followed.

        Each line is cut where the series that is expected ends. What is left must be a space and a number, and
        the lengths must add up, so that no line escaped the cut.
        """
        layout = self._layout_to_follow(lines[0], plan)
        if layout is None:
            return None
        start, count = len(self.values), len(lines)
        whole = start == 0 and count == len(layout.series)
        expected = layout.series if whole else layout.series[start : start + count]
        rest = list(map(bytes.removeprefix, lines, expected))
        joined = b"\n" + b"".join(rest)
        if (
            len(expected) != count
            or len(joined) - 1 + (layout.size if whole else sum(map(len, expected))) != size
            or joined.count(b"\n ") != count
            or joined.count(b" ") != count
            or any(odd in joined for odd in _ODD)
        ):
            return None
        try:
            values = list(map(float, rest))
        except ValueError:
            return None
        self.values.extend(values)
        return expected, values

    def _layout_to_follow(self, line: bytes, plan: Plan) -> Layout | None:
        if self._series is not None:
            return None
        if self._followed is None:
            for layout in (self._before, self._table.latest(line.rpartition(b" ")[0])):
                if layout is not None and line.startswith(layout.series[0] + b" "):
                    self._followed = layout
                    break
        if self._followed is not None and plan is not self._checked:
            if not self._followed.names <= plan.allowed:
                return None
            self._checked = plan
        return self._followed

    def _take_any(self, lines: list[bytes], plan: Plan) -> tuple[Sequence[bytes], list[float]] | None:
        parts = [line.rpartition(b" ") for line in lines]
        numbers = [number for _, _, number in parts]
        joined = b"".join(numbers)
        if any(odd in joined for odd in _ODD):
            return None
        try:
            values = list(map(float, numbers))
        except ValueError:
            return None
        series = self._table.shared([text for text, _, _ in parts], plan, self._allowance)
        if series is None:
            return None
        self._extend(series, values)
        return series, values

    def _extend(self, series: list[bytes], values: list[float]) -> None:
        if self._series is None:
            self._series = self._own()
        self._series.extend(series)
        self.values.extend(values)

    def _own(self) -> list[bytes]:
        if self._series is not None:
            return self._series
        return list(islice(self._followed.series, len(self.values))) if self._followed else []
