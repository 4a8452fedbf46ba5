"""Which faults each simulated server has, and since when: switched at any time, remembered as spells.

What a fault adds to a counter depends on how long it was on, so a page can be made for any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from k3k_core.sandbox.fault_catalogue import parse_faults
from k3k_core.sandbox.scenario import Scenario

Close = Callable[[], None]


class Spells:
    """When each fault of one server was on."""

    def __init__(self) -> None:
        # By fault: (from, until) in seconds since 1970; the last may be open.
        self._spells: dict[str, list[tuple[float, float | None]]] = {}

    def on(self, fault: str, at: float) -> None:
        """Begin a spell; nothing changes while one is under way."""
        spells = self._spells.setdefault(fault, [])
        if not spells or spells[-1][1] is not None:
            spells.append((at, None))

    def off(self, fault: str, at: float) -> None:
        """End the spell that is under way."""
        spells = self._spells.get(fault)
        if spells and spells[-1][1] is None:
            spells[-1] = (spells[-1][0], max(at, spells[-1][0]))

    def seen(self) -> tuple[str, ...]:
        """Return every fault that was on at some time."""
        return tuple(self._spells)

    def changed(self, at: float) -> float:
        """Return when a fault last came or went until a time; 0 when none ever did."""
        times = (time for spells in self._spells.values() for spell in spells for time in spell)
        return max((time for time in times if time is not None and time <= at), default=0.0)

    def during(self, fault: str, start: float, end: float) -> list[tuple[float, float]]:
        """Return the parts of (start, end) in which a fault was on.

        Args:
            fault: in full.
            start: seconds since 1970.
            end: seconds since 1970.
        """
        parts = []
        for begin, until in self._spells.get(fault, ()):
            first, last = max(begin, start), end if until is None else min(until, end)
            if last > first:
                parts.append((first, last))
        return parts

    def exposure(self, fault: str, start: float, end: float) -> float:
        """Return for how many seconds between two times a fault was on."""
        return sum(last - first for first, last in self.during(fault, start, end))

    def since(self, fault: str, at: float) -> float | None:
        """Return when the spell began that is under way at a time, None when there is none."""
        for begin, until in self._spells.get(fault, ()):
            if begin <= at and (until is None or at < until):
                return begin
        return None


class PodFaults:
    """The faults of one server.

    Args:
        now: wall clock.

    Attributes:
        spells: when each fault was on.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.spells = Spells()
        self._active: frozenset[str] = frozenset()
        # A fault is on while anything asks for it: a scenario, a call, an annotation.
        self._wanted: dict[str, frozenset[str]] = {}
        self._listeners: dict[object, Callable[[], None]] = {}

    @property
    def active(self) -> frozenset[str]:
        """The faults that are on, in full, e.g. `check-failing:etcd`."""
        return self._active

    def has(self, name: str) -> bool:
        """Whether a fault without argument is on."""
        return name in self._active

    def switch_on(self, *faults: str, at: datetime | None = None) -> None:
        """Switch faults on.

        Args:
            faults: such as "queue-stuck" or "check-failing:etcd".
            at: when that is; now by default.

        Raises:
            K3kError: a fault is unknown.
        """
        self.want("call", self._wanted.get("call", frozenset()) | parse_faults(",".join(faults)), at=at)

    def switch_off(self, *faults: str, at: datetime | None = None) -> None:
        """Switch faults off that were switched on by a call; without names, all of them.

        Args:
            faults: as for `switch_on`.
            at: when that is; now by default.

        Raises:
            K3kError: a fault is unknown.
        """
        gone = parse_faults(",".join(faults)) if faults else self._wanted.get("call", frozenset())
        self.want("call", self._wanted.get("call", frozenset()) - gone, at=at)

    def want(self, source: str, faults: frozenset[str], *, at: datetime | None = None) -> None:
        """Say which faults one source asks for, instead of those it asked for before.

        Args:
            source: who asks, e.g. "scenario".
            faults: in full, as `parse_faults` returns them.
            at: when that is; now by default.
        """
        self._wanted[source] = faults
        active = frozenset().union(*self._wanted.values())
        moment = (at or self._now()).timestamp()
        for fault in active - self._active:
            self.spells.on(fault, moment)
        for fault in self._active - active:
            self.spells.off(fault, moment)
        if active != self._active:
            self._active = active
            for callback in tuple(self._listeners.values()):
                callback()

    def listen(self, owner: object, callback: Callable[[], None]) -> Close:
        """Call back whenever a fault comes or goes; returns what ends that."""
        self._listeners[owner] = callback
        return lambda: (self._listeners.pop(owner, None), None)[1]


class FaultBoard:
    """The faults of all servers of a sandbox.

    Args:
        scenario: faults they have from the start.
        now: wall clock.
    """

    def __init__(self, scenario: Scenario, now: Callable[[], datetime]) -> None:
        self._scenario = scenario
        self._now = now
        self._pods: dict[tuple[str, str], PodFaults] = {}

    def of(self, namespace: str, pod: str) -> PodFaults:
        """Return the faults of one server, which may be yet to come.

        Args:
            namespace: of its pod.
            pod: name of its pod.
        """
        found = self._pods.get((namespace, pod))
        if found is None:
            found = self._pods[namespace, pod] = PodFaults(self._now)
            found.want("scenario", self._scenario.faults(namespace, pod))
        return found

    def annotate(self, namespace: str, pod: str, faults: Iterable[str]) -> None:
        """Take over what annotations ask for.

        Args:
            namespace: of the pod.
            pod: its name.
            faults: in full; none ends them.
        """
        wanted = frozenset(faults)
        if wanted or (namespace, pod) in self._pods:
            self.of(namespace, pod).want("annotation", wanted)
