"""The axes of a plot: round steps, and numbers short enough to stand beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from k3k_core.telemetry.quantities import Unit

# Tops of a plot in which nothing is higher than zero, so that noise does not fill it.
_LEAST_TOP: Final[dict[Unit, float]] = {"seconds": 0.01, "ratio": 0.01, "bytes": 1024.0, "cores": 0.1}
_DECIMAL_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_BINARY_STEPS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
_HIGHEST: Final = 1e30
_BYTES: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_COUNTS: Final = ("", "k", "M", "G", "T", "P", "E")
_SUFFIXES: Final[dict[Unit, str]] = {"count/second": "/s", "percent": " %", "cores": " cores", "days": " d"}


@dataclass(frozen=True, slots=True)
class Scale:
    """A vertical axis from zero up.

    Attributes:
        top: its highest value.
        ticks: values to name, from zero to the top.
        unit: of the values.
    """

    top: float
    ticks: tuple[float, ...]
    unit: Unit

    def share(self, value: float) -> float:
        """Return where a value stands between zero and the top, 0 to 1; what is beyond stands at the edge.

        Args:
            value: a number, not NaN.
        """
        return min(max(value / self.top, 0.0), 1.0)

    @property
    def labels(self) -> tuple[str, ...]:
        """The ticks as text."""
        return tuple(label(tick, self.unit) for tick in self.ticks)


def scale_for(values: Iterable[float], unit: Unit, steps: int) -> Scale:
    """Return the axis on which values fit, its ticks at round numbers.

    Args:
        values: what it has to hold; NaN counts for nothing, infinity reaches the top.
        unit: of the values.
        steps: about how many steps it is divided into, at least one.
    """
    finite = (min(value, _HIGHEST) for value in values if math.isfinite(value))
    # A little room above: a line along the edge looks as if it were cut off.
    highest = max(1.02 * max(finite, default=0.0), _LEAST_TOP.get(unit, 1.0))
    step = _round_up(highest / steps, unit)
    count = max(1, math.ceil(highest / step - 1e-9))
    return Scale(step * count, tuple(step * index for index in range(count + 1)), unit)


def _round_up(step: float, unit: Unit) -> float:
    """Return the least round number that is no smaller."""
    binary = unit in {"bytes", "bytes/second"}
    base = (
        1024.0 ** max(0, math.floor(math.log(step, 1024))) if binary else 10.0 ** math.floor(math.log10(step))
    )
    whole = unit in {"items", "count"}
    steps = (base * factor for factor in (_BINARY_STEPS if binary else _DECIMAL_STEPS))
    return next((one for one in steps if one >= step * (1 - 1e-9) and not (whole and one % 1)), step)


def label(value: float, unit: Unit) -> str:
    """Return a value as it stands on an axis or in a legend: at most nine characters or so.

    Args:
        value: the value; NaN reads "-".
        unit: of the value.
    """
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    if not abs(value) < _HIGHEST:
        return "over 1e30" if value > 0 else "below 0"
    if unit == "seconds":
        return _seconds(value)
    if unit == "ratio":
        return f"{_number(value * 100)} %"
    if unit in {"bytes", "bytes/second"}:
        return _prefixed(value, 1024.0, _BYTES, " ") + ("B/s" if unit == "bytes/second" else "B")
    return _prefixed(value, 1000.0, _COUNTS, "") + _SUFFIXES.get(unit, "")


def _seconds(value: float) -> str:
    size = abs(value)
    if size < 0.001:
        return f"{_number(value * 1e6)} us"
    if size < 0.9995:
        return f"{_number(value * 1000)} ms"
    if size < 120:
        return f"{_number(value)} s"
    return f"{_number(value / 60)} min" if size < 7200 else f"{_number(value / 3600)} h"


def _prefixed(value: float, base: float, prefixes: tuple[str, ...], blank: str) -> str:
    index = 0
    while abs(value) >= base * 0.9995 and index < len(prefixes) - 1:
        value, index = value / base, index + 1
    return f"{_number(value)}{blank}{prefixes[index]}"


def _number(value: float) -> str:
    """Three significant digits, without zeros that say nothing."""
    if abs(value) >= 1e4 or abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ago(seconds: float) -> str:
    """Return a moment of the time axis: "now", "90 s ago", "30 min ago", "4 h ago".

    Args:
        seconds: since then.
    """
    if seconds <= 0:
        return "now"
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    if seconds <= 3600:
        return f"{_number(seconds / 60)} min ago"
    return f"{_number(seconds / 3600)} h ago"
