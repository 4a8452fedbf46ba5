"""What the sheets of the control-plane screen are made from, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from k3k_core.fleet import FleetRow
from k3k_core.lifecycle.description import (
    Certificate,
    Condition,
    Description,
    Endpoint,
    EventLine,
    ServerPod,
    Volume,
)
from k3k_core.telemetry.history import STEP, History
from k3k_tui.screens.control_plane.sheet import SheetView
from k3k_tui.screens.control_plane.subject import Loaded, Subject
from k3k_tui.view.lines import Line
from tests.support.fleet_rows import NOW, fleet_row, full_signals

AT = datetime.fromtimestamp(NOW, UTC)


def course(slots: int = 240) -> History:
    """The course of a control plane that was Degraded for a while, until now.

    Args:
        slots: how many readings there were.
    """
    history = History()
    for slot in range(slots):
        at = NOW - (slots - 1 - slot) * STEP
        slow = slots // 2 < slot < slots * 3 // 4
        history.append(at, full_signals(at, scale=8.0 if slow else 1.0), "Degraded" if slow else "Healthy")
    return history


def description(row: FleetRow, **other: Any) -> Description:
    """What a host tells of a control plane.

    Args:
        row: of the fleet.
        other: other attributes.
    """
    told: dict[str, Any] = {
        "summary": row.control_plane,
        "revision": 3,
        "values": {},
        "endpoints": (Endpoint("LoadBalancer", "https://203.0.113.7:6443", "where its address is routed"),),
        "servers": (ServerPod("ci-k3k-server-0", True, "Running", 2, "node-1", "10.0.0.1"),),
        "certificates": (Certificate("client-ca", AT + timedelta(days=3650)),),
        "conditions": (Condition("ServersReady", "False", "2 of 3 servers ready"),),
        "volumes": (Volume("data-ci-k3k-server-0", "Bound", "5Gi", "fast"),),
        "events": (
            EventLine(AT - timedelta(minutes=5), "Normal", "Scheduled", "Pod/ci-k3k-server-0", "Assigned", 1),
            EventLine(AT - timedelta(minutes=1), "Warning", "Unhealthy", "Pod/ci-k3k-server-0", "503", 7),
        ),
        "now": AT,
    }
    return Description(**{**told, **other})


def sheet_view(row: FleetRow | None = None, *, described: bool = True, **other: Any) -> SheetView:
    """Everything a sheet can show of a control plane of which everything is known.

    Args:
        row: of the fleet.
        described: whether its host has told of its objects.
        other: other attributes of the view.
    """
    shown = row or fleet_row(signals=full_signals())
    told: dict[str, Any] = {
        "subject": Subject(shown.id, shown),
        "now": NOW,
        "history": course(),
        "description": Loaded(description(shown), NOW) if described else Loaded(),
    }
    return SheetView(**{**told, **other})


def text_of(lines: Sequence[Line]) -> str:
    """The characters of lines.

    Args:
        lines: of a sheet.
    """
    return "\n".join("".join(cell.text for cell in line).rstrip() for line in lines)
