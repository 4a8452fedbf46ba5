"""Reading the pages of many control planes at their pace.

Names are loaded on first use: what describes targets and results costs nothing, what connects loads httpx.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k3k_core.telemetry.scraper.figures import HistogramFigures, ScrapeFigures
    from k3k_core.telemetry.scraper.options import ScrapeOptions
    from k3k_core.telemetry.scraper.pool import ScraperPool
    from k3k_core.telemetry.scraper.raw import RawPage
    from k3k_core.telemetry.scraper.scraper import Scraper
    from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, ServerTarget, TargetId

_HOME = {
    "ControlPlaneTarget": "target",
    "HistogramFigures": "figures",
    "RawPage": "raw",
    "ScrapeFigures": "figures",
    "ScrapeOptions": "options",
    "Scraped": "target",
    "Scraper": "scraper",
    "ScraperPool": "pool",
    "ServerTarget": "target",
    "TargetId": "target",
}

__all__ = [
    "ControlPlaneTarget",
    "HistogramFigures",
    "RawPage",
    "ScrapeFigures",
    "ScrapeOptions",
    "Scraped",
    "Scraper",
    "ScraperPool",
    "ServerTarget",
    "TargetId",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
