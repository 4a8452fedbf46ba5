"""The last hours of a control plane in fixed-size rings: a few series of numbers, one slot each 15 seconds."""

from __future__ import annotations

import math
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Mapping
from typing import Final, Literal

from k3k_core.errors import K3kError
from k3k_core.telemetry.judgement import Verdict
from k3k_core.telemetry.signals.model import Latency, Signals

STEP: Final = 15.0
SLOTS: Final = 960

# What a verdict is in the series "verdict": the higher the worse, below zero where nothing is to be judged.
VERDICT_CODES: Final[Mapping[Verdict, float]] = {
    "Healthy": 0.0,
    "Degraded": 1.0,
    "Down": 2.0,
    "Unknown": -1.0,
    "Progressing": -2.0,
    "Paused": -3.0,
    "Expired": -4.0,
}

Reader = Callable[[Signals], float | None]
How = Literal["max", "mean", "last", "min"]


def _p50(latency: Latency | None) -> float | None:
    return latency.p50 if latency else None


def _p99(latency: Latency | None) -> float | None:
    return latency.p99 if latency else None


def _total(values: list[float]) -> float | None:
    return sum(values) if values else None


def _size(signals: Signals) -> float | None:
    datastore = signals.datastore
    if datastore.size_bytes is None and datastore.etcd:
        return datastore.etcd.size_bytes
    return datastore.size_bytes


def _queue_depth(signals: Signals) -> float | None:
    return max((queue.depth for queue in signals.controllers.queues if queue.depth is not None), default=None)


def _round_trip(signals: Signals) -> float | None:
    return max((one.round_trip for one in signals.servers if one.round_trip is not None), default=None)


_READERS: Final[Mapping[str, Reader]] = {
    "read_p50": lambda signals: _p50(signals.api.reads),
    "read_p99": lambda signals: _p99(signals.api.reads),
    "write_p50": lambda signals: _p50(signals.api.writes),
    "write_p99": lambda signals: _p99(signals.api.writes),
    "request_rate": lambda signals: signals.api.request_rate,
    "error_ratio": lambda signals: signals.api.error_ratio,
    "burn_1h": lambda signals: signals.api.burn_1h,
    "in_flight": lambda signals: _total(list(signals.api.in_flight.values())),
    "datastore_p99": lambda signals: _p99(signals.datastore.latency),
    "datastore_size": _size,
    "queue_depth": _queue_depth,
    "servers_ready": lambda signals: float(signals.servers_ready) if signals.servers else None,
    "round_trip": _round_trip,
    "memory": lambda signals: _total(
        [one.memory_bytes for one in signals.processes if one.memory_bytes is not None]
    ),
    "cpu": lambda signals: _total([one.cpu for one in signals.processes if one.cpu is not None]),
}

# Seconds, requests a second, ratios, bytes, items, cores; latencies are of the API server's requests.
SERIES: Final[tuple[str, ...]] = (*_READERS, "verdict")

_MAGIC: Final = b"k3kh"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<4sHHIddq")
_MOST_SLOTS: Final = 100_000
_SHORTEST_STEP: Final = 0.001
_LONGEST_STEP: Final = 86400.0
# Slots that a value may come late; one that is later still comes from a clock that was set back.
_LATE: Final = 8
# Far beyond any date, and far from where floats lose whole seconds.
_LATEST: Final = 1e12
_HIGHEST_HEAD: Final = 1 << 40
_NAME_LENGTH: Final = 24
# Slots by which a ring grows: a quarter of an hour of the usual step.
_GROWTH: Final = 60


class History:
    """Rings of named series that share their slots.

    Times are snapped to the nearest slot, counted from the first value; what comes into a slot last stays. Slots that
    nothing came into are NaN. A series takes memory from its first value on, and more of it as time goes by.

    Args:
        step: seconds of one slot.
        slots: slots kept.
    """

    def __init__(self, *, step: float = STEP, slots: int = SLOTS) -> None:
        if not (_SHORTEST_STEP <= step <= _LONGEST_STEP and 0 < slots <= _MOST_SLOTS):
            raise ValueError(f"no history has {slots} slots of {step} s")
        self.step = step
        self.slots = slots
        self._origin = math.nan
        self._head = 0
        self._rings: dict[str, array[float]] = {}

    @property
    def end(self) -> float | None:
        """Time of the newest slot, seconds since 1970; None while there is none."""
        return None if math.isnan(self._origin) else self._origin + self._head * self.step

    def append(self, at: float, signals: Signals | None, verdict: Verdict | None = None) -> None:
        """Take in one round.

        Args:
            at: when, seconds since 1970.
            signals: what was measured; None leaves gaps.
            verdict: what was made of it.
        """
        values = {} if signals is None else {name: read(signals) for name, read in _READERS.items()}
        values["verdict"] = None if verdict is None else VERDICT_CODES[verdict]
        self.record(at, values)

    def record(self, at: float, values: Mapping[str, float | None]) -> None:
        """Put values into the slot of a time; None and NaN leave what is there.

        Args:
            at: when, seconds since 1970; a time more than eight slots before the newest is taken for a clock that was
                set back: what there is then ends just before it.
            values: by name of the series.

        Raises:
            KeyError: a series is not one of `SERIES`.
            ValueError: `at` is no time.
        """
        if not abs(at) <= _LATEST:
            raise ValueError(f"{at} is no time")
        slot = self._slot(at)
        place = slot % self.slots
        for name, value in values.items():
            if name not in _KNOWN:
                raise KeyError(name)
            if value is None or math.isnan(value):
                continue
            self._room(name, place)[place] = _narrow(value)

    def _room(self, name: str, place: int) -> array[float]:
        """Return the ring of a series, long enough for a place."""
        ring = self._rings.get(name)
        have = 0 if ring is None else len(ring)
        if ring is None or place >= have:
            length = min(self.slots, (place // _GROWTH + 1) * _GROWTH)
            # Not extended in place: an array that grows keeps more than it needs.
            longer = array("f", _GAP) * (length - have)
            ring = self._rings[name] = longer if ring is None else ring + longer
        return ring

    def _slot(self, at: float) -> int:
        if math.isnan(self._origin):
            self._origin = at
        slot = math.floor((at - self._origin) / self.step + 0.5)
        if slot - self._head >= self.slots:
            self._rings.clear()
            self._origin, self._head = at, 0
            return 0
        if slot - self._head < -min(_LATE, self.slots - 1):
            # What there is moves back with the clock, or the newest slot would stay the newest until it catches up.
            slot = self._head + 1
            self._origin = at - slot * self.step
        for empty in range(self._head + 1, slot + 1):
            place = empty % self.slots
            for ring in self._rings.values():
                if place < len(ring):
                    ring[place] = math.nan
        self._head = max(self._head, slot)
        return slot

    def series(self, name: str) -> array[float]:
        """Return all slots of a series, the oldest first; NaN where there is nothing.

        Args:
            name: one of `SERIES`.

        Raises:
            KeyError: there is no such series.
        """
        if name not in _KNOWN:
            raise KeyError(name)
        ring = self._whole(self._rings.get(name))
        oldest = (self._head + 1) % self.slots
        return ring[oldest:] + ring[:oldest]

    def _whole(self, ring: array[float] | None) -> array[float]:
        """Return a ring with all of its slots."""
        gaps = array("f", _GAP)
        return gaps * self.slots if ring is None else ring + gaps * (self.slots - len(ring))

    def last(self, name: str) -> float | None:
        """Return the value in the newest slot of a series; None when there is none."""
        ring, place = self._rings.get(name), self._head % self.slots
        value = math.nan if ring is None or place >= len(ring) else ring[place]
        return None if math.isnan(value) else value

    def downsample(
        self,
        name: str,
        points: int,
        how: How = "max",
        *,
        span: float | None = None,
        until: float | None = None,
    ) -> list[float]:
        """Return a series in as many values as a plot has columns; NaN where a column has nothing.

        Args:
            name: one of `SERIES`.
            points: how many values.
            how: what becomes of several slots in one column; gaps are left out.
            span: seconds to look back; all that is kept by default.
            until: end of the plot, seconds since 1970, later than the newest slot where nothing came of late.

        Raises:
            KeyError: there is no such series.
            ValueError: `points` is less than one, or `how` is not known.
        """
        if points < 1 or how not in _HOW:
            raise ValueError(f"no series is drawn in {points} points by {how}")
        wanted = self.slots if span is None else min(self.slots, max(1, math.ceil(span / self.step)))
        values = self._latest(self.series(name), wanted, until)
        reduce = _HOW[how]
        drawn = []
        for point in range(points):
            start = point * wanted // points
            end = max(start + 1, (point + 1) * wanted // points)
            present = [value for value in values[start:end] if not math.isnan(value)]
            drawn.append(reduce(present) if present else math.nan)
        return drawn

    def _latest(self, values: array[float], wanted: int, until: float | None) -> array[float]:
        """Cut to the wanted number of slots, ending at a time."""
        newest = self.end
        late = 0 if until is None or newest is None else math.floor((until - newest) / self.step + 0.5)
        late = min(max(late, 0), wanted)
        return values[len(values) - wanted + late :] + array("f", _GAP) * late

    def to_bytes(self) -> bytes:
        """Return everything in a form of its own: header, rings as little-endian floats, checksum."""
        parts = [
            _HEADER.pack(_MAGIC, _VERSION, len(self._rings), self.slots, self.step, self._origin, self._head)
        ]
        for name, ring in self._rings.items():
            parts += [name.encode().ljust(_NAME_LENGTH, b"\0"), _little_endian(self._whole(ring)).tobytes()]
        body = b"".join(parts)
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def from_bytes(cls, data: bytes) -> History:
        """Return the history that `to_bytes` wrote; series this version does not know are left out.

        Raises:
            K3kError: the bytes are no such history, or were damaged.
        """
        if len(data) < _HEADER.size + 4 or data[:4] != _MAGIC:
            raise _unusable("they do not begin like one")
        if zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
            raise _unusable("their checksum is wrong")
        _, version, count, slots, step, origin, head = _HEADER.unpack_from(data)
        if version != _VERSION:
            raise _unusable(f"their version is {version}, not {_VERSION}")
        sized = 0 < slots <= _MOST_SLOTS and _SHORTEST_STEP <= step <= _LONGEST_STEP
        if not sized or abs(origin) > _LATEST or not 0 <= head <= _HIGHEST_HEAD:
            raise _unusable("their sizes are out of range")
        width = _NAME_LENGTH + 4 * slots
        if len(data) != _HEADER.size + count * width + 4:
            raise _unusable("their length is wrong")
        history = cls(step=step, slots=slots)
        history._origin, history._head = origin, head
        for start in range(_HEADER.size, len(data) - 4, width):
            name = data[start : start + _NAME_LENGTH].rstrip(b"\0").decode("ascii", "replace")
            if name in _KNOWN:
                ring = array("f")
                ring.frombytes(data[start + _NAME_LENGTH : start + width])
                history._rings[name] = _trimmed(_little_endian(ring))
        return history


_KNOWN: Final = frozenset(SERIES)
_GAP: Final = (math.nan,)
_HOW: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "max": max,
    "min": min,
    "mean": lambda values: math.fsum(values) / len(values),
    "last": lambda values: values[-1],
}
_LARGEST_FLOAT: Final = 3.4028234663852886e38


def _narrow(value: float) -> float:
    """Keep what a 32-bit float cannot hold at its edge."""
    return max(-_LARGEST_FLOAT, min(_LARGEST_FLOAT, value))


def _little_endian(ring: array[float]) -> array[float]:
    if sys.byteorder == "big":
        ring = ring[:]
        ring.byteswap()
    return ring


def _trimmed(ring: array[float]) -> array[float]:
    """Leave out what nothing came into yet."""
    used = next((place + 1 for place in reversed(range(len(ring))) if not math.isnan(ring[place])), 0)
    return ring[: -(-used // _GROWTH) * _GROWTH]


def _unusable(why: str) -> K3kError:
    return K3kError(
        f"these bytes are no history of a control plane: {why}",
        hint="Delete the saved history; a new one fills within four hours.",
    )
