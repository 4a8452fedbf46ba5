"""What screens and operations work with; the app holds one `Services` and everybody asks it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from textual.dom import DOMNode

from k3k_tui.config import TuiConfig
from k3k_tui.drafts import Drafts
from k3k_tui.feed import FleetFeed
from k3k_tui.jobs.runner import Jobs
from k3k_tui.look.look import Look
from k3k_tui.terminal import Profile

if TYPE_CHECKING:
    from k3k_core.host import HostApi, HostOptions

OpenHost: TypeAlias = "Callable[[str], AbstractAsyncContextManager[HostApi]]"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a screen needs beyond itself.

    Attributes:
        fleet: the fleet; empty until its hosts answer.
        hosts: how each host is reached, by its name.
        open_host: opens a host by name for one action.
        jobs: work in the background.
        look: what to draw with.
        profile: what the terminal can carry.
        config: the user's choices.
        read_only: whether everything that changes something is left out.
        clock: seconds since 1970.
        drafts: what was filled in and not sent yet.
    """

    fleet: FleetFeed
    hosts: Mapping[str, HostOptions]
    open_host: OpenHost
    jobs: Jobs
    look: Look
    profile: Profile
    config: TuiConfig
    read_only: bool
    clock: Callable[[], float]
    drafts: Drafts = field(default_factory=Drafts)


class HasServices(Protocol):
    """An app that has services."""

    @property
    def services(self) -> Services: ...


def services(node: DOMNode) -> Services:
    """Return the services of the app a widget or screen belongs to.

    Args:
        node: the widget or screen, mounted.
    """
    return cast("HasServices", node.app).services
