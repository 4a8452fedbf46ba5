"""A page made ready for rendering: its parts in page order, and which of them move by what.

Everything that differs between two pages of one kind is worked out once for all servers that show this kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from k3k_core.sandbox.k3s.exposition.blocks import Fixed
from k3k_core.sandbox.k3s.exposition.effects import Count, Effect, Freeze, Observe, Show
from k3k_core.sandbox.k3s.exposition.numbers import go_number
from k3k_core.sandbox.k3s.exposition.recording import RecordedFamily, Recording, Series

Axis = Literal["fixed", "time", "requests", "swing"]
# Fixed text shorter than this is compressed with its neighbours: a cut costs more than it saves.
_SHORTEST_FIXED = 2048
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Move:
    """A series that moves by itself.

    Attributes:
        part: its place among the parts.
        prefix: the series and a blank.
        first: value at the start.
        change: what it grows by in one unit of its axis.
        whole: whether it only has whole values.
    """

    part: int
    prefix: bytes
    first: float
    change: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Term:
    """What a fault adds to a counter for each second it was on.

    Attributes:
        fault: name of the fault.
        rate: per second.
    """

    fault: str
    rate: float


@dataclass(frozen=True, slots=True)
class Instead:
    """What a gauge shows while a fault is on.

    Attributes:
        fault: name of the fault.
        value: at first.
        ramp: added for each second.
        own: added to the gauge's own value.
    """

    fault: str
    value: float
    ramp: float
    own: bool


@dataclass(slots=True)
class Touch:
    """A series that faults change.

    Attributes:
        move: how it moves without faults.
        axis: along what.
        terms: what faults add.
        instead: what faults show in its place.
        frozen: faults that stop it.
        header: place of the family's header, which shows only with a series; -1 where it always does.
    """

    move: Move
    axis: Axis
    terms: list[Term] = field(default_factory=list)
    instead: list[Instead] = field(default_factory=list)
    frozen: list[str] = field(default_factory=list)
    header: int = -1


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of page.

    Attributes:
        seconds: length of one unit of the axis "time".
        requests: requests in one unit of the axis "requests".
        parts: all lines, in page order, as they are at the start; empty where something is filled in.
        moves: series that move, by axis.
        touches: series that faults change, by name of the fault.
        headers: text of the headers that are not always shown, by place.
        slots: place of each family that a server makes itself.
        blocks: fixed texts, and ranges of parts, in page order.
    """

    seconds: float
    requests: float
    parts: Sequence[bytes]
    moves: Mapping[Axis, tuple[Move, ...]]
    touches: Mapping[str, tuple[Touch, ...]]
    headers: Mapping[int, bytes]
    slots: Mapping[str, int]
    blocks: Sequence[Fixed | tuple[int, int]]


class Compiler:
    """Makes a template.

    Args:
        recording: the page.
        effects: what each fault does to it.
        slots: names of families that each server makes itself.
        of_requests: beginnings of the names of families that move with the requests served.
        drifts: gauges that grow, bytes or units a second by name, instead of swinging.
    """

    def __init__(
        self,
        recording: Recording,
        effects: Mapping[str, Sequence[Effect]],
        *,
        slots: Iterable[str] = (),
        of_requests: tuple[str, ...] = (),
        drifts: Mapping[str, float] | None = None,
    ) -> None:
        self._recording = recording
        self._of_requests = of_requests
        self._drifts = drifts or {}
        self._parts: list[bytes] = []
        self._live: set[int] = set()
        self._moves: dict[Axis, list[Move]] = {"time": [], "requests": [], "swing": []}
        self._touches: dict[str, dict[int, Touch]] = {}
        self._headers: dict[int, bytes] = {}
        self._slots: dict[str, int] = {}
        self._effects = _by_family(effects)
        waiting = set(slots)
        for name in sorted({*recording.families, *waiting}):
            if name in waiting:
                self._slots[name] = self._add(b"", live=True)
            else:
                self._family(recording.families[name])

    def template(self) -> Template:
        """Return the template."""
        return Template(
            seconds=self._recording.seconds,
            requests=_requests_recorded(self._recording),
            parts=tuple(self._parts),
            moves={axis: tuple(moves) for axis, moves in self._moves.items()},
            touches={fault: tuple(touches.values()) for fault, touches in self._touches.items()},
            headers=self._headers,
            slots=self._slots,
            blocks=tuple(self._blocks()),
        )

    def _add(self, text: bytes, *, live: bool = False) -> int:
        self._parts.append(text)
        if live:
            self._live.add(len(self._parts) - 1)
        return len(self._parts) - 1

    def _family(self, family: RecordedFamily) -> None:
        header = family.header().encode()
        effects = self._effects.get(family.name, ())
        if not family.series:
            place = self._add(b"", live=True)
            self._headers[place] = header
        else:
            self._add(header)
            place = -1
        matches = _Matches(family, [effect for _, effect in effects])
        touching: dict[int, list[tuple[str, Effect, int]]] = {}
        for fault, effect in effects:
            found = matches.of(effect)
            for number in found:
                touching.setdefault(number, []).append((fault, effect, matches.label_sets(found)))
        for number, series in enumerate(family.series):
            axis, move = self._move(family, series)
            if number in touching:
                touch = Touch(move, axis)
                for fault, effect, sets in touching[number]:
                    self._apply(touch, fault, effect, series, sets)
        made: dict[bytes, Touch] = {}
        for fault, effect in effects:
            if isinstance(effect, Count) and effect.make and not matches.of(effect):
                self._make(family.name, fault, effect, place, made)

    def _move(self, family: RecordedFamily, series: Series) -> tuple[Axis, Move]:
        change = series.second - series.first
        axis = self._axis(family, series)
        if series.name in self._drifts:
            axis, change = "time", self._drifts[series.name] * self._recording.seconds
        whole = _is_whole(series)
        text = f"{series.text} ".encode()
        part = self._add(text + go_number(series.first) + b"\n")
        move = Move(part, text, series.first, change, whole)
        if axis != "fixed":
            self._live.add(part)
            self._moves[axis].append(move)
        return axis, move

    def _axis(self, family: RecordedFamily, series: Series) -> Axis:
        if series.second == series.first:
            return "fixed"
        if family.kind == "gauge":
            return "swing"
        return "requests" if family.name.startswith(self._of_requests) else "time"

    def _apply(self, touch: Touch, fault: str, effect: Effect, series: Series, sets: int) -> None:
        if isinstance(effect, Freeze):
            if touch.axis == "fixed":
                return
            touch.frozen.append(fault)
        elif isinstance(effect, Show):
            value = effect.value
            if effect.share_of:
                other = self._recording.families.get(effect.share_of)
                value *= other.series[0].first if other is not None else 0.0
            touch.instead.append(Instead(fault, value, effect.ramp, effect.own))
        elif isinstance(effect, Count):
            touch.terms.append(Term(fault, effect.per_second / sets))
        else:
            rate = _observed(series, effect) / sets
            if not rate:
                return
            touch.terms.append(Term(fault, rate))
        self._live.add(touch.move.part)
        self._touches.setdefault(fault, {})[touch.move.part] = touch

    def _make(self, family: str, fault: str, effect: Count, header: int, made: dict[bytes, Touch]) -> None:
        """Add a series that shows once a fault has counted something in it; several faults may share one."""
        labels = ",".join(f'{name}="{value}"' for name, value in effect.labels.items())
        text = f"{family}{{{labels}}} ".encode()
        touch = made.get(text)
        if touch is None:
            part = self._add(b"", live=True)
            touch = made[text] = Touch(Move(part, text, 0.0, 0.0, whole=True), "fixed", header=header)
        touch.terms.append(Term(fault, effect.per_second))
        self._touches.setdefault(fault, {})[touch.move.part] = touch

    def _blocks(self) -> Iterator[Fixed | tuple[int, int]]:
        start = 0
        for first, last in self._fixed_runs():
            if sum(map(len, self._parts[first:last])) < _SHORTEST_FIXED:
                continue
            if first > start:
                yield start, first
            yield Fixed.of(b"".join(self._parts[first:last]))
            start = last
        if start < len(self._parts):
            yield start, len(self._parts)

    def _fixed_runs(self) -> Iterator[tuple[int, int]]:
        begin = 0
        for live in (*sorted(self._live), len(self._parts)):
            if live > begin:
                yield begin, live
            begin = live + 1


def _by_family(effects: Mapping[str, Sequence[Effect]]) -> dict[str, list[tuple[str, Effect]]]:
    found: dict[str, list[tuple[str, Effect]]] = {}
    for fault, several in effects.items():
        for effect in several:
            found.setdefault(effect.family, []).append((fault, effect))
    return found


def labels_of(series: str) -> dict[str, str]:
    """Return the labels in the text of a series of a recording."""
    return dict(_LABEL.findall(series.partition("{")[2]))


class _Matches:
    """Which series of a family the effects are about."""

    def __init__(self, family: RecordedFamily, effects: Sequence[Effect]) -> None:
        self._texts = [series.text for series in family.series]
        self._counts = {number for number, series in enumerate(family.series) if _is_count(series)}
        wanted = {label for effect in effects for label in _label_texts(effect)}
        self._bearers = {label: self._bearing(label) for label in wanted}

    def _bearing(self, label: str) -> set[int]:
        # A label begins after a brace or a comma; values of recorded series hold neither quotes nor braces.
        first, later = f"{{{label}", f",{label}"
        return {
            number
            for number, text in enumerate(self._texts)
            if label in text and (first in text or later in text)
        }

    def of(self, effect: Effect) -> set[int]:
        """Return the places of the series that have all labels of an effect."""
        labels = _label_texts(effect)
        if not labels:
            return set(range(len(self._texts)))
        return set.intersection(*(self._bearers[label] for label in labels))

    def label_sets(self, found: set[int]) -> int:
        """Count label sets without regard to `le`."""
        return len(found & self._counts) or len(found) or 1


def _label_texts(effect: Effect) -> list[str]:
    return [f'{name}="{value}"' for name, value in effect.labels.items()]


def _is_whole(series: Series) -> bool:
    # A sum that happens to be whole need not stay so.
    values = series.first, series.second
    return values[0].is_integer() and values[1].is_integer() and not series.name.endswith("_sum")


def _is_count(series: Series) -> bool:
    return series.name.endswith("_count")


def _observed(series: Series, effect: Observe) -> float:
    """Return how fast one line of a histogram grows by the observations."""
    if series.name.endswith("_sum"):
        return effect.value * effect.per_second
    if series.name.endswith("_bucket"):
        bound = labels_of(series.text)["le"]
        return effect.per_second if effect.value <= float(bound.replace("+Inf", "inf")) else 0.0
    return effect.per_second


def _requests_recorded(recording: Recording) -> float:
    family = recording.families.get("apiserver_request_total")
    moved = sum(each.second - each.first for each in family.series) if family is not None else 0.0
    return moved if math.isfinite(moved) and moved > 0 else 1.0
