"""Programs that end, for tests of the simulated node."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from k3k_core.sandbox.fault_board import FaultBoard
from k3k_core.sandbox.k3s.cluster import Cluster, Surroundings
from k3k_core.sandbox.k3s.datastores import Datastores, Members
from k3k_core.sandbox.node.file_tree import FileTree
from k3k_core.sandbox.node.tasks import Program, Tasks
from k3k_core.sandbox.scenario import Scenario


def _now() -> datetime:
    return datetime.now(UTC)


def nowhere() -> Surroundings:
    """Return surroundings in which there is nothing."""

    def open_api(cluster: Cluster) -> Any:
        raise AssertionError(f"no server was to start: {cluster}")

    scenario = Scenario()
    return Surroundings(Datastores(), Members(), scenario, _now, open_api, FaultBoard(scenario, _now))


def tasks(programs: Mapping[str, Program] | None = None, around: Surroundings | None = None) -> Tasks:
    """Return what starts programs.

    Args:
        programs: by name; none by default.
        around: what they may use; nothing by default.
    """
    where = around or nowhere()
    return Tasks(programs or {}, where, lambda launch: FileTree(launch, where.volumes))
