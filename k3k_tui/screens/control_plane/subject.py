"""What the screen is about, as it was last known: a control plane that went or whose host is lost stays on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState

T = TypeVar("T")
# Four hours at one reading every 15 seconds.
_MOST_RATES: Final = 960


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """Something that was asked of the host.

    Attributes:
        value: what came last; kept when a later attempt fails.
        at: when it came, seconds since 1970.
        loading: whether it is being asked for.
        error: why the last attempt failed; empty when it did not.
        hint: what to do about it.
    """

    value: T | None = None
    at: float = 0.0
    loading: bool = False
    error: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A control plane.

    Attributes:
        key: which one.
        row: what is known of it; None before its host answers.
        gone_since: seconds since 1970 from when it has not been in the fleet any more; None while it is.
        host: state of its host; None before anything is known of it.
    """

    key: FleetKey
    row: FleetRow | None = None
    gone_since: float | None = None
    host: HostState | None = None

    def after(self, change: ChangeSet, now: float) -> Subject:
        """Return what is known after a change set; the same object where it says nothing of it.

        Args:
            change: of the fleet.
            now: seconds since 1970.
        """
        after = self
        for row in change.changed:
            if row.id == self.key:
                after = replace(after, row=row, gone_since=None)
        if self.key in change.removed and after.gone_since is None:
            after = replace(after, gone_since=now)
        for host in change.hosts:
            if host.name == self.key.host:
                after = replace(after, host=host)
        return after

    @property
    def trouble(self) -> tuple[str, str, float | None]:
        """Why what is shown may be out of date, what to do, and since when (seconds since 1970); empty when it is not.

        A deleted control plane tells that first, then a lost host.
        """
        if self.gone_since is not None:
            return "deleted", "", self.gone_since
        host = self.host
        if host is not None and not host.connected and host.error:
            since = self.row.stale_since if self.row is not None else None
            return host.error, host.hint, since or host.since
        if self.row is not None and self.row.stale_since is not None:
            return f"host {self.key.host} cannot be followed", "", self.row.stale_since
        return "", "", None


@dataclass(slots=True)
class VerbRates:
    """Requests a second by verb while the screen was open: the fleet keeps only their sum."""

    _kept: deque[tuple[float, Mapping[str, float]]] = field(default_factory=lambda: deque(maxlen=_MOST_RATES))

    def add(self, row: FleetRow) -> None:
        """Take in the rates of a round; one that is known already is left out.

        Args:
            row: of the fleet, after a round.
        """
        signals = row.signals
        if signals is None or not signals.api.rate_by_verb:
            return
        if not self._kept or signals.at > self._kept[-1][0]:
            self._kept.append((signals.at, signals.api.rate_by_verb))

    @property
    def since(self) -> float | None:
        """When the first of them was measured, seconds since 1970; None before two of them were."""
        return self._kept[0][0] if len(self._kept) > 1 else None

    def course(self, verb: str, points: int, span: float, until: float) -> list[float]:
        """Return the rate of a verb over time, NaN where nothing is known.

        Args:
            verb: such as "GET".
            points: how many values.
            span: seconds they cover.
            until: their end, seconds since 1970.
        """
        values = [float("nan")] * points
        width = span / points
        for (at, rates), (following, _) in zip(self._kept, [*list(self._kept)[1:], (until, {})], strict=True):
            # A rate holds until the next one is known, for a while.
            first = min(int((at - until + span) / width), points - 1)
            last = int((min(following, at + 4 * 15.0) - until + span) / width)
            for place in range(max(first, 0), min(max(last, first + 1), points)):
                values[place] = rates.get(verb, 0.0)
        return values
