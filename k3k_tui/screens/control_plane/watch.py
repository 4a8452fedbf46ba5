"""Everything the screen knows, kept up to date; without a widget in sight."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from k3k_core.names import ControlPlaneId
from k3k_core.telemetry.history import History
from k3k_tui.screens.control_plane.host_link import HostLink
from k3k_tui.screens.control_plane.sheet import SPANS, SheetView
from k3k_tui.screens.control_plane.subject import Loaded, Subject, VerbRates
from k3k_tui.services import Services
from k3k_tui.widgets import plot

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.description import Description

# Seconds after which what the host's objects say is asked for again, and after a failure.
_OLD, _RETRY = 15.0, 30.0


class ControlPlaneWatch:
    """What is known of one control plane.

    Args:
        services: of the dashboard.
        key: which one.

    Attributes:
        subject: what the fleet tells of it.
        description: what the host's objects say.
        link: its host, for whoever has more to ask.
        span: seconds that plots look back, as somebody chose; 0 for the shortest that holds what is known.
        news: grows with everything that is new.
    """

    def __init__(self, services: Services, key: FleetKey) -> None:
        self._services = services
        self.subject = Subject(key)
        self.description: Loaded[Description] = Loaded()
        self.link = HostLink(lambda: services.open_host(key.host), services.clock)
        self.span = 0.0
        self.news = 0
        self._history = History()
        self._rates = VerbRates()
        self._told_with: object = None
        self._asked_at = 0.0
        self._end: Callable[[], None] = lambda: None

    @property
    def identity(self) -> ControlPlaneId:
        """The control plane within its host."""
        return ControlPlaneId(self.subject.key.namespace, self.subject.key.name)

    def start(self) -> None:
        """Take what the fleet knows, and follow it from now on."""
        feed, key = self._services.fleet, self.subject.key
        self.subject = replace(self.subject, row=feed.rows.get(key), host=feed.hosts.get(key.host))
        self._end = feed.listen(self._hear)
        self._take()

    async def close(self) -> None:
        """Follow nothing any more."""
        self._end()
        await self.link.close()

    def view(self) -> SheetView:
        """Return what there is to show now."""
        known = self._services
        return SheetView(
            subject=self.subject,
            now=known.clock(),
            history=self._history,
            rates=self._rates,
            description=self.description,
            span=self._span,
            glyphs=known.look.glyphs,
            signs=plot.ASCII if known.profile.ascii else plot.UNICODE,
        )

    def next_span(self) -> None:
        """Let plots look back over the next of the spans."""
        self.span = SPANS[(SPANS.index(self._span) + 1) % len(SPANS)]
        self.news += 1

    @property
    def _span(self) -> float:
        if self.span:
            return self.span
        known = self._history.series("verdict")
        slots = next((len(known) - place for place, value in enumerate(known) if not math.isnan(value)), 0)
        return next((span for span in SPANS if slots * self._history.step <= span), SPANS[-1])

    @property
    def description_due(self) -> bool:
        """Whether it is time to ask for the description: never asked, old, or the objects have changed."""
        loaded, row = self.description, self.subject.row
        if loaded.loading or self.subject.gone_since is not None:
            return False
        age = self._services.clock() - self._asked_at
        if loaded.error:
            return age >= _RETRY
        changed = row is not None and row.control_plane != self._told_with
        return loaded.value is None or changed or age >= _OLD

    async def load_description(self) -> None:
        """Ask the host what its objects say."""
        row = self.subject.row
        self._told_with = row.control_plane if row is not None else None
        self._asked_at = self._services.clock()
        self.description = replace(self.description, loading=True)
        self.news += 1
        self.description = await self.link.load(self.description, self._describe)
        self.news += 1

    async def _describe(self, host: HostApi) -> Description:
        # It takes a tenth of a second and more, once: keys go on meanwhile.
        await asyncio.to_thread(import_module, "k3k_core.lifecycle.describe")
        from k3k_core.lifecycle.describe import describe

        now = datetime.fromtimestamp(self._services.clock(), UTC)
        return await describe(host, self.identity, now=now)

    def _hear(self, change: ChangeSet) -> None:
        after = self.subject.after(change, self._services.clock())
        if after is not self.subject:
            self.subject = after
            self._take()

    def _take(self) -> None:
        row = self.subject.row
        if row is not None and self.subject.gone_since is None:
            # The fleet forgets the course of what is gone; here it stays to be looked at.
            self._history = self._services.fleet.history(self.subject.key)
            self._rates.add(row)
        self.news += 1
