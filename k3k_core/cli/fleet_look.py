"""Following one control plane for a verb, with errors as every verb has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core.cli.connect import host_options
from k3k_core.cli.session import Session
from k3k_core.errors import ForbiddenError, NotFoundError, UnreachableError
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.fleet import Fleet, FleetRow
    from k3k_core.telemetry.rules import Rule

# Seconds that listing, finding a way, and reading pages may take beyond the windows that are waited for.
_SLACK = 20.0
# Two scrapes are never as far apart as asked for to the last bit.
_ALMOST = 0.8


@dataclass(frozen=True, slots=True)
class Followed:
    """A fleet of one control plane.

    Attributes:
        fleet: it.
        identity: the control plane.
    """

    fleet: Fleet
    identity: ControlPlaneId

    def row(self) -> FleetRow:
        """Return the control plane as it is now.

        Raises:
            NotFoundError: it is gone.
            UnreachableError: its host does not answer.
            ForbiddenError: its host refuses this identity.
        """
        for row in self.fleet.rows.values():
            return row
        for state in self.fleet.hosts.values():
            if state.error and not state.listed:
                refusal = ForbiddenError if state.forbidden else UnreachableError
                raise refusal(state.error, hint=state.hint)
        raise NotFoundError(f"control plane {self.identity} does not exist any more")

    def host_error(self) -> str:
        """Return why the host is not followed at the moment; empty while it is."""
        return next((state.error for state in self.fleet.hosts.values() if state.error), "")


@asynccontextmanager
async def follow(
    session: Session, identity: ControlPlaneId, *, window: float, rules: tuple[Rule, ...] | None = None
) -> AsyncIterator[Followed]:
    """Follow a control plane; two of its scrapes have been made when the block begins, or it is known why not.

    Args:
        session: of the verb.
        identity: the control plane.
        window: seconds between two scrapes.
        rules: what its verdict is made by; None for the shipped ones.

    Raises:
        NotFoundError: there is none of that name.
        K3kError: the host refuses or does not answer.
    """
    from k3k_core.discovery import list_control_planes
    from k3k_core.fleet import Fleet, FleetOptions
    from k3k_core.host import open_host
    from k3k_core.telemetry.rules import load_rules
    from k3k_core.telemetry.scraper import ScrapeOptions

    # What the host refuses is told as every other verb tells it, before it becomes a state to live with.
    async with open_host(host_options(session)) as host:
        rows = await list_control_planes(host, namespace=identity.namespace, now=datetime.now(UTC))
        if all(row.name != identity.name for row in rows):
            raise NotFoundError(
                f"control plane {identity} does not exist on host {host.name}",
                hint="`k3k list` shows what there is.",
            )
    options = FleetOptions(
        hosts=(host_options(session),),
        namespace=identity.namespace,
        only=frozenset((identity,)),
        scrape=ScrapeOptions(interval=window),
        rules=rules if rules is not None else load_rules(),
        history=False,
    )
    async with Fleet(options) as fleet:
        await fleet.settled(3 * window + _SLACK, window=_ALMOST * window)
        yield Followed(fleet, identity)
