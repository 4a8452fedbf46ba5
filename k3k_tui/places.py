"""Where somebody can be in the dashboard: an entry of the history, from which its screen can be made again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from k3k_tui.view.state import ViewState

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


@dataclass(frozen=True, slots=True)
class FleetPlace:
    """The fleet screen.

    Attributes:
        view: what is shown of the fleet.
    """

    view: ViewState = field(default_factory=ViewState)


@dataclass(frozen=True, slots=True)
class ControlPlanePlace:
    """The screen of one control plane.

    Attributes:
        key: which one.
        tab: name of the open tab.
    """

    key: FleetKey
    tab: str = "overview"


@dataclass(frozen=True, slots=True)
class HostsPlace:
    """The hosts, how they are and what to do about those that are not well."""


@dataclass(frozen=True, slots=True)
class JobsPlace:
    """What runs in the background and what has run.

    Attributes:
        selected: number of the job whose steps are shown; None for the newest.
    """

    selected: int | None = None


Place: TypeAlias = FleetPlace | ControlPlanePlace | HostsPlace | JobsPlace
