"""A dedicated etcd of ours, from its members' own pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Final

from k3k_core.telemetry.families import (
    ETCD_COMMIT,
    ETCD_FSYNC,
    ETCD_HAS_LEADER,
    ETCD_IN_USE,
    ETCD_LEADER_CHANGES,
    ETCD_PEER_ROUND_TRIP,
    ETCD_PROPOSALS_FAILED,
    ETCD_PROPOSALS_PENDING,
    ETCD_QUOTA,
    ETCD_SIZE,
    Fact,
)
from k3k_core.telemetry.signals.deltas import increases
from k3k_core.telemetry.signals.gauges import amount, finite, highest, single, summed
from k3k_core.telemetry.signals.histogram_reader import HistogramReader
from k3k_core.telemetry.signals.label_sets import Labels
from k3k_core.telemetry.signals.model import EtcdSignals, Latency
from k3k_core.telemetry.signals.pairs import Pair


def _everything(_: Labels) -> str:
    return "all"


ALL: Final = HistogramReader(_everything)
"""Reads a histogram whose label sets are added up."""


def etcd_signals(members: int, pairs: Sequence[Pair]) -> EtcdSignals | None:
    """Return the signals of the members.

    Args:
        members: how many were asked; None comes back for none.
        pairs: pages of those that answered.
    """
    if not members:
        return None
    leaders = [leader for pair in pairs if (leader := single(ETCD_HAS_LEADER, pair.page)) is not None]
    sizes = [(size, pair) for pair in pairs if (size := amount(single(ETCD_SIZE, pair.page))) is not None]
    size, largest = max(sizes, key=lambda found: found[0]) if sizes else (None, None)
    quotas = [quota for pair in pairs if (quota := amount(single(ETCD_QUOTA, pair.page)))]
    return EtcdSignals(
        members=members,
        members_up=len(pairs),
        has_leader=all(leader == 1 for leader in leaders) if leaders else None,
        # Each member sees the same changes.
        leader_changes=highest(grown_by(ETCD_LEADER_CHANGES, pair) for pair in pairs),
        fsync=latency_of(ETCD_FSYNC, pairs),
        commit=latency_of(ETCD_COMMIT, pairs),
        proposals_failed=summed(grown_by(ETCD_PROPOSALS_FAILED, pair) for pair in pairs),
        proposals_pending=summed(amount(single(ETCD_PROPOSALS_PENDING, pair.page)) for pair in pairs),
        size_bytes=size,
        in_use_bytes=amount(single(ETCD_IN_USE, largest.page)) if largest is not None else None,
        quota_bytes=min(quotas, default=None),
        peer_round_trip=latency_of(ETCD_PEER_ROUND_TRIP, pairs),
    )


def latency_of(fact: Fact, pairs: Iterable[Pair]) -> Latency | None:
    """Return the distribution of a histogram over all its label sets and all servers."""
    histogram = ALL.grown(fact, pairs).histogram(lambda _: True)
    return None if histogram is None else histogram.latency()


def grown_by(fact: Fact, pair: Pair) -> float | None:
    """Return how much a counter grew, all its series together; None when that cannot be said."""
    families = pair.families(fact)
    if families is None:
        return None
    known = [grown for grown in increases(*families) if isfinite(grown)]
    return finite(sum(known)) if known else None
