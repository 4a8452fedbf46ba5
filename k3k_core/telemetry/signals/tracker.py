"""Signals of one control plane, round after round."""

from __future__ import annotations

from dataclasses import replace

from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.signals.api import api_signals
from k3k_core.telemetry.signals.budget import ErrorBudget
from k3k_core.telemetry.signals.certificates import certificate_signals
from k3k_core.telemetry.signals.controllers import controller_signals
from k3k_core.telemetry.signals.datastore import datastore_signals
from k3k_core.telemetry.signals.etcd import etcd_signals
from k3k_core.telemetry.signals.growth import Growth
from k3k_core.telemetry.signals.model import ApiSignals, DatastoreSignals, ServerHealth, Signals
from k3k_core.telemetry.signals.pairs import Pair, Pairing
from k3k_core.telemetry.signals.process import process_signals
from k3k_core.telemetry.signals.stuck import StuckQueues

HOUR = 3600.0


class Tracker:
    """What is remembered of one control plane from one round to the next.

    That is the last page of each server, the requests of the last six hours by minute, the size of the datastore in
    the last hour, and since when queues have not moved.
    """

    def __init__(self) -> None:
        self._servers = Pairing()
        self._members = Pairing()
        self._budget = ErrorBudget()
        self._growth = Growth()
        self._stuck = StuckQueues()

    def observe(self, observation: Observation) -> Signals:
        """Return the signals of a round, and remember it.

        Rates and distributions are over the time since the last page of the same process; they are None for a first
        page, after a restart, and when the clock did not go forward or more than an hour went by.
        """
        pairs = self._servers.pairs(observation.servers)
        members = self._members.pairs(observation.etcd)
        return Signals(
            at=observation.at,
            window=max((pair.window for pair in pairs), default=0.0),
            servers=tuple(map(_health, observation.servers)),
            api=self._api(pairs, observation.at),
            datastore=self._datastore(pairs, members, observation),
            controllers=controller_signals(pairs, self._stuck),
            certificates=certificate_signals(observation, pairs),
            processes=process_signals(pairs),
        )

    def _api(self, pairs: list[Pair], at: float) -> ApiSignals:
        signals = api_signals(pairs)
        window = max((pair.window for pair in pairs), default=0.0)
        if signals.slow_or_failed is not None and signals.counted is not None:
            self._budget.add(at, window, signals.slow_or_failed, signals.counted)
        return replace(signals, burn_1h=self._budget.burn(at, HOUR), burn_6h=self._budget.burn(at, 6 * HOUR))

    def _datastore(
        self, pairs: list[Pair], members: list[Pair], observation: Observation
    ) -> DatastoreSignals:
        etcd = etcd_signals(len(observation.etcd), members)
        signals = datastore_signals(pairs, observation.datastore, etcd)
        return replace(signals, growth=self._growth.add(observation.at, signals.size_bytes))


def _health(server: ServerObservation) -> ServerHealth:
    probe = server.probe
    return ServerHealth(
        server=server.server,
        ready=probe is not None and probe.ready,
        round_trip=probe.round_trip if probe is not None else None,
        failing=probe.failing if probe is not None else (),
        error=server.probe_error,
        page_error=server.page_error,
    )
