"""What the exporter asks of a fleet; `k3k_core.fleet.Fleet` is one, and tests have another."""

from __future__ import annotations

from typing import Protocol

from k3k_core.discovery import ControlPlane
from k3k_core.telemetry.judgement import Judgement
from k3k_core.telemetry.signals.model import Signals


class Row(Protocol):
    """What is known of one control plane; see `k3k_core.fleet.FleetRow`."""

    @property
    def control_plane(self) -> ControlPlane: ...
    @property
    def signals(self) -> Signals | None: ...
    @property
    def judgement(self) -> Judgement: ...
    @property
    def stale_since(self) -> float | None: ...
