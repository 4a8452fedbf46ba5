"""Requests to the API server: how many, how fast, how many failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from operator import itemgetter
from typing import Final, NamedTuple, get_args

from k3k_core.telemetry.families import (
    IN_FLIGHT,
    IN_QUEUE,
    LONG_RUNNING,
    REJECTED,
    REQUEST_DURATION,
    REQUESTS,
    TERMINATIONS,
)
from k3k_core.telemetry.signals.columns import SeriesReader
from k3k_core.telemetry.signals.gauges import added, finite, largest, name_of, ratio, summed, total
from k3k_core.telemetry.signals.histogram_reader import HistogramReader, Increases
from k3k_core.telemetry.signals.histograms import Histogram, Part, merged
from k3k_core.telemetry.signals.label_sets import Labels
from k3k_core.telemetry.signals.model import ApiSignals, Group, Latency, ResourceLatency, Scope
from k3k_core.telemetry.signals.pairs import Pair

STREAMING_VERBS: Final = frozenset({"WATCH", "WATCHLIST", "CONNECT"})
STREAMING_SUBRESOURCES: Final = frozenset({"proxy", "attach", "log", "exec", "portforward"})

GROUPS: Final[Mapping[str, Group]] = {
    "GET": "read",
    "LIST": "read",
    "POST": "write",
    "PUT": "write",
    "PATCH": "write",
    "APPLY": "write",
    "DELETE": "write",
    "DELETECOLLECTION": "write",
}
"""Verbs that count as reads and as writes."""

SLOW_READ: Final[Mapping[str, float]] = {"resource": 1.0, "": 1.0, "namespace": 5.0, "cluster": 30.0}
"""Seconds within which a read of that scope shall be answered (kubernetes-mixin)."""

SLOW_WRITE: Final = 1.0
"""Seconds within which a write shall be answered (kubernetes-mixin)."""

SLOWEST: Final = 10
"""Resources that are named."""

MAX_LEVELS: Final = 32
"""Priority levels that are told apart; a server has about 10."""

_Row = tuple[Group, str, str]
"""Group, scope and resource."""


class _Outcome(NamedTuple):
    """What requests have in common: verb as shown, group if they count for the error budget, whether 5xx."""

    verb: str
    group: Group | None
    failed: bool


def is_streaming(labels: Labels) -> bool:
    """Tell whether requests last as long as the client likes, so that their duration says nothing."""
    return labels.get("verb") in STREAMING_VERBS or labels.get("subresource") in STREAMING_SUBRESOURCES


def _outcome(labels: Labels) -> _Outcome | None:
    if is_streaming(labels):
        return None
    verb, code = labels.get("verb", ""), labels.get("code", "")
    group = GROUPS.get(verb)
    return _Outcome(verb if group else "other", group, failed=len(code) == 3 and code.startswith("5"))


def _row(labels: Labels) -> _Row | None:
    group = GROUPS.get(labels.get("verb", ""))
    if group is None or is_streaming(labels):
        return None
    scope = labels.get("scope", "")
    resource, api_group = labels.get("resource", ""), labels.get("group", "")
    full = f"{resource}.{api_group}" if resource and api_group else resource
    return group, scope if scope in SLOW_READ else "", name_of(full)


def _answered_at_once(labels: Labels) -> str | None:
    return None if is_streaming(labels) else "requests"


def _level(labels: Labels) -> str | None:
    return name_of(labels.get("priority_level", ""))


def _kind(labels: Labels) -> str | None:
    kind = labels.get("request_kind", "")
    return kind if kind in {"mutating", "readOnly"} else None


_DURATIONS: Final = HistogramReader(_row)
_REQUESTS: Final = SeriesReader(_outcome)
_TERMINATIONS: Final = SeriesReader(_answered_at_once)
_REJECTED: Final = SeriesReader(_level)
_IN_FLIGHT: Final = SeriesReader(_kind)


def api_signals(pairs: Sequence[Pair]) -> ApiSignals:
    """Return what the servers say of their requests, all but the burn of the error budget."""
    windows = [
        (pair.window, _REQUESTS.increases(*found)) for pair in pairs if (found := pair.families(REQUESTS))
    ]
    outcomes = added(sums for _, sums in windows)
    requests = summed(outcomes.values())
    errors = None if requests is None else sum((n for kind, n in outcomes.items() if kind.failed), 0.0)
    counted = summed(n for kind, n in outcomes.items() if kind.group)
    failed = sum(n for kind, n in outcomes.items() if kind.group and kind.failed)
    rates = added(_rates(sums, window) for window, sums in windows)
    durations = _DURATIONS.grown(REQUEST_DURATION, pairs)
    rejections = [
        (pair.window, _REJECTED.increases(*found)) for pair in pairs if (found := pair.families(REJECTED))
    ]
    return ApiSignals(
        request_rate=summed(rates.values()),
        rate_by_verb={verb: rate for verb, rate in rates.items() if isfinite(rate)},
        requests=requests,
        errors=finite(errors),
        error_ratio=ratio(errors, requests),
        reads=_latency(durations, lambda row: row[0] == "read"),
        writes=_latency(durations, lambda row: row[0] == "write"),
        by_scope=_by_scope(durations),
        slowest=_slowest(durations),
        in_flight=_in_flight(pairs),
        in_queue=summed(total(IN_QUEUE, pair.page) for pair in pairs),
        rejected=largest(added(sums for _, sums in rejections), MAX_LEVELS),
        rejected_rate=summed(n / window for window, sums in rejections for n in sums.values()),
        terminated_ratio=_terminated_ratio(pairs, requests),
        long_running=summed(total(LONG_RUNNING, pair.page) for pair in pairs),
        slow_or_failed=_spent(_slow(durations), failed, counted),
        counted=counted,
    )


def _rates(sums: Mapping[_Outcome, float], window: float) -> dict[str, float]:
    return added({outcome.verb: grown / window} for outcome, grown in sums.items())


def _latency(durations: Increases[_Row], wanted: Callable[[_Row], bool]) -> Latency | None:
    histogram = durations.histogram(wanted)
    return None if histogram is None else histogram.latency()


def _by_scope(durations: Increases[_Row]) -> dict[tuple[Group, Scope], Latency]:
    parts: dict[tuple[str, str], list[Part]] = {}
    for (group, scope, _), rows in durations.parts.items():
        parts.setdefault((group, scope), []).extend(rows)
    found: dict[tuple[Group, Scope], Latency] = {}
    for group in get_args(Group):
        for scope in get_args(Scope):
            if (group, scope) in parts and (latency := merged(parts[group, scope]).latency()) is not None:
                found[group, scope] = latency
    return found


def _slowest(durations: Increases[_Row]) -> tuple[ResourceLatency, ...]:
    parts: dict[tuple[Group, str], list[Part]] = {}
    for (group, _, resource), rows in durations.parts.items():
        if resource:
            parts.setdefault((group, resource), []).extend(rows)
    ranked: list[tuple[float, float, str, Group, Histogram]] = []
    for (group, resource), rows in parts.items():
        if not any(row for _, row in rows):
            continue
        histogram = merged(rows)
        if (p99 := histogram.quantile(0.99)) is not None:
            ranked.append((-p99, -histogram.count, resource, group, histogram))
    ranked.sort(key=itemgetter(0, 1, 2, 3))
    return tuple(
        ResourceLatency(resource, group, latency)
        for _, _, resource, group, histogram in ranked[:SLOWEST]
        if (latency := histogram.latency()) is not None
    )


def _slow(durations: Increases[_Row]) -> float | None:
    """Return how many requests took longer than their scope allows; None when no duration is known."""
    if not durations.parts:
        return None
    parts: dict[tuple[Group, float], list[Part]] = {}
    for (group, scope, _), rows in durations.parts.items():
        limit = SLOW_WRITE if group == "write" else SLOW_READ[scope]
        parts.setdefault((group, limit), []).extend(rows)
    slow = 0.0
    for (_, limit), rows in parts.items():
        histogram = merged(rows)
        slow += max(histogram.count - histogram.at_most(limit), 0.0)
    return slow


def _spent(slow: float | None, failed: float, counted: float | None) -> float | None:
    # What was slow and failed as well is counted twice, as in kubernetes-mixin: the page does not tell which it was.
    return None if slow is None or counted is None else finite(min(slow + failed, counted))


def _in_flight(pairs: Iterable[Pair]) -> dict[str, float]:
    gauges = (family for pair in pairs if (family := IN_FLIGHT.find(pair.page)) is not None)
    known = ({kind: n for kind, n in _IN_FLIGHT.values(family).items() if n >= 0} for family in gauges)
    return {kind: n for kind, n in added(known).items() if isfinite(n)}


def _terminated_ratio(pairs: Iterable[Pair], requests: float | None) -> float | None:
    terminated = summed(_TERMINATIONS.grown(TERMINATIONS, pairs).values())
    return None if terminated is None or requests is None else ratio(terminated, requests + terminated)
