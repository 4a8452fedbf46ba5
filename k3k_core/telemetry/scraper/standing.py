"""How a server has behaved, and what it is asked because of that."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from k3k_core.telemetry.scraper.failure import Kind, TargetError

_DEAD: Final[frozenset[Kind]] = frozenset({"timeout", "connect", "tls", "protocol"})
"""Failures of a probe after which a server counts as dead, unless its page came."""

_COSTLY: Final[frozenset[Kind]] = _DEAD | {"content", "limit", "page"}
"""Failures of a page that cost time or memory; an HTTP status does not."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a failing server is left alone.

    Attributes:
        interval: seconds between rounds.
        limit: the longest pause, seconds.
        jitter: share of a pause by which chance makes it longer or shorter.
        chance: a number in [0, 1).
    """

    interval: float
    limit: float
    jitter: float = 0.2
    # Spreads load; no secret depends on it.
    chance: Callable[[], float] = random.random

    def pause(self, failures: int) -> float:
        """Return seconds to leave out after so many failures in a row; the first one costs nothing.

        Half an interval is taken off: rounds begin at fixed times, and the nearest of them is meant.
        """
        if failures < 2:
            return 0.0
        full = min(self.limit, self.interval * 2.0 ** min(failures - 1, 64))
        return full * (1 + self.jitter * (2 * self.chance() - 1)) - self.interval / 2


@dataclass(slots=True)
class _Pause:
    failures: int = 0
    until: float = 0.0

    def failed(self, now: float, backoff: Backoff) -> None:
        self.failures += 1
        self.until = now + backoff.pause(self.failures)

    def reset(self) -> None:
        self.failures, self.until = 0, 0.0


@dataclass(slots=True)
class Standing:
    """What is remembered of one server.

    A server that gives no answer at all is left alone for longer and longer. One that answers its probe but whose
    page costs time or memory is probed in every round, and only its page is left out.

    Attributes:
        backoff: how long it is left alone.
        probe_error: what was wrong with the last probe; empty when it was answered.
        page_error: what was wrong with the last page; empty when it came.
    """

    backoff: Backoff
    probe_error: str = ""
    page_error: str = ""
    _probe_costly: bool = False
    _whole: _Pause = field(default_factory=_Pause)
    _page: _Pause = field(default_factory=_Pause)

    @property
    def suspect(self) -> bool:
        """Whether asking it cost time or memory the last time."""
        return self._probe_costly or self._whole.failures > 0 or self._page.failures > 0

    @property
    def backing_off(self) -> bool:
        """Whether it, or its page, is asked for less often."""
        return self._whole.failures > 1 or self._page.failures > 1

    def resting(self, now: float) -> bool:
        """Tell whether it is left alone wholly."""
        return now < self._whole.until

    def page_resting(self, now: float) -> bool:
        """Tell whether its page is left alone."""
        return self.resting(now) or now < self._page.until

    def record(
        self, now: float, *, probe: TargetError | None, page: TargetError | None, page_asked: bool
    ) -> None:
        """Remember how a round went.

        Args:
            now: when it ended, by the event loop's clock.
            probe: what was wrong with the probe; None when it was answered, or none was made.
            page: what was wrong with the page; None when it came, or was not asked for.
            page_asked: whether the page was asked for.
        """
        self.probe_error = probe.sentence if probe else ""
        self._probe_costly = probe is not None and probe.kind in _COSTLY
        if page_asked:
            self.page_error = page.sentence if page else ""
        # An etcd member is not probed: its page stands for both.
        first = probe or page
        came = page_asked and page is None
        if first is not None and first.kind in _DEAD and not came:
            self._whole.failed(now, self.backoff)
            self._page.reset()
            return
        self._whole.reset()
        if page is not None and page.kind in _COSTLY:
            self._page.failed(now, self.backoff)
        elif page_asked:
            self._page.reset()
