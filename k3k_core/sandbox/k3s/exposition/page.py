"""The page of one server at one moment."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from k3k_core.sandbox.fault_board import Spells
from k3k_core.sandbox.fault_catalogue import name_of
from k3k_core.sandbox.k3s.exposition.blocks import Fixed, compress, plain
from k3k_core.sandbox.k3s.exposition.effects import GUSTS
from k3k_core.sandbox.k3s.exposition.numbers import go_number
from k3k_core.sandbox.k3s.exposition.template import Axis, Move, Template, Touch
from k3k_core.sandbox.k3s.exposition.weather import Weather

_GAUGE_PERIOD = 60.0
# Seconds between two starts of a server that restarts.
RESTART_PERIOD = 120.0
_PLAIN = 1_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """What a page is made for.

    Attributes:
        now: seconds since 1970.
        started: when the process started, which a server that restarts does again and again.
        pace: factor of the recorded pace.
        swing: between 0 and 1, where gauges are.
        load: seconds of the recorded load it has had.
        gusts: seconds in which it was a little slower.
        spells: when which fault was on.
    """

    now: float
    started: float
    pace: float
    swing: float
    load: float
    gusts: float
    spells: Spells

    @property
    def elapsed(self) -> float:
        """Seconds the process has run."""
        return max(0.0, self.now - self.started)

    def has(self, fault: str) -> bool:
        """Whether a fault is on."""
        return self.spells.since(fault, self.now) is not None


# Makes the text of one family, empty for none.
Slot = Callable[[Moment], bytes]


class Exposition:
    """The `/metrics` of one server.

    Args:
        template: the kind of page.
        started: when the server started, seconds since 1970.
        seed: of the pace of its counters.
        slots: families it makes itself, by name.
        spells: when which fault was on.

    Attributes:
        served: requests it has served, which its counters show.
    """

    def __init__(
        self,
        template: Template,
        started: float,
        seed: str,
        *,
        slots: Mapping[str, Slot] | None = None,
        spells: Spells | None = None,
    ) -> None:
        self._template = template
        self._started = started
        self._slots = slots or {}
        self._spells = spells or Spells()
        chance = random.Random(seed)  # noqa: S311, not a secret
        self._pace = chance.uniform(0.5, 1.5)
        self._phase = chance.uniform(0, 2 * math.pi)
        self._weather = Weather(self._phase)
        self.served = 0

    def moment(self, now: float) -> Moment:
        """Return what a page at a time, in seconds since 1970, is made for."""
        started = self._started_last(now)
        elapsed = max(0.0, now - started)
        swing = (1 + math.sin(self._phase + 2 * math.pi * elapsed / _GAUGE_PERIOD)) / 2
        load, gusts = self._weather.load(elapsed), self._weather.gusts(elapsed)
        return Moment(now, started, self._pace, swing, load, gusts, self._spells)

    def plain(self, now: float) -> bytes:
        """Return the page in the Prometheus text format.

        Args:
            now: seconds since 1970.
        """
        return plain(tuple(self._blocks(now)))

    def compressed(self, now: float) -> bytes:
        """Return the page, gzipped.

        Args:
            now: seconds since 1970.
        """
        return compress(tuple(self._blocks(now)))

    def _started_last(self, now: float) -> float:
        started = self._started
        for begin, end in self._spells.during("restarting", self._started, now):
            started = begin + RESTART_PERIOD * math.floor((end - begin) / RESTART_PERIOD)
        return started

    def _blocks(self, now: float) -> Iterator[Fixed | bytes]:
        template = self._template
        moment = self.moment(now)
        parts = list(template.parts)
        units = moment.pace / template.seconds
        axes: dict[Axis, float] = {
            "fixed": 0.0,
            "time": moment.elapsed * units,
            "requests": moment.load * units + self.served / template.requests,
            "swing": moment.swing,
        }
        for axis, moves in template.moves.items():
            _fill(parts, moves, axes[axis])
        for name, place in template.slots.items():
            if name in self._slots:
                parts[place] = self._slots[name](moment)
        self._touch(parts, moment, axes)
        for block in template.blocks:
            yield block if isinstance(block, Fixed) else b"".join(parts[block[0] : block[1]])

    def _touch(self, parts: list[bytes], moment: Moment, axes: Mapping[Axis, float]) -> None:
        """Put in what faults change; a series that several change is worked out once for all of them."""
        exposures: dict[str, float] = {GUSTS: moment.gusts}
        sinces: dict[str, float] = {}
        for fault in self._spells.seen():
            name = name_of(fault)
            exposures[name] = self._spells.exposure(fault, moment.started, moment.now)
            since = self._spells.since(fault, moment.now)
            if since is not None:
                sinces[name] = max(since, moment.started)
        touched = {
            touch.move.part: touch for fault in exposures for touch in self._template.touches.get(fault, ())
        }
        for part, touch in touched.items():
            value = self._value(touch, moment, axes, exposures)
            for instead in touch.instead:
                if instead.fault in sinces:
                    shown = instead.value + instead.ramp * (moment.now - sinces[instead.fault])
                    value = value + shown if instead.own else shown
            if touch.header >= 0:
                if value < 1:
                    continue
                parts[touch.header] = self._template.headers[touch.header]
            parts[part] = _line(touch.move, value)

    def _value(
        self, touch: Touch, moment: Moment, axes: Mapping[Axis, float], exposures: Mapping[str, float]
    ) -> float:
        move = touch.move
        along = axes[touch.axis]
        for fault in touch.frozen:
            along -= exposures.get(fault, 0.0) / self._template.seconds * moment.pace
        added = sum(term.rate * exposures.get(term.fault, 0.0) for term in touch.terms)
        return move.first + move.change * along + added * moment.pace


def _fill(parts: list[bytes], moves: tuple[Move, ...], along: float) -> None:
    for move in moves:
        value = move.first + move.change * along
        if move.whole and value < _PLAIN:
            parts[move.part] = b"%b%d\n" % (move.prefix, value)
        else:
            parts[move.part] = _line(move, value)


def _line(move: Move, value: float) -> bytes:
    return move.prefix + go_number(float(math.floor(value)) if move.whole else value) + b"\n"
