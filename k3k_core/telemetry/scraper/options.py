"""How a scraper works."""

from __future__ import annotations

from dataclasses import dataclass, field

from k3k_core.errors import UsageError
from k3k_core.telemetry.scanner import ScanLimits


@dataclass(frozen=True, slots=True)
class ScrapeOptions:
    """How often control planes are asked, and what they may cost.

    Attributes:
        interval: seconds from one round of a control plane to its next.
        timeout: seconds a round may take.
        concurrency: rounds of control planes in good standing at once; new ones and those whose last round failed
            have a smaller number of slots of their own.
        backoff_limit: the longest time a failing server is left alone, seconds.
        limits: bounds of each page.
    """

    interval: float = 15.0
    timeout: float = 10.0
    concurrency: int = 128
    backoff_limit: float = 120.0
    limits: ScanLimits = field(default_factory=ScanLimits)

    def __post_init__(self) -> None:
        for name in ("interval", "timeout", "backoff_limit"):
            if not getattr(self, name) > 0:
                raise UsageError(
                    f"scrape option {name} is {getattr(self, name)}: it must be more than 0 seconds"
                )
        if self.concurrency < 1:
            raise UsageError(f"scrape option concurrency is {self.concurrency}: it must be at least 1")

    @property
    def patience(self) -> float:
        """Seconds after which a round gives its slot to another one and goes on as overdue."""
        return self.timeout / 10

    @property
    def newcomers(self) -> int:
        """Slots of control planes that have not been through a round yet."""
        return max(2, self.concurrency // 2)

    @property
    def suspects(self) -> int:
        """Slots of control planes whose last round failed."""
        return max(2, self.concurrency // 16)
