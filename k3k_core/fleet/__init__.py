"""The live state of every control plane on every configured host."""

from __future__ import annotations

from k3k_core.fleet.fleet import Fleet
from k3k_core.fleet.options import FleetOptions
from k3k_core.fleet.rows import ChangeSet, FleetKey, FleetRow, HostState
from k3k_core.fleet.shard import Shard

__all__ = ["ChangeSet", "Fleet", "FleetKey", "FleetOptions", "FleetRow", "HostState", "Shard"]
